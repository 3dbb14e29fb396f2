"""A container of Azure Blob Storage as a `Bucket`: blocks stay unseen until their list is committed."""

from __future__ import annotations

import base64
import time
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient, ContentSettings

from app.core.errors import NotAllowed
from app.destinations.azure_account import Account, account, error_code
from app.destinations.contract import Settings
from app.destinations.files import not_whole
from app.destinations.objects import ObjectStore, Part, content_type, part_size
from app.destinations.speed import MOST_PARALLEL

_MOST_BLOCKS = 50_000
_COPY_SECONDS = 600.0
_TARGET = "Azure Blob Storage"


def blob_store(settings: Settings) -> ObjectStore:
    """The container a connection describes; raises FixSettings or SignInAgain when the settings are not complete."""
    found = account(settings, "blob", _TARGET)
    return ObjectStore(lambda: BlobBucket(found), found.address, settings)


class BlobBucket:
    """One container; thread safe as its client is."""

    def __init__(self, account: Account) -> None:
        self.who = f"{account.name}, with {account.who},"
        self._account = account
        self._container = ContainerClient(account.url, account.container, **account.client_options())

    def close(self) -> None:
        """See `Bucket.close`."""
        self._container.close()

    def begin(self, key: str, size: int) -> BlobUpload:
        """See `Bucket.begin`: a block's name is made from its content, so that one which is there need not travel again."""
        blob = self._container.get_blob_client(key)
        return BlobUpload(self._account, blob, part_size(size, _MOST_BLOCKS), _waiting(self._account, blob))

    def write(self, key: str, data: bytes) -> None:
        """See `Bucket.write`."""
        with self._account.sentences("write files"):
            self._container.upload_blob(key, data, overwrite=True)

    def read(self, key: str) -> bytes:
        """See `Bucket.read`."""
        with self._account.sentences("read files"):
            return self._container.download_blob(key).readall()

    def copy(self, key: str, to: str) -> bool | None:
        """See `Bucket.copy`: within an account the service copies by itself, usually at once."""
        source, target = self._container.get_blob_client(key), self._container.get_blob_client(to)
        try:
            with self._account.sentences("read files"):
                if not source.exists():
                    return None
                target.start_copy_from_url(self._account.signed(source.url))
                return self._wait_for(target)
        except NotAllowed:
            return False

    def size(self, key: str) -> int:
        """See `Bucket.size`."""
        with self._account.sentences("read files"):
            try:
                return int(self._container.get_blob_client(key).get_blob_properties().size)
            except ResourceNotFoundError as error:
                if error_code(error) != "BlobNotFound":
                    raise
        return -1

    def delete(self, key: str) -> None:
        """See `Bucket.delete`; its snapshots go too, since a blob cannot be removed without them."""
        with self._account.sentences("remove files"):
            try:
                self._container.delete_blob(key, delete_snapshots="include")
            except ResourceNotFoundError as error:
                if error_code(error) != "BlobNotFound":
                    raise

    def keys(self, prefix: str) -> list[str]:
        """See `Bucket.keys`; the entries with which a hierarchical account shows its folders are none."""
        with self._account.sentences("list files"):
            found = self._container.list_blobs(name_starts_with=prefix, include=["metadata"])
            return [each.name for each in found if (each.metadata or {}).get("hdi_isfolder") != "true"]

    def remove_empty_folders(self, prefix: str) -> None:
        """Nothing: a folder goes with its last file."""

    def tidy(self, prefix: str, before: datetime) -> None:
        """Nothing: the service drops blocks that were never committed by itself, a week after the last of them."""

    def _wait_for(self, target: BlobClient) -> bool:
        end = time.monotonic() + _COPY_SECONDS
        while (status := target.get_blob_properties().copy.status) == "pending" and time.monotonic() < end:
            time.sleep(0.2)
        return status == "success"


class BlobUpload:
    """One blob on its way; thread safe."""

    parallel = MOST_PARALLEL
    resumes = True

    def __init__(self, account: Account, blob: BlobClient, part_bytes: int, there: dict[str, int]) -> None:
        self.part_bytes = part_bytes
        self._account = account
        self._blob = blob
        self._there = there
        self._ids: dict[int, str] = {}

    def holds(self, part: Part) -> bool:
        """See `Upload.holds`."""
        name = _name(part)
        if self._there.get(name) != len(part.data):
            return False
        self._ids[part.number] = name
        return True

    def send(self, part: Part) -> None:
        """See `Upload.send`."""
        name = _name(part)
        with self._account.sentences("write files"):
            self._blob.stage_block(
                name, part.body(), len(part.data), headers={"Content-MD5": base64.b64encode(part.md5).decode()}
            )
        self._ids[part.number] = name

    def verify(self, size: int) -> None:
        """See `Upload.verify`."""
        there = _waiting(self._account, self._blob) if self._ids else {}
        arrived = sum(there.get(name, 0) for name in self._ids.values())
        if arrived != size:
            raise not_whole(self._blob.blob_name, size, arrived)

    def complete(self) -> None:
        """See `Upload.complete`."""
        blocks = [BlobBlock(self._ids[number]) for number in sorted(self._ids)]
        kind = ContentSettings(content_type=content_type(self._blob.blob_name))
        with self._account.sentences("write files"):
            self._blob.commit_block_list(blocks, content_settings=kind)

    def abort(self) -> None:
        """Nothing: nobody sees the blocks, and the service drops them by itself a week after the last of them."""


def _name(part: Part) -> str:
    """The name of a block, always of the same length, as the service demands."""
    return f"{part.number:06d}-{part.md5.hex()}"


def _waiting(account: Account, blob: BlobClient) -> dict[str, int]:
    """The blocks that arrived and are not committed, with their sizes."""
    with account.sentences("read files"):
        try:
            _committed, waiting = blob.get_block_list("uncommitted")
        except ResourceNotFoundError as error:
            if error_code(error) != "BlobNotFound":
                raise
            return {}
    return {block.id: block.size for block in waiting}
