"""Reading what people write in documents: each complaint names the subject and the entry, and says what it may be."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from app.core.errors import FixData

E = TypeVar("E", bound=StrEnum)


class DocumentReader:
    """One mapping of a document, read entry by entry; every complaint names the subject and the entry."""

    def __init__(self, subject: str, document: Mapping[str, Any]) -> None:
        self.subject = subject
        self._document = document

    def only(self, *keys: str) -> None:
        """Refuse an entry that is none of these, with the nearest one as a suggestion."""
        for key in self._document:
            if key in keys:
                continue
            near = difflib.get_close_matches(str(key), keys, 1)
            raise FixData(
                f"{self.subject} has an entry “{key}”, which is not known there.",
                f"Known are {', '.join(keys)}.",
                f"Did you mean “{near[0]}”?" if near else "Remove it, or correct its name.",
                code="export_document",
            )

    def wrong(self, key: str, value: object, wanted: str) -> NoReturn:
        """Refuse the value of an entry; `wanted` says what it must be."""
        raise FixData(
            f"{self.subject}: {key} can't be {_shown(value)}.",
            f"It must be {wanted}.",
            "Correct the entry.",
            code="export_document",
        )

    def missing(self, key: str, wanted: str) -> NoReturn:
        """Say that an entry is needed."""
        raise FixData(
            f"{self.subject} has no {key}.", f"It must be {wanted}.", "Add the entry.", code="export_document"
        )

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        """One of the words of an enumeration; needed when there is no default."""
        value = self._document.get(key)
        wanted = ", ".join(kind)
        if value is None:
            return default if default is not None else self.missing(key, f"one of {wanted}")
        found = next((member for member in kind if member == value), None)
        return found if found is not None else self.wrong(key, value, f"one of {wanted}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; needed when there is no default."""
        value = self._document.get(key)
        if value is None:
            return default if default is not None else self.missing(key, "a text")
        return value if isinstance(value, str) else self.wrong(key, value, "a text; put it in quotes")

    def optional_text(self, key: str) -> str | None:
        """A text, or None when there is none."""
        return None if self._document.get(key) is None else self.text(key)

    def value(self, key: str, *, default: object) -> object:
        """Whatever stands there, or the default for nothing."""
        value = self._document.get(key)
        return default if value is None else value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._document.get(key)
        if value is None:
            return default
        return value if isinstance(value, bool) else self.wrong(key, value, "true or false")

    def has(self, key: str) -> bool:
        """Whether the entry stands there, be it null."""
        return key in self._document

    def whole_number(self, key: str, least: int = 1, none: str = "no limit") -> int | None:
        """A whole number from `least`, or None, which stands for `none`."""
        value = self._document.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            self.wrong(key, value, f"a whole number from {least:,}, or null for {none}")
        return value

    def percent(self, key: str, usual: float | None) -> float | None:
        """A number from 0 to 100, or None for no limit."""
        value = self._document.get(key, usual)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            self.wrong(key, value, "a number from 0 to 100, or null for no limit")
        return float(value)

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Entries below this one; empty when there are none."""
        return self.mapping_or_none(key) or {}

    def mapping_or_none(self, key: str) -> Mapping[str, Any] | None:
        """Entries below this one, None when there are none."""
        value = self._document.get(key)
        if value is not None and not isinstance(value, Mapping):
            self.wrong(key, value, "lines of “key: value”")
        return value

    def items(self, key: str) -> list[Any]:
        """A list; empty when there is none."""
        value = self._document.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else self.wrong(key, value, "a list such as [a, b]")

    def texts(self, key: str) -> list[str]:
        """A list of names."""
        values = self.items(key)
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self.wrong(key, value, "a list of names")
        return values

    def text_map(self, key: str) -> dict[str, str]:
        """Values may be numbers in YAML, as ids often are; they are kept as the text they were."""
        result = {}
        for name, value in self.mapping(key).items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                self.wrong(f"{key}, {name}", value, "a text; put it in quotes")
            result[str(name)] = str(value)
        return result


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool):
        text = str(value)
        return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"
    if isinstance(value, list):
        return "a list"
    return "lines of “key: value”" if isinstance(value, dict) else f"a {type(value).__name__}"
