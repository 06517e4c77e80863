"""The version before (VERBATIM_PREVIOUS) and this one on one database, while exports run: no export fails or is lost,
and each has the bytes that one of the two would have written alone."""

import itertools
import os
import re

import pytest

from tests.lib.postgres import Postgres
from tests.lib.process import wait_until
from tests.lib.service import Program, Service

EXPORTS = "/api/v1/workspace/acme/exports"
WANTED = {
    "csv": {}, "single csv": {"files": "single"}, "leads": {"layout": "leads", "files": "chunks"},
    "json": {"format": "json", "files": "single"}, "ndjson": {"format": "ndjson", "files": "single"},
    "html": {"format": "html", "files": "single"}, "pdf": {"format": "pdf"},
}
CONVERSATIONS, MESSAGES = 300, 40


def without_new_options(program, folder):
    """The tests' own variables may name options that the version before does not know."""
    script = folder / "previous"
    script.write_text(f'#!/bin/sh\nunset VERBATIM_STOP_DELAY\nexec {program} "$@"\n')
    script.chmod(0o755)
    return script


class Deployment:
    """One database and one storage, and programs of both versions on them."""

    def __init__(self, folder, cluster, verbatim, previous):
        self.folder = folder
        self.archives = folder / "archives"
        self.archives.mkdir()
        self.database = cluster.create_database("upgraded")
        options = {"storage": f"file://{self.archives}", "lease": "3s", "max_running": 20}
        self.programs = {name: Program(path, self.database.url, options)
                         for name, path in (("previous", without_new_options(previous, folder)), ("this", verbatim))}
        self.programs["previous"].migrate()
        self.programs["previous"].demo_data(conversations=CONVERSATIONS, messages_per_conversation=MESSAGES)
        source_id = self.database.value("SELECT workspace_id::text FROM chat.conversation LIMIT 1")
        self.programs["previous"].run("workspace", "set", "acme", "--source-id", source_id)
        self.key = self.programs["previous"].key("acme")

    def service(self, version, **options):
        return Service(self.programs[version], self.folder, **options)

    def order(self, service, name):
        answer = service.request("POST", EXPORTS, self.key, json_body={"select": {"all": True}} | WANTED[name])
        assert answer.status == 202, answer.body
        return answer.json()["export_id"]

    def status(self, export_id):
        """By the row, for no process of either version need be there."""
        return self.database.execute("SELECT status, error_message FROM verbatim.job WHERE job_id = %s", [export_id])[0]

    def end(self, export_ids, seconds=120):
        def all_ended():
            return all(self.status(each)[0] in ("finished", "failed", "cancelled") for each in export_ids)
        wait_until(all_ended, "all exports end", seconds)
        return {each: self.status(each) for each in export_ids}

    def bytes_of(self, export_id):
        """Without the moment at which it was ordered, which heads of HTML files tell."""
        (path,) = [path for path in self.archives.glob(f"**/{export_id}-*/*") if path.is_file()]
        head, article, rest = path.read_bytes().partition(b"<article")
        return re.sub(rb"<time[^>]*>[^<]*</time>", b"<time>", head) + article + rest if article else head

    def alone(self, version):
        """What one version writes by itself: {name: bytes}."""
        with self.service(version, workers=2) as service:
            ordered = {name: self.order(service, name) for name in WANTED}
            ended = self.end(ordered.values())
            assert {status for status, _ in ended.values()} == {"finished"}, ended
        return {name: self.bytes_of(each) for name, each in ordered.items()}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with Postgres() as cluster:
        yield Deployment(tmp_path_factory.mktemp("upgrade"), cluster, os.environ["VERBATIM_BINARY"],
                         os.environ["VERBATIM_PREVIOUS"])


def test_exports_go_on_while_one_version_takes_the_place_of_the_other(deployment):
    """Old processes on the old schema, migrate under them, new ones beside them, the old ones go, with orders."""
    known = {"previous": deployment.alone("previous")}
    names, ordered = itertools.cycle(WANTED), {}

    def order(service, count):
        for name in itertools.islice(names, count):
            ordered[deployment.order(service, name)] = name

    with deployment.service("previous", workers=1) as old:
        old_worker = deployment.service("previous", command="worker", workers=1)
        old_worker.start()
        order(old, 7)
        print(deployment.programs["this"].run("migrate").stdout.strip())
        order(old, 7)  # the old version on the new schema
        with deployment.service("this", workers=1) as new:
            order(new, 7)
            order(old, 7)
            old_worker.stop()
            wait_until(lambda: sum(deployment.status(each)[0] == "finished" for each in ordered) > 5, "some end", 120)
            old.stop()
            order(new, 7)
            ended = deployment.end(ordered)
    assert {status for status, _ in ended.values()} == {"finished"}, {
        ordered[each]: end for each, end in ended.items() if end[0] != "finished"}
    known["this"] = deployment.alone("this")
    same = [name for name in WANTED if known["previous"][name] == known["this"][name]]
    print(f"{len(ordered)} exports, none failed; both versions write the same {', '.join(same) or 'nothing'}")
    for each, name in ordered.items():
        is_known = deployment.bytes_of(each) in (known["previous"][name], known["this"][name])
        assert is_known, name


def test_this_version_carries_out_what_the_one_before_ordered_and_the_other_way_round(tmp_path_factory):
    """Each version's processes are there, but only one's have workers."""
    for workers in ("previous", "this"):
        with Postgres() as cluster:
            one = Deployment(tmp_path_factory.mktemp(workers), cluster, os.environ["VERBATIM_BINARY"],
                             os.environ["VERBATIM_PREVIOUS"])
            count = {"previous": 0, "this": 0} | {workers: 2}
            with one.service("previous", workers=count["previous"]) as old:
                one.programs["this"].migrate()
                with one.service("this", workers=count["this"]) as new:
                    ordered = {one.order(service, name): name for name in WANTED for service in (old, new)}
                    ended = one.end(ordered)
            assert {status for status, _ in ended.values()} == {"finished"}, (workers, {
                ordered[each]: end for each, end in ended.items() if end[0] != "finished"})
            by_name = {}
            for each, name in ordered.items():
                by_name.setdefault(name, set()).add(one.bytes_of(each))
            assert all(len(found) == 1 for found in by_name.values()), {n: len(f) for n, f in by_name.items()}
