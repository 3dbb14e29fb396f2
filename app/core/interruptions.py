"""A run that was interrupted: what is certain, what is in doubt, and what resuming it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.batches import Batch, BatchNumbers, BatchState
from app.core.runs import Run


class DoubtRoad(StrEnum):
    """What becomes of members in doubt: the destination is asked, they are sent again, or they stay in doubt."""

    ASK = "ask"
    SEND_AGAIN = "send_again"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Interruption:
    """`numbers` add up to what the run set out to send; `stopped_at` is the last moment it is known to have lived (UTC).

    `hindrance` says in a sentence why it can't be resumed, and is empty when it can. `replaces_files` tells of an export that
    writes files: nothing there was replaced, and it begins anew. `next_due` is when its schedule runs it next.
    """

    run: Run
    stopped_at: datetime
    batches: tuple[Batch, ...]
    numbers: BatchNumbers
    road: DoubtRoad
    destination: str
    hindrance: str = ""
    replaces_files: bool = False
    next_due: datetime | None = None

    @property
    def planned(self) -> int:
        """Members the run set out to send."""
        return self.numbers.answered + self.numbers.in_doubt + self.numbers.not_sent


def neighbours(batches: Sequence[Batch]) -> list[tuple[Batch, ...]]:
    """Neighbouring batches of which the same is known, in the order of sending."""
    groups: list[list[Batch]] = []
    for batch in batches:
        if groups and _known(groups[-1][-1]) is _known(batch):
            groups[-1].append(batch)
        else:
            groups.append([batch])
    return [tuple(group) for group in groups]


def _known(batch: Batch) -> BatchState:
    return BatchState.SETTLED if batch.state is BatchState.REFUSED else batch.state
