"""Personal values made unreadable but recognisable, for looking at rows."""

from __future__ import annotations

import re
from typing import Final

from app.core.tables import Meaning

DOT: Final = "•"


def looks_like(value: str) -> Meaning:
    """What a value seems to mean where no column tells: an e-mail address or a phone number, else nothing in particular."""
    if "@" in value:
        return Meaning.EMAIL
    return Meaning.PHONE if value.startswith("+") else Meaning.NONE


def masked(value: object, meaning: Meaning) -> str | None:
    """The value with all but a hint hidden, `m•••@e•••.net` or `+49 ••• ••`; None stays None, an empty text empty."""
    if value is None:
        return None
    text = str(value).strip()
    if not text:
        return ""
    if meaning is Meaning.EMAIL and "@" in text:
        local, _, domain = text.rpartition("@")
        name, dot, top = domain.rpartition(".")
        return f"{local[:1]}{DOT * 3}@{(name or domain)[:1]}{DOT * 3}{dot + top if name else ''}"
    if meaning is Meaning.PHONE:
        code = re.match(r"\+\d{1,2}", text)
        return f"{code[0] if code else ''} {DOT * 3} {DOT * 2}".strip()
    if meaning is Meaning.BIRTH_DATE:
        return DOT * 4
    return text[:1] + DOT * 3
