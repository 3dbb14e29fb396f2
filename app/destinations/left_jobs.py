"""Work a vendor has taken and not ended, noted until it has: a run that follows a killed one waits for what that one left behind.

A vendor that still puts members onto a list would else do so after the next run took them off it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.destinations.shared_budgets import LockFile
from app.jobs.drive import flush, flush_folder, make_folder

log = logging.getLogger(__name__)

FORGOTTEN_SECONDS = 20 * 3_600.0
"""Vendors work for minutes or hours; one that got stuck must not hold up the runs of the next day."""

_MOST_BYTES = 1 << 20

Notes = dict[str, float]
"""Jobs with the moments when they began, in seconds since 1970, the oldest first."""


class LeftJobs:
    """The jobs of one connection, by the place they change; without a folder they are known to this process alone. Thread safe.

    Each place has a file with a line for each job that goes on, which all processes change under its lock.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._notes: dict[str, Notes] = {}

    def begun(self, place: str, job: str) -> None:
        """Note a job the vendor took; it is on the disk before this returns."""
        self._change(place, lambda notes: notes | {job: time.time()})

    def ended(self, place: str, job: str) -> None:
        """Forget a job that has ended, or that the vendor does not know any more."""
        self._change(place, lambda notes: {each: began for each, began in notes.items() if each != job})

    def left(self, place: str) -> list[str]:
        """The jobs of which nobody knows that they have ended, the oldest first."""
        return list(self._change(place, lambda notes: notes))

    def _change(self, place: str, change: Callable[[Notes], Notes]) -> Notes:
        with self._lock:
            if self._folder is None:
                self._notes[place] = change(self._notes.get(place, {}))
                return self._notes[place]
            try:
                return self._change_file(self._folder, place, change)
            except OSError as error:  # a full drive: the run itself stops where it has to
                log.warning("What a destination still works on can't be noted: %s", error)
                return {}

    @staticmethod
    def _change_file(folder: Path, place: str, change: Callable[[Notes], Notes]) -> Notes:
        path = folder / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.txt"
        if not path.exists() and not (wanted := change({})):
            return wanted
        make_folder(folder)
        file = LockFile(path)
        if not file.lock():
            raise TimeoutError("the file is locked")
        try:
            before = file.read(_MOST_BYTES)
            notes = change(_read(before))
            written = "".join(f"{began:.0f} {job}\n" for job, began in notes.items()).encode()
            if written != before:
                file.write(written)
                os.ftruncate(file.number, len(written))
                flush(file.number)
                flush_folder(folder)
        finally:
            file.unlock()
        return notes


def _read(text: bytes) -> Notes:
    """What is noted; lines that a power loss spoiled tell nothing, and neither do jobs of long ago."""
    oldest = time.time() - FORGOTTEN_SECONDS
    found: Notes = {}
    for line in text.decode("utf-8", "replace").splitlines():
        moment, _space, job = line.partition(" ")
        if job and moment.isascii() and moment.isdecimal() and float(moment) >= oldest:
            found[job] = float(moment)
    return found
