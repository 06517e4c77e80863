"""The files of the console, as a browser and a cache get them."""

import gzip
import hashlib
import pathlib
import re

import pytest

from tests.lib.browser import Browser

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "service/console"
NAMES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*")
               if path.is_file() and path.suffix not in (".txt", ".h", ".md"))
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
         ".json": "application/json"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")


@pytest.fixture(scope="module")
def service(program, make_service):
    program.migrate()
    program.demo_data(conversations=1)
    return make_service(workers=0)


def test_every_file_of_the_folder_is_served():
    """One that stands in the folder and not in the list would be missed in the browser only."""
    listed = re.search(r"set\(names\n(.*?)\)", (FOLDER / "CMakeLists.txt").read_text(), re.S)[1].split()
    assert listed == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_file(service, name):
    content = (FOLDER / name).read_bytes()
    answer = service.get("/console/" + name)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["Content-Type"] == TYPES[pathlib.PurePath(name).suffix]
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    head = service.request("HEAD", "/console/" + name)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(content)))


def headers_of(answer):
    return {name: answer.headers.get_all(name) for name in
            ("Content-Security-Policy", "Cache-Control", "Referrer-Policy", "Cross-Origin-Opener-Policy",
             "X-Content-Type-Options")}


@pytest.mark.parametrize("name", ["", *NAMES])
def test_the_headers_of_a_file(service, name):
    expected = {"Content-Security-Policy": [POLICY], "Cache-Control": ["no-cache"], "Referrer-Policy": ["no-referrer"],
                "Cross-Origin-Opener-Policy": ["same-origin"], "X-Content-Type-Options": ["nosniff"]}
    answer = service.get("/console/" + name)
    assert headers_of(answer) == expected
    held = service.get("/console/" + name, headers={"If-None-Match": answer.headers["ETag"]})
    assert (held.status, held.body, held.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    assert headers_of(held) == expected
    assert service.get("/console/" + name, headers={"If-None-Match": '"another"'}).status == 200


@pytest.mark.parametrize("name", ["", *NAMES])
def test_a_file_comes_packed_to_whoever_takes_that(service, name):
    plain, packed = (service.get("/console/" + name, headers={"Accept-Encoding": coding})
                     for coding in ("identity", "gzip, deflate, br, zstd"))
    assert plain.headers["Content-Encoding"] is None and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert plain.headers["Content-Type"] == packed.headers["Content-Type"]
    assert packed.headers["ETag"] != plain.headers["ETag"], "a cache may not put one in place of the other"
    for kept in (plain, packed):
        held = service.get("/console/" + name, headers={
            "If-None-Match": kept.headers["ETag"], "Accept-Encoding": kept.headers["Content-Encoding"] or "identity"})
        assert (held.status, held.headers["ETag"]) == (304, kept.headers["ETag"])
    assert headers_of(packed) == headers_of(plain)


def test_the_page_and_the_way_to_it(service):
    page = service.get("/console/")
    assert (page.status, page.headers["Content-Type"]) == (200, TYPES[".html"])
    assert page.body == (FOLDER / "index.html").read_bytes()
    way = service.get("/console")
    assert (way.status, way.headers["Location"], way.body) == (308, "console/", b"")


@pytest.mark.parametrize("path", ["nothing.js", "INDEX.HTML", "lib/", "./app.js", "../api/api.h", "..%2fapi%2fapi.h",
                                  "%2e%2e/files.h", "files.h", "CMakeLists.txt", "app.js/"])
def test_nothing_else_is_served(service, path):
    answer = service.get("/console/" + path)
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/app.js"])
def test_files_are_only_read(service, path):
    answer = service.request("POST", path, json_body={})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_the_page_loads_nothing_from_elsewhere_and_its_policy_holds(service):
    with Browser() as browser:
        browser.open(service.url + "/console")
        assert browser.value("location.pathname") == "/console/"
        asked = browser.requested()
        assert f"{service.url}/console/app.js" in asked and f"{service.url}/console/console.css" in asked
        assert [url for url in asked if not url.startswith((service.url, "data:"))] == []
        assert browser.complaints() == []
        # What somebody would put into the page by a hole in it does not run, and goes nowhere.
        assert browser.value("""
            new Promise((done) => {
              const refused = [];
              document.addEventListener("securitypolicyviolation", (event) => {
                refused.push(event.effectiveDirective);
                if (refused.length === 4) done(refused.sort());
              });
              const script = document.createElement("script");
              script.textContent = "window.ran = true";
              const image = document.createElement("img");
              image.src = "http://127.0.0.1:1/x.png";
              const style = document.createElement("p");
              style.setAttribute("style", "color: red");
              document.body.append(script, image, style);
              fetch("http://127.0.0.1:1/").catch(() => 0);
            })""") == ["connect-src", "img-src", "script-src-elem", "style-src-attr"]
        assert browser.value("window.ran") is None
