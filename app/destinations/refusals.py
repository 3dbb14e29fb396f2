"""Why a destination refused a member: its own words, with our explanation and what to do where the words tell.

Few vendors document what they say about one member, and none promises to keep it. So the kind of fault is told by words that
stand in what they say; whatever they say is repeated, and what tells of no kind is only repeated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import FixData

AT_SOURCE = "Correct it at the source."


@dataclass(frozen=True, slots=True)
class Meaning:
    """What it means when the pattern is found in a destination's words (in lower case), and what to do."""

    sign: str
    reason: str
    fix: str

    def fits(self, words: str) -> bool:
        """Whether the words, in lower case, tell of it."""
        return re.search(self.sign, words) is not None


_INVALID = r"(invalid|not (a )?valid|malformed|must be|incorrect)"
USUAL = (
    Meaning(
        r"unsubscribed|opted[ -]out|opt-?out|suppress|block ?list|black ?list|\bblocked\b|do not contact|forgotten",
        "They may not be written to any more there.",
        "Leave them out, or put them on the suppression list.",
    ),
    Meaning(
        rf"e-?mail.{{0,80}}\b{_INVALID}|\b(in)?valid[ _]?e-?mail|malformed e-?mail|emailinvalid",
        "The e-mail address is not valid there.",
        "Correct the address in your data.",
    ),
    Meaning(
        rf"phone.{{0,80}}\b{_INVALID}|\b(in)?valid[ _]?phone|phoneinvalid|\be\.?164\b",
        "The phone number is not valid there.",
        "Correct the number in your data; it needs the code of its country.",
    ),
    Meaning(
        r"duplicate|already (exists|in use|taken|has)|conflict|belongs to another|multiple (leads|profiles|contacts)",
        "Somebody else has this value there, or has it in the same request.",
        "Join the two at the destination, or correct the value in your data.",
    ),
    Meaning(
        r"\brequired\b|\bmissing\b|(can ?not|can't|must not|may not) be (blank|empty|null)",
        "A value it needs is missing.",
        "Fill it in your data, or match another field.",
    ),
    Meaning(
        r"too (long|large|big)|max(imum)? (length|size)|exceed|longer than",
        "A value is longer or larger than it takes.",
        "Shorten it in your data, or match another field.",
    ),
    Meaning(
        r"try again|internal error|timed? ?out|temporar|rate limit|too many requests",
        "It had a problem of its own with this member.",
        "Run the export again.",
    ),
    Meaning(
        rf"(date|number|integer|boolean|option|value|type|format|timestamp|json).{{0,80}}\b{_INVALID}"
        rf"|\b{_INVALID} (date|number|integer|boolean|option|value|type|format)|not one of|allowed (options|values)",
        "A value does not fit its field there.",
        "Match another field, or correct the value in your data.",
    ),
    Meaning(
        r"not found|does not exist|doesn't exist|no such|\bunknown\b",
        "It is not known there.",
        "Correct the value in your data, or match another field.",
    ),
)
"""In this order: the first that fits explains."""


def explained(who: str, words: str, own: Sequence[Meaning] = (), fix: str = AT_SOURCE) -> tuple[str, str]:
    """The reason and the fix of a refusal: what the words mean as far as they tell, and the words as `who` said them.

    `own` meanings are those of one destination and go before the usual ones. Without words only that is said.
    """
    said = " ".join(words.split())
    if not said:
        return f"{who} did not take this member and does not say why.", fix
    repeated = f"{who} says: {said}{'' if said[-1] in '.!?…' else '.'}"
    low = said.lower()
    known = next((each for each in (*own, *USUAL) if each.fits(low)), None)
    return (repeated, fix) if known is None else (f"{known.reason} {repeated}", known.fix)


def unnamed_rejects(who: str, failed: int, sent: int, said: str) -> FixData:
    """The error for members that were refused without being named: a run sends halves until the refused ones stand alone."""
    return FixData(
        f"{who} did not take {failed:,} of {sent:,} members.",
        said,
        "Correct the values at the source, then run the export again.",
        code="unnamed_rejects",
    )
