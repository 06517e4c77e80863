"""Answers whose length is not told, by hand: heads, chunks, the end of a connection."""


class Truncated(Exception):
    """The answer broke off; `body` is what had come."""

    def __init__(self, body):
        super().__init__(f"{len(body)} bytes")
        self.body = body


def head(connection):
    """Status and headers of the next answer; its body is still to come."""
    while b"\r\n\r\n" not in connection.held:
        assert connection._more(), connection.held
    text, connection.held = connection.held.split(b"\r\n\r\n", 1)
    first, *lines = text.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, value in (x.split(":", 1) for x in lines)}


def _more(connection, body):
    try:
        more = connection._more()
    except ConnectionResetError:
        more = False
    if not more:
        raise Truncated(bytes(body))


def chunked_body(connection):
    """The whole body, chunk by chunk as its framing has it."""
    body = bytearray()
    while True:
        while b"\r\n" not in connection.held:
            _more(connection, body)
        size, connection.held = connection.held.split(b"\r\n", 1)
        length = int(size, 16)
        while len(connection.held) < length + 2:
            _more(connection, body)
        assert connection.held[length:length + 2] == b"\r\n"
        body += connection.held[:length]
        connection.held = connection.held[length + 2:]
        if length == 0:
            return bytes(body)


def body_to_the_end(connection):
    """Of HTTP/1.0. A reset means that it was cut."""
    while True:
        try:
            if not connection._more():
                body, connection.held = connection.held, b""
                return body
        except ConnectionResetError:
            raise Truncated(connection.held) from None


def get(path, key, version="1.1", method="GET"):
    host = "Host: x\r\n" if version == "1.1" else ""
    return f"{method} {path} HTTP/{version}\r\n{host}Authorization: Bearer {key}\r\n\r\n".encode()
