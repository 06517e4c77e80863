"""P7: what a further message costs as exports grow tenfold, the constant part of a job taken off by the difference."""

import statistics

from .house import LeftOut
from .report import show


def reach(house, report):
    """Sizes by tens up to the largest that this run is to have, and that the disk holds."""
    sizes, found = house.sizes, []
    size = sizes.least
    while size <= sizes.most:
        try:
            house.sized(size)
        except LeftOut as reason:
            report.leave_out(f"P7 {size:,}", str(reason))
            break
        found.append(size)
        size *= 10
    return found


def measured(house, size):
    """Medians of (own CPU, time) of an export of the size; short ones are repeated so that their noise counts less."""
    here = house.installation(house.sized(size))
    runs = max(1 if size >= 10_000_000 else house.sizes.rounds, min(25, 500_000 // size))
    with here.service() as service:
        here.export(service, "small")
        ended = [here.export(service) for _ in range(runs)]
    return (statistics.median(each.cpu for each in ended), statistics.median(each.wall for each in ended), runs)


def steps(house, report):
    house.need_store()
    found = {size: measured(house, size) for size in reach(house, report)}
    sizes = list(found)
    margins, rows = [], []
    for size, (cpu, wall, runs) in found.items():
        rows.append([f"{size:,}", show(wall), show(cpu), f"{size / wall:,.0f}", runs])
    for low, high in zip(sizes, sizes[1:]):
        further = high - low
        margins.append([(b - a) / further * 1e6 for a, b in zip(found[low][:2], found[high][:2])])
    report.table("Growth of an export to MinIO", ["messages", "s", "own CPU s", "messages/s", "runs"], rows)
    for n, (before, after) in enumerate(zip(margins, margins[1:]), 1):
        for place, what in enumerate(("cpu", "wall")):
            if n <= 2:
                report.add(f"P7 {what} {n}", [after[place] / before[place]],
                           f"{show(before[place])} s a million up to {sizes[n]:,}, {show(after[place])} up to "
                           f"{sizes[n + 1]:,}")
