"""Each counter of /metrics can move: what is listed there and never counted tells an operator that all is well."""

import pathlib
import re
import time

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import http_source as source
from tests.lib.fault_proxy import FaultProxy
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
BUCKET = "metrics"


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.lonely_talks(database, 3)
    return source.make_workspaces(program)


def test_each_counter_of_the_table_is_counted_somewhere():
    table = (ROOT / "include/verbatim/metrics.h").read_text()
    counters = set(re.findall(r"\bVB_COUNT_\w+", table))
    rows = re.findall(r"\[(VB_COUNT_\w+)\] = ", (ROOT / "base/metrics.c").read_text())
    assert sorted(rows) == sorted(counters), "each has its row of name and help"
    code = "".join(path.read_text() for folder in ("base", "s3", "export", "service")
                   for path in (ROOT / folder).rglob("*.c") if path.name != "metrics.c")
    calls = " ".join(re.findall(r"vb_count\(([^;]*)\);", code))
    assert len(counters) > 20
    assert [name for name in sorted(counters) if not re.search(rf"\b{name}\b", calls)] == []


def counted(service, keys):
    """By name. Each loop has connections of its own: one may be without the database a moment longer than another."""
    def answered():
        answer = service.get("/metrics", keys["metrics"])
        return answer if answer.status == 200 else None
    lines = wait_until(answered, "figures").body.decode().splitlines()
    return {line.split()[0].removeprefix("verbatim_"): float(line.split()[1]) for line in lines if line[0] != "#"}


def moved(service, keys, before, names):
    """The growth of the counters named, once each has grown."""
    def grown():
        now = counted(service, keys)
        growth = {name: now[name] - before[name] for name in names}
        return growth if all(growth.values()) else None
    return wait_until(grown, f"{names} to move")


def test_an_export_moves_its_counters(minio, keys, make_service, smtp):
    minio.make_bucket(BUCKET)
    with FaultProxy(minio.endpoint, lambda method, target: method == "PUT" and not proxy.lost) as proxy:
        storage = Storage("proxied", minio.options(BUCKET) | {"s3_endpoint": proxy.endpoint}, minio.credentials())
        service = make_service(storage, workers=1, smtp_url=f"smtp://127.0.0.1:{smtp.port}",
                               mail_from="export@verbatim.example")
        before = counted(service, keys)
        service.export("one", keys["one"], notification_email="ada@example.com", **RANGE)
        growth = moved(service, keys, before, [
            "jobs_created_total", "jobs_finished_total", "job_duration_seconds_total", "segments_claimed_total",
            "segments_recorded_total", "queue_polls_total", "messages_total", "conversations_total",
            "rendered_bytes_total", "stored_bytes_total", "storage_retries_total", "mails_sent_total",
            "http_requests_total"])
        assert proxy.lost == 1
        assert (growth["jobs_finished_total"], growth["conversations_total"], growth["messages_total"]) == (1, 3, 3)
        assert growth["storage_retries_total"] == 1
        service.stop()  # its worker is to take no other test's export


def test_what_goes_wrong_moves_its_counters(keys, make_service, database):
    service = make_service(workers=1, smtp_url="smtp://127.0.0.1:1", mail_from="export@verbatim.example",
                           max_attempts=2)
    before = counted(service, keys)
    with RawConnection(service.port) as connection:
        assert connection.send(b"?\r\n\r\n").answer().status == 400
    service.export("one", keys["one"], notification_email="ada@example.com", **RANGE)
    moved(service, keys, before, ["http_refused_total", "mails_failed_total"])
    wait_until(lambda: counted(service, keys)['mails{state="waiting"}'] == 1, "the mail that waits")
    for columns, state in ("unanswered = 1", "unconfirmed"), ("unanswered = 0, given_up_at = now()", "failed"):
        database.execute(f"UPDATE verbatim.outbox SET {columns} WHERE sent_at IS NULL")
        now = counted(service, keys)
        assert {name: now[f'mails{{state="{name}"}}'] for name in ("waiting", "unconfirmed", "failed")} == {
            "waiting": 0, "unconfirmed": 0, "failed": 0} | {state: 1}
    database.execute("ALTER TABLE chat.message RENAME TO gone")
    try:
        job = service.start_export("one", keys["one"], **RANGE).json()["export_job_id"]
        assert service.wait_for_job("one", keys["one"], job)["status"] == "failed"
    finally:
        database.execute("ALTER TABLE chat.gone RENAME TO message")
    assert moved(service, keys, before, ["jobs_failed_total"]) == {"jobs_failed_total": 1}
    service.stop()


def test_connections_made_again_are_counted_once_each(keys, make_service, database):
    """Made again, not lost: while the database is away there is nothing to count."""
    service = make_service(workers=0)
    before = counted(service, keys)["database_reconnects_total"]
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    cut = database.value(f"SELECT count(pg_terminate_backend(pid)) {others}")
    wait_until(lambda: service.get("/readyz").status == 200, "the database to be used again")
    growth = wait_until(lambda: counted(service, keys)["database_reconnects_total"] - before, "connections")
    assert 0 < growth <= cut


TOKEN = "a-token-of-the-monitoring"


@pytest.fixture(scope="module")
def watched(keys, make_service):
    """A front with a token for its figures."""
    return make_service(workers=0, metrics_token=TOKEN)


def figures(service, **headers):
    return service.figures(headers=headers or {"Authorization": f"Bearer {TOKEN}"})


def test_the_token_opens_the_figures_and_nothing_else(watched, keys):
    assert figures(watched)["verbatim_worker_processes"] == "0"
    assert figures(watched, **{"X-API-Key": keys["metrics"]}), "keys go on beside it"
    for wrong in ("Bearer another-token-of-the-monitoring", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer"):
        assert watched.request("GET", "/metrics", headers={"Authorization": wrong}).status == 401
    exports = watched.request("GET", "/api/v1/workspace/one/exports", headers={"Authorization": f"Bearer {TOKEN}"})
    assert exports.status == 401
    assert TOKEN not in watched.log()


def test_each_family_is_declared_once_and_before_its_samples(watched):
    """As the text format has it: parsers of Prometheus refuse a second TYPE line, and samples that stand apart."""
    text = watched.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).body.decode()
    families, current = [], None
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            current = line.split()[2]
            assert current not in families
            families.append(current)
        elif line[0] != "#":
            name = re.match(r"[a-zA-Z_:]+", line)[0]
            assert name == current or (name.removeprefix(current) in ("_bucket", "_sum", "_count")), line
    assert len(families) > 40


def test_the_build_and_the_process_are_told(watched, program):
    found = figures(watched)
    builds = [name for name in found if name.startswith("verbatim_build_info{")]
    version = program.run("--version").stdout.split()[1]
    assert len(builds) == 1 and f'version="{version}"' in builds[0]
    status = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{watched.process.pid}/status").read_text().splitlines())
    resident = 1024 * int(status["VmRSS"].split()[0])
    assert float(found["process_resident_memory_bytes"]) == pytest.approx(resident, rel=.5)
    assert int(found["process_threads"]) == int(status["Threads"])
    assert 10 < int(found["process_open_fds"]) < 1000 < int(found["process_max_fds"])
    assert time.time() - 600 < float(found["process_start_time_seconds"]) <= time.time() + 2
    assert float(found["process_cpu_seconds_total"]) > 0


def test_answers_are_counted_by_route_class_and_time(watched, keys):
    job = "/api/v1/workspace/{}/export-conversations/{}"
    nobody = "00000000-0000-0000-0000-000000000000"

    def of(name, route, **labels):
        found = figures(watched)
        wanted = f'verbatim_http_{name}{{' + ",".join(f'{k}="{v}"' for k, v in
                                                      {"method": "GET", "route": route, **labels}.items()) + "}"
        return float(found.get(wanted, 0))
    assert watched.get(job.format("one", nobody), keys["one"]).status == 404
    assert watched.get(job.format("one", nobody)).status == 401
    assert watched.get("/healthz").status == 200
    assert watched.get("/no/such/path").status == 404
    assert watched.request("PUT", "/healthz").status == 405
    assert of("responses_total", job, status="4xx") == 2
    assert of("responses_total", "/healthz", status="2xx") == 1
    assert of("responses_total", "other", method="other", status="4xx") == 2, "no label is made of what clients send"
    buckets = {name: float(value) for name, value in figures(watched).items()
               if name.startswith("verbatim_http_request_duration_seconds_bucket") and f'"{job}"' in name}
    assert list(buckets.values()) == sorted(buckets.values()) and len(buckets) == 15
    assert list(buckets.values())[-1] == 2 == of("request_duration_seconds_count", job)
    assert 0 < of("request_duration_seconds_sum", job) < 60


def test_leftovers_and_workers_are_counted(watched, keys, make_service, database):
    database.execute("DELETE FROM verbatim.cleanup")
    database.execute("INSERT INTO verbatim.cleanup (workspace_id, job_id, storage, object_key, keep_object, not_before)"
                     " SELECT 'one', gen_random_uuid(), 'file:elsewhere', 'key', false, now() - interval '1 hour'")
    found = figures(watched)
    assert found["verbatim_cleanup_rows"] == "1"
    assert float(found["verbatim_oldest_cleanup_seconds"]) == pytest.approx(3600, abs=300)
    database.execute("DELETE FROM verbatim.cleanup")
    worker = make_service(command="worker", workers=2)
    wait_until(lambda: figures(watched)["verbatim_worker_processes"] == "1", "the worker's beat")
    found = figures(watched)
    assert found["verbatim_worker_threads"] == "2"
    assert 0 <= float(found["verbatim_worker_beat_age_seconds"]) < 60
    worker.stop()
    assert figures(watched)["verbatim_worker_processes"] == "0"
