"""Members whose last sending was never acknowledged.

The destination is asked where it can be; else they are sent again where that does no harm; else they stay in doubt, and the
log says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.errors import SendoffError
from app.core.plans import Change
from app.delivery.lanes import Lanes
from app.delivery.ports import PlannedSegment
from app.delivery.run_log import RunLog
from app.delivery.sender import SegmentSender
from app.destinations.batches import Batch, OutcomeKind
from app.destinations.contract import AskingSession, SegmentSession
from app.destinations.description import Description, Repeat
from app.jobs import JobContext

_ARRIVED: Mapping[Change, OutcomeKind] = MappingProxyType(
    {Change.ADDED: OutcomeKind.ADDED, Change.CHANGED: OutcomeKind.UPDATED}
)


@dataclass(frozen=True, slots=True)
class Doubts:
    """What was on its way to one segment's place; used before its batches begin."""

    description: Description
    plan: PlannedSegment
    sender: SegmentSender
    run_log: RunLog
    send_again: bool = False
    """A person said that members may be reached twice."""

    def resolve(self, lanes: Lanes, ctx: JobContext) -> int:
        """Settle who is there already; how many stay in doubt and are not sent. Raises only `Cancelled` and what `lanes` do."""
        batches = {change: self.plan.doubtful(change, ctx) for change in _ARRIVED}
        number = sum(map(len, batches.values()))
        if not number:
            return 0
        if self.description.asks and self._asked(batches, number, lanes, ctx):
            return 0
        name = self.description.name
        if self.description.repeat is Repeat.HARMLESS or self.send_again:
            harm = "which does no harm there" if self.description.repeat is Repeat.HARMLESS else "as a person decided"
            self.run_log.info(
                f"{number:,} members were on their way when Sendoff stopped. They are sent again, {harm}."
            )
            return 0
        for batch in batches.values():
            self.plan.skip(batch)
        self.run_log.warning(
            f"{number:,} members stay in doubt: {name} can't be asked, and sending them again may reach them twice."
        )
        return number

    def _asked(self, batches: Mapping[Change, Batch], number: int, lanes: Lanes, ctx: JobContext) -> bool:
        there = 0
        for change, batch in batches.items():
            if not batch:
                continue
            try:
                held = lanes.once(lambda session, asked=batch: _holds(session, asked, ctx))  # type: ignore[misc]  # mypy can't infer a default
            except SendoffError as error:
                self.run_log.warning(f"{self.description.name} could not be asked who had arrived. {error}")
                return False
            arrived = batch.picked([place for place, is_there in enumerate(held) if is_there])
            self.sender.found(arrived, _ARRIVED[change])
            self.plan.skip(arrived)
            there += len(arrived)
        self.run_log.info(
            f"{number:,} members were on their way when Sendoff stopped. {self.description.name} was asked: "
            f"{there:,} had arrived, {number - there:,} are sent again."
        )
        return True


def _holds(session: SegmentSession, batch: Batch, ctx: JobContext) -> list[bool]:
    return list(session.holds(batch, ctx)) if isinstance(session, AskingSession) else [False] * len(batch)
