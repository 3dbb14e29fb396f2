"""Sends the members of one segment batch by batch and keeps account of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.core.errors import FixData, SendoffError, TellUs
from app.core.runs import Reject
from app.delivery.grace import grace
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.destinations.contract import Member, Outcome, OutcomeKind, SegmentSession, TargetField
from app.jobs import Cancelled, JobContext

REFUSED_BATCHES_IN_A_ROW = 3


class SegmentSender:
    """Hands the batches of one segment to an open session; used by one thread.

    A cancel is honoured between batches; the one in flight ends first, within the time `grace` gives it. A batch that is refused as a whole
    (FixData) is halved until the members that cause it stand alone. Any other error leaves `send` as it is: members
    counted until then arrived, the rest did not.
    """

    def __init__(
        self,
        session: SegmentSession,
        segment: str,
        fields: Mapping[str, TargetField],
        state: RunState,
        log: RunLog,
    ) -> None:
        self._session = session
        self._segment = segment
        self._fields = fields
        self._required = tuple(f.id for f in fields.values() if f.required)
        self._state = state
        self._log = log
        self._refused_in_a_row = 0

    def send(self, batches: Iterable[Sequence[Member]], ctx: JobContext) -> None:
        """Send all batches; raises FixData when batch after batch is refused member by member, and what the session raises."""
        for number, batch in enumerate(batches, 1):
            ctx.check()
            complete = self._without_incomplete(batch)
            rejected_before = self._state.totals.rejected
            refused = self._deliver(complete, ctx) if complete else None
            rejected = self._state.totals.rejected - rejected_before
            text = f"Batch {number:,} of “{self._segment}” delivered, {len(batch):,} members."
            if rejected:
                self._log.warning(f"{text} {rejected:,} rejected.")
            else:
                self._log.info(text)
            self._stop_when_hopeless(len(complete), rejected, refused)

    def _without_incomplete(self, batch: Sequence[Member]) -> list[Member]:
        """The members that have every required value; the others are rejected here, the target would do it too."""
        if not self._required:
            return list(batch)
        complete: list[Member] = []
        rejects: list[Reject] = []
        for member in batch:
            lacking = next((f for f in self._required if not member.values.get(f)), None)
            if lacking is None:
                complete.append(member)
            else:
                rejects.append(self._incomplete(member, lacking))
        if rejects:
            self._log.rejects(rejects)
            self._state.settled([OutcomeKind.REJECTED] * len(rejects))
        return complete

    def _deliver(self, members: Sequence[Member], ctx: JobContext) -> FixData | None:
        """Send these members; the last error that refused members without naming them, None when there was none."""
        try:
            # A batch may take several requests: a cancel between them would leave members there that nobody counted.
            with grace(ctx) as in_flight:
                outcomes = self._session.send(members, in_flight)
        except FixData as error:
            if len(members) == 1:
                refusal = Outcome(
                    members[0].key, OutcomeKind.REJECTED, reason=f"{error.what} {error.why}".strip(), fix=error.fix
                )
                self._settle(members, [refusal])
                return error
            half = len(members) // 2
            first = self._deliver(members[:half], ctx)
            ctx.check()
            second = self._deliver(members[half:], ctx)
            return second or first
        except (Cancelled, SendoffError):
            self._log.warning(
                f"The batch in flight, {len(members):,} members, was not acknowledged; some of it may have arrived."
            )
            raise
        self._settle(members, outcomes)
        return None

    def _settle(self, members: Sequence[Member], outcomes: Sequence[Outcome]) -> None:
        if len(outcomes) != len(members):
            raise TellUs(
                "The answer of the target does not fit what was sent.",
                f"{len(members):,} members were sent, the answer tells of {len(outcomes):,}.",
                "Look at the audience there before you run the export again, and send us the log.",
                code="outcomes_missing",
            )
        rejects = [
            self._reject(member, outcome)
            for member, outcome in zip(members, outcomes, strict=True)
            if outcome.kind is OutcomeKind.REJECTED
        ]
        if rejects:
            self._log.rejects(rejects)
        self._state.settled(outcome.kind for outcome in outcomes)

    def _reject(self, member: Member, outcome: Outcome) -> Reject:
        field = self._fields.get(outcome.field)
        return Reject(
            member=member.key,
            segment=self._segment,
            field=field.name if field else outcome.field,
            value=member.values.get(outcome.field) or "",
            reason=outcome.reason,
            fix=outcome.fix,
            by_target=True,
        )

    def _incomplete(self, member: Member, lacking: str) -> Reject:
        name = self._fields[lacking].name
        return Reject(
            member=member.key,
            segment=self._segment,
            field=name,
            value="",
            reason=f"{name} is required and has no usable value.",
            fix="Correct it at the source.",
            by_target=False,
        )

    def _stop_when_hopeless(self, sent: int, rejected: int, refused: FixData | None) -> None:
        """Halving costs two requests a member: stop when it is plainly not the members' fault."""
        hopeless = refused is not None and sent > 1 and rejected >= sent
        self._refused_in_a_row = self._refused_in_a_row + 1 if hopeless else 0
        if refused is not None and self._refused_in_a_row >= REFUSED_BATCHES_IN_A_ROW:
            raise refused
