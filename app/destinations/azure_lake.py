"""A container of a data lake as a `Bucket`: parts are appended to a hidden file, which gets its name in one step.

The lake's own interface has folders and renames; copying within the account goes through the account's Blob interface.
"""

from __future__ import annotations

import base64
import posixpath
import re
import threading
import time
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.filedatalake import ContentSettings, DataLakeFileClient, FileSystemClient

from app.core.errors import NotAllowed
from app.destinations.azure_account import Account, account, error_code
from app.destinations.contract import Settings
from app.destinations.files import beside, not_whole
from app.destinations.objects import ObjectStore, Part, content_type, part_size
from app.destinations.speed import MOST_PARALLEL

_MOST_PARTS = 50_000
_COPY_SECONDS = 600.0
_HIDDEN = re.compile(r"\..*\.sendoff-[0-9a-f]{16}\.part")
_MARK = "sendoff"  # the metadata that tells one upload's file from another's
_TARGET = "Azure Data Lake Storage"


def lake_store(settings: Settings) -> ObjectStore:
    """The container a connection describes; raises FixSettings or SignInAgain when the settings are not complete."""
    found = account(settings, "dfs", _TARGET)
    return ObjectStore(lambda: LakeBucket(found), found.address, settings)


class LakeBucket:
    """One container; thread safe as its clients are."""

    def __init__(self, account: Account) -> None:
        self.who = f"{account.name}, with {account.who},"
        self._account = account
        options = {**account.client_options(), "credential": account.plain_credential}
        self._files = FileSystemClient(account.url, account.container, **options)
        blobs = account.url.replace(".dfs.", ".blob.", 1)
        self._blobs = ContainerClient(blobs, account.container, **account.client_options())

    def close(self) -> None:
        """See `Bucket.close`."""
        self._files.close()
        self._blobs.close()

    def begin(self, key: str, size: int) -> LakeUpload:
        """See `Bucket.begin`; what was appended by another run cannot be told apart, so that each begins anew."""
        token = token_hex(4)
        hidden = self._files.get_file_client(beside(key, token, ".part"))
        with self._account.sentences("write files"):
            hidden.create_file(
                metadata={_MARK: token}, content_settings=ContentSettings(content_type=content_type(key))
            )
        return LakeUpload(self._account, self._files, hidden, key, part_size(size, _MOST_PARTS), token)

    def write(self, key: str, data: bytes) -> None:
        """See `Bucket.write`."""
        with self._account.sentences("write files"):
            self._files.get_file_client(key).upload_data(data, len(data), overwrite=True)

    def read(self, key: str) -> bytes:
        """See `Bucket.read`."""
        with self._account.sentences("read files"):
            return self._files.get_file_client(key).download_file().readall()

    def copy(self, key: str, to: str) -> bool | None:
        """See `Bucket.copy`."""
        source, target = self._blobs.get_blob_client(key), self._blobs.get_blob_client(to)
        try:
            with self._account.sentences("read files"):
                if not source.exists():
                    return None
                target.start_copy_from_url(self._account.signed(source.url))
                end = time.monotonic() + _COPY_SECONDS
                while (status := target.get_blob_properties().copy.status) == "pending" and time.monotonic() < end:
                    time.sleep(0.2)
        except NotAllowed:
            return False
        return status == "success"

    def size(self, key: str) -> int:
        """See `Bucket.size`."""
        with self._account.sentences("read files"):
            try:
                return int(self._files.get_file_client(key).get_file_properties().size)
            except ResourceNotFoundError as error:
                if error_code(error) not in {"BlobNotFound", "PathNotFound"}:
                    raise
        return -1

    def delete(self, key: str) -> None:
        """See `Bucket.delete`."""
        with self._account.sentences("remove files"):
            try:
                self._files.delete_file(key)
            except ResourceNotFoundError as error:
                if error_code(error) != "PathNotFound":
                    raise

    def keys(self, prefix: str) -> list[str]:
        """See `Bucket.keys`."""
        return [path.name for path in self._below(prefix) if not path.is_directory]

    def tidy(self, prefix: str, before: datetime) -> None:
        """See `Bucket.tidy`: removes the hidden files of dead runs."""
        for path in self._below(prefix):
            hidden = not path.is_directory and _HIDDEN.fullmatch(posixpath.basename(path.name))
            if hidden and path.last_modified.replace(tzinfo=UTC) < before:  # the library leaves the zone out
                self.delete(path.name)

    def remove_empty_folders(self, prefix: str) -> None:
        """See `Bucket.remove_empty_folders`."""
        folders = [path.name for path in self._below(prefix) if path.is_directory]
        for folder in sorted(folders, key=len, reverse=True):
            with self._account.sentences("remove files"):
                try:
                    self._files.get_directory_client(folder)._delete(recursive=False)  # noqa: SLF001 - the public one takes all below with it
                except HttpResponseError as error:
                    if error_code(error) not in {"DirectoryNotEmpty", "PathNotFound"}:
                        raise

    def _below(self, prefix: str) -> list[Any]:
        """All paths that begin so; of a name that is no folder, only its own folder is looked through."""
        folder, _, name = prefix.rpartition("/")
        with self._account.sentences("list files"):
            try:
                found = list(self._files.get_paths(folder or None, recursive=not name))
            except ResourceNotFoundError as error:
                if error_code(error) != "PathNotFound":
                    raise
                return []
        return [path for path in found if path.name.startswith(prefix)]


class LakeUpload:
    """One file on its way; thread safe."""

    parallel = MOST_PARALLEL
    resumes = False

    def __init__(
        self,
        account: Account,
        files: FileSystemClient,
        hidden: DataLakeFileClient,
        key: str,
        part_bytes: int,
        token: str,
    ) -> None:
        self.part_bytes = part_bytes
        self._account = account
        self._files = files
        self._hidden = hidden
        self._key = key
        self._token = token
        self._arrived: dict[int, int] = {}
        self._lock = threading.Lock()

    def holds(self, part: Part) -> bool:  # noqa: ARG002 - see `Upload`
        """Never: see `LakeBucket.begin`."""
        return False

    def send(self, part: Part) -> None:
        """See `Upload.send`."""
        checksum = {"Content-MD5": base64.b64encode(part.md5).decode()}
        with self._account.sentences("write files"):
            self._hidden.append_data(part.body(), part.number * self.part_bytes, len(part.data), headers=checksum)
        with self._lock:
            self._arrived[part.number] = len(part.data)

    def verify(self, size: int) -> None:
        """See `Upload.verify`; the lake puts the parts together here, still under the hidden name."""
        with self._account.sentences("write files"):
            if size:
                self._hidden.flush_data(size, close=True)
            arrived = self._hidden.get_file_properties().size
        if arrived != size or sum(self._arrived.values()) != size:
            raise not_whole(self._key, size, arrived)

    def complete(self) -> None:
        """See `Upload.complete`: one rename, which replaces an earlier file."""
        with self._account.sentences("write files"):
            try:
                self._hidden.rename_file(f"{self._hidden.file_system_name}/{self._key}")
            except ResourceNotFoundError:
                if not self._is_there():
                    raise

    def abort(self) -> None:
        """See `Upload.abort`."""
        with self._account.sentences("remove files"):
            try:
                self._hidden.delete_file()
            except ResourceNotFoundError as error:
                if error_code(error) != "PathNotFound":
                    raise

    def _is_there(self) -> bool:
        """Whether the file has its name already: an earlier answer was lost."""
        try:
            found = self._files.get_file_client(self._key).get_file_properties()
        except ResourceNotFoundError:
            return False
        return bool((found.metadata or {}).get(_MARK) == self._token)
