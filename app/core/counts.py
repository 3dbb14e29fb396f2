"""Counts of members on their way to a target, and what they mean against its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.core.phrases import Phrase
from app.core.segments import SegmentOf


class LimitScope(StrEnum):
    """What a target's limit applies to."""

    PER_SEGMENT = "segment"
    PER_EXPORT = "export"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many members a target takes; None means no limit known."""

    maximum: int | None = None
    minimum: int | None = None
    scope: LimitScope = LimitScope.PER_EXPORT


class Verdict(StrEnum):
    """Whether a segment may go."""

    OK = "ok"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    NOT_ELIGIBLE = "not_eligible"


@dataclass(frozen=True, slots=True)
class Linked:
    """How many accounts are behind a segment of contacts, or how many contacts a segment of accounts has.

    `of` is the kind of those counted. `members` is None when the tables' links do not tell, `reason` is the sentence then, and
    `phrase` the same for other languages, where it is not an error's.
    """

    of: SegmentOf
    members: int | None
    reason: str = ""
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """One segment on its way to one target; all numbers are members.

    members >= eligible (have a usable key identifier) >= eligible - duplicates (same identifier after normalising)
    - no_consent - suppressed = to_send. `linked` is there in workspaces of accounts and contacts. `reason` is a sentence where
    the verdict is not ok, and `phrase` the same for other languages, which earlier versions did not keep.
    """

    segment: str
    members: int
    eligible: int
    duplicates: int
    no_consent: int
    suppressed: int
    to_send: int
    counted_at: datetime
    verdict: Verdict = Verdict.OK
    reason: str = ""
    linked: Linked | None = None
    phrase: Phrase | None = None

    def judged(self, verdict: Verdict, why: Phrase) -> Count:
        """This count with the verdict that it may not go, and the sentence that says why."""
        return replace(self, verdict=verdict, reason=str(why), phrase=why)


@dataclass(frozen=True, slots=True)
class Total:
    """Several segments together: from the sum of their members to the unique members that will be sent."""

    segments: int
    members: int
    not_eligible: int
    duplicates: int
    in_several: int
    no_consent: int
    suppressed: int
    to_send: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Reach:
    """How many members can be reached: a usable e-mail address, a usable phone number, consent; None where no column holds it.

    `suppressed` are those on the suppression list, who are sent to no target. `linked` is as in `Count`.
    """

    email: int | None
    phone: int | None
    consent: int | None
    suppressed: int = 0
    linked: Linked | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Members of two segments of the same table, and those in both."""

    members: int
    others: int
    both: int


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How rules make a segment: members of each rule alone, members after each rule from top to bottom, and all there are.

    A fixed list and a query are one rule. `running` ends with the members of the segment.
    """

    rules: tuple[int, ...]
    running: tuple[int, ...]
    everyone: int


def within(count: Count, limits: Limits) -> Count:
    """The count of one segment, judged by a target's limits.

    A limit per export or in total cannot be met by leaving members out, so a segment that alone exceeds it is too large.
    """
    if limits.maximum is not None and count.to_send > limits.maximum:
        return count.judged(Verdict.TOO_LARGE, Phrase("too_large", (count.to_send, limits.maximum)))
    if limits.minimum is not None and count.to_send < limits.minimum:
        return count.judged(Verdict.TOO_SMALL, Phrase("too_small", (count.to_send, limits.minimum)))
    return count
