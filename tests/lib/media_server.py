"""A web server with media: sound, pictures, and what goes wrong between servers and their clients."""

import io
import struct
import threading
import time
import wave
import zlib

from .loopback_http import LoopbackHttp
from .patience import LIMIT


def wav(number, seconds=0.05):
    """A recording, another one for each number."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<h", (i * (number + 3) * 91) % 20000 - 10000)
                                   for i in range(int(8000 * seconds))))
    return out.getvalue()


def mp3(number):
    """Frames of MPEG 1 layer III, 128 kbit/s, 44.1 kHz: silence, `number` long."""
    return (b"\xFF\xFB\x90\x64" + bytes(413)) * (number % 5 + 1)


def png(number):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    pixel = bytes([0, number % 256, number // 256 % 256, 7])
    return (b"\x89PNG\r\n\x1A\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b""))


KINDS = {"wav": ("audio/wav", wav), "mp3": ("audio/mpeg", mp3), "png": ("image/png", png)}


def medium(path):
    """What stands at /N.KIND: (content type, bytes)."""
    number, kind = path.strip("/").split("?")[0].split(".")
    content_type, make = KINDS[kind]
    return content_type, make(int(number))


class MediaServer(LoopbackHttp):
    """`with MediaServer() as server`: /N.wav, /N.mp3, /N.png are media; `faults` maps other paths to functions of the
    request's handler. `seen` are the paths asked for, `logins` what each was asked with, in order of coming."""

    def __init__(self, secured=None):
        super().__init__(secured)
        self.seen, self.faults, self.agents, self.logins = [], {}, set(), {}
        self._lock = threading.Lock()
        self.port = int(self.endpoint.rsplit(":", 1)[1])

    @property
    def url(self):
        return self.endpoint

    @property
    def allow(self):
        """The option that names it."""
        return f"127.0.0.1:{self.port}"

    def asked(self, path):
        with self._lock:
            return self.seen.count(path)

    def answer(self, handler):
        with self._lock:
            self.seen.append(handler.path)
            self.agents.add(handler.headers.get("User-Agent"))
            self.logins.setdefault(handler.path, []).append(handler.headers.get("Authorization"))
        fault = self.faults.get(handler.path)
        if fault:
            fault(handler)
        else:
            give(handler, 200, *medium(handler.path))


class BusyServer(MediaServer):
    """Answers each request after `delay(path)` seconds; `most` is how many it had to do with at a time. With `bears` a
    request that comes when it has that many is answered 429, at once."""

    def __init__(self, delay=lambda path: 0.05, bears=None):
        super().__init__()
        self.delay, self.bears = delay, bears
        self.now = self.most = self.refused = 0

    def answer(self, handler):
        with self._lock:
            crowded = self.bears is not None and self.now >= self.bears
            self.refused += crowded
            self.now += not crowded
            self.most = max(self.most, self.now)
        if crowded:
            return give(handler, 429)
        try:
            time.sleep(self.delay(handler.path))
        finally:
            with self._lock:
                self.now -= 1  # before the answer, whose reader may ask again at once
        super().answer(handler)


def give(handler, code, content_type=None, body=b"", length=None, **headers):
    """An answer; a `length` that is not the body's is a lie."""
    handler.send_response_only(code)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    if content_type:
        handler.send_header("Content-Type", content_type)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def redirect(to, status=302):
    return lambda handler: give(handler, status, Location=to)


def demand(login, path):
    """The medium for who comes with the header, else 401."""
    def fault(handler):
        if handler.headers.get("Authorization") == login:
            give(handler, 200, *medium(path))
        else:
            give(handler, 401, "text/plain", b"who are you", **{"WWW-Authenticate": "Basic"})
    return fault


def status(code, body=b"not for you"):
    return lambda handler: give(handler, code, "text/plain", body)


def answer(content_type, body, **settings):
    return lambda handler: give(handler, 200, content_type, body, **settings)


def endless(content_type):
    """A body without a length that does not end by itself."""
    def fault(handler):
        handler.send_response_only(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(b"RIFF" + bytes(65532))
        except OSError:
            pass
    return fault


def cut(content_type, body, sent):
    """Ends after so many bytes of a longer body."""
    def fault(handler):
        give(handler, 200, content_type, body[:sent], length=len(body))
        handler.wfile.flush()
        handler.close_connection = True
    return fault


def stall(event, seconds=LIMIT):
    """Nothing is said until the event is set."""
    def fault(handler):
        event.wait(seconds)
        handler.close_connection = True
    return fault


def first(fault, times, path):
    """The fault so many times, then the medium of `path`."""
    left = [times]

    def then(handler):
        if left[0] > 0:
            left[0] -= 1
            fault(handler)
        else:
            give(handler, 200, *medium(path))
    return then


def drip(event, body):
    """A byte now and then until the event is set."""
    def fault(handler):
        handler.send_response_only(200)
        handler.send_header("Content-Type", "audio/wav")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            for i in range(len(body)):
                handler.wfile.write(body[i:i + 1])
                handler.wfile.flush()
                if event.wait(0.1):
                    break
        except OSError:
            pass
        handler.close_connection = True
    return fault
