"""Formats for people over sources that lack whatever they may lack: every way to pack and to include, every selection
and filter. None fails, and the service lives."""

import io
import itertools
import zipfile

import pytest

from tests.lib import direct_source as source
from tests.lib import two_platforms
from tests.lib.process import wait_until

EXPORTS = "/api/v1/workspace/one/exports"
INCLUDES = ["messages", "customer", "tags", "notes", "events", "skills", "citations", "media"]

# Whatever may be NULL is NULL once, is empty once, and stands alone once.
GAPS = """
INSERT INTO chat.channel VALUES ('nameless', 'platform-one', '', '', ''), ('phone', 'platform-one', '', 'SMS', '+1234');
INSERT INTO chat.assistant VALUES ('nobody', 'platform-one', '');
INSERT INTO chat.contact VALUES ('empty', 'platform-one', '', '', '', '', '', '', ''),
    ('mail', 'platform-one', NULL, NULL, 'm@example.com', NULL, NULL, NULL, NULL);
INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, contact_id, assistant_id, ended_at, status,
        priority, summary, tags, audience, assigned_agent, csat_rating, csat_comment, feedback) VALUES
    ('none', 'platform-one', 'nameless', '2024-12-05Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL),
    ('blank', 'platform-one', 'nameless', '2024-12-05Z', 'empty', 'nobody', '2024-12-05Z', '', '', '', '{}', '{}', '',
     0, '', ''),
    ('odd', 'platform-one', 'phone', '2024-12-05Z', 'mail', 'nobody', '1970-01-01Z', 'x', 'y', 'A summary',
     '{NULL,"",a}', '{NULL}', NULL, NULL, 'alone', NULL),
    ('lost', 'platform-one', 'gone', '2024-12-05 00:00:01Z', 'gone', 'gone', NULL, 'open', NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL),
    ('only notes', 'platform-one', 'phone', '2024-12-06Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL),
    ('only events', 'platform-one', 'phone', '2024-12-06 01:00Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL);
INSERT INTO chat.message (id, conversation_id, created_at, direction, speaker_type, speaker_name, text, media_urls,
        status, feedback)
    SELECT 'g' || n, c, '2024-12-05Z'::timestamptz + n * interval '1 minute', direction, speaker, name, text,
        media::text[], status, feedback
    FROM (SELECT row_number() OVER () AS n, * FROM (VALUES ('blank'), ('odd')) AS c (c),
        (VALUES (NULL), ('inbound'), ('outbound'), ('')) AS d (direction),
        (VALUES (NULL), ('customer'), ('bot'), ('agent'), ('alien'), ('')) AS s (speaker),
        (VALUES (NULL, NULL, NULL, NULL, NULL), ('', '', '{}', '', ''),
            ('Ann', 'words', '{NULL,"","ftp://x/y",javascript:alert(1),https://cdn.invalid/a.png}', 'read', 'good'))
        AS t (name, text, media, status, feedback)) AS all_of_them;
INSERT INTO chat.note VALUES ('', 'odd', '2024-12-05Z', '', ''), ('n3', 'only notes', '2024-12-05Z', NULL, NULL),
    ('n4', 'only notes', '2024-12-05Z', 'x', NULL), ('n5', 'only notes', '2024-12-05Z', NULL, 'y');
INSERT INTO chat.event VALUES ('e5', 'odd', '2024-12-05Z', '', '', ''),
    ('e2', 'only events', '2024-12-05Z', 'k', NULL, NULL),
    ('e3', 'only events', '2024-12-05Z', 'k', NULL, 'detail'), ('e4', 'only events', '2024-12-05Z', 'k', 'actor', '');
INSERT INTO chat.skill_run VALUES ('odd', '2024-12-05Z', '', '', NULL), ('none', '2024-12-05Z', 'alone', NULL, 'gone');
INSERT INTO chat.citation SELECT id, conversation_id, title, url, snippet FROM chat.message, (VALUES ('', '', ''),
    (NULL, NULL, NULL), ('t', NULL, NULL), (NULL, 'https://x/', NULL), (NULL, 'javascript:x', NULL), (NULL, NULL, 's'))
    AS c (title, url, snippet) WHERE id LIKE 'g%' AND length(id) < 4;
"""

SELECTIONS = [{"all": True}, {"channel_id": "nameless"}, {"channel_id": "phone"}, {"phone_number": "+1234"},
              {"assistant_id": "nobody"}, {"assistant_id": "idle"}, {"contact_id": "empty"}, {"contact_id": "mail"},
              {"contact_id": "mail", "match": "identity"}, {"contact_id": "empty", "match": "identity"},
              {"contact_id": "bare", "match": "identity"}, {"conversation_ids": ["none"]},
              {"conversation_ids": ["lost"]}, {"conversation_ids": ["odd", "blank"]}]
FILTERS = [None, {}, {"from": "2024-12-05T00:00:00Z"}, {"to": "2024-12-05T00:00:01Z"},
           {"from": "2026-01-01T00:00:00Z"}, {"to": "1900-01-01T00:00:00Z"}, {"from": "2024-12-05", "to": "2024-12-05"},
           {"status": ["x"]}, {"tags": ["a"]}, {"completed_only": True}]


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    database.execute(GAPS)
    return source.make_keys(program)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=2)


def subsets():
    """Each alone, each left out, and all."""
    yield from ([name] for name in INCLUDES)
    yield from ([name for name in INCLUDES if name != left] for left in INCLUDES)
    yield INCLUDES


def ways():
    """Every format for people with every way to pack it and to include."""
    for include, files in itertools.product(subsets(), ("single", "chunks", "per_conversation")):
        if files != "single" or "media" not in include:
            yield {"format": "html", "include": include, "files": files}
    for include in subsets():
        yield {"format": "pdf", "include": include}


def run_all(service, key, specifications):
    """The bytes of each."""
    begun = [service.request("POST", EXPORTS, key, json_body=each) for each in specifications]
    for specification, answer in zip(specifications, begun, strict=True):
        assert answer.status == 202, (specification, answer.body)
        path = f"{EXPORTS}/{answer.json()['export_id']}"
        shown = wait_until(lambda path=path: (found := service.get(path, key).json())["status"]
                           in ("finished", "failed") and found, f"the export of {specification}", 120)
        assert shown["status"] == "finished", (specification, shown)
        yield specification, service.get(f"{path}/download", key).body


def checked(specification, data):
    """A file of the format, or an archive of such files."""
    if specification.get("files") == "single":
        files = {"": data}
    else:
        archive = zipfile.ZipFile(io.BytesIO(data))
        files = {name: archive.read(name) for name in archive.namelist() if not name.startswith("media/")}
        if "nothing-found.txt" in files:
            assert len(archive.namelist()) == 1 and files.pop("nothing-found.txt").startswith(b"Nothing was found")
    for name, content in files.items():
        if specification["format"] == "pdf":
            assert content.startswith(b"%PDF-") and content.endswith(b"%%EOF\n"), (specification, name)
        else:
            assert content.startswith(b"<!DOCTYPE html>") and content.endswith(b"</html>\n"), (specification, name)
    return len(files)


def test_every_way_to_include_and_to_pack(service, keys):
    asked = [{"select": {"all": True}} | way for way in ways()]
    asked += [{"select": {"conversation_ids": [one]}, "format": "pdf", "include": include, "files": "single"}
              for include, one in itertools.product(subsets(), ("none", "blank", "odd")) if "media" not in include]
    for specification, data in run_all(service, keys["one"], asked):
        assert checked(specification, data) > 0, specification


def test_every_selection_and_filter(service, keys):
    asked = [{"select": select, "format": form, "files": files} | ({} if narrow is None else {"filter": narrow})
             for select, narrow in itertools.product(SELECTIONS, FILTERS)
             for form, files in (("html", "single"), ("html", "per_conversation"), ("pdf", "per_conversation"))]
    for specification, data in run_all(service, keys["one"], asked):
        checked(specification, data)


def test_what_is_answered_at_once(service, keys):
    for conversation in ("none", "blank", "odd", "only notes", "only events"):
        for form in ("csv", "json", "pdf", "txt", "html"):
            path = f"/v1/conversations/{conversation.replace(' ', '%20')}/export?format={form}"
            assert service.get(path, keys["one"]).status in (200, 422), path
    for agent in ("nobody", "idle"):
        answer = service.request("GET", f"/v3/agents/{agent}/convos/export",
                                 headers={"Authorization": f"Bearer {keys['one']}"})
        assert answer.status == 200, answer.body


@pytest.mark.parametrize("schema", ["legacy", "bare"])
def test_a_source_without_what_is_optional(program, database, keys, service, make_service, schema):
    service.stop()  # its threads would look for these conversations in their own schema
    if not database.value("SELECT to_regnamespace('legacy') IS NOT NULL"):
        database.execute("ALTER SCHEMA chat RENAME TO direct")
        two_platforms.make_platforms(database)
    platform = "legacy" if schema == "legacy" else "chat"
    program.workspace("one", source_id=two_platforms.workspace(platform))
    channel = database.value(f"SELECT ({two_platforms.FILTERS[platform]['channel']})::text")
    other = make_service(workers=2, source_schema=schema)
    for specification, data in run_all(other, keys["one"],
                                       [{"select": {"channel_id": channel}} | way for way in ways()]):
        assert checked(specification, data) > 0, specification
    other.stop()
