"""An HTTP proxy before a server: it passes requests on as they are, and loses the answers that it is told to lose."""

import http.client
import threading

from .loopback_http import LoopbackHttp, read_body, reset

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class FaultProxy(LoopbackHttp):
    """`lose(method, target)` decides for each request, after the server has worked it off; `lost` counts."""

    def __init__(self, endpoint, lose):
        super().__init__()
        self.lost = 0
        self._target = endpoint.split("//")[1]
        self._lose, self._lock = lose, threading.Lock()

    def _ask(self, handler):
        """The host is part of the signature, so it goes on unchanged."""
        body = read_body(handler)
        connection = http.client.HTTPConnection(self._target, timeout=60)
        connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def answer(self, handler):
        answer, data = self._ask(handler)
        with self._lock:
            loses = self._lose(handler.command, handler.path)
            self.lost += loses
        if loses:
            reset(handler)
            return
        handler.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                handler.send_header(name, value)
        size = answer.getheader("Content-Length") if handler.command == "HEAD" else len(data)
        handler.send_header("Content-Length", str(size or 0))
        handler.end_headers()
        handler.wfile.write(data)
