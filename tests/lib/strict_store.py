"""A real S3 server behind a proxy that wants of parts what stricter stores want. Each rule is that of a store which is
too large, or not to be had, for the tests."""

import re
from urllib.parse import parse_qs, urlsplit

from tests.end_to_end.conftest import Storage

from .fault_proxy import FaultProxy, key_of_call


def refusal(code, message, status=400):
    return status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def named(sent, held):
    """Ceph RGW: each part that was uploaded is named."""
    return set(sent) == set(held) or refusal("InvalidPart", "a part is not named")


def equal(sent, held):
    """Cloudflare R2: all parts but the last have one length, and the last is no longer."""
    sizes = [held[number] for number in sent if number in held]
    good = len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]
    return good or refusal("InvalidPart", "All non-trailing parts must have the same length.")


def dense(sent, held):
    """rclone serve s3, directory buckets: 1, 2, 3, without a gap."""
    return sent == list(range(1, len(sent) + 1)) or refusal("InvalidPartOrder", "The list of parts was not in order.")


def dense_and_told_so(sent, held):
    """s3s-fs: the same, in words of its own."""
    return dense(sent, held) is True or refusal("InvalidRequest", "invalid part order")


def few(most):
    """A store that takes part numbers up to this one, in the words of Swift; for store.before."""
    def refuse(call, target, body):
        if call.startswith("part ") and int(call.split()[1]) > most:
            return refusal("InvalidArgument", f"Part number must be an integer between 1 and {most}, inclusive")
        return None
    return refuse


class StrictStore:
    """`with StrictStore(server, bucket, rule...) as store:`; store.storage is what Verbatim is given.

    before(call, target, body) is asked first, and its answer taken; spoil(client, upload): what becomes of an upload
    that broke a rule, upload being the arguments that name it; refused: the answers to what broke a rule; keys: of each
    upload that was begun, in order; sent: the part numbers of each completion that was let through."""

    def __init__(self, server, bucket, *rules):
        self.rules, self.bucket, self.server = rules, bucket, server
        self.client = server.client()
        if bucket not in [one["Name"] for one in self.client.list_buckets()["Buckets"]]:
            server.make_bucket(bucket)
        self.proxy = FaultProxy(server.endpoint)
        self.proxy.refuse = self._refuse
        options = server.options(bucket) | {"s3_endpoint": self.proxy.endpoint}
        self.storage = Storage("strict", options, server.credentials(), server, bucket)
        self.refused, self.keys, self.sent = [], [], []
        self.before = lambda call, target, body: None
        self.spoil = lambda client, upload: None

    def __enter__(self):
        self.proxy.__enter__()
        return self

    def __exit__(self, *args):
        self.proxy.__exit__(*args)

    def held(self, key, upload):
        """{number: size} of the upload's parts."""
        answer = self.client.list_parts(Bucket=self.bucket, Key=key, UploadId=upload)
        return {part["PartNumber"]: part["Size"] for part in answer.get("Parts", [])}

    def _refuse(self, call, target, body):
        answer = self.before(call, target, body)
        if answer:
            self.refused.append(answer[1].decode())
            return answer
        if call == "create":
            self.keys.append(key_of_call(target))
        if call != "complete":
            return None
        key, upload = key_of_call(target), parse_qs(urlsplit(target).query)["uploadId"][0]
        held = self.held(key, upload) if self.rules else {}
        sent = [int(number) for number in re.findall(rb"<PartNumber>(\d+)<", body)]
        for rule in self.rules:
            answer = rule(sent, held)
            if answer is not True:
                self.spoil(self.client, {"Bucket": self.bucket, "Key": key, "UploadId": upload})
                self.refused.append(answer[1].decode())
                return answer
        self.sent.append(sent)
        return None
