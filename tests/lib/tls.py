"""Certificates made by openssl, and a running service that is spoken to by TLS."""

import http.client
import ssl
import subprocess

from .patience import LIMIT
from .service import Service


def openssl(*arguments, folder):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


class Authority:
    """Makes certificates into a folder: `certificate("server", days=30)` -> (NAME.pem, NAME.key)."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30,
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder)

    def certificate(self, name, days=30):
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=self.folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", self.file, "-CAkey", f"{self.name}.key",
                "-CAcreateserial", "-days", days, "-extfile", "names", "-out", f"{name}.pem", folder=self.folder)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def context(self, certificate=None, version=None):
        """For a client that trusts this authority, and shows a certificate of its own if given."""
        context = ssl.create_default_context(cafile=str(self.file))
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # a cut answer must not look whole
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        if version:
            context.minimum_version = context.maximum_version = version
        return context


class TlsService(Service):
    """A service with tls_cert_file; `context` is its client's."""

    def __init__(self, program, folder, context, **options):
        super().__init__(program, folder, **options)
        self.context = context

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def connection(self, seconds=LIMIT):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=seconds, context=self.context)
