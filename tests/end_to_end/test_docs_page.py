"""GET /docs as a reader has it: in a browser, wide and narrow, light and dark."""

import json

import pytest

from tests.lib.api_document import Document, examples_of
from tests.lib.browser import Browser
from tests.lib.process import wait_until

# Every article of the page: its id, and the texts of its parts.
ARTICLES = """
[...document.querySelectorAll("article")].map((article) => ({
  id: article.id,
  title: article.querySelector("h3").innerText,
  method: article.querySelector(".target .method").innerText,
  path: article.querySelector(".target .path").innerText,
  names: [...article.querySelectorAll("dt > code")].map((each) => each.textContent),
  statuses: [...article.querySelectorAll(".answer .status")].map((each) => each.textContent),
  samples: [...article.querySelectorAll("figure pre")].map((each) => each.textContent),
  text: article.textContent,
}))
"""
LINKS = """[...document.querySelectorAll("#doors ul a")].map((each) => decodeURIComponent(each.hash.slice(1)))"""
# Elements that reach beyond the window; what scrolls by itself may.
TOO_WIDE = """
[...document.querySelectorAll("main *")].filter((each) => !each.closest("pre") &&
  each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((each) => each.outerHTML.slice(0, 80))
"""
CONTRAST = """
(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[0-9.]+/g).slice(0, 3).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (!/^rgba.*, 0\\)$/.test(color)) return color;
    }
  };
  return [...document.querySelectorAll("h1, h2, h3, h4, p, a, small, code, dt, figcaption, button")]
    .filter((each) => each.innerText && each.getClientRects().length)
    .map((each) => [light(getComputedStyle(each).color), light(ground(each)), each.outerHTML.slice(0, 80)])
    .map(([a, b, text]) => [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text])
    .sort(([a], [b]) => a - b)[0];
})()
"""


@pytest.fixture(scope="module")
def service(program, make_service):
    program.migrate()
    program.demo_data(conversations=1)
    return make_service(workers=0)


@pytest.fixture(scope="module")
def browser(service):
    with Browser() as browser:
        browser.window(1280, 900)
        browser.open(service.url + "/docs")
        wait_until(lambda: browser.value("document.querySelectorAll('article').length"), "the page to be drawn")
        yield browser


@pytest.fixture(scope="module")
def document(service):
    return Document(service.get("/openapi.json").json())


@pytest.fixture(scope="module")
def articles(browser):
    return {article["id"]: article for article in browser.value(ARTICLES)}


def shown(value):
    """An example as the page prints it."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def test_nothing_comes_from_elsewhere(browser, service):
    asked = [url for url in browser.requested() if not url.startswith("data:")]
    assert sorted(asked) == [f"{service.url}{path}" for path in ("/docs", "/docs/docs.js", "/openapi.json")]
    assert browser.complaints() == []


def test_every_operation_is_there(articles, browser, document):
    wanted = {each.id: (each.method, each.path, each.spec["summary"]) for each in document.operations()}
    assert len(wanted) > 20
    assert {id: (each["method"], each["path"], each["title"]) for id, each in articles.items()} == wanted
    assert sorted(browser.value(LINKS)) == sorted(wanted)


def test_with_its_parameters_and_members(articles, document):
    for operation in document.operations():
        article = articles[operation.id]
        for parameter in operation.parameters:
            assert parameter["name"] in article["names"]
            if "example" in parameter:
                example = parameter["example"]
                shown = json.dumps(example) if isinstance(example, list) else example
                assert f"for example {shown}" in article["text"], parameter
        if "requestBody" in operation.spec:
            body = document.resolve(operation.spec["requestBody"]["content"]["application/json"]["schema"])
            assert set(body["properties"]) <= set(article["names"])
    assert {"conversation_ids", "completed_only", "phone_number"} <= set(articles["createExport"]["names"]), "nested"


def test_with_its_answers_and_all_examples(articles, document):
    seen = 0
    for operation in document.operations():
        article = articles[operation.id]
        assert article["statuses"] == sorted(operation.spec["responses"])
        for status in operation.spec["responses"]:
            for content in operation.response(status).get("content", {}).values():
                for _, value in examples_of(content):
                    assert shown(value) in article["samples"], value
                    seen += 1
    assert seen > 100


def test_with_calls_that_a_shell_takes(articles, document):
    for operation in document.operations():
        calls = [sample for sample in articles[operation.id]["samples"] if sample.startswith("curl ")]
        bodies = list(operation.body_examples().values()) or [None]
        assert len(calls) == len(bodies)
        for call, body in zip(calls, bodies):
            assert (f"-X {operation.method}" in call) == (operation.method != "GET")
            assert ('-H "X-API-Key: $KEY"' in call) == operation.needs_key
            assert body is None or json.loads(call.split("-d '", 1)[1][:-1]) == body
            for part in operation.path.split("/"):
                assert not part.startswith("{") or f"${part[1:-1].upper()}" in call


def test_a_call_is_copied(browser):
    copied = browser.value("""
        new Promise((done) => {
          navigator.clipboard.writeText = (text) => { done(text); return Promise.resolve(); };
          document.querySelector("#createExport figure button").click();
        })""")
    assert copied.startswith("curl -s -X POST \"$BASE/api/v1/workspace/$WORKSPACE_ID/exports\"")
    assert browser.value("document.querySelector('#createExport figure button').innerText") == "Copied"


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_readable_at_any_width(browser, width, dark):
    browser.window(width, 900, dark)
    browser.value("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
    assert browser.value(TOO_WIDE) == []
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("getComputedStyle(document.body).backgroundColor") == (
        "rgb(18, 21, 26)" if dark else "rgb(255, 255, 255)")
    contrast, where = browser.value(CONTRAST)
    assert contrast >= 4.5, where


def test_the_contents_stay_in_sight(browser):
    for width in (1280, 390):
        browser.window(width, 900)
        browser.value("document.getElementById('readAudit').scrollIntoView()")
        assert browser.value("document.getElementById('side').getBoundingClientRect().top") == 0
    assert browser.value("document.getElementById('contents').open") is False, "on a phone they open on demand"
    browser.value("document.querySelector('#contents summary').click()")
    browser.value("document.querySelector('#doors a[href=\"#cancelExport\"]').click()")
    assert browser.value("[location.hash, document.getElementById('contents').open]") == ["#cancelExport", False]
