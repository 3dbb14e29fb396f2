"""What sessions that were cut off left at a storage under temporary names, so that the next one takes it up or clears it away.

A session notes each file before it leaves and when it has arrived, one JSON object a line, appended and on the drive at once,
so that the notes of a process that was killed are there too, also after a loss of power.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.jobs.drive import flush, flush_folder, make_folder


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file under a temporary name; `bytes` and `sha256` of what arrived are None while nobody knows that it is whole."""

    temporary: str
    bytes: int | None = None
    sha256: str | None = None


class Leftovers:
    """The notes of one place, in a file of this computer; without one nothing is noted. Used by one session at a time."""

    def __init__(self, notes: Path | None) -> None:
        self._notes = notes
        self._left = _read(notes)

    def begin(self, temporary: str) -> None:
        """A file is about to leave."""
        self._append({"temporary": temporary})

    def arrived(self, temporary: str, size: int, sha256: str) -> None:
        """A file is there, whole."""
        self._append({"temporary": temporary, "bytes": size, "sha256": sha256})

    def of_size(self, size: int) -> list[Leftover]:
        """Whole files of that size that earlier sessions left."""
        return [each for each in self._left.values() if each.bytes == size]

    def taken(self, leftover: Leftover) -> None:
        """It belongs to this session now."""
        self._left.pop(leftover.temporary, None)

    @property
    def unused(self) -> list[str]:
        """What earlier sessions left and this one does not need."""
        return list(self._left)

    def forget(self) -> None:
        """Nothing is left at the storage any more."""
        if self._notes is not None:
            self._notes.unlink(missing_ok=True)
        self._left.clear()

    def _append(self, note: dict[str, Any]) -> None:
        if self._notes is None:
            return
        make_folder(self._notes.parent)
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")
            file.flush()
            flush(file.fileno())
        flush_folder(self._notes.parent)


def _read(notes: Path | None) -> dict[str, Leftover]:
    """By temporary name; what is no note, as the torn line of a process that died, is passed over."""
    left: dict[str, Leftover] = {}
    if notes is None or not notes.exists():
        return left
    for line in notes.read_text("utf-8", "replace").splitlines():
        try:
            note = json.loads(line)
            found = Leftover(str(note["temporary"]), note.get("bytes"), note.get("sha256"))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        left[found.temporary] = found
    return left
