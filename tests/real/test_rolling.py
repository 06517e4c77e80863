"""Two processes behind nginx, Caddy and HAProxy, under load, restarted again and again one after the other: no request
fails.

ROLLING_RESTARTS says how often each is restarted (20), ROLLING_RATE how many requests a second come by each proxy."""

import contextlib
import json
import os
import signal
import time

import pytest

from tests.lib.http_proxies import Caddy, HAProxy, Nginx
from tests.lib.load import Load
from tests.lib.service import Service

RESTARTS = int(os.environ.get("ROLLING_RESTARTS", "20"))
RATE = int(os.environ.get("ROLLING_RATE", "300"))
EXPORTS = "/api/v1/workspace/one/exports"
FEBRUARY = {"select": {"channel_id": "b2c3d4e5-7777-8888-9999-000011112222"},
            "filter": {"from": "2026-02-01", "to": "2026-02-28"}}


def loads(proxy, keys, export):
    """Polls, and POSTs, which a proxy must not send twice: half of them each, on kept and on fresh connections."""
    key = {"X-API-Key": keys["one"]}
    post = {"method": "POST", "body": json.dumps(FEBRUARY), "headers": key | {"Content-Type": "application/json"}}
    for kept in (True, False):
        yield Load(proxy.port, f"{EXPORTS}/{export}", RATE / 4, threads=2, kept=kept, headers=key)
        yield Load(proxy.port, f"{EXPORTS}/preview", RATE / 4, threads=2, kept=kept, **post)


def restart(service, proxies):
    begun = time.monotonic()
    service.process.signal(signal.SIGTERM)
    assert service.wait_end(60) == 0
    took = time.monotonic() - begun
    service.start()
    for proxy in proxies:
        proxy.sees(service.port, True)
    return took


def tell(name, running):
    failures = [failure for load in running for failure in load.failures]
    done = sum(load.done() for load in running)
    print(f"\n{name}: {done} requests, {len(failures)} failed")
    for at, what in failures[:10]:
        print(f"    {at:.3f} {what}")
    return done, failures


@pytest.mark.timeout(3600)
def test_no_request_fails_while_processes_are_replaced(program, folder, keys):
    options = {"storage": f"file://{folder}", "workers": 1, "stop_delay": None}  # the default's
    services = [Service(program, folder, **options) for _ in range(2)]
    ports = [service.port for service in services]
    with contextlib.ExitStack() as stack:
        for service in services:
            stack.enter_context(service)
        proxies = []
        for name, make in (("nginx", Nginx), ("plain", lambda *a: Nginx(*a, plain=True)), ("caddy", Caddy),
                           ("haproxy", HAProxy)):
            (folder / name).mkdir()
            proxies.append(stack.enter_context(make(folder / name, ports)))
        for port in ports:
            proxies[-1].sees(port, True)
        export = services[0].request("POST", EXPORTS, keys["one"], json_body=FEBRUARY).json()["export_id"]
        running = {proxy: [stack.enter_context(load) for load in loads(proxy, keys, export)] for proxy in proxies}
        begun = time.monotonic()
        took = [restart(service, proxies) for _ in range(RESTARTS) for service in services]
        seconds = time.monotonic() - begun
        for proxy in proxies:
            for load in running[proxy]:
                load.stop()
    names = ["nginx with kept connections", "nginx as it comes", "Caddy", "HAProxy"]
    found = [tell(name, running[proxy]) for name, proxy in zip(names, proxies)]
    print(f"{len(took)} restarts in {seconds:.0f} s, {sum(done for done, _ in found) / seconds:.0f} requests a second;"
          f" from SIGTERM to the end {min(took):.2f} to {max(took):.2f} s")
    assert all(done > seconds * RATE / 4 for done, _ in found)
    assert [failures for _, failures in found] == [[], [], [], []]
