"""An HTTP server that answers by script: each request takes the next step, and is kept for the test to look at."""

import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Step:
    status: int = 200
    body: bytes = b""
    headers: tuple = ()
    skew: int = 0           # seconds that the server's Date is ahead of the clock
    reset: str = None       # "body": in the middle of the request's body; "answer": instead of the answer
    stall: float = 0        # seconds without a byte before the answer
    hold: threading.Event = None  # no answer before it is set
    declared: int = None    # Content-Length, if it is to lie


@dataclass
class Seen:
    method: str
    target: str
    headers: dict
    body: bytes


def error(status, code, message="as told", **more):
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Step(status, text.encode(), (("x-amz-request-id", "REQ-1"),), **more)


class ScriptedHttp:
    def __init__(self, *steps, certificate=None):
        self.steps, self.seen = list(steps), []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536

            def answer(self):
                outer._answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def endpoint(self):
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        with self._lock:
            step = self.steps.pop(0) if self.steps else Step(599, b"the script is at its end")
        body = handler.rfile.read(length // 2 if step.reset == "body" else length)
        self.seen.append(Seen(handler.command, handler.path, dict(handler.headers.items()), body))
        if step.reset:
            # Lingering for zero seconds turns the close into a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        time.sleep(step.stall)
        if step.hold:
            step.hold.wait()
        handler.send_response_only(step.status)
        handler.send_header("Date", formatdate(time.time() + step.skew, usegmt=True))
        handler.send_header("Content-Length", str(len(step.body) if step.declared is None else step.declared))
        for name, value in step.headers:
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(step.body)
        if step.declared is not None:
            handler.close_connection = True
