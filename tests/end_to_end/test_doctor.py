"""verbatim doctor: each check when all is well, and in the states in which it has to say what is wrong."""

import json
import os
import pathlib
import re

import pytest

from tests.lib.doctor import doctor
from tests.lib.loopback_http import LoopbackHttp
from tests.lib.mail_sink import MailSink
from tests.lib.patience import LIMIT
from tests.lib.process import free_port
from tests.lib.service import Program
from tests.lib.zones import recent_zones

SECRET = "topsecret-2f9a"


@pytest.fixture(scope="module")
def ready(program):
    program.migrate()
    program.demo_data(conversations=50)
    return program


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "storage"
    folder.mkdir()
    return {"storage": f"file://{folder}"}


def left_behind(storage):
    if storage.folder:
        return [name for name in storage.folder.rglob("*") if name.is_file() and name.name != ".verbatim-store"]
    answer = storage.store.client().list_objects_v2(Bucket=storage.bucket)
    uploads = storage.store.client().list_multipart_uploads(Bucket=storage.bucket).get("Uploads", [])
    return answer.get("Contents", []) + uploads


def test_all_is_well(ready, storage, make_service, folder):
    zones = recent_zones(folder / "zones")
    numbers = {"s3_max_part_number": 1000} if storage.name == "swift" else {}
    with MailSink(tls="starttls", user="bob", password=SECRET) as sink:
        service = make_service(storage, workers=0, env=zones)
        report = doctor(ready, env=storage.env | zones | {"SSL_CERT_FILE": str(sink.certificate)}, **storage.options,
                        **numbers, base_url=service.url, smtp_url=sink.url.replace("127.0.0.1", "localhost"),
                        smtp_user="bob", smtp_password=SECRET, mail_from="export@acme.example")
        assert report.status == 0 and {line.finding for line in report.lines} == {"ok"}, report.output
        assert [line.subject for line in report.lines if not line.subject.startswith("source")] == [
            "database", "processes", "time zones", "database", "backup", "public link", "storage", "mail", "fonts"]
        assert "encrypted, logged in; no mail was sent" in report.only("mail", "ok").text
        assert sink.mails == [] and [known for _, known in sink.logins] == [True]
    assert left_behind(storage) == []
    assert SECRET not in report.output and "signature" not in report.output.lower()


def test_as_json_it_says_the_same(ready, tmp_path):
    """An object a line, so that what hangs hides nothing found before; exit and reason as ever."""
    wrong = {"storage": f"file://{tmp_path}/\"missing\""}
    options = type(ready)(ready.path, None, ready.options | wrong, ready.env)
    told = doctor(ready, **wrong)
    done = options.run("doctor", "--json", check=False)
    assert done.returncode == told.status == 1 and "checks failed" in done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(each) for each in found] == [{"finding", "subject", "text", "remedy"}] * len(told.lines)
    assert [(each["finding"], each["subject"], each["remedy"]) for each in found] == [
        (line.finding, line.subject, line.remedy) for line in told.lines]
    [storage] = [each for each in found if each["subject"] == "storage"]
    assert storage["finding"] == "failed" and '"missing"' in storage["text"] and storage["remedy"]


def test_mail_is_optional(ready, files):
    report = doctor(ready, **files)
    assert report.status == 0 and "not configured" in report.only("mail", "ok").text


def test_fonts_are_for_pdf_alone(ready, files, folder):
    line = doctor(ready, **files, fonts=folder / "none").only("fonts", "warning")
    assert "fonts-noto-core" in line.text and "PDF" in line.remedy


def test_help(ready):
    assert "exit 1" in ready.run("doctor", "--help").stdout
    assert ready.run("doctor", "now", check=False).returncode == 2


# Database

def test_no_database(ready, files):
    report = doctor(ready, **files, database_url=f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/x")
    assert "database_url" in report.only("database", "failed").remedy
    assert report.findings("source") == {"failed"}, "its default is the same database"
    assert report.findings("public link") == {"failed"}, "links cannot be signed without the database"
    assert report.findings("storage") == {"ok"}, "one subject does not hide another"
    assert SECRET not in report.output


def test_a_database_that_was_not_migrated(postgres, verbatim, files):
    empty = postgres.create_database("doctor_empty")
    report = doctor(Program(verbatim, empty.url), **files)
    assert "migrate" in report.only("database", "failed").remedy
    assert "channel.id" in report.only("source", "failed").text


def test_a_schema_of_another_version(ready, postgres, verbatim, files):
    database = postgres.create_database("doctor_old")
    program = Program(verbatim, database.url)
    program.migrate()
    database.execute("INSERT INTO verbatim.schema_migration SELECT (jsonb_populate_record(m, jsonb_build_object("
                     "'version', 9999))).* FROM verbatim.schema_migration m ORDER BY version DESC LIMIT 1")
    assert "9999" in doctor(program, **files).only("database", "failed").text


def test_a_login_without_the_roles(ready, database, files):
    database.execute("CREATE ROLE outsider LOGIN; GRANT USAGE ON SCHEMA verbatim TO outsider;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA verbatim TO outsider")
    try:
        url = database.url.replace("postgres@", "outsider@")
        failed = [line for line in doctor(ready, **files, database_url=url,
                                          source_url=database.url).of("database") if line.finding == "failed"]
        assert ["verbatim_api" in failed[0].text, "verbatim_worker" in failed[1].text] == [True, True]
        assert "member of both roles" in failed[0].remedy
        # The words hold the statement that cures it, at the start of the service as here.
        ended = ready.run("serve", options={**files, "database_url": url, "source_url": database.url}, check=False)
        assert ended.returncode == 1
        database.execute(re.search(r"run: (GRANT .* TO outsider)", ended.stderr)[1])
        assert re.search(r"run: (GRANT .* TO outsider)", failed[0].text)
        cured = doctor(ready, **files, database_url=url, source_url=database.url).of("database")
        assert not [line for line in cured if line.finding == "failed"], cured
    finally:
        database.execute("DROP OWNED BY outsider; DROP ROLE outsider")


# Source

def test_optional_columns_and_relations_that_are_missing(ready, database, files):
    database.execute("CREATE SCHEMA sparse; CREATE VIEW sparse.channel AS TABLE chat.channel;"
                     "CREATE VIEW sparse.message AS TABLE chat.message;"
                     "CREATE VIEW sparse.conversation AS SELECT id, workspace_id, channel_id, created_at, contact_id "
                     "FROM chat.conversation")
    report = doctor(ready, **files, source_schema="sparse")
    text = next(line.text for line in report.of("source") if "optional" in line.text)
    assert report.status == 0
    for name in ("contact", "assistant", "conversation.assistant_id", "conversation.tags", "citation"):
        assert name in text.replace(",", "").split(), text


def test_a_last_message_that_is_too_early(ready, postgres, verbatim, files):
    """By which exports by activity would pass conversations over; and how many are walked for want of its index."""
    database = postgres.create_database("doctor_silence")
    program = Program(verbatim, database.url)
    program.migrate()
    program.demo_data(conversations=60)

    def told():
        report = doctor(program, **files)
        late = [line.text for line in report.of("source rows") if "last_message_at" in line.text]
        return late, {line.text.partition(":")[0]: line for line in report.of("source plan")}

    late, found = told()
    assert late == [] and "one channel by activity" not in found, "the column is not there"
    database.execute("ALTER TABLE chat.conversation ADD COLUMN last_message_at timestamptz;"
                     "UPDATE chat.conversation c SET last_message_at = (SELECT max(m.created_at) FROM chat.message m"
                     " WHERE m.conversation_id = c.id)")
    late, found = told()
    assert late == [] and found["one channel by activity"].finding == "ok"
    # Three that were never written, and two that were written too early.
    database.execute("UPDATE chat.conversation SET last_message_at = NULL WHERE id IN (SELECT id FROM chat.conversation"
                     " ORDER BY id LIMIT 3); UPDATE chat.conversation SET last_message_at = created_at"
                     " - interval '1 day' WHERE id IN (SELECT id FROM chat.conversation ORDER BY id DESC LIMIT 2)")
    [text] = told()[0]
    assert re.match(r"5 of \d+ conversations have a message later than their last_message_at", text), text
    # A channel of many silent ones.
    database.execute("INSERT INTO chat.conversation (id, workspace_id, channel_id, created_at, last_message_at)"
                     " SELECT gen_random_uuid(), workspace_id, channel_id, '2020-01-01'::timestamptz + n * interval"
                     " '1 second', '2020-01-03' FROM (SELECT * FROM chat.conversation LIMIT 1) c,"
                     " generate_series(1, 120000) n; ANALYZE chat.conversation")
    line = told()[1]["one channel by activity"]
    assert line.finding == "warning" and "last_message_at)" in line.remedy, line
    database.execute("CREATE INDEX ON chat.conversation (channel_id, created_at, id, last_message_at)")
    database.execute("VACUUM ANALYZE chat.conversation")
    assert told()[1]["one channel by activity"].finding == "ok"


def test_rows_that_a_policy_hides(ready, postgres, verbatim, files, tmp_path):
    """On the table itself, and behind a view by the rights of the view's owner, or of its caller."""
    database = postgres.create_database("doctor_policies")
    program = Program(verbatim, database.url)
    program.migrate()
    program.demo_data(conversations=20)
    database.execute("CREATE ROLE doctor_reader LOGIN; CREATE ROLE doctor_viewer;"
                     "GRANT USAGE ON SCHEMA chat TO doctor_reader, doctor_viewer;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO doctor_reader, doctor_viewer")
    source_url = database.url.replace("postgres@", "doctor_reader@")

    def hidden(**options):
        report = doctor(program, **files, **{"source_url": source_url} | options)
        return sorted(re.search(r"rows of (\w+) .* security of (\S+) applies to the role (\w+)", line.text).groups()
                      for line in report.of("source") if line.finding == "warning" and "hidden" in line.text)

    try:
        assert hidden() == []
        database.execute("ALTER TABLE chat.message ENABLE ROW LEVEL SECURITY")
        assert hidden() == [("message", "chat.message", "doctor_reader")]
        assert hidden(source_url=database.url) == [], "a superuser sees all"
        database.execute("CREATE SCHEMA views; GRANT USAGE ON SCHEMA views TO doctor_reader, doctor_viewer")
        for name in ("channel", "contact", "assistant", "conversation", "message"):
            database.execute(f"CREATE VIEW views.{name} AS SELECT * FROM chat.{name};"
                             f"GRANT SELECT ON views.{name} TO doctor_reader")
        assert hidden(source_schema="views") == [], "the view's owner sees all"
        database.execute("ALTER VIEW views.message SET (security_invoker = on)")
        assert hidden(source_schema="views") == [("message", "chat.message", "doctor_reader")]
        database.execute("ALTER VIEW views.message RESET (security_invoker);"
                         "ALTER VIEW views.message OWNER TO doctor_viewer")
        assert hidden(source_schema="views") == [("message", "chat.message", "doctor_viewer")]
    finally:
        database.execute("DROP SCHEMA IF EXISTS views CASCADE; DROP OWNED BY doctor_reader, doctor_viewer;"
                         "DROP ROLE doctor_reader, doctor_viewer")


def test_required_columns_that_are_missing_or_wrong(ready, database, files):
    database.execute("CREATE SCHEMA broken; CREATE VIEW broken.channel AS TABLE chat.channel;"
                     "CREATE VIEW broken.message AS SELECT id, conversation_id, created_at::text AS created_at, text "
                     "FROM chat.message; CREATE VIEW broken.conversation AS TABLE chat.conversation")
    report = doctor(ready, **files, source_schema="broken")
    line = report.only("source", "failed")
    for name in ("message.created_at is text", "message.direction", "message.speaker_type"):
        assert name in line.text
    assert "docs/connect.md" in line.remedy


def test_the_source_is_only_read(ready, database, files):
    """A login that may do nothing but read is enough, and a read-only session too."""
    database.execute("CREATE ROLE doctor_reader LOGIN; GRANT USAGE ON SCHEMA chat TO doctor_reader;"
                     "GRANT SELECT ON ALL TABLES IN SCHEMA chat TO doctor_reader;"
                     "ALTER ROLE doctor_reader SET default_transaction_read_only = on")
    try:
        report = doctor(ready, **files, source_url=database.url.replace("postgres@", "doctor_reader@"))
        assert report.findings("source") == {"ok"}, report.output
    finally:
        database.execute("DROP OWNED BY doctor_reader; DROP ROLE doctor_reader")


# Storage

def test_a_wrong_secret(ready, object_store):
    bucket = object_store.make_bucket("doctor-secret")
    env = object_store.credentials() | {"AWS_SECRET_ACCESS_KEY": SECRET}
    report = doctor(ready, env=env, **object_store.options(bucket))
    assert "AWS_SECRET_ACCESS_KEY" in report.only("storage", "failed").remedy
    assert SECRET not in report.output


def test_a_wrong_bucket(ready, object_store):
    report = doctor(ready, env=object_store.credentials(), **object_store.options("doctor-nowhere"))
    assert "create the bucket" in report.only("storage", "failed").remedy


def test_a_store_that_is_not_there(ready, object_store):
    options = object_store.options("doctor-closed") | {"s3_endpoint": f"http://127.0.0.1:{free_port()}"}
    assert "s3_endpoint" in doctor(ready, env=object_store.credentials(), **options).only("storage", "failed").remedy


def test_credentials_that_are_missing(ready, minio):
    report = doctor(ready, env={"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"},
                    **minio.options("doctor-none"))
    assert "credentials" in report.only("storage", "failed").remedy


def test_a_directory_that_cannot_be(ready, tmp_path):
    file = tmp_path / "file"
    file.write_text("no directory")
    report = doctor(ready, storage=f"file://{file}")
    assert "directory" in report.only("storage", "failed").remedy


# Public link

class Stranger(LoopbackHttp):
    """What stands at a base_url that leads to somebody else."""

    def answer(self, handler):
        body = b"not ours"
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def stranger():
    with Stranger() as server:
        yield server.endpoint


def test_a_link_that_leads_to_others(ready, files, stranger):
    report = doctor(ready, **files, base_url=stranger)
    assert "other bytes" in report.only("public link", "failed").text
    assert report.findings("storage") == {"ok"} and "base_url" in report.only("public link", "failed").remedy


def test_a_service_of_another_installation(ready, files, make_service):
    """It answers, but has another directory."""
    line = doctor(ready, **files, base_url=make_service().url).only("public link", "failed")
    assert "HTTP 404" in line.text


def test_a_service_that_does_not_run_yet(ready, files):
    line = doctor(ready, **files, base_url=f"http://127.0.0.1:{free_port()}").only("public link", "warning")
    assert "start verbatim serve" in line.remedy


def test_links_that_lead_others_to_their_own_machine(ready, make_service):
    """They work from here, which says nothing of anybody else."""
    service = make_service(workers=0)
    url = service.url
    report = doctor(ready, storage=service.options["storage"], base_url=url, listen="0.0.0.0:8080")
    assert "to this machine alone" in report.only("public link", "ok").text
    line = report.only("public link", "warning")
    assert url in line.text and "base_url" in line.remedy and report.status == 0


def test_links_that_lead_nowhere(ready, files):
    failed = [line for line in doctor(ready, **files, listen="[::]:8080").lines
              if (line.subject, line.finding) == ("public link", "failed")]
    assert any("nobody can go" in line.text and "base_url" in line.remedy for line in failed)


def test_a_store_on_loopback(ready, minio):
    bucket = minio.make_bucket("doctor-loopback")
    report = doctor(ready, env=minio.credentials(), **minio.options(bucket), listen="0.0.0.0:8080",
                    base_url="https://exports.example")
    assert "s3_public_endpoint" in report.only("public link", "warning").remedy


def test_a_name_that_nobody_knows(ready, files):
    assert "base_url" in doctor(ready, **files, base_url="http://name.invalid").only("public link", "failed").remedy


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{port}", "http://name.invalid:9000"])
def test_a_public_endpoint_that_cannot_be_reached(ready, minio, endpoint):
    bucket = minio.make_bucket(f"doctor-public-{len(endpoint)}")
    report = doctor(ready, env=minio.credentials(), **minio.options(bucket),
                    s3_public_endpoint=endpoint.format(port=free_port()))
    assert "s3_public_endpoint" in report.only("public link", "failed").remedy
    assert report.findings("storage") == {"ok"}


def test_a_public_endpoint_that_the_store_does_not_know(ready, minio, stranger):
    bucket = minio.make_bucket("doctor-stranger")
    report = doctor(ready, env=minio.credentials(), **minio.options(bucket), s3_public_endpoint=stranger)
    assert "other bytes" in report.only("public link", "failed").text


# Mail

SENDER = {"mail_from": "export@acme.example"}

def test_a_login_that_is_refused(ready, files):
    with MailSink(tls="starttls", user="bob", password="right") as sink:
        report = doctor(ready, env={"SSL_CERT_FILE": str(sink.certificate)}, **files, **SENDER, smtp_user="bob",
                        smtp_url=sink.url, smtp_password=SECRET)
    line = report.only("mail", "failed")
    assert "smtp_password" in line.remedy and SECRET not in report.output


def test_what_is_wrong_with_a_certificate(ready, files):
    """Each fault in words, with its option; a password is told to nobody whose certificate is in doubt."""
    with MailSink(tls="smtps", user="bob", password=SECRET) as sink:
        login = SENDER | {"smtp_user": "bob", "smtp_password": SECRET}
        line = doctor(ready, **files, **login, smtp_url=sink.url).only("mail", "failed")
        assert "self-signed" in line.text and "its name" not in line.text
        assert "smtp_ca_file" in line.remedy and "smtp_tls" not in line.remedy
        sink.stop()
        sink.host = "127.0.0.2"
        sink.start()
        wrong = sink.url.replace("127.0.0.1", "127.0.0.2")
        line = doctor(ready, **files, **login, smtp_url=wrong, smtp_ca_file=sink.certificate).only("mail", "failed")
        assert "its name is localhost, 127.0.0.1, not 127.0.0.2" in line.text and "self-signed" not in line.text
        assert "smtp_url" in line.remedy and sink.logins == []
    with MailSink(tls="starttls") as sink:
        line = doctor(ready, **files, **SENDER, smtp_url=sink.url, smtp_tls="require").only("mail", "failed")
        assert "self-signed" in line.text and "smtp_tls = try" in line.remedy
        assert "encrypted" in doctor(ready, **files, **SENDER, smtp_url=sink.url).only("mail", "ok").text


@pytest.mark.parametrize("words", ["504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname",
                                   "554 5.7.1 <x>: Relay access denied", "554 5.7.1 <x>: Sender address rejected"])
def test_what_a_server_says_at_the_recipient_is_about_sender_greeting_or_login(ready, files, words):
    """As Postfix does, with smtpd_delay_reject."""
    with MailSink() as sink:
        sink.reject_recipients = words
        line = doctor(ready, **files, **SENDER, smtp_url=sink.url).only("mail", "failed")
    assert words in line.text and "greeted as acme.example" in line.text and sink.mails == []
    assert all(option in line.remedy for option in ("mail_from", "smtp_helo", "smtp_user"))


def test_a_sender_that_is_refused(ready, files):
    with MailSink() as sink:
        sink.reject_senders = "550 5.7.1 not yours"
        line = doctor(ready, **files, **SENDER, smtp_url=sink.url).only("mail", "failed")
    assert "550 5.7.1 not yours" in line.text and "mail_from" in line.remedy


def test_a_sender_without_a_mailbox_is_a_warning(ready, files):
    with MailSink() as sink:
        sink.reject_recipients = "550 5.1.1 no such user"
        line = doctor(ready, **files, **SENDER, smtp_url=sink.url).only("mail", "warning")
    assert "550 5.1.1 no such user" in line.text and "mail_from" in line.remedy


def test_a_login_that_is_not_asked_for(ready, files):
    """The password crosses nothing then: mails go without it."""
    with MailSink() as sink:
        report = doctor(ready, **files, **SENDER, smtp_url=sink.url, smtp_user="bob", smtp_password=SECRET)
    line = report.only("mail", "warning")
    assert "offers no login" in line.text and "smtp_user" in line.remedy and "clear" not in report.output


def test_a_mail_that_was_asked_for(ready, files):
    with MailSink() as sink:
        options = files | SENDER | {"smtp_url": sink.url}
        report = doctor(ready, "--mail-to", "ann@example.com", **options)
        assert report.findings("mail") == {"ok"} and "ann@example.com" in report.output
        [mail] = sink.mails
        assert mail.recipients == ("ann@example.com",) and mail.sender == "export@acme.example"
        assert not mail.message.defects and "doctor --mail-to" in mail.raw.decode()
        sink.reject_recipients = "550 5.1.1 no such user"
        line = doctor(ready, "--mail-to", "ann@example.com", **options).only("mail", "failed")
        assert "550 5.1.1 no such user" in line.text
    assert "smtp_url" in doctor(ready, "--mail-to", "ann@example.com", **files).only("mail", "failed").remedy
    done = ready.run("doctor", "--mail-to", "ann", check=False)
    assert done.returncode == 2 and "--mail-to" in done.stderr


def test_encryption_that_is_demanded_but_not_offered(ready, files):
    with MailSink() as sink:
        assert doctor(ready, **files, **SENDER, smtp_url=sink.url, smtp_require_tls="on").findings("mail") == {"failed"}


def test_a_password_in_the_clear(ready, files):
    with MailSink(user="bob", password=SECRET) as sink:
        report = doctor(ready, **files, **SENDER, smtp_url=sink.url, smtp_user="bob", smtp_password=SECRET)
    line = report.only("mail", "warning")
    assert "in the clear" in line.text and "smtp_tls" in line.remedy


def test_no_mail_server(ready, files):
    report = doctor(ready, **files, **SENDER, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    assert "smtp_url" in report.only("mail", "failed").remedy and report.status == 1


def test_standard_output_that_is_closed(ready, files):
    if not pathlib.Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    import subprocess
    from tests.lib.service import clean_environment
    with open("/dev/full", "w") as full:
        done = subprocess.run([ready.path, "doctor"], env=clean_environment(ready.options | files), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=LIMIT)
    assert done.returncode == 1 and "standard output" in done.stderr
    assert not os.path.exists(files["storage"].removeprefix("file://") + "/conversation_exports/doctor/doctor.txt")
