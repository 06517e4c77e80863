"""Whether what the documents name is there: files, folders, functions and commands of ./run in backticks, and what
their links lead to, headings included. A file may be named by the end of its path (`queue/claim.c`); words in
capitals, `...` and `*` stand for anything.
"""

import pathlib
import re
import subprocess
import sys

CODE = re.compile(r"```.*?```|`([^`\n]+)`", re.S)
SOURCE = re.compile(r"\.(c|h|py|sh|sql|md|cmake|txt)$|^\.ci/")
PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*/?")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.M)
MADE = ("build", ".run")  # by ./run
ENTRIES = ("nothing-found.txt", "manifest.json", "manifest.sha256", "manifest.sig")  # of archives


def tracked():
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True)
    return [name for name in files.stdout.splitlines() if pathlib.Path(name).is_file()]


class Repository:
    def __init__(self):
        files = tracked()
        folders = {str(folder) + "/" for name in files for folder in pathlib.PurePath(name).parents if folder.name}
        self.paths = "\n".join("/" + name for name in (*files, *folders))
        self.tops = {name.split("/")[0] for name in files if "/" in name}
        sources = [name for name in files if name.endswith((".c", ".h", ".sql", ".py", ".txt", ".cmake"))]
        self.words = set(re.findall(r"\w+", "\n".join(pathlib.Path(name).read_text() for name in sources)))
        self.commands = set(re.findall(r"^  ([a-z]+) ", pathlib.Path("run").read_text(), re.M))

    def has(self, path):
        """As a whole, or as the end of a path: `claim.c` is queue/claim.c, and no other_claim.c."""
        pattern = re.escape(path.rstrip("/")).replace(r"\*", "*").replace(r"\.\.\.", "*")
        pattern = re.sub(r"(?<![a-z])[A-Z]{2,}(?![a-z])|\*", "[^/\n]+", pattern)
        return bool(re.search(f"/{pattern}{'/' if path.endswith('/') else '/?'}$", self.paths, re.M))

    def has_word(self, name):
        pattern = re.compile(re.sub(r"[A-Z]{2,}", "[a-z0-9]+", name))
        return name in self.words or pattern.pattern != name and any(map(pattern.fullmatch, self.words))

    def is_path(self, word):
        top = word.split("/")[0]
        return bool(PATH.fullmatch(word)) and top not in MADE and bool(
            SOURCE.search(word) or word.endswith("/") or ("/" in word and top in self.tops))


def missing(repository, file):
    text = file.read_text()
    for span in CODE.finditer(text):
        code = span[1] or span[0]
        for command in re.findall(r"\./run (\w+)", code):
            if command not in repository.commands:
                yield f"./run {command}"
        for word in code.split() if span[1] else ():
            if repository.is_path(word) and word not in ENTRIES and not repository.has(word):
                yield word
        for name in re.findall(r"\bvb_\w+", code):
            if not repository.has_word(name):
                yield name
    for target, anchor in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.S)):
        path = file.parent / target if target else file
        if not path.exists():
            yield target
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{target}#{anchor}"


def anchors(file):
    """What links to headings may name, as web pages of repositories make them."""
    text = re.sub(r"```.*?```", "", file.read_text(), flags=re.S)
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def main():
    repository = Repository()
    documents = [pathlib.Path(name) for name in tracked() if name.endswith(".md")]
    if len(repository.commands) < 5 or len(documents) < 10:
        sys.exit("hardly a document or command was found: this check does not understand them any more")
    found = [f"{file}: there is no {what}" for file in documents for what in missing(repository, file)]
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
