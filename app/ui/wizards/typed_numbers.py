"""Numbers as people type them."""

from __future__ import annotations


def typed_number(words: str, most: int) -> int | None:
    """The whole number from 1 that somebody typed, with whatever parts its thousands; ValueError for anything else.

    None when nothing was typed.
    """
    plain = "".join(c for c in words if not c.isspace() and c not in ",.’'_")
    if not plain:
        return None
    if not (plain.isascii() and plain.isdecimal() and 0 < int(plain) <= most):
        raise ValueError(words)
    return int(plain)
