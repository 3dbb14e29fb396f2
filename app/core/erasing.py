"""Erasing a person everywhere: what is looked for, what was found, and what is left."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.core.identifiers import BLANKS, normalise
from app.core.suppression import ContactKind, guess_kind, is_hashed

ERASED = "erased"
"""Stands where a person's key or value stood, so that counts stay true."""


_TELLING = re.compile(r"@|\d{7}|^[0-9a-f]{64}$")
"""What a value has that means nobody else wherever it stands: an address, a phone number, a hash."""


class Trace(StrEnum):
    """Where a person leaves traces in a workspace."""

    SENT = "sent"
    """Notes of what destinations hold."""
    CHANGES = "changes"
    """Who was added, changed and removed by runs."""
    REJECTS = "rejects"
    LEFT_OUT = "left_out"
    FIXED_LIST = "fixed_list"
    NOTED_RULES = "noted_rules"
    """Rules of segments that name the value, as runs noted them."""
    REMOVED = "removed"
    """Rows, lists and segments that were removed or replaced and are kept for some days."""


@dataclass(frozen=True, slots=True)
class Found:
    """So many entries of the person in one place; `name` is that of the export or segment."""

    trace: Trace
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Remains:
    """A destination that holds the person as far as we know.

    `removed_by_run`: the export's next run takes the person out, and needs our note for that, which so stays until then.
    """

    export: str
    connection: str
    removed_by_run: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was found, and erased unless it was only looked at.

    `remains` are destinations, `tables` those with a row of the person or linked to one (which its source gives again at the
    next refresh), `rules` the segments whose rules name the value, `interrupted` the exports with a plan that names the person
    and waits to be resumed. `suppressed` tells that the value was put on the suppression list,
    `listable` that it could be: a key can't.
    """

    found: tuple[Found, ...]
    remains: tuple[Remains, ...] = ()
    tables: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    suppressed: bool = False
    listable: bool = True

    @property
    def number(self) -> int:
        """All entries."""
        return sum(each.number for each in self.found)


@dataclass(frozen=True, slots=True)
class Person:
    """How one person may stand in files: `values` in lower case, plain and as SHA-256; `keys` as they are in the tables."""

    values: frozenset[str]
    keys: frozenset[str]
    kind: ContactKind | None

    def also(self, keys: Iterable[str] = (), values: Iterable[str] = ()) -> Person:
        """With more keys and values."""
        return Person(self.values | {value.lower() for value in values}, self.keys | set(keys), self.kind)

    def named_in(self, text: str) -> bool:
        """Whether a text, such as the rules of a segment as JSON, names the person."""
        return self.blanked(text) != text

    def blanked(self, text: str) -> str:
        """The text with `ERASED` for each value of the person, and for each key that stands in quotes."""
        values = [re.escape(value) for value in sorted(self.values, key=len, reverse=True) if _TELLING.search(value)]
        if values:
            text = re.sub(rf"(?i)(?<![\w.+@-])(?:{'|'.join(values)})(?![\w@-]|\.\w)", ERASED, text)
        if self.keys:
            keys = "|".join(map(re.escape, sorted(self.keys, key=len, reverse=True)))
            text = re.sub(rf"(?<=[\"'])(?:{keys})(?=[\"'])", ERASED, text)
        return text

    def is_value(self, value: str) -> bool:
        """Whether a value is the person's, however it is written."""
        return value.strip(BLANKS).lower() in self.values


def person_of(value: str, country: str) -> Person:
    """The person behind an address, a phone number or a key; `country` reads phone numbers without one."""
    plain = value.strip(BLANKS)
    kind = None if is_hashed(plain) else guess_kind(plain, country)
    forms = {plain.lower()}
    if kind is not None:
        forms |= {form for rule in ("email", "lower", kind.rule) if (form := normalise(rule, plain, country))}
    if kind is ContactKind.PHONE:
        forms |= {form.lstrip("+") for form in forms}
    hashes = {hashlib.sha256(form.encode()).hexdigest() for form in forms if not is_hashed(form)}
    return Person(frozenset(forms | hashes), frozenset() if kind else frozenset({plain}), kind)
