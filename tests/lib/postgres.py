"""A private PostgreSQL cluster, a standby of it and a PgBouncer before it, all on loopback ports of their own.

PostgreSQL refuses root and cannot reach into root's home: as root the cluster belongs to the user
`postgres`; it lies under /var/tmp in any case, since a socket's path must stay short.
"""

import contextlib
import os
import signal
import subprocess
import threading

import psycopg
from psycopg import sql

from .process import Process, free_port, port_answers, scratch_folder, server_user, wait_until

# Tests kill processes, never the machine: nothing has to survive a power failure.
TEST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_line_prefix": "'%m [%p] %d '",
}


def program(name):
    """Path of a PostgreSQL program; Debian keeps the server's out of PATH.

    VERBATIM_POSTGRES_BIN: the folder of another release's."""
    folder = os.environ.get("VERBATIM_POSTGRES_BIN") or subprocess.run(
        ["pg_config", "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
    return os.path.join(folder, name)


class Database:
    """One database of the cluster, and a shortcut to run SQL in it.

    `execute` keeps a connection for each thread, since making one costs many times a look at a row."""

    def __init__(self, port, name):
        self.port = port
        self.name = name
        self.url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
        self._kept = threading.local()

    def role(self, kind):
        """Name of the role `api` or `worker` that an installation in this database takes on."""
        return f"verbatim_{kind}_{self.name}"

    def connect(self, **options):
        return psycopg.connect(self.url, autocommit=True, **options)

    def execute(self, statement, parameters=None):
        """Runs SQL and returns the rows, if it has any. Several statements are fine without parameters."""
        cursor = self._connection().execute(statement, parameters)
        return cursor.fetchall() if cursor.description else None

    def _connection(self):
        """As good as new: what the last statement left is gone, and so is a connection that the server has cut."""
        kept = getattr(self._kept, "connection", None)
        if kept:
            with contextlib.suppress(psycopg.Error):
                kept.execute("DISCARD ALL")
                return kept
            kept.close()
        self._kept.connection = self.connect(prepare_threshold=None)  # DISCARD would drop what it prepared
        return self._kept.connection

    def value(self, statement, parameters=None):
        return self.execute(statement, parameters)[0][0]


class Postgres:
    """`with Postgres() as cluster:` is a running cluster; stop, crash and start may be called in between."""

    def __init__(self, settings=None):
        self.settings = TEST_SETTINGS | (settings or {})
        self.process = None
        self.port = None

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        self.user = server_user()
        self.folder = self._cleanup.enter_context(scratch_folder("/var/tmp", self.user))
        self.data = self.folder / "data"
        self.log_path = self.folder / "log"
        try:
            self._initdb()
            self.port = free_port()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self._cleanup.close()

    def _initdb(self):
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        Process([program("initdb"), *options, str(self.data)], self.log_path, cwd="/", user=self.user).child.wait()
        if not (self.data / "PG_VERSION").exists():
            raise RuntimeError("initdb failed:\n" + self.log_path.read_text())

    def start(self):
        arguments = [program("postgres"), "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1",
                     "-k", str(self.folder)]
        for name, value in self.settings.items():
            arguments += ["-c", f"{name}={value.strip(chr(39))}"]
        self.process = Process(arguments, self.log_path, cwd="/", user=self.user,
                               death_signal=signal.SIGQUIT, stop_signal=signal.SIGINT)
        self.process.wait_ready(self._accepts)

    def _accepts(self):
        try:
            psycopg.connect(Database(self.port, "postgres").url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self):
        """Fast shutdown: open connections are cut, nothing committed is lost."""
        if self.process:
            self.process.stop()
            self.process = None

    def crash(self):
        """Immediate shutdown, as if the server had died; the next start recovers."""
        self.process.signal(signal.SIGQUIT)
        self.process.child.wait()
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def database(self, name="postgres"):
        return Database(self.port, name)

    def create_database(self, name):
        with self.database().connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database(name)


class Standby(Postgres):
    """A streaming replica of a running cluster, with a copy of its own: `with Standby(postgres) as standby:`."""

    def __init__(self, primary):
        super().__init__(primary.settings)
        self.primary = primary

    def _initdb(self):
        if not os.path.exists(program("pg_basebackup")):
            self._copy_primary()
            return
        options = ["-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "postgres", "--checkpoint=fast", "--no-sync",
                   "--wal-method=stream", "--write-recovery-conf"]
        status = Process([program("pg_basebackup"), *options, "-D", str(self.data)], self.log_path, cwd="/",
                         user=self.user).child.wait()
        if status != 0:
            raise RuntimeError("pg_basebackup failed:\n" + self.log_path.read_text())

    def _copy_primary(self):
        """The same by SQL and `cp`, for the embedded binaries of a release, which come without that program. A table
        that is dropped meanwhile is nothing to complain of."""
        start, stop = ("pg_backup_start('standby', true)", "pg_backup_stop()")
        with self.primary.database().connect() as connection:
            if connection.info.server_version < 150000:
                start, stop = ("pg_start_backup('standby', true, false)", "pg_stop_backup(false)")
            connection.execute(f"SELECT {start}")
            subprocess.run(["cp", "-a", str(self.primary.data), str(self.data)], check=False)
            label, = connection.execute(f"SELECT labelfile FROM {stop}").fetchone()
        (self.data / "postmaster.pid").unlink()
        (self.data / "standby.signal").touch()
        (self.data / "backup_label").write_text(label)
        with open(self.data / "postgresql.auto.conf", "a", encoding="ascii") as settings:
            settings.write(f"primary_conninfo = 'host=127.0.0.1 port={self.primary.port} user=postgres'\n")
        for name in ("standby.signal", "backup_label"):
            if self.user:
                os.chown(self.data / name, self.user.pw_uid, self.user.pw_gid)

    def pause(self):
        """Received changes pile up unseen from here on. Returns when replay stands."""
        database = self.database()
        database.execute("SELECT pg_wal_replay_pause()")
        tells = database.value("SELECT to_regproc('pg_get_wal_replay_pause_state') IS NOT NULL")  # from 14 on
        paused = "pg_get_wal_replay_pause_state() = 'paused'" if tells else "pg_is_wal_replay_paused()"
        wait_until(lambda: database.value(f"SELECT {paused}"), "replay to pause")

    def resume(self):
        self.database().execute("SELECT pg_wal_replay_resume()")

    def wait_received(self):
        """Waits until the standby has received (not replayed) all that the primary has written so far."""
        lsn = self.primary.database().value("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.database().value("SELECT pg_last_wal_receive_lsn() >= %s::pg_lsn", [lsn]),
                   "the standby to receive")


class Pooler:
    """Stands before a cluster: `with PgBouncer(postgres) as pooler:`.

    A subclass has `stop_signal` and _command(folder), which writes what the program reads and says how it is run."""

    stop_signal = signal.SIGINT

    def __init__(self, postgres):
        self.postgres = postgres

    def __enter__(self):
        self._cleanup = contextlib.ExitStack()
        user = server_user()
        folder = self._cleanup.enter_context(scratch_folder("/var/tmp", user))
        self.port = free_port()
        command = self._command(folder)
        for path in folder.iterdir():
            if user:
                os.chown(path, user.pw_uid, user.pw_gid)
        self.process = Process(command, folder / "log", cwd=str(folder), user=user, stop_signal=self.stop_signal)
        self._cleanup.callback(self.process.kill)
        try:
            self.process.wait_ready(lambda: port_answers(self.port))
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def database(self, name):
        """The database as it is seen through the pooler."""
        return Database(self.port, name)


class PgBouncer(Pooler):
    def __init__(self, postgres, pool_mode="transaction", pool_size=20):
        super().__init__(postgres)
        self.pool_mode = pool_mode
        self.pool_size = pool_size

    def _command(self, folder):
        path = folder / "pgbouncer.ini"
        path.write_text(self._configuration())
        return ["/usr/sbin/pgbouncer", str(path)]

    def _configuration(self):
        return "\n".join([
            "[databases]",
            f"* = host=127.0.0.1 port={self.postgres.port} user=postgres",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = any",
            f"pool_mode = {self.pool_mode}",
            f"default_pool_size = {self.pool_size}",
            "max_client_conn = 500",
            "ignore_startup_parameters = extra_float_digits,options",
        ]) + "\n"

