"""Writes files into a folder of this computer: temporary name, flushed to the drive, read back, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from app.core.connections import TestResult
from app.core.errors import FixSettings, SendoffError, TellUs, TryAgain
from app.destinations.budgets import Line
from app.destinations.contract import Settings, StoredFile
from app.destinations.files import BLOCK, StagedFiles, blocks, disk_full, not_whole, safe_path, sha256_of
from app.destinations.local_folder.share import demand_connected, demand_plain_path
from app.destinations.speed import Speed
from app.jobs import JobContext
from app.jobs.drive import flush, flush_folder, in_use, make_folder, put_in_place, remove

_WINDOWS_SIGNS = frozenset('<>:"|?*')
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_AWAY = {
    *(errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESTALE, errno.EIO, errno.ENXIO),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENOTCONN, errno.ETIMEDOUT),
    *(errno.ECONNABORTED, errno.ECONNRESET, errno.ECONNREFUSED),
}
_AWAY_ON_WINDOWS = {
    21,
    51,
    53,
    55,
    59,
    64,
    67,
    121,
    1231,
    1232,
}  # System Error Codes: ERROR_NOT_READY, ERROR_BAD_NETPATH ...
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def create(settings: Settings) -> LocalFolder:
    """Open the destination; raises FixSettings when the folder is not an absolute path."""
    written = settings.values.get("folder", "").strip()
    demand_plain_path(written)
    folder = Path(written).expanduser()
    way = settings.budgets.line(str(folder), (), Speed.of(settings.values).bytes_per_second)
    return LocalFolder(folder, way, shared=settings.values.get("place") == "share")


class LocalFolder:
    """A `FileDestination` over one folder; thread safe."""

    def __init__(self, folder: Path, way: Line, *, shared: bool) -> None:
        if not folder.is_absolute():
            raise FixSettings(
                "The folder is not complete.",
                f"“{folder}” does not say where it begins.",
                "Choose the folder with Browse, or enter its whole path.",
                code="relative_folder",
            )
        self._folder = folder
        self._way = way
        self._shared = shared

    def test(self, ctx: JobContext) -> TestResult:
        """See `FileDestination.test`."""
        began = time.monotonic()
        ctx.check()
        storage = FolderStorage(self._folder, self._way, shared=self._shared)
        storage.open()
        probe = self._folder / f".sendoff-test-{token_hex(6)}"
        try:
            probe.write_bytes(b"Sendoff")
            whole = probe.read_bytes() == b"Sendoff"
            probe.unlink()
        except OSError as error:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
            raise _sentence(error, self._folder) from error
        if not whole:
            raise not_whole(probe.name, 7, 7)
        return TestResult(
            str(self._folder), round((time.monotonic() - began) * 1000), ("write files", "read files", "remove files")
        )

    def where(self, path: str) -> str:
        """See `FileDestination.where`."""
        return str(self._folder.joinpath(*safe_path(path).split("/"))) if path else str(self._folder)

    def session(self, notes: Path | None = None) -> StagedFiles:
        """See `FileDestination.session`."""
        return StagedFiles(FolderStorage(self._folder, self._way, shared=self._shared), self._folder, notes)


class FolderStorage:
    """A `Storage` over a local folder; `way` limits how fast files are written, `shared` tells that it is a network share's."""

    def __init__(self, folder: Path, way: Line, *, shared: bool = False) -> None:
        self._folder = folder
        self._way = way
        self._shared = shared

    def open(self) -> None:
        """Make the folder when it does not exist, but never one of a share that is away."""
        if self._shared:
            demand_connected(self._folder)
            return
        try:
            make_folder(self._folder, 0o777)
        except FileExistsError as error:
            raise FixSettings(
                f"“{self._folder}” is not a folder.",
                "A file has that name.",
                "Choose another folder for this connection.",
                code="not_a_folder",
            ) from error
        except OSError as error:
            raise _sentence(error, self._folder) from error

    def close(self) -> None:
        """Nothing is held open."""

    def make_folders(self, folder: str) -> None:
        """See `Storage.make_folders`; refuses a link that leads out of the connection's folder."""
        place = self._at(folder)
        if os.name == "nt" and unusable_on_windows(folder):
            raise _bad_name(place)
        try:
            make_folder(place, 0o777)
            inside = place.resolve().is_relative_to(self._folder.resolve())
        except OSError as error:
            raise _sentence(error, place) from error
        if not inside:
            raise FixSettings(
                f"“{place}” leads out of the connection's folder.",
                "One of its parts is a link to another place.",
                "Remove the link, or choose that place as the folder of a connection.",
                code="leaves_folder",
            )

    def write(
        self,
        source: Path,
        path: str,
        final: str,  # noqa: ARG002 - a rename needs only the temporary name
        ctx: JobContext,
        progress: Callable[[int], None],
    ) -> StoredFile:
        """See `Storage.write`; flushed to the drive, then read back and compared by SHA-256. What is there already only moves."""
        place = self._at(path)
        if os.name == "nt" and unusable_on_windows(path):
            raise _bad_name(place)
        if source.is_relative_to(self._folder):
            moved = _moved(source, place, path, progress)
            if moved is not None:
                return moved
        size = source.stat().st_size
        free = shutil.disk_usage(self._folder).free
        if size > free:
            raise disk_full(f"The drive of “{self._folder}”", size, free)
        digest = hashlib.sha256()
        sent = 0
        try:
            with place.open("xb") as file:
                for block in blocks(source, self._way.piece if self._way.limited else BLOCK):
                    ctx.check()
                    self._way.take(len(block), ctx)
                    file.write(block)
                    digest.update(block)
                    sent += len(block)
                    progress(sent)
                file.flush()
                flush(file.fileno())
            arrived = place.stat().st_size
            if arrived != sent or sha256_of(place) != digest.hexdigest():
                raise not_whole(source.name, sent, arrived)
        except OSError as error:
            if error.errno in _FULL:
                raise disk_full(f"The drive of “{self._folder}”", size, self._free()) from error
            raise _sentence(error, place) from error
        return StoredFile(path, sent, digest.hexdigest())

    def keep(self, path: str, aside: str) -> bool | None:
        """See `Storage.keep`: a hard link where the file system has them."""
        try:
            self._at(aside).hardlink_to(self._at(path))
        except FileNotFoundError:
            return None
        except OSError:
            return False
        return True

    def move(self, path: str, final: str) -> None:
        """See `Storage.move`; the folder's entry is flushed too."""
        place = self._at(final)
        try:
            put_in_place(self._at(path), place)
        except OSError as error:
            raise _sentence(error, place) from error

    def size(self, path: str) -> int | None:
        """See `Storage.size`."""
        place = self._at(path)
        try:
            return place.stat().st_size
        except FileNotFoundError:
            return -1
        except OSError as error:
            raise _sentence(error, place) from error

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        place = self._at(path)
        try:
            remove(place)
            flush_folder(place.parent)  # an earlier part that came back would be read beside the new ones
        except FileNotFoundError:  # nor is the folder there
            return
        except OSError as error:
            raise _sentence(error, place) from error

    def files_below(self, folder: str) -> list[str]:
        """See `Storage.files_below`."""
        return [
            (Path(place) / name).relative_to(self._folder).as_posix()
            for place, _folders, names in os.walk(self._at(folder), followlinks=False)
            for name in names
        ]

    def are_one(self, path: str, other: str) -> bool:
        """See `Storage.are_one`."""
        try:
            return self._at(path).samefile(self._at(other))
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def remove_empty_folders(self, folder: str) -> None:
        """See `Storage.remove_empty_folders`."""
        top = self._at(folder)
        for place, _folders, _names in os.walk(top, topdown=False, followlinks=False):
            if Path(place) != top:
                with suppress(OSError):  # not empty, or somebody else's
                    Path(place).rmdir()

    def _at(self, path: str) -> Path:
        return self._folder.joinpath(*path.split("/"))

    def _free(self) -> int | None:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return None


def _moved(source: Path, place: Path, path: str, progress: Callable[[int], None]) -> StoredFile | None:
    """A file that somebody wrote into the folder: flushed, named and read, so that its sum is that of what is there.

    None where it has to be copied: a folder below may be another drive's.
    """
    try:
        if place.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place))
        with source.open("rb+") as file:  # Windows flushes only what may be written
            flush(file.fileno())
        put_in_place(source, place)
        size = place.stat().st_size
        digest = sha256_of(place)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return None
        raise _sentence(error, place) from error
    progress(size)
    return StoredFile(path, size, digest)


def unusable_on_windows(path: str) -> bool:
    """Whether Windows would refuse the path, or write somewhere else: `a:b` is a hidden stream, `nul` a device."""
    return any(
        _WINDOWS_SIGNS & set(part)
        or part[-1:] in {".", " "}
        or part.partition(".")[0].strip().lower() in _WINDOWS_DEVICES
        for part in path.split("/")
    )


def _bad_name(place: Path) -> FixSettings:
    return FixSettings(
        f"“{place.name}” cannot be used as a name there.",
        "The drive does not take names that long or with these signs.",
        "Change the folder and file name in the export's layout.",
        code="bad_name",
    )


def _sentence(error: OSError, place: Path) -> SendoffError:
    """What an error of the operating system means for a person."""
    if in_use(error, place):
        return TryAgain(
            f"“{place}” is open in another program.",
            "Windows lets nobody replace or remove a file that a program has open.",
            "Close it there, then try again.",
            code="file_open",
        )
    if error.errno in _NOT_ALLOWED:
        return FixSettings(
            f"“{place}” cannot be written.",
            "Your account on this computer may not change it, or it is read-only.",
            "Choose another folder, or ask for the right to write there.",
            code="not_writable",
        )
    if error.errno in _AWAY or getattr(error, "winerror", None) in _AWAY_ON_WINDOWS:
        return TryAgain(
            f"“{place}” cannot be reached.",
            "A part of the path is gone, or the drive is not connected.",
            "Connect the drive or share, then try again.",
            code="unreachable",
        )
    if error.errno in {errno.ENAMETOOLONG, errno.EINVAL}:
        return _bad_name(place)
    if error.errno in _FULL:
        return TryAgain(
            "The drive is full.",
            "There is no room for another file or folder; nothing was replaced.",
            "Free some space there, then try again.",
            code="disk_full",
        )
    return TellUs(
        f"“{place}” could not be written.",
        f"The operating system answered: {os.strerror(error.errno or 0)}.",
        "Try another folder; when it comes back, send us the log.",
        code="os_error",
    )
