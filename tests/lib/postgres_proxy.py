"""A proxy before PostgreSQL that knows each statement of its clients, and loses, delays or refuses those it is told to.

It reads the frontend/backend protocol 3.0: start-up, simple and extended queries with pipelines, COPY, cancel requests.
Encryption is declined ('N'), so clients must not insist on it. Messages up to an Execute, a Sync or a Query go on
together; what they say is a Statement, and `decide(statement)` answers what becomes of it: None, or a Fault.
"""

import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass

CANCEL, SSL, GSS = 80877102, 80877103, 80877104
BEGIN = re.compile(r"\s*(?:BEGIN|START)\b", re.I)
NO_COMMIT = re.compile(r"\s*(?:BEGIN|START|SET|SHOW|LISTEN|UNLISTEN|DEALLOCATE|ROLLBACK|ABORT)\b", re.I)
WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|pg_notify)\b", re.I)
COMMIT = re.compile(r"\s*(?:COMMIT|END)\b", re.I)
FATAL = ("57P01", "57P02", "57P03")  # with these the server says farewell


@dataclass(frozen=True)
class Statement:
    """kind: connect, prepare, execute (extended), query (simple), describe (or another look, or a close)."""

    application: str
    connection: int  # number of the connection, from 1
    number: int      # on its connection; the connect is 0
    kind: str
    text: str
    parameters: tuple = ()
    in_transaction: bool = False

    @property
    def commits(self):
        """COMMIT itself, or a write that is a transaction of its own."""
        if self.kind not in ("query", "execute") or NO_COMMIT.match(self.text):
            return False
        if COMMIT.match(self.text):
            return True
        return not self.in_transaction and bool(WRITES.search(self.text))


@dataclass(frozen=True)
class Fault:
    """way: drop (it never goes out), lose (it is carried out, the answer is lost), refuse (with a SQLSTATE), or delay:
    for so many seconds, or `until` an event is set."""

    way: str
    state: str = ""
    seconds: float = 0.0
    until: threading.Event = None


def at_commit(number, fault, application=None):
    """A decision: the fault at the n-th COMMIT, explicit or implicit, of the connections of that name."""
    count = 0

    def decide(statement):
        nonlocal count
        if not statement.commits or application not in (None, statement.application):
            return None
        count += 1
        return fault if count == number else None
    return decide


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def _text(body, at=0):
    end = body.index(b"\0", at)
    return body[at:end].decode(errors="replace"), end + 1


def _error(severity, state):
    fields = ((b"S", severity), (b"V", severity), (b"C", state), (b"M", "an answer made up by the test's proxy"))
    return message(b"E", b"".join(name + value.encode() + b"\0" for name, value in fields) + b"\0")


def _raise(state):
    return f"DO $$ BEGIN RAISE EXCEPTION 'made up by the test''s proxy' USING ERRCODE = '{state}'; END $$"


def _raise_extended(state):
    """Parse, Bind and Execute of a statement that fails with the SQLSTATE."""
    return (message(b"P", b"\0" + _raise(state).encode() + b"\0" + struct.pack("!h", 0))
            + message(b"B", b"\0\0" + struct.pack("!hhh", 0, 0, 0)) + message(b"E", b"\0" + struct.pack("!i", 0)))


def _parameters(body):
    """Of a Bind: the values as text; those in binary as bytes."""
    _, at = _text(body)
    _, at = _text(body, at)
    count, = struct.unpack_from("!h", body, at)
    formats = struct.unpack_from(f"!{count}h", body, at + 2)
    at += 2 + 2 * count
    number, = struct.unpack_from("!h", body, at)
    at += 2
    values = []
    for i in range(number):
        length, = struct.unpack_from("!i", body, at)
        at += 4
        raw = None if length < 0 else body[at:at + length]
        at += max(length, 0)
        form = formats[i] if len(formats) > 1 else formats[0] if formats else 0
        values.append(raw.decode(errors="replace") if raw is not None and form == 0 else raw)
    return tuple(values)


class _Closed(Exception):
    pass


class _Reader:
    """Whole messages from a socket."""

    def __init__(self, connection):
        self._connection, self._data = connection, bytearray()

    def take(self, size):
        while len(self._data) < size:
            try:
                data = self._connection.recv(65536)
            except OSError:
                data = b""
            if not data:
                raise _Closed
            self._data += data
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def start(self):
        """A message without a type: (code, whole)."""
        head = self.take(8)
        length, code = struct.unpack("!II", head)
        return code, head + self.take(length - 8)

    def next(self):
        """(type, body)."""
        head = self.take(5)
        return head[:1], self.take(struct.unpack("!I", head[1:])[0] - 4)


class _Connection:
    """One client and its server. The client's thread decides and sends, a second one hands the answers back."""

    def __init__(self, proxy, client, number):
        self.proxy, self.client, self.number = proxy, client, number
        self.application = ""
        self.role = None  # whatever the test notes here
        self.asked = ""  # text of the last statement
        self.server = None
        self.reader = _Reader(client)
        self.prepared, self.portals = {}, {}
        self.statements = 0
        self.changed = threading.Condition()
        # Guarded by `changed`. A unit ends with a ReadyForQuery.
        self.swallow = self.ended = False
        self.state = b"I"
        self.units_sent = self.units_done = 0
        self.unit_sent = self.unit_done = 0  # Executes of the open unit
        self.unit_failed = False
        self.begun = False  # by a BEGIN of the open unit

    # ---- start-up

    def run(self):
        with contextlib.suppress(_Closed, OSError, struct.error, ValueError):
            if self._start():
                while True:
                    self._next_group()
        self.close()

    def _start(self):
        code, raw = self.reader.start()
        while code in (SSL, GSS):
            self.client.sendall(b"N")
            code, raw = self.reader.start()
        if code == CANCEL:
            self.server = self.proxy.connect_server()
            self.server.sendall(raw)
            with contextlib.suppress(OSError):
                self.server.recv(1)
            return False
        words = raw[8:].split(b"\0")
        facts = dict(zip(words[0::2], words[1::2]))
        self.application = facts.get(b"application_name", b"").decode()
        self.proxy.wait_admitted(self)
        statement = Statement(self.application, self.number, 0, "connect", "connect")
        fault = self.proxy.ask(statement, self)
        if fault and fault.way == "drop":
            return False
        if fault and fault.way == "refuse":
            self.client.sendall(_error("FATAL", fault.state))
            return False
        if fault and fault.way == "delay":
            self.proxy.pause(fault)
        self.server = self.proxy.connect_server()
        self.swallow = bool(fault and fault.way == "lose")
        self.units_sent = 1
        self.server.sendall(raw)
        self.proxy.spawn(self._answers)
        if self.swallow:
            self._wait(self._all_done)
            raise _Closed
        return True

    # ---- the client's side

    def _next_group(self):
        group = []
        while True:
            kind, body = self.reader.next()
            if kind in b"PBDC" and kind != b"":
                group.append((kind, body))
                continue
            if kind == b"E":
                self._execute([*group, (kind, body)])
            elif kind == b"Q":
                self._query(body)
            elif kind in (b"S", b"H"):
                self._end_group(group, kind)
            elif kind == b"X":
                self._send(message(kind, body))
                raise _Closed
            else:  # passwords, COPY
                self._send(message(kind, body))
            return

    def _send(self, data, units=0, executes=0):
        with self.changed:
            self.units_sent += units
            self.unit_sent = 0 if units else self.unit_sent + executes
        self.server.sendall(data)

    def _note(self, group):
        """Texts and parameters of what is parsed and bound; the text of the last one."""
        text, values = "", ()
        for kind, body in group:
            if kind == b"P":
                name, at = _text(body)
                text = self.prepared[name] = _text(body, at)[0]
            elif kind == b"B":
                portal, at = _text(body)
                text, values = self.prepared.get(_text(body, at)[0], ""), _parameters(body)
                self.portals[portal] = text, values
            elif kind == b"E":
                text, values = self.portals.get(_text(body)[0], (text, values))
            elif kind in b"DC" and not text:
                text = self.prepared.get(_text(body, 1)[0], "")
        return text, values

    def _ask(self, kind, text, values=()):
        self.statements += 1
        with self.changed:
            if self.unit_sent == 0:  # what was sent before must be answered, else the state is not known
                self._wait_locked(self._all_done)
                self.begun = False
            busy = self.begun or self.state != b"I"
            self.begun = self.begun or bool(BEGIN.match(text))
        statement = Statement(self.application, self.number, self.statements, kind, text, values, busy)
        return statement, self.proxy.ask(statement, self)

    def _execute(self, group):
        statement, fault = self._ask("execute", *self._note(group))
        raw = b"".join(message(kind, body) for kind, body in group)
        if fault and fault.way == "refuse":
            self._farewell(fault)
            if COMMIT.match(statement.text):
                self._roll_back(fault)
                return  # the Sync is still to come
            named = b"".join(message(kind, body) for kind, body in group if kind == b"P" and body[:1] != b"\0")
            raw = named + _raise_extended(fault.state)
        elif fault:
            self._apply(fault)
        self._send(raw, executes=1)
        if fault and fault.way == "lose":
            kind, body = self.reader.next()
            if kind == b"S":
                self._send(message(kind, body), units=1)
                self._wait(self._all_done)
            else:
                self._settle()
            raise _Closed

    def _query(self, body):
        statement, fault = self._ask("query", _text(body)[0])
        raw = message(b"Q", body)
        if fault and fault.way == "refuse":
            self._farewell(fault)
            if COMMIT.match(statement.text):
                self._roll_back(fault)
                return self.client.sendall(message(b"Z", b"I"))
            raw = message(b"Q", _raise(fault.state).encode() + b"\0")
        elif fault:
            self._apply(fault)
        self._send(raw, units=1)
        if fault and fault.way == "lose":
            self._wait(self._all_done)
            raise _Closed
        return None

    def _end_group(self, group, kind):
        """A Sync or Flush: behind a Parse alone it is a statement of its own, else it belongs to those before it."""
        units = int(kind == b"S")
        raw = b"".join(message(*each) for each in group) + message(kind)
        if not group:
            return self._send(raw, units=units)
        text, _ = self._note(group)
        named = "prepare" if any(each == b"P" for each, _ in group) else "describe"
        _, fault = self._ask(named, text)
        if fault and fault.way == "refuse":
            self._farewell(fault)
            raw = _raise_extended(fault.state) + message(kind)
        elif fault:
            self._apply(fault)
        self._send(raw, units=units)
        if fault and fault.way == "lose":
            self._wait(self._all_done)
            raise _Closed
        return None

    def _apply(self, fault):
        """Before the statement goes out."""
        if fault.way == "drop":
            raise _Closed
        if fault.way == "delay":
            self.proxy.pause(fault)
        if fault.way == "lose":
            self._settle()
            with self.changed:
                self.swallow = True

    def _farewell(self, fault):
        if fault.state in FATAL:
            self._settle()
            self.client.sendall(_error("FATAL", fault.state))
            raise _Closed

    def _roll_back(self, fault):
        """As a server does whose COMMIT fails: the transaction is gone, and none is open."""
        with self.changed:
            self.swallow = True
        self._send(message(b"Q", b"ROLLBACK\0"), units=1)
        self._wait(self._all_done)
        with self.changed:
            self.swallow = False
        self.client.sendall(_error("ERROR", fault.state))

    # ---- what the server has answered

    def _all_done(self):
        return self.units_done == self.units_sent

    def _unit_done(self):
        return self.unit_failed or self.unit_done >= self.unit_sent

    def _settle(self):
        """Everything that was sent before is answered, in the middle of a pipeline too."""
        with self.changed:
            middle = self.unit_sent > 0
        if middle:
            self.server.sendall(message(b"H"))
            self._wait(self._unit_done)
        else:
            self._wait(self._all_done)

    def _wait(self, condition):
        with self.changed:
            self._wait_locked(condition)

    def _wait_locked(self, condition):
        self.changed.wait_for(lambda: condition() or self.ended, 60)
        if not condition():
            raise _Closed

    def _answers(self):
        data = bytearray()
        with contextlib.suppress(OSError):
            while True:
                new = self.server.recv(262144)
                if not new:
                    break
                data += new
                used = self._look(data)
                with self.changed:
                    forward = not self.swallow
                if forward:
                    self.client.sendall(bytes(data[:used]))
                del data[:used]
                with self.changed:
                    self._count()
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self.close()

    def _look(self, data):
        """Bytes of whole messages, and what they tell; told to the other thread only once they are handed on."""
        at, size = 0, len(data)
        self.seen = []
        while size - at >= 5:
            kind = data[at]
            length = int.from_bytes(data[at + 1:at + 5], "big") + 1
            if size - at < length:
                break
            if kind in b"ZCIsE":
                self.seen.append((kind, data[at + 5:at + 6]))
            at += length
        return at

    def _count(self):
        for kind, first in self.seen:
            if kind == ord("Z"):
                self.state = bytes(first)
                self.units_done += 1
                self.unit_done, self.unit_failed = 0, False
            elif kind == ord("E"):
                self.unit_failed = True
            else:
                self.unit_done += 1
        self.changed.notify_all()

    def at_rest(self):
        """What was asked is answered."""
        with self.changed:
            return self.unit_sent == 0 and self._all_done()

    def gone(self):
        """The client does not wait any more; it has said all that it says before an answer."""
        try:
            return self.client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        for each in (self.client, self.server):
            if each:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self.proxy.forget(self)


class PostgresProxy:
    """`with PostgresProxy(port) as proxy:` forwards proxy.port to the server's port on loopback, or to a unix socket's
    path. `decide` may be replaced at any time; it is called for one statement after another.

    marking(statement, connection) is called before, and may set connection.role; who has the role "ignored" is decided
    no more. admit(connection, others) says whether a client that wants to connect may do so beside those that are."""

    def __init__(self, target, decide=None, marking=None, admit=None):
        self.decide = decide or (lambda statement: None)
        self._marking, self._admit = marking, admit
        self._target = target
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._connections, self._admitted, self._threads = [], [], []
        self._made = 0

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        self.drop(lambda connection: True)
        for thread in self._threads:
            thread.join()

    def url(self, database, user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect_server(self):
        if isinstance(self._target, int):
            server = socket.create_connection(("127.0.0.1", self._target))
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return server
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._target))
        return server

    def drop(self, which):
        """Closes the connections that `which(connection)` names."""
        with self._lock:
            chosen = [connection for connection in self._connections if which(connection)]
        for connection in chosen:
            connection.close()

    def at_rest(self, ready=lambda connection: True):
        """Nobody waits to be let in or for an answer, and all are `ready`."""
        with self._lock:
            return all(each in self._admitted and each.at_rest() and ready(each) for each in self._connections)

    def ask(self, statement, connection):
        with self._lock:
            connection.asked = statement.text
            if self._marking:
                self._marking(statement, connection)
            return None if connection.role == "ignored" else self.decide(statement)

    def wait_admitted(self, connection):
        while self._admit and not self._ending.is_set():
            with self._lock:
                if self._admit(connection, self._admitted):
                    break
            if connection.gone():
                raise _Closed
            self._ending.wait(0.005)
        with self._lock:
            self._admitted.append(connection)

    def pause(self, fault):
        """The proxy's own end is waited for no longer than its tests need to set the event."""
        (fault.until or self._ending).wait(fault.seconds)

    def spawn(self, target):
        thread = threading.Thread(target=target, daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def forget(self, connection):
        with self._lock:
            for known in (self._connections, self._admitted):
                if connection in known:
                    known.remove(connection)

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._made += 1
            connection = _Connection(self, client, self._made)
            with self._lock:
                self._connections.append(connection)
            self.spawn(connection.run)
