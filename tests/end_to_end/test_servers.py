"""The servers that the other tests stand on do what those tests rely on."""

import contextlib
import smtplib
import ssl
import urllib.error
import urllib.request

import botocore.exceptions
import psycopg
import pytest

from tests.lib.mail_sink import MailSink

MAIL = "From: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\n\r\nline\r\n"


@pytest.fixture(scope="module")
def bucket(object_store):
    return object_store.make_bucket("servers")


def test_object_store_keeps_what_is_put(object_store, bucket):
    client = object_store.client()
    client.put_object(Bucket=bucket, Key="a/b c.txt", Body=b"some bytes")
    assert client.get_object(Bucket=bucket, Key="a/b c.txt")["Body"].read() == b"some bytes"


def test_object_store_joins_parts(object_store, bucket):
    client = object_store.client()
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = []
    for number, body in ((1, b"x" * 5242880), (2, b"end")):
        answer = client.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    assert client.get_object(Bucket=bucket, Key="parts")["Body"].read() == b"x" * 5242880 + b"end"


def test_object_store_refuses_a_wrong_secret(object_store, bucket):
    stranger = object_store.client(secret_key="not-the-secret")
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        stranger.put_object(Bucket=bucket, Key="never", Body=b"")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_object_store_refuses_a_changed_link(object_store, bucket):
    object_store.client().put_object(Bucket=bucket, Key="linked", Body=b"linked bytes")
    link = object_store.client().generate_presigned_url("get_object", {"Bucket": bucket, "Key": "linked"})
    assert urllib.request.urlopen(link).read() == b"linked bytes"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(link.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))
    assert refusal.value.code == 403


def test_object_store_keeps_data_over_a_restart(object_store, bucket):
    client = object_store.client()
    client.put_object(Bucket=bucket, Key="kept", Body=b"kept bytes")
    object_store.stop()
    object_store.start()
    assert client.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept bytes"


def test_postgres_survives_a_crash(postgres, database):
    database.execute("CREATE TABLE survivor (n integer); INSERT INTO survivor VALUES (7)")
    postgres.crash()
    with pytest.raises(psycopg.OperationalError):
        database.execute("SELECT 1")
    postgres.start()
    assert database.value("SELECT n FROM survivor") == 7


def test_pgbouncer_pools_by_transaction(pgbouncer, database):
    pooled = pgbouncer.database(database.name)
    with contextlib.closing(pooled.connect()) as one, contextlib.closing(pooled.connect()) as two:
        first = one.execute("SELECT pg_backend_pid()").fetchone()
        assert two.execute("SELECT pg_backend_pid()").fetchone() == first


def send(sink, client=None):
    with client or smtplib.SMTP("127.0.0.1", sink.port) as connection:
        return connection.sendmail("a@example.com", ["b@example.com"], MAIL)


def test_mail_arrives(smtp):
    send(smtp)
    (mail,) = smtp.wait_for(1)
    assert (mail.sender, mail.recipients, mail.encrypted) == ("a@example.com", ("b@example.com",), False)
    assert mail.message["Subject"] == "hello"


def test_mail_is_refused_on_demand(smtp):
    smtp.reject_recipients = "550 no such user"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp)
    smtp.reject_recipients, smtp.reject_data = None, "451 later"
    with pytest.raises(smtplib.SMTPDataError):
        send(smtp)
    assert smtp.mails == []


def test_mail_connection_drops_after_data(smtp):
    smtp.drop_after_data = 1
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp)
    assert (len(smtp.dropped), len(smtp.mails)) == (1, 0)
    send(smtp)
    assert len(smtp.mails) == 1


def test_mail_server_goes_away_and_returns(smtp):
    smtp.stop()
    with pytest.raises(ConnectionRefusedError):
        send(smtp)
    smtp.start()
    send(smtp)
    assert len(smtp.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see that smtps is encrypted
@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_mail_encrypted_with_login(tls):
    with MailSink(tls=tls, user="verbatim", password="secret") as sink:
        context = ssl.create_default_context(cafile=sink.certificate)
        if tls == "smtps":
            client = smtplib.SMTP_SSL("127.0.0.1", sink.port, context=context)
        else:
            client = smtplib.SMTP("127.0.0.1", sink.port)
            client.starttls(context=context)
        client.login("verbatim", "secret")
        send(sink, client)
        assert sink.mails[0].encrypted and sink.logins[-1][1]
