"""The process itself: signals, cores under a quota, many worker threads, and the connections it announces."""

import os
import pathlib
import re
import signal
import subprocess
import uuid

import pytest

from tests.lib import queue
from tests.lib.patience import LIMIT, again_after_a_stall
from tests.lib.postgres import Postgres
from tests.lib.process import free_port, wait_until
from tests.lib.service import Program, Service, clean_environment

HELD = 40  # more than one thread has to do with, and few enough to be begun at once on a small machine
HARMLESS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


@pytest.fixture(scope="module")
def ready(program):
    program.migrate()
    program.demo_data(conversations=20, messages_per_conversation=3)
    program.workspace("w")
    return program


def start(program, command, log, prefix=(), **options):
    options = {"listen": f"127.0.0.1:{free_port()}", "storage": f"file://{log.parent}"} | options
    env = clean_environment(program.options | options)
    return subprocess.Popen([*prefix, program.path, command], env=env, stderr=log.open("wb"))


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_signals_that_mean_nothing_here_are_logged_and_harm_nothing(ready, folder, command):
    log = folder / f"harmless-{command}.log"
    process = start(ready, command, log, workers=1)
    wait_until(lambda: "started: " in log.read_text(), f"{command} runs")
    for number in HARMLESS:
        process.send_signal(number)
        wait_until(lambda: f"{number.name}: " in log.read_text() or process.poll() is not None, "a line in the log")
        assert process.poll() is None, number.name
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0
    assert "stopped" in log.read_text()


def test_a_signal_that_means_nothing_does_not_cut_the_stopping_short(ready, folder):
    log = folder / "stopping.log"
    process = start(ready, "serve", log, workers=2)
    wait_until(lambda: "started: " in log.read_text(), "serve runs")
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        for number in HARMLESS:
            process.send_signal(number)
    assert process.returncode == 0, log.read_text()


def test_a_signal_that_means_nothing_does_not_end_the_wait_for_the_database(verbatim, folder):
    log = folder / "waiting.log"
    program = Program(verbatim, f"postgresql://127.0.0.1:{free_port()}/none")
    process = start(program, "serve", log)
    wait_until(lambda: "waiting for the database" in log.read_text(), "serve waits")
    tries = log.read_text().count("waiting for the database")
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count("waiting for the database") > tries, "it goes on waiting")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0


@pytest.fixture
def quota():
    """quota(micros): a new cgroup with so much time of 100,000; the folder to join. Skips where none can be made."""
    made = []

    def make(micros):
        name = f"verbatim_{uuid.uuid4().hex[:8]}"
        for parent, file, text in [("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", f"{micros}"),
                                   ("/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", f"{micros}"),
                                   ("/sys/fs/cgroup", "cpu.max", f"{micros} 100000")]:
            group = pathlib.Path(parent, name)
            try:
                group.mkdir()
            except OSError:
                continue
            made.append(group)
            try:
                (group / file).write_text(text)
                return group
            except OSError:
                continue
        pytest.skip("no cgroup with a quota can be made here")

    yield make
    for group in made:
        wait_until(lambda: not (group / "cgroup.procs").exists() or not (group / "cgroup.procs").read_text(),
                   "the cgroup is empty")
        group.rmdir()


def test_the_default_number_of_workers_follows_the_quota(ready, folder, quota):
    """Of two cores or more, a quota of 0.9 leaves one."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a single core")
    group, log = quota(90000), folder / "quota.log"
    process = start(ready, "serve", log, ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$0" "$@"'])
    wait_until(lambda: "started: " in log.read_text() or process.poll() is not None, "serve runs")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0
    assert " 1 workers," in log.read_text() and "with 1 loops" in log.read_text()


@pytest.fixture(scope="module")
def cluster():
    """A cluster that lets the largest number of worker threads in."""
    with Postgres({"max_connections": "700"}) as server:
        yield server


@pytest.fixture(scope="module")
def large(verbatim, cluster):
    database = cluster.create_database("large")
    queue.prepare(Program(verbatim, database.url), database)
    queue.fill(database, "small", 10)
    return database


@again_after_a_stall
def test_the_largest_number_of_workers_starts_and_keeps_all_its_segments(verbatim, large, folder):
    """Some are held by the source at once: each is beaten for, and none is lost."""
    large.execute("DELETE FROM verbatim.job")
    options = {"storage": f"file://{folder}", "workers": 256, "max_running": 1000, "lease": "15s"}
    with Service(Program(verbatim, large.url), folder, **options):
        there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'verbatim worker' AND datname = 'large'"
        wait_until(lambda: large.value(there) == 256, "all to be connected", 120)
        with large.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
            with large.connect() as orders, orders.transaction():  # in one, or each would wake all of them
                jobs = [queue.add_job(large, "small", connection=orders) for _ in range(HELD)]
            held = "SELECT min(lease_until), max(lease_until), count(*) FROM verbatim.segment WHERE status = 'running'"
            wait_until(lambda: large.execute(held)[0][2] == HELD, "all to be at work")
            last = large.execute(held)[0][1]
            wait_until(lambda: large.execute(held)[0][0] > last, "a beat for each")
        for job_id in jobs:
            queue.finished(large, job_id)
    assert large.execute("SELECT max(lost_leases), max(attempts) FROM verbatim.segment") == [(0, 0)]


def announced(service):
    found = re.search(r"at most (\d+) connections to the database and (\d+) to the source", service.log())
    return int(found[1]), int(found[2])


def connected(database, source):
    return tuple(database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type ="
                                " 'client backend' AND application_name LIKE 'verbatim%%'", [name])
                 for name in (database.name, source.name))


@pytest.mark.parametrize("workers", [0, 3])
def test_the_connections_told_at_the_start_are_those_it_comes_to(verbatim, cluster, smtp, folder, workers):
    database = cluster.create_database(f"queue_{workers}")
    source = cluster.create_database(f"source_{workers}")
    queue.prepare(Program(verbatim, database.url), database)
    source.execute(queue.SOURCE)
    queue.fill(source, "small", 10)
    options = {"storage": f"file://{folder}", "workers": workers, "source_url": source.url,
               "smtp_url": f"smtp://127.0.0.1:{smtp.port}", "mail_from": "export@verbatim.example"}
    with Service(Program(verbatim, database.url), folder, **options) as service:
        wait_until(lambda: "to the source" in service.log(), "the announcement")
        most = announced(service)
        with source.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE chat.message IN ACCESS EXCLUSIVE MODE")
            for _ in range(workers):
                queue.add_job(database, "small")
            wait_until(lambda: connected(database, source)[0] == most[0], "all connections to the database")
            wait_until(lambda: connected(database, source)[1] >= workers, "the readers")
            assert connected(database, source)[1] <= most[1]
        wait_until(lambda: database.value("SELECT count(*) FROM verbatim.job WHERE status <> 'finished'") == 0,
                   "the jobs to end")
        assert connected(database, source)[0] == most[0] and connected(database, source)[1] <= most[1]


def test_a_server_with_too_few_connections_is_told_of_with_numbers(ready, folder, verbatim, large):
    """Database and source in one server count together; where there is room nothing is said."""
    log = folder / "few.log"
    process = start(ready, "worker", log, workers=256)
    try:
        wait_until(lambda: "raise max_connections" in log.read_text(), "the warning")
    finally:
        process.kill()
        process.wait()
    needed = re.search(r"at most (\d+) connections to the database and (\d+) to the source", log.read_text())
    line = next(line for line in log.read_text().splitlines() if "raise max_connections" in line)
    assert " warn " in line and "lower the option workers" in line
    told = re.search(r"needs at most (\d+) connections to the server of the database and the source, which has (\d+)"
                     r" and (\d+) of them taken", line)
    assert int(told[1]) == int(needed[1]) + int(needed[2]) > int(told[2]) > int(told[3]) > 0
    room = {"workers": 1, "storage": f"file://{folder}"}
    with Service(Program(verbatim, large.url), folder, command="worker", **room) as enough:
        wait_until(lambda: "started: " in enough.log(), "a worker with room")
        assert "raise max_connections" not in enough.log()
