"""Commands on a terminal of their own."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

from .service import clean_environment


def on_terminal(program, *arguments, columns=120, types=None, env=None):
    """The command on a terminal of its own: exit status and all that it showed."""
    us, it = pty.openpty()
    fcntl.ioctl(it, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen([program.path, *arguments], stdin=it, stdout=it, stderr=it, close_fds=True,
                             env=clean_environment(program.options, program.env | {"TERM": "xterm"} | (env or {})))
    os.close(it)
    if types:
        os.write(us, types.encode())
    shown_there = b""
    while True:
        try:
            piece = os.read(us, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown_there += piece
    os.close(us)
    return child.wait(60), shown_there.decode()
