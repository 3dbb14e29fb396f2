"""Sends the members of one segment batch by batch and keeps account of each of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.core.batches import BatchKind
from app.core.errors import FixData, SendoffError, TellUs
from app.core.runs import Reject
from app.delivery.files import MASK
from app.delivery.grace import grace
from app.delivery.journal import BatchEntry, Journal
from app.delivery.ports import PlannedSegment
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.contract import RemovingSession, SegmentSession, TargetField
from app.jobs import Cancelled, JobContext

REFUSED_BATCHES_IN_A_ROW = 3
_SHORTEST_VALUE = 3
"""Shorter ones are parts of any words, and tell of nobody."""

Act = Callable[[Sequence[Member], JobContext], Sequence[Outcome]]
"""What is done with a batch: a session's `send`."""


@dataclass(slots=True)
class _Tally:
    """What became of one batch; `refusal` is the last error that refused members without naming them."""

    entry: BatchEntry
    rejected: int = 0
    refusal: FixData | None = None


class SegmentSender:
    """Hands the batches of one segment to open sessions. Thread safe.

    A cancel is honoured between batches; those in flight end first, within the time `grace` gives them. A batch that is
    refused as a whole (FixData) is halved until the members that cause it stand alone. Any other error is raised: members
    counted until then arrived, the rest did not. The plan is told of each batch before it leaves, and of each outcome.
    """

    def __init__(
        self,
        segment: str,
        fields: Mapping[str, TargetField],
        plan: PlannedSegment,
        state: RunState,
        run_log: RunLog,
        journal: Journal,
    ) -> None:
        self._segment = segment
        self._plan = plan
        self._fields = fields
        self._required = tuple(f.id for f in fields.values() if f.required)
        self._state = state
        self._run_log = run_log
        self._journal = journal
        self._lock = threading.Lock()
        self._refused_in_a_row = 0

    def deliver(self, session: SegmentSession, batch: Batch, ctx: JobContext) -> None:
        """Send one batch; raises FixData when batch after batch is refused member by member, and what the session raises."""
        ctx.check()
        with self._journal.batch(self._segment, BatchKind.SEND, batch.rows) as entry:
            tally = _Tally(entry)
            complete = self._without_incomplete(batch, tally)
            incomplete = tally.rejected
            if complete:
                self._plan.sending(complete)
                self._send(session.send, complete, tally, ctx)
        self._log("delivered", batch, tally)
        self._stop_when_hopeless(len(complete), tally.rejected - incomplete, tally.refusal)

    def remove(self, session: SegmentSession, batch: Batch, ctx: JobContext) -> None:
        """Take one batch out of the place; raises as `deliver`, and TellUs for a session that can't."""
        ctx.check()
        if not isinstance(session, RemovingSession):
            raise TellUs(
                "This destination can't take members out.",
                "It says that it can mirror a segment, but has no way to remove anybody.",
                "Choose another sync mode in the export, and send us the log.",
                code="no_removal",
            )
        with self._journal.batch(self._segment, BatchKind.REMOVE, batch.rows) as entry:
            tally = _Tally(entry)
            self._plan.sending(batch)
            self._send(session.remove, batch, tally, ctx)
        self._log("removed", batch, tally)
        self._stop_when_hopeless(len(batch), tally.rejected, tally.refusal)

    def found(self, batch: Batch, kind: OutcomeKind) -> None:
        """Note members of whom the destination says that they are there, sent by an earlier run or part of this one."""
        if batch:
            with self._journal.batch(self._segment, BatchKind.ASK, batch.rows) as entry:
                self._take(batch, Outcomes(batch.keys, kind), _Tally(entry))

    def _log(self, done: str, batch: Batch, tally: _Tally) -> None:
        text = f"Batch {tally.entry.number:,} of “{self._segment}” {done}, {len(batch):,} members."
        if tally.rejected:
            self._run_log.warning(f"{text} {tally.rejected:,} rejected.")
        else:
            self._run_log.info(text)

    def _without_incomplete(self, batch: Batch, tally: _Tally) -> Batch:
        """The members that have every required value; the others are rejected here, the target would do it too."""
        if all(all(batch.column(field)) for field in self._required):
            return batch
        lacking: dict[int, str] = {}
        for field in self._required:
            for place, value in enumerate(batch.column(field)):
                if not value:
                    lacking.setdefault(place, field)
        places = sorted(lacking)
        incomplete = batch.picked(places)
        outcomes = [self._incomplete(key, lacking[place]) for key, place in zip(incomplete.keys, places, strict=True)]
        self._take(incomplete, Outcomes.of(outcomes), tally)
        return batch.picked([place for place in range(len(batch)) if place not in lacking])

    def _send(self, act: Act, members: Batch, tally: _Tally, ctx: JobContext) -> None:
        try:
            # A batch may take several requests: a cancel between them would leave members there that nobody counted.
            with grace(ctx) as in_flight:
                outcomes = act(members, in_flight)
        except FixData as error:
            tally.refusal = error
            if len(members) > 1:
                tally.entry.halved = True
                half = len(members) // 2
                self._send(act, members[:half], tally, ctx)
                ctx.check()
                self._send(act, members[half:], tally, ctx)
                return
            reason = f"{error.what} {error.why}".strip()
            outcomes = [Outcome(members.keys[0], OutcomeKind.REJECTED, reason=reason, fix=error.fix)]
        except (Cancelled, SendoffError):
            self._run_log.warning(
                f"The batch in flight, {len(members):,} members, was not acknowledged; some of it may have arrived."
            )
            raise
        self._settle(members, Outcomes.of(outcomes), tally)

    def _settle(self, members: Batch, outcomes: Outcomes, tally: _Tally) -> None:
        if len(outcomes) != len(members):
            raise TellUs(
                "The answer of the destination does not fit what was sent.",
                f"{len(members):,} members were sent, the answer tells of {len(outcomes):,}.",
                "Look at the audience there before you run the export again, and send us the log.",
                code="outcomes_missing",
            )
        self._take(members, outcomes.for_batch(members), tally)

    def _take(self, members: Batch, outcomes: Outcomes, tally: _Tally) -> None:
        """Note outcomes everywhere; what is held first, the rest tells of it."""
        self._plan.settled(members, outcomes)
        counted = outcomes.counted()
        tally.entry.settled(counted)
        rejects = [self._reject(members[place], outcome) for place, outcome in sorted(outcomes.refused.items())]
        if rejects:
            self._run_log.rejects(rejects)
        self._state.settled(counted)
        tally.rejected += len(rejects)

    def _reject(self, member: Member, outcome: Outcome) -> Reject:
        """A destination may repeat values of the member: they stand in `value`, and nowhere else."""
        reason, named = _without_values(outcome.reason, member.values)
        field_id = outcome.field or named
        field = self._fields.get(field_id)
        return Reject(
            member=member.key,
            segment=self._segment,
            field=field.name if field else field_id,
            value=member.values.get(field_id) or "",
            reason=reason,
            fix=outcome.fix,
            by_target=outcome.kind is OutcomeKind.REJECTED,
        )

    def _incomplete(self, key: str, lacking: str) -> Outcome:
        reason = f"{self._fields[lacking].name} is required and has no usable value."
        return Outcome(key, OutcomeKind.INVALID, lacking, reason, "Correct it at the source.")

    def _stop_when_hopeless(self, sent: int, rejected: int, refused: FixData | None) -> None:
        """Halving costs two requests a member: stop when it is plainly not the members' fault."""
        hopeless = refused is not None and sent > 1 and rejected >= sent
        with self._lock:
            self._refused_in_a_row = self._refused_in_a_row + 1 if hopeless else 0
            stop = self._refused_in_a_row >= REFUSED_BATCHES_IN_A_ROW
        if refused is not None and stop:
            raise refused


def _without_values(words: str, values: Mapping[str, str | None]) -> tuple[str, str]:
    """The words with dots for each of the values, and the field of the longest value that stood there."""
    named = ""
    for field, value in sorted(values.items(), key=lambda each: len(each[1] or ""), reverse=True):
        if not value or len(value) < _SHORTEST_VALUE:
            continue
        masked = re.sub(rf"(?i)(?<![\w.+@-]){re.escape(value)}(?![\w@-]|\.\w)", MASK, words)
        if masked != words:
            words, named = masked, named or field
    return words, named
