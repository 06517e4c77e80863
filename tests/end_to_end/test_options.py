"""Options: three sources and their order, every error with name, value and what is allowed, docs against the table."""

import re

import pytest

from tests.lib.option_rows import option_rows
from tests.lib.process import ROOT
from tests.lib.service import Program


@pytest.fixture(scope="module")
def bare(verbatim):
    """The program without any option; `migrate` with a database that nobody serves tells that options were fine."""
    return Program(verbatim, "postgresql://127.0.0.1:1/none")


def refused(program, *flags, env=None, config=None, **options):
    run = Program(program.path, env=env, options=program.options)
    flags = [*flags, *(["--config", str(config)] if config else [])]
    done = run.run("migrate", *flags, check=False, options=options)
    assert done.stdout == ""
    assert done.returncode == 2, done.stderr
    return done.stderr


def accepted(program, *flags, env=None, config=None, **options):
    run = Program(program.path, env=env, options=program.options)
    flags = [*flags, *(["--config", str(config)] if config else [])]
    done = run.run("migrate", *flags, check=False, options=options)
    assert done.returncode == 1 and "Connection refused" in done.stderr, done.stderr


def test_docs_and_table_agree(bare):
    text = (ROOT / "docs/options.md").read_text()
    documented = re.findall(r"^\| `(\w+)`( \\\*)? \| (.*?) \| (.*) \| (.*) \|$", text, re.M)
    table = [(name.replace("-", "_"), bool(secret), default.strip("`"), meaning, allowed)
             for name, default, secret, meaning, allowed in option_rows(bare)]
    assert [(name, bool(star), default.strip("`"), meaning, allowed)
            for name, star, default, meaning, allowed in documented] == table


@pytest.mark.parametrize("flag, value, allowed", [
    ("lease", "1s", "2s"), ("lease", "30", "duration"), ("lease", "-5s", "duration"), ("lease", "30 s", "duration"),
    ("lease", "99999999999999999999s", "duration"), ("lease", "200000000d", "duration"), ("lease", "1.5h", "duration"),
    ("link-ttl", "169h", "168h"), ("link-ttl", "8d", "168h"), ("link-ttl", "0s", "1s"), ("idle-timeout", "999ms", "1s"),
    ("client-timeout", "0s", "1s"), ("stop-delay", "11m", "10m"),
    ("trusted-proxies", "10.0.0.0/33", "ADDRESS"), ("trusted-proxies", "proxy.internal", "ADDRESS"),
    *[("cors-origins", value, "http[s]://HOST") for value in (
        "app.example.com", "https://app.example.com/", "https://App.example.com", "https://a.example:443", "null",
        "https://*.example.com", "https://a.example,*", "http://a.example:0", "https://")],
    ("s3-part-size", "4MiB", "5MiB"), ("s3-part-size", "5MB", "5MiB"), ("s3-part-size", "5242879", "5MiB"),
    ("workers", "-1", "0 to 256"), ("workers", "two", "0 to 256"), ("workers", "257", "0 to 256"),
    ("workers", "1x", "0 to 256"), ("max-running", "0", "1 to"), ("max-attempts", "0", "1 to"),
    ("segment-parts", "16", "1 to 15"), ("janitor-interval", "99ms", "100ms"),
    ("prepared-statements", "yes", "on or off"), ("smtp-require-tls", "true", "on or off"),
    ("s3-addressing", "Path", "auto, path or virtual"), ("log-level", "trace", "debug"), ("log-format", "xml", "json"),
    ("listen", "8080", "IP address and a port"), ("listen", "127.0.0.1:0", "port"),
    ("listen", "127.0.0.1:65536", "port"),
    ("listen", "localhost:8080", "IP address"), ("listen", "::1:8080", "IP address"),
    ("base-url", "ftp://x", "http"), ("base-url", "https://", "http"), ("base-url", "http://a b", "http"),
    ("s3-endpoint", "minio:9000", "http"), ("s3-public-endpoint", "http://u:p@h", "http"),
    ("storage", "/var/lib", "file:///"), ("storage", "file://relative", "file:///"),
    ("storage", "s3://", "s3://BUCKET"),
    ("storage", "gs://bucket", "s3://BUCKET"), ("s3-region", "eu west", "letters"),
    ("smtp-url", "mail.example.com:25", "smtp://"), ("smtp-url", "smtp://h/x", "smtp://"),
    ("mail-from", "nobody", "ADDRESS"), ("mail-from", "a@b.example\r\nBcc: c@d.example", "ADDRESS"),
    ("source-schema", "x" * 64, "63"), ("fonts", "fonts", "an absolute folder"), ("lease", "", "duration"),
])
def test_a_bad_value_is_told_with_name_value_and_what_is_allowed(bare, flag, value, allowed):
    message = refused(bare, f"--{flag}", value)
    name = flag.replace("-", "_")
    assert name in message and f"--{flag}" in message
    assert allowed in message and "must be" in message
    if value and "\r" not in value and "u:p@" not in value:  # those have a test of their own
        assert f'"{value}"' in message


@pytest.mark.parametrize("flag, value", [
    ("lease", "2s"), ("lease", "2000ms"), ("lease", "1h"), ("link-ttl", "168h"), ("link-ttl", "7d"),
    ("s3-part-size", "5MiB"), ("s3-part-size", "5242880"), ("s3-part-size", "1GiB"), ("workers", "0"),
    ("stop-delay", "0s"), ("client-timeout", "24h"), ("trusted-proxies", "10.0.0.0/8, ::1,fd00::/8"),
    ("cors-origins", "*"), ("cors-origins", "https://a.example:8443, http://localhost:3000,http://[::1]:8080"),
    ("listen", "[::1]:8080"), ("base-url", "https://exports.example.com/path/"), ("storage", "s3://bucket/a/prefix"),
    ("mail-from", "Exports <exports@example.com>"),
])
def test_good_values_at_the_border(bare, flag, value):
    accepted(bare, f"--{flag}", value)
    accepted(bare, f"--{flag}={value}")


def test_retention_is_not_shorter_than_the_link(bare):
    message = refused(bare, "--link-ttl", "48h", "--retention", "47h")
    assert "retention" in message and "link_ttl" in message
    accepted(bare, "--link-ttl", "48h", "--retention", "48h")


def test_mail_user_and_password_come_together(bare):
    assert "smtp_password" in refused(bare, smtp_user="me")
    accepted(bare, smtp_user="me", smtp_password="secret")


@pytest.mark.parametrize("url", [
    "smtp://mail.example.com", "smtps://mail.example.com:465/", "smtp://[::1]:25", "smtp://bob:a%40b%25@mail:587",
    "smtp://bob:a@b/c:d#e?f@mail", "smtp://bob%40example.com:x@mail"])
def test_a_mail_server_with_and_without_login(bare, url):
    accepted(bare, smtp_url=url, mail_from="a@b.example")


def test_a_sender_belongs_to_a_mail_server(bare):
    message = refused(bare, smtp_url="smtp://mail.example.com")
    assert "smtp_url" in message and "mail_from must be" in message
    accepted(bare, mail_from="a@b.example")


def test_a_login_is_given_in_one_place(bare):
    mail = {"mail_from": "a@b.example"}
    accepted(bare, smtp_url="smtp://bob@mail", smtp_password="x", **mail)
    assert "smtp_password" in refused(bare, smtp_url="smtp://bob@mail", **mail)
    for options in ({"smtp_user": "bob", "smtp_password": "hunter2"}, {"smtp_password": "hunter2"}):
        message = refused(bare, smtp_url="smtp://ann:hunter3@mail", **mail | options)
        assert "smtp_url" in message and "one place" in message and "hunter" not in message


def test_flag_wins_over_variable_wins_over_file(bare, folder):
    config = folder / "order.conf"
    config.write_text("# comment\n\nlease = bad-in-file\n")
    assert "bad-in-file" in refused(bare, config=config)
    assert "order.conf line 3" in refused(bare, config=config)
    assert "bad-in-variable" in refused(bare, config=config, lease="bad-in-variable")
    assert "bad-in-flag" in refused(bare, "--lease", "bad-in-flag", config=config, lease="bad-in-variable")
    accepted(bare, "--lease", "5s", config=config, lease="bad-in-variable")
    accepted(bare, config=config, lease="5s")
    accepted(bare, env={"VERBATIM_CONFIG": str(config)}, lease="5s")


def test_an_empty_variable_is_not_set(bare):
    accepted(bare, lease="", smtp_url="", mail_from="")


def test_unknown_names_are_errors(bare, folder):
    assert "--leese" in refused(bare, "--leese", "3s")
    assert "VERBATIM_LEESE" in refused(bare, leese="3s")
    assert "VERBATIM_lease" in refused(bare, env={"VERBATIM_lease": "3s"})
    assert "VERBATIM_LEASE_FILE" in refused(bare, env={"VERBATIM_LEASE_FILE": "/x"})
    config = folder / "unknown.conf"
    config.write_text("lease = 3s\nleese = 3s\n")
    message = refused(bare, config=config)
    assert "leese" in message and "unknown.conf line 2" in message
    config.write_text("lease\n")
    assert "name = value" in refused(bare, config=config)
    assert "stray" in refused(bare, "stray")
    assert "cannot open" in refused(bare, config=folder / "missing.conf")


def test_twice_on_one_level_is_an_error(bare, folder):
    assert "twice" in refused(bare, "--lease", "3s", "--lease=3s")
    config = folder / "twice.conf"
    config.write_text("lease = 3s\nlease = 3s\n")
    assert "twice" in refused(bare, config=config)
    assert "lacks a value" in refused(bare, "--lease")


def test_secrets_come_from_files_and_are_never_shown(bare, folder):
    secret = folder / "password"
    secret.write_text("hunter2\n")
    accepted(bare, smtp_user="me", smtp_password_file=secret)
    accepted(bare, "--smtp-password-file", str(secret), smtp_user="me")
    assert "twice" in refused(bare, smtp_user="me", smtp_password_file=secret, smtp_password="x")
    assert "VERBATIM_SMTP_PASSWORD_FILE" in refused(bare, smtp_user="me", smtp_password_file=folder / "none")
    secret.write_text("")
    assert "empty" in refused(bare, smtp_user="me", smtp_password_file=secret)
    message = refused(bare, source_url="postgresql://me:hunter2@[broken")
    assert "source_url" in message and "hunter2" not in message


def test_variables_of_kubernetes_and_of_the_tools_are_ignored(bare):
    accepted(bare, env={
        "VERBATIM_SERVICE_HOST": "10.0.0.1", "VERBATIM_SERVICE_PORT": "80", "VERBATIM_SERVICE_PORT_HTTP": "80",
        "VERBATIM_PORT": "tcp://10.0.0.1:80", "VERBATIM_PORT_80_TCP": "tcp://10.0.0.1:80",
        "VERBATIM_PORT_80_TCP_ADDR": "10.0.0.1", "VERBATIM_API_PORT": "tcp://10.0.0.1:80",
        "VERBATIM_BINARY": "/x", "VERBATIM_SERVERS_BIN": "/x", "VERBATIM_PRESET": "asan"})
    assert "VERBATIM_PORT" in refused(bare, env={"VERBATIM_PORT": "8080"})


@pytest.mark.parametrize("flag, value", [
    ("smtp-url", "bob:hunter2@mail"), ("smtp-url", "smtp://bob:hunter2%@mail"), ("smtp-url", "smtp://bob:hunter2@m/x"),
    ("smtp-url", "smtp://:hunter2@mail"), ("smtp-url", "smtp://bob:hunter2%0A@mail"),
    ("smtp-url", "smtp://bob:hunter2@"),
    ("base-url", "https://bob:hunter2@x.example"), ("s3-endpoint", "http://bob:hunter2@x.example"),
    ("s3-public-endpoint", "http://bob:hunter2@x"), ("storage", "s4://bob:hunter2@bucket"),
    # What libpq would take for a host, a port or a database, and tell.
    ("database-url", "postgresql://bob:a@hunter2@127.0.0.1/x"),
    ("database-url", "postgresql://bob:hunter2/a@127.0.0.1/x"),
    ("source-url", "postgresql://bob:a@hunter2@127.0.0.1,127.0.0.2/x"),
])
def test_a_password_in_an_address_is_never_shown(bare, flag, value):
    message = refused(bare, f"--{flag}", value)
    assert flag.replace("-", "_") in message and "must be" in message
    assert "hunter2" not in message and "bob" not in message


@pytest.mark.parametrize("value", [
    "host=@abstract dbname=x", "postgresql://u:p%40ss@h1:5432,h2:5433/x", "postgresql:///x?host=/run/postgresql",
    "host=h port=5432,5433", "service=none"])
def test_connections_of_every_kind_are_taken(bare, value):
    done = bare.run("migrate", "--database-url", value, check=False)
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize("token", ["too-short", "with a blank in the middle", "x" * 257])
def test_a_token_that_could_be_guessed_or_not_sent_is_refused_and_not_shown(bare, token):
    message = refused(bare, metrics_token=token)
    assert "metrics_token" in message and "16 to 256" in message and token not in message


def test_the_file_of_logins_is_checked_at_the_start(bare, tmp_path):
    file = tmp_path / "logins"
    file.write_text("media.example.com basic me:s3cret\n")
    file.chmod(0o640)
    accepted(bare, media_credentials_file=str(file))
    file.chmod(0o644)
    told = refused(bare, media_credentials_file=str(file))
    assert "option media_credentials_file" in told and "must be 0640 or less" in told
    file.chmod(0o600)
    file.write_text("media.example.com basic me:s3cret\nother.example.com s3cret\n")
    told = refused(bare, media_credentials_file=str(file))
    assert f"option media_credentials_file: {file}, line 2: must be HOST[:PORT] basic" in told and "s3cret" not in told
    assert "cannot open" in refused(bare, media_credentials_file=str(tmp_path / "gone"))
