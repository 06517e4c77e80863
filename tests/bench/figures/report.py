"""What was measured, judged by the table of goals: lines for people, JSON for programs, tables for the document."""

import json
import statistics
from dataclasses import dataclass, field

from .table import BY_KEY, FIGURES

VERDICTS = {True: "held", False: "MISSED", None: "-"}


def percentile(values, share):
    """The value below which lies this share of all (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Measured:
    """One row: values of the rounds, of which the median is judged, and a note with what they were made of."""

    key: str
    values: list
    note: str = ""
    raw: dict = field(default_factory=dict)

    @property
    def goal(self):
        return BY_KEY[self.key]

    @property
    def value(self):
        return statistics.median(self.values)

    @property
    def held(self):
        return self.goal.held(self.value)

    def spread(self):
        low, high = min(self.values), max(self.values)
        return "" if len(self.values) == 1 else f"{show(low)} to {show(high)}"

    def line(self):
        spread = f" ({self.spread()})" if self.spread() else ""
        return (f"{self.key:17} {show(self.value):>7}{spread} {self.goal.unit}; goal {self.goal.words()}: "
                f"{VERDICTS[self.held]}. {self.goal.what}{': ' if self.note else ''}{self.note}")

    def as_json(self):
        goal = self.goal
        return {"figure": goal.figure, "key": self.key, "what": goal.what, "unit": goal.unit, "sense": goal.sense,
                "goal": goal.limit, "value": self.value, "least": min(self.values), "most": max(self.values),
                "rounds": self.values, "held": self.held, "note": self.note, "raw": self.raw}


def show(value):
    """Three significant figures, without an exponent."""
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if (
        abs(value) >= 0.1) else f"{value:.3f}"


class Report:
    """Rows as they come; what could not be measured is kept with its reason."""

    def __init__(self, facts, say=print):
        self.facts, self.say = facts, say
        self.rows, self.tables, self.absent = [], {}, {}

    def add(self, key, values, note="", **raw):
        row = Measured(key, list(values), note, raw)
        self.rows.append(row)
        self.say(row.line())

    def table(self, title, head, rows):
        """Figures beside the goals, such as a run by 1, 2 and 4 processes."""
        self.tables[title] = {"head": head, "rows": [[str(cell) for cell in row] for row in rows]}
        self.say(text_table(title, **self.tables[title]))

    def leave_out(self, what, reason):
        self.absent[what] = reason
        self.say(f"{what:17} left out: {reason}")

    def failed(self, figure, error):
        self.leave_out(figure, f"FAILED: {type(error).__name__}: {str(error)[:2000]}")

    def status(self):
        """0: whatever has a goal held it, and nothing failed."""
        failed = any(reason.startswith("FAILED") for reason in self.absent.values())
        return 1 if failed or any(row.held is False for row in self.rows) else 0

    def summary(self):
        held = sum(row.held is True for row in self.rows)
        missed = [row.key for row in self.rows if row.held is False]
        text = f"{held} goals held, {len(missed)} missed"
        return text + (f" ({', '.join(missed)})" if missed else "") + (
            f", left out: {', '.join(self.absent)}" if self.absent else "")

    def as_json(self):
        return self.facts | {"figures": [row.as_json() for row in self.rows], "tables": self.tables,
                             "left_out": self.absent}

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n")


def text_table(title, head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows]]
    return "\n".join([title, *lines])


def markdown_table(head, rows):
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def markdown(found):
    """The tables of the document, from what as_json() gives or gave."""
    facts = found["machine"]
    parts = [f"{facts['cores']} cores ({facts['processor']}), {facts['memory']}, PostgreSQL {facts['postgres']}, "
             f"{facts['date']}, revision {found['revision']}, " + ("quick sizes" if found["quick"] else "full sizes") +
             f", load {facts['load']} at the start."]
    rows = sorted(found["figures"], key=lambda row: FIGURES.index(row["figure"]))
    body = [[row["key"], row["what"] + (f" ({row['note']})" if row["note"] else ""),
             f"{show(row['value'])} {row['unit']}".strip(),
             "" if row["least"] == row["most"] else f"{show(row['least'])} to {show(row['most'])}",
             "" if row["goal"] is None else f"{row['sense']} {row['goal']:g}", VERDICTS[row["held"]]] for row in rows]
    parts.append(markdown_table(["#", "figure", "value", "rounds", "goal", ""], body))
    for title, table in found["tables"].items():
        parts += [f"**{title}**", markdown_table(table["head"], table["rows"])]
    if found["left_out"]:
        parts.append("Left out: " + "; ".join(f"{what}: {why}" for what, why in found["left_out"].items()) + ".")
    return "\n\n".join(parts)


def marked(path, name):
    """What stands before, from and after the marks of a document: a ValueError where there are none."""
    before, found, rest = path.read_text().partition(f"<!-- {name}: ")
    first, ended, after = rest.partition(f"<!-- end of {name} -->")
    if not found or not ended:
        raise ValueError(f"{path} has no marks of {name}")
    return before + found, first, ended + after


def put_into(path, name, text):
    """Puts the text between the marks `<!-- NAME: ... -->` and `<!-- end of NAME -->` of a document."""
    before, first, after = marked(path, name)
    head = first.partition("\n")[0]
    path.write_text(f"{before}{head}\n\n{text}\n\n{after}")
