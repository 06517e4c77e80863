"""Signed lists in archives: the same bytes however cut, checked by openssl and sha256sum alone, and by
`verbatim verify`, which tells what was changed."""

import hashlib
import io
import json
import shutil
import subprocess
import zipfile

import pytest

from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.queue import Crew
from tests.lib.service import Program

OWN = ["manifest.sha256", "manifest.sig", "manifest.json"]
CHUNK = 20
FORMS = {"plain": {}, "chunks": {"format": "json", "files": "chunks"}, "pages": {"format": "html", "files": "chunks"}}


@pytest.fixture(scope="module", autouse=True)
def source(program, database):
    queue.prepare(program, database, w={"max_running": 50})
    queue.fill(database, "full", 150, messages=3)
    queue.fill(database, "none", 0)


def export(database, local, channel, form="plain"):
    found = queue.finished(database, queue.add_job(
        database, channel, specification=json.dumps({"select": {"channel_id": channel}} | FORMS[form])))
    return queue.archive(local, found)


@pytest.fixture(scope="module")
def whole(program, database, folder, local):
    """By form, in one piece; and the public key's file."""
    with Crew(program, folder, local, workers=1, s3_equal_parts="on", chunk=CHUNK, manifest="on"):
        made = {form: export(database, local, "full", form) for form in FORMS}
        made["none"] = export(database, local, "none")
    key = folder / "manifest.pub"
    key.write_text(program.run("manifest", "key").stdout)
    return made, key


@pytest.fixture
def unpacked(whole, tmp_path):
    with zipfile.ZipFile(io.BytesIO(whole[0]["plain"])) as archive:
        archive.extractall(tmp_path / "out")
    return tmp_path / "out"


def verify(program, path, *flags):
    done = Program(program.path).run("verify", str(path), *flags, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("form", [*FORMS, "none"])
def test_the_list_is_of_all_entries(whole, form):
    archive = zipfile.ZipFile(io.BytesIO(whole[0][form]))
    names = archive.namelist()
    assert names[-3:] == OWN and archive.testzip() is None
    listed = json.loads(archive.read("manifest.json"))
    assert listed["version"] == 1 and listed["entries"] == [
        {"name": name, "size": len(archive.read(name)), "sha256": hashlib.sha256(archive.read(name)).hexdigest()}
        for name in names[:-3]]
    conversations = 0 if form == "none" else 150
    assert listed["counts"] == {"entries": len(names) - 3, "conversations": conversations,
                                "messages": 3 * conversations, "bytes": sum(one["size"] for one in listed["entries"])}
    assert names[:-3] == ["nothing-found.txt"] if form == "none" else len(names) > 8


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tuning", [{"page": 4, "cuts": 6, "workers": 3}, {"page": 40, "cuts": 50, "unit": 20000}])
def test_the_same_bytes_however_cut(program, database, folder, local, whole, form, tuning):
    with Crew(program, folder, local, chunk=CHUNK, manifest="on", **tuning):
        assert export(database, local, "full", form) == whole[0][form]


def test_an_archive_begun_with_one_is_closed_with_one(program, database, folder, local, whole):
    """Whatever the option of whoever goes on says: here of the process that takes over from one that was killed."""
    tuning = {"page": 4, "cuts": 6, "unit": 20000, "chunk": CHUNK}
    with Crew(program, folder, local, workers=1, manifest="on", lease="2s", **tuning) as crew:
        job_id = queue.add_job(database, "full", specification=json.dumps({"select": {"channel_id": "full"}}))
        wait_until(lambda: database.value(
            "SELECT count(*) FROM verbatim.segment WHERE job_id = %s AND status = 'recorded'", [job_id]), "a segment")
        crew.kill()
    left = database.value("SELECT count(*) FROM verbatim.segment WHERE job_id = %s AND status <> 'recorded'", [job_id])
    with Crew(program, folder, local, manifest="off", lease="2s", **tuning):
        found = queue.finished(database, job_id)
    assert left > 0 and queue.archive(local, found) == whole[0]["plain"]


def test_there_is_none_unless_asked_for(program, database, folder, local):
    with Crew(program, folder, local):
        assert "manifest.json" not in zipfile.ZipFile(io.BytesIO(export(database, local, "full"))).namelist()


def test_it_is_checked_by_openssl_and_sha256sum(whole, unpacked):
    subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=unpacked, check=True)
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(whole[1]), "-rawin",
                    "-in", "manifest.sha256", "-sigfile", "manifest.sig"], cwd=unpacked, check=True)


def test_verify_finds_it_whole(program, whole, tmp_path):
    path = tmp_path / "a.zip"
    for form, data in whole[0].items():
        path.write_bytes(data)
        status, report = verify(program, path, "--key", str(whole[1]))
        assert status == 0 and "as listed in the manifest of key" in report and "warning" not in report, (form, report)
    status, report = verify(program, path, "--manifest")
    assert status == 0 and "manifest.sig: was not checked: no public key was named" in report
    status, report = verify(program, path, "--key", str(whole[1]), "--json")
    report = json.loads(report)
    listed = json.loads(zipfile.ZipFile(path).read("manifest.json"))
    assert report["listed"] == listed["counts"]["entries"] and report["manifest_key"] == listed["key"]


def again(path, unpacked, names, key):
    """Packs what is in the folder, as whoever changes an archive would."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(unpacked / name, name)
    return "--key", str(key)


def changed(unpacked, names):
    """What was done: the names in their new order, and what has to be told."""
    first, second = names[0], names[1]

    def edit():
        (unpacked / second).write_bytes((unpacked / second).read_bytes().replace(b"Message 1", b"Massage 1"))
        return names, f"{second}: differs in size or SHA-256"

    def leave_out():
        return names[1:], f"{second}: is not listed here: the manifest has {first}"

    def add():
        (unpacked / "Zoe--2026-04-08_032443--SMS.csv").write_bytes((unpacked / first).read_bytes())
        return [*names[:-3], "Zoe--2026-04-08_032443--SMS.csv", *OWN], "Zoe--2026-04-08_032443--SMS.csv: is not listed"

    def cut_off():
        return [*names[:-4], *OWN], "manifest.json: lists entries that are not there"

    def swap():
        return [second, first, *names[2:]], f"{second}: is not listed here"

    def list_anew():
        edit()
        old, new = unpacked / "manifest.json", unpacked / second
        listed = json.loads(old.read_text())
        listed["entries"][1]["sha256"] = hashlib.sha256(new.read_bytes()).hexdigest()
        lines = ",\n".join(json.dumps(one, separators=(",", ":"), ensure_ascii=False) for one in listed["entries"])
        tail = json.dumps({"counts": listed["counts"], "key": listed["key"]}, separators=(",", ":"))[1:]
        old.write_text(f'{{"version":1,"entries":[\n{lines}\n],{tail}\n')
        return names, "manifest.sha256: is not the digest of manifest.json"

    def digest_anew():
        list_anew()
        digest = hashlib.sha256((unpacked / "manifest.json").read_bytes()).hexdigest()
        (unpacked / "manifest.sha256").write_text(f"{digest}  manifest.json\n")
        return names, "manifest.sig: is no signature of this manifest by that key"

    def drop():
        return names[:-1], "the archive has no manifest.json"

    def no_signature():
        return [name for name in names if name != "manifest.sig"], "manifest.sig: is not there"

    return [edit, leave_out, add, cut_off, swap, list_anew, digest_anew, drop, no_signature]


@pytest.mark.parametrize("number", range(9))
def test_verify_tells_what_was_changed(program, whole, unpacked, tmp_path, number):
    names = zipfile.ZipFile(io.BytesIO(whole[0]["plain"])).namelist()
    path = tmp_path / "changed.zip"
    order, problem = changed(unpacked, names)[number]()
    flags = again(path, unpacked, order, whole[1])
    assert verify(program, path)[0] == 0  # by itself it is a good archive
    status, report = verify(program, path, *flags)
    assert status == 1 and f"failed   {problem}" in report, report


def test_keys_are_made_anew_and_stay_known(program, database, folder, local, whole, tmp_path):
    assert program.run("manifest", "key").stdout == whole[1].read_text()
    new = program.run("manifest", "key", "--new").stdout
    assert new != whole[1].read_text() and program.run("manifest", "key").stdout == new
    listed = json.loads(program.run("manifest", "keys", "--json").stdout)
    assert [one["public_key"] for one in listed] == [new, whole[1].read_text()]
    with Crew(program, folder, local, manifest="on"):
        path = tmp_path / "new.zip"
        path.write_bytes(export(database, local, "none"))
    key = tmp_path / "new.pub"
    key.write_text(new)
    assert verify(program, path, "--key", str(key))[0] == 0
    status, report = verify(program, path, "--key", str(whole[1]))
    assert status == 1 and f"was signed by key {listed[0]['id']}, not by {listed[1]['id']}" in report
    database.execute("DELETE FROM verbatim.manifest_key WHERE key_id = %s", [listed[0]["id"]])


def test_what_is_no_key_is_a_wrong_word(program, whole, tmp_path):
    path, key = tmp_path / "a.zip", tmp_path / "key"
    path.write_bytes(whole[0]["none"])
    assert verify(program, path, "--key", str(key))[0] == 2
    key.write_text("no key")
    assert verify(program, path, "--key", str(key))[0] == 2
    shutil.copy(whole[1], key)
    single = tmp_path / "a.csv"
    single.write_text("a\r\n")
    status, report = verify(program, single, "--key", str(key))
    assert status == 1 and "a single file has no manifest" in report


def test_the_api_may_not_see_the_keys(database):
    role = database.value("SELECT rolname FROM pg_roles WHERE rolname ~ '^verbatim_api(_|$)' LIMIT 1")
    assert not database.value("SELECT has_table_privilege(%s, 'verbatim.manifest_key', 'SELECT')", [role])
