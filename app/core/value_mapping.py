"""What the values of a column mean, where a meaning knows only some: codes of countries and languages, yes and no of consent.

A value is understood by itself (`understood`) or because a person said what it means (`Column.means`). What a value means
counts where it is matched, sent or read as consent; rules of segments ask for what stands in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.core.errors import FixData
from app.core.identifiers import BLANKS, lower, normalise
from app.core.tables import Column, ColumnType, Meaning

YES = (
    "true",
    "t",
    "yes",
    "y",
    "1",
    "on",
    "ja",
    "j",
    "oui",
    "o",
    "opt-in",
    "opted in",
    "optin",
    "subscribed",
    "granted",
)
"""Texts that give consent; any other text refuses it."""
NO = (
    "false",
    "f",
    "no",
    "n",
    "0",
    "off",
    "nein",
    "non",
    "opt-out",
    "opted out",
    "optout",
    "unsubscribed",
    "denied",
    "withdrawn",
    "none",
)
"""Texts that are known to refuse consent, so that nobody is asked what they mean."""

_RULES = {Meaning.COUNTRY: "country_iso", Meaning.LANGUAGE: "language"}
_WORDS = {
    Meaning.COUNTRY: ("a country we know", "Use the two-letter code, such as DE."),
    Meaning.LANGUAGE: ("a language we know", "Use the two-letter code, such as de."),
    Meaning.CONSENT: ("yes or no", "Say yes or no."),
}


@dataclass(frozen=True, slots=True)
class MappedValue:
    """A value of a column, how many rows have it, and what it means, None when nobody knows; `said` by a person."""

    value: str
    rows: int
    means: str | None
    said: bool = False


def mappable(column: Column) -> bool:
    """Whether it can be said what the column's values mean."""
    return column.type is ColumnType.TEXT and column.meaning in _WORDS


def folded(value: str) -> str:
    """The form in which values are compared: without space around them, in lower case letter by letter."""
    return lower(value.strip(BLANKS))


def understood(meaning: Meaning, value: str) -> str | None:
    """What a value means by itself; None when that is not known."""
    if meaning is Meaning.CONSENT:
        word = folded(value)
        return "yes" if word in YES else "no" if word in NO else None
    return normalise(_RULES[meaning], value) if meaning in _RULES else None


def mapped(column: Column, value: str, rows: int) -> MappedValue:
    """A value with what it means in that column."""
    said = dict(column.means).get(folded(value))
    return MappedValue(value, rows, said or understood(column.meaning, value), said=said is not None)


def with_means(column: Column, said: Mapping[str, str]) -> Column:
    """The column with more values a person said the meaning of; an empty one forgets what was said of that value.

    Raises FixData with code "no_mapping" for a column that has none, and "meaning" for what is no value of its meaning.
    """
    if not mappable(column):
        raise FixData(
            f"The values of {column.name} can't be mapped.",
            "Only texts that mean a country, a language or consent can.",
            "Say first what the column holds.",
            code="no_mapping",
        )
    means = dict(column.means)
    for value, meant in said.items():
        if not meant.strip():
            means.pop(folded(value), None)
            continue
        known = understood(column.meaning, meant)
        if known is None:
            what, fix = _WORDS[column.meaning]
            raise FixData(f"“{meant}” is not {what}.", f"“{value}” was to mean it.", fix, code="meaning")
        means[folded(value)] = known
    return replace(column, means=tuple(sorted(means.items())))
