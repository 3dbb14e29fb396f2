"""Batches: what left for a destination together, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.core.runs import Totals


class BatchKind(StrEnum):
    """What is done with the members of a batch; those asked for were found there, so that they need not be sent again."""

    SEND = "send"
    REMOVE = "remove"
    ASK = "ask"


class BatchState(StrEnum):
    """What is known of a batch; in doubt are those that left and whose answer nobody saw."""

    WAITING = "waiting"
    SENDING = "sending"
    SETTLED = "settled"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a run, numbered from 1 over the whole run in the order of leaving; times are UTC.

    `totals` count the members whose outcome is known, `moved` those that were in doubt and went on in a later batch.
    `requests` and `sha256` (of their bodies, one after the other) are of
    all requests that got an outcome. `halved` tells that it was refused as a whole and sent in parts. `stopped` is what
    happened in place of an answer, as far as Sendoff saw it.
    """

    number: int
    segment: str
    kind: BatchKind
    members: int
    state: BatchState
    left_at: datetime | None = None
    settled_at: datetime | None = None
    totals: Totals = field(default_factory=Totals)
    requests: int = 0
    sha256: str = ""
    halved: bool = False
    moved: int = 0
    stopped: str = ""

    @property
    def answered(self) -> int:
        """Members whose outcome is known."""
        totals = self.totals
        return totals.added + totals.updated + totals.unchanged + totals.removed + totals.rejected

    @property
    def in_doubt(self) -> int:
        """Members that were on their way when the run ended."""
        return self.members - self.answered - self.moved if self.state is BatchState.IN_DOUBT else 0


@dataclass(frozen=True, slots=True)
class BatchNumbers:
    """Members of all batches of a run, which add up to what it set out to send."""

    answered: int = 0
    in_doubt: int = 0
    not_sent: int = 0


def numbers_of(batches: Sequence[Batch]) -> BatchNumbers:
    """How many members of a run that has ended were answered for, are in doubt, and never left."""
    answered = sum(batch.answered for batch in batches)
    in_doubt = sum(batch.in_doubt for batch in batches)
    planned = sum(batch.members - batch.moved for batch in batches)
    return BatchNumbers(answered, in_doubt, planned - answered - in_doubt)
