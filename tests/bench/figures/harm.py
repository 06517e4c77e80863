"""P8: what an export at full speed does to the source, and to who works in it: the platform's own transactions.

The co-running load is pgbench at a steady rate on the platform's tables: a conversation looked up and its last messages
read, a message written, another one's status changed. Its latency counts from when a transaction was due, so a queue
that builds up is seen.
"""

import statistics
import subprocess
import threading

from tests.lib.postgres import program

from .large import copy_seconds
from .report import percentile, show
from .watch import Watch

RATE, CLIENTS = 100, 4  # transactions a second, connections
PLATFORM = """
\\set n random(1, 1000000000)
(SELECT id AS conversation FROM chat.conversation WHERE id >= md5(:n::text)::uuid ORDER BY id LIMIT 1)
    UNION ALL (SELECT id FROM chat.conversation ORDER BY id LIMIT 1) LIMIT 1 \\gset
SELECT id, text, status FROM chat.message WHERE conversation_id = :conversation ORDER BY created_at DESC LIMIT 20;
UPDATE chat.message SET status = 'read' WHERE id = (SELECT id FROM chat.message
    WHERE conversation_id = :conversation ORDER BY created_at DESC LIMIT 1);
INSERT INTO chat.message VALUES (gen_random_uuid(), :conversation, now(), 'inbound', 'customer', NULL, 'hello again',
    NULL, 'delivered', NULL);
"""


def platform_load(house, source, seconds):
    """Latencies in ms of the platform's transactions over so many seconds."""
    script, logs = house.folder / "platform.sql", house.folder / "platform_log"
    script.write_text(PLATFORM)
    for old in house.folder.glob("platform_log*"):
        old.unlink()
    done = subprocess.run([program("pgbench"), "-n", "-M", "prepared", "-f", str(script), "-c", str(CLIENTS), "-j", "1",
                           "-R", str(RATE), "-T", str(seconds), "-l", f"--log-prefix={logs}", source.url],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    return [int(line.split()[2]) / 1e3 for log in house.folder.glob("platform_log*")
            for line in log.read_text().splitlines()]


def load_meanwhile(house, here, service, seconds):
    """The platform's latencies while one large export follows the other; how many ended."""
    found = []
    thread = threading.Thread(target=lambda: found.extend(platform_load(house, here.source, seconds)))
    thread.start()
    ended = 0
    while thread.is_alive():
        here.export(service)
        ended += 1
    return found, ended


def knows_pace(here):
    return "--source-pace" in here.program.run("serve", "--help").stdout


def copy_cpu(source):
    with Watch(source) as watch:
        copy_seconds(source)
    return watch.cpu


def measure(house, report):
    house.need_store()
    source = house.source(house.sizes.messages // 25, 25, "source_platform")
    here = house.installation(source)
    watched(house, report, here)
    beside(house, report, here)


def watched(house, report, here):
    """The export alone: what its sessions do, and their CPU beside COPY's."""
    rounds = house.sizes.loads
    watches, copies = [], []
    with here.service() as service:
        here.export(service, "small")
        for _ in range(rounds):
            copies.append(copy_cpu(here.source))
            with Watch(here.source) as watch:
                ended = here.export(service)
            watches.append(watch)
    note = f"{ended.export['progress']['messages_done']:,} messages in {show(ended.wall)} s, {watch.looks} looks"
    report.add("P8 statement", [each.statement for each in watches], note)
    report.add("P8 transaction", [each.transaction for each in watches])
    report.add("P8 xmin", [each.xmin for each in watches])
    report.add("P8 files", [each.temp_files for each in watches], f"{sum(w.temp_bytes for w in watches)} bytes")
    report.add("P8 blocked", [len(each.blocked) for each in watches])
    report.add("P8 cpu", [each.cpu / copy for each, copy in zip(watches, copies)],
               f"{show(watch.cpu)} s, COPY {show(copies[-1])} s", export=[w.cpu for w in watches], copy=copies)


def beside(house, report, here):
    """The platform's own load, quiet and beside exports, by each pace that this build knows."""
    paces = ["fast", "gentle"] if knows_pace(here) else ["fast"]
    rounds = house.sizes.loads
    seconds = house.sizes.harm_seconds
    quiet, loaded = [], {pace: [] for pace in paces}
    counts = dict.fromkeys(paces, 0)
    platform_load(house, here.source, 2)
    for _ in range(rounds):
        quiet.append(platform_load(house, here.source, seconds))
        for pace in paces:
            options = {"source_pace": pace} if len(paces) > 1 else {}
            with here.service(**options) as service:
                here.export(service, "small")
                found, ended = load_meanwhile(house, here, service, seconds)
            loaded[pace].append(found)
            counts[pace] += ended
    yard = [percentile(each, 0.99) for each in quiet]
    for pace in paces:
        tails = [percentile(each, 0.99) for each in loaded[pace]]
        report.add(f"P8 {pace}", [tail / one for tail, one in zip(tails, yard)],
                   f"p99 {show(statistics.median(tails))} ms, quiet {show(statistics.median(yard))} ms, {RATE} "
                   f"transactions a second, {counts[pace]} exports meanwhile", loaded=tails, quiet=yard)
    if "gentle" not in paces:
        report.leave_out("P8 gentle", "this build has no source_pace")
