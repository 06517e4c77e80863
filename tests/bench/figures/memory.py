"""P3: the peak of a process's memory, a service started anew for each row."""

from tests.lib.measure import peak_rss

from .house import LeftOut
from .table import MEMORY


def peak(house, source, storage="s3", workers=2, **words):
    here = house.installation(source)
    with here.service(storage, workers=workers) as service:
        ended = here.export(service, **words)
        return peak_rss(service.process.pid), ended.export["progress"]["messages_done"]


def peaks(house, report):
    house.need_store()
    sizes = house.sizes
    rows = {"P3 least": lambda: house.sized(sizes.least), "P3 middle": house.usual,
            "P3 most": lambda: house.sized(sizes.most),
            "P3 giant": lambda: house.source(1, sizes.messages),
            "P3 conversations": lambda: house.source(sizes.messages * 2 // 5, 2)}
    for key, source in rows.items():
        try:
            value, messages = peak(house, source())
            report.add(key, [value], f"{messages:,} messages")
        except LeftOut as reason:
            report.leave_out(key, str(reason))
    value, messages = peak(house, house.usual(), format="xlsx")
    report.add("P3 workbook", [value], f"{messages:,} messages")
    value, _ = peak(house, house.huge())
    report.add("P3 message", [value - 3 * sizes.huge],
               f"a message of {sizes.huge} MiB: {value:.0f} MiB, of {MEMORY:.0f} + {3 * sizes.huge} MiB")
