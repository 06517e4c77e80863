"""An HTTP server that answers by script: each request takes the next step, and is kept for the test to look at."""

import ssl
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate

from .loopback_http import LoopbackHttp, read_body, reset


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


def _server_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class ScriptedHttp(LoopbackHttp):
    def __init__(self, *steps, certificate=None):
        super().__init__(_server_context(certificate) if certificate else None)
        self.steps, self.seen = list(steps), []
        self._lock = threading.Lock()

    def answer(self, handler):
        with self._lock:
            step = self.steps.pop(0) if self.steps else Step(599, b"the script is at its end")
        body = read_body(handler, share=2 if step.reset == "body" else 1)
        self.seen.append(Seen(handler.command, handler.path, dict(handler.headers.items()), body))
        if step.reset:
            reset(handler)
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
