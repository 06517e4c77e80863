"""Every route of the route table has to stand in docs/api.md or docs/operator.md; prints those that do not.

Options are compared with docs/options.md by tests/end_to_end/test_options.py, which asks the program.
"""

import pathlib
import re
import sys

ROUTE = re.compile(r'^    \{"([A-Z]+)", +([^,]+),', re.MULTILINE)
DEFINED = re.compile(r'^#define (\w+) "(.*)"$', re.MULTILINE)


def routes():
    """(method, path) of the route table, arguments of the path as {}."""
    source = pathlib.Path("service/api/doors/routes.c").read_text()
    words = dict(DEFINED.findall(source))
    for method, pattern in ROUTE.findall(source):
        yield method, "".join(words.get(part, part.strip('"')) for part in pattern.split())


def missing():
    text = "".join(pathlib.Path(name).read_text() for name in ("docs/api.md", "docs/operator.md"))
    text = re.sub(r"\{\w+\}", "{}", text)
    known = list(routes())
    for method, path in known:
        if path.rstrip("*") not in text:
            yield f"neither docs/api.md nor docs/operator.md has {method} {path}"
    if not known:
        yield "no routes found in service/api/doors/routes.c: this check does not understand it any more"


if __name__ == "__main__":
    problems = list(missing())
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
