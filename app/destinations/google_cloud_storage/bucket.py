"""A bucket as a `Bucket`: the end of a resumable upload is held back, because the object appears with its last byte."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import IO, Any

import google_crc32c
import requests
from google.api_core.exceptions import NotFound
from google.cloud.storage import Blob

from app.core.errors import NotAllowed
from app.destinations.cloud import CONNECT_SECONDS, READ_SECONDS, changed_meanwhile
from app.destinations.files import not_whole
from app.destinations.google_cloud_storage.account import TARGET, Account
from app.destinations.objects import Part, content_type, part_size

_STEP = 256 << 10  # chunks are multiples of this, but for the last (cloud.google.com, resumable uploads)
_CALL: dict[str, Any] = {"timeout": (CONNECT_SECONDS, READ_SECONDS), "retry": None}
_GOES_ON = 308
_MOST_CHUNKS = 1_000_000  # there is no such limit; a chunk is as small as a part may be


class GoogleBucket:
    """One bucket; used by one thread at a time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        with account.sentences("sign in"):
            self.who, self._client, self._session = account.client()
        self._bucket = self._client.bucket(account.bucket)

    def close(self) -> None:
        """See `Bucket.close`."""
        self._client.close()
        self._session.close()

    def begin(self, key: str, size: int) -> GoogleUpload:
        """See `Bucket.begin`; an upload of another run cannot be found again, Google drops it after a week."""
        with self._account.sentences("write files"):
            place = self._bucket.blob(key).create_resumable_upload_session(
                content_type=content_type(key), size=size, checksum=None, **_CALL
            )
        return GoogleUpload(self._account, self._session, self._bucket.blob(key), str(place), size)

    def write(self, key: str, data: bytes) -> None:
        """See `Bucket.write`."""
        with self._account.sentences("write files"):
            self._bucket.blob(key).upload_from_string(data, "application/octet-stream", checksum=None, **_CALL)

    def read(self, key: str) -> bytes:
        """See `Bucket.read`."""
        with self._account.sentences("read files"):
            return bytes(self._bucket.blob(key).download_as_bytes(checksum=None, **_CALL))

    def copy(self, key: str, to: str) -> bool | None:
        """See `Bucket.copy`: Google copies by itself, step by step when it is large."""
        source, target = self._bucket.blob(key), self._bucket.blob(to)
        try:
            with self._account.sentences("read files"):
                try:
                    token = target.rewrite(source, **_CALL)[0]
                except NotFound:
                    return None
                while token is not None:
                    token = target.rewrite(source, token=token, **_CALL)[0]
        except NotAllowed:
            return False
        return True

    def size(self, key: str) -> int:
        """See `Bucket.size`."""
        blob = self._bucket.blob(key)
        with self._account.sentences("read files"):
            try:
                blob.reload(**_CALL)
            except NotFound as error:
                if "bucket" in str(error.message).lower():
                    raise
                return -1
        return int(blob.size)

    def delete(self, key: str) -> None:
        """See `Bucket.delete`; with soft delete or versions on, it can be brought back there."""
        with self._account.sentences("remove files"):
            try:
                self._bucket.blob(key).delete(**_CALL)
            except NotFound as error:
                if "bucket" in str(error.message).lower():
                    raise

    def keys(self, prefix: str) -> list[str]:
        """See `Bucket.keys`."""
        with self._account.sentences("list files"):
            return [each.name for each in self._client.list_blobs(self._bucket, prefix=prefix, **_CALL)]

    def remove_empty_folders(self, prefix: str) -> None:
        """Nothing: a folder goes with its last file."""

    def tidy(self, prefix: str, before: datetime) -> None:
        """Nothing: uploads that were never completed cannot be listed, and Google drops them after a week."""


class GoogleUpload:
    """One object on its way, part after part; used by one thread at a time."""

    parallel = 1  # the bytes of a resumable upload go in order
    resumes = False

    def __init__(self, account: Account, session: requests.Session, blob: Blob, place: str, size: int) -> None:
        self.part_bytes = part_size(size, _MOST_CHUNKS)
        self._account = account
        self._session = session
        self._blob = blob
        self._place = place
        self._size = size
        self._tail = b""
        self._received: int | None = 0  # None: an answer was lost, ask
        self._crc = 0
        self._counted = 0
        self._asked_to_complete = False

    def holds(self, part: Part) -> bool:  # noqa: ARG002 - see `Upload`
        """Never: see `GoogleBucket.begin`."""
        return False

    def send(self, part: Part) -> None:
        """See `Upload.send`; of the last part, the end is kept for `complete`."""
        start = part.number * self.part_bytes
        end = start + len(part.data)
        if self._counted <= start:
            self._crc = google_crc32c.extend(self._crc, part.data)
            self._counted = end
        last = end == self._size
        self._tail = part.data[-((len(part.data) - 1) % _STEP + 1) :] if last else b""
        goal = end - len(self._tail)
        while (at := self._position()) < goal:
            if at < start:
                raise changed_meanwhile(TARGET)
            self._put(part, at - start, goal - start)

    def verify(self, size: int) -> None:
        """See `Upload.verify`; the content is compared by Google when its last byte arrives."""
        arrived = self._position() + len(self._tail)
        if arrived != size:
            raise not_whole(str(self._blob.name), size, arrived)

    def complete(self) -> None:
        """See `Upload.complete`; Google refuses the object when its CRC32C differs."""
        if self._asked_to_complete and self._is_there():
            return
        self._asked_to_complete = True
        end = f"{self._size - len(self._tail)}-{self._size - 1}" if self._size else "*"
        headers = {"Content-Range": f"bytes {end}/{self._size}", "X-Goog-Hash": f"crc32c={self._checksum}"}
        answer = self._call(headers, self._tail)
        if answer.status_code == _GOES_ON:
            raise not_whole(str(self._blob.name), self._size, _received(answer))

    def abort(self) -> None:
        """See `Upload.abort`."""
        with self._account.sentences("write files"):
            self._session.delete(self._place, timeout=_CALL["timeout"])  # 499 when it worked; otherwise it expires

    @property
    def _checksum(self) -> str:
        """The CRC32C of all parts, as Google writes it."""
        return base64.b64encode(self._crc.to_bytes(4, "big")).decode()

    def _position(self) -> int:
        """How many bytes Google has."""
        if self._received is None:
            self._received = _received(self._call({"Content-Range": f"bytes */{self._size}"}, b""))
        return self._received

    def _put(self, part: Part, begin: int, end: int) -> None:
        """Send a piece of a part."""
        self._received = None
        at, size = part.number * self.part_bytes + begin, end - begin
        headers = {"Content-Range": f"bytes {at}-{at + size - 1}/{self._size}"}
        self._received = _received(self._call(headers, part.body(begin, end)))

    def _call(self, headers: dict[str, str], body: IO[bytes] | bytes) -> requests.Response:
        with self._account.sentences("write files"):
            answer = self._session.put(
                self._place, data=body, headers=headers, timeout=_CALL["timeout"], allow_redirects=False
            )
        if answer.status_code not in {200, 201, _GOES_ON}:
            raise self._account.refusal(answer.status_code, [], answer.text[:300], "write files", answer.headers)
        return answer

    def _is_there(self) -> bool:
        """Whether the object is complete already: an earlier answer was lost."""
        with self._account.sentences("read files"):
            try:
                self._blob.reload(**_CALL)
            except NotFound:
                return False
        return bool(self._blob.size == self._size and self._blob.crc32c == self._checksum)


def _received(answer: requests.Response) -> int:
    """What Google says it has; it is always whole steps, and no range means nothing."""
    _, _, last = answer.headers.get("Range", "").partition("-")
    return (int(last) + 1) // _STEP * _STEP if last.isdigit() else 0
