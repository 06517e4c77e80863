"""An HTTP proxy before a server: it passes requests on as they are, loses what it is told to lose, and may put other
words into an answer."""

import contextlib
import http.client
import re
import threading
from urllib.parse import parse_qs, unquote, urlsplit

from .loopback_http import LoopbackHttp, read_body, reset
from .patience import LIMIT

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def name_of_call(method, target):
    """What an S3 request asks for: put, part 7, create, complete, list uploads, list parts, abort, delete, head..."""
    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    if method == "PUT":
        return f"part {query['partNumber'][0]}" if "partNumber" in query else "put"
    if method == "POST":
        return "create" if "uploads" in query else "complete" if "uploadId" in query else "delete objects"
    if method == "DELETE":
        return "abort" if "uploadId" in query else "delete"
    if method == "GET":
        return "list uploads" if "uploads" in query else "list parts" if "uploadId" in query else "get"
    return method.lower()


def key_of_call(target):
    """The key of an S3 request in path style."""
    return unquote(re.sub(r"^/[^/]*/?", "", urlsplit(target).path))


class FaultProxy(LoopbackHttp):
    """`lose(method, target)` decides for each request, after the server has worked it off; `lost` counts.

    `decide(method, target)` is asked before: None; "drop": the server never sees the request; "lose": it works it off,
    and the answer is lost; "late": nobody answers, and the server gets it only behind the next request or at settle().

    `change(call, status, body)` makes the client's answer of the server's: (status, body). `call` is the name_of_call.
    So a server's quirk is played without that server. `refuse(call, target, body)`: the (status, body) of a server that
    is stricter than the one behind, which does not see the request then; None: it does."""

    def __init__(self, endpoint, lose=lambda method, target: False, decide=lambda method, target: None):
        super().__init__()
        self.lost = 0
        self.decide = decide
        self.change = lambda call, status, body: (status, body)
        self.refuse = lambda call, target, body: None
        self._target = endpoint.split("//")[1]
        self._lose, self._lock = lose, threading.Lock()
        self._late = []

    def _ask(self, method, path, headers, body):
        """The host is part of the signature, so it goes on unchanged."""
        connection = http.client.HTTPConnection(self._target, timeout=LIMIT)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(OSError):  # a server may refuse before it has read everything
            connection.send(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def settle(self):
        """What is late arrives."""
        with self._lock:
            late, self._late = self._late, []
        for request in late:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._ask(*request)

    def answer(self, handler):
        request = (handler.command, handler.path, handler.headers.items(), read_body(handler))
        with self._lock:
            way = self.decide(handler.command, handler.path)
        if way in ("drop", "late"):
            with self._lock:
                self.lost += 1
                self._late += [request] if way == "late" else []
            reset(handler)
            return
        refusal = self.refuse(name_of_call(handler.command, handler.path), handler.path, request[3])
        if refusal:
            self._reply(handler, refusal[0], [("Content-Type", "application/xml")], refusal[1])
            return
        answer, data = self._ask(*request)
        self.settle()
        with self._lock:
            loses = way == "lose" or self._lose(handler.command, handler.path)
            self.lost += loses
        if loses:
            reset(handler)
            return
        status, data = self.change(name_of_call(handler.command, handler.path), answer.status, data)
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        size = answer.getheader("Content-Length") if handler.command == "HEAD" else None
        self._reply(handler, status, headers, data, size)

    @staticmethod
    def _reply(handler, status, headers, data, size=None):
        handler.send_response_only(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(size or len(data)))
        handler.end_headers()
        handler.wfile.write(data)
