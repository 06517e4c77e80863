"""Times as numbers, by the name of their column: seconds to nanoseconds, and fractions of seconds.

A platform for each unit, with the same rows; `stamp` has timestamps and is what the others are compared with.
"""

import pytest

from tests.lib.doctor import doctor
from tests.lib.process import wait_until
from tests.lib.service import Program, Service
from tests.lib.source import ReadFailed, assert_by_index, events, plans, read

SELECTION = {"workspace": "w", "channel": 1}
DETAILS, NOTES, EVENTS = 2, 16, 32
START = 1_780_000_000
SECOND = 1_000_000
NUMBERS = {"s": "bigint", "small_s": "integer", "ms": "bigint", "us": "bigint", "ns": "bigint", "epoch": "float8"}
FACTORS = {"s": 1, "small_s": 1, "ms": 1000, "us": 10**6, "ns": 10**9, "epoch": 1}


def suffix(unit):
    return unit.removeprefix("small") if unit.startswith("small") else f"_{unit}"


def expression(unit, seconds):
    """The value of the unit for seconds since 1970 as an SQL numeric."""
    return f"to_timestamp({seconds})" if unit == "stamp" else f"({seconds} * {FACTORS[unit]})::{NUMBERS[unit]}"


def platform(unit):
    kind = "timestamptz" if unit == "stamp" else NUMBERS[unit]
    name = "" if unit == "stamp" else suffix(unit)
    conversation = expression(unit, f"({START} + i / 3)::numeric")
    message = expression(unit, f"({START} + i / 3 + j / 4)::numeric")
    return f"""
CREATE SCHEMA {unit}; SET search_path = {unit};
CREATE TABLE channel (id integer PRIMARY KEY, workspace_id text, name text, channel_type text);
CREATE TABLE conversation (id integer PRIMARY KEY, workspace_id text, channel_id integer, created_at{name} {kind},
    ended_at{name} {kind});
CREATE TABLE message (id integer PRIMARY KEY, conversation_id integer, created_at{name} {kind}, direction text,
    speaker_type text, text text);
CREATE TABLE note (id integer PRIMARY KEY, conversation_id integer, created_at{name} {kind}, text text);
CREATE TABLE event (id integer PRIMARY KEY, conversation_id integer, created_at timestamptz, kind text);
INSERT INTO channel VALUES (1, 'w', 'Desk', 'SMS'), (2, 'w', 'Other', 'SMS');
INSERT INTO conversation SELECT i, 'w', 1 + (i % 10 = 9)::int, {conversation},
    CASE WHEN i % 2 = 0 THEN {conversation} END FROM generate_series(1, 300) i;
INSERT INTO message SELECT i * 100 + (j * 37) % 23, i, {message}, 'inbound', 'customer', 'text ' || j
    FROM generate_series(1, 300) i, generate_series(1, 22) j WHERE j <= i % 7 OR i = 50;
INSERT INTO note SELECT i, i % 60, {conversation}, 'note' FROM generate_series(1, 120) i;
INSERT INTO event SELECT i, i % 60, to_timestamp({START} + i), 'kind' FROM generate_series(1, 120) i;
CREATE INDEX c_order ON conversation (channel_id, created_at{name}, id);
CREATE INDEX m_order ON message (conversation_id, created_at{name}, id);
CREATE INDEX ON note (conversation_id, created_at{name});
CREATE INDEX ON event (conversation_id, created_at);
"""


@pytest.fixture(scope="module")
def source(database):
    for unit in ("stamp", *NUMBERS):
        database.execute(platform(unit))
    database.execute("ANALYZE")
    return database


UNITS = pytest.mark.parametrize("unit", NUMBERS)


def rows(source, schema, **settings):
    return [line for line in read(source.url, schema, **SELECTION, **settings) if line[0] != "page"]


@UNITS
def test_the_same_rows_at_the_same_times(source, unit):
    whole = rows(source, "stamp")
    assert rows(source, unit) == whole and len(whole) > 1000
    columns = DETAILS | NOTES | EVENTS
    assert rows(source, unit, columns=columns) == rows(source, "stamp", columns=columns)


@UNITS
def test_the_same_rows_however_they_are_cut(source, unit):
    whole = events(read(source.url, "stamp", **SELECTION))
    for settings in ({"page": 1, "giant": 1}, {"page": 7, "giant": 3}, {"release": 5}, {"prepared": "off", "page": 50}):
        assert events(read(source.url, unit, **SELECTION, **settings)) == whole, settings
    [[_, at, id_]] = read(source.url, unit, **SELECTION, ahead=100)
    low = events(read(source.url, unit, **SELECTION, low=f"{at},{id_}"))
    assert events(read(source.url, unit, **SELECTION, high=f"{at},{id_}")) + low == whole


@UNITS
def test_bounds_are_instants(source, unit):
    """Also those between two values of the unit, and a crowd of conversations of one second."""
    for start, end in ((START * SECOND + 1, None), (None, (START + 40) * SECOND), (None, (START + 40) * SECOND + 1),
                       (START * SECOND + 999_999, (START + 50) * SECOND - 1)):
        bounds = {"from_": start, "to": end}
        assert rows(source, unit, **bounds) == rows(source, "stamp", **bounds)
        assert rows(source, unit, as_of=end) == rows(source, "stamp", as_of=end)
    completed = {"completed": 1, "as_of": (START + 40) * SECOND}
    assert rows(source, unit, **completed) == rows(source, "stamp", **completed) != []
    counted = {"count": 1, "to": (START + 40) * SECOND}
    assert rows(source, unit, **counted) == rows(source, "stamp", **counted)


@UNITS
def test_the_index_on_the_number_serves(source, postgres, unit):
    for settings in ({}, {"page": 20, "giant": 2}, {"low": f"{(START + 20) * SECOND},0", "to": (START + 60) * SECOND}):
        log = plans(source, postgres, unit, SELECTION, **settings)
        assert_by_index(log, "conversation", "message")
        assert "using c_order on conversation" in log and "using m_order on message" in log
    conditions = [line for line in log.splitlines() if "Index Cond" in line]
    assert any("channel_id" in line and f"created_at{suffix(unit)} " in line for line in conditions)


@pytest.mark.parametrize("unit, values", [
    ("ns", [str(START * 10**9 + n) for n in (5, 7, 11, 998, 999, 1000, 1001, 2500)]),
    ("epoch", [f"({START} + {n} * 2.384185791015625e-07::float8)" for n in range(8)])])
def test_what_is_finer_than_a_microsecond_keeps_its_order(source, unit, values):
    """Ids that fall while times rise by less than a microsecond: neither lost nor repeated at any border."""
    kind = NUMBERS[unit]
    for relation in ("conversation", "message"):
        source.execute(f"CREATE TABLE {unit}.fine_{relation} AS TABLE {unit}.{relation} WITH NO DATA")
    for place, value in enumerate(values):
        source.execute(f"INSERT INTO {unit}.fine_conversation SELECT {900 - place}, 'w', 1, {value}::{kind};"
                       f"INSERT INTO {unit}.fine_message SELECT {900 - place}, 900, {value}::{kind}, 'inbound', 'bot'")
    source.execute(f"CREATE SCHEMA fine_{unit}; SET search_path = fine_{unit};"
                   f"CREATE VIEW channel AS TABLE {unit}.channel;"
                   f"CREATE VIEW conversation AS TABLE {unit}.fine_conversation;"
                   f"CREATE VIEW message AS TABLE {unit}.fine_message")
    for settings in ({}, {"page": 1}, {"page": 3, "giant": 1}, {"giant": 3, "release": 1}):
        lines = events(read(source.url, f"fine_{unit}", **SELECTION, **settings))
        assert [line[1] for line in lines if line[0] == "conversation"] == [str(900 - i) for i in range(8)]
        assert [line[1] for line in lines if line[0] == "message"] == [str(900 - i) for i in range(8)]
        assert [line[3:5] for line in lines if line[0] == "conversation"] == [[str(i + 1), "8"] for i in range(8)]


def test_relations_of_different_units(source):
    """Messages in milliseconds, notes in fractions, events in timestamps: columns of one statement."""
    source.execute("CREATE SCHEMA mixed; SET search_path = mixed; CREATE VIEW channel AS TABLE ms.channel;"
                   "CREATE VIEW conversation AS TABLE us.conversation; CREATE VIEW message AS TABLE ms.message;"
                   "CREATE VIEW note AS TABLE epoch.note; CREATE VIEW event AS TABLE s.event")
    columns = DETAILS | NOTES | EVENTS
    whole = rows(source, "stamp", columns=columns)
    for settings in ({}, {"giant": 2, "page": 9}):
        assert rows(source, "mixed", columns=columns, **settings) == whole


def test_a_number_that_is_no_time_is_named(source):
    source.execute("CREATE SCHEMA odd; SET search_path = odd; CREATE VIEW channel AS TABLE ms.channel;"
                   "CREATE VIEW conversation AS TABLE ms.conversation; CREATE VIEW message AS SELECT id,"
                   " conversation_id, CASE WHEN id = 5008 THEN -9000000000000000000 ELSE created_at_ms END AS"
                   " created_at_ms, direction, speaker_type, text FROM ms.message")
    with pytest.raises(ReadFailed, match="conversation 50, message 5008: created_at is not a time"):
        read(source.url, "odd", **SELECTION)


@pytest.mark.parametrize("column, type_, words", [
    ("created_at_ms", "timestamptz", "conversation.created_at_ms is timestamp with time zone but must be bigint or"),
    ("created_at_epoch", "bigint", "conversation.created_at_epoch is bigint but must be double precision"),
    ("created_at", "bigint", "conversation.created_at is bigint but must be timestamptz or timestamp, or a number by"
                             " the name created_at_s, _ms, _us, _ns or _epoch")])
def test_a_number_by_a_wrong_name_is_refused(source, column, type_, words):
    source.execute(f"DROP SCHEMA IF EXISTS named CASCADE; CREATE SCHEMA named; SET search_path = named;"
                   f"CREATE VIEW channel AS TABLE ms.channel; CREATE VIEW message AS TABLE ms.message;"
                   f"CREATE VIEW conversation AS SELECT id, workspace_id, channel_id, NULL::{type_} AS {column}"
                   f" FROM ms.conversation")
    with pytest.raises(ReadFailed, match=words):
        read(source.url, "named", contract=1)


@pytest.fixture(scope="module")
def installation(verbatim, source, tmp_path_factory):
    program = Program(verbatim, source.url)
    program.migrate()
    program.workspace("one", source_id="w")
    for unit in ("ms", "ns", "epoch"):
        source.execute(f"CREATE INDEX ON {unit}.conversation (workspace_id, created_at_{unit}, id)")
    return program, tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("unit", ["ms", "ns", "epoch"])
def test_an_export_its_preview_and_the_doctor(installation, unit, tmp_path):
    program, folder = installation
    options = {"source_schema": unit, "storage": f"file://{folder}"}
    report = doctor(program, **options)
    assert report.findings("source plan") == report.findings("source rows") == {"ok"}
    key = program.key("one")
    path = "/api/v1/workspace/one/exports"
    body = {"select": {"channel_id": "1"}, "format": "ndjson", "files": "single",
            "include": ["messages", "notes", "events"]}
    with Service(program, tmp_path, **options) as service:
        preview = service.request("POST", f"{path}/preview", key, json_body={"select": {"channel_id": "1"}}).json()
        answer = service.request("POST", path, key, json_body=body)
        assert answer.status == 202, answer.body

        def ended():
            found = service.get(f"{path}/{answer.json()['export_id']}", key).json()
            return found if found["status"] in ("finished", "failed") else None
        done = wait_until(ended, "the export", seconds=60)
        assert done["status"] == "finished", done["error_message"]
        assert done["progress"]["conversations_done"] == preview["conversations"] == 270
        assert done["progress"]["messages_done"] == preview["messages"]
