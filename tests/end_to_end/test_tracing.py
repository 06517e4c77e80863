"""Traces: what a caller begins goes on through request, export, segments and uploads, to a collector and the store."""

import json
import threading

import pytest

from tests.end_to_end.conftest import Storage
from tests.lib import http_source as source
from tests.lib.fault_proxy import FaultProxy
from tests.lib.process import free_port, wait_until
from tests.lib.scripted_http import ScriptedHttp, Step

RANGE = {"start_date": "2026-02-01", "end_date": "2026-02-28", "channel_id": source.LONELY}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BUCKET = "tracing"


class Collector(ScriptedHttp):
    """Takes every export request of OTLP/HTTP, as JSON."""

    def answer(self, handler):
        self.steps.append(Step(200, b"{}", (("Content-Type", "application/json"),)))
        super().answer(handler)

    def spans(self):
        """All of them by name, each with its attributes as a dict and its resource's."""
        found = []
        for request in list(self.seen):
            assert (request.method, request.target) == ("POST", "/v1/traces")
            assert request.headers["Content-Type"] == "application/json"
            for resource in json.loads(request.body)["resourceSpans"]:
                about = attributes(resource["resource"])
                for scope in resource["scopeSpans"]:
                    found += [span | {"attributes": attributes(span), "resource": about} for span in scope["spans"]]
        return found

    def wait_for(self, count, **wanted):
        def found():
            spans = [span for span in self.spans() if all(span.get(name) == value for name, value in wanted.items())]
            return spans if len(spans) >= count else None
        return wait_until(found, f"{count} spans with {wanted}")


class ToldProxy(FaultProxy):
    """Remembers the traces of which the store is told."""

    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.told = []

    def answer(self, handler):
        self.told.append(handler.headers.get("traceparent"))
        super().answer(handler)


def attributes(thing):
    """OTLP's list of keys and typed values; 64-bit numbers are text."""
    values = {}
    for each in thing["attributes"]:
        [(kind, value)] = each["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str)
        values[each["key"]] = int(value) if kind == "intValue" else value
    return values


@pytest.fixture(scope="module")
def keys(program, database):
    source.make_source(database)
    source.lonely_talks(database)
    return source.make_workspaces(program)


@pytest.fixture(scope="module")
def collector():
    with Collector() as server:
        yield server


@pytest.fixture(scope="module")
def store(versitygw):
    """A store, and what comes to it."""
    versitygw.make_bucket(BUCKET)
    with ToldProxy(versitygw.endpoint) as proxy:
        yield proxy, Storage("seen", versitygw.options(BUCKET) | {"s3_endpoint": proxy.endpoint},
                             versitygw.credentials())


@pytest.fixture(scope="module")
def service(keys, store, collector, make_service):
    return make_service(store[1], workers=1, otlp_endpoint=collector.endpoint, metrics_token="m" * 20)


def order(service, key, **headers):
    answer = service.request("POST", "/api/v1/workspace/one/export-conversations", key, json_body=RANGE,
                             headers=headers)
    assert answer.status == 202, answer.body
    job = answer.json()["export_job_id"]
    assert service.wait_for_job("one", key, job)["status"] == "finished"
    return job


def test_a_caller_s_trace_goes_through_all_of_an_export(service, keys, collector):
    job = order(service, keys["one"], traceparent=f"00-{TRACE}-{PARENT}-01")
    spans = {span["name"]: span for span in collector.wait_for(4, traceId=TRACE)}
    request = spans["POST /api/v1/workspace/{}/export-conversations"]
    export, segment, upload = spans["export"], spans["segment"], spans["upload"]
    assert [span.get("parentSpanId") for span in (request, export, segment, upload)] == [
        PARENT, request["spanId"], export["spanId"], segment["spanId"]]
    assert len({span["spanId"] for span in spans.values()}) == 4
    assert (request["kind"], export["kind"], segment["kind"], upload["kind"]) == (2, 1, 1, 3)
    assert request["attributes"]["http.response.status_code"] == 202
    assert request["attributes"]["http.request.method"] == "POST"
    assert export["attributes"]["verbatim.job_id"] == segment["attributes"]["verbatim.job_id"] == job
    assert export["attributes"]["verbatim.workspace_id"] == "one"
    assert segment["attributes"]["verbatim.messages"] == 1
    assert upload["attributes"]["verbatim.bytes"] > 0
    for span in spans.values():
        assert 0 < int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span["status"] == {}
    assert int(export["startTimeUnixNano"]) <= int(segment["startTimeUnixNano"])
    assert request["resource"]["service.name"] == "verbatim" and request["resource"]["service.version"]


def test_the_store_is_told_of_the_trace(service, keys, store, collector):
    proxy, _ = store
    trace = "a" * 32
    order(service, keys["one"], traceparent=f"00-{trace}-{PARENT}-01")
    upload = next(span for span in collector.wait_for(4, traceId=trace) if span["name"] == "upload")
    assert f"00-{trace}-{upload['spanId']}-01" in proxy.told


def test_an_order_without_a_trace_begins_one_and_polls_make_none(service, keys, collector):
    job = order(service, keys["one"])
    export = wait_until(lambda: [span for span in collector.spans() if span["name"] == "export"
                                 and span["attributes"]["verbatim.job_id"] == job], "the export's span")[0]
    request = wait_until(lambda: [span for span in collector.spans() if span["spanId"] == export["parentSpanId"]],
                         "the request's")[0]
    assert request["name"].startswith("POST ") and "parentSpanId" not in request
    assert not any(span["name"].startswith("GET ") for span in collector.spans()), "it was polled many times"
    service.request("GET", "/healthz", headers={"traceparent": f"00-{'b' * 32}-{PARENT}-01"})
    assert collector.wait_for(1, traceId="b" * 32)[0]["name"] == "GET /healthz", "but for who asks for it"


def test_a_trace_that_is_not_recorded_or_not_good_is_left_alone(service, keys, collector, database):
    job = order(service, keys["one"], traceparent=f"00-{'c' * 32}-{PARENT}-00")
    kept = f"SELECT trace_parent FROM verbatim.job WHERE job_id = '{job}'"
    assert database.value(kept) == f"00-{'c' * 32}-{PARENT}-00", "passed on as it came"
    for bad in ("00-0-0-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01x", f"ff-{TRACE}-{PARENT}-01"):
        job = order(service, keys["one"], traceparent=bad)
        own = database.value(f"SELECT trace_parent FROM verbatim.job WHERE job_id = '{job}'")
        assert own.endswith("-01") and own.split("-")[1] not in (TRACE, "0" * 32), "one of its own"
    assert not any(span["traceId"] == "c" * 32 for span in collector.spans())


def test_a_failed_export_says_so(service, keys, collector, database):
    database.execute("ALTER TABLE chat.message RENAME TO gone")
    try:
        answer = service.request("POST", "/api/v1/workspace/one/export-conversations", keys["one"], json_body=RANGE,
                                 headers={"traceparent": f"00-{'d' * 32}-{PARENT}-01"})
        job = answer.json()["export_job_id"]
        assert service.wait_for_job("one", keys["one"], job)["status"] == "failed"
    finally:
        database.execute("ALTER TABLE chat.gone RENAME TO message")
    spans = {span["name"]: span for span in collector.wait_for(3, traceId="d" * 32)}
    for name in ("export", "segment"):
        assert spans[name]["status"]["code"] == 2 and "message" in spans[name]["status"]["message"]


def dropped(service):
    figures = service.figures(headers={"Authorization": "Bearer " + "m" * 20})
    return int(figures["verbatim_spans_dropped_total"]), int(figures["verbatim_spans_sent_total"])


def test_a_collector_that_is_away_costs_spans_and_nothing_else(keys, make_service, folder):
    service = make_service(workers=1, otlp_endpoint=f"http://127.0.0.1:{free_port()}", metrics_token="m" * 20)
    order(service, keys["one"])
    wait_until(lambda: dropped(service)[0] > 0, "the count of what was dropped")
    assert dropped(service)[1] == 0
    assert "spans are dropped: http://127.0.0.1:" in service.log()
    service.stop()


def test_a_collector_that_hangs_does_not_hold_up_exports_nor_the_stop(keys, make_service):
    held = threading.Event()
    with ScriptedHttp(*[Step(hold=held)] * 8) as hanging:
        service = make_service(workers=1, otlp_endpoint=hanging.endpoint + "/v1/traces")
        order(service, keys["one"])
        wait_until(lambda: hanging.seen, "the collector to be asked")
        order(service, keys["one"])
        service.stop()  # within its 10 s
        held.set()


def test_without_an_endpoint_a_trace_is_kept_with_the_job_and_nothing_is_sent(keys, make_service, database):
    service = make_service(workers=1)
    job = order(service, keys["one"], traceparent=f"00-{'e' * 32}-{PARENT}-01")
    kept = f"SELECT trace_parent FROM verbatim.job WHERE job_id = '{job}'"
    assert database.value(kept) == f"00-{'e' * 32}-{PARENT}-01"
    service.stop()
