"""The place of a lane's archives, and what is left there: a directory, or a bucket."""

import pathlib
import shutil


class FileStore:
    """A directory of a lane's own."""

    bucket = None

    def __init__(self, folder):
        self.folder = folder / "store"
        self.folder.mkdir()
        self.options, self.env, self.store = {"storage": f"file://{self.folder}"}, {}, None

    def read(self, key):
        return (self.folder / key).read_bytes()

    def write(self, key, data):
        (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / key).write_bytes(data)

    def leave(self, key):
        """A part of an upload to the key."""
        path = (self.folder / key).parent / ".parts-0123456789abcdef" / "1-5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"part")
        return ""

    def vanish(self):
        """As somebody's hand takes uploads away."""
        for path in list(self.folder.rglob(".parts-*")):
            shutil.rmtree(path)

    def remove(self, key):
        (self.folder / key).unlink()

    def begin_upload(self, key):
        return ""

    def left(self):
        """What is stored, and what should not be there but for archives."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                if path.is_file() and path.name != ".verbatim-store"}

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class S3Store:
    """A bucket of a lane's own. Uploads are looked for at each key at which one was ever begun: MinIO lists them only
    by their exact key."""

    folder = None

    def __init__(self, store, name):
        self.store, self.bucket = store, store.make_bucket(name.replace("_", "-"))
        self.options, self.env = store.options(self.bucket), store.credentials()
        self.keys = set()
        self._client = store.client()

    def read(self, key):
        return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def write(self, key, data):
        self._client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def leave(self, key):
        """An upload to the key with a part."""
        upload = self.begin_upload(key)
        self._client.upload_part(Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"part")
        return upload

    def remove(self, key):
        self._client.delete_object(Bucket=self.bucket, Key=key)

    def begin_upload(self, key):
        self.keys.add(key)
        return self._client.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]

    def vanish(self):
        """As a lifecycle rule takes uploads away."""
        for key, upload in self._uploads():
            self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    def _uploads(self):
        for key in list(self.keys):
            listed = self._client.list_multipart_uploads(Bucket=self.bucket, Prefix=key).get("Uploads", [])
            yield from ((each["Key"], each["UploadId"]) for each in listed if each["Key"] == key)

    def left(self):
        found = {each["Key"] for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
                 for each in page.get("Contents", [])}
        found |= {f"{key} upload {upload}" for key, upload in self._uploads()}
        self.keys = set()
        return found

    def close(self):
        for key in self.left():
            self.remove(key.split(" upload ")[0])
