"""What the renderers write, read by others: every JSON form against its schema in docs/schemas and by Python's own
parser, CSV by Python's csv. The data is awkward on purpose: any characters, empty and missing values, many and none."""

import csv
import datetime
import io
import json
import os
import pathlib
import random
import re
import subprocess
import zoneinfo

import jsonschema
import pytest

from tests.lib.patience import LIMIT

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs/schemas"
ZONE = "Asia/Kathmandu"
PARTS = ["messages", "customer", "tags", "notes", "events", "skills", "citations", "media", "deleted",
         "participants", "reactions", "revisions"]
EVERYTHING = (1 << len(PARTS)) - 1
CUSTOMER = ["id", "name", "email", "phone", "company", "address", "website", "lead_status"]
MESSAGE = ["direction", "speaker_name", "text", "status", "sender_account", "feedback"]
EXTRAS = {"notes": ["author", "text"], "events": ["kind", "actor", "detail"],
          "skills": ["name", "outcome", "message_id"], "participants": ["name", "role", "contact_id"],
          "reactions": ["name", "by", "message_id"], "revisions": ["editor", "text", "message_id"]}
TIMES = {"participants": ["joined_at", "left_at"], "reactions": ["created_at"]}  # that may be NULL
# What a guard stands before: the contract's rule, which can be undone.
GUARDED = re.compile("'+ *[-=+@\t\r\uff1d\uff0b\uff0d\uff20]")


def bits(*names):
    return sum(1 << PARTS.index(name) for name in names)


def render(conversations, form, layout="", include=EVERYTHING):
    verbatim = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))
    made = subprocess.run([verbatim.parent / "tests/tools/render_tool", form, layout, str(include), ZONE],
                          input=json.dumps(conversations).encode(), capture_output=True, timeout=LIMIT)
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout.decode("utf-8")


def validate(document, name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    resolver = jsonschema.RefResolver(SCHEMAS.as_uri() + "/", schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(document)


class Awkward:
    """Conversations made of whatever a source may hold; the same for the same seed."""

    ALPHABETS = ["abc ,;", "\"\\/'", "\n\r\t\x01\x1f\x7f", "=+-@",
                 "äßñ\u00a0\u2028\u2029\ufeff", "你好 مرحبا", "\U0001F44B\U0010FFFF\uFFFF\uD7FF\uE000"]

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def text(self):
        letters = self.dice.choice(self.ALPHABETS) + self.dice.choice(self.ALPHABETS)
        return "".join(self.dice.choices(letters, k=self.dice.choice([0, 1, 15, 16, 17, 40])))

    def maybe(self):
        return self.dice.choice([None, self.text()])

    def time(self):
        return self.dice.randrange(0, 4_000_000_000_000_000)

    def some(self, make, most=4):
        return [make() for _ in range(self.dice.randrange(most))]

    def message(self):
        return {"id": self.dice.choice(["1", "m/2", "-3"]), "created_at": self.time(),
                "media_urls": self.some(self.text),
                "speaker_type": self.dice.choice(["customer", "bot", "agent", None]),
                "citations": self.some(lambda: {"title": self.text(), "url": self.maybe(), "snippet": self.maybe()}),
                "media": self.some(lambda: {"id": self.text() or "x", "url": self.text(), "file_name": self.maybe(),
                                            "content_type": self.dice.choice([None, "audio/mpeg", self.text()])}),
                **{name: self.maybe() for name in MESSAGE},
                **self.marks(["edited_at", "deleted_at", "kind", "reply_to", "format", "extra"])}

    def maybe_time(self):
        return self.dice.choice([None, self.time()])

    def extra(self, kind):
        times = {name: self.maybe_time() for name in TIMES.get(kind, [])} or {"created_at": self.time()}
        return ({"id": "1"} if kind in ("notes", "events") else {}) | times | {
            name: self.maybe() for name in EXTRAS[kind]}

    def value(self):
        return self.dice.choice([None, 1, [], {"a": [self.text(), 2.5, {"b": None}]}, self.text(), True])

    def marks(self, names):
        """Columns that a source has or has not, whatever its rows hold."""
        make = {"extra": self.value, "edited_at": self.maybe_time, "deleted_at": self.maybe_time}
        return {name: make.get(name, self.maybe)() for name in names if self.dice.random() < 0.5}

    def conversation(self):
        return {"id": self.text() or "0", "created_at": self.time(), "ended_at": self.dice.choice([None, self.time()]),
                "channel": {"id": "c", "name": self.maybe(), "type": self.maybe(), "phone_number": self.maybe()},
                "assistant": self.dice.choice([None, {"id": self.text(), "name": self.maybe()}]),
                "status": self.maybe(), "priority": self.maybe(), "feedback": self.dice.choice([None, "positive", "x"]),
                "csat": {"rating": self.dice.choice([None, 0, -7, 5]), "comment": self.maybe()},
                "tags": self.some(self.text),
                "audience": self.dice.choice([None, self.some(self.text)]), "assigned_agent": self.maybe(),
                "customer": {name: self.maybe() for name in CUSTOMER}, "messages": self.some(self.message, 6),
                **self.marks(["title", "deleted_at", "extra"]),
                **{kind: self.some(lambda: self.extra(kind)) for kind in EXTRAS}}


def local(microseconds):
    if microseconds is None:
        return None
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    at = (epoch + datetime.timedelta(microseconds=microseconds)).astimezone(zoneinfo.ZoneInfo(ZONE))
    return at.isoformat(timespec="microseconds")


def speaker_name(message, conversation, include):
    """The contract's: a speaker without a name of their own gets the contact's or the assistant's."""
    fallback = None
    if message["speaker_type"] == "customer" and include & bits("customer"):
        fallback = conversation["customer"]["name"]
    elif message["speaker_type"] == "bot":
        fallback = (conversation["assistant"] or {}).get("name")
    return message["speaker_name"] or fallback


def null_if_empty(row, *names):
    return {name: (value or None) if name in names else value for name, value in row.items()}


def with_local_times(row):
    return {name: local(value) if name.endswith("_at") else value for name, value in row.items()}


def expected_message(message, conversation, include):
    made = {**with_local_times(message), "speaker_name": speaker_name(message, conversation, include)}
    made["citations"] = [null_if_empty(row, "url", "snippet") for row in message["citations"]]
    made["media"] = [null_if_empty(row, "file_name", "content_type") for row in message["media"]]
    return {name: value for name, value in made.items()
            if name not in ("citations", "media") or include & bits(name)}


def expected_conversation(conversation, include):
    made = {name: value for name, value in conversation.items()
            if name != "assigned_agent" and (name not in PARTS or include & bits(name))}
    if "tags" not in made:
        del made["audience"]
    made = with_local_times(made)
    for kind in set(EXTRAS) & set(made):
        made[kind] = [with_local_times(row) for row in conversation[kind]]
    if "messages" in made:
        made["messages"] = [expected_message(message, conversation, include) for message in conversation["messages"]]
    return made


def without_entries(conversation):
    """Names of entries are the archive's matter; here they only have to be there, each with its own."""
    messages = conversation.get("messages", [])
    entries = [medium.pop("entry") for message in messages for medium in message.get("media", [])]
    assert all(entries)
    return conversation


@pytest.mark.parametrize("seed", range(30))
def test_json_and_ndjson_hold_what_went_in(seed):
    awkward = Awkward(seed)
    conversations = awkward.some(awkward.conversation, 8)
    include = awkward.dice.randrange(EVERYTHING + 1) if seed % 3 else EVERYTHING
    document = json.loads(render(conversations, "json", "", include))
    text = render(conversations, "ndjson", "", include)
    assert text == "" or text.endswith("\n")
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    assert text.splitlines() == text.split("\n")[:-1]  # also for readers that split at NEL, U+2028 and U+2029
    validate(document, "conversations")
    for line in lines:
        validate(line, "conversation")
    assert lines == document
    assert [without_entries(line) for line in lines] == [expected_conversation(c, include) for c in conversations]


@pytest.mark.parametrize("seed", range(30))
def test_turns_hold_what_went_in(seed):
    awkward = Awkward(seed)
    conversations = awkward.some(awkward.conversation, 8)
    document = json.loads(render(conversations, "json", "turns"))
    validate(document, "turns")
    assert len(document["data"]) == len(conversations)
    sides = {"customer": "user", "bot": "bot", "agent": "agent"}
    for made, conversation in zip(document["data"], conversations):
        convo = made["metadata"]["convo"]
        assert convo["tags"] == conversation["tags"]
        assert convo["notes"] == "\n".join(note["text"] or "" for note in conversation["notes"])
        assert convo["userName"] == (conversation["customer"]["name"] or "")
        said = [(turn["from"], m["payload"]["message"]) for turn in made["turns"] for m in turn["messages"]]
        assert said == [(sides.get(m["speaker_type"], "agent"), m["text"] or "") for m in conversation["messages"]]
        assert all(a["from"] != b["from"] for a, b in zip(made["turns"], made["turns"][1:]))


@pytest.mark.parametrize("layout", ["messages", "conversations", "leads"])
def test_csv_layouts_hold_what_went_in(layout):
    awkward = Awkward(layout)
    conversations = [awkward.conversation() for _ in range(100)]
    rows = list(csv.DictReader(io.StringIO(render(conversations, "csv", layout), newline="")))

    def plain(cell):
        return cell[1:] if GUARDED.match(cell) else cell

    if layout == "messages":
        pairs = [(message, conversation) for conversation in conversations for message in conversation["messages"]]
        assert [(row["conversation_id"], plain(row["message_text"])) for row in rows] == \
            [(conversation["id"], message["text"] or "") for message, conversation in pairs]
        return
    assert len(rows) == len(conversations)
    for row, conversation in zip(rows, conversations):
        messages = conversation["messages"]
        assert row["conversation_id"] == conversation["id"]
        assert row["message_count"] == str(len(messages))
        assert row["started_at"] == local(conversation["created_at"])
        if layout == "leads":
            users = [m["text"] for m in messages if m["speaker_type"] == "customer"]
            bots = [m["text"] for m in messages if m["speaker_type"] == "bot"]
            assert plain(row["first_user_message"]) == ((users or [""])[0] or "")
            assert plain(row["last_assistant_message"]) == ((bots or [""])[-1] or "")
            assert plain(row["lead_email"]) == (conversation["customer"]["email"] or "")
        else:
            texts = [m["text"] for m in messages] or [""]
            assert (plain(row["first_message"]), plain(row["last_message"])) == (texts[0] or "", texts[-1] or "")
            assert plain(row["tags"]) == ",".join(tag.replace(",", "%2C") for tag in conversation["tags"])


def test_the_schemas_refuse_what_is_no_export():
    """A schema that takes everything would prove nothing."""
    awkward = Awkward("schemas")
    conversation = next(c for c in iter(awkward.conversation, None) if c["messages"] and c["messages"][0]["media"])
    good = json.loads(render([conversation], "ndjson"))
    validate(good, "conversation")
    breaks = [lambda c: c.pop("channel"), lambda c: c.update(more=1),
              lambda c: c.update(created_at="2026-04-08T03:24:43Z"),
              lambda c: c["messages"][0].pop("media_urls"), lambda c: c["csat"].update(rating="5"),
              lambda c: c["messages"][0]["media"][0].update(entry="../x"), lambda c: c.update(id=7),
              lambda c: c.update(customer=None)]
    for spoil in breaks:
        document = json.loads(json.dumps(good))
        spoil(document)
        with pytest.raises(jsonschema.ValidationError):
            validate(document, "conversation")
    turns = json.loads(render([conversation], "json", "turns"))
    message = turns["data"][0]["turns"][0]["messages"][0]
    for name, value in [("ts", "December 1th 2024, 00:30:00 am"), ("type", "image"), ("payload", {"message": "x"})]:
        kept, message[name] = message[name], value
        with pytest.raises(jsonschema.ValidationError):
            validate(turns, "turns")
        message[name] = kept
    validate(turns, "turns")
