"""Segments to a marketing system: count, check the match, plan, send segment after segment, ask what arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from app.core.batches import BatchKind
from app.core.counts import Count, LimitScope, Verdict
from app.core.eligibility import why_not_eligible
from app.core.errors import FixData, FixSettings, SendoffError
from app.core.exports import REMOVING, Export
from app.core.plans import BASIS_WORDS, Changes
from app.core.runs import PhaseName, Status
from app.core.segments import FieldRef, Segment
from app.core.tables import Catalog
from app.delivery.doubts import Doubts
from app.delivery.forecasts import demand_quota, forecast
from app.delivery.forecasts import words_of as words_of_forecast
from app.delivery.guard import demand_within
from app.delivery.journal import Journal, Planned
from app.delivery.lanes import Lanes, lanes_for
from app.delivery.ports import Deps, MemberSource, PlannedSegment
from app.delivery.receipts import ReceiptBook
from app.delivery.replacing import places_of, who_is_there
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.delivery.sender import SegmentSender
from app.destinations.contract import Place, SegmentDestination, SegmentSession, TargetField
from app.destinations.description import Description
from app.jobs import Cancelled, JobContext

P = TypeVar("P", bound=PlannedSegment)


class NothingSent(Exception):
    """No segment may go; the status says why and the sentences stand in the run's skipped segments."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class SegmentDelivery:
    """One run of a segment export; `deliver` raises what stops it, and gives the status that skipped segments ask for."""

    export: Export
    description: Description
    destination: SegmentDestination
    deps: Deps
    state: RunState
    run_log: RunLog
    journal: Journal
    book: ReceiptBook

    def deliver(self, ctx: JobContext) -> Status | None:
        """Send everything that may go; None when no segment was skipped. Raises NothingSent when none may."""
        check_sync_mode(self.export, self.description)
        segments = chosen_segments(self.export, self.deps.segments)
        fields = {f.id: f for f in self.destination.fields(self.export.target, ctx)}
        source = self.deps.members(self.export, self.description, tuple(fields.values()))
        if self.state.run.interruptions:
            return self._resume(segments, source, fields, ctx)

        self.state.begin(PhaseName.COUNT)
        judge = Judge(self.export, self.description, self.deps.catalog, source, self._counted, self._skip)
        counts = judge.allowed(segments, ctx)

        self.state.begin(PhaseName.MATCH)
        check_match(self.export, self.description, fields, self.deps.catalog)
        for segment, count in () if self.state.run.retries else counts:
            self._write_left_out(source, segment, count, ctx)

        with ExitStack() as plans:
            self.state.begin(PhaseName.PLAN)
            places = places_of(self.export, self.destination, [segment for segment, _count in counts], ctx)
            planned = [
                (segment, plans.enter_context(self._plan(source, segment, place, ctx))) for segment, place in places
            ]
            planned = judge.with_somebody(planned)
            if not self.state.run.retries:  # a person asked for exactly these
                demand_within(self.export, planned, self.state.run.approval)
            self._send_all(planned, fields, ctx)
        return judge.skip_status

    def _resume(
        self, segments: Sequence[Segment], source: MemberSource, fields: Mapping[str, TargetField], ctx: JobContext
    ) -> Status | None:
        """Go on with the plans of the part that was interrupted; a segment that was skipped then stays so."""
        run = self.state.run
        skipped = {each.segment for each in run.skipped}
        check_match(self.export, self.description, fields, self.deps.catalog)
        with ExitStack() as plans:
            self.state.begin(PhaseName.PLAN)
            planned = []
            for segment in segments:
                if segment.name in skipped:
                    continue
                place = self.destination.place(self.export.target, segment.name, ctx)
                plan = source.resume(segment, place, ctx, run=run.id)
                if plan is None:  # all of it was done before
                    holding = source.held(segment, place, ctx)
                    self.state.holds(None if holding is None else holding.own)
                else:
                    planned.append((segment, plans.enter_context(plan)))
                    self.run_log.info(words_of_rest(segment.name, plan))
            self._send_all(planned, fields, ctx)
        return Status.SKIPPED_TOO_SMALL if skipped else None

    def undo(self, segment_names: Sequence[str], ctx: JobContext) -> None:
        """Take back what the run `undoes` did to these segments; nothing is counted or checked anew, only who it touched moves."""
        segments = [each for each in self.deps.segments if each.name in segment_names]
        fields = {f.id: f for f in self.destination.fields(self.export.target, ctx)}
        source = self.deps.members(self.export, self.description, tuple(fields.values()))
        run = self.state.run
        with ExitStack() as plans:
            self.state.begin(PhaseName.PLAN)
            planned = []
            for segment in segments:
                place = self.destination.place(self.export.target, segment.name, ctx)
                plan = plans.enter_context(source.undo(segment, place, ctx, undone=run.undoes, run=run.id))
                self.run_log.info(words_of_plan(segment.name, plan.changes))
                planned.append((segment, plan))
            self._send_all(planned, fields, ctx)

    def _send_all(
        self, planned: Sequence[tuple[Segment, PlannedSegment]], fields: Mapping[str, TargetField], ctx: JobContext
    ) -> None:
        changes = [plan.changes for _segment, plan in planned]
        takes = forecast(self.description, self.destination, changes, ctx)
        if takes is not None:
            self.run_log.info(words_of_forecast(takes))
            demand_quota(self.description, takes)
        total = sum(changes, Changes())
        self.state.unchanged(total.unchanged)
        self.state.set_total(self.state.run.done + total.to_send, "members")
        self.journal.plan(line for segment, plan in planned for line in self._noted(segment, plan))
        self.state.begin(PhaseName.SEND)
        for number, (segment, plan) in enumerate(planned, 1):
            self._send(segment, plan, fields, ctx, last=number == len(planned))

    def _counted(self, count: Count) -> None:
        self.run_log.info(words_of(count))

    def _skip(self, segment: str, sentence: str) -> None:
        self.state.skip(segment, sentence)
        self.run_log.warning(f"“{segment}” was skipped. {sentence}")

    def _plan(self, source: MemberSource, segment: Segment, place: Place, ctx: JobContext) -> PlannedSegment:
        there = who_is_there(self.export, self.destination, segment, place, ctx)
        run = self.state.run
        plan = source.plan(segment, place, ctx, run=run.id, there=there, retries=run.retries)
        self.run_log.info(words_of_plan(segment.name, plan.changes))
        if plan.basis is not None:
            self.run_log.warning(f"“{segment.name}”: {BASIS_WORDS[plan.basis]}")
        return plan

    def _noted(self, segment: Segment, plan: PlannedSegment) -> Iterator[Planned]:
        """What is about to be done with the segment, removals first as they are sent."""
        size = self.description.batch_size
        to_remove, to_send = plan.never_left
        yield Planned(segment.name, BatchKind.REMOVE, to_remove, size)
        yield Planned(segment.name, BatchKind.SEND, to_send, size)

    def _write_left_out(self, source: MemberSource, segment: Segment, count: Count, ctx: JobContext) -> None:
        """Count everybody who belongs to the segment and is not sent; those without a usable key are listed by name."""
        if count.eligible < count.members:
            self.run_log.left_out(source.left_out(segment, ctx))
        self.state.left_out(count.members - count.to_send, suppressed=count.suppressed)

    def _send(
        self,
        segment: Segment,
        plan: PlannedSegment,
        fields: Mapping[str, TargetField],
        ctx: JobContext,
        *,
        last: bool,
    ) -> None:
        sender = SegmentSender(segment.name, fields, plan, self.state, self.run_log, self.journal)
        size = self.description.batch_size
        doubts = Doubts(self.description, plan, sender, self.run_log, self.state.run.send_again)
        with Lanes(lambda: self._session(segment), lanes_for(self.description.pace)) as lanes:
            left_in_doubt = doubts.resolve(lanes, ctx)
            if left_in_doubt:
                self.state.set_total((self.state.run.total or 0) - left_in_doubt, "members")
                _to_remove, to_send = plan.never_left
                to_send -= 0 if plan.resumed else left_in_doubt
                self.journal.planned(segment.name, BatchKind.SEND, to_send, size)
            batches, removals = plan.batches(size, ctx), plan.removals(size, ctx)
            # First who left: somebody known by another identifier now would else be taken out again.
            lanes.send(removals, lambda session, _number, batch: sender.remove(session, batch, ctx), ctx)
            lanes.send(batches, lambda session, _number, batch: sender.deliver(session, batch, ctx), ctx)
            holding = plan.finish(ctx)
            self.state.holds(None if holding is None else holding.own)
            for field, number in plan.sent_empty.items():
                self.run_log.warning(f"{number:,} values of “{field}” could not be used and were sent empty.")
            if last:
                self.state.begin(PhaseName.CONFIRM)
            self._confirm(segment, None if holding is None else holding.everybody, lanes, ctx)

    def _session(self, segment: Segment) -> SegmentSession:
        return self.destination.session(self.export.target, segment.name, self.export.sync)

    def _confirm(self, segment: Segment, held: int | None, lanes: Lanes, ctx: JobContext) -> None:
        """Ask what the target holds; everything was sent already, so no answer changes more than log and receipt."""
        try:
            with self.book.reading_back():
                told = lanes.once(lambda session: session.confirm(ctx))
        except Cancelled:
            sentence = "Cancelled while asking the destination what it holds; everybody had been sent."
            self.run_log.info(sentence)
            self.book.not_read_back(segment.name, held, sentence)
            return
        except SendoffError as error:
            self.run_log.warning(f"The destination could not be asked what it holds. {error}")
            self.book.not_read_back(segment.name, held, f"{error.what} {error.why}".strip())
            return
        self.book.read_back(segment.name, held, told)
        if told.sentence:
            self.run_log.info(told.sentence)
        if held is not None and told.members is not None and told.members != held:
            self.run_log.warning(f"“{segment.name}”: {held:,} members were expected there, {told.members:,} are.")


class Judge:
    """Counts the segments again at the moment of the run and decides which may go; a segment goes whole or not at all."""

    def __init__(
        self,
        export: Export,
        description: Description,
        catalog: Catalog,
        source: MemberSource,
        on_count: Callable[[Count], None],
        on_skip: Callable[[str, str], None],
    ) -> None:
        self._removes = export.sync in REMOVING
        self._description = description
        self._catalog = catalog
        self._source = source
        self._on_count = on_count
        self._on_skip = on_skip
        self.skip_status: Status | None = None
        """What the run is called because of the segments left out; too large weighs more than too small."""

    def allowed(self, segments: Sequence[Segment], ctx: JobContext) -> list[tuple[Segment, Count]]:
        """The segments that may go with their counts; raises NothingSent when there are none."""
        counts = [(s, c) for s in segments if (c := self._count(s, ctx)) is not None]
        counts = self._within_export_limit(counts, ctx)
        if not counts:
            raise NothingSent(self.skip_status or Status.SKIPPED_TOO_SMALL)
        return counts

    def _count(self, segment: Segment, ctx: JobContext) -> Count | None:
        reason = why_not_eligible(segment, self._description.takes, self._catalog)
        if reason:
            self._skip(segment.name, reason, Status.SKIPPED_TOO_SMALL)
            return None
        count = self._source.count(segment, ctx)
        self._on_count(count)
        if count.verdict is Verdict.TOO_LARGE:
            self._skip(segment.name, count.reason, Status.SKIPPED_TOO_LARGE)
        elif count.verdict is not Verdict.OK:
            self._skip(segment.name, count.reason, Status.SKIPPED_TOO_SMALL)
        elif count.to_send or self._removes:
            return count
        else:
            self._skip_empty(segment)
        return None

    def with_somebody(self, planned: Sequence[tuple[Segment, P]]) -> list[tuple[Segment, P]]:
        """The plans but those of empty segments of which nobody is at the target either; NothingSent when none is left."""
        for segment, plan in planned:
            if not plan.changes.to_send and not plan.changes.unchanged:
                self._skip_empty(segment)
        kept = [(s, plan) for s, plan in planned if plan.changes.to_send or plan.changes.unchanged]
        if not kept:
            raise NothingSent(self.skip_status or Status.SKIPPED_TOO_SMALL)
        return kept

    def _skip_empty(self, segment: Segment) -> None:
        self._skip(segment.name, "Nobody in it can be sent.", Status.SKIPPED_TOO_SMALL)

    def _within_export_limit(self, counts: list[tuple[Segment, Count]], ctx: JobContext) -> list[tuple[Segment, Count]]:
        """A limit on the whole export counts the members of all its segments once, as the wizard shows them.

        No segment can be picked to stay behind for it.
        """
        limits = self._description.limits
        if limits.maximum is None or limits.scope is LimitScope.PER_SEGMENT:
            return counts
        if sum(c.to_send for _s, c in counts) <= limits.maximum:
            return counts
        total = self._source.unique([s for s, _c in counts], ctx)
        if total <= limits.maximum:
            return counts
        for segment, _count in counts:
            sentence = f"Too large together: {total:,} of {limits.maximum:,} allowed; it was skipped."
            self._skip(segment.name, sentence, Status.SKIPPED_TOO_LARGE)
        return []

    def _skip(self, segment: str, sentence: str, status: Status) -> None:
        self._on_skip(segment, sentence)
        if self.skip_status is not Status.SKIPPED_TOO_LARGE:
            self.skip_status = status


def words_of(count: Count) -> str:
    """A count as a line of the log."""
    left_out = {
        "without a usable key": count.members - count.eligible,
        "twice": count.duplicates,
        "without consent": count.no_consent,
        "suppressed": count.suppressed,
    }
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items() if number)
    text = f"“{count.segment}” has {count.members:,} members, {count.to_send:,} to send."
    return f"{text} Left out: {reasons}." if reasons else text


def words_of_plan(segment: str, changes: Changes) -> str:
    """What would be done with a segment, as a line of the log."""
    numbers = {
        "to add": changes.added,
        "to change": changes.changed,
        "to remove": changes.removed,
        "unchanged": changes.unchanged,
    }
    text = f"“{segment}”: {', '.join(f'{number:,} {words}' for words, number in numbers.items())}."
    if changes.strangers:
        text = f"{text} {changes.strangers:,} of those to remove were never sent by Sendoff."
    if not changes.in_doubt:
        return text
    return f"{text} {changes.in_doubt:,} of them were on their way when an earlier run stopped."


def words_of_rest(segment: str, plan: PlannedSegment) -> str:
    """What is left to do with a segment after an interruption, as a line of the log."""
    changes = plan.changes
    text = f"“{segment}”: resumed with {changes.to_send:,} members left to send"
    in_doubt = f", {changes.in_doubt:,} of them in doubt." if changes.in_doubt else "."
    if not plan.dropped:
        return text + in_doubt
    return f"{text}{in_doubt} {plan.dropped:,} are left out: they left the segment or may not be sent any more."


def chosen_segments(export: Export, segments: Sequence[Segment]) -> list[Segment]:
    """The export's segments in its order; raises FixData for one that is gone."""
    by_name = {s.name.casefold(): s for s in segments}
    chosen: list[Segment] = []
    for name in export.segments:
        segment = by_name.get(name.casefold())
        if segment is None:
            raise FixData(
                f"The segment “{name}” is gone.",
                "It was removed or renamed after this export was made.",
                "Edit the export and choose its segments again.",
                code="segment_gone",
            )
        chosen.append(segment)
    if not chosen:
        raise FixData("This export has no segment.", "There is nobody to send.", "Edit the export and choose segments.")
    return chosen


def check_sync_mode(export: Export, description: Description) -> None:
    """Raise FixSettings when the target can't do what the export asks for."""
    if export.sync not in description.sync_modes:
        able = ", ".join(description.sync_modes)
        raise FixSettings(
            f"{description.name} can't do the sync mode “{export.sync}”.",
            f"It can do: {able}.",
            "Edit the export and choose another sync mode.",
            code="sync_mode",
        )


def check_match(export: Export, description: Description, fields: Mapping[str, TargetField], catalog: Catalog) -> None:
    """Raise FixSettings when the match lacks a key or a required field, or names a field or column that is gone."""
    for target, source in export.match.items():
        if target not in fields:
            raise _match_error(
                f"{description.name} has no field “{target}” any more.", "It was removed or renamed there."
            )
        ref = FieldRef.parse(source)
        table = catalog.table(ref.table)
        if table is None or table.column(ref.column) is None:
            raise _match_error(f"The field “{source}” is gone.", "Its table was removed or its columns were renamed.")
    for field in fields.values():
        if field.required and field.id not in export.match:
            raise _match_error(
                f"“{field.name}” has no field of yours.", f"{description.name} takes no member without it."
            )
    if description.key_fields and not any(key in export.match for key in description.key_fields):
        names = " or ".join(f"“{fields[key].name}”" for key in description.key_fields if key in fields)
        raise _match_error(f"Neither {names} is matched.", f"{description.name} can't tell members apart without it.")


def _match_error(what: str, why: str) -> FixSettings:
    return FixSettings(what, why, "Edit the export and choose the field in Data matching.", code="match")
