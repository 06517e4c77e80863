"""The frame of a test's own HTTP server: a loopback port, a thread, and one method for all requests."""

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is nothing to print; anything else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class LoopbackHttp:
    """A subclass has `answer(handler)`, called on a thread of the connection: `with Subclass() as server:`.

    secured: an ssl.SSLContext, for https."""

    def __init__(self, secured=None):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536

            def answer(self):
                outer.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if secured else "http"
        if secured:
            self._server.socket = secured.wrap_socket(self._server.socket, server_side=True,
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

    def answer(self, handler):
        raise NotImplementedError


def read_body(handler, share=1):
    """The request's body, or the first part of it."""
    return handler.rfile.read(int(handler.headers.get("Content-Length") or 0) // share)


def reset(handler):
    """Ends the connection without an answer: lingering for zero seconds turns the close into a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()
