"""Hiding personal values in text that was made from them, however the text spells them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus


def hide(text: str, values: Mapping[str, str]) -> str:
    """The text with each value replaced by its masked form: as it stands, as JSON escapes it, as addresses quote it, as CSV doubles quotes.

    A value is replaced where it stands as a whole, not inside a longer word.
    """
    spellings: dict[str, str] = {}
    for value, masked in values.items():
        if value.strip():
            for spelling in _spellings(value):
                spellings.setdefault(spelling, masked)
    if not spellings:
        return text
    longest_first = sorted(spellings, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(spelling)}(?!\w)" for spelling in longest_first))
    return pattern.sub(lambda match: spellings[match.group(0)], text)


def _spellings(value: str) -> tuple[str, ...]:
    return (
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        value.replace('"', '""'),
    )
