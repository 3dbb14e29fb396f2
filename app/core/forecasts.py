"""What sending would take: requests, time at the target's pace, and whether what its account may still ask is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.errors import FixSettings, SendoffError, TryAgain
from app.core.plans import Changes

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Calls:
    """The requests each part of a run takes at most, as long as all goes well.

    `beginning` are made once a run (its fields, its quota), `opening` and `closing` for each segment: its place, the audience,
    what it holds afterwards. A batch takes one request for every so many members in `sending` and `removing`, each number of
    them; 0 stands for the whole batch. `seconds` is how long an answer is taken to need where the vendor documents no pace.
    Left out: what further sessions of a segment ask to open, further questions for jobs that go on, what is sent again, and at
    the first use of a connection that nobody tested the question whose account it is.
    """

    beginning: int = 0
    opening: int = 0
    sending: tuple[int, ...] = (0,)
    removing: tuple[int, ...] = ()
    closing: int = 0
    seconds: float = 0.0

    def number(self, segments: Sequence[Changes], batch_size: int) -> int:
        """The requests of a run that does these things to its segments."""
        batches = sum(
            _batches(self.removing, each.removed, batch_size)
            + _batches(self.sending, each.added + each.changed, batch_size)
            for each in segments
        )
        return self.beginning + len(segments) * (self.opening + self.closing) + batches


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests of a day an account may still make, of how many, whoever makes them; `renews_at` when it tells."""

    left: int
    limit: int
    renews_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What sending takes about: a target may ask to slow down, and works on some jobs after its answer.

    `quota` is None where the target was not asked or does not tell; `obstacle` are the sentences of what stands in the way:
    what, why and what to do, none when nothing does.
    """

    calls: int
    seconds: float
    quota: Quota | None = None
    obstacle: tuple[str, ...] = ()

    @property
    def about(self) -> int:
        """The seconds as they are told: whole ones, from a minute on whole minutes."""
        if self.seconds <= _MINUTE:
            return max(1, math.ceil(self.seconds))
        return _MINUTE * math.ceil(self.seconds / _MINUTE)


def too_few_left(target: str, calls: int, quota: Quota) -> SendoffError | None:
    """Why a run of that many requests can't be sent now; None when it can."""
    if calls <= quota.left:
        return None
    why = f"It needs about {calls:,}; {quota.left:,} of {quota.limit:,} are left today."
    if calls > quota.limit:
        return FixSettings(
            f"This run needs more requests than {target} takes in a day.",
            why,
            f"Send fewer segments with one export, or have the limit raised at {target}.",
            code="daily_limit",
        )
    return TryAgain(
        f"{target} takes too few requests today for this run.",
        why,
        "Run the export again when the day of its limit has ended.",
        code="daily_limit",
    )


def _batches(every: Sequence[int], members: int, batch_size: int) -> int:
    whole, rest = divmod(members, batch_size)
    return whole * _requests(every, batch_size) + _requests(every, rest)


def _requests(every: Sequence[int], members: int) -> int:
    return sum(math.ceil(members / (each or members)) for each in every) if members else 0
