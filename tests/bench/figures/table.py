"""What has to be reached, a row each: the one place where a goal is written. Figures look up nothing else of it.

A key is `FIGURE` or `FIGURE PART`; `./run bench FIGURE` measures all parts of one. A goal of None: shown, never missed.
"""

from dataclasses import dataclass

AT_MOST, AT_LEAST = "<=", ">="


@dataclass(frozen=True)
class Goal:
    key: str
    what: str
    unit: str  # of the value; "x ...": a ratio to what stands there
    sense: str = AT_MOST
    limit: float | None = None

    @property
    def figure(self):
        return self.key.split()[0]

    def held(self, value):
        """None where nothing is asked for."""
        if self.limit is None:
            return None
        return value <= self.limit if self.sense == AT_MOST else value >= self.limit

    def words(self):
        return "shown" if self.limit is None else f"{self.sense} {self.limit:g}"


MEMORY = 64.0  # MiB of a process with two worker threads, whatever it exports

GOALS = [
    Goal("P1", "export to MinIO, from the trigger to its end", "x psql COPY CSV of the same rows", AT_MOST, 0.55),
    Goal("P2", "own CPU of the same", "x the build before", AT_MOST, 0.5),
    Goal("P2 seconds", "own CPU for a million messages", "s", AT_MOST, 0.95),
    Goal("P3 least", "peak RSS, the smallest export", "MiB", AT_MOST, MEMORY),
    Goal("P3 middle", "peak RSS, the usual large export", "MiB", AT_MOST, MEMORY),
    Goal("P3 most", "peak RSS, the largest export", "MiB", AT_MOST, MEMORY),
    Goal("P3 giant", "peak RSS, all messages in one conversation", "MiB", AT_MOST, MEMORY),
    Goal("P3 conversations", "peak RSS, ten times as many conversations, of two messages", "MiB", AT_MOST, MEMORY),
    Goal("P3 workbook", "peak RSS, the usual large export as one workbook", "MiB", AT_MOST, MEMORY),
    Goal("P3 message", "peak RSS above 3 times the message, one large message", "MiB", AT_MOST, MEMORY),
    *[Goal(f"P4 {n}", f"status polls over {n} connections", "x pgbench -S -M prepared", AT_LEAST, 0.6)
      for n in (8, 32, 128)],
    Goal("P4 8 p99", "99th percentile of these polls, 8 connections", "ms", AT_MOST, 10),
    Goal("P4 32 p99", "99th percentile of these polls, 32 connections", "ms", AT_MOST, 10),
    Goal("P4 128 p99", "99th percentile of these polls, 128 connections", "ms"),
    Goal("P4b list", "native lists of 20", "x their bare rows by pgbench -f", AT_LEAST, 0.5),
    Goal("P4b running", "native reads of a running export", "x their bare rows by pgbench -f", AT_LEAST, 0.5),
    Goal("P5 file", "10 messages to files, median from the trigger to the end", "ms", AT_MOST, 4),
    Goal("P5 minio", "10 messages to MinIO, median from the trigger to the end", "x a bare PUT", AT_MOST, 3),
    Goal("P6 minio", "small exports through one process, to MinIO", "/s", AT_LEAST, 600),
    Goal("P6 file", "small exports through one process, to files", "/s", AT_LEAST, 900),
    Goal("P7 cpu 1", "own CPU of a further message, second tenfold step", "x the step before", AT_MOST, 1.05),
    Goal("P7 wall 1", "time of a further message, second tenfold step", "x the step before", AT_MOST, 1.05),
    Goal("P7 cpu 2", "own CPU of a further message, third tenfold step", "x the step before", AT_MOST, 1.05),
    Goal("P7 wall 2", "time of a further message, third tenfold step", "x the step before", AT_MOST, 1.05),
    Goal("P8 statement", "longest statement at the source", "s", AT_MOST, 0.2),
    Goal("P8 transaction", "longest transaction at the source", "s", AT_MOST, 0.5),
    Goal("P8 xmin", "longest that an xmin was held at the source", "s", AT_MOST, 0.5),
    Goal("P8 files", "temporary files at the source", "", AT_MOST, 0),
    Goal("P8 blocked", "sessions of the source seen waiting for a lock", "", AT_MOST, 0),
    Goal("P8 cpu", "CPU of the source's backends", "x those of COPY", AT_MOST, 0.6),
    Goal("P8 fast", "99th percentile of the platform's own transactions meanwhile", "x quiet", AT_MOST, 2),
    Goal("P8 gentle", "the same with source_pace = gentle", "x quiet", AT_MOST, 1.3),
    Goal("P9 bytes", "different archives by 1, 2 and 4 processes", "", AT_MOST, 1),
    Goal("P9 two", "time of the export by two processes", "x one process"),
    Goal("P9 four", "time of the export by four processes", "x one process"),
    Goal("P10 time", "media of 200 kB, each answered after 50 ms, one worker thread", "x one after the other",
         AT_MOST, 0.1),
    Goal("P10 memory", "peak RSS meanwhile", "MiB", AT_MOST, MEMORY),
    Goal("P10 wrong", "media out of order, missing or with other bytes", "", AT_MOST, 0),
    Goal("P11 queue", "99th percentile of a small job's wait in the queue while a large export runs", "x quiet",
         AT_MOST, 3),
    Goal("P11 polls", "99th percentile of polls while a large export runs", "x quiet", AT_MOST, 3),
    *[Goal(f"P12 {shape}", f"messages a second as {shape}", "x csv messages", AT_LEAST, 1) for shape in (
        "csv conversations", "csv leads", "json", "ndjson", "html",
        "csv messages single", "csv conversations single", "csv leads single", "json single", "ndjson single",
        "html single")],
    *[Goal(f"P12 {shape}", f"messages a second as {shape}", "x csv messages", AT_LEAST) for shape in (
        "xlsx", "xlsx single", "pdf")],
    Goal("P13 cpu", "CPU of a process that has nothing to do", "% of a core", AT_MOST, 0.2),
    Goal("P13 statements", "statements of it at both databases", "/s", AT_MOST, 1),
]
BY_KEY = {goal.key: goal for goal in GOALS}
FIGURES = list(dict.fromkeys(goal.figure for goal in GOALS))
