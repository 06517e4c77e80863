"""Which conversations of a source are read: every filter alone and together, on two platforms of different types."""

import random

import pytest

from tests.lib.source import ReadFailed, read
from tests.lib.two_platforms import (
    AS_OF, NO_MESSAGES, SECOND, SQL, WORKSPACE, condition, expected_heads, heads, make_platforms, micros,
    settings_of, unescape, workspace)

BOTH = pytest.mark.parametrize("schema", ["chat", "legacy"])


@pytest.fixture(scope="module")
def source(database):
    make_platforms(database)
    return database


def rows_of(lines):
    """Without the borders of pages, and what is said of a source that took its time."""
    return [line for line in lines if line[0] not in ("page", "slow")]


@BOTH
@pytest.mark.parametrize("name", [None, *SQL])
def test_each_filter_alone(source, schema, name):
    """The same conversations as one plain query, in pages of any size; counted alike, ordinals and all."""
    names = [name] if name else []
    wanted = expected_heads(source, schema, names)
    assert wanted and (name is None or len(wanted) < len(expected_heads(source, schema, [])))
    settings = settings_of(source, schema, names)
    whole = rows_of(read(source.url, schema, **settings))
    assert heads(whole) == wanted
    for page in (1, 2, 7) if len(wanted) < 100 else (7, 50):
        assert rows_of(read(source.url, schema, page=page, **settings)) == whole
    messages = sum(line[0] == "message" for line in whole)
    assert read(source.url, schema, count=1, **settings) == [["count", str(len(wanted)), str(messages)]]


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_filters_together(source, schema, seed):
    chance = random.Random(f"{schema}{seed}")
    names = chance.sample(sorted(SQL), chance.randint(2, 4))
    settings = settings_of(source, schema, names, page=chance.choice([1, 2, 7, 2000]),
                           prepared=chance.choice(["on", "off"]), columns=NO_MESSAGES)
    assert heads(read(source.url, schema, **settings)) == expected_heads(source, schema, names)


@BOTH
@pytest.mark.parametrize("name", [None, *SQL])
def test_any_stretch_of_any_selection(source, schema, name):
    """Cut anywhere: stretches, look-ahead and places within a second all speak of the selection."""
    settings = settings_of(source, schema, [name] if name else [], columns=NO_MESSAGES)
    whole = [line for line in read(source.url, schema, **settings) if line[0] == "conversation"]
    cut = whole[len(whole) // 3]
    border = f"{cut[2]},{unescape(cut[1])}"
    parts = [line for half in ({"high": border}, {"low": border})
             for line in read(source.url, schema, page=3, **half, **settings) if line[0] == "conversation"]
    assert parts == whole
    seconds = [int(line[2]) // SECOND for line in whole]
    assert [(int(line[3]), int(line[4])) for line in whole] == [
        (1 + seconds[:i].count(second), seconds.count(second)) for i, second in enumerate(seconds)]
    ahead = read(source.url, schema, ahead=1, **settings)
    if len(set(seconds)) > 1:
        assert int(ahead[0][1]) // SECOND == seconds[0]
    else:
        assert ahead == [["end"]]


@BOTH
@pytest.mark.parametrize("name", ["channels", "contacts", "conversations", "statuses", "tags", "audience"])
def test_an_empty_list_selects_nothing(source, schema, name):
    settings = {"workspace": workspace(schema), name: ""}
    assert read(source.url, schema, **settings) == []
    assert read(source.url, schema, count=1, **settings) == [["count", "0", "0"]]


def test_what_a_source_cannot_filter_by_is_refused_by_name(source):
    refused = {"assistant": ("assistant_id", WORKSPACE), "contact": ("contact_id", WORKSPACE),
               "contacts": ("contact_id", WORKSPACE), "statuses": ("status", "open"), "tags": ("tags", "a"),
               "completed": ("ended_at", 1)}
    for setting, (column, value) in refused.items():
        for more in ({}, {"count": 1}):
            with pytest.raises(ReadFailed, match=f"^source: .*conversation.{column},") as failure:
                read(source.url, "bare", workspace=WORKSPACE, **{setting: value}, **more)
            assert not failure.value.retryable
    # Who may see only what is marked sees nothing of a source that marks nothing.
    assert read(source.url, "bare", workspace=WORKSPACE, audience="a") == []
    everything = read(source.url, "bare", workspace=WORKSPACE, columns=1023 - NO_MESSAGES)
    assert len(heads(everything)) == len(read(source.url, "bare", workspace=WORKSPACE, columns=NO_MESSAGES)) - 1
    assert {line[0] for line in everything} == {"conversation", "details", "message", "feedback", "page"}


@BOTH
@pytest.mark.parametrize("setting, column", [("contacts", "contact_id"), ("channels", "channel_id"),
                                             ("conversations", "id")])
def test_lists_as_long_as_they_come(source, schema, setting, column):
    """More than a statement has branches for, most of them of nobody."""
    other = "md5('nobody' || i)::uuid::text" if schema == "chat" else "(1000 + i)::text"
    words = [word for word, in source.execute(f"""SELECT {other} FROM generate_series(1, 190) i UNION ALL
        (SELECT DISTINCT {column}::text FROM {schema}.conversation WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 6)""")]
    wanted = [row for row in source.execute(
        f"SELECT c.id::text, {micros('c.created_at')} FROM {schema}.conversation c WHERE {condition(schema, [])}"
        f" AND c.{column}::text = ANY(%s) ORDER BY c.created_at, c.id", [words])]
    for page in (3, 2000):
        assert heads(read(source.url, schema, page=page, columns=NO_MESSAGES, workspace=workspace(schema), as_of=AS_OF,
                          **{setting: ",".join(words)})) == wanted
