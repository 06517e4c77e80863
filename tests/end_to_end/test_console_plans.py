"""Every list that the console offers walks over little, whatever it is filtered by and however rare that is: with
200,000 jobs, under row level security, by plans made for the values at hand as by those made for any.

What is counted are rows and blocks as EXPLAIN sees them, so nothing here depends on how fast the machine is."""

import itertools

import pytest

from tests.lib.plans import Walks

JOBS = 200_000
# A page of 100 and the row behind it: looked up itself, and found among the newest of each kind that there is. The
# jobs have 150 kinds in a workspace, and no author or audience more. Blocks: a look into an index takes four or five.
ROWS, BLOCKS = 101 * 150 + 1000, 6000
FIRST, LAST = "-62135596800000000", ("253402300800000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")
DAY = 86_400_000_000

FILL = f"""
INSERT INTO verbatim.job (job_id, workspace_id, door, specification, status, source_workspace, range_from, range_to,
    time_zone, csv_profile, as_of, link_ttl, created_at, finished_at, requested_by, audience, printed, counts)
SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'two' ELSE 'one' END,
    (ARRAY['main', 'native', 'app', 'v1', 'console'])[1 + n % 5],
    jsonb_build_object('format', (ARRAY['csv', 'json', 'ndjson', 'html', 'pdf', 'xlsx'])[1 + n / 7 % 6]),
    status, 'x', '2026-01-01', '2026-02-01', 'UTC', 'safe', now(), '1 day', at,
    CASE WHEN status IN ('finished', 'failed', 'cancelled') THEN at END,
    CASE WHEN n % 3 = 0 THEN 'nightly@example.com' ELSE 'user' || n % 500 || '@example.com' END,
    CASE WHEN n % 20000 = 77 THEN ARRAY['rare'] WHEN n % 4 = 1 THEN ARRAY['press', 'vip'] END, '{{}}',
    '{{1,1,1,0,0,0,0}}'
FROM (SELECT n, timestamptz '2026-01-01' + n / 4 * interval '50 seconds' AS at, -- several of one moment
          CASE WHEN n > {JOBS} - 500 THEN 'queued' WHEN n > {JOBS} - 1000 THEN 'started' WHEN n % 1000 = 1 THEN 'failed'
               WHEN n % 50 = 3 THEN 'cancelled' ELSE 'finished' END AS status
      FROM generate_series(1, {JOBS}) AS n) AS t;
"""


@pytest.fixture(scope="module")
def walks(program, database):
    program.migrate()
    program.workspace("one")
    program.workspace("two")
    indexes = database.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'verbatim'"
                               " AND tablename = 'job' AND indexname <> 'job_pkey'")
    with database.connect() as connection:  # indexes are made faster than kept
        for name, _ in indexes:
            connection.execute(f"DROP INDEX verbatim.{name}")
        connection.execute(FILL)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE verbatim.job")
    return Walks(database)


AUDIT = f"""
INSERT INTO verbatim.audit (workspace_id, job_id, door, author, filter, format, created_at)
SELECT CASE WHEN n % 10 = 0 THEN 'two' ELSE 'one' END, CASE WHEN n % 7 > 0 THEN gen_random_uuid() END,
    (ARRAY['main', 'native', 'app', 'v1', 'console'])[1 + n % 5],
    CASE WHEN n % 3 = 0 THEN 'nightly@example.com' ELSE 'user' || n % 500 || '@example.com' END, '{{}}',
    CASE WHEN n % 20000 = 5 THEN 'pdf' ELSE (ARRAY['csv', 'json', 'ndjson', 'html'])[1 + n / 7 % 4] END,
    timestamptz '2026-01-01' + n / 4 * interval '50 seconds'
FROM generate_series(1, {JOBS}) AS n;
"""


@pytest.fixture(scope="module")
def audit(walks, database):
    indexes = database.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'verbatim'"
                               " AND tablename = 'audit' AND indexname <> 'audit_pkey'")
    with database.connect() as connection:
        for name, _ in indexes:
            connection.execute(f"DROP INDEX verbatim.{name}")
        connection.execute(AUDIT)
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE verbatim.audit")
    return walks


FILTERS = [dict(zip(("status", "door", "format", "author", "day"), each)) for each in itertools.product(
    (None, "{failed}", "{queued,started}"), (None, "{console}"), (None, "{pdf}", "{csv,json}"),
    (None, "nightly@example.com", "user7@example.com", "nobody"), (None, 2, 400))]
SEES = (("all", None), ("audience", "{press,vip}"), ("audience", "{rare}"), ("audience", "{none}"))


def explain(walks, filters):
    """By the statement that the front end would take."""
    day, author = filters["day"], filters["author"]
    first = FIRST if day is None else str(1767225600_000000 + day * DAY)
    behind = LAST if day is None else (str(1767225600_000000 + (day + 1) * DAY), LAST[1].replace("f", "0"))
    kinds = [filters[name] for name in ("status", "door", "format")]
    name = "exports_of_author" if author else "exports_of_kind" if any(kinds) else "exports"
    values = ["one", *behind, "101", first] + (kinds if name != "exports" else []) + ([author] if author else [])
    return walks.explain(name, *values)


@pytest.mark.parametrize("mode", ("force_custom_plan", "force_generic_plan"))
@pytest.mark.parametrize("sees, audience", SEES)
def test_each_filter_walks_little(walks, mode, sees, audience):
    walks.set(workspace_id="one", sees=sees, audience=audience or "", plan_cache_mode=mode)
    seen = {str(filters): explain(walks, filters) for filters in FILTERS}
    assert {filters: walk for filters, walk in seen.items() if walk[0] > ROWS or walk[1] > BLOCKS} == {}


def test_the_plain_list_reads_its_page_alone(walks):
    walks.set(workspace_id="one", sees="all", audience="", plan_cache_mode="auto")
    rows, blocks = walks.explain("exports", "one", *LAST, "21", FIRST)
    assert rows <= 2 * 21 + 2 and blocks <= 21 * 6 + 20, (rows, blocks)


def test_the_list_of_a_door_walks_little(walks):
    walks.set(workspace_id="one", sees="all", audience="", plan_cache_mode="auto")
    rows, blocks = walks.explain("exports_of_door", "one", *LAST, "101", FIRST, "app")
    assert rows <= ROWS and blocks <= BLOCKS, (rows, blocks)


@pytest.mark.parametrize("mode", ("force_custom_plan", "force_generic_plan"))
def test_each_filter_of_the_audit_walks_little(audit, mode):
    audit.set(workspace_id="one", plan_cache_mode=mode)
    seen = {}
    for door, format, direct, author, day in itertools.product(
            (None, "{v1}", "{v3}"), (None, "{pdf}", "{csv,html}"), (None, "t", "f"),
            (None, "nightly@example.com", "user7@example.com", "nobody"), (None, 2, 400)):
        first = FIRST if day is None else str(1767225600_000000 + day * DAY)
        behind = (LAST[0], str(2 ** 63 - 1)) if day is None else (str(1767225600_000000 + (day + 1) * DAY), "0")
        narrow = [door, format, direct]
        name = "audit_page_of_author" if author else "audit_page_of_kind" if any(narrow) else "audit_page"
        values = ["one", *behind, "101", first]
        values += (narrow if name != "audit_page" else []) + ([author] if author else [])
        seen[name, *narrow, author, day] = audit.explain(name, *values)
    assert {which: walk for which, walk in seen.items() if walk[0] > ROWS or walk[1] > BLOCKS} == {}
