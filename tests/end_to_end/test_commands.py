"""Commands of the operator: exit statuses, help, workspaces, keys, and the start and stop of serve and worker."""

import json
import re
import signal
import subprocess

import pytest

from tests.lib.patience import LIMIT
from tests.lib.process import ROOT, free_port, wait_until
from tests.lib.service import Program, clean_environment, http_request

COMMANDS = ["serve", "worker", "migrate", "demo-data", "workspace set", "workspace list", "workspace show",
            "workspace delete", "key create", "key list", "key revoke", "jobs list", "jobs show", "jobs cancel",
            "jobs retry", "export", "config check", "config show", "manual", "status", "healthcheck", "s3 sign"]
KEY = re.compile(r"vb_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}")
SOURCE = """
    CREATE SCHEMA chat;
    CREATE TABLE chat.channel (id uuid, workspace_id text, name text, channel_type text);
    CREATE TABLE chat.contact (id uuid);
    CREATE TABLE chat.assistant (id uuid, workspace_id text, name text);
    CREATE TABLE chat.conversation (id uuid, workspace_id text, channel_id uuid, created_at timestamptz);
    CREATE TABLE chat.message (id uuid, conversation_id uuid, created_at timestamptz, direction text,
                               speaker_type text, text text);
"""


@pytest.fixture(scope="module")
def ready(program, database, folder):
    """The program with its schema, a source and a storage."""
    program.migrate()
    database.execute(SOURCE)
    program.options["storage"] = f"file://{folder}/archives"
    (folder / "archives").mkdir()
    return program


def fails(program, status, *arguments, **settings):
    done = program.run(*arguments, check=False, **settings)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("verbatim: ") or " error " in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(program, command):
    done = program.run(*command.split(), "--help")
    assert done.stdout.startswith(f"usage: verbatim {command}") and done.stderr == ""
    assert command in program.run("--help").stdout


@pytest.mark.parametrize("word", ["--version", "-V", "version"])
def test_version(program, word):
    number = re.search(r"project\(verbatim VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    done = program.run(word)
    assert re.fullmatch(rf"verbatim {re.escape(number)}( \([\w.+~-]+\))?\n", done.stdout) and done.stderr == ""


def test_help_has_its_short_words(program):
    everything = program.run("--help").stdout
    assert program.run("-h").stdout == program.run("help").stdout == everything
    assert program.run("key", "create", "-h").stdout == program.run("key", "create", "--help").stdout != everything


def test_wrong_usage_is_status_2(program):
    for line in ([], ["nonsense"], ["key"], ["key", "nonsense"], ["workspace", "set"], ["migrate", "extra"],
                 ["key", "create"], ["key", "list"], ["key", "revoke"], ["key", "create", "--workspace"],
                 ["key", "create", "--workspace", "a", "--workspace", "b"], ["worker", "--workers", "0"]):
        fails(program, 2, *line)


def test_an_absent_database_is_status_1(verbatim):
    absent = Program(verbatim, f"postgresql://127.0.0.1:{free_port()}/none")
    for line in (["migrate"], ["workspace", "set", "w"], ["key", "create", "--workspace", "w"], ["key", "revoke", "k"]):
        assert "Connection refused" in fails(absent, 1, *line)


def test_commands_before_migrate_say_so(verbatim, postgres):
    program = Program(verbatim, postgres.create_database("commands_empty").url)
    for line in (["workspace", "set", "w"], ["workspace", "list"], ["key", "list", "--workspace", "w"],
                 ["key", "create", "--workspace", "w"], ["key", "revoke", "x"], ["jobs", "list"]):
        message = fails(program, 1, *line)
        assert "run verbatim migrate" in message and "SQLSTATE" not in message
    for command in ("serve", "worker"):
        assert "verbatim migrate" in fails(program, 1, command, options={"storage": "file:///tmp"})


def test_workspace_set_creates_and_changes_only_what_is_given(ready, database):
    row = ("SELECT name, time_zone, source_id, csv_profile, max_running, delimiter, csv_quote, byte_order_mark"
           " FROM verbatim.workspace WHERE workspace_id = 'w1'")
    ready.workspace("w1")
    assert database.execute(row) == [("", "UTC", "w1", "safe", None, ",", "minimal", None)]
    ready.workspace("w1", name="Größe 漢字", time_zone="Asia/Tokyo", source_id="42", csv_profile="excel",
                    max_running=7, delimiter="tab", csv_quote="all", byte_order_mark="off")
    assert database.execute(row) == [("Größe 漢字", "Asia/Tokyo", "42", "excel", 7, "\t", "all", False)]
    ready.workspace("w1", csv_profile="raw", delimiter=";")
    assert database.execute(row) == [("Größe 漢字", "Asia/Tokyo", "42", "raw", 7, ";", "all", False)]
    ready.workspace("w1", byte_order_mark="on")
    assert database.value("SELECT byte_order_mark FROM verbatim.workspace WHERE workspace_id = 'w1'") is True
    ready.workspace("w1", byte_order_mark="profile")
    assert database.value("SELECT byte_order_mark FROM verbatim.workspace WHERE workspace_id = 'w1'") is None


@pytest.mark.parametrize("arguments, named", [
    (["a/b"], "a/b"), ([".."], ".."), ([""], "workspace id"), (["x" * 129], "128"), (["ä"], "ä"), (["-"], "-"),
    (["w", "--time-zone", "Mars/Base"], "Mars/Base"), (["w", "--time-zone", "../etc/passwd"], "passwd"),
    (["w", "--time-zone", ""], "time-zone"), (["w", "--csv-profile", "wild"], "wild"),
    (["w", "--delimiter", "|"], "--delimiter"), (["w", "--csv-quote", "none"], "--csv-quote"),
    (["w", "--byte-order-mark", "yes"], "--byte-order-mark"),
    (["w", "--max-running", "0"], "0"),
    (["w", "--max-running", "9x"], "9x"), (["w", "--name", "a\tb"], "--name"),
    (["w", "--source-id", ""], "--source-id"),
])
def test_workspace_set_refuses(ready, database, arguments, named):
    before = database.value("SELECT count(*) FROM verbatim.workspace")
    assert named in fails(ready, 2, "workspace", "set", *arguments)
    assert database.value("SELECT count(*) FROM verbatim.workspace") == before


def test_a_key_is_printed_once_and_only_its_hash_is_kept(ready, database):
    ready.workspace("keys")
    done = ready.run("key", "create", "--workspace", "keys", "--name", "Console")
    assert done.stderr == "" and KEY.fullmatch(done.stdout.rstrip("\n"))
    key = done.stdout.strip()
    row = database.execute("SELECT secret_hash = sha256(convert_to(%s, 'UTF8')), scopes, name FROM verbatim.api_key"
                           " WHERE key_id = %s", (key, KEY.fullmatch(key)[1]))
    assert row == [(True, ["workspace-events-notification"], "Console")]
    assert key.split("_")[2] not in str(database.execute("SELECT * FROM verbatim.api_key"))


def test_scopes_are_checked(ready, database):
    ready.workspace("scopes")
    key = ready.key("scopes", scope=["metrics", "workspace-events-notification"])
    assert database.value("SELECT scopes FROM verbatim.api_key WHERE key_id = %s", (KEY.fullmatch(key)[1],)) == [
        "metrics", "workspace-events-notification"]
    message = fails(ready, 2, "key", "create", "--workspace", "scopes", "--scope", "admin")
    assert "admin" in message and "metrics" in message
    assert "no workspace" in fails(ready, 1, "key", "create", "--workspace", "nowhere")


def test_list_and_revoke(ready):
    ready.workspace("lists")
    first, second = ready.key("lists", name="one"), ready.key("lists", scope="metrics")
    ids = [KEY.fullmatch(key)[1] for key in (first, second)]

    def rows():
        lines = ready.run("key", "list", "--workspace", "lists").stdout.splitlines()
        assert lines[0].split("\t") == ["id", "name", "scopes", "created", "last used", "revoked", "role", "user",
                                         "audience"]
        return {line.split("\t")[0]: line.split("\t") for line in lines[1:]}

    assert list(rows()) == ids
    assert rows()[ids[0]][1:3] == ["one", "workspace-events-notification"]
    assert rows()[ids[0]][4:] == ["-", "-", "owner", "-", "-"]
    ready.run("key", "revoke", ids[0])
    when = rows()[ids[0]][5]
    assert when != "-" and rows()[ids[1]][5] == "-"
    ready.run("key", "revoke", ids[0])
    assert rows()[ids[0]][5] == when
    ready.run("key", "revoke", second)  # the whole key means its id
    assert rows()[ids[1]][5] != "-"
    assert "no key" in fails(ready, 1, "key", "revoke", "000000000000")
    assert "no workspace" in fails(ready, 1, "key", "list", "--workspace", "nowhere")
    listed = json.loads(ready.run("key", "list", "--workspace", "lists", "--json").stdout)
    assert [key["id"] for key in listed] == ids and listed[1]["scopes"] == ["metrics"]
    assert listed[0]["revoked_at"].startswith(when[:-1]) and listed[0]["user"] is None


def test_a_switch_takes_no_value(program):
    assert "takes no value" in fails(program, 2, "key", "list", "--workspace", "w", "--json=yes")
    assert "unexpected argument yes" in fails(program, 2, "key", "list", "--workspace", "w", "--json", "yes")


def test_a_first_word_alone_tells_the_second_ones(program):
    for line in (["key"], ["key", "nonsense"]):
        message = fails(program, 2, *line)
        assert "create, list, revoke" in message and "verbatim key --help" in message
    overview = program.run("key", "--help").stdout
    assert overview == program.run("help", "key").stdout and "key revoke" in overview and "doctor" not in overview
    assert program.run("help", "key", "list").stdout == program.run("key", "list", "--help").stdout


def start(program, command, log, **options):
    env = clean_environment(program.options | options, program.env)
    return subprocess.Popen([program.path, command], env=env, stdout=subprocess.PIPE, stderr=log.open("wb"))


def answers(port, path="/readyz"):
    try:
        return http_request(port, "GET", path, seconds=5).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [0, 2])
def test_serve_ends_cleanly_and_prints_nothing(ready, folder, number, workers):
    port, log = free_port(), folder / f"stop-{number}-{workers}.log"
    process = start(ready, "serve", log, listen=f"127.0.0.1:{port}", workers=workers)
    wait_until(lambda: answers(port), "serve is ready")
    process.send_signal(number)
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0 and output == b""
    assert "stopped" in log.read_text()


def test_worker_runs_without_a_port(ready, folder):
    log = folder / "worker.log"
    process = start(ready, "worker", log, workers=1)
    wait_until(lambda: "started: no API" in log.read_text(), "the worker runs")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0


def test_serve_waits_for_a_database_that_comes_later(ready, postgres, folder):
    port, log = free_port(), folder / "later.log"
    postgres.stop()
    try:
        process = start(ready, "serve", log, listen=f"127.0.0.1:{port}", workers=0)
        wait_until(lambda: "waiting for the database" in log.read_text(), "serve waits")
        assert process.poll() is None
    finally:
        postgres.start()
    wait_until(lambda: answers(port), "serve is ready")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0


def test_a_signal_ends_the_wait_for_the_database(verbatim, folder):
    log = folder / "never.log"
    program = Program(verbatim, f"postgresql://127.0.0.1:{free_port()}/none", {"storage": f"file://{folder}"})
    process = start(program, "serve", log, listen=f"127.0.0.1:{free_port()}")
    wait_until(lambda: "waiting for the database" in log.read_text(), "serve waits")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0


def test_demo_data_fulfils_the_contract_and_repeats(ready, database):
    options = {"source_schema": "demo_one"}
    ready.run("demo-data", "--conversations", "30", "--messages-per-conversation", "3", "--seed", "7", options=options)
    digest = "SELECT md5(string_agg(m::text, ';' ORDER BY id)) FROM demo_one.message AS m"
    first = database.value(digest)
    assert database.value("SELECT count(*) FROM demo_one.conversation") == 30
    ready.run("demo-data", "--conversations", "30", "--messages-per-conversation", "3", "--seed", "7", options=options)
    assert database.value(digest) == first
    ready.run("demo-data", "--conversations", "30", "--messages-per-conversation", "3", "--seed", "8", options=options)
    assert database.value(digest) != first
    for flag, value in (("conversations", "0"), ("conversations", "-1"), ("messages-per-conversation", "x"),
                        ("seed", "")):
        assert flag in fails(ready, 2, "demo-data", "--" + flag, value)


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "[::ffff:0.0.0.0]"])
def test_serve_refuses_links_that_lead_nowhere(ready, address):
    """What is listened on is no place to go to; nor is it where somebody says so."""
    for options in ({"listen": f"{address}:{free_port()}"}, {"base_url": f"https://{address}/exports"}):
        message = fails(ready, 2, "serve", options=options)
        assert "base_url" in message and address in message and "must be the address" in message


def test_a_worker_that_mails_refuses_links_that_lead_nowhere(ready):
    message = fails(ready, 2, "worker", options={
        "smtp_url": "smtp://127.0.0.1", "listen": "0.0.0.0:8080", "mail_from": "a@b.example"})
    assert "base_url" in message


def first_lines(program, folder, command="serve", **options):
    """The log until it has started."""
    log = folder / f"first-{len(list(folder.iterdir()))}.log"
    process = start(program, command, log, workers=1, **options)
    try:
        wait_until(lambda: " started: " in log.read_text(), "the start")
    finally:
        process.terminate()
        process.wait(LIMIT)
    return log.read_text()


def test_links_to_loopback_are_told_at_the_start(ready, folder):
    everywhere = {"listen": f"0.0.0.0:{free_port()}", "base_url": "http://localhost:8080"}
    told = [line for line in first_lines(ready, folder, **everywhere).splitlines() if "set base_url" in line]
    assert len(told) == 1 and " warn " in told[0] and "http://localhost:8080" in told[0]
    reachable = everywhere | {"base_url": "https://exports.example"}
    assert "their own machine" not in first_lines(ready, folder, **reachable)
    # A machine of one's own is no mistake; a worker's mails are for others.
    assert "their own machine" not in first_lines(ready, folder, listen=f"127.0.0.1:{free_port()}")
    assert "their own machine" not in first_lines(ready, folder, command="worker")
    assert "set base_url" in first_lines(ready, folder, command="worker", smtp_url="smtp://127.0.0.1:1",
                                         mail_from="a@b.example")


def test_a_store_on_loopback_is_told_at_the_start(ready, folder, minio):
    bucket = minio.make_bucket("loopback")
    there = type(ready)(ready.path, None, ready.options | minio.options(bucket), ready.env | minio.credentials())
    public = {"listen": f"0.0.0.0:{free_port()}", "base_url": "https://exports.example"}
    told = [line for line in first_lines(there, folder, **public).splitlines() if "their own machine" in line]
    assert len(told) == 1 and "set s3_public_endpoint" in told[0]


def test_a_broken_source_contract_is_named(ready, database):
    database.execute("CREATE SCHEMA broken; CREATE TABLE broken.message (id uuid, text text)")
    message = fails(ready, 1, "serve", options={"source_schema": "broken"})
    for column in ("channel.id", "conversation.created_at", "message.direction"):
        assert column in message
    assert "message.text" not in message
