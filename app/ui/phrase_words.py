"""Phrases of rules in words of this locale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QCoreApplication, QLocale


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Phrases", words)


def number(value: int) -> str:
    """A number as the person's language writes it."""
    return QLocale().toString(value) if abs(value) < 2**63 else f"{value:,}"


@lru_cache(maxsize=1)
def phrase_words() -> dict[str, str]:
    """Every code of a phrase with its words; {0}, {1}, {2} stand for its parts, in whatever order a language wants."""
    return {
        "is": tr("{0} is {1}"),
        "is_not": tr("{0} is not {1}"),
        "is_one_of": tr("{0} is {1}"),
        "is_not_one_of": tr("{0} is neither {1}"),
        "contains": tr("{0} contains {1}"),
        "starts_with": tr("{0} starts with {1}"),
        "ends_with": tr("{0} ends with {1}"),
        "at_least": tr("{0} is at least {1}"),
        "at_most": tr("{0} is at most {1}"),
        "more_than": tr("{0} is more than {1}"),
        "less_than": tr("{0} is less than {1}"),
        "between": tr("{0} is between {1}"),
        "is_empty": tr("{0} is empty"),
        "is_not_empty": tr("{0} is not empty"),
        "before": tr("{0} is before {1}"),
        "after": tr("{0} is after {1}"),
        "last": tr("{0} lies in the last {1}"),
        "not_in_last": tr("{0} does not lie in the last {1}"),
        "no_longer is": tr("{0} is no longer {1}"),
        "no_longer is_not": tr("{0} is {1} now"),
        "no_longer is_one_of": tr("{0} is no longer {1}"),
        "no_longer is_not_one_of": tr("{0} is {1} now"),
        "no_longer contains": tr("{0} no longer contains {1}"),
        "no_longer starts_with": tr("{0} no longer starts with {1}"),
        "no_longer ends_with": tr("{0} no longer ends with {1}"),
        "no_longer at_least": tr("{0} is no longer at least {1}"),
        "no_longer at_most": tr("{0} is no longer at most {1}"),
        "no_longer more_than": tr("{0} is no longer more than {1}"),
        "no_longer less_than": tr("{0} is no longer less than {1}"),
        "no_longer between": tr("{0} is no longer between {1}"),
        "no_longer is_empty": tr("{0} is filled now"),
        "no_longer is_not_empty": tr("{0} is empty now"),
        "no_longer before": tr("{0} is no longer before {1}"),
        "no_longer after": tr("{0} is no longer after {1}"),
        "no_longer last": tr("{0} no longer lies in the last {1}"),
        "no_longer not_in_last": tr("{0} lies in the last {1} now"),
        "count": tr("the number of {0}"),
        "sum": tr("the sum of {0}"),
        "average": tr("the average of {0}"),
        "lowest": tr("the lowest {0}"),
        "highest": tr("the highest {0}"),
        "latest": tr("the latest {0}"),
        "earliest": tr("the earliest {0}"),
        "within": tr("{0}, counting only {1} in the last {2}"),
        "now": tr("{0} now"),
        "no_longer": tr("no longer {0}"),
        "in_segment": tr("in “{0}”"),
        "in_segment_now": tr("in “{0}” now"),
        "no_longer_in_segment": tr("no longer in “{0}”"),
        "all": tr("{0} and {1}"),
        "any": tr("{0} or {1}"),
        "nothing": tr("nothing is asked"),
        "values": tr("{0}, {1}"),
        "or": tr("{0} or {1}"),
        "nor": tr("{0} nor {1}"),
        "and": tr("{0} and {1}"),
        "more": tr("{0} more"),
        "hour": tr("hour"),
        "hours": tr("{0} hours"),
        "day": tr("day"),
        "days": tr("{0} days"),
        "week": tr("week"),
        "weeks": tr("{0} weeks"),
        "month": tr("month"),
        "months": tr("{0} months"),
        "year": tr("year"),
        "years": tr("{0} years"),
        "empty": tr("empty"),
        "true": tr("true"),
        "false": tr("false"),
    }
