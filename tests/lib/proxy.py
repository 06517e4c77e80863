"""A TCP proxy on a loopback port that can hold: what comes in goes nowhere then, and nobody is told."""

import contextlib
import selectors
import socket
import threading


class Proxy:
    """`with Proxy(port) as proxy:` forwards proxy.port to the port. hold() and release() work on all its connections.

    hold_on: bytes of a client's data that make it hold by itself, once, before they are passed on; `alone` holds
    that connection for good and leaves all others alone."""

    def __init__(self, port, hold_on=None, alone=False):
        self.target = port
        self.hold_on = hold_on
        self.alone = alone
        self.stuck = False
        self._holding = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._sockets = []
        self._waiting = []  # (to, bytes) that arrived before the hold was seen
        self._thread = threading.Thread(target=self._run)
        self._ending = False

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._woken)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending = True
        self._wake()
        self._thread.join()
        for each in (*self._sockets, self._listener, self._wake_read, self._wake_write):
            each.close()
        self._selector.close()

    def hold(self):
        self._holding.set()

    def release(self):
        self._holding.clear()
        self._wake()

    @property
    def holds(self):
        return self._holding.is_set()

    def _wake(self):
        self._wake_write.send(b"x")

    def _woken(self, _):
        self._wake_read.recv(64)

    def _accept(self, _):
        client = self._listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self.target))
        self._sockets += [client, server]
        for source, to, is_client in ((client, server, True), (server, client, False)):
            self._selector.register(source, selectors.EVENT_READ,
                                    lambda each, to=to, is_client=is_client: self._forward(each, to, is_client))

    def _forward(self, source, to, is_client):
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        if is_client and self.hold_on and self.hold_on in data:
            self.hold_on = None
            self.stuck = True
            if self.alone:
                self._selector.unregister(source)
                return
            self.hold()
        if self.holds:
            self._waiting.append((source, to, data))
        else:
            self._pass(source, to, data)

    def _pass(self, source, to, data):
        """An end of one side ends the other; what a closed one cannot take is lost, as on a line."""
        with contextlib.suppress(OSError, KeyError, ValueError):
            if data:
                to.sendall(data)
            else:
                self._selector.unregister(source)
                to.shutdown(socket.SHUT_WR)

    def _run(self):
        """While it holds, nothing is read: the peers' buffers fill, as they would before a dead line."""
        while not self._ending:
            if self.holds:
                self._wake_read.recv(64)
                continue
            waiting, self._waiting = self._waiting, []
            for source, to, data in waiting:
                self._pass(source, to, data)
            for key, _ in self._selector.select():
                if not self.holds:
                    key.data(key.fileobj)
