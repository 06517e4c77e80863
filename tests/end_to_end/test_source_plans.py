"""How a source is read: each selection and each relation by its index, with statistics and without."""

import re

import pytest

from tests.lib.source import assert_by_index, forget_statistics, plans, rows_looked_at, scans
from tests.lib.two_platforms import (
    CHANNEL, CITATIONS, CUSTOMER, DETAILS, EXTRAS, MEDIA, SECOND, START, WORKSPACE, condition, expected_heads,
    make_platforms, settings_of)

BOTH = pytest.mark.parametrize("schema", ["chat", "legacy"])
STATISTICS = pytest.mark.parametrize("statistics", ["fresh", "none"], indirect=True)


@pytest.fixture(scope="module")
def source(database):
    make_platforms(database)
    return database


# The column that leads the index which a selection's conversations have to be read by.
LEADS = {None: "workspace", "channel": "channel", "assistant": "assistant", "contact": "contact", "channels": "channel",
         "contacts": "contact", "statuses": "workspace", "tags": "workspace", "audience": "workspace",
         "completed": "workspace", "activity": "workspace"}
COLUMNS = {"chat": {"workspace": "workspace_id", "channel": "channel_id", "assistant": "assistant_id",
                    "contact": "contact_id"},
           "legacy": {"workspace": "tenant", "channel": "inbox_no", "assistant": "robot", "contact": "person"}}
TABLES = {"chat": ("conversation", "message", "note", "event", "skill_run", "citation", "attachment"),
          "legacy": ("thread", "post", "remark", "happening", "run", "quote", "file")}


@pytest.fixture(scope="module")
def crowd(source):
    """So many more conversations that reading the wrong way would be seen in the rows that a plan looked at."""
    source.execute(f"""INSERT INTO chat.conversation
                (id, workspace_id, channel_id, created_at, contact_id, assistant_id)
            SELECT md5('crowd' || i)::uuid, '{WORKSPACE}', md5('busy' || i % 3)::uuid,
            to_timestamp({START // SECOND - 100_000} + i), md5('busy' || i % 50)::uuid, md5('busy')::uuid
            FROM generate_series(1, 20000) i;
        INSERT INTO app.thread (no, tenant, inbox_no, started, person, robot)
            SELECT 100000 + i, 'acme', 50 + i % 3, timestamp '2026-03-01' + i * interval '1 s', 100 + i % 50, 9
            FROM generate_series(1, 20000) i;
        INSERT INTO chat.message SELECT gen_random_uuid(), md5('crowd' || i)::uuid, now(), 'inbound', 'customer', 'x'
            FROM generate_series(1, 20000) i, generate_series(1, 3);
        INSERT INTO app.post SELECT 'crowd' || i || '.' || j, 100000 + i, now(), true, 'x'
            FROM generate_series(1, 20000) i, generate_series(1, 3) j""")
    source.execute("VACUUM ANALYZE")
    yield source
    source.execute("DELETE FROM chat.conversation WHERE id IN (SELECT md5('crowd' || i)::uuid"
                   " FROM generate_series(1, 20000) i); DELETE FROM app.thread WHERE no > 100000;"
                   "DELETE FROM chat.message WHERE text = 'x'; DELETE FROM app.post WHERE thread_no > 100000")
    source.execute("VACUUM ANALYZE")


@pytest.fixture(scope="module")
def statistics(crowd, request):
    if request.param == "none":
        forget_statistics(crowd)
    yield request.param
    crowd.execute("ANALYZE")


@BOTH
@pytest.mark.parametrize("name", [name for name in LEADS if LEADS[name] != "workspace"] + ["conversations"])
@STATISTICS
def test_each_selection_reads_its_own_conversations_alone(crowd, postgres, schema, name, statistics):
    """Of 20,000 neighbours in the workspace nothing is touched, through views too."""
    settings = settings_of(crowd, schema, [name], page=20, columns=CHANNEL | DETAILS | CUSTOMER)
    wanted = len(expected_heads(crowd, schema, [name]))
    table, messages = TABLES[schema][:2]
    log = plans(crowd, postgres, schema, settings)
    used = {index for _, index, relation in scans(log) if relation == table}
    lead = COLUMNS[schema].get(LEADS.get(name))
    if name == "conversations":
        assert used == {f"{table}_pkey"}
    else:
        assert_by_index(log, table, messages)
        assert all(index.startswith(f"{table}_{lead}") for index in used), used
    pages = wanted // 20 + 1
    branches = len(settings[name].split(","))
    assert wanted <= rows_looked_at(log, table) <= 4 * (wanted + pages * branches) + 60


@BOTH
@pytest.mark.parametrize("name", [name for name in LEADS if LEADS[name] == "workspace"])
@STATISTICS
def test_a_workspace_is_read_in_its_order(crowd, postgres, schema, name, statistics):
    """Without a narrower selection by (workspace, created_at, id), behind the cursor alone, and nothing is sorted."""
    low = expected_heads(crowd, schema, [])[-60]
    settings = settings_of(crowd, schema, [name] if name else [], page=20, low=f"{low[1]},{low[0]}")
    table, messages = TABLES[schema][:2]
    log = plans(crowd, postgres, schema, settings)
    assert_by_index(log, table)
    lead = COLUMNS[schema]["workspace"]
    assert {index for _, index, relation in scans(log) if relation == table} == {f"{table}_{lead}_"
            f"{'created_at_id' if schema == 'chat' else 'started_no'}_idx"}
    assert 0 < rows_looked_at(log, table) <= 4 * 60 + 60


@BOTH
@STATISTICS
@pytest.mark.parametrize("giant", [None, 2])
def test_further_relations_are_read_by_index(crowd, postgres, schema, statistics, giant):
    settings = settings_of(crowd, schema, ["channel"], columns=EXTRAS | CITATIONS | MEDIA, giant=giant, page=20)
    log = plans(crowd, postgres, schema, settings)
    kinds = {(scan, table) for scan, _, table in scans(log) if table in TABLES[schema]}
    assert {table for _, table in kinds} == set(TABLES[schema])
    assert {scan for scan, _ in kinds} <= {"Index Scan", "Index Only Scan"}
    # A skill run has no id: its name ends ties, which the index does not hold.
    lists = re.findall(r"Sort Key: (\S+\.(?:conversation_id|thread_no)\b.*)", log)
    assert lists and all("name" in key for key in lists), lists


@BOTH
def test_a_preview_counts_by_index(crowd, postgres, schema):
    log = plans(crowd, postgres, schema, settings_of(crowd, schema, ["channel"], count=1))
    for table, name in zip(TABLES[schema], ("conversation", "message")):
        wanted = crowd.value(f"SELECT count(*) FROM {schema}.conversation c"
                             + (f" JOIN {schema}.message m ON m.conversation_id = c.id" if name == "message" else "")
                             + f" WHERE {condition(schema, ['channel'])}")
        assert 0.8 * wanted <= rows_looked_at(log, table) <= 3 * wanted  # rows are told as a rounded mean of the loops
