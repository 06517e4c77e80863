"""The storage drivers by themselves, on a directory and on every S3 server of this machine, through storage_tool."""

import errno
import hashlib
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest
from tests.end_to_end.conftest import Storage, file_storage

from tests.lib.patience import LIMIT
from tests.lib.process import SANITIZED
from tests.lib.scripted_http import ScriptedHttp, Step, error
from tests.lib.service import SANITIZER_REPORT, clean_environment

MIB = 1 << 20
HOUR = 3600 * 1_000_000


class Tool:
    """Runs storage_tool against one storage."""

    def __init__(self, program, storage, folder, prefix=""):
        self.program = program
        self.storage = storage
        self.folder = folder
        self.env = clean_environment({"base_url": "http://links.example"} | storage.options, storage.env)
        self.env["VERBATIM_STORAGE"] += prefix

    def _ask(self, arguments):
        done = subprocess.run([self.program, *map(str, arguments)], env=self.env, capture_output=True, timeout=LIMIT)
        errors = done.stderr.decode(errors="replace")
        assert not SANITIZER_REPORT.search(errors), errors
        return done, errors

    def outcome(self, *arguments):
        """(status, what it answered): "ok", or the status of a failure."""
        done, errors = self._ask(arguments)
        return "ok" if done.returncode == 0 else errors.split(":")[0], done.stdout.decode()

    def run(self, *arguments, check=True, text=True):
        done, errors = self._ask(arguments)
        if check:
            assert done.returncode == 0, errors
            return done.stdout.decode() if text else done.stdout
        return done.returncode, errors

    def file(self, data):
        path = self.folder / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        return path

    def key(self, name="a.zip", workspace="w", epoch=1):
        return self.run("key", workspace, uuid.uuid4(), epoch, name)

    def parts(self, key, upload, bodies, epoch=1):
        return [self.run("part", key, upload, number, epoch, self.file(body)) for number, body in bodies.items()]

    def close(self, key, upload, recorded):
        size = sum(int(part.split(":")[1]) for part in recorded)
        return self.run("close", key, upload, size, *recorded)

    def content(self, key):
        if self.storage.folder:
            return (self.storage.folder / key).read_bytes()
        return self.storage.store.client().get_object(Bucket=self.storage.bucket, Key=key)["Body"].read()

    def tree(self):
        return sorted(str(p.relative_to(self.storage.folder)) for p in self.storage.folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def storage_tool(verbatim):
    return pathlib.Path(verbatim).parent / "tests" / "tools" / "storage_tool"


@pytest.fixture
def tool(storage_tool, storage, tmp_path):
    return Tool(storage_tool, storage, tmp_path)


@pytest.fixture(scope="module")
def s3_storage(object_store):
    """Each S3 server with a bucket beside the one that `storage` makes."""
    bucket = object_store.make_bucket("test-storage-s3")
    return Storage(object_store.name, object_store.options(bucket), object_store.credentials(), object_store, bucket)


@pytest.fixture
def directory(storage_tool, tmp_path):
    """A tool on a directory of the test's own."""
    return Tool(storage_tool, file_storage(tmp_path), tmp_path)


def body(size, seed=1):
    return (hashlib.sha256(str(seed).encode()).digest() * (size // 32 + 1))[:size]


def test_put_size_and_read_back(tool):
    key = tool.key("caf\u00e9 100%+\u4f60\u597d.zip")
    data = body(300_007)
    assert tool.run("size", key, check=False)[1].startswith("not_found")
    tool.run("put", key, "caf\u00e9 100%+\u4f60\u597d.zip", tool.file(data))
    assert tool.run("size", key) == "300007"
    assert tool.content(key) == data
    other = body(5, 2)
    tool.run("put", key, "x.zip", tool.file(other))
    assert tool.content(key) == other


def test_an_empty_object(tool):
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(b""))
    assert tool.run("size", key) == "0"


def test_parts_are_joined_in_order_with_gaps(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    bodies = {3: body(5 * MIB + 1, 3), 17: body(6 * MIB, 17), 40: body(11, 40)}
    recorded = tool.parts(key, upload, dict(reversed(bodies.items())))[::-1]
    assert tool.close(key, upload, recorded) == "done"
    assert tool.content(key) == b"".join(bodies.values())
    assert tool.close(key, upload, recorded) == "done", "repeated"
    assert tool.run("clean", key, upload, "keep") == "clean"
    assert tool.content(key) == b"".join(bodies.values())


def test_parts_never_recorded_are_left_out(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(5 * MIB), 2: body(7 * MIB, 9), 3: body(20, 3)})
    assert tool.close(key, upload, [recorded[0], recorded[2]]) == "done"
    assert tool.content(key) == body(5 * MIB) + body(20, 3)


def test_a_single_part(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {16: body(1000)})
    assert tool.close(key, upload, recorded) == "done"
    assert tool.close(key, upload, recorded) == "done"
    assert tool.content(key) == body(1000)


def test_a_part_sent_again_counts_once(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    tool.parts(key, upload, {1: body(5 * MIB, "first")}, epoch=1)
    again = tool.parts(key, upload, {1: body(5 * MIB + 7, "second"), 2: body(9)}, epoch=2)
    assert tool.close(key, upload, again) == "done"
    assert tool.content(key) == body(5 * MIB + 7, "second") + body(9)


def test_parts_that_differ_are_named(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(5 * MIB), 2: body(5 * MIB, 2), 4: body(3)}, epoch=1)
    missing = f"3:{5 * MIB}:" + recorded[1].split(":", 2)[2]
    assert tool.close(key, upload, [recorded[0], recorded[1], missing, recorded[2]]) == "differ 3"
    number, size, etag = recorded[1].split(":", 2)
    wrong = f"{number}:{size}:" + ('"' + "0" * 32 + '"' if etag.startswith('"') else "77")
    assert tool.close(key, upload, [recorded[0], wrong, recorded[2]]) == "differ 2"
    assert tool.run("size", key, check=False)[1].startswith("not_found")
    assert tool.close(key, upload, recorded) == "done", "nothing was lost by asking"


def test_a_close_whose_sizes_contradict_is_refused(tool):
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(10)})
    status, errors = tool.run("close", key, upload, 11, *recorded, check=False)
    assert status == 1 and errors.startswith("corrupt"), errors
    tool.run("clean", key, upload, "drop")


def test_clean_takes_parts_and_object(tool):
    key = tool.key()
    assert tool.run("clean", key, "", "drop") == "clean", "nothing there"
    upload = tool.run("begin", key, "a.zip")
    recorded = tool.parts(key, upload, {1: body(5 * MIB), 2: body(10)})
    assert tool.run("clean", key, upload, "keep") == "clean"
    assert tool.run("clean", key, upload, "keep") == "clean", "repeated"
    status, out = tool.run("close", key, upload, 5 * MIB + 10, *recorded, check=False)
    assert status == 1 and out.startswith("not_found") or tool.storage.folder, "no object comes out of it"
    assert tool.run("size", key, check=False)[1].startswith("not_found")
    tool.run("put", key, "a.zip", tool.file(body(10)))
    assert tool.run("clean", key, "", "keep") == "clean"
    assert tool.run("size", key) == "10"
    assert tool.run("clean", key, "", "drop") == "clean"
    assert tool.run("size", key, check=False)[1].startswith("not_found")


def test_ready_and_identity(tool):
    tool.run("ready")
    identity = tool.run("identity")
    assert identity == tool.run("identity")
    if tool.storage.folder:
        assert re.fullmatch(r"file:[0-9a-f-]{36}", identity)
    else:
        assert tool.storage.bucket in identity and tool.storage.store.endpoint in identity


def test_the_link_of_s3_is_presigned_and_works(tool):
    name = "caf\u00e9 \u4f60.zip"
    key = tool.key(name)
    tool.run("put", key, name, tool.file(body(1234)))
    now = int(time.time() * 1_000_000)
    link = tool.run("link", key, name, now, now + 24 * HOUR)
    assert link == tool.run("link", key, name, now, now + 24 * HOUR)
    if tool.storage.folder:
        quoted = urllib.parse.quote(key, safe="/-_.~")
        assert re.fullmatch(rf"http://links\.example/files/{re.escape(quoted)}"
                            rf"\?expires={now // 1_000_000 + 86400}&signature=[0-9a-f]{{64}}", link)
        return
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == body(1234)
        assert "filename*=UTF-8''caf%C3%A9%20%E4%BD%A0.zip" in answer.headers["Content-Disposition"]
    assert "X-Amz-Expires=86400" in link
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link.replace("X-Amz-Expires=86400", "X-Amz-Expires=86401"))
    assert refused.value.code == 403


def test_with_temporary_credentials_the_link_is_our_own(storage_tool, s3_storage, tmp_path):
    tool = Tool(storage_tool, s3_storage, tmp_path)
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(body(99)))
    tool.env["AWS_SESSION_TOKEN"] = "a-token"
    link = tool.run("link", key, "a.zip", 1_780_000_000_000_000, 1_780_086_400_000_000)
    assert link.startswith("http://links.example/files/conversation_exports/w/")
    redirect = tool.run("open", key)
    assert "X-Amz-Security-Token=a-token" in redirect and "X-Amz-Expires=60" in redirect
    del tool.env["AWS_SESSION_TOKEN"]
    with urllib.request.urlopen(tool.run("open", key)) as answer:
        assert answer.read() == body(99)


def test_a_prefix_leads_every_key(storage_tool, s3_storage, tmp_path):
    tool = Tool(storage_tool, s3_storage, tmp_path, prefix="/archives/of us/")
    assert tool.key().startswith("archives/of us/conversation_exports/w/")


def test_no_upload_is_left_behind(storage_tool, s3_storage, tmp_path):
    tool = Tool(storage_tool, s3_storage, tmp_path)
    key = tool.key()
    upload = tool.run("begin", key, "a.zip")
    tool.parts(key, upload, {1: body(5 * MIB), 2: body(10)})
    client = s3_storage.store.client()
    uploads = client.list_multipart_uploads(Bucket=s3_storage.bucket, Prefix=key).get("Uploads", [])
    assert [u["UploadId"] for u in uploads] == [upload]
    assert tool.run("clean", key, upload, "drop") == "clean"
    assert not client.list_multipart_uploads(Bucket=s3_storage.bucket, Prefix=key).get("Uploads")


def test_uploads_that_nobody_knows_are_found_by_their_key(storage_tool, s3_storage, tmp_path):
    tool = Tool(storage_tool, s3_storage, tmp_path)
    key = tool.key()
    tool.run("put", key, "a.zip", tool.file(body(10)))
    known, neighbour = tool.run("begin", key, "a.zip"), tool.run("begin", key + ".b", "a.zip")
    for _ in range(2):
        tool.run("begin", key, "a.zip")
    client = s3_storage.store.client()

    def uploads(of):
        listed = client.list_multipart_uploads(Bucket=s3_storage.bucket, Prefix=of).get("Uploads", [])
        return [upload["UploadId"] for upload in listed if upload["Key"] == of]
    assert len(uploads(key)) == 3 and known in uploads(key)
    assert tool.run("clean", key, known, "keep") == "clean"
    assert uploads(key) == [] and tool.content(key) == body(10)
    tool.run("begin", key, "a.zip")
    assert tool.run("clean", key, "", "drop") == "clean"
    assert uploads(key) == [] and tool.run("size", key, check=False)[1].startswith("not_found")
    assert uploads(key + ".b") == [neighbour]
    assert tool.run("clean", key + ".b", neighbour, "keep") == "clean"


@pytest.mark.parametrize("refusal", [error(501, "NotImplemented"), error(405, "MethodNotAllowed"), Step(501),
                                     error(403, "AccessDenied")], ids=lambda step: str(step.status))
def test_a_store_that_lists_no_uploads_is_told_and_clean(storage_tool, tmp_path, refusal):
    looks = 2 if refusal.status == 501 else 1  # the second without a length of the page
    with ScriptedHttp(Step(204), error(404, "NoSuchKey"), *[refusal] * looks) as server:
        storage = Storage("scripted", {"storage": "s3://bucket", "s3_endpoint": server.endpoint},
                          {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "secret"})
        assert Tool(storage_tool, storage, tmp_path).run("clean", "key", "", "drop") == "clean"
        assert [request.method for request in server.seen] == ["DELETE", "HEAD"] + ["GET"] * looks


def test_a_list_that_fails_is_a_failure(storage_tool, tmp_path):
    with ScriptedHttp(Step(204), error(404, "NoSuchKey"), error(403, "SignatureDoesNotMatch")) as server:
        storage = Storage("scripted", {"storage": "s3://bucket", "s3_endpoint": server.endpoint},
                          {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "secret"})
        status, errors = Tool(storage_tool, storage, tmp_path).run("clean", "key", "", "drop", check=False)
    assert status == 1 and errors.startswith("denied") and "list uploads" in errors


def test_keys_hold_any_workspace(tool):
    job = uuid.uuid4()
    key = tool.run("key", "../a/b\u00e9", job, 7, "a.zip")
    assert key.endswith(f"conversation_exports/%2E.%2Fa%2Fb%C3%A9/{job}-7/a.zip")
    assert len(tool.run("key", "x" * 5000, job, 7, "a.zip")) < 300
    assert tool.run("key", "x" * 5000, job, 7, "a.zip") != tool.run("key", "x" * 4999, job, 7, "a.zip")
    for name in ("", "..", "a/b.zip", ".hidden"):
        assert tool.run("key", "w", job, 7, name, check=False)[1].startswith("invalid")
    key = tool.run("key", "../a/b\u00e9", job, 7, "a.zip")
    tool.run("put", key, "a.zip", tool.file(body(10)))
    assert tool.content(key) == body(10)


@pytest.mark.parametrize("key", ["../a", "/etc/passwd", "a/../../b", "a//b", "a/./b", "a/", "", "..", ".",
                                 "a/..", "/".join("x" * 20)])
def test_a_directory_is_never_left(directory, key):
    before = sorted(directory.folder.iterdir())
    for call in (["put", key, "n", directory.file(b"x")], ["size", key], ["open", key], ["begin", key, "n"],
                 ["part", key, "", 1, 1, directory.file(b"x")], ["clean", key, "", "drop"],
                 ["close", key, "", 1, "1:1:1"]):
        status, errors = directory.run(*call, check=False)
        assert status == 1 and errors.startswith("invalid"), (call, errors)
    assert [p for p in sorted(directory.folder.iterdir()) if p not in before] == [directory.file(b"x")]


def test_symbolic_links_are_not_followed(directory):
    outside = directory.folder / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (directory.storage.folder / "link").symlink_to(outside)
    (directory.storage.folder / "file").symlink_to(outside / "secret")
    for key in ("link/secret", "file"):
        for call in (["open", key], ["size", key]):
            assert directory.run(*call, check=False)[0] == 1
    assert directory.run("put", "link/new", "n", directory.file(b"x"), check=False)[0] == 1
    directory.run("clean", "file", "", "drop")
    assert sorted(p.name for p in outside.iterdir()) == ["secret"]
    os.mkfifo(directory.storage.folder / "pipe")
    assert directory.run("open", "pipe", check=False)[1].startswith("not_found")


def test_a_directory_that_cannot_be_used_is_told_at_the_start(directory):
    def refusal(path):
        directory.env["VERBATIM_STORAGE"] = f"file://{path}"
        status, errors = directory.run("identity", check=False)
        assert status == 1
        return errors
    assert "/nowhere/at/all of the option storage is not there: make it" in refusal("/nowhere/at/all")
    assert "of the option storage is no directory" in refusal(directory.file(b"x"))
    assert "needs an absolute path" in refusal("relative")
    assert any(words in refusal("/proc/sys") for words in ("Read-only file system", "must be readable and writable"))
    directory.env["VERBATIM_STORAGE"] = "ftp://x"
    assert "neither file:///DIR nor s3://BUCKET" in directory.run("identity", check=False)[1]


def test_processes_that_start_at_once_agree_on_the_store(directory):
    running = [subprocess.Popen([directory.program, "identity"], env=directory.env, stdout=subprocess.PIPE)
               for _ in range(12)]
    assert len({process.communicate()[0] for process in running}) == 1
    assert directory.tree() == [".verbatim-store"]


def test_another_directory_under_the_path_is_noticed(directory):
    identity = directory.run("identity")
    store = directory.storage.folder / ".verbatim-store"
    store.write_text("not an id\n")
    assert "holds no id" in directory.run("identity", check=False)[1]
    store.unlink()
    assert directory.run("identity") != identity


def test_a_directory_keeps_nothing_but_the_object(directory):
    key = directory.key()
    upload = directory.run("begin", key, "a.zip")
    assert upload == ""
    recorded = directory.parts(key, upload, {1: body(10), 2: body(20, 2)}, epoch=5)
    names = [pathlib.PurePath(p) for p in directory.tree() if ".parts-" in p]
    assert sorted(p.name for p in names) == ["1-5", "2-5"]
    assert {p.parent.parent for p in names} == {pathlib.PurePath(key).parent}
    (directory.storage.folder / key).parent.joinpath(".tmp-0011223344556677").write_text("left")
    assert directory.close(key, upload, recorded) == "done"
    assert not [p for p in directory.tree() if ".parts-" in p]
    assert directory.run("clean", key, upload, "keep") == "clean"
    assert directory.tree() == [".verbatim-store", key]
    assert directory.run("clean", key, upload, "drop") == "clean"
    assert not (directory.storage.folder / key).parent.exists()


def test_a_part_cut_short_is_found(directory):
    key = directory.key()
    directory.run("begin", key, "a.zip")
    recorded = directory.parts(key, "", {1: body(1000), 2: body(20, 2)}, epoch=5)
    part = next(directory.storage.folder.rglob("1-5"))
    part.write_bytes(part.read_bytes()[:-1])
    assert directory.close(key, "", recorded) == "differ 1"
    part.unlink()
    assert directory.close(key, "", recorded) == "differ 1"


def test_two_closes_at_once_both_succeed(directory):
    for _ in range(5):
        key = directory.key()
        directory.run("begin", key, "a.zip")
        recorded = directory.parts(key, "", {n: body(3 * MIB, n) for n in range(1, 5)})
        command = [directory.program, "close", key, "", str(12 * MIB), *recorded]
        running = [subprocess.Popen(command, env=directory.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for _ in range(3)]
        answers = [process.communicate() for process in running]
        assert any(out == b"done" for out, _ in answers), answers
        assert all(out == b"done" or b"vanished" in errors for out, errors in answers), answers
        assert directory.content(key) == b"".join(body(3 * MIB, n) for n in range(1, 5))
        assert directory.close(key, "", recorded) == "done"


def test_leftovers_are_found_by_age_and_swept(directory):
    old, young, done = directory.key(epoch=1), directory.key(epoch=2), directory.key(epoch=3)
    for key in (old, young):
        directory.run("begin", key, "a.zip")
        directory.parts(key, "", {1: body(10)})
    directory.run("put", done, "a.zip", directory.file(body(10)))
    folder = (directory.storage.folder / old).parent
    temporary = folder / ".tmp-0011223344556677"
    temporary.write_text("x")
    for path in (temporary, next(folder.glob(".parts-*"))):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    job = pathlib.PurePath(old).parent.name[:36]
    assert directory.run("leftovers", HOUR).split("\n")[0] == f"{job} {pathlib.PurePath(old).parent}"
    assert directory.run("leftovers", HOUR).count("\n") == 1
    assert directory.run("leftovers", 0).count("\n") == 2, "the finished archive is none"
    assert directory.run("sweep", str(pathlib.PurePath(young).parent), HOUR) == "0"
    assert directory.run("sweep", str(pathlib.PurePath(old).parent), HOUR) == "2"
    assert not folder.exists()
    assert directory.run("sweep", str(pathlib.PurePath(done).parent), 0) == "0"
    assert directory.content(done) == body(10)
    assert directory.run("leftovers", 0).count("\n") == 1


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be preloaded first")
@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_directory_without_hard_links(directory, code):
    library = directory.program.parent / "without_links.so"
    directory.env |= {"LD_PRELOAD": str(library), "WITHOUT_LINKS": str(code)}
    identity = directory.run("identity")
    assert identity == directory.run("identity") and re.fullmatch(r"file:[0-9a-f-]{36}", identity)
    key = directory.key()
    upload = directory.run("begin", key, "a.zip")
    recorded = directory.parts(key, upload, {1: body(300_000), 2: body(7)})
    assert directory.close(key, upload, recorded) == "done"
    assert directory.content(key) == body(300_000) + body(7)
    assert directory.run("clean", key, upload, "drop") == "clean"
    assert directory.tree() == [".verbatim-store"]


def test_an_id_that_is_being_written_is_waited_for(directory):
    place = directory.storage.folder / ".verbatim-store"
    whole = str(uuid.uuid4())
    place.write_text(whole[:20])
    writer = threading.Timer(0.3, place.write_text, [whole + "\n"])
    writer.start()
    assert directory.run("identity") == f"file:{whole}"
    writer.join()
