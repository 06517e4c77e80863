"""What a person finds on a page by its role and name, as the browser tells them to screen readers.

A Seen is a description, not a node: it is looked for anew at each use, so that a page may draw itself again in between.
Each use waits until there is exactly one of it; what there is instead stands in the error.
"""

import contextlib

from .devtools import ProtocolError
from .process import wait_until

SECONDS = 20
# Whether the point belongs to the element: a person cannot press what something else covers.
HIT = """function(x, y) {
  const hit = document.elementFromPoint(x, y);
  return !!hit && (this === hit || this.contains(hit) || hit.closest("label")?.control === this);
}"""


def described(node):
    return node["role"]["value"], node.get("name", {}).get("value", "")


def states_of(node):
    """{"checked": "true", "required": True, "description": "..."}"""
    states = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
    return states | {name: node[name]["value"] for name in ("description", "value") if node.get(name)}


def matches(node, name, state):
    found = described(node)[1]
    if name is not None and not (name.search(found) if hasattr(name, "search") else name == found):
        return False
    states = states_of(node)
    return all(str(states.get(key, False)).lower() == str(value).lower() for key, value in state.items())


class Seen:
    def __init__(self, page, role, name=None, within=None, state=None):
        self.page, self.role, self.name, self.within, self.state = page, role, name, within, state or {}

    def __str__(self):
        place = f" in {self.within}" if self.within else ""
        return f"{self.role} {self.name!r}{place}" + (f" {self.state}" if self.state else "")

    def get(self, role, name=None, **state):
        return Seen(self.page, role, name, self, state)

    # Finding

    def nodes(self):
        """All there are, at this moment, in the page's order."""
        if self.within:
            root = {"backendNodeId": self.within.node()["backendDOMNodeId"]}
        else:
            root = {"objectId": self.page.call("Runtime.evaluate", expression="document")["result"]["objectId"]}
        # A name given as a text is looked up by the browser; it also trims.
        found = self.page.call("Accessibility.queryAXTree", role=self.role, **root)["nodes"]
        return [node for node in found if not node.get("ignored") and node.get("backendDOMNodeId")
                and matches(node, self.name, self.state)]

    def count(self):
        return len(self.nodes())

    def names(self):
        return [described(node)[1] for node in self.nodes()]

    def node(self, seconds=SECONDS):
        def one():
            with contextlib.suppress(ProtocolError):  # drawn again while we looked
                found = self.nodes()
                return found[0] if len(found) == 1 else None
        try:
            return wait_until(one, str(self), seconds)
        except TimeoutError as error:
            there = Seen(self.page, self.role, None, self.within if self.within is None else self.within).names()
            raise TimeoutError(f"{error}; there is: {there}\n{self.page.text()[:1500]}") from None

    def wait(self, seconds=SECONDS):
        self.node(seconds)
        return self

    def gone(self, seconds=SECONDS):
        wait_until(lambda: not self._there(), f"the end of {self}", seconds)

    def _there(self):
        try:
            return self.nodes()
        except ProtocolError:
            return True

    # Asking

    def states(self):
        return states_of(self.node())

    def apply(self, function, *arguments):
        """What `function() { this... }` returns for the element."""
        handle = self.page.call("DOM.resolveNode", backendNodeId=self.node()["backendDOMNodeId"])["object"]["objectId"]
        answer = self.page.call("Runtime.callFunctionOn", objectId=handle, functionDeclaration=function,
                                arguments=[{"value": each} for each in arguments], returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self):
        return self.apply("function() { return this.innerText ?? this.textContent }")

    def value(self):
        return self.apply("function() { return this.value }")

    def box(self):
        """(left, top, width, height) in the window."""
        return self.apply("function() { const b = this.getBoundingClientRect();"
                          " return [b.left, b.top, b.width, b.height] }")

    # Doing

    def click(self, count=1):
        """With the mouse, at its middle, as soon as it stands still and nothing covers it."""
        x, y = wait_until(self._point, f"a place to press {self}", SECONDS)
        self.page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=number)

    def _point(self):
        number = self.node()["backendDOMNodeId"]
        try:
            self.page.call("DOM.scrollIntoViewIfNeeded", backendNodeId=number)
            first, second = self._middle(number), self._middle(number)
            return first if first and first == second and self.apply(HIT, *first) else None
        except ProtocolError:
            return None

    def _middle(self, number):
        """None while it takes no room."""
        for quad in self.page.call("DOM.getContentQuads", backendNodeId=number)["quads"][:1]:
            return sum(quad[0::2]) / 4, sum(quad[1::2]) / 4
        return None

    def fill(self, text):
        """Clicks into the field and types in place of what stands there."""
        self.click()
        self.page.press("Control+a")
        self.page.press("Delete")
        self.page.type(text)

    def choose(self, option):
        """An option of a list by its words, by keys: the list that opens by mouse is no part of the page."""
        self.apply("function() { this.focus() }")
        most = self.apply("function() { return this.options.length }")
        self.page.press("Home")
        for _ in range(most):
            if self.apply("function() { return this.selectedOptions[0]?.label }") == option:
                return
            self.page.press("ArrowDown")
        raise AssertionError(f"{self} does not offer {option!r}")
