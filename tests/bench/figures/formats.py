"""P12: every format against csv messages of the same rows, in messages a second to MinIO; rounds alternate."""

import statistics

from .report import show
from .table import GOALS

YARD = "csv messages"
LAYOUTS = ("messages", "conversations", "leads")
PDF_SHARE = 50  # a page is drawn letter by letter: fewer messages


def words_of(shape):
    """`csv leads single` -> the members of an export."""
    format_, *rest = shape.split()
    words = {"format": format_, "files": "single" if "single" in rest else "per_conversation"}
    if layout := next((each for each in rest if each in LAYOUTS), None):
        words["layout"] = layout
    return words


def measure(house, report):
    house.need_store()
    here = house.installation(house.usual())
    slow = house.installation(house.sized(max(25, house.sizes.messages // PDF_SHARE)))
    shapes = [goal.key.removeprefix("P12 ") for goal in GOALS if goal.figure == "P12"]
    rates = {shape: [] for shape in [YARD, *shapes]}
    cpus, sizes = {}, {}
    with here.service() as service, slow.service() as other:
        here.export(service, "small")
        for _ in range(house.sizes.format_rounds):
            for shape in rates:
                side = (slow, other) if shape == "pdf" else (here, service)
                ended = side[0].export(side[1], **words_of(shape))
                messages = ended.export["progress"]["messages_done"]
                rates[shape].append(messages / ended.wall)
                cpus.setdefault(shape, []).append(ended.cpu / messages * 1e6)
                sizes[shape] = ended.export["files"][0]["size"] / messages
            house.sweep()
    rows = [[shape, f"{statistics.median(rates[shape]):,.0f}", show(statistics.median(cpus[shape])),
             show(sizes[shape])] for shape in rates]
    report.table("Formats", ["format", "messages/s", "own CPU us a message", "bytes a message"], rows)
    for shape in shapes:
        report.add(f"P12 {shape}", [rate / yard for rate, yard in zip(rates[shape], rates[YARD])],
                   f"{statistics.median(rates[shape]):,.0f} a second of {statistics.median(rates[YARD]):,.0f}")
