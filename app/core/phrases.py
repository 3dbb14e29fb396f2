"""What rules, limits and guards say, apart from the language it is said in: a code with its parts.

It is kept with plans, counts and runs, and put in words where it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ENGLISH: Mapping[str, str] = {
    "is": "{0} is {1}",
    "is_not": "{0} is not {1}",
    "is_one_of": "{0} is {1}",
    "is_not_one_of": "{0} is neither {1}",
    "contains": "{0} contains {1}",
    "starts_with": "{0} starts with {1}",
    "ends_with": "{0} ends with {1}",
    "at_least": "{0} is at least {1}",
    "at_most": "{0} is at most {1}",
    "more_than": "{0} is more than {1}",
    "less_than": "{0} is less than {1}",
    "between": "{0} is between {1}",
    "is_empty": "{0} is empty",
    "is_not_empty": "{0} is not empty",
    "before": "{0} is before {1}",
    "after": "{0} is after {1}",
    "last": "{0} lies in the last {1}",
    "not_in_last": "{0} does not lie in the last {1}",
    "no_longer is": "{0} is no longer {1}",
    "no_longer is_not": "{0} is {1} now",
    "no_longer is_one_of": "{0} is no longer {1}",
    "no_longer is_not_one_of": "{0} is {1} now",
    "no_longer contains": "{0} no longer contains {1}",
    "no_longer starts_with": "{0} no longer starts with {1}",
    "no_longer ends_with": "{0} no longer ends with {1}",
    "no_longer at_least": "{0} is no longer at least {1}",
    "no_longer at_most": "{0} is no longer at most {1}",
    "no_longer more_than": "{0} is no longer more than {1}",
    "no_longer less_than": "{0} is no longer less than {1}",
    "no_longer between": "{0} is no longer between {1}",
    "no_longer is_empty": "{0} is filled now",
    "no_longer is_not_empty": "{0} is empty now",
    "no_longer before": "{0} is no longer before {1}",
    "no_longer after": "{0} is no longer after {1}",
    "no_longer last": "{0} no longer lies in the last {1}",
    "no_longer not_in_last": "{0} lies in the last {1} now",
    "count": "the number of {0}",
    "sum": "the sum of {0}",
    "average": "the average of {0}",
    "lowest": "the lowest {0}",
    "highest": "the highest {0}",
    "latest": "the latest {0}",
    "earliest": "the earliest {0}",
    "within": "{0}, counting only {1} in the last {2}",
    "now": "{0} now",
    "no_longer": "no longer {0}",
    "in_segment": "in “{0}”",
    "in_segment_now": "in “{0}” now",
    "no_longer_in_segment": "no longer in “{0}”",
    "all": "{0} and {1}",
    "any": "{0} or {1}",
    "nothing": "nothing is asked",
    "nothing_yet": "nothing is asked yet",
    "grouped": "({0})",
    "those": "Those where {0}.",
    "those union": "Also those where {0}.",
    "those intersect": "Only those where {0}.",
    "those except": "Without those where {0}.",
    "members": "Members of “{0}”.",
    "members union": "Also members of “{0}”.",
    "members intersect": "Only members of “{0}”.",
    "members except": "Without members of “{0}”.",
    "on_list": "Everyone on a fixed list.",
    "by_query": "Everyone a query finds.",
    "values": "{0}, {1}",
    "or": "{0} or {1}",
    "nor": "{0} nor {1}",
    "and": "{0} and {1}",
    "more": "{0} more",
    "hour": "hour",
    "hours": "{0} hours",
    "day": "day",
    "days": "{0} days",
    "week": "week",
    "weeks": "{0} weeks",
    "month": "month",
    "months": "{0} months",
    "year": "year",
    "years": "{0} years",
    "empty": "empty",
    "true": "true",
    "false": "false",
    "too_large": "Too large: {0} of {1} allowed.",
    "too_large_together": "Too large together: {0} of {1} allowed.",
    "too_small": "Too small: {0}, at least {1} needed.",
    "nobody": "Nobody in it can be sent.",
    "not_taken": "Holds {0}, not {1}.",
    "no_table": "No table of this workspace holds {0}.",
    "no_key": "No field of {0} fills {1}.",
    "not_linked": "{0} and {1} are not linked.",
    "linked_often": "{0} and {1} are linked in several ways.",
    "customers": "individual consumers",
    "contacts": "contacts",
    "accounts": "business accounts",
    "fewer_rows": "{0} has fewer rows",
    "fewer_rows detail": "{0} went from {1} to {2} rows since the last run.",
    "refreshed": "its last refresh brought fewer rows",
    "refreshed detail": "{0} went from {1} to {2} rows since the last run.",
    "left_out": "more rows are left out",
    "left_out detail": "{1} rows of {0} are left out now; at the last run it was {2}.",
    "other_rules": "the rules were changed",
    "other_rules detail": "The rules of “{0}” are other ones than at the last run.",
    "other_consent": "consent is read from another field",
    "other_consent detail": "Who agreed was read from {0} at the last run, now from {1}.",
    "no_field": "no field",
    "none": "none",
    "other match": "other fields are matched",
    "other match detail": "Other fields are matched than at the last run, so everybody there counts as changed.",
    "other source": "fields are filled from other columns",
    "other source detail": "Fields are filled from other columns than at the last run, so that members may count as changed or "
    "as others.",
    "other format": "values are compared in another way",
    "other format detail": "This version of Sendoff compares values in another way than the last run did, so everybody there "
    "counts as changed once.",
    "other engine": "DuckDB is another version",
    "other engine detail": "DuckDB is another version than at the last run: a value that it writes in another way counts as "
    "changed, and which fields changed is not known once.",
}
"""Every code with its words; numbers stand for the parts. The window's are in app/ui/phrase_words.py."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A code of `ENGLISH` with its parts: further phrases, names and values as they are, and numbers."""

    code: str
    parts: tuple[Phrase | str | int, ...] = ()

    def say(self, words: Mapping[str, str] = ENGLISH, number: Callable[[int], str] = "{:,}".format) -> str:
        """In the words of a language, with numbers as it writes them."""
        said = (
            part.say(words, number) if isinstance(part, Phrase) else number(part) if isinstance(part, int) else part
            for part in self.parts
        )
        return words[self.code].format(*said)

    def __str__(self) -> str:
        return self.say()

    @property
    def kept(self) -> str:
        """As it is kept in files, one text."""
        return json.dumps(_listed(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, kept: str) -> Phrase:
        """A phrase as it is kept; raises ValueError for what is none, or says what this version does not know."""
        return _of(json.loads(kept))


Part = Phrase | str | int


def joined(code: str, parts: Sequence[Part]) -> Part:
    """At least one part, said one after another by a phrase of two; in halves, so that thousands are not thousands deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return Phrase(code, (joined(code, parts[:half]), joined(code, parts[half:])))


def _listed(phrase: Phrase) -> list[object]:
    return [phrase.code, *(_listed(part) if isinstance(part, Phrase) else part for part in phrase.parts)]


def _of(listed: object) -> Phrase:
    match listed:
        case [str(code), *parts] if code in ENGLISH and len(parts) == _PARTS[code]:
            return Phrase(code, tuple(part if isinstance(part, str | int) else _of(part) for part in parts))
    raise ValueError("not a phrase")


_PARTS = {code: sum("{%d}" % at in words for at in range(3)) for code, words in ENGLISH.items()}  # noqa: UP031
