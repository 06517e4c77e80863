"""Previews beside the exports they announce: the counts are the same, the estimate is of the right size."""

import pytest

from tests.lib.process import wait_until

pytestmark = pytest.mark.threads

EXPORTS = "/api/v1/workspace/demo/exports"
SHAPES = [
    {}, {"files": "single"}, {"layout": "conversations"}, {"layout": "leads", "files": "chunks"}, {"format": "json"},
    {"format": "pdf"}, {"format": "ndjson", "files": "per_conversation"}, {"format": "ndjson", "files": "chunks"},
    {"format": "xlsx"}, {"format": "xlsx", "files": "chunks"}, {"format": "xlsx", "files": "per_conversation"},
    {"format": "xlsx", "layout": "leads"}, {"format": "html"}, {"format": "html", "files": "chunks"},
    {"format": "html", "files": "per_conversation"},
]


@pytest.fixture(scope="module")
def key(program, database):
    program.demo_data(conversations=600)
    program.migrate()
    program.workspace("demo", source_id=database.value("SELECT workspace_id::text FROM chat.channel LIMIT 1"))
    return program.key("demo")


@pytest.fixture(scope="module")
def service(key, make_service, folder):
    return make_service(workers=2)


def ended(database, export_id):
    def look():
        row = database.execute("SELECT status, conversations, messages, size FROM verbatim.job WHERE job_id = %s::uuid",
                               [export_id])[0]
        return row if row[0] in ("finished", "failed") else None
    return wait_until(look, f"the end of export {export_id}", 60)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_was_announced(service, key, database, shape):
    body = {"select": {"all": True}} | shape
    preview = service.request("POST", EXPORTS + "/preview", key, json_body=body).json()
    export = service.request("POST", EXPORTS, key, json_body=body).json()["export_id"]
    status, conversations, messages, size = ended(database, export)
    assert (status, conversations) == ("finished", preview["conversations"])
    # A layout of one row a conversation reads all messages, too.
    assert messages == preview["messages"] > 1000
    assert preview["estimated_bytes"] / 2 < size < preview["estimated_bytes"] * 2
