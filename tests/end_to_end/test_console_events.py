"""Lists that follow by themselves: server-sent events of exports, of two processes on one database."""

import contextlib
import json
import re

import pytest

from tests.lib import http_source as source
from tests.lib.browser import Browser
from tests.lib.event_stream import EventStream
from tests.lib.http_raw import RawConnection
from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

SESSION = "/api/v1/console/session"
EXPORTS = "/api/v1/workspace/one/exports"
EVENTS = EXPORTS + "/events"
MARK = {"X-Verbatim-Console": "1"}
BODY = {"select": {"all": True}, "format": "ndjson"}


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    keys = source.make_workspaces(program)
    keys["owner"] = keys["one"]
    keys["viewer"] = program.key("one", role="viewer")
    keys["editor"] = program.key("one", role="editor", audience=["vip", "sales"])
    keys["other"] = program.key("one", role="editor", audience=["vip"])
    # Who asked how often: every look calls this function once.
    database.execute(f"ALTER DATABASE {database.name} SET track_functions = 'all'")
    return keys


@pytest.fixture(scope="module")
def other(service, make_service):
    """A second process, which does the work."""
    return make_service(workers=1)


def key_of(key):
    return {"X-API-Key": key}


def session_of(service, key):
    answer = service.request("POST", SESSION, json_body={"key": key}, headers=MARK)
    return {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}


def create(service, key, body=BODY):
    answer = service.request("POST", EXPORTS, key, json_body=body)
    assert answer.status == 202, answer.body
    return answer.json()["export_id"]


def looks(database):
    return database.value("SELECT coalesce(sum(calls), 0)::int FROM pg_stat_user_functions"
                          " WHERE funcname = 'viewers_good'")


def test_what_happens_to_an_export_is_told(service, other, keys):
    with EventStream(service, EVENTS, key_of(keys["owner"])) as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        assert events.headers["Cache-Control"] == "no-store"
        assert events.headers["X-Accel-Buffering"] == "no"
        events.ready()
        export = create(service, keys["owner"])
        told = events.wait(export, lambda data: data["status"] == "finished", "the end")
        shown = service.get(f"{EXPORTS}/{export}", keys["owner"]).json()
        assert told == shown and told["download_url"]
        order = ["queued", "started", "finished"]
        statuses = [data["status"] for data in events.of(export)]
        assert statuses == sorted(statuses, key=order.index)
        assert len({json.dumps(data, sort_keys=True) for data in events.of(export)}) == len(statuses), "nothing twice"
        assert service.request("DELETE", f"{EXPORTS}/{export}", keys["owner"]).status == 204
        assert events.wait(export, name="gone") == {"export_id": export}
        assert events.events[-1] == ("gone", {"export_id": export})
        assert events.ended is None


def test_a_list_is_followed_through_every_process(service, other, keys):
    with EventStream(service, EVENTS, key_of(keys["owner"])) as here, \
            EventStream(other, EVENTS, session_of(service, keys["owner"])) as there:
        here.ready(), there.ready()
        export = create(other, keys["owner"])
        for events in (here, there):
            assert events.wait(export, lambda data: data["status"] == "finished")["requested_by"]


def test_a_head_opens_no_stream(service, keys):
    answer = service.request("HEAD", EVENTS, keys["owner"])
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "text/event-stream", b"")


def test_only_who_may_look_follows(service, keys):
    assert service.get(EVENTS).status == 401
    assert service.get(EVENTS, keys["metrics"]).status == 403
    assert service.get(EVENTS, keys["two"]).status == 404
    assert service.request("POST", EVENTS, keys["owner"], json_body={}).status == 405


def test_each_sees_what_is_its_own(service, keys, database):
    """Editors their audience, viewers no links, a workspace its exports."""
    with contextlib.ExitStack() as stack:
        owner, viewer, editor, other = (
            stack.enter_context(EventStream(service, EVENTS, key_of(keys[name]))).ready()
            for name in ("owner", "viewer", "editor", "other"))
        two = stack.enter_context(EventStream(service, EVENTS.replace("one", "two"), key_of(keys["two"]))).ready()
        everybodys = create(service, keys["owner"])
        editors = create(service, keys["editor"])
        twos = service.request("POST", EXPORTS.replace("one", "two"), keys["two"], json_body=BODY).json()["export_id"]
        for events in (owner, viewer):
            assert events.wait(everybodys) and events.wait(editors)
        assert editor.wait(editors) and two.wait(twos)
        database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = 'a/b/c.json',"
                         " link_expires_at = now() + interval '1 hour' WHERE job_id = %s AND status = 'queued'",
                         [editors])
        for events, has_link in ((owner, True), (editor, True), (viewer, False)):
            told = events.wait(editors, lambda data: data["status"] == "finished")
            assert bool(told["download_url"]) == has_link
        for name, export in (("owner", everybodys), ("editor", editors)):
            assert service.request("DELETE", f"{EXPORTS}/{export}", keys[name]).status == 204
        assert editor.wait(editors, name="gone") and viewer.wait(everybodys, name="gone")
        # What came last is there, so nothing that came before is still under way.
        last = create(service, keys["other"])
        assert other.wait(last) and owner.wait(last)
        assert {data["export_id"] for name, data in editor.events[1:]} == {editors}
        assert {data["export_id"] for name, data in other.events[1:]} == {last}
        assert {data["export_id"] for name, data in two.events[1:]} == {twos}
        assert twos not in {data.get("export_id") for name, data in owner.events}


@pytest.fixture
def copy(service, keys, database):
    """Makes rows of jobs like one that waits: for ever, since nobody may start them."""
    columns = [name for name, in database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'verbatim.job'::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' AND attidentity = ''")]
    model = create(service, keys["owner"])
    database.execute("UPDATE verbatim.job SET status = 'failed', finished_at = now() WHERE job_id = %s", [model])
    changed = {"job_id": "gen_random_uuid()", "active_key": "NULL", "idempotency_key": "NULL"}
    text = (f"INSERT INTO verbatim.job ({', '.join(columns)})"
            f" SELECT {', '.join(changed.get(name, name) for name in columns)}"
            " FROM verbatim.job, generate_series(1, %s) WHERE job_id = %s RETURNING job_id::text")

    def make(connection, count=1):
        return [name for name, in connection.execute(text, [count, model]).fetchall()]
    return make


def test_who_commits_last_is_told_as_well(service, keys, database, copy):
    """A change that was noted first and became visible last; and many of one moment."""
    with EventStream(service, EVENTS, key_of(keys["owner"])) as events, database.connect() as connection:
        events.ready()
        connection.autocommit = False
        early, = copy(connection)
        with database.connect() as quick:
            late = copy(quick, 60)
            quick.commit()
        for name in late:
            events.wait(name)
        assert events.of(early) == []
        connection.commit()
        events.wait(early)
        wait_until(lambda: len(events.events) == 62, "everything")
        assert sorted(data["export_id"] for _, data in events.events[1:]) == sorted([early, *late])


def test_what_becomes_of_a_mail_is_told(service, keys, database, copy):
    with EventStream(service, EVENTS, key_of(keys["owner"])) as events, database.connect() as connection:
        events.ready()
        export, = copy(connection)
        connection.execute("UPDATE verbatim.job SET status = 'finished', notification_email = 'a@example.com'"
                           " WHERE job_id = %s", [export])
        connection.execute("INSERT INTO verbatim.outbox (workspace_id, job_id, kind, recipient, not_before)"
                           " VALUES ('one', %s, 'mail', 'a@example.com', 'infinity')", [export])
        connection.commit()
        events.wait(export, lambda data: data["notification"] in ("waiting", "not_configured"))
        connection.execute("UPDATE verbatim.outbox SET sent_at = now() WHERE job_id = %s", [export])
        connection.commit()
        events.wait(export, lambda data: data["notification"] == "sent")


def test_one_look_a_second_whoever_looks(make_service, keys, database):
    service = make_service(workers=0)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(EventStream(service, EVENTS, key_of(keys[name])))
                   for name in ("owner", "viewer", "editor", "other") for _ in range(6)]
        for each in streams:
            each.ready()
        begin, at = looks(database), database.value("SELECT extract(epoch FROM clock_timestamp())::float8")
        wait_until(lambda: looks(database) >= begin + 3, "three looks")
        seconds = database.value("SELECT extract(epoch FROM clock_timestamp())::float8") - at
        assert looks(database) - begin <= seconds + 3, "the counters are told late"
    # Nobody is there any more, so nobody asks.
    def is_quiet():
        before = looks(database)
        database.execute("SELECT pg_sleep(2.5)")
        return looks(database) == before
    wait_until(is_quiet, "looks to end")


def test_looking_takes_no_connection_of_its_own(make_service, keys, database):
    service = make_service(workers=0)
    said = int(re.search(r"at most (\d+) connections to the database", service.log())[1])
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    before = database.value(count)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(EventStream(service, EVENTS, key_of(keys["owner"]))).ready()
        assert database.value(count) - before <= said
        names = {name for name, in database.execute(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()")}
        assert not any("event" in name for name in names)


@pytest.mark.parametrize("end", ["revoke", "role", "audience", "sign out", "expiry"])
def test_a_stream_ends_with_what_opened_it(program, service, other, keys, database, end):
    key = program.key("one", role="editor", audience=["vip"])
    key_id = key.split("_")[1]
    session = session_of(service, key)
    name = session["Cookie"].split("=")[1].split(".")[0]
    is_sessions = end in ("sign out", "expiry")
    with EventStream(other, EVENTS, session) as mine, EventStream(service, EVENTS, key_of(key)) as direct, \
            EventStream(service, EVENTS, key_of(keys["owner"])) as bystander:
        for each in (mine, direct, bystander):
            each.ready()
        if end == "revoke":
            program.run("key", "revoke", key_id)
        elif end == "role":
            database.execute("UPDATE verbatim.api_key SET role = 'viewer' WHERE key_id = %s", [key_id])
        elif end == "audience":
            database.execute("UPDATE verbatim.api_key SET audience = '{sales}' WHERE key_id = %s", [key_id])
        elif end == "expiry":
            database.execute("UPDATE verbatim.console_session SET expires_at = now() WHERE session_id = %s", [name])
        else:
            assert service.request("DELETE", SESSION, headers=session | MARK).status == 204
        assert mine.wait_end() == "well"
        if is_sessions:
            assert direct.ended is None
        else:
            assert direct.wait_end() == "well"
        assert bystander.ended is None
    again = service.get(EVENTS, headers=session, seconds=60) if end != "role" and end != "audience" else None
    assert again is None or again.status == 401


def test_a_lost_connection_loses_no_event(service, keys, database, copy):
    with EventStream(service, EVENTS, key_of(keys["owner"])) as events, database.connect() as connection:
        events.ready()
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND application_name LIKE 'verbatim%%' AND pid <> pg_backend_pid()")
        names = copy(connection, 3)
        connection.commit()
        for name in names:
            events.wait(name)
        assert events.ended is None


def test_more_than_can_be_told_sends_everybody_back_to_the_list(service, keys, database, copy):
    with EventStream(service, EVENTS, key_of(keys["owner"])) as events, database.connect() as connection:
        events.ready()
        names = copy(connection, 2100)  # some two thousand in a second are told
        connection.commit()
        events.wait_end()
        assert len(events.events) < 2100
        connection.execute("DELETE FROM verbatim.job WHERE job_id = ANY (%s::uuid[])", [names])
        connection.commit()


def test_notes_of_changes_are_swept(service, make_service, keys, database):
    create(service, keys["owner"])
    database.execute("UPDATE verbatim.job_change SET created_at = now() - interval '11 minutes'")
    export = create(service, keys["owner"])
    worker = make_service(command="worker", workers=1, janitor_interval="1s")
    old = "SELECT count(*) FROM verbatim.job_change WHERE created_at < now() - interval '10 minutes'"
    wait_until(lambda: database.value(old) == 0, "old notes to be swept")
    assert database.value("SELECT count(*) FROM verbatim.job_change WHERE job_id = %s", [export]) > 0
    worker.stop()


def test_only_so_many_are_let_in(make_service, keys):
    service = make_service(workers=0)
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['owner']}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(RawConnection(service.port)).send(request) for _ in range(200)]
        for each in sockets:
            wait_until(lambda: each.held or each._more(), "the head of a stream")
            assert each.held.startswith(b"HTTP/1.1 200 OK\r\n")
        answer = service.get(EVENTS, keys["owner"])
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert answer.json() == {"detail": "Too many lists are followed. Try again later."}
        sockets[0].socket.close()

        def is_let_in():
            with RawConnection(service.port) as late:
                late.send(request)._more()
                return late.held.startswith(b"HTTP/1.1 200")
        wait_until(is_let_in, "the next one to be let in")


def connections_of(service, keys):
    """Open ones of the process: who reads nothing sees no end either."""
    figures = service.get("/metrics", keys["metrics"]).body.decode()
    return int(re.search(r"^verbatim_http_connections (\d+)$", figures, re.M)[1])


def test_a_stream_is_alive_and_a_viewer_that_reads_nothing_is_dropped(service, keys, database, copy):
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: a\r\nX-API-Key: {keys['owner']}\r\n\r\n".encode()
    with EventStream(service, EVENTS.replace("one", "two"), key_of(keys["two"])) as quiet, \
            EventStream(service, EVENTS, key_of(keys["owner"])) as events, \
            RawConnection(service.port, window=4096) as stuck, database.connect() as connection:
        quiet.ready(), events.ready()
        stuck.send(request)
        names = copy(connection, 40)
        connection.commit()
        events.wait(names[-1])

        before = connections_of(service, keys)

        def is_dropped():
            connection.execute("UPDATE verbatim.job SET error_message = gen_random_uuid()::text || repeat('x', 500)"
                               " WHERE job_id = ANY (%s::uuid[])", [names])
            connection.commit()
            database.execute("SELECT pg_sleep(1.1)")
            return connections_of(service, keys) < before
        wait_until(is_dropped, "the viewer that reads nothing to be dropped", 90, pause=0)
        assert events.ended is None and quiet.ended is None
        wait_until(lambda: quiet.words > 0, "a word in between", 40)
        connection.execute("DELETE FROM verbatim.job WHERE job_id = ANY (%s::uuid[])", [names])
        connection.commit()


def test_a_stop_ends_streams_well_and_at_once(make_service, keys):
    service = make_service(workers=0)
    with EventStream(service, EVENTS, key_of(keys["owner"])) as one, \
            EventStream(service, EVENTS, key_of(keys["viewer"])) as two:
        one.ready(), two.ready()
        service.stop()
        assert [one.wait_end(), two.wait_end()] == ["well", "well"]


def test_a_browser_follows_with_its_session(service, keys):
    with Browser() as browser:
        browser.open(service.url + "/console/")
        assert browser.value(f"""fetch("..{SESSION}", {{method: "POST", body: JSON.stringify({{key:
            {json.dumps(keys["owner"])}}}),
            headers: {{"Content-Type": "application/json", "X-Verbatim-Console": "1"}}}})
            .then((answer) => answer.status)""") == 201
        browser.value(f"""
            window.told = [];
            window.source = new EventSource("..{EVENTS}");
            for (const name of ["ready", "export", "gone"])
              source.addEventListener(name, (event) => told.push([name, JSON.parse(event.data)]));
            0""")
        wait_until(lambda: browser.value("told.length"), "the stream to be ready")
        export = create(service, keys["owner"])
        wait_until(lambda: browser.value("told.length") > 1, "the event")
        name, data = browser.value("told[1]")
        assert (name, data["export_id"]) == ("export", export)
