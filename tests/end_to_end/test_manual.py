"""Manual pages, completion and the example configuration: made by the build from the tables, taken by their readers.

No test names an option: each that the help tells has to be everywhere.
"""

import re
import shlex
import subprocess

import pytest

from tests.lib.option_rows import option_rows
from tests.lib.patience import LIMIT
from tests.lib.process import free_port
from tests.lib.service import Program, clean_environment

PAGES = ("verbatim.1", "verbatim.conf.5", "verbatim.conf", "bash", "zsh", "fish")


@pytest.fixture(scope="module")
def bare(verbatim):
    return Program(verbatim, f"postgresql://127.0.0.1:{free_port()}/none")


@pytest.fixture(scope="module")
def commands(bare):
    """Each command with its flags, as its help tells them."""
    names = re.findall(r"^  (\S+(?: \S+)?)  +\S", bare.run("--help").stdout, re.M)
    assert len(names) > 15 and "jobs retry" in names
    found = {}
    for name in names:
        text = bare.run(*name.split(), "--help").stdout.split("\nOptions (")[0]
        found[name] = re.findall(r"^  --(\S+)", text, re.M)
    return found


@pytest.fixture(scope="module")
def options(bare):
    return [(name, bool(secret)) for name, _, secret, _, _ in option_rows(bare)]


@pytest.fixture(scope="module")
def built(bare, verbatim):
    """The files of the build, which are what the program tells."""
    made = verbatim.parent / "manual"
    for page in PAGES:
        assert (made / page).read_text() == bare.run("manual", page).stdout
    return made


def test_a_page_that_is_none(bare):
    done = bare.run("manual", "pdf", check=False)
    assert done.returncode == 2 and "verbatim.conf.5" in done.stderr and done.stdout == ""


# --- pages ---

def rendered(page):
    """As man shows it, in one long line a paragraph, without hyphenation; no reader has anything to say."""
    for tool in (["groff", "-ww", "-man", "-Tutf8", "-z", page], ["man", "--warnings", "-l", "-Tutf8", page]):
        done = subprocess.run([str(word) for word in tool], capture_output=True, text=True, timeout=LIMIT,
                              env=clean_environment(extra={"MANWIDTH": "250", "LC_ALL": "C.UTF-8"}))
        assert done.returncode == 0 and done.stderr == "", done.stderr
    return re.sub(r".\x08", "", done.stdout)


def test_the_page_of_the_program_has_every_command_and_option(built, commands, options):
    text = rendered(built / "verbatim.1")
    for name, flags in commands.items():
        section = re.search(rf"^   {re.escape(name)}( \S+)?\n((?:       .*\n|\n)+)", text, re.M)
        assert section, name
        for flag in flags:
            assert re.search(rf"^ +--{flag}\b", section[2], re.M), (name, flag)
    for name, _ in options:
        assert re.search(rf"--{name}[,.]", text), name
    for heading in ("NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"):
        assert f"\n{heading}\n" in text


def test_the_page_of_the_configuration_has_every_option_in_full(built, bare):
    text = rendered(built / "verbatim.conf.5")
    for name, default, secret, meaning, allowed in option_rows(bare):
        plain = name.replace("-", "_")
        section = re.search(rf"^       {plain}(?:\n| +(?=\S))(.*\n(?:              .*\n)+)", text, re.M)
        assert section, name
        told = " ".join(section[1].split())
        for words in (meaning, f"Must be {allowed}.", f"Default: {default}.", f"--{name}, VERBATIM_{plain.upper()}."):
            assert " ".join(words.replace("`", "").split()) in told, (name, words, told)
        assert (f"{plain}_file" in told) == bool(secret)


# --- completion ---

def complete_bash(built, words):
    line = " ".join(shlex.quote(word) for word in words)
    script = (f"source {shlex.quote(str(built / 'bash'))}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1};"
              ' _verbatim; printf "%s\\n" "${COMPREPLY[@]}"')
    return run_shell(["bash", "--norc", "-c", script], built.parent)


def complete_zsh(built, words):
    """zsh's own compadd leaves out what does not begin as the word does."""
    line = " ".join(shlex.quote(word) for word in words)
    script = ("compdef() {}; compadd() { shift; print -l -- $@ }; _files() { print -l -- FILE };"
              f" source {shlex.quote(str(built / 'zsh'))}; words=({line}); CURRENT={len(words)}; _verbatim")
    return [word for word in run_shell(["zsh", "-f", "-c", script], built.parent)
            if word == "FILE" or word.startswith(words[-1])]


def complete_fish(built, words):
    line = " ".join(words)
    script = f"source {shlex.quote(str(built / 'fish'))}; complete -C {shlex.quote(line)}"
    return [line.split("\t")[0] for line in run_shell(["fish", "--no-config", "-c", script], built.parent)]


def run_shell(arguments, folder):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT, cwd=folder,
                          env=clean_environment(extra={"HOME": str(folder), "LC_ALL": "C.UTF-8"}))
    assert done.returncode in (0, 1) and done.stderr == "", done.stderr
    return [line for line in done.stdout.splitlines() if line]


SHELLS = {"bash": complete_bash, "zsh": complete_zsh, "fish": complete_fish}


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_read_without_a_word(built, shell):
    check = [shell, "--no-execute" if shell == "fish" else "-n", str(built / shell)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0 and done.stdout == done.stderr == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_completed(built, commands, shell):
    firsts = set(SHELLS[shell](built, ["verbatim", ""]))
    assert {name.split()[0] for name in commands} <= firsts
    for first in {name.split()[0] for name in commands if " " in name}:
        seconds = SHELLS[shell](built, ["verbatim", first, ""])
        assert set(seconds) == {name.split()[1] for name in commands if name.startswith(first + " ")}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_flag_and_option_is_completed(built, commands, options, shell):
    every = {f"--{name}" for name, _ in options} | {f"--{name}-file" for name, secret in options if secret}
    for name in ("serve", "key create", "jobs list", "workspace set", "manual"):
        told = set(SHELLS[shell](built, ["verbatim", *name.split(), "--"]))
        assert every | {f"--{flag}" for flag in commands[name]} | {"--config", "--help"} <= told
    if shell == "bash":  # the others have their lines from the same rows; each start of a shell takes its time
        for name, flags in commands.items():
            assert {f"--{flag}" for flag in flags} <= set(complete_bash(built, ["verbatim", *name.split(), "--"]))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line, wanted", [
    ("jobs list --status f", {"finished", "failed"}),
    ("key create --role ", {"owner", "admin", "editor", "viewer"}),
    ("serve --log-level ", {"debug", "info", "warn", "error"}),
    ("doctor --prepared-statements o", {"on", "off"}),
    ("jobs cancel --js", set()),
])
def test_words_of_a_few_are_completed(built, shell, line, wanted):
    assert set(SHELLS[shell](built, ["verbatim", *line.split(" ")])) == wanted


def test_zsh_finds_the_function_by_its_file(built, folder):
    place = folder / "functions"
    place.mkdir()
    (place / "_verbatim").write_text((built / "zsh").read_text())
    script = f"fpath=({place} $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[verbatim]"
    assert run_shell(["zsh", "-f", "-c", script], folder) == ["_verbatim"]


# --- the example ---

def test_the_example_has_every_option_and_says_nothing(built, options):
    lines = (built / "verbatim.conf").read_text().splitlines()
    assert all(not line or line.startswith("#") for line in lines) and max(map(len, lines)) <= 101
    assert not [line for line in lines if line.endswith(" =")], "an option without a default needs an .example"
    set_there = [line[1:].split(" = ")[0] for line in lines if re.match(r"#\w+ =", line)]
    wanted = []
    for name, secret in options:
        wanted += [name.replace("-", "_")] + ([name.replace("-", "_") + "_file"] if secret else [])
    assert set_there == wanted


def test_each_line_of_the_example_is_a_good_one(built, bare, folder):
    """All at once without their marks; secrets stand in the line itself."""
    text = re.sub(r"^#(\w+ = )", r"\1", (built / "verbatim.conf").read_text(), flags=re.M)
    text = re.sub(r"^(?=\w+_file = /etc/verbatim/)", "#", text, flags=re.M)  # those that are not there
    config = folder / "verbatim.conf"
    port = re.search(r":(\d+)/", bare.options["database_url"])[1]
    text = re.sub("^s3_sse = off", "s3_sse = aws:kms", text, flags=re.M)  # else its key would be for nothing
    config.write_text(re.sub(r"^database_url = .*", f"database_url = postgresql://127.0.0.1:{port}/none", text,
                             flags=re.M))
    done = Program(bare.path).run("migrate", "--config", str(config), check=False)
    assert done.returncode == 1 and "Connection refused" in done.stderr, done.stderr
