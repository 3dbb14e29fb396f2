"""Two runs of one export side by side: who is in one's audience and not in the other's, why, and what was set differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.audit import AuditEntry, AuditFilter, Deed, Subject
from app.core.configurations import SegmentChange, changed_segments, sentences
from app.core.errors import FixData, SendoffError
from app.core.reasons import Reason
from app.core.roles import Action, may
from app.core.run_differences import DifferencePage, Differing, RunDifference, Side
from app.core.runs import Run
from app.core.tables import Meaning
from app.data.engines.duckdb import DuckDBEngine
from app.data.personal import looks_like, masked
from app.data.run_changes import changes_relation
from app.data.run_difference import FoldedRuns, Member
from app.delivery.files import RunFolder, save_csv
from app.delivery.receipts import read_configuration
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.finding import export_named
from app.services.roles import RoleService
from app.services.saving import saving
from app.store.store import Store

MOST_RUNS = 10_000
_CHECKED_EACH = 10_000


@dataclass(frozen=True, slots=True)
class _Pair:
    """The earlier run, the later one, and those that made one of the other: the later one is the last of them."""

    earlier: Run
    later: Run
    between: tuple[Run, ...]


class CompareService:
    """Thread safe; each call works in the calling thread. Reads what runs left behind, asks no destination."""

    def __init__(
        self, folder: Path, store: Store, engine: Callable[[], DuckDBEngine], roles: RoleService, audit: AuditService
    ) -> None:
        self._folder = folder
        self._store = store
        self._engine = engine
        self._roles = roles
        self._audit = audit

    def runs(self, export_name: str) -> list[Run]:
        """The runs of an export that can be compared, the newest first: those that sent members."""
        export = export_named(self._store, export_name)
        return [run for run in self._store.runs.list(export.id, MOST_RUNS) if _comparable(run)]

    def has_before(self, run: Run) -> bool:
        """Whether there is an earlier run that this one can be compared with."""
        return _comparable(run) and any(map(_comparable, self._store.runs.list(run.export_id, 50, run.queued_at)))

    def compare(self, one: str, other: str, ctx: JobContext) -> RunDifference:
        """The difference in numbers, from the earlier to the later of two runs of one export, whichever is named first.

        Raises FixData for runs that can't be compared, Cancelled.
        """
        pair = self._pair(one, other)
        with self._folded(pair, ctx) as folded:
            return self._numbers(pair, folded)

    def look(
        self,
        one: str,
        other: str,
        ctx: JobContext,
        *,
        side: Side | None = None,
        search: str = "",
        words: Callable[[Reason], str] = str,
        limit: int = 200,
    ) -> tuple[RunDifference, DifferencePage]:
        """What `compare` and `members` give, for the price of one."""
        pair = self._pair(one, other)
        with self._folded(pair, ctx) as folded:
            rows, total = folded.members(side, search, words, 0, limit)
            page = DifferencePage(tuple(_shown(row, pair.between) for row in rows), 0, total)
            return self._numbers(pair, folded), page

    def members(
        self,
        one: str,
        other: str,
        ctx: JobContext,
        *,
        side: Side | None = None,
        search: str = "",
        words: Callable[[Reason], str] = str,
        offset: int = 0,
        limit: int = 200,
    ) -> DifferencePage:
        """Who differs, the newest change first; keys that are addresses or numbers are masked. Raises as `compare`.

        `search` finds a part of a member's key or of the `words` of a reason.
        """
        pair = self._pair(one, other)
        with self._folded(pair, ctx) as folded:
            rows, total = folded.members(side, search, words, offset, limit)
        return DifferencePage(tuple(_shown(row, pair.between) for row in rows), offset, total)

    def save(
        self,
        one: str,
        other: str,
        path: Path,
        ctx: JobContext,
        *,
        side: Side | None = None,
        search: str = "",
        words: Callable[[Reason], str] = str,
    ) -> int:
        """Write who differs as CSV and say how many; the file names people, which a Viewer may not. Raises as `compare`."""
        self._roles.demand(Action.SHOW_PERSONAL_VALUES)
        pair = self._pair(one, other)
        with self._folded(pair, ctx) as folded:
            cells = _cells(folded.everybody(side, search, words), pair.between, ctx)
            with saving(path):
                total = save_csv(path, ("Member", "Segment", "Difference", "Reason", "Fields", "Run", "When"), cells)
        name = pair.later.export_name
        self._audit.record(
            Deed.PLAN_SAVED, Subject.RUN, name, subject_id=pair.later.id, note=f"{total:,} members, as CSV"
        )
        return total

    def who_changed(self, one: str, other: str, segment: str) -> tuple[AuditEntry, ...]:
        """Who saved that segment between two runs, the newest first; nothing for who may not see the audit trail."""
        found = self._store.segments.get(segment)
        if found is None or not may(self._roles.role(), Action.SEE_AUDIT):
            return ()
        pair = self._pair(one, other)
        between = AuditFilter(since=pair.earlier.queued_at, until=pair.later.queued_at, subject_id=found.id)
        return self._audit.page(between).entries

    def _numbers(self, pair: _Pair, folded: FoldedRuns) -> RunDifference:
        numbers, reasons = folded.numbers(), folded.reasons()
        configuration, segments = self._set_differently(pair)
        return RunDifference(
            joined=numbers[Side.JOINED],
            left=numbers[Side.LEFT],
            changed=numbers[Side.CHANGED],
            before=pair.earlier.audience,
            after=pair.later.audience,
            reasons=reasons,
            missing=sum(self._lacks_changes(run) for run in pair.between),
            configuration=configuration,
            segments=segments,
        )

    @contextmanager
    def _folded(self, pair: _Pair, ctx: JobContext) -> Iterator[FoldedRuns]:
        with self._engine().cursor(ctx.token) as cursor:
            yield FoldedRuns(cursor, [self._files(run).path for run in pair.between])

    def _pair(self, one: str, other: str) -> _Pair:
        first, second = self._run(one), self._run(other)
        if first.id == second.id:
            raise FixData("This is one run.", "A run does not differ from itself.", "Choose two runs.", code="one_run")
        if first.export_id != second.export_id:
            raise FixData(
                "These runs can't be compared.",
                f"They are runs of two exports, “{first.export_name}” and “{second.export_name}”.",
                "Choose two runs of one export.",
                code="two_exports",
            )
        for run in (first, second):
            if not _comparable(run):
                raise FixData(
                    "These runs can't be compared.",
                    f"The run {run.id} has not ended, or sent no members.",
                    "Choose runs that sent members of segments.",
                    code="not_comparable",
                )
        earlier, later = sorted((first, second), key=lambda run: run.queued_at)
        runs = reversed(self._store.runs.list(later.export_id, MOST_RUNS))
        between = [run for run in runs if earlier.queued_at < run.queued_at <= later.queued_at and _comparable(run)]
        return _Pair(earlier, later, tuple(between))

    def _run(self, run_id: str) -> Run:
        run = self._store.runs.by_id(run_id)
        if run is None:
            raise FixData("There is no such run.", "It is gone by now.", "Look at the list of runs.", code="no_run")
        return run

    def _lacks_changes(self, run: Run) -> bool:
        totals = run.totals
        sent = totals.added + totals.updated + totals.removed
        return sent > 0 and changes_relation(self._files(run).path) is None

    def _set_differently(self, pair: _Pair) -> tuple[tuple[str, ...] | None, tuple[SegmentChange, ...]]:
        before, after = (read_configuration(self._files(run)) for run in (pair.earlier, pair.later))
        if before is None or after is None:
            return None, ()
        try:
            return sentences(before, after), changed_segments(before, after)
        except SendoffError:  # rules an older version wrote otherwise
            return None, ()

    def _files(self, run: Run) -> RunFolder:
        return RunFolder(self._folder, run.id)


def _cells(members: Iterable[Member], between: Sequence[Run], ctx: JobContext) -> Iterator[Sequence[str]]:
    """Members as lines of a file; cancelling ends it."""
    for number, (member, segment, side, reason, fields, at) in enumerate(members):
        if number % _CHECKED_EACH == 0:
            ctx.check()
        run = between[at]
        when = (run.started_at or run.queued_at).isoformat(timespec="seconds")
        yield member, segment, side, str(reason), ", ".join(fields), run.id, when


def _comparable(run: Run) -> bool:
    return run.status.ended and run.started_at is not None and run.unit == "members" and not run.totals.files


def _shown(row: tuple[str, str, str, Reason, list[str], int], between: Sequence[Run]) -> Differing:
    member, segment, side, reason, fields, at = row
    run = between[at]
    kind = looks_like(member)
    hidden = member if kind is Meaning.NONE else masked(member, kind)
    return Differing(hidden or "", segment, Side(side), reason, tuple(fields), run.id, run.started_at or run.queued_at)
