"""Files on the drive as a promise needs them: there after a loss of power, and under their name whole or not at all.

Systems differ. macOS leaves in the drive's own memory what `fsync` hands over, until F_FULLFSYNC has the drive write it
(fsync(2) there). Windows neither replaces nor removes a file that a program has open, which a scanner for viruses or an index
of the system has for a moment whenever a file was written, and so does whoever looks at a run.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

try:
    import fcntl
except ImportError:  # Windows, whose `fsync` has the drive write
    _FULLY: int | None = None
else:
    _FULLY = getattr(fcntl, "F_FULLFSYNC", None)

PATIENCE_SECONDS = 5.0
"""How long a file that others have open is waited for."""
_GLANCE = 0.02
_DENIED = 5
_IN_USE = frozenset({_DENIED, 32, 33})
"""What Windows answers then (System Error Codes): access denied, sharing violation, lock violation."""


def flush(file: int) -> None:
    """What was written to an open file is on the drive when this returns; thread safe. Raises OSError."""
    if _FULLY is not None:
        try:
            fcntl.fcntl(file, _FULLY)
        except OSError:  # a network drive knows no such wish, and what it can be asked for is this
            os.fsync(file)
    else:
        os.fsync(file)


def flush_file(file: Path) -> None:
    """What was written to a file is on the drive when this returns. Raises OSError."""
    with file.open("rb+") as opened:
        flush(opened.fileno())


def flush_folder(folder: Path) -> None:
    """Bring new and removed names in a folder onto the drive; Windows can't be asked, and keeps account of names itself."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        flush(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network drives can't be asked either
            raise
    finally:
        os.close(handle)


def flush_tree(top: Path) -> None:
    """Bring every file below a folder onto the drive, with all names there. Raises OSError."""
    for place, _folders, files in os.walk(top):
        for name in files:
            flush_file(Path(place, name))
        flush_folder(Path(place))


def flush_names(top: Path) -> None:
    """Bring the names in a folder and below it onto the drive: what was removed there does not come back. Raises OSError."""
    for place, _folders, _files in os.walk(top):
        with suppress(FileNotFoundError):  # another process removes it
            flush_folder(Path(place))


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder with those above it, for its owner only unless told otherwise; after a loss of power they are there."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    if missing:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        for each in missing:
            flush_folder(each.parent)


def put_in_place(unfinished: Path, place: Path) -> None:
    """Give a file its name for good, in place of the one that has it; a folder where nothing has it. Raises OSError.

    Its content has to be on the drive before, or a loss of power could leave an empty file of that name.
    """
    patiently(lambda: unfinished.replace(place))
    flush_folder(place.parent)


def write_whole(path: Path, content: Iterable[bytes]) -> None:
    """Write a file, whole or not at all, readable by its owner only; the folder is made when there is none. Raises OSError."""
    make_folder(path.parent)
    unfinished = path.with_name(f"{path.name}.{token_hex(4)}.tmp")
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.writelines(content)
            stream.flush()
            flush(stream.fileno())
        put_in_place(unfinished, path)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def remove(file: Path) -> None:
    """Remove a file that may be gone already. Raises OSError."""
    patiently(lambda: file.unlink(missing_ok=True))


def remove_folder(folder: Path) -> None:
    """Remove a folder with all in it, which may be gone already; nothing stays behind in silence. Raises OSError."""
    while folder.exists():
        with suppress(FileNotFoundError):  # somebody else removes it as well
            patiently(lambda: shutil.rmtree(folder))


def in_use(error: OSError, place: Path) -> bool:
    """Whether the system refused because a program has that file open, as far as it tells; never but on Windows.

    Where a file can't be replaced Windows answers as where we may not do it: then one that is not read-only is open.
    """
    code = getattr(error, "winerror", None)
    if code == _DENIED:
        return error.filename2 is not None and place.is_file() and os.access(place, os.W_OK)
    return code in _IN_USE


def patiently(act: Callable[[], object]) -> None:
    """Do it, on Windows again and again for a while where somebody has the file open. Raises what `act` does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            act()
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE or time.monotonic() > until:
                raise
            time.sleep(_GLANCE)
        else:
            return
