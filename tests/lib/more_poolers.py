"""Poolers that Debian's stable release has not, or has older (`./run test real poolers`), as tools/real/poolers.sh
unpacks them: programs of Debian's next release with the libraries they want, in the folder $VERBATIM_POOLERS."""

import os
import re
import subprocess

from .postgres import Pooler
from .unpacked import Unpacked

POOLERS = Unpacked(os.environ.get("VERBATIM_POOLERS", "/nonexistent"))


class Newer(Pooler):
    """A subclass has `program`, `title` and _write(folder), which returns the program's arguments."""

    program = title = ""
    size = 3  # so few server connections that everybody is lent everybody's

    def _command(self, folder):
        return [*POOLERS.command(self.program), *map(str, self._write(folder))]

    @classmethod
    def version(cls):
        done = subprocess.run([*POOLERS.command(cls.program), "--version"], capture_output=True, text=True, check=False)
        return re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr).group()


class PgBouncer(Newer):
    program, title = "pgbouncer", "PgBouncer"
    more = ""

    def _write(self, folder):
        path = folder / "pgbouncer.ini"
        path.write_text(f"""[databases]
* = host=127.0.0.1 port={self.postgres.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {self.size}
{self.more}
""")
        return [path]


class PgBouncerUnnamed(PgBouncer):
    """It keeps no prepared statements."""

    title, more = "PgBouncer, max_prepared_statements = 0", "max_prepared_statements = 0"


class Odyssey(Newer):
    program, title = "odyssey", "Odyssey"
    more = ""

    def _write(self, folder):
        path = folder / "odyssey.conf"
        path.write_text(f"""daemonize no
log_format "%p %t %l [%i %s] (%c) %m\\n"
log_to_stdout yes
workers 1
unix_socket_dir "{folder}"
unix_socket_mode "0644"
locks_dir "{folder}"
listen {{
    host "127.0.0.1"
    port {self.port}
}}
storage "server" {{
    type "remote"
    host "127.0.0.1"
    port {self.postgres.port}
}}
database default {{
    user default {{
        authentication "none"
        storage "server"
        pool "transaction"
        pool_size {self.size}
        {self.more}
    }}
}}
""")
        return [path]


class OdysseyPrepared(Odyssey):
    """It keeps prepared statements."""

    title, more = "Odyssey, pool_reserve_prepared_statement", "pool_reserve_prepared_statement yes\n    pool_discard no"


KINDS = {kind.title: kind for kind in (PgBouncer, PgBouncerUnnamed, Odyssey, OdysseyPrepared)}
