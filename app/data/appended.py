"""Files that lines are appended to while a run goes, which may end at any moment: by a kill, a full drive, a loss of power."""

from __future__ import annotations

import os
from pathlib import Path

from app.jobs.drive import flush, flush_folder, make_folder

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would else write \r\n for \n


class AppendedFile:
    """Open until `close`; made when it is not there, with its folder, readable by its owner only. One thread writes at a time.

    A line that was left torn, by an earlier process or a drive that was full, stays alone: what is written next begins a line.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o600)
        flush_folder(path.parent)
        self._torn = _is_torn(path)

    def write(self, lines: bytes) -> None:
        """Append whole lines; they are in the operating system's hands when this returns. Raises OSError."""
        view = memoryview(b"\n" + lines if self._torn else lines)
        self._torn = True
        while view:
            view = view[os.write(self._file, view) :]
        self._torn = False

    def sync(self) -> None:
        """What was appended is on the drive when this returns, and would be there after a loss of power; thread safe."""
        flush(self._file)

    def close(self) -> None:
        """Bring everything onto the drive and close; a second time nothing happens."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        try:
            flush(file)
        finally:
            os.close(file)


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
