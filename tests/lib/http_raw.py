"""HTTP by hand: bytes out, answers in, so that tests can send what no client library would."""

import json
import socket
import time
from dataclasses import dataclass

from .patience import LIMIT


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)


class RawConnection:
    """`with RawConnection(port) as connection:`; send bytes, then read answers one by one.

    `origin`: the loopback address it comes from; `window`: about so many bytes are taken before they are read;
    `tls`: the context of a client, where the port speaks TLS."""

    def __init__(self, port, seconds=LIMIT, origin="127.0.0.1", window=None, tls=None):
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)  # counts from the handshake on only
        self.socket.bind((origin, 0))
        self.socket.connect(("127.0.0.1", port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def _more(self):
        data = self.socket.recv(65536)
        self.held += data
        return bool(data)

    def answer(self, has_body=True):
        """The next answer; None at the end of the connection."""
        while b"\r\n\r\n" not in self.held:
            if not self._more():
                assert self.held == b"", self.held
                return None
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        status = int(first.split(" ")[1])
        length = int(headers.get("content-length", 0)) if has_body and status >= 200 else 0
        while len(self.held) < length:
            assert self._more(), "the answer is cut"
        body, self.held = self.held[:length], self.held[length:]
        return RawAnswer(status, headers, body)

    def answers(self):
        """All answers until the server closes."""
        found = []
        while answer := self.answer():
            found.append(answer)
        return found

    def seconds_to_close(self):
        begin = time.monotonic()
        while self._more():
            pass
        return time.monotonic() - begin
