"""Segments to a marketing system: count, check the match, plan, send segment after segment, ask what arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from app.core.batches import BatchKind
from app.core.counts import Count
from app.core.errors import SendoffError
from app.core.exports import Export, SyncMode
from app.core.phrases import Phrase
from app.core.plans import Changes
from app.core.runs import PhaseName, Status
from app.core.segments import Segment
from app.delivery.doubts import Doubts
from app.delivery.forecasts import demand_quota, forecast
from app.delivery.guard import demand_within
from app.delivery.journal import Planned
from app.delivery.judge import Judge
from app.delivery.lanes import Lanes, lanes_for
from app.delivery.plan_words import words_of_count, words_of_forecast, words_of_plan, words_of_rest
from app.delivery.ports import Deps, MemberSource, PlannedSegment
from app.delivery.records import Records
from app.delivery.replacing import places_of, who_is_there
from app.delivery.segment_checks import check_match, check_sync_mode, chosen_segments
from app.delivery.sender import SegmentSender
from app.destinations.batches import OutcomeKind
from app.destinations.contract import Place, SegmentDestination, SegmentSession, TargetField
from app.destinations.description import Description
from app.jobs import Cancelled, JobContext


@dataclass(frozen=True, slots=True)
class SegmentDelivery:
    """One run of a segment export; `deliver` raises what stops it, and gives the status that skipped segments ask for."""

    export: Export
    description: Description
    destination: SegmentDestination
    deps: Deps
    records: Records

    def deliver(self, ctx: JobContext) -> Status | None:
        """Send everything that may go; None when no segment was skipped. Raises NothingSent when none may."""
        check_sync_mode(self.export, self.description)
        segments = chosen_segments(self.export, self.deps.segments)
        fields = {f.id: f for f in self.destination.fields(self.export.target, ctx)}
        source = self.deps.members(self.export, self.description, tuple(fields.values()))
        if self.records.state.run.interruptions:
            return self._resume(segments, source, fields, ctx)

        self.records.state.begin(PhaseName.COUNT)
        judge = Judge(self.export, self.description, self.deps.catalog, source, self._counted, self._skip)
        counts = judge.allowed(segments, ctx)

        self.records.state.begin(PhaseName.MATCH)
        check_match(self.export, self.description, fields, self.deps.catalog)
        for segment, count in () if self.records.state.run.retries else counts:
            self._write_left_out(source, segment, count, ctx)

        with ExitStack() as plans:
            self.records.state.begin(PhaseName.PLAN)
            places = places_of(self.export, self.destination, [segment for segment, _count in counts], ctx)
            planned = judge.with_somebody(self._plan(source, places, plans, ctx))
            if not self.records.state.run.retries:  # a person asked for exactly these
                demand_within(self.export, planned, self.records.state.run.approval)
            self._send_all(planned, fields, ctx)
        return judge.skip_status

    def _resume(
        self, segments: Sequence[Segment], source: MemberSource, fields: Mapping[str, TargetField], ctx: JobContext
    ) -> Status | None:
        """Go on with the plans of the part that was interrupted; a segment that was skipped then stays so."""
        run = self.records.state.run
        skipped = {each.segment for each in run.skipped}
        check_match(self.export, self.description, fields, self.deps.catalog)
        with ExitStack() as plans:
            self.records.state.begin(PhaseName.PLAN)
            planned = []
            for segment in segments:
                if segment.name in skipped:
                    continue
                place = self.destination.place(self.export.target, segment.name, ctx)
                plan = source.resume(segment, place, ctx, run=run.id)
                if plan is None:  # all of it was done before
                    holding = source.held(segment, place, ctx)
                    self.records.state.holds(None if holding is None else holding.own)
                else:
                    planned.append((segment, plans.enter_context(plan)))
                    self.records.run_log.info(words_of_rest(segment.name, plan))
            self._send_all(planned, fields, ctx)
        return Status.SKIPPED_TOO_SMALL if skipped else None

    def undo(self, segment_names: Sequence[str], ctx: JobContext) -> None:
        """Take back what the run `undoes` did to these segments; nothing is counted or checked anew, only who it touched moves."""
        segments = [each for each in self.deps.segments if each.name in segment_names]
        fields = {f.id: f for f in self.destination.fields(self.export.target, ctx)}
        source = self.deps.members(self.export, self.description, tuple(fields.values()))
        run = self.records.state.run
        with ExitStack() as plans:
            self.records.state.begin(PhaseName.PLAN)
            places = [(each, self.destination.place(self.export.target, each.name, ctx)) for each in segments]
            undone = source.undo(places, ctx, undone=run.undoes, run=run.id)
            planned = [(segment, plans.enter_context(plan)) for segment, plan in zip(segments, undone, strict=True)]
            for segment, plan in planned:
                self.records.run_log.info(words_of_plan(segment.name, plan.changes))
            self._send_all(planned, fields, ctx)

    def _send_all(
        self, planned: Sequence[tuple[Segment, PlannedSegment]], fields: Mapping[str, TargetField], ctx: JobContext
    ) -> None:
        changes = [plan.changes for _segment, plan in planned]
        takes = forecast(self.description, self.destination, changes, ctx)
        if takes is not None:
            self.records.run_log.info(words_of_forecast(takes))
            demand_quota(self.description, takes)
        total = sum(changes, Changes())
        self.records.state.unchanged(total.unchanged)
        self.records.state.set_total(self.records.state.run.done + total.to_send, "members")
        self.records.journal.plan(line for segment, plan in planned for line in self._noted(segment, plan))
        self.records.state.begin(PhaseName.SEND)
        for number, (segment, plan) in enumerate(planned, 1):
            self._send(segment, plan, fields, ctx, last=number == len(planned))

    def _counted(self, count: Count) -> None:
        self.records.run_log.info(words_of_count(count))

    def _skip(self, segment: str, why: Phrase) -> None:
        self.records.state.skip(segment, why)
        self.records.run_log.warning(f"“{segment}” was skipped. {why}")

    def _plan(
        self, source: MemberSource, places: Sequence[tuple[Segment, Place]], plans: ExitStack, ctx: JobContext
    ) -> list[tuple[Segment, PlannedSegment]]:
        there = who_is_there(self.export, self.destination, places, ctx)
        run = self.records.state.run
        made = source.plan(places, ctx, run=run.id, there=there, retries=run.retries)
        planned = [(segment, plans.enter_context(plan)) for (segment, _place), plan in zip(places, made, strict=True)]
        for segment, plan in planned:
            self.records.run_log.info(words_of_plan(segment.name, plan.changes))
            if plan.basis is not None:
                self.records.run_log.warning(f"“{segment.name}”: {plan.basis.phrase}")
        return planned

    def _noted(self, segment: Segment, plan: PlannedSegment) -> Iterator[Planned]:
        """What is about to be done with the segment, removals first as they are sent."""
        size = self.description.batch_size
        to_remove, to_send = plan.never_left
        yield Planned(segment.name, BatchKind.REMOVE, to_remove, size)
        yield Planned(segment.name, BatchKind.SEND, to_send, size)

    def _write_left_out(self, source: MemberSource, segment: Segment, count: Count, ctx: JobContext) -> None:
        """Count everybody who belongs to the segment and is not sent; those without a usable key are listed by name."""
        if count.eligible < count.members:
            self.records.run_log.left_out(source.left_out(segment, ctx))
        self.records.state.left_out(count.members - count.to_send, suppressed=count.suppressed)

    def _send(
        self,
        segment: Segment,
        plan: PlannedSegment,
        fields: Mapping[str, TargetField],
        ctx: JobContext,
        *,
        last: bool,
    ) -> None:
        records = self.records
        sender = SegmentSender(segment.name, fields, plan, records.state, records.run_log, records.journal)
        size = self.description.batch_size
        doubts = Doubts(self.description, plan, sender, records.run_log, records.state.run.send_again)
        with Lanes(lambda: self._session(segment), lanes_for(self.description.pace)) as lanes:
            left_in_doubt = doubts.resolve(lanes, ctx)
            if left_in_doubt:
                self.records.state.set_total((self.records.state.run.total or 0) - left_in_doubt, "members")
                _to_remove, to_send = plan.never_left
                to_send -= 0 if plan.resumed else left_in_doubt
                self.records.journal.planned(segment.name, BatchKind.SEND, to_send, size)
            self._leave_brought(segment, plan, sender, ctx)
            batches, removals = plan.batches(size, ctx), plan.removals(size, ctx)
            # First who left: somebody known by another identifier now would else be taken out again.
            lanes.send(removals, lambda session, _number, batch: sender.remove(session, batch, ctx), ctx)
            lanes.send(batches, lambda session, _number, batch: sender.deliver(session, batch, ctx), ctx)
            holding = plan.finish(ctx)
            self.records.state.holds(None if holding is None else holding.own)
            for field, number in plan.sent_empty.items():
                self.records.run_log.warning(f"{number:,} values of “{field}” could not be used and were sent empty.")
            if last:
                self.records.state.begin(PhaseName.CONFIRM)
            self._confirm(segment, None if holding is None else holding.everybody, lanes, ctx)

    def _leave_brought(self, segment: Segment, plan: PlannedSegment, sender: SegmentSender, ctx: JobContext) -> None:
        """Who is there by another segment of this export is noted as this one's too, and not sent once more."""
        adds = self.export.sync is SyncMode.ADD
        number = 0
        for batch in plan.brought(self.description.batch_size, ctx, whatever=adds):
            ctx.check()
            sender.found(batch, OutcomeKind.UNCHANGED if adds else OutcomeKind.UPDATED)
            number += len(batch)
        if number:
            self.records.run_log.info(
                f"{number:,} members of “{segment.name}” are there by another segment of this export. They are not sent twice."
            )

    def _session(self, segment: Segment) -> SegmentSession:
        return self.destination.session(self.export.target, segment.name, self.export.sync)

    def _confirm(self, segment: Segment, held: int | None, lanes: Lanes, ctx: JobContext) -> None:
        """Ask what the target holds; everything was sent already, so no answer changes more than log and receipt."""
        try:
            with self.records.book.reading_back():
                told = lanes.once(lambda session: session.confirm(ctx))
        except Cancelled:
            sentence = "Cancelled while asking the destination what it holds; everybody had been sent."
            self.records.run_log.info(sentence)
            self.records.book.not_read_back(segment.name, held, sentence)
            return
        except SendoffError as error:
            self.records.run_log.warning(f"The destination could not be asked what it holds. {error}")
            self.records.book.not_read_back(segment.name, held, f"{error.what} {error.why}".strip())
            return
        self.records.book.read_back(segment.name, held, told)
        if told.sentence:
            self.records.run_log.info(told.sentence)
        if held is not None and told.members is not None and told.members != held:
            self.records.run_log.warning(
                f"“{segment.name}”: {held:,} members were expected there, {told.members:,} are."
            )
