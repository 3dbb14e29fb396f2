"""Phrases of rules, limits and guards in words of this locale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QCoreApplication

from app.core.phrases import Phrase
from app.ui.formats import persons_locale


def tr(words: str) -> str:
    """Words in the person's language."""
    return QCoreApplication.translate("Phrases", words)


def number(value: int) -> str:
    """A number as the person's language writes it."""
    return persons_locale().toString(value) if abs(value) < 2**63 else f"{value:,}"


def said(phrase: Phrase | None, kept: str = "") -> str:
    """The phrase in the person's language; without one what an earlier version `kept` in English."""
    return kept if phrase is None else phrase.say(phrase_words(), number)


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
        "nothing_yet": tr("nothing is asked yet"),
        "grouped": tr("({0})"),
        "those": tr("Those where {0}."),
        "those union": tr("Also those where {0}."),
        "those intersect": tr("Only those where {0}."),
        "those except": tr("Without those where {0}."),
        "members": tr("Members of “{0}”."),
        "members union": tr("Also members of “{0}”."),
        "members intersect": tr("Only members of “{0}”."),
        "members except": tr("Without members of “{0}”."),
        "on_list": tr("Everyone on a fixed list."),
        "by_query": tr("Everyone a query finds."),
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
        "too_large": tr("Too large: {0} of {1} allowed."),
        "too_large_together": tr("Too large together: {0} of {1} allowed."),
        "too_small": tr("Too small: {0}, at least {1} needed."),
        "nobody": tr("Nobody in it can be sent."),
        "not_taken": tr("Holds {0}, not {1}."),
        "no_table": tr("No table of this workspace holds {0}."),
        "no_key": tr("No field of {0} fills {1}."),
        "not_linked": tr("{0} and {1} are not linked."),
        "linked_often": tr("{0} and {1} are linked in several ways."),
        "customers": tr("individual consumers"),
        "contacts": tr("contacts"),
        "accounts": tr("business accounts"),
        "fewer_rows": tr("{0} has fewer rows"),
        "fewer_rows detail": tr("{0} went from {1} to {2} rows since the last run."),
        "refreshed": tr("its last refresh brought fewer rows"),
        "refreshed detail": tr("{0} went from {1} to {2} rows since the last run."),
        "left_out": tr("more rows are left out"),
        "left_out detail": tr("{1} rows of {0} are left out now; at the last run it was {2}."),
        "other_rules": tr("the rules were changed"),
        "other_rules detail": tr("The rules of “{0}” are other ones than at the last run."),
        "other_consent": tr("consent is read from another field"),
        "other_consent detail": tr("Who agreed was read from {0} at the last run, now from {1}."),
        "no_field": tr("no field"),
        "none": tr("none"),
        "other match": tr("other fields are matched"),
        "other match detail": tr(
            "Other fields are matched than at the last run, so everybody there counts as changed."
        ),
        "other source": tr("fields are filled from other columns"),
        "other source detail": tr(
            "Fields are filled from other columns than at the last run, so that members may count as changed or as others."
        ),
        "other format": tr("values are compared in another way"),
        "other format detail": tr(
            "This version of Sendoff compares values in another way than the last run did, so everybody there counts as changed once."
        ),
        "other engine": tr("DuckDB is another version"),
        "other engine detail": tr(
            "DuckDB is another version than at the last run: a value that it writes in another way counts as "
            "changed, and which fields changed is not known once."
        ),
    }
