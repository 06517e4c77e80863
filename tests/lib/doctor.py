"""`verbatim doctor` and what it prints."""

from dataclasses import dataclass

FINDINGS = ("ok", "warning", "failed")


@dataclass(frozen=True)
class Line:
    finding: str
    subject: str
    text: str
    remedy: str | None


def parse(line):
    head, rest = line[:9], line[9:]
    finding = head.strip()
    assert finding in FINDINGS, line
    subject, text = rest.split(": ", 1)
    text, arrow, remedy = text.partition(" -> ")
    assert finding == "ok" or arrow, f"no remedy: {line}"
    return Line(finding, subject, text, remedy if arrow else None)


class Report:
    def __init__(self, done):
        self.status = done.returncode
        self.output = done.stdout + done.stderr
        self.lines = [parse(line) for line in done.stdout.splitlines()]
        assert (self.status == 1) == any(line.finding == "failed" for line in self.lines), self.output
        assert self.status in (0, 1), self.output

    def of(self, subject):
        found = [line for line in self.lines if line.subject == subject]
        assert found, f"nothing about {subject}:\n{self.output}"
        return found

    def findings(self, subject):
        return {line.finding for line in self.of(subject)}

    def only(self, subject, finding):
        """The one line of the subject with that finding."""
        found = [line for line in self.of(subject) if line.finding == finding]
        assert len(found) == 1, self.output
        return found[0]


def doctor(program, *flags, env=None, **options):
    """Runs it; an exit status that does not fit its lines is an error."""
    other = type(program)(program.path, None, program.options | options, program.env | (env or {}))
    return Report(other.run("doctor", *flags, check=False))
