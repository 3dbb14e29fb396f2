"""Saving files where a person wants them: what the drive's refusal means to who chose the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import FixSettings, as_sendoff_error


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Around what writes that file; raises FixSettings where it can't be written, TryAgain when the drive is full."""
    try:
        yield
    except OSError as error:
        told = as_sendoff_error(error)
        if told.code == "disk_full":
            raise told from None
        raise FixSettings(
            f"“{path.name}” could not be written.",
            f"The folder {path.parent} is not there or may not be changed.",
            "Choose another place.",
            code="not_writable",
        ) from None
