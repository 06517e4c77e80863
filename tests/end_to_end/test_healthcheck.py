"""The program's own look at the process next door, as containers ask it."""

import pytest

from tests.lib import http_source as source
from tests.lib.process import free_port
from tests.lib.service import Program
from tests.lib.tls import Authority, TlsService


@pytest.fixture(scope="module")
def prepared(program, database):
    source.make_source(database)
    program.migrate()
    return program


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0", "[::]"])
def service(prepared, make_service, request):
    return make_service(workers=0, listen=f"{request.param}:{free_port()}", base_url="http://exports.example.com")


def look(service, *flags):
    """With the option of the process, as in its container; no database is asked for."""
    program = Program(service.program.path, options={"listen": service.options["listen"]})
    return program.run("healthcheck", *flags, check=False)


def test_it_is_well_while_the_process_lives_whatever_it_listens_on(service):
    done = look(service)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_it_goes_by_no_proxy_of_the_environment(service):
    program = Program(service.program.path, options={"listen": service.options["listen"]},
                      env={"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"})
    assert program.run("healthcheck").stdout == "ok\n"


def test_another_address_may_be_asked(service):
    port = service.options["listen"].rsplit(":", 1)[1]
    host = "127.0.0.1"
    assert look(service, "--url", f"http://{host}:{port}/readyz").returncode == 0
    missing = look(service, "--url", f"http://{host}:{port}/nothing")
    assert missing.returncode == 1 and f"http://{host}:{port}/nothing: HTTP 404" in missing.stderr


def test_nobody_there_is_a_failure_that_names_the_address(verbatim):
    port = free_port()
    done = Program(verbatim, options={"listen": f"0.0.0.0:{port}"}).run("healthcheck", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert f"http://127.0.0.1:{port}/healthz: " in done.stderr


def test_by_tls_whichever_host_the_certificate_names_and_whoever_is_let_in(prepared, folder):
    (folder / "storage").mkdir(exist_ok=True)
    authority = Authority(folder)
    certificate, key = authority.certificate("server")
    options = {"tls_cert_file": certificate, "tls_key_file": key}
    for more in ({}, {"tls_client_ca_file": authority.file}):
        shown = authority.certificate("client") if more else None
        with TlsService(prepared, folder, authority.context(shown), workers=0, storage=f"file://{folder}/storage",
                        **options, **more) as secure:
            listen = secure.options["listen"]
            program = Program(prepared.path, options={"listen": listen} | options | more)
            assert program.run("healthcheck").stdout == "ok\n"
            stranger = program.run("healthcheck", "--url", f"https://{listen}/healthz", check=False)
            assert stranger.returncode == 1, "another address is verified"
        assert program.run("healthcheck", check=False).returncode == 1
