"""Fixtures of the end-to-end tests: real servers, started on first use and shared by the session.

postgres        the cluster                    database      a fresh database for each module
program         the binary with that database  make_service  starts services that end with the module
storage         file storage and each S3 server in turn (a fresh folder or bucket for each module)
local           file storage in the module's folder
object_store    each S3 server in turn         minio, versitygw, swift    one of them by name
smtp            an empty mail sink             pgbouncer     a pooler before the cluster
keys            of the workspaces of tests/lib/native_source.py, with its source; a module may have its own
service         on it, without workers; a module may have its own
"""

import functools
import os
import pathlib
import signal
import sys
from dataclasses import dataclass, field

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib import native_source, object_stores  # noqa: E402 (after the path)
from tests.lib.mail_sink import MailSink  # noqa: E402
from tests.lib.postgres import PgBouncer, Postgres  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

S3_SERVERS = object_stores.available()


def pytest_sessionstart(session):
    """SIGTERM ends the tests in order, so that fixtures stop their servers."""
    def interrupt(number, frame):
        signal.signal(signal.SIGTERM, lambda *_: None)  # a second one would come in the middle of the stopping
        session.shouldstop = "ended by SIGTERM"  # a test whose own end fails then hides the exception
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)


# The files that take longest, longest first: no worker is to begin one of them when the others are done.
LONG = ("test_console_wcag", "test_memory_moments", "test_console_dialog", "test_answers", "test_media",
        "test_console_plans", "test_console_hostile", "test_queue_files", "test_source_situations", "test_console_list",
        "test_console_events", "test_storage_answers", "test_source_extras", "test_source", "test_queue_cancel",
        "test_queue_cuts", "test_streams", "test_janitor", "test_s3_store", "test_source_plans", "test_queue_jobs",
        "test_native_wait", "test_openapi", "test_view_keys")


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@functools.cache
def is_ours(name):
    """Whether this worker is the one that takes the file (tools/spread.py): the first one makes a file of its name.

    It holds the worker's number, for where both folders are run this module is there twice."""
    claims, worker = os.environ.get("TEST_CLAIMS"), os.environ.get("TEST_WORKER", "")
    if not claims:
        return True
    claim = pathlib.Path(claims, name)
    try:
        with open(claim, "x", encoding="ascii") as file:
            file.write(worker)
    except FileExistsError:
        return claim.read_text(encoding="ascii") == worker
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    return None if is_ours(item.path.stem) else True  # True: nobody here runs it


def pytest_report_header():
    return "S3 servers: " + (", ".join(S3_SERVERS) or "none")


@pytest.fixture(scope="session")
def postgres():
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def database(postgres, request):
    name = request.module.__name__.rsplit(".", 1)[-1]
    return postgres.create_database(name)


@pytest.fixture(scope="session")
def verbatim():
    """Path of the binary."""
    path = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))
    assert path.exists(), f"{path} is not built"
    return path


@pytest.fixture(scope="module")
def program(verbatim, database):
    return Program(verbatim, database.url)


@pytest.fixture(scope="module")
def folder():
    """A folder of the module's own, removed at its end."""
    with scratch_folder() as path:
        yield path


@dataclass(frozen=True)
class Storage:
    """A place for archives: `options` and `env` make Verbatim use it."""

    name: str
    options: dict
    env: dict = field(default_factory=dict)
    store: object = None
    bucket: str = None
    folder: pathlib.Path = None


def storage_in_store(store, request):
    """A bucket of the module's own; names of modules are no bucket names."""
    bucket = request.module.__name__.rsplit(".", 1)[-1].replace("_", "-").lower()
    store.make_bucket(bucket)
    return Storage(store.name, store.options(bucket), store.credentials(), store, bucket)


def file_storage(folder):
    target = folder / "storage"
    target.mkdir()
    return Storage("file", {"storage": f"file://{target}"}, folder=target)


# Storages that need no server: name to what makes one in an empty folder. A row here brings one to the tests of all.
LOCAL = {"file": file_storage}


@pytest.fixture(scope="module")
def local(folder):
    (folder / "local").mkdir()
    return file_storage(folder / "local")


def _session_store(name):
    @pytest.fixture(scope="session", name=name)
    def running_store():
        if name not in S3_SERVERS:
            pytest.skip(f"{name} is not on this machine")
        with object_stores.STORES[name]() as store:
            yield store
    return running_store


minio = _session_store("minio")
versitygw = _session_store("versitygw")
swift = _session_store("swift")


@pytest.fixture(scope="module", params=S3_SERVERS)
def object_store(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=[*LOCAL, *S3_SERVERS])
def storage(request):
    if request.param in LOCAL:
        with scratch_folder() as folder:
            yield LOCAL[request.param](folder)
    else:
        yield storage_in_store(request.getfixturevalue(request.param), request)


@pytest.fixture
def smtp():
    with MailSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def pgbouncer(postgres):
    with PgBouncer(postgres) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def make_service(program, folder):
    """make_service(storage=..., env={...}, command="serve", **options) starts one more service of the module.

    Without a storage it gets file storage in the module's folder."""
    services = []

    def make(storage=None, env=None, command="serve", **options):
        if storage:
            options = storage.options | options
            env = storage.env | (env or {})
        options.setdefault("storage", f"file://{folder}/storage")
        (folder / "storage").mkdir(exist_ok=True)
        service = Service(program, folder, command, env, **options)
        service.start()
        services.append(service)
        return service

    yield make
    failures = []
    for service in services:
        try:
            service.stop()
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="module")
def keys(program, database):
    native_source.make_source(database)
    return native_source.make_keys(program, database)


@pytest.fixture(scope="module")
def service(keys, make_service):
    return make_service(workers=0)
