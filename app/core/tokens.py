"""What signing in with a browser gave: tokens that stand for the person, and when they end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """One sign-in; `repr` shows no token. Times are aware.

    `access` proves who we are until `access_ends_at`, `refresh` gets a new one without the person. `ends_at` is when the person
    has to sign in again. None where the vendor does not say.
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    access_ends_at: datetime | None = None
    ends_at: datetime | None = None

    def written(self) -> str:
        """As one text for the keyring."""
        document = {
            "access": self.access,
            "refresh": self.refresh,
            "access_ends_at": _text(self.access_ends_at),
            "ends_at": _text(self.ends_at),
        }
        return json.dumps({name: value for name, value in document.items() if value})

    @classmethod
    def read(cls, text: str) -> Tokens | None:
        """What `written` wrote; None for any other text."""
        try:
            document = json.loads(text)
            return cls(
                document["access"],
                document.get("refresh", ""),
                _time(document.get("access_ends_at")),
                _time(document.get("ends_at")),
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(token for token in (self.access, self.refresh) if token)


def secrets_in(text: str) -> tuple[str, ...]:
    """The secrets of a text out of the keyring: itself, and the tokens in it when it holds a sign-in."""
    tokens = Tokens.read(text)
    return (text,) if tokens is None else (text, *tokens.secrets)


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
