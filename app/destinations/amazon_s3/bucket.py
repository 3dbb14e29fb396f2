"""A bucket as a `Bucket`: the parts of a multipart upload stay unseen until it is completed."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from botocore.exceptions import ClientError

from app.core.errors import NotAllowed, SendoffError, TryAgain
from app.destinations.amazon_s3.account import Account
from app.destinations.files import not_whole
from app.destinations.objects import Body, Part, content_type, part_size
from app.destinations.speed import MOST_PARALLEL

MOST_PARTS = 10_000
IDLE = timedelta(minutes=5)  # an upload nobody touched for so long was cut off, and may be gone on with
_MD5 = re.compile(r"[0-9a-f]{32}")


class S3Bucket:
    """One bucket; thread safe as its client is."""

    def __init__(self, account: Account) -> None:
        self.who = account.who
        self._account = account
        self._client = account.client()
        self._name = {"Bucket": account.bucket}
        self._left: list[dict[str, Any]] = []
        self._wants_md5 = threading.Event()

    def close(self) -> None:
        """See `Bucket.close`."""
        self._client.close()

    def begin(self, key: str, size: int) -> S3Upload:
        """See `Bucket.begin`; goes on with what `tidy` found."""
        upload = S3Upload(self._account, self._client, key, part_size(size, MOST_PARTS), self._wants_md5)
        if size:
            upload.begin(*self._cut_off(key))
        return upload

    def write(self, key: str, data: bytes) -> None:
        """See `Bucket.write`."""
        with self._account.sentences("write files"):
            self._client.put_object(**self._name, Key=key, Body=data, ContentMD5=_encoded_md5(data))

    def read(self, key: str) -> bytes:
        """See `Bucket.read`."""
        with self._account.sentences("read files"):
            return bytes(self._client.get_object(**self._name, Key=key)["Body"].read())

    def copy(self, key: str, to: str) -> bool | None:
        """See `Bucket.copy`: within S3, in parts when it is large."""
        try:
            with self._account.sentences("read files"):
                if _head(self._client, self._account.bucket, key) is None:
                    return None
                self._client.copy({**self._name, "Key": key}, self._account.bucket, to)
        except NotAllowed:
            return False
        return True

    def size(self, key: str) -> int:
        """See `Bucket.size`."""
        with self._account.sentences("read files"):
            found = _head(self._client, self._account.bucket, key)
        return -1 if found is None else int(found["ContentLength"])

    def delete(self, key: str) -> None:
        """See `Bucket.delete`; in a versioned bucket earlier versions stay."""
        with self._account.sentences("remove files"):
            self._client.delete_object(**self._name, Key=key)

    def keys(self, prefix: str) -> list[str]:
        """See `Bucket.keys`."""
        with self._account.sentences("list files"):
            pages = self._client.get_paginator("list_objects_v2").paginate(**self._name, Prefix=prefix)
            return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def remove_empty_folders(self, prefix: str) -> None:
        """Nothing: a folder goes with its last file."""

    def tidy(self, prefix: str, before: datetime) -> None:
        """See `Bucket.tidy`; an upload that got a part since then is alive."""
        with self._account.sentences("remove files"):
            for each in list(self._unfinished(prefix)):
                if each["Initiated"] < before and _touched(each, self._parts(each)) < before:
                    self._client.abort_multipart_upload(**self._name, Key=each["Key"], UploadId=each["UploadId"])
                else:
                    self._left.append(each)

    def _cut_off(self, key: str) -> tuple[str | None, dict[int, tuple[str, int]]]:
        """The newest upload of this object that nobody goes on with, and its parts by number: ETag and size."""
        found = [each for each in self._left if each["Key"] == key]
        for each in sorted(found, key=lambda one: one["Initiated"], reverse=True):
            try:
                with self._account.sentences("read files"):
                    parts = self._parts(each)
            except SendoffError as error:
                if error.code in {"missing_right", "changed_meanwhile"}:  # it is not ours to see, or gone by now
                    continue
                raise
            if datetime.now(UTC) - _touched(each, parts) >= IDLE:
                return each["UploadId"], {part["PartNumber"]: (_bare(part["ETag"]), part["Size"]) for part in parts}
        return None, {}

    def _parts(self, upload: dict[str, Any]) -> list[dict[str, Any]]:
        place = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
        pages = self._client.get_paginator("list_parts").paginate(**self._name, **place)
        return [part for page in pages for part in page.get("Parts", ())]

    def _unfinished(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(**self._name, Prefix=prefix)
        for page in pages:
            yield from page.get("Uploads", ())


class SignedBody(Body):
    """A part's bytes for botocore, which reads them for the signature, goes back to the beginning and then sends them.

    Only what is read after going back counts as sent. Used by one thread.
    """

    def __init__(self, part: Part) -> None:
        super().__init__(part.data, part.watch, part.piece)
        self._whole = part.data
        self._signed = False

    def read(self, size: int = -1) -> bytes:
        """All of it for the signature, in one and not copied; then the next piece. Raises Cancelled."""
        if self._signed:
            return super().read(size)
        rest, self._at = self._whole[self._at :], len(self)
        return rest

    def tell(self) -> int:
        """Where the next reading begins."""
        return self._at

    def seek(self, at: int) -> int:
        """Go there; the signature is made."""
        self._at = at
        self._signed = True
        return at


class S3Upload:
    """One object on its way; thread safe. Without `begin` it is an empty one."""

    parallel = MOST_PARALLEL
    resumes = True

    def __init__(
        self,
        account: Account,
        client: Any,  # noqa: ANN401 - see `Account.client`
        key: str,
        part_bytes: int,
        wants_md5: threading.Event,
    ) -> None:
        self.part_bytes = part_bytes
        self._wants_md5 = wants_md5
        self._account = account
        self._client = client
        self._place = {"Bucket": account.bucket, "Key": key}
        self._upload: dict[str, str] | None = None
        self._there: dict[int, tuple[str, int]] = {}
        self._arrived: dict[int, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def begin(self, upload_id: str | None, there: dict[int, tuple[str, int]]) -> None:
        """Begin an upload, or go on with one of which some parts are there."""
        self._there = there
        if upload_id is None:
            with self._account.sentences("write files"):
                made = self._client.create_multipart_upload(**self._place, ContentType=content_type(self._place["Key"]))
            upload_id = made["UploadId"]
        self._upload = {**self._place, "UploadId": upload_id}

    def holds(self, part: Part) -> bool:
        """See `Upload.holds`; the ETag of a part is its MD5 unless the bucket has keys of its own."""
        tag, size = self._there.get(part.number + 1, ("", -1))
        if size != len(part.data) or tag != part.md5.hex():
            return False
        self._note(part, tag)
        return True

    def send(self, part: Part) -> None:
        """See `Upload.send`; the signature holds the part's SHA-256, and S3 takes nothing that differs from it.

        A bucket that locks its objects demands the MD5 as well, which is learned from its first refusal.
        """
        with self._account.sentences("write files"):
            asked = self._wants_md5.is_set()
            try:
                self._send(part, with_md5=asked)
            except ClientError as error:
                if asked or "Content-MD5" not in error.response["Error"].get("Message", ""):
                    raise
                self._wants_md5.set()
                self._send(part, with_md5=True)

    def verify(self, size: int) -> None:
        """See `Upload.verify`; the content of each part was compared when it arrived."""
        arrived = sum(length for _tag, length in self._arrived.values())
        if arrived != size:
            raise not_whole(self._place["Key"], size, arrived)

    def complete(self) -> None:
        """See `Upload.complete`."""
        with self._account.sentences("write files"):
            if self._upload is None:
                kind = content_type(self._place["Key"])
                self._client.put_object(**self._place, Body=b"", ContentType=kind, ContentMD5=_encoded_md5(b""))
                return
            parts = [{"PartNumber": number, "ETag": self._arrived[number][0]} for number in sorted(self._arrived)]
            try:
                self._client.complete_multipart_upload(**self._upload, MultipartUpload={"Parts": parts})
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchUpload" or not self._is_there():
                    raise

    def abort(self) -> None:
        """See `Upload.abort`."""
        if self._upload is None:
            return
        try:
            with self._account.sentences("remove files"):
                self._client.abort_multipart_upload(**self._upload)
        except TryAgain as error:
            if error.code != "changed_meanwhile":  # it is gone already
                raise

    def _send(self, part: Part, *, with_md5: bool) -> None:
        checked = {"ContentMD5": _encoded(part.md5)} if with_md5 else {}
        answer = self._client.upload_part(
            **(self._upload or self._place),
            **checked,
            PartNumber=part.number + 1,
            Body=SignedBody(part),
            ContentLength=len(part.data),
        )
        self._note(part, _bare(answer["ETag"]))

    def _note(self, part: Part, tag: str) -> None:
        with self._lock:
            self._arrived[part.number + 1] = (tag, len(part.data))

    def _is_there(self) -> bool:
        """Whether the object is complete already: an earlier answer was lost. Its ETag is made of those of its parts."""
        tags = [self._arrived[number][0] for number in sorted(self._arrived)]
        if not all(map(_MD5.fullmatch, tags)):
            return False
        together = hashlib.md5(bytes.fromhex("".join(tags)), usedforsecurity=False)
        head = _head(self._client, self._place["Bucket"], self._place["Key"])
        return head is not None and _bare(head["ETag"]) == f"{together.hexdigest()}-{len(tags)}"


def _head(client: Any, bucket: str, key: str) -> dict[str, Any] | None:  # noqa: ANN401 - see `Account.client`
    """What S3 tells of an object, None when it is not there."""
    try:
        found: dict[str, Any] = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return None
        raise
    return found


def _touched(upload: dict[str, Any], parts: list[dict[str, Any]]) -> datetime:
    """When an upload was begun or got its last part."""
    return max(cast("datetime", moment) for moment in [upload["Initiated"], *(part["LastModified"] for part in parts)])


def _encoded_md5(data: bytes) -> str:
    """What a bucket that locks its objects demands of each write."""
    return _encoded(hashlib.md5(data, usedforsecurity=False).digest())


def _encoded(md5: bytes) -> str:
    return base64.b64encode(md5).decode()


def _bare(tag: str) -> str:
    return tag.strip('"')
