"""How much of everything, in full and in a quick look: the one place. Goals are for the full sizes."""

from dataclasses import dataclass


@dataclass
class Sizes:
    messages: int = 1_000_000     # of the usual large export, 25 in each conversation
    least: int = 10_000           # the other ends of P3 and P7
    most: int = 10_000_000
    huge: int = 64                # MiB of the large message
    rounds: int = 5               # of pairs that alternate
    loads: int = 3                # rounds of what runs for so many seconds or jobs
    seconds: int = 5              # of each load by wrk or pgbench
    small_jobs: int = 300         # of P5, and bare PUTs beside them
    many_jobs: int = 3_000        # of P6
    media: int = 2_000
    harm_seconds: int = 20        # of the platform's own load, quiet and meanwhile
    neighbour_jobs: int = 300     # of P11, quiet and meanwhile
    neighbour_messages: int = 10_000_000
    format_rounds: int = 3
    idle_seconds: int = 60     # a round of the janitor


QUICK = {"messages": 100_000, "least": 1_000, "most": 100_000, "huge": 8, "rounds": 3, "loads": 2, "seconds": 1,
         "small_jobs": 60, "many_jobs": 400, "media": 60, "harm_seconds": 2, "neighbour_jobs": 60,
         "neighbour_messages": 300_000, "format_rounds": 1, "idle_seconds": 12}


def sizes(quick, most=None):
    found = Sizes(**QUICK) if quick else Sizes()
    if most:
        found.most, found.neighbour_messages = (min(most, each) for each in (found.most, found.neighbour_messages))
        found.messages = min(most, found.messages)
    return found
