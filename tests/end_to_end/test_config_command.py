"""verbatim config check and show: every mistake at once, and where each value comes from; no secret is shown."""

import json

import pytest

from tests.lib.option_rows import option_rows
from tests.lib.service import Program


@pytest.fixture(scope="module")
def bare(verbatim, folder):
    (folder / "archives").mkdir()
    return Program(verbatim, options={"storage": f"file://{folder}/archives"})


def check(program, *arguments, status=2, **options):
    done = program.run("config", "check", *arguments, check=False, options=options)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout.splitlines()


def shown(program, *arguments, env=None, **options):
    program = Program(program.path, options=program.options | options, env=env)
    rows = json.loads(program.run("config", "show", "--json", *arguments).stdout)
    return {row["option"]: (row["value"], row["source"]) for row in rows}


def test_a_good_configuration_is_ok(bare):
    assert check(bare, status=0) == ["ok"]
    assert json.loads(bare.run("config", "check", "--json").stdout) == []


def test_every_mistake_is_told_in_one_go(bare, folder):
    config = folder / "wrong.conf"
    config.write_text("lease = 1s\nleese = 3s\nno equals sign\nsmtp_password_file = /nowhere\n"
                      "s3_region = eu west\nmax_running = 0\n")
    lines = check(bare, "--config", str(config), "--link-ttl", "9d", "--nonsense", "1", workers="two", foo="bar")
    for words in ("lease", "wrong.conf line 2", "wrong.conf line 3", "/nowhere", "s3_region", "max_running",
                  "--link-ttl", "--nonsense", "VERBATIM_WORKERS", "VERBATIM_FOO"):
        assert sum(words in line for line in lines) >= 1, (words, lines)
    assert len(lines) == 10
    told = bare.run("config", "check", "--json", "--config", str(config), check=False)
    assert len(json.loads(told.stdout)) == 6 and "6 mistakes" in told.stderr


def test_rules_between_options_and_of_the_role(bare, folder):
    assert "link_ttl" in check(bare, link_ttl="48h", retention="47h")[0]
    assert "smtp_password" in check(bare, smtp_user="me")[0]
    assert "base_url" in check(bare, listen="0.0.0.0:8080")[0], "serve refuses it"
    assert check(bare, "--role", "worker", listen="0.0.0.0:8080", status=0) == ["ok"]
    assert check(bare, workers="0", status=0) == ["ok"]
    assert "workers" in check(bare, "--role", "worker", workers="0")[0]
    [line] = check(bare, storage=f"file://{folder}/nowhere")
    assert f"install -d -m 0750 -o USER {folder}/nowhere" in line
    assert "serve or worker" in bare.run("config", "check", "--role", "x", check=False).stderr


def test_a_check_leaves_nothing_behind(bare, folder):
    check(bare, status=0)
    assert list((folder / "archives").iterdir()) == []


def test_each_value_has_its_source(bare, folder):
    config = folder / "sources.conf"
    config.write_text("# comment\nlease = 5m\nmax_running = 7\n")
    told = shown(bare, "--config", str(config), "--workers", "3", max_running="8")
    assert told["lease"] == ("5m", f"{config} line 2")
    assert told["max_running"] == ("8", "variable VERBATIM_MAX_RUNNING")
    assert told["workers"] == ("3", "flag --workers")
    assert told["link_ttl"] == ("1d", "default") and told["s3_part_size"] == ("6MiB", "default")
    assert told["base_url"][0] == "http://127.0.0.1:8080" and told["base_url"][1].startswith("default: http://")
    assert "`" not in str(told)
    assert told["smtp_url"] == (None, "default: none: no mail")
    assert shown(bare, env={"AWS_REGION": "eu-west-3"})["s3_region"][0] == "eu-west-3"
    assert set(shown(bare, "--changed", lease="9s")) == {"storage", "lease", "stop_delay"}  # ours sets the last


def test_every_option_is_shown_and_what_is_shown_is_taken(bare, folder):
    told = shown(bare)
    names = [name.replace("-", "_") for name, *_ in option_rows(bare)]
    assert list(told) == names
    config = folder / "again.conf"
    config.write_text("".join(f"{name} = {value}\n" for name, (value, _) in told.items() if value is not None))
    again = shown(Program(bare.path), "--config", str(config), storage=None)
    assert {name: value for name, (value, _) in again.items()} == {name: value for name, (value, _) in told.items()}


@pytest.mark.parametrize("options, shows", [
    ({"database_url": "postgresql://me:hunter2@db.example:5433/exports"}, "user=me password=******** dbname=exports"),
    ({"database_url": "host=h password=hunter2 dbname=d sslpassword=hunter2"}, "host=h"),
    ({"smtp_url": "smtp://me:hunter2@mail.example", "mail_from": "a@b.example"}, "mail.example"),
    ({"smtp_user": "me", "smtp_password": "hunter2"}, "********"),
    ({"metrics_token": "hunter2hunter2hunter2hunter2"}, "********"),
])
def test_no_secret_is_shown(bare, options, shows):
    program = Program(bare.path, options=bare.options | options)
    for arguments in ([], ["--json"]):
        done = program.run("config", "show", *arguments)
        assert "hunter2" not in done.stdout + done.stderr and shows in done.stdout


def test_show_refuses_what_every_command_refuses(bare):
    done = bare.run("config", "show", "--lease", "1s", check=False)
    assert done.returncode == 2 and done.stdout == "" and "must be" in done.stderr
