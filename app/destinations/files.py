"""What storage destinations share: safe paths, temporary names, and publishing a run's files together or not at all.

A storage fulfils the small `Storage`; `StagedFiles` is the `FileSession` over it. Used by one thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import posixpath
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol, Self

from app.core.errors import FixData, FixSettings, SendoffError, TryAgain
from app.core.sizes import size_text
from app.destinations.contract import StoredFile
from app.destinations.leftovers import Leftovers
from app.jobs import JobContext

BLOCK = 1 << 20
CUT = frozenset(
    {"dns", "refused", "connect_timeout", "timeout", "reset", "unreachable", "proxy", "stalled", "disconnected"}
)
"""Codes of errors that say nothing of what arrived before."""
_MARK = ".sendoff-"
_PART = ".part"
_KEPT = ".kept"
_NAME_BYTES = 255  # the longest name common file systems take

log = logging.getLogger(__name__)


class Storage(Protocol):
    """Files below one folder; every path is relative to it, with `/`, and already checked by `safe_path`.

    All methods raise errors of app.core.errors only.
    """

    def open(self) -> None:
        """Connect; make the folder when it does not exist."""
        ...

    def close(self) -> None:
        """Disconnect; never raises."""
        ...

    def make_folders(self, folder: str) -> None:
        """Make the folder and those above it, keeping upper and lower case; existing ones are fine."""
        ...

    def write(
        self, source: Path, path: str, final: str, ctx: JobContext, progress: Callable[[int], None]
    ) -> StoredFile:
        """Write the local file under a temporary name, verify what arrived; raises Cancelled between blocks.

        `final` is the name `move` will give it. May leave a broken file behind, which `remove` clears away.
        """
        ...

    def keep(self, path: str, aside: str) -> bool | None:
        """Give an existing file a second name, so that it can come back.

        None when there is no such file, False when this storage can't.
        """
        ...

    def move(self, path: str, final: str) -> None:
        """Rename, replacing what has the final name, in one step a reader never sees half of."""
        ...

    def size(self, path: str) -> int | None:
        """The bytes of a file, -1 when there is none, None when this sign-in may not look."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        ...

    def files_below(self, folder: str) -> list[str]:
        """All files below the folder, never following links; empty when there is no such folder."""
        ...

    def are_one(self, path: str, other: str) -> bool:
        """Whether two paths that differ in case, or in how their accents are written, name one file there; in doubt True."""
        ...

    def remove_empty_folders(self, folder: str) -> None:
        """Remove the folders below that hold nothing, but not the folder itself."""
        ...


@dataclass(frozen=True, slots=True)
class _Staged:
    temporary: str
    stored: StoredFile


class StagedFiles:
    """A `FileSession` over any `Storage`; `folder` is that of a storage which is a folder of this computer.

    `notes` is for storages that keep a temporary file until somebody removes it: see `FileDestination.session`.
    """

    def __init__(self, storage: Storage, folder: Path | None = None, notes: Path | None = None) -> None:
        self._storage = storage
        self._left = Leftovers(notes)
        self._keeps = notes is not None
        self._folder = folder
        self._staged: list[_Staged] = []
        self._published: set[str] = set()
        self._token = secrets.token_hex(4)

    @property
    def near(self) -> Path | None:
        """See `FileSession.near`."""
        return None if self._folder is None else self._folder / f"{_MARK}{self._token}"

    def __enter__(self) -> Self:
        try:
            self._storage.open()
        except BaseException:
            self._storage.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not (self._keeps and isinstance(error, TryAgain) and error.code in CUT):
                self._clean_up()
        finally:
            if self.near is not None:
                shutil.rmtree(self.near, ignore_errors=True)
            self._storage.close()

    def put(self, source: Path, path: str, ctx: JobContext, progress: Callable[[int], None]) -> StoredFile:
        """See `FileSession.put`; raises FixData for an unsafe path or one that was put before."""
        path = safe_path(path)
        if any(staged.stored.path == path for staged in self._staged):
            raise FixData(
                f"Two files of this run have the name “{path}”.",
                "The second would replace the first.",
                "Put {table} and {part} into the file name of the export's layout.",
                code="same_path",
            )
        ctx.check()
        parent = str(PurePosixPath(path).parent)
        if parent != ".":
            self._storage.make_folders(parent)
        staged = self._taken_up(source, path, progress) or self._written(source, path, ctx, progress)
        self._left.arrived(staged.temporary, staged.stored.bytes, staged.stored.sha256)
        self._staged.append(staged)
        return staged.stored

    def _written(self, source: Path, path: str, ctx: JobContext, progress: Callable[[int], None]) -> _Staged:
        temporary = beside(path, self._token, _PART)
        self._left.begin(temporary)
        try:
            arrived = self._storage.write(source, temporary, path, ctx, progress)
        except BaseException:
            self._discard(temporary)
            raise
        return _Staged(temporary, StoredFile(path, arrived.bytes, arrived.sha256))

    def _taken_up(self, source: Path, path: str, progress: Callable[[int], None]) -> _Staged | None:
        """The same file as an earlier session left it there; None when there is none."""
        size = source.stat().st_size
        alike = self._left.of_size(size)
        sha256 = sha256_of(source) if alike else ""
        for leftover in alike:
            if leftover.sha256 == sha256 and self._storage.size(leftover.temporary) == size:
                self._left.taken(leftover)
                progress(size)
                return _Staged(leftover.temporary, StoredFile(path, size, sha256))
        return None

    def _clean_up(self) -> None:
        """Remove what nobody needs any more: what was not published, and what earlier sessions left."""
        for temporary in [*(staged.temporary for staged in self._staged), *self._left.unused]:
            if not self._discard(temporary):
                return  # the storage cannot be reached: each further try would wait for it again
        self._left.forget()

    def publish(self, ctx: JobContext) -> None:
        """See `FileSession.publish`; when a rename fails, the files already renamed are taken back."""
        ctx.check()
        kept: list[tuple[_Staged, str | None]] = []
        try:
            for staged in self._staged:
                kept.append((staged, self._keep(staged.stored.path)))
                self._storage.move(staged.temporary, staged.stored.path)
            for staged in self._staged:
                self._verify(staged.stored)
        except BaseException:
            self._take_back(kept)
            raise
        self._published |= {staged.stored.path for staged in self._staged}
        self._staged.clear()
        for _staged, aside in kept:
            if aside:
                self._discard(aside)

    def clear(self, below: str | None, paths: Sequence[str], ctx: JobContext) -> None:
        """See `FileSession.clear`; folders that hold nothing any more go too, up to the one old and new files share."""
        gone = [safe_path(path) for path in paths]
        if below is not None:
            below = _own_folder(below)
            gone += self._storage.files_below(below)
        alike = {_alike(path): path for path in self._published}
        for path in dict.fromkeys(gone):
            ctx.check()
            new = alike.get(_alike(path))
            # A name that changed in case only is the new file's too on most drives of Windows and macOS.
            if path not in self._published and (new is None or not self._storage.are_one(path, new)):
                self._storage.remove(path)
        folder = (
            below if below is not None else posixpath.commonpath([*map(posixpath.dirname, {*gone, *self._published})])
        )
        if folder:
            self._storage.remove_empty_folders(folder)

    def _verify(self, stored: StoredFile) -> None:
        """Look whether a file that has its final name is there whole, where the storage can tell."""
        size = self._storage.size(stored.path)
        if size is not None and size != stored.bytes:
            raise not_whole(stored.path, stored.bytes, max(size, 0))

    def _keep(self, path: str) -> str | None:
        """The second name of an earlier file, "" when there is none, None when the storage cannot keep it."""
        aside = beside(path, self._token, _KEPT)
        self._left.begin(aside)
        kept = self._storage.keep(path, aside)
        if kept is None:
            return ""
        return aside if kept else None

    def _take_back(self, kept: Sequence[tuple[_Staged, str | None]]) -> None:
        """Undo renames as far as possible: earlier files come back, new names go; the last one may not have happened."""
        for staged, aside in reversed(kept):
            with contextlib.suppress(SendoffError):
                if aside:
                    self._storage.move(aside, staged.stored.path)
                elif aside == "":
                    self._storage.remove(staged.stored.path)

    def _discard(self, path: str) -> bool:
        """Remove what nobody needs; a leftover is only worth a line in the log."""
        try:
            self._storage.remove(path)
        except SendoffError as error:
            log.warning("A temporary file could not be removed: %s (%s)", path, error.code)
            return False
        return True


def safe_path(path: str) -> str:
    """The path without needless parts; raises FixData (`unsafe_path`) when it could leave the folder or cannot be a name."""
    parts = path.split("/")
    broken = (
        path.startswith("/")
        or "\\" in path
        or any(part in {"", ".", ".."} for part in parts)
        or any(ord(sign) < 32 or ord(sign) == 127 for sign in path)
        or any(len(part.encode("utf-8", "surrogatepass")) > _NAME_BYTES for part in parts)
    )
    if broken:
        raise FixData(
            f"“{path}” cannot be used as a file name.",
            "A path must stay below the connection's folder, with names of 1 to 255 bytes between single slashes.",
            "Change the folder or file name in the export's layout.",
            code="unsafe_path",
        )
    return path


def beside(path: str, token: str, ending: str) -> str:
    """A hidden name in the same folder, unique for this session and never longer than file systems take."""
    place = PurePosixPath(path)
    tail = f"{_MARK}{hashlib.sha256(path.encode()).hexdigest()[:8]}{token}{ending}"
    room = _NAME_BYTES - len(tail) - 1
    head = place.name.encode()[:room].decode("utf-8", "ignore")
    return str(place.with_name(f".{head}{tail}"))


def blocks(source: Path, size: int = BLOCK, begin: int = 0) -> Iterator[bytes]:
    """A file's bytes in blocks, from the byte `begin` on."""
    with source.open("rb") as file:
        file.seek(begin)
        while block := file.read(size):
            yield block


def sha256_of(source: Path) -> str:
    """The SHA-256 of a local file in lower-case hex."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def disk_full(place: str, needed: int, free: int | None) -> TryAgain:
    """The storage has no room for a file of that many bytes."""
    room = "there is less room" if free is None else f"{size_text(free)} are free"
    return TryAgain(
        f"{place} is full.",
        f"The next file needs {size_text(needed)}; {room}. Nothing was replaced.",
        "Free some space there, then run the export again.",
        code="disk_full",
    )


def not_whole(path: str, sent: int, arrived: int) -> TryAgain:
    """What arrived is not what was sent."""
    why = (
        "Its content differs from what was sent."
        if sent == arrived
        else f"{size_text(arrived)} arrived of {size_text(sent)}."
    )
    return TryAgain(
        f"The file “{PurePosixPath(path).name}” did not arrive whole.",
        f"{why} Nothing was replaced.",
        "Run the export again; when it happens again, have the drive or the network checked.",
        code="not_whole",
    )


def _alike(path: str) -> str:
    """The same for paths that some drive takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _own_folder(folder: str) -> str:
    """A folder that may be emptied: never the connection's folder itself, which may hold other people's files."""
    folder = folder.strip("/")
    if not folder:
        raise FixSettings(
            "Earlier files cannot be replaced in this layout.",
            "The export writes straight into the connection's folder, which may hold files that are not ours.",
            "Give the export a folder of its own in its layout, or keep earlier runs.",
            code="no_own_folder",
        )
    return safe_path(folder)
