"""One list of storage operations for all drivers, with requests and answers that get lost: same event, same result.

ways: once      each operation as it is            repeated  each twice: the answer to the first was lost
      drop, lose, late   on S3, at the first request of each operation, which the client then sends again"""

import pytest

from tests.end_to_end.conftest import LOCAL, S3_SERVERS, Storage, storage_in_store
from tests.end_to_end.test_storage import MIB, Tool, body, storage_tool  # noqa: F401 (a fixture)
from tests.lib.fault_proxy import FaultProxy

LARGE = 5 * MIB  # the smallest part that is not the last


class Shop:
    """A tool whose operations get lost; `status` is the first word of what became of one."""

    def __init__(self, tool, way, proxy=None):
        self.tool, self.way, self.proxy = tool, way, proxy
        self.lost = 0

    def _arm(self):
        if not self.proxy:
            return
        left = [self.way]

        def decide(method, target):
            self.lost += bool(left)
            return left.pop() if left else None
        self.proxy.decide = decide

    def do(self, *words):
        """(status, answer) of an operation, of the second time where it is repeated."""
        for _ in range(2 if self.way == "repeated" else 1):
            self._arm()
            outcome = self.tool.outcome(*words)
        return outcome

    def answer(self, *words):
        status, told = self.do(*words)
        assert status == "ok", (words, status)
        return told

    def status(self, *words):
        return self.do(*words)[0]

    def put(self, key, data):
        return self.status("put", key, "a.zip", self.tool.file(data))

    def begin(self, key):
        return self.answer("begin", key, "a.zip")

    def parts(self, key, upload, bodies, epoch=1):
        return [self.answer("part", key, upload, number, epoch, self.tool.file(data))
                for number, data in bodies.items()]

    def close(self, key, upload, recorded):
        """done, differ N..., or the status of a failure."""
        size = sum(int(part.split(":")[1]) for part in recorded)
        status, told = self.do("close", key, upload, size, *recorded)
        return told if status == "ok" else status

    def vanish(self, key, upload):
        """As a lifecycle rule of the bucket, or somebody's hand, takes an upload away."""
        assert self.tool.run("clean", key, upload, "keep") == "clean"

    def left(self, key):
        """What is there of the key but the object itself."""
        if self.tool.storage.folder:
            folder = key.rsplit("/", 1)[0]
            return [name for name in self.tool.tree() if name.startswith(folder) and name != key]
        listed = self.tool.storage.store.client().list_multipart_uploads(Bucket=self.tool.storage.bucket, Prefix=key)
        return [upload["UploadId"] for upload in listed.get("Uploads", []) if upload["Key"] == key]


# One S3 server gets them all: what the others may do otherwise is how they take the same thing twice.
WAYS = {"versitygw": ("once", "repeated", "drop", "lose", "late"), "minio": ("repeated", "lose"),
        "swift": ("repeated",)} | dict.fromkeys(LOCAL, ("once", "repeated"))


@pytest.fixture(scope="module")
def places(request, folder):
    """Makes each storage once."""
    made = {}

    def place(name):
        if name not in made:
            if name in LOCAL:
                (folder / name).mkdir()
                made[name] = LOCAL[name](folder / name)
            else:
                made[name] = storage_in_store(request.getfixturevalue(name), request)
        return made[name]
    return place


@pytest.fixture(params=[(name, way) for name in (*LOCAL, *S3_SERVERS) for way in WAYS[name]], ids="-".join)
def shop(request, places, storage_tool, tmp_path):  # noqa: F811
    name, way = request.param
    storage = places(name)
    if way in ("once", "repeated"):
        yield Shop(Tool(storage_tool, storage, tmp_path), way)
        return
    with FaultProxy(storage.store.endpoint) as proxy:
        through = Storage(storage.name, storage.options | {"s3_endpoint": proxy.endpoint}, storage.env, storage.store,
                          storage.bucket)
        shop = Shop(Tool(storage_tool, through, tmp_path), way, proxy)
        yield shop
        assert shop.lost > 0


TWO = {1: body(LARGE), 3: body(9, 2)}
WHOLE = TWO[1] + TWO[3]


def test_an_object_in_one_piece(shop):
    key = shop.tool.key()
    assert shop.status("size", key) == "not_found"
    assert shop.put(key, body(1000)) == "ok"
    assert shop.answer("size", key) == "1000"
    assert shop.put(key, body(20, 2)) == "ok"
    assert shop.tool.content(key) == body(20, 2)
    assert shop.answer("clean", key, "", "drop") == "clean"
    assert shop.status("size", key) == "not_found"


def test_an_upload_from_beginning_to_end(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    recorded = shop.parts(key, upload, TWO)
    assert shop.close(key, upload, recorded) == "done"
    assert shop.tool.content(key) == WHOLE
    assert shop.close(key, upload, recorded) == "done", "it was closed before"
    assert shop.answer("clean", key, upload, "keep") == "clean"
    assert shop.left(key) == [] and shop.tool.content(key) == WHOLE


def test_parts_that_are_sent_again_by_another_claim(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    shop.parts(key, upload, TWO, epoch=1)
    again = shop.parts(key, upload, TWO, epoch=2)
    assert shop.close(key, upload, again) == "done"
    assert shop.tool.content(key) == WHOLE


def test_a_part_that_was_never_stored(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    first, last = shop.parts(key, upload, TWO)
    missing = "2" + first[1:]
    assert shop.close(key, upload, [first, missing, last]) == "differ 2"
    assert shop.status("size", key) == "not_found"
    assert shop.close(key, upload, [first, last]) == "done"


def test_an_upload_that_vanished_is_found_by_its_next_part(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    shop.parts(key, upload, TWO)
    shop.vanish(key, upload)
    assert shop.status("part", key, upload, 4, 1, shop.tool.file(body(10))) == "not_found"
    assert shop.left(key) == [], "nobody would look for what is put there"


def test_an_upload_that_vanished_is_found_by_its_close(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    recorded = shop.parts(key, upload, TWO)
    shop.vanish(key, upload)
    assert shop.close(key, upload, recorded) == "not_found"
    assert shop.status("size", key) == "not_found"


def test_a_vanished_upload_beside_an_object_of_another_size(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    recorded = shop.parts(key, upload, TWO)
    shop.vanish(key, upload)
    assert shop.put(key, body(77)) == "ok"
    assert shop.close(key, upload, recorded) == "not_found"
    assert shop.tool.content(key) == body(77)


def test_an_upload_that_was_closed_and_whose_object_was_deleted(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    recorded = shop.parts(key, upload, TWO)
    assert shop.close(key, upload, recorded) == "done"
    assert shop.answer("clean", key, upload, "drop") == "clean"
    assert shop.close(key, upload, recorded) == "not_found"
    assert shop.left(key) == []


def test_a_new_upload_after_one_that_vanished(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    shop.parts(key, upload, TWO, epoch=1)
    shop.vanish(key, upload)
    anew = shop.begin(key)
    recorded = shop.parts(key, anew, TWO, epoch=2)
    assert shop.close(key, anew, recorded) == "done"
    assert shop.tool.content(key) == WHOLE


def test_cleaning_what_is_not_there(shop):
    key = shop.tool.key()
    upload = shop.begin(shop.tool.key())
    for keep in ("keep", "drop"):
        for of in ("", upload):
            assert shop.answer("clean", key, of, keep) == "clean"


def test_cleaning_an_upload_and_its_object(shop):
    key = shop.tool.key()
    upload = shop.begin(key)
    shop.parts(key, upload, TWO)
    assert shop.put(key, body(50)) == "ok"
    assert shop.answer("clean", key, upload, "keep") == "clean"
    assert shop.left(key) == [] and shop.tool.content(key) == body(50)
    shop.begin(key)
    assert shop.answer("clean", key, "", "drop") == "clean", "the id never reached us"
    assert shop.left(key) == [] and shop.status("size", key) == "not_found"
