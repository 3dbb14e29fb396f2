"""Files on the drive as a promise needs them: there after a loss of power, and under their name whole or not at all.

Systems differ. macOS leaves in the drive's own memory what `fsync` hands over, until F_FULLFSYNC has the drive write it
(fsync(2) there). Windows neither replaces nor removes a file that a program has open, which a scanner for viruses or an index
of the system has for a moment whenever a file was written, and so does whoever looks at a run.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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


def flush_folder(folder: Path) -> None:
    """Bring the names of new files in a folder onto the drive; Windows can't be asked, and keeps account of names itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            flush(handle)
        finally:
            os.close(handle)


def put_in_place(unfinished: Path, place: Path) -> None:
    """Give a file its name, in place of the one that has it; a folder where nothing has it. Raises OSError."""
    patiently(lambda: unfinished.replace(place))


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
