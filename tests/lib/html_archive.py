"""An HTML archive read back as a browser reads it: figures, tables, conversations with their rows."""

import html.parser
import re

VOID = {"meta", "img", "br", "link", "input"}
# Elements whose end tag is left out, and what ends them.
ENDS = {"li": {"li"}, "p": {"p", "ul", "ol", "li", "article"}, "tr": {"tr", "tbody"}, "td": {"td", "th", "tr", "tbody"},
        "th": {"td", "th", "tr", "tbody"}, "thead": {"tbody"}, "tbody": {"tbody"}}


class Node:
    def __init__(self, name, attributes=(), parent=None):
        self.name, self.attributes, self.parent = name, dict(attributes), parent
        self.children = []

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name, *classes):
        """Elements below of that name (None: any), in the order of the page."""
        for child in self.children:
            if isinstance(child, Node):
                if name in (None, child.name) and set(classes) <= set(child.classes):
                    yield child
                yield from child.all(name, *classes)

    def one(self, name, *classes):
        return next(self.all(name, *classes), None)

    def own(self, name):
        return [child for child in self.children if isinstance(child, Node) and child.name == name]


class Builder(html.parser.HTMLParser):
    """Fails on an end tag that closes nothing: the page has to be well formed but for what HTML lets one leave out."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("#root")

    def leave_implied(self, name):
        while name in ENDS.get(self.at.name, ()):
            self.at = self.at.parent

    def handle_starttag(self, name, attributes):
        if name == "li" and self.at.name not in ("ul", "ol"):
            while self.at.name in ("p", "li"):
                self.at = self.at.parent
        self.leave_implied(name)
        node = Node(name, attributes, self.at)
        self.at.children.append(node)
        if name not in VOID:
            self.at = node

    def handle_startendtag(self, name, attributes):
        self.at.children.append(Node(name, attributes, self.at))

    def handle_endtag(self, name):
        while self.at.name != name:
            assert self.at.name in ENDS, f"</{name}> in <{self.at.name}>"
            self.at = self.at.parent
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


class Row:
    """Words stand bare around the time: the role before it, the status and the feedback behind it."""

    def __init__(self, node):
        self.node = node
        self.id = node.attributes.get("id")
        self.kind = node.attributes.get("class")
        self.speaker = node.one("b").text.strip()
        self.time = node.one("time").text
        place = next(i for i, child in enumerate(node.children) if isinstance(child, Node) and child.name == "time")
        self.role = self.words(node.children[:place]) or None
        self.notes = [each for each in self.words(node.children[place + 1:]).split(" \u00b7 ") if each]
        self.texts = [p.text.rstrip("\n") for p in node.own("p")]

    @staticmethod
    def words(children):
        return "".join(each if isinstance(each, str) else each.text for each in children
                       if isinstance(each, str) or each.name in ("bdi", "small")).strip()


class Conversation:
    def __init__(self, node):
        self.node = node
        self.id = node.attributes["id"]
        self.contact = node.one("h2").text
        self.rows = [Row(item) for thread in node.own("ol") for item in thread.own("li")]


class Page:
    def __init__(self, data):
        self.text = data.decode("utf-8") if isinstance(data, bytes) else data
        builder = Builder()
        builder.feed(self.text)
        builder.close()
        assert builder.at.name in ("#root", "html"), builder.at.name
        self.root = builder.root
        self.about = self.pairs(self.root.one("dl", "about"))
        self.figures = self.pairs(self.root.one("dl", "figures"))
        self.conversations = [Conversation(node) for node in self.root.all("article")]

    @staticmethod
    def pairs(node):
        return {row.one("dt").text: row.one("dd").text for row in node.own("div")} if node else {}

    def table(self, node):
        return [[cell.text.strip() for cell in row.all(None) if cell.name in ("th", "td")] for row in node.all("tr")]

    def numbers(self, *classes):
        """The table of the figure (or the table itself) of that class: first column to the others as numbers."""
        node = self.root.one("figure", *classes) or self.root.one("table", *classes)
        table = node if node.name == "table" else node.one("table")
        return {row[0]: [number(cell) for cell in row[1:]] for row in self.table(table)[1:]}


def number(text):
    assert re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})*", text), text
    return int(text.replace(",", ""))
