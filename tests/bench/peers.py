"""An export beside what else brings the same rows into the same bucket: one row of a table for each program.

All read the same join of the same source and compress; all but ours write one file, where ours writes an archive of an
entry for each conversation (40,000 of a million messages), which costs it names, headers and as many fresh starts of
the compressor. Wall time, CPU and peak memory (RSS) of all of a client's processes, CPU of PostgreSQL's backends,
bytes, the longest statement that the source saw. Rounds alternate; medians. What cannot be installed is left out.

The packages are put into .run/venv-peers by pip, with the versions that stand in PACKAGES.

usage: peers.py [NAME...] [--messages N] [--rounds N] [--json FILE] [--into FILE]   NAME: a part of one in the table;
    --into docs/performance.md puts the table there
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.figures import peer_clients  # noqa: E402 (after the path)
from tests.bench.figures.house import BUCKET, House, binary_here, machine  # noqa: E402
from tests.bench.figures.report import markdown_table, marked, put_into, show, text_table  # noqa: E402
from tests.bench.figures.sizes import sizes  # noqa: E402
from tests.bench.figures.watch import Watch  # noqa: E402
from tests.lib.large_source import CHANNELS, COPY  # noqa: E402
from tests.lib.measure import peak_rss  # noqa: E402
from tests.lib.postgres import program  # noqa: E402
from tests.lib.process import KEPT  # noqa: E402

VENV = KEPT / "venv-peers"
PACKAGES = {"duckdb": "1.5.5", "duckdb-extension-postgres": "1.5.5", "duckdb-extension-httpfs": "1.5.5",
            "chdb": "4.4.0", "adbc-driver-postgresql": "1.13.0", "pyarrow": "26.0.1",
            "sling-linux-amd64": "1.4.11", "s5cmd": "0.3.3"}
OURS, GOAL = "verbatim zip", 0.6
# Ids as text, since PyArrow writes no UUIDs.
QUERY = COPY.format(channel=CHANNELS["large"]).removeprefix("COPY (").removesuffix(") TO STDOUT WITH CSV").replace(
    "m.id, m.conversation_id,", "m.id::text, m.conversation_id::text,", 1)
PIPE = """set -o pipefail
    "$PEER_PSQL" -X -q -c "COPY ($PEER_QUERY) TO STDOUT WITH CSV" "$PEER_URL" | {pack} |
    "$PEER_VENV/bin/s5cmd" --log error --endpoint-url "http://$PEER_ENDPOINT" pipe "s3://$PEER_BUCKET/{key}" """
SLING_STREAM = """"$PEER_VENV"/lib/python3*/site-packages/sling_linux_amd64/bin/sling-linux-amd64 run \\
    --src-conn "$PEER_URL" --src-stream "$PEER_QUERY" --tgt-conn PEER_STORE \\
    --tgt-object "s3://$PEER_BUCKET/sling.csv.gz" """
HEAD = ["client", "s", "x ours", "CPU s", "PostgreSQL CPU s", "peak MiB", "MB", "longest statement s"]


def installed():
    """{package: version} of the virtual environment."""
    listed = subprocess.run([VENV / "bin/pip", "list", "--format=json", "--disable-pip-version-check"], check=True,
                            capture_output=True, text=True).stdout
    return {each["name"].replace("_", "-"): each["version"] for each in json.loads(listed)}


def install(say):
    """Packages that could not be had, with pip's last word."""
    if not (VENV / "bin/pip").exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(VENV)], check=True)
    have, missing = installed(), {}
    for name, version in PACKAGES.items():
        if have.get(name) == version:
            continue
        say(f"installing from PyPI into .run/venv-peers: {name} {version}")
        done = subprocess.run([VENV / "bin/pip", "install", "-q", "--no-input", "--disable-pip-version-check",
                               "--no-compile", f"{name}=={version}"], capture_output=True, text=True)
        if done.returncode != 0:
            missing[name] = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    return missing


def versions():
    found = installed()
    lines = [f"{name} {found[name]}" for name in PACKAGES if name in found]
    for command in ("psql", "igzip", "pigz"):
        if shutil.which(command):
            done = subprocess.run([command, "--version"], capture_output=True, text=True)
            lines.append((done.stdout + done.stderr).strip().splitlines()[0])
    return lines


def contenders(missing):
    """{name: (command, key, packages or programs that it wants)}"""
    shell = ["bash", "-c"]
    python = [str(VENV / "bin/python"), "-B", peer_clients.__file__]
    found = {}
    for pack in ("igzip -1", "pigz -1"):
        key = f"{pack.split()[0]}.csv.gz"
        found[f"psql | {pack} | s5cmd"] = (shell + [PIPE.format(pack=pack, key=key)], key, [pack.split()[0], "s5cmd"])
    wants = {"duckdb": ["duckdb", "duckdb-extension-postgres", "duckdb-extension-httpfs"], "chdb": ["chdb"],
             "adbc": ["adbc-driver-postgresql", "pyarrow"]}
    for name in peer_clients.CLIENTS:
        first = name.split()[0]
        key = f"{first}.{name.split()[-1]}"
        found[name] = (python + [name], key, wants[first])
    found["sling csv.gz"] = (shell + [SLING_STREAM], "sling.csv.gz", ["sling-linux-amd64"])
    out = {}
    for name, (_, _, needs) in found.items():
        lacking = [each for each in needs if each in missing or (each in ("igzip", "pigz") and not shutil.which(each))]
        if lacking:
            out[name] = "; ".join(f"{each}: {missing.get(each, 'not installed')}" for each in lacking)
    return {name: one for name, one in found.items() if name not in out}, out


class Memory:
    """Peak of the RSS of all processes of a session together, looked at fifty times a second."""

    def __init__(self, session):
        self.session, self.peak, self._end = session, 0, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        self._end.set()
        self._thread.join()
        return self.peak * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _run(self):
        while not self._end.wait(0.02):
            total = 0
            for folder in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if os.getsid(int(folder.name)) == self.session:
                        total += int((folder / "statm").read_text().split()[1])
                except (OSError, ValueError):
                    continue
            self.peak = max(self.peak, total)


def run_client(house, source, command, key, log):
    """One row of figures, or an exception with the client's last words."""
    store = house.store
    env = os.environ | store.credentials() | {
        "PEER_HOST": "127.0.0.1", "PEER_PORT": str(source.port), "PEER_DATABASE": source.name, "PEER_VIEW": "peer_rows",
        "PEER_QUERY": QUERY, "PEER_ENDPOINT": store.endpoint.removeprefix("http://"), "PEER_BUCKET": BUCKET,
        "PEER_URL": source.url + "?sslmode=disable", "PEER_VENV": str(VENV), "PEER_PSQL": program("psql"),
        "AWS_REGION": store.region, "SLING_DISABLE_TELEMETRY": "TRUE", "HOME": str(house.folder),
        "PEER_FOLDER": str(house.folder), "PEER_STORE": json.dumps({
            "type": "s3", "bucket": BUCKET, "endpoint": store.endpoint, "region": store.region,
            "access_key_id": store.access_key, "secret_access_key": store.secret_key})}
    with Watch(source) as watch, open(log, "wb") as output:
        start = time.monotonic()
        child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 start_new_session=True)
        memory = Memory(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = memory.stop()
    if child.returncode != 0:
        raise RuntimeError(pathlib.Path(log).read_text(errors="replace").strip()[-600:] or f"ended with {status}")
    size = store.client().head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    return [wall, usage.ru_utime + usage.ru_stime, watch.cpu, peak, size / 1e6, watch.statement]


def run_ours(house, here):
    """A process of its own for each round, so that its peak is that export's."""
    with here.service() as service:
        with Watch(here.source) as watch:
            ended = here.export(service)
        return [ended.wall, ended.cpu, watch.cpu, peak_rss(service.process.pid),
                ended.export["files"][0]["size"] / 1e6, watch.statement]


def measure(house, clients, rounds, out, say):
    source = house.usual()
    source.execute("CREATE OR REPLACE VIEW chat.peer_rows AS " + QUERY.replace("k.name,", "k.name AS contact,"))
    here = house.installation(source)
    found = {OURS: []} | {name: [] for name in clients}
    for n in range(rounds):
        found[OURS].append(run_ours(house, here))
        for name, (command, key, _) in clients.items():
            if name in out:
                continue
            say(f"  round {n + 1}: {name}")
            try:
                found[name].append(run_client(house, source, command, key, house.folder / "peer.log"))
            except Exception as error:
                out[name] = f"it failed: {str(error)[-300:]}"
    return {name: rows for name, rows in found.items() if rows and name not in out}


def table(found):
    middles = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in found.items()}
    ours = middles[OURS][0]
    return [[name, show(row[0]), show(row[0] / ours), *map(show, row[1:])]
            for name, row in sorted(middles.items(), key=lambda item: item[1][0])], middles


def verdict(middles):
    others = {name: row for name, row in middles.items() if name != OURS}
    if not others:
        return "nobody to compare with", 1
    fastest = min(others, key=lambda name: others[name][0])
    least = min(others, key=lambda name: others[name][3])
    ratio = middles[OURS][0] / others[fastest][0]
    fast, small = ratio <= GOAL, middles[OURS][3] <= others[least][3]
    return (f"{show(ratio)} x the time of the fastest ({fastest}), goal <= {GOAL}: {'held' if fast else 'MISSED'}; "
            f"memory {show(middles[OURS][3])} MiB, the least of the others {show(others[least][3])} MiB ({least}): "
            f"{'held' if small else 'MISSED'}"), 0 if fast and small else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--into", type=pathlib.Path)
    options = parser.parse_args()

    if options.into:
        marked(options.into, "peers")  # before anything is measured

    def say(text):
        print(text, flush=True)
    clients, out = contenders(install(say))
    if options.names:
        clients = {name: one for name, one in clients.items() if any(part in name for part in options.names)}
    say("versions: " + ", ".join(versions()))
    with House(sizes(False, options.messages), binary_here(), say) as house:
        house.need_store()
        facts = machine(house.cluster)
        found = measure(house, clients, options.rounds, out, say)
    rows, middles = table(found)
    title = (f"{options.messages:,} messages to MinIO, one compressed file each; verbatim an archive of "
             f"{options.messages // 25:,} entries")
    say(text_table(title, HEAD, rows))
    for name, reason in out.items():
        say(f"left out: {name}: {reason}")
    text, status = verdict(middles)
    path = options.json or KEPT / "bench" / time.strftime("peers-%Y%m%d-%H%M%S.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": facts, "versions": versions(), "columns": HEAD[1:2] + HEAD[3:],
                                "rounds": found, "left_out": out, "verdict": text}, indent=1) + "\n")
    if options.into:
        put_into(options.into, "peers", "\n\n".join([
            f"{facts['cores']} cores ({facts['processor']}), {facts['date']}, load {facts['load']} at the start. "
            f"{title}. Versions: {', '.join(versions())}.", markdown_table(HEAD, rows), f"Verbatim takes {text}."]))
    say(f"{text}; raw figures in {path}")
    return status


if __name__ == "__main__":
    sys.exit(main())
