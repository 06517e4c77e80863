"""Mistakes of a configuration, one a row: what was set, and the words that have to stand in the message.

Most end the program at once, with status 2 where the configuration alone is wrong and 1 where the world says no. Those
that waiting may cure are waited for, and the log says what to look at. Each message names the option, or the command
that helps.
"""

import os
import socket
import struct
import threading

import pytest

from tests.end_to_end.conftest import S3_SERVERS
from tests.lib import http_source as source
from tests.lib.process import free_port, wait_until
from tests.lib.service import Program, Service

MARK = "\ufeff"


@pytest.fixture(scope="module")
def ready(program, database, folder):
    """A configuration with nothing wrong: each row spoils one thing of it."""
    source.make_source(database)
    program.migrate()
    program.workspace("one")
    (folder / "archives").mkdir()
    program.options |= {"storage": f"file://{folder}/archives", "workers": "0"}
    return program


def run(program, *line, status, options=None, env=None):
    there = Program(program.path, options=program.options | {"listen": f"127.0.0.1:{free_port()}"} | (options or {}),
                    env=env)
    done = there.run(*line, check=False)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == "" or line[0] == "config"
    return done.stderr


# --- values, names and files: every command refuses them ---

FILES = [
    # (text of the configuration file, words of the message; None: it is good)
    (f"{MARK}lease = 30s\n", None),
    ("lease = 30s   \t\r\n", None),
    (f"{MARK}# a comment\r\n\r\nlease = 30s\r\n", None),
    ("lease = 30s # half a minute\n", ["lease", "line 1", "30s # half a minute", "must be"]),
    ('lease = "30s"\n', ["lease", "line 1", "must be", "duration"]),
    ("[verbatim]\nlease = 30s\n", ["line 1", "name = value"]),
    ("lease: 30s\n", ["line 1", "name = value"]),
    ("lease\n", ["line 1", "name = value"]),
    ("lease =\n", ["lease", "line 1", "empty"]),
    ("= 30s\n", ["line 1", "unknown option"]),
    ("leese = 30s\n", ["leese", "line 1", "--help"]),
    ("lease-time = 30s\n", ["lease-time", "line 1"]),
    ("LEASE = 30s\n", ["LEASE", "line 1"]),
    ("lease = 30s\nlease = 40s\n", ["lease", "twice", "line 1", "line 2"]),
    ("\u00a0lease = 30s\n", ["unknown option", "line 1"]),
    ("smtp_password_file = /nowhere/secret\n", ["option smtp_password", "line 1", "/nowhere/secret", "No such file"]),
    ("lease_file = /etc/hostname\n", ["lease_file", "unknown option"]),
]
UTF16 = "lease = 30s\n".encode("utf-16")


def test_files(ready, folder):
    config = folder / "file.conf"
    for text, words in FILES:
        config.write_bytes(text.encode())
        if words is None:
            assert run(ready, "key", "list", "--workspace", "none", "--config", str(config), status=1)
            continue
        message = run(ready, "migrate", "--config", str(config), status=2)
        for word in words:
            assert word in message, (text, message)
    config.write_bytes(UTF16)
    assert "must be saved as UTF-8" in run(ready, "migrate", "--config", str(config), status=2)
    assert "cannot open" in run(ready, "migrate", "--config", str(folder / "none.conf"), status=2)
    assert "file.d" in run(ready, "migrate", "--config", str(make_folder(folder / "file.d")), status=2)


def make_folder(path):
    path.mkdir(exist_ok=True)
    return path


OPTIONS = [
    # (option, value, words)
    ("database_url", "postgres//db/verbatim", ["database_url", "must be", "libpq"]),
    ("database_url", "postgresql://me:p@ss@h/db", ["database_url", "%40"]),
    ("database_url", "host=h potr=5432", ["database_url", "must be"]),
    ("source_schema", "x" * 64, ["source_schema", "63 bytes"]),
    ("prepared_statements", "true", ["prepared_statements", "on or off"]),
    ("listen", ":8080", ["listen", "IP address and a port"]),
    ("listen", "localhost:8080", ["listen", "IP address"]),
    ("listen", "8080", ["listen", "IP address"]),
    ("listen", "127.0.0.1:99999", ["listen", "port"]),
    ("base_url", "exports.example.com", ["base_url", "http://HOST"]),
    ("base_url", "https://exports.example.com/?a=b", ["base_url"]),
    ("storage", "/var/lib/verbatim", ["storage", "file:///DIR"]),
    ("storage", "s3:bucket", ["storage", "s3://BUCKET"]),
    ("storage", "gs://bucket", ["storage", "s3://BUCKET"]),
    ("s3_endpoint", "minio:9000", ["s3_endpoint", "http://HOST"]),
    ("s3_region", "eu central", ["s3_region", "letters"]),
    ("s3_addressing", "virtual-host", ["s3_addressing", "auto, path or virtual"]),
    ("s3_sse", "aes256", ["s3_sse", "off, AES256 or aws:kms"]),
    ("s3_sse_key", "two words", ["s3_sse_key", "letters, digits"]),
    ("s3_part_size", "5MB", ["s3_part_size", "5MiB"]),
    ("link_ttl", "8d", ["link_ttl", "168h"]),
    ("link_ttl", "24", ["link_ttl", "duration"]),
    ("retention", "1 day", ["retention", "duration"]),
    ("smtp_url", "mail.example.com:25", ["smtp_url", "smtp://"]),
    ("smtp_tls", "yes", ["smtp_tls", "off, try or require"]),
    ("mail_from", "Exports", ["mail_from", "ADDRESS"]),
    ("workers", "auto", ["workers", "0 to 256"]),
    ("max_running", "0", ["max_running", "1 to"]),
    ("lease", "1s", ["lease", "2s"]),
    ("prune_at", "2:15", ["prune_at", "HH:MM"]),
    ("media_allow", "https://media.example", ["media_allow", "NAME"]),
    ("fonts", "fonts", ["fonts", "absolute"]),
    ("log_level", "verbose", ["log_level", "debug, info, warn or error"]),
    ("log_format", "logfmt", ["log_format", "text or json"]),
    ("leese", "3s", ["VERBATIM_LEESE", "--help"]),
]


def test_values(ready):
    for option, value, words in OPTIONS:
        message = run(ready, "migrate", options={option: value}, status=2)
        for word in [*words, f"VERBATIM_{option.upper()}"]:
            assert word in message, (option, value, message)


TOGETHER = [
    ({"link_ttl": "48h", "retention": "47h"}, ["retention", "link_ttl"]),
    ({"s3_sse_key": "alias/exports"}, ["s3_sse_key", "s3_sse = aws:kms"]),
    ({"smtp_user": "me"}, ["smtp_user", "smtp_password"]),
    ({"smtp_url": "smtp://mail.example"}, ["smtp_url", "mail_from"]),
    ({"listen": "0.0.0.0:8080"}, ["base_url", "https://exports.example.com"]),
    ({"listen": "[::]:8080"}, ["base_url", "nobody can go"]),
    ({"base_url": "http://0.0.0.0:8080"}, ["base_url", "must be the address"]),
]


def test_values_that_do_not_go_together(ready):
    for options, words in TOGETHER:
        for line in (["serve"], ["config", "check"]):
            there = Program(ready.path, options=ready.options | options)
            done = there.run(*line, check=False)
            assert done.returncode == 2, (options, done.stderr)
            for word in words:
                assert word in done.stderr + done.stdout, (options, done)
    assert "workers is 0" in run(ready, "worker", options={"workers": "0"}, status=2)


# --- secrets in files ---

SECRETS = [
    # (what the file holds, None: it is taken)
    ("{url}\n", None), ("{url}\r\n", None), ("{url} \n", None), (MARK + "{url}\n", None), ("  {url}\t\n\n", None),
    ("", ["VERBATIM_DATABASE_URL_FILE", "empty"]), ("\n", ["VERBATIM_DATABASE_URL_FILE", "empty"]),
    (" \n", ["database_url", "must be"]), ("\0", ["empty or no text"]),
]


def test_secrets(ready, database, folder):
    """A blank behind the address is no part of the database's name, and a byte order mark none of the address."""
    secret = folder / "database_url"
    without = Program(ready.path, options={name: value for name, value in ready.options.items()
                                           if name != "database_url"})
    for text, words in SECRETS:
        secret.write_text(text.format(url=database.url), newline="")
        options = {"database_url_file": secret}
        if words is None:
            assert run(without, "workspace", "show", "nobody", options=options, status=1).count("no workspace") == 1
            continue
        message = run(without, "workspace", "list", options=options, status=2)
        for word in words:
            assert word in message, (text, message)
    secret.write_bytes(database.url.encode("utf-16"))
    assert "must be saved as UTF-8" in run(without, "workspace", "list", options={"database_url_file": secret},
                                           status=2)
    assert "VERBATIM_DATABASE_URL_FILE" in run(without, "workspace", "list", status=2,
                                               options={"database_url_file": folder})


def test_a_password_keeps_its_blanks(ready, folder):
    """Only line ends go: what else stands there may be meant."""
    secret = folder / "password"
    secret.write_text(" hunter2 \n")
    shown = Program(ready.path).run("config", "show", options={"smtp_user": "me", "smtp_password_file": secret})
    assert "hunter2" not in shown.stdout


# --- the database ---

def refusals(database):
    """Ways in which a server says no, and what has to be told."""
    port = database.port
    database.execute("CREATE ROLE wrong_configuration_outsider LOGIN")
    database.execute(f'REVOKE CONNECT ON DATABASE "{database.name}" FROM PUBLIC')
    return [
        (f"postgresql://nobody_here@127.0.0.1:{port}/{database.name}", ["nobody_here", "does not exist"]),
        (f"postgresql://postgres@127.0.0.1:{port}/no_such_database", ["no_such_database", "does not exist"]),
        (f"postgresql://wrong_configuration_outsider@127.0.0.1:{port}/{database.name}", ["permission denied"]),
    ]


def test_a_database_that_refuses_ends_the_start(ready, database):
    for url, words in refusals(database):
        for line in (["serve"], ["worker", "--workers", "1"], ["migrate"], ["jobs", "list"]):
            options = {"database_url": url, "source_url": database.url}
            message = run(ready, *line, options=options, status=1)
            for word in [*words, "-> correct user, password or database in database_url"]:
                assert word in message, (line, message)
            assert "LOCATION" not in message and "FATAL:  2" not in message and "FATAL:  3" not in message
        message = run(ready, "serve", options={"source_url": url}, status=1)
        assert "in source_url" in message and words[0] in message


def with_password(listener):
    """A server that knows no password but another one."""
    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while True:
                    head = connection.recv(8)
                    if len(head) < 8 or head[4:] != b"\x04\xd2\x16/":
                        break
                    connection.sendall(b"N")
                fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"me\"\0\0"
                connection.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)
    threading.Thread(target=serve, daemon=True).start()


def test_a_wrong_password_ends_the_start(ready):
    """Debian's private clusters trust everybody, so the server is one of ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with_password(listener)
        url = f"postgresql://me:hunter2@127.0.0.1:{listener.getsockname()[1]}/x?sslmode=disable&gssencmode=disable"
        message = run(ready, "serve", options={"database_url": url}, status=1)
        assert "password authentication failed" in message and "in database_url" in message
        assert "hunter2" not in message
        listener.shutdown(socket.SHUT_RDWR)


def logged(program, folder, words, command="serve", env=None, **options):
    """Starts it, waits for the words in its log, ends it, and returns the log."""
    service = Service(program, folder, command, env, **options)
    service.start(wait=False)
    try:
        wait_until(lambda: words in service.log() or not service.process.running, words)
    finally:
        service.stop()
    assert words in service.log(), service.log()
    return service.log()


@pytest.mark.parametrize("url", [f"postgresql://127.0.0.1:{free_port()}/x", "postgresql://no.such.host.invalid/x"])
def test_what_waiting_may_cure_is_waited_for(ready, folder, url):
    text = logged(ready, folder, "waiting for the database: ", database_url=url)
    assert "-> if this does not pass, look at database_url" in text
    assert "look at source_url" in logged(ready, folder, "waiting for the database: ", source_url=url)
    message = run(ready, "jobs", "list", options={"database_url": url}, status=1)
    assert "-> look at database_url" in message and "does not pass" not in message


def test_no_schema_yet(verbatim, postgres, folder):
    bare = Program(verbatim, postgres.create_database("wrong_no_schema").url, {"storage": f"file://{folder}/archives"})
    for line in (["serve"], ["worker"], ["workspace", "set", "w"], ["key", "create", "--workspace", "w"], ["prune"]):
        message = run(bare, *line, status=1)
        assert "run verbatim migrate" in message and "SQLSTATE" not in message, line


def test_no_source_yet(verbatim, postgres, folder):
    program = Program(verbatim, postgres.create_database("wrong_no_source").url,
                      {"storage": f"file://{folder}/archives"})
    program.migrate()
    message = run(program, "serve", status=1)
    for words in ("docs/connect.md", "verbatim demo-data", "source_schema", "conversation.created_at"):
        assert words in message
    assert "docs/connect.md" in run(program, "serve", options={"source_schema": "nowhere"}, status=1)


# --- the storage ---

def test_directories(ready, folder):
    (folder / "a file").write_text("")
    for path, words in ((f"{folder}/nowhere", ["install -d -m 0750 -o USER", "option storage", f"{folder}/nowhere"]),
                        (f"{folder}/a file", ["no directory"])):
        for line in (["serve"], ["worker", "--workers", "1"], ["prune"]):
            message = run(ready, *line, options={"storage": f"file://{path}"}, status=1)
            for word in words:
                assert word in message, (line, message)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else(ready):
    assert "chown USER" in run(ready, "serve", options={"storage": "file:///etc"}, status=1)


@pytest.fixture(scope="module")
def store(request):
    return request.getfixturevalue(S3_SERVERS[0])


def test_stores_that_say_no(ready, folder, store):
    store.make_bucket("wrong-configuration")
    good, keys = store.options("wrong-configuration"), store.credentials()
    cases = [
        (good | store.options("no-such-bucket-here"), keys, ["create the bucket", "storage and s3_endpoint"]),
        (good, keys | {"AWS_SECRET_ACCESS_KEY": "x" * 20}, ["check the credentials", "s3_region"]),
        (good | {"s3_endpoint": good["s3_endpoint"].replace("http://", "https://")}, keys, ["wants http://"]),
        (good | {"s3_endpoint": f"http://127.0.0.1:{free_port()}"}, keys, ["check s3_endpoint"]),
    ]
    for options, env, words in cases:
        text = logged(ready, folder, "storage does not answer: ", env=env, **options)
        for word in words:
            assert word in text, (options, text)
    text = logged(ready, folder, "storage does not answer: ", "worker", env=keys, workers="1", **cases[0][0])
    assert "create the bucket" in text


# --- addresses ---

def test_a_port_in_use(ready, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        message = run(ready, "serve", options={"listen": address}, status=1)
        assert address in message and "in use" in message
    assert "203.0.113.1:8080" in run(ready, "serve", options={"listen": "203.0.113.1:8080"}, status=1)
