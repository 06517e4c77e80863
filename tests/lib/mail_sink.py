"""A real SMTP server (aiosmtpd) that keeps what it gets and misbehaves on demand. Runs on a thread of its own."""

import asyncio
import email
import email.policy
import pathlib
import ssl
import subprocess
import threading
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from .process import free_port, scratch_folder, wait_until


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: tuple
    raw: bytes
    encrypted: bool
    greeting: str

    @property
    def message(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)


class _Handler:
    def __init__(self, sink):
        self.sink = sink

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.sink.reject_senders:
            return self.sink.reject_senders
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await self.sink.keep_waiting("RCPT", address)
        if self.sink.reject_recipients:
            return self.sink.reject_recipients
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        sink = self.sink
        await sink.keep_waiting("DATA", envelope.rcpt_tos[0])
        if sink.reject_data:
            return sink.reject_data
        mail = Mail(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content,
                    server.transport.get_extra_info("sslcontext") is not None, session.host_name)
        if sink.drop_after_data > 0:
            sink.drop_after_data -= 1
            sink.dropped.append(mail)
            server.transport.abort()
            return "421 gone"
        sink.mails.append(mail)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        await self.sink.keep_waiting("QUIT", "")
        return "221 bye"


class _Server(SMTP):
    """Greets when it likes."""

    async def _handle_client(self):
        await self.event_handler.sink.keep_waiting("greeting", "")
        await super()._handle_client()


class _Controller(Controller):
    def factory(self):
        return _Server(self.handler, **self.SMTP_kwargs)


def make_certificate(folder):
    """A self-signed certificate for localhost and 127.0.0.1; returns (certificate, key)."""
    certificate, key = pathlib.Path(folder, "certificate.pem"), pathlib.Path(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


class MailSink:
    """Switches, to be set at any time:

    reject_recipients, reject_data   an answer such as "550 no such user" or "451 later", else None
    reject_senders                   the same to MAIL FROM
    delays                           {"RCPT": 3}: seconds that an answer takes; also of greeting, DATA (its dot), QUIT
    held                             a set of recipients whose RCPT, or of ("DATA", recipient) whose dot, is answered
                                     when they are taken out of it; `waiting` lists who waits so
    drop_after_data                  how many more mails to take and then cut the connection without an answer
    host                             where the next start() listens
    stop() and start()               refuse connections for a while, on the same port

    tls: None, "starttls" or "smtps"; `certificate` is then the file a client has to trust.
    With user and password, mail is taken after a login only.
    """

    def __init__(self, tls=None, user=None, password=None):
        self.tls = tls
        self.user = user
        self.password = password
        self.mails = []
        self.dropped = []
        self.logins = []
        self.reject_recipients = None
        self.reject_data = None
        self.reject_senders = None
        self.delays = {}
        self.held = set()
        self.waiting = []
        self._waits = threading.Lock()
        self.drop_after_data = 0
        self.host = "127.0.0.1"
        self.certificate = None
        self._context = None
        self._controller = None

    def __enter__(self):
        self._scratch = scratch_folder()
        folder = self._scratch.__enter__()
        if self.tls:
            self.certificate, key = make_certificate(folder)
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(self.certificate, key)
        self.port = free_port()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self._scratch.__exit__(None, None, None)

    def start(self):
        options = {}
        if self.tls == "starttls":
            options["tls_context"] = self._context
        elif self.tls == "smtps":
            options["ssl_context"] = self._context
        if self.user:
            options |= {"authenticator": self._authenticate, "auth_required": True,
                        "auth_require_tls": self.tls == "starttls"}
        self._controller = _Controller(_Handler(self), hostname=self.host, port=self.port, **options)
        self._controller.start()

    def stop(self):
        if self._controller:
            self._controller.stop()
            self._controller = None

    async def keep_waiting(self, verb, recipient):
        await asyncio.sleep(self.delays.get(verb, 0))
        holds = {(verb, recipient)} | ({recipient} if verb == "RCPT" else set())
        if not holds & self.held:
            return
        with self._waits:
            self.waiting.append(recipient)
        try:
            while holds & self.held:
                await asyncio.sleep(0.05)
        finally:
            with self._waits:
                self.waiting.remove(recipient)

    def _authenticate(self, server, session, envelope, mechanism, data):
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(), self.password.encode())
        self.logins.append((mechanism, known))
        return AuthResult(success=known, handled=False)

    @property
    def url(self):
        return f"{'smtps' if self.tls == 'smtps' else 'smtp'}://127.0.0.1:{self.port}"

    def wait_for(self, count, seconds=30):
        """Waits until so many mails have been accepted and returns them all."""
        wait_until(lambda: len(self.mails) >= count, f"{count} mails, {len(self.mails)} came", seconds)
        return list(self.mails)

    def clear(self):
        self.mails.clear()
        self.dropped.clear()
