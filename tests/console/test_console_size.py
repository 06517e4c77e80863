"""What the first view costs: bytes and requests, as a browser without a cache counts them."""

from tests.lib import console

MOST_BYTES = 100_000
MOST_REQUESTS = 40


def cost(page):
    """(requests, bytes that came for them) of the page itself; its streams go on."""
    ended = [event["params"] for event in page.events if event["method"] == "Network.loadingFinished"]
    return len(page.requested()), sum(each["encodedDataLength"] for each in ended)


def test_signing_in_is_small(page, service):
    page.open(service.url + "/console/")
    page.get("textbox", "API key").wait()
    requests, size = cost(page)
    assert 5 < requests <= MOST_REQUESTS
    assert 20_000 < size < MOST_BYTES


def test_the_list_is_small(page, service, keys):
    console.Api(service, keys["owner"]).made()
    console.enter(page, service, keys["owner"], "#/exports")
    page.get("link", "Download").wait()
    requests, size = cost(page)
    assert 10 < requests <= MOST_REQUESTS
    assert 20_000 < size < MOST_BYTES


def test_what_has_come_once_is_not_sent_again(page, service, keys):
    console.enter(page, service, keys["owner"], "#/exports")
    _, first = cost(page)
    page.reload()
    console.drawn(page)
    _, second = cost(page)
    assert second < first / 3, "304 for what is the same"
