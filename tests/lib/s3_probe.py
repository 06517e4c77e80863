"""Drives build/PRESET/tests/tools/s3_probe: one S3 client of ours that does as it is told, line by line."""

import json
import os
import pathlib
import subprocess

from .patience import LIMIT

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATTERN = [bytes((7 * i + seed) % 256 for i in range(256)) for seed in range(256)]
HIDDEN = ("AWS_", "S3_")  # what the surroundings say about credentials must not reach a test


def program():
    binary = pathlib.Path(os.environ.get("VERBATIM_BINARY", ROOT / "build/release/verbatim"))
    return binary.parent / "tests/tools/s3_probe"


def body(size, seed):
    """The bytes that the probe sends for this size and seed."""
    return (PATTERN[seed % 256] * (size // 256 + 1))[:size]


class Failure(Exception):
    """A command that did not end in `ok`; `answer` has status, code, text, retryable."""

    def __init__(self, command, answer):
        super().__init__(f"{command}: {answer['status']} {answer['text']}")
        self.answer = answer


class Probe:
    def __init__(self, **env):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
        clean |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
        self.process = subprocess.Popen([program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=clean | {k: str(v) for k, v in env.items()})

    @classmethod
    def of_store(cls, store, bucket, **env):
        place = {"S3_ENDPOINT": store.endpoint, "S3_REGION": store.region, "S3_BUCKET": bucket}
        return cls(**place | store.credentials() | env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(timeout=LIMIT) == 0

    def ask(self, *words):
        """The answer, whatever its status."""
        self.process.stdin.write("\t".join("" if word is None else str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the probe ended at {words[0]}"
        return json.loads(line)

    def do(self, *words):
        """The answer to a command that must succeed."""
        answer = self.ask(*words)
        if answer["status"] != "ok":
            raise Failure(words[0], answer)
        return answer

    def memory(self):
        """Peak resident memory in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
