"""The page's sources: one table of texts in two languages, and nothing that its policy would refuse."""

import json
import pathlib
import re

import pytest

CONSOLE = pathlib.Path(__file__).resolve().parents[2] / "service/console"
SOURCES = sorted(path for folder in (".", "lib", "views") for path in (CONSOLE / folder).glob("*.js"))
TABLES = sorted(path.name.removeprefix("en") for path in (CONSOLE / "texts").glob("en*.js"))


def plain(name):
    """Keys and texts by reading the file: values are JSON but for plural forms' names and trailing commas."""
    text = (CONSOLE / "texts" / name).read_text()
    body = re.sub(r"^\s*(//|\*|/\*).*$", "", text[text.index("export default {") + len("export default "):], flags=re.M)
    body = re.sub(r"([{,]\s*)(zero|one|two|few|many|other):", r'\1"\2":', body.strip().rstrip(";"))
    return json.loads(re.sub(r",(\s*})", r"\1", body))


def without_comments(path):
    return re.sub(r"/\*.*?\*/|(?<!:)//.*$", "", path.read_text(), flags=re.S | re.M)


def all_texts(language):
    return {key: text for name in TABLES for key, text in plain(language + name).items()}


def forms(text):
    return text if isinstance(text, dict) else {"other": text}


def placeholders(text):
    return set().union(*(re.findall(r"\{(\w+)\}", form) for form in forms(text).values()))


@pytest.mark.parametrize("name", TABLES)
def test_both_languages_have_the_same_texts(name):
    english, german = plain("en" + name), plain("de" + name)
    assert list(english) == list(german), "the same keys in the same order"
    for key in english:
        assert placeholders(english[key]) == placeholders(german[key]), key
        assert set(forms(english[key])) == set(forms(german[key])), key
        assert all(form.strip() for form in forms(german[key]).values()), key


def test_no_key_stands_twice():
    for language in ("en", "de"):
        keys = [key for name in TABLES
                for key in re.findall(r'^    "([^"]+)":', (CONSOLE / "texts" / f"{language}{name}").read_text(), re.M)]
        assert sorted(keys) == sorted(set(keys))


def test_each_text_that_is_asked_for_is_there():
    known = all_texts("en")
    used = {key for path in SOURCES for key in re.findall(r'\bt\("([\w.]+)"', without_comments(path))}
    assert used - set(known) == set()


def test_each_text_that_is_chosen_or_put_together_is_there():
    """t(some ? "list.empty" : "list.none") and `nav.${name}`: quoted words that begin as keys do, and beginnings."""
    known = all_texts("en")
    groups = {key.split(".")[0] for key in known}
    parts = {key[:end] for key in known for end, letter in enumerate(key) if letter == "."}
    for path in SOURCES:
        text = without_comments(path)
        quoted = {key for key in re.findall(r'"([a-zA-Z]+(?:\.[A-Za-z_]+)+)"', text) if key.split(".")[0] in groups}
        assert quoted - set(known) - parts == set(), path.name
        for begin, end in re.findall(r"`([a-zA-Z]+(?:\.[A-Za-z_]+)*\.)\$\{[^}]*\}([.A-Za-z_]*)`", text):
            assert any(key.startswith(begin) and key.endswith(end) for key in known) or "/" in begin, (path.name, begin)


@pytest.mark.parametrize("language,wanted", [("en", {"one", "other"}), ("de", {"one", "other"})])
def test_plurals_have_the_forms_of_their_language(language, wanted):
    assert {key for key, text in all_texts(language).items() if isinstance(text, dict) and set(text) != wanted} == set()


def test_nothing_was_left_in_english():
    english = all_texts("en")
    assert [key for key, text in all_texts("de").items()
            if text == english[key] and re.search(r"[a-z]{4,} [a-z]{2,} [a-z]{3,}", json.dumps(text))] == []


def test_each_text_is_used():
    """Whole keys in quotes, or behind the beginning of one that a view completes: word("status", ...)."""
    sources = "\n".join(path.read_text() for path in SOURCES)
    begun = set(re.findall(r'word\("([\w.]+)"', sources)) | set(re.findall(r"`([\w.]+)\.\$\{", sources))
    unused = [key for key in all_texts("en") if f'"{key}"' not in sources
              and not any(key.startswith(begin + ".") for begin in begun)]
    assert unused == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sources_set_no_markup_and_no_style(path):
    text = without_comments(path)
    found = re.findall(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\.style\b|cssText|"
                       r"setAttribute\(\"style|new Function)", text)
    assert found == []
    assert len(path.read_text().splitlines()) < 300, "one subject a file"


def test_words_stand_in_the_tables_alone():
    """Sentences in quotes in a source would be in one language only."""
    for path in SOURCES:
        assert re.findall(r'"[A-Z][a-z]+ [a-z]+ [a-z ]+[.!?]?"', without_comments(path)) == [], path.name


def test_styles_load_nothing():
    for path in CONSOLE.glob("*.css"):
        assert re.findall(r"url\(|@import|@font-face", path.read_text()) == [], path.name
