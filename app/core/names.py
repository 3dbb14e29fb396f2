"""Names people give to things, and the ids the program gives them."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from app.core.errors import FixData, FixSettings

LONGEST = 120
"""Characters of a name: enough for a sentence, short enough for a file name on every system."""
_ALIKE = 0.75


def new_id() -> str:
    """A fresh id: 16 hexadecimal characters."""
    return secrets.token_hex(8)


def fold(name: str) -> str:
    """The form in which names are compared: regardless of case, of composed characters and of space around them."""
    decomposed = unicodedata.normalize("NFD", name.strip()).casefold()
    return unicodedata.normalize("NFC", decomposed)


def checked_name(name: str, what: str) -> str:
    """The name without space around it; raises FixData when it can't be one. `what` is the thing's word: "export"."""
    name = unicodedata.normalize("NFC", name.strip())
    if not name:
        raise FixData(f"The {what} has no name.", "A name is how people find it.", "Type a name.", code="name_empty")
    if len(name) > LONGEST:
        raise FixData(
            f"The name of the {what} is too long.",
            f"It has {len(name)} characters; {LONGEST} are allowed.",
            "Shorten it.",
            code="name_too_long",
        )
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise FixData(
            f"The name of the {what} holds a character that can't be shown.",
            "Line breaks, tabs and control characters have no place in a name.",
            "Type the name again.",
            code="name_characters",
        )
    return name


def name_taken(name: str, what: str) -> FixSettings:
    """The error for a second thing of the same kind and name."""
    return FixSettings(
        f"There is already {'an' if what[0] in 'aeiou' else 'a'} {what} named “{name}”.",
        "Names are unique, regardless of capital letters.",
        "Choose another name.",
        code="name_taken",
    )


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: the one that looks alike, or the only one that begins so; None without."""
    by_fold = {fold(each): each for each in known}
    wanted = fold(name)
    begin = [each for each in by_fold if wanted and each.startswith(wanted)]
    alike = begin if len(begin) == 1 else get_close_matches(wanted, by_fold, 1, _ALIKE)
    return by_fold[alike[0]] if alike else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """What to do about a name that nothing has."""
    meant = near(name, known)
    return otherwise if meant is None else f"Did you mean “{meant}”? {otherwise}"


def free_name(wanted: str, taken: frozenset[str]) -> str:
    """The wanted name, or the first of "wanted 2", "wanted 3" ... that is free; `taken` holds folded names."""
    if fold(wanted) not in taken:
        return wanted
    number = 2
    while fold(f"{wanted} {number}") in taken:
        number += 1
    return f"{wanted} {number}"
