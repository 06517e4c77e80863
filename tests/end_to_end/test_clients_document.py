"""docs/clients.md: each example runs as it stands, says what the document shows, and saves the archive.

Those whose language is there; Go and Java, which take their time, are left to `./run test real clients`."""

import zipfile

import pytest

from tests.lib import clients_document


@pytest.fixture(scope="module")
def key(program):
    return clients_document.make_key(program, messages_per_conversation=2)


@pytest.fixture(scope="module")
def service(key, make_service):
    return make_service(workers=1)


@pytest.mark.parametrize("name", [each for each in clients_document.PROGRAMS if each not in ("Go", "Java")])
def test_an_example_gets_its_archive(name, service, key, tmp_path):
    if not clients_document.is_there(name):
        pytest.skip(f"{name} is not on this machine")
    output, file = clients_document.run(name, tmp_path, service, key)
    shown = clients_document.program(name)[2]
    assert clients_document.masked(output) == clients_document.masked(shown)
    listed = service.get(f"/api/v1/workspace/{clients_document.WORKSPACE}/exports?limit=1", key).json()["exports"][0]
    assert file.name == listed["name"] and f"{listed['progress']['conversations_done']} conversations" in output
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == listed["progress"]["conversations_done"] > 0


def test_the_document_says_what_the_limits_are():
    text = clients_document.DOCUMENT
    assert "25 at most" in text and "httpx gives up after 5 seconds" in text and "Retry-After" in text
