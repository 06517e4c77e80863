"""A web server whose every answer takes its time and is of one size, for P10; a process of its own.

usage: slow_media.py PORT BYTES MILLISECONDS. GET /N.png is N over and over, and GET /most how many requests
were answered at once at most.
"""

import asyncio
import sys


def body(number, size):
    """What stands at /N.png: a picture by its first bytes, which is all that anybody looks at."""
    word = b"%d " % number
    return (b"\x89PNG\r\n\x1A\n" + word * (size // len(word) + 1))[:size]


async def serve(port, size, milliseconds):
    at_once = most = 0

    async def talk(reader, writer):
        nonlocal at_once, most
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                if path == "/most":
                    data = b"%d" % most
                else:
                    at_once += 1
                    most = max(most, at_once)
                    await asyncio.sleep(milliseconds / 1e3)
                    at_once -= 1
                    data = body(int(path.strip("/").split(".")[0]), size)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
                             % len(data) + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
    server = await asyncio.start_server(talk, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*(int(word) for word in sys.argv[1:4])))
