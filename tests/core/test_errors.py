"""What errors of the system mean to a person."""

from __future__ import annotations

import errno

import pytest

from app.core.errors import TellUs, TryAgain, as_sendoff_error


def test_errors_of_ours_stay_themselves() -> None:
    error = TryAgain("What.", "Why.", "Do.")
    assert as_sendoff_error(error) is error


@pytest.mark.parametrize(
    ("number", "windows", "kind", "code"),
    [
        (errno.ENOSPC, None, TryAgain, "disk_full"),
        (errno.EACCES, 32, TryAgain, "file_open"),
        (errno.EACCES, 33, TryAgain, "file_open"),
        (errno.EACCES, 5, TellUs, "unexpected"),
        (errno.EACCES, None, TellUs, "unexpected"),
    ],
)
def test_errors_of_the_system(number: int, windows: int | None, kind: type[Exception], code: str) -> None:
    error = OSError(number, "C:/people/ann@example.com")
    if windows is not None:
        error.winerror = windows  # type: ignore[attr-defined,unused-ignore]  # only Windows knows such a number
    told = as_sendoff_error(error)
    assert isinstance(told, kind)
    assert told.code == code
    assert "ann" not in str(told)
