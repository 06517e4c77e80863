"""How exports lean on the source: statements that are short, one at a time where that is asked for, and ended before
their rows are worked on. What the server logs of each statement tells, whatever else the machine does."""

import re
from datetime import datetime

import pytest

from tests.lib import queue
from tests.lib.process import wait_until
from tests.lib.service import Service
from tests.lib.source import events, read, start

SELECTION = {"workspace": "w", "channel": "plain"}
FEW = {"workspace": "w", "channel": "few"}
WIDE = {"workspace": "w", "channel": "wide"}
CONVERSATIONS = 150
STATEMENT = re.compile(r"^(\S+ \S+) \w+ \[(\d+)\] (\S+) LOG:  duration: ([\d.]+) ms  "
                       r"(?:statement: COPY \(|execute vb_source_\d+: )(.*)", re.M)
STATES = "SELECT state, wait_event FROM pg_stat_activity WHERE application_name = 'read_source'"


@pytest.fixture(scope="module", autouse=True)
def expected(program, database, folder, local):
    """The archive of an export at full speed. In `slow` each message takes the server a millisecond."""
    queue.prepare(program, database)
    queue.fill(database, "plain", CONVERSATIONS)
    queue.fill(database, "few", 50)
    queue.fill(database, "wide", 25, noise=90)  # 700 kB of rows: more than a Unix socket holds
    database.execute("CREATE SCHEMA slow;" + "".join(
        f"CREATE VIEW slow.{name} AS SELECT * FROM chat.{name};"
        for name in ("channel", "conversation", "contact", "assistant")))
    database.execute("CREATE VIEW slow.message AS SELECT id, conversation_id, created_at, direction, speaker_type,"
                     " speaker_name, media_urls, status, sender_account, text || (SELECT '' FROM"
                     " pg_sleep(CASE WHEN id IS NULL THEN 0 ELSE 0.001 END)) AS text FROM chat.message")
    with Service(program, folder, workers=2, **local.options):
        whole = queue.archive(local, queue.finished(database, queue.add_job(database, "plain")))
    database.execute(f'ALTER DATABASE "{database.name}" SET log_min_duration_statement = 0')
    return whole


class Log:
    """Statements of readers since it was made: (start, end, duration), in seconds, and the text."""

    def __init__(self, postgres, database):
        self.postgres, self.database, self.skip = postgres, database, len(postgres.log())

    def statements(self):
        found = []
        for stamp, _, name, milliseconds, text in STATEMENT.findall(self.postgres.log()[self.skip:]):
            if name == self.database.name:
                end = datetime.fromisoformat(stamp).timestamp()
                found.append((end - float(milliseconds) / 1000, end, float(milliseconds) / 1000, text))
        return found

    def lists(self):
        """How many conversations each COPY asked for."""
        return [text.split("'", 2)[1].count(",") + 1 for *_, text in self.statements()
                if "unnest('" in text and not text.startswith("EXPLAIN")]


@pytest.mark.parametrize("prepared", ["on", "off"])
@pytest.mark.parametrize("settings", [{}, {"giant": 3}, {"page": 40, "release": 7}])
def test_a_gentle_reader_gives_the_same_rows(database, prepared, settings):
    wanted = read(database.url, "chat", **SELECTION)
    found = read(database.url, "chat", gentle="on", prepared=prepared, **settings, **SELECTION)
    assert events(found) == events(wanted) and len(events(wanted)) == CONVERSATIONS * 11


def test_gentle_is_one_short_statement_at_a_time(program, postgres, database, folder, local, expected):
    """Of all threads of a process, with a pause behind each of twice its time: the log is exact to a millisecond."""
    log = Log(postgres, database)
    with Service(program, folder, workers=3, source_pace="gentle", **local.options):
        jobs = [queue.add_job(database, "plain") for _ in range(3)]
        archives = [queue.archive(local, queue.finished(database, job)) for job in jobs]
    assert archives == [expected] * 3
    statements = sorted(log.statements())
    assert sum(log.lists()) >= 3 * CONVERSATIONS
    for (_, end, took, text), (begun, *_) in zip(statements, statements[1:]):
        assert begun - end > 2 * took - 0.003, text


@pytest.mark.parametrize("gentle", ["on", None])
def test_slow_statements_get_shorter(postgres, database, gentle):
    """Each conversation takes the server 10 ms."""
    log = Log(postgres, database)
    found = read(database.url, "slow", gentle=gentle, **FEW)
    first, *others = log.lists()
    assert first + sum(others) == 50
    assert max(others) < first / 2
    assert events(found) == events(read(database.url, "chat", **FEW))


@pytest.mark.parametrize("settings, is_over", [({}, False), ({"gentle": "on"}, True), ({"settle": 3}, True)])
def test_a_statement_is_over_before_its_rows_are_worked_on(postgres, database, settings, is_over):
    """With a consumer that takes its time, and who says so."""
    through = f"postgresql://postgres@/{database.name}?host={postgres.folder}&port={postgres.port}"
    reader = start(database.url, "chat", through=through, pause="3,600000000", quiet=1, **settings, **WIDE)
    try:
        wanted = ("idle", "ClientRead") if is_over else ("active", "ClientWrite")
        wait_until(lambda: wanted in database.execute(STATES), f"a reader that is {wanted}")
    finally:
        reader.kill()
        reader.wait()
