"""TLS of the listener: requests, downloads and ends by it, who is let in, and files that are read again."""

import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from tests.lib import direct_source
from tests.lib.doctor import doctor
from tests.lib.http_raw import RawConnection
from tests.lib.patience import LIMIT
from tests.lib.process import free_port, wait_until
from tests.lib.service import Program
from tests.lib.tls import Authority, TlsService, openssl

pytestmark = pytest.mark.threads

KEY = "conversation_exports/one/6a0e9f2c-0000-4000-8000-000000000001-7/archive.zip"
BODY = os.urandom(1 << 20) * 24
EXPORTS = "/api/v1/workspace/one/exports"
ALL = {"select": {"all": True}}


@pytest.fixture(scope="module")
def keys(program, database):
    direct_source.make_source(database)
    return direct_source.make_keys(program)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def start(keys, program, folder, authority):
    """Starts one more service with TLS; all end with the module."""
    (folder / "storage").mkdir()
    with contextlib.ExitStack() as stack:
        def start(context=None, certificate="server", run=program, **options):
            files = authority.certificate(certificate)
            service = TlsService(run, folder, context or authority.context(), workers=0,
                                 storage=f"file://{folder}/storage", tls_cert_file=files[0], tls_key_file=files[1],
                                 **options)
            return stack.enter_context(service)
        yield start


@pytest.fixture(scope="module")
def service(start):
    return start()


@pytest.fixture(scope="module")
def link(service, keys, database, folder):
    target = folder / "storage" / KEY
    target.parent.mkdir(parents=True)
    target.write_bytes(BODY)
    job = service.request("POST", EXPORTS, keys["one"], json_body=ALL).json()["export_id"]
    database.execute("UPDATE verbatim.job SET status = 'finished', finished_at = now(), object_key = %s,"
                     " link_expires_at = now() + interval '1 hour' WHERE job_id = %s", [KEY, job])
    return service.get(f"{EXPORTS}/{job}", keys["one"]).json()["download_url"]


def raw(service, **settings):
    return RawConnection(service.port, tls=service.context, **settings)


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


def metric(service, keys, name):
    return int(service.figures(keys["metrics"])[f"verbatim_{name}"])


# --- requests ---

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_by_the_versions_of_today(version, service, authority):
    with RawConnection(service.port, tls=authority.context(version=version)) as connection:
        assert connection.socket.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]
        for _ in range(3):
            assert connection.send(get("/healthz")).answer().json() == {"status": "ok"}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_are_refused(service):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="(?i)version|unsupported|alert"):
        RawConnection(service.port, tls=context)


def test_http_1_is_chosen_of_what_a_client_offers(service, authority):
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["h2"], None)):
        context = authority.context()
        context.set_alpn_protocols(offered)
        with RawConnection(service.port, tls=context) as connection:
            assert connection.socket.selected_alpn_protocol() == chosen
            assert connection.send(get("/healthz")).answer().status == 200


def test_a_pipeline_is_answered_in_order(service):
    with raw(service) as connection:
        connection.send(b"".join(get("/healthz" if i % 3 else f"/nothing{i}") for i in range(60)))
        assert [connection.answer().status for _ in range(60)] == [200 if i % 3 else 404 for i in range(60)]


def test_a_body_in_pieces(service, keys):
    with raw(service) as connection:
        connection.send(b"POST /api/v1/workspace/one/exports/preview HTTP/1.1\r\nHost: a\r\nX-API-Key: " +
                        keys["one"].encode() + b"\r\nContent-Type: application/json\r\n"
                        b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.answer().status == 100
        for piece in (b'{"select": ', b'{"all": tr', b"ue}}"):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        assert connection.send(b"0\r\n\r\n").answer().status == 200


def test_links_are_https(service, link):
    assert link.startswith(f"https://127.0.0.1:{service.port}/files/")
    assert service.get("/openapi.json").json()["servers"] == [{"url": service.url}]


def test_curl_verifies_and_downloads(service, link, authority, folder):
    done = subprocess.run(["curl", "-sS", "--fail", "--cacert", authority.file, "-o", folder / "got", link],
                          capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert (folder / "got").read_bytes() == BODY


def test_the_health_check_and_config_check_speak_it(service, program, files, folder):
    files_of = {name: service.options[name] for name in ("tls_cert_file", "tls_key_file")}
    options = {"listen": f"127.0.0.1:{service.port}", "storage": f"file://{folder}/storage"} | files_of
    assert program.run("healthcheck", options=options).stdout == "ok\n"
    assert program.run("config", "check", options=options).stdout == "ok\n"
    done = program.run("config", "check", options=options | {"tls_key_file": files["other"]}, check=False)
    assert done.returncode != 0 and "is not the key of the certificate" in done.stdout


# --- downloads ---

def test_a_file_and_pieces_of_it(service, link):
    path = link.removeprefix(service.url)
    with raw(service) as connection:
        assert connection.send(get(path)).answer().body == BODY
        for first, last in ((0, 0), (16383, 16385), (5_000_000, 5_999_999), (len(BODY) - 3, len(BODY) - 1)):
            answer = connection.send(get(path, f"Range: bytes={first}-{last}\r\n")).answer()
            assert (answer.status, answer.body) == (206, BODY[first:last + 1])
        assert connection.send(get("/healthz")).answer().status == 200


def test_a_slow_reader_gets_all_of_it(service, link):
    with raw(service, window=4096) as connection:
        connection.send(get(link.removeprefix(service.url), "Range: bytes=0-2999999\r\n"))
        assert service.get("/healthz").status == 200  # nobody waits for it
        assert connection.answer().body == BODY[:3_000_000]


def test_the_end_of_an_answer_is_told(service):
    """Without it a client could not tell a whole answer from a cut one."""
    with raw(service) as connection:
        connection.send(get("/healthz", "Connection: close\r\n"))
        assert connection.answer().status == 200
        assert connection.socket.recv(1) == b""  # else ssl.SSLEOFError


def test_a_stream_without_a_length_ends_whole(service, keys, database):
    """HTTP/1.0: its end is that of the connection, which the service may reset to cut it."""
    with raw(service) as connection:
        connection.send(f"GET /v1/conversations/convo123/export HTTP/1.0\r\nX-API-Key: {keys['one']}\r\n\r\n".encode())
        answer = b""
        while piece := connection.socket.recv(65536):  # else ssl.SSLEOFError
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.rstrip().endswith(b"]")


# --- who is no client of TLS, or goes away ---

def test_plain_http_is_told_so(service):
    with RawConnection(service.port) as connection:
        answer = connection.send(get("/healthz")).answer()
        assert (answer.status, answer.json()) == (400, {"detail": "This port speaks TLS: use https."})
        assert answer.headers["connection"] == "close" and connection.answer() is None


@pytest.mark.parametrize("bytes_sent", [
    b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 300, b"\x16", b"\x80\x2e\x01\x03\x01"])
def test_what_is_neither_is_let_go(bytes_sent, service):
    with RawConnection(service.port) as connection:
        connection.send(bytes_sent)
        connection.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while connection.socket.recv(4096):
                pass
    assert service.get("/healthz").status == 200


def test_abrupt_ends_leave_nothing(service, keys, link):
    before = metric(service, keys, "http_connections")
    for turn in range(12):
        with contextlib.suppress(OSError):
            connection = RawConnection(service.port) if turn % 4 == 0 else raw(service)
            if turn % 4 == 0:
                connection.send(b"\x16\x03\x01\x02\x00\x01")
            elif turn % 4 == 1:
                connection.send(b"GET /healthz HT")
            elif turn % 4 == 2:
                connection.send(get(link.removeprefix(service.url))).socket.recv(10)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(connection.socket.detach())
    wait_until(lambda: metric(service, keys, "http_connections") <= before, "all of them to go")


def test_renegotiation_is_refused(service):
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{service.port}"], input="R\n",
                          capture_output=True, text=True, timeout=LIMIT)
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert re.search("no renegotiation|handshake failure|unexpected message", done.stderr), done.stderr


def test_those_who_never_shake_hands_keep_nobody_out(start, keys, program, folder):
    """With 512 descriptors there are 64 connections for one address; silent ones make room for each other."""
    few = folder / "few"
    few.write_text(f'#!/bin/sh\nulimit -n 512\nexec {program.path} "$@"\n')
    few.chmod(0o755)
    service = start(certificate="few", run=Program(few, None, program.options, program.env))
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(RawConnection(service.port))
        assert service.get("/healthz").status == 200
        assert metric(service, keys, "tls_handshakes_failed_total") > 50


# --- certificates of clients ---

@pytest.fixture(scope="module")
def strict(start, authority, folder):
    """Only who shows a certificate of this authority is let in."""
    known = authority.certificate("client")
    return start(authority.context(known), certificate="strict", tls_client_ca_file=authority.file)


def test_a_client_with_a_certificate_is_let_in(strict):
    with raw(strict) as connection:
        for _ in range(2):
            assert connection.send(get("/healthz")).answer().status == 200


def test_others_are_refused_and_told(strict, authority, folder):
    stranger = Authority(folder, "stranger").certificate("somebody")
    for context, reason in ((authority.context(), "certificate.required"), (authority.context(stranger), "unknown.ca")):
        with pytest.raises(ssl.SSLError, match=f"(?i){reason}"):
            with RawConnection(strict.port, tls=context) as connection:
                connection.send(get("/healthz")).answer()


def test_curl_shows_a_certificate(strict, authority, folder):
    base = ["curl", "-sS", "--cacert", authority.file, f"{strict.url}/healthz"]
    shown = ["--cert", folder / "client.pem", "--key", folder / "client.key"]
    assert subprocess.run(base, capture_output=True, timeout=LIMIT).returncode == 56
    assert subprocess.run(base + shown, capture_output=True, timeout=LIMIT).stdout == b'{"status":"ok"}'


# --- files that change ---

def serial(service):
    with raw(service) as connection:
        return connection.socket.getpeercert()["serialNumber"]


def hang_up(service):
    told = service.log().count("SIGHUP: ")
    service.process.signal(signal.SIGHUP)
    wait_until(lambda: service.log().count("SIGHUP: ") > told, "a line about the signal")
    return service.log().rpartition("SIGHUP: ")[2].splitlines()[0]


def test_a_new_certificate_is_taken_while_connections_live(start, authority):
    service = start(certificate="renewed")
    before = serial(service)
    with raw(service) as old:
        assert old.send(get("/healthz")).answer().status == 200
        authority.certificate("renewed")
        assert serial(service) == before
        assert hang_up(service) == "reloaded: certificates"
        assert serial(service) != before
        assert old.send(get("/healthz")).answer().status == 200
    assert hang_up(service) == "nothing to reload has changed"


def test_files_that_do_not_fit_change_nothing(start, authority, folder):
    service = start(certificate="kept")
    before = serial(service)
    (folder / "kept.key").write_bytes(authority.certificate("another")[1].read_bytes())
    service.process.signal(signal.SIGHUP)
    wait_until(lambda: "SIGHUP: certificates stay as they are: option tls_key_file: " in service.log(), "the line")
    assert serial(service) == before


# --- mistakes ---

@pytest.fixture(scope="module")
def files(authority, folder):
    """Names of files: good ones, and each kind of bad one."""
    certificate, key = authority.certificate("good")
    other = authority.certificate("other")[1]
    (folder / "text.pem").write_text("no certificate\n")
    openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", "locked.key", folder=folder)
    return {"cert": certificate, "key": key, "other": other, "text": folder / "text.pem",
            "locked": folder / "locked.key", "missing": folder / "missing.pem"}


@pytest.mark.parametrize("cert, key, authorities, said", [
    ("missing", "key", None, "option tls_cert_file: cannot read .*missing.pem"),
    ("text", "key", None, "option tls_cert_file: .*text.pem must hold a certificate in PEM"),
    ("cert", "missing", None, "option tls_key_file: cannot read .*missing.pem"),
    ("cert", "other", None, "option tls_key_file: .*other.key is not the key of the certificate in tls_cert_file"),
    ("cert", "text", None, "option tls_key_file: .*text.pem must hold a private key in PEM without a password"),
    ("cert", "locked", None, "option tls_key_file: .*locked.key must hold a private key in PEM without a password"),
    ("cert", "key", "text", "option tls_client_ca_file: .*text.pem must hold certificates of authorities in PEM"),
    ("cert", None, None, "options tls_cert_file and tls_key_file: must be given both or neither"),
    (None, None, "cert", "option tls_client_ca_file is given without tls_cert_file"),
])
def test_mistakes_are_named(cert, key, authorities, said, keys, program, files, folder):
    options = {"tls_cert_file": files.get(cert), "tls_key_file": files.get(key),
               "tls_client_ca_file": files.get(authorities)}
    done = program.run("serve", check=False, options=options | {
        "listen": f"127.0.0.1:{free_port()}", "storage": f"file://{folder}/storage", "workers": 0})
    assert done.returncode == 2 and re.search(said, done.stderr), done.stderr


def test_the_doctor_looks_at_the_certificate(program, authority, files):
    def tls(cert, key):
        return doctor(program, tls_cert_file=cert, tls_key_file=key).of("tls")[0]
    assert tls(files["cert"], files["key"]).finding == "ok"
    soon = tls(*authority.certificate("soon", days=9))
    assert soon.finding == "warning" and re.search("in [89] days", soon.text) and "SIGHUP" in soon.remedy
    ended = tls(*authority.certificate("ended", days=-1))
    assert ended.finding == "failed" and "ended on " in ended.text
    assert tls(files["cert"], files["other"]).finding == "failed"
