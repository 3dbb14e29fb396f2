"""Saving files where a person wants them: what the drive's refusal means to who chose the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import FixSettings, TryAgain, as_sendoff_error
from app.jobs.drive import in_use


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Around what writes that file; raises FixSettings where it can't be written, TryAgain for a full drive or an open file."""
    try:
        yield
    except OSError as error:
        told = as_sendoff_error(error)
        if told.code == "disk_full":
            raise told from None
        if in_use(error, path):
            raise TryAgain(
                f"“{path.name}” is open in another program.",
                "Windows lets nobody replace a file that a program has open; it is as it was.",
                "Close it there, or choose another name.",
                code="file_open",
            ) from None
        raise FixSettings(
            f"“{path.name}” could not be written.",
            f"The folder {path.parent} is not there or may not be changed.",
            "Choose another place.",
            code="not_writable",
        ) from None
