"""Every error a person can meet, sorted by what they can do about it.

An error carries three sentences: what happened, why, and what to do. Raise one of the classes below from anywhere;
anything else that reaches a person is a fault of ours and is shown as `TellUs`.
"""

from __future__ import annotations

import errno
from typing import ClassVar

_OPEN_ELSEWHERE = frozenset({32, 33})
"""System Error Codes of Windows: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION."""


class SendoffError(Exception):
    """Something a person can meet; `code` names the case for tests and machines, never for people."""

    action: ClassVar[str] = "tell_us"

    def __init__(self, what: str, why: str = "", fix: str = "", *, code: str = "") -> None:
        super().__init__(what, why, fix)
        self.what = what
        self.why = why
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.fix) if part)

    def as_dict(self) -> dict[str, str]:
        """The three sentences as the command line's `--json` prints them."""
        return {"what": self.what, "why": self.why, "fix": self.fix}


class FixSettings(SendoffError):
    """A setting of the connection, the export or the computer is wrong; changing it helps."""

    action = "fix_settings"


class SignInAgain(SendoffError):
    """The target refused who we are: a wrong, missing or expired secret."""

    action = "sign_in"


class TryAgain(SendoffError):
    """It may work later without a change: network, a slow or overloaded target, a full disk that gets freed.

    `retry_after` is the wait in seconds the target asked for, when it did.
    """

    action = "try_again"

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(what, why, fix, code=code)
        self.retry_after = retry_after


class FixData(SendoffError):
    """A file, a value or a rule is not as it must be; the sentence names row, field and reason."""

    action = "fix_data"


class NotAllowed(SendoffError):
    """The role of this person may not do it."""

    action = "ask_admin"


class TellUs(SendoffError):
    """A fault of ours or an answer we do not understand."""

    action = "tell_us"


def as_sendoff_error(error: BaseException) -> SendoffError:
    """The error itself when it is one of ours, else a `TellUs` that names only its type (its text may hold secrets)."""
    if isinstance(error, SendoffError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return TryAgain(
            "The drive is full.",
            "Writing stopped before the end; nothing was replaced.",
            "Free some space or choose another folder, then try again.",
            code="disk_full",
        )
    if isinstance(error, OSError) and getattr(error, "winerror", None) in _OPEN_ELSEWHERE:
        return TryAgain(
            "A file is open in another program.",
            "Windows lets nobody replace or remove a file that a program has open.",
            "Close it there, then try again.",
            code="file_open",
        )
    return TellUs(
        "Something unexpected went wrong.",
        f"The fault is a {type(error).__name__} inside Sendoff.",
        "Try again; when it comes back, send us the log.",
        code="unexpected",
    )
