"""Stand-ins for what other rooms hand to a delivery; the target and the sources can fail as real ones do."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from app.core.connections import Consent, TestResult
from app.core.counts import Count, Limits, LimitScope, within
from app.core.evidence import Seen
from app.core.exports import Export, ExportKind, Guard, SyncMode
from app.core.plans import Basis, Change, Changes, PlannedMember
from app.core.run_pointers import SentFile
from app.core.runs import Reject
from app.core.segments import Segment, SegmentOf
from app.core.tables import Catalog, Column, ColumnType, Table, TableRole
from app.delivery.ports import NOT_ASKED, Deps, Holding, Opened, PartFile, RowCount, There
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind, Outcomes
from app.destinations.contract import Choice, Confirmation, Place, PreparedRequest, TargetField
from app.destinations.description import Badge, Description
from app.jobs import JobContext

NOW = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)

FIELDS = (
    TargetField("email", "Email", type="email", required=True, normalise="email"),
    TargetField("first_name", "First name"),
)


def description(limits: Limits | None = None, batch_size: int = 10, **changes: object) -> Description:
    values: dict[str, object] = {
        "id": "practice",
        "name": "Practice",
        "category": "marketing",
        "badge": Badge("Pr", "#123456"),
        "docs": "",
        "module": "tests",
        "kinds": frozenset({ExportKind.SEGMENT}),
        "signs_in_with": "Nothing",
        "summary": "",
        "takes": frozenset({SegmentOf.CUSTOMERS}),
        "limits": limits or Limits(scope=LimitScope.PER_SEGMENT),
        "sync_modes": (SyncMode.UPDATE, SyncMode.ADD),
        "batch_size": batch_size,
        "key_fields": ("email",),
        "fields": FIELDS,
    }
    return Description(**{**values, **changes})


CUSTOMER = Table(
    id="t1",
    name="Customer",
    role=TableRole.CUSTOMER,
    columns=(Column("Id", ColumnType.TEXT), Column("Email", ColumnType.TEXT), Column("FirstName", ColumnType.TEXT)),
    key="Id",
    rows=100,
    generation=1,
    source="test",
    refreshed_at=NOW,
)
CATALOG = Catalog((CUSTOMER,))


def segment(name: str) -> Segment:
    return Segment(id=f"s-{name}", name=name, of=SegmentOf.CUSTOMERS)


def export(*segments: str, **changes: object) -> Export:
    values: dict[str, object] = {
        "id": "e1",
        "name": "Newsletter",
        "kind": ExportKind.SEGMENT,
        "destination": "practice",
        "connection": "c1",
        "created_at": NOW,
        "created_by": "ann",
        "segments": segments,
        "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
        "consent": Consent("ann", NOW),
        "guard": Guard(removed_percent=None, empty_source=False),
    }
    return Export(**{**values, **changes})


@dataclass
class FakeMembers:
    """Segments by size, with so many members lacking an address."""

    sizes: Mapping[str, int]
    limits: Limits
    without_key: int = 0
    in_several: int = 0
    on_batch: Callable[[int], None] = lambda _number: None
    sent_empty: Mapping[str, int] = field(default_factory=dict)

    def count(self, segment: Segment, ctx: JobContext) -> Count:
        ctx.check()
        members = self.sizes[segment.name]
        to_send = max(members - self.without_key, 0)
        return within(Count(segment.name, members, to_send, 0, 0, 0, to_send, NOW), self.limits)

    def unique(self, segments: Sequence[Segment], ctx: JobContext) -> int:
        return sum(self.count(segment, ctx).to_send for segment in segments) - self.in_several

    def left_out(self, segment: Segment, ctx: JobContext) -> Iterator[Reject]:
        for i in range(min(self.without_key, self.sizes[segment.name])):
            yield Reject(f"{segment.name}-x{i}", segment.name, "Email", "", "No address.", "", by_target=False)

    def values(
        self, segment: Segment, key: str, ctx: JobContext
    ) -> Mapping[str, tuple[str | None, str | None, str | None]]:
        return {}

    def plan(
        self,
        places: Sequence[tuple[Segment, Place]],
        ctx: JobContext,
        *,
        run: str = "",
        there: Mapping[str, There] = NOT_ASKED,
        whole: bool = False,
        retries: str = "",
    ) -> list[FakePlan]:
        assert not there
        return [self._plan(segment) for segment, _place in places]

    def undo(
        self, places: Sequence[tuple[Segment, Place]], ctx: JobContext, *, undone: str, run: str = ""
    ) -> list[FakePlan]:
        return [FakePlan(segment.name, 0) for segment, _place in places]

    def resume(self, segment: Segment, place: Place, ctx: JobContext, *, run: str) -> FakePlan:
        return self._plan(segment)

    def _plan(self, segment: Segment) -> FakePlan:
        number = max(self.sizes[segment.name] - self.without_key, 0)
        return FakePlan(segment.name, number, self.on_batch, self.sent_empty)


@dataclass
class FakePlan:
    """Everybody is to be added; `told` keeps what became of each member."""

    segment: str = "VIP"
    number: int = 0
    on_batch: Callable[[int], None] = lambda _number: None
    sent_empty: Mapping[str, int] = field(default_factory=dict)
    basis: Basis | None = None
    told: dict[str, str] = field(default_factory=dict)
    seen: Seen = field(default_factory=lambda: Seen(1))
    seen_before: Seen | None = None
    finished: bool = False
    resumed: bool = False
    dropped: int = 0
    skipped: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def changes(self) -> Changes:
        return Changes(added=self.number)

    @property
    def never_left(self) -> tuple[int, int]:
        return 0, self.number

    def removals(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        yield from ()

    def batches(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        for start in range(0, self.number, size):
            self.on_batch(start // size)
            places = range(start, min(start + size, self.number))
            addresses = [f"{self.segment}{i}@example.com" for i in places]
            columns = {"email": addresses, "first_name": ["Ann"] * len(places)}
            yield Batch([f"{self.segment}-{i}" for i in places], columns, places)

    def doubtful(self, change: Change, ctx: JobContext) -> Batch:
        return Batch([], {}, [])

    def skip(self, batch: Batch) -> None:
        self.skipped.update(batch.rows)

    def brought(self, size: int, ctx: JobContext, *, whatever: bool) -> Iterator[Batch]:
        yield from ()

    def first(self, number: int, ctx: JobContext) -> list[PlannedMember]:
        members = next(self.batches(number, ctx), Batch([], {}, []))
        return [PlannedMember(m.key, self.segment, Change.ADDED, m.values) for m in members]

    def keep(self) -> Path:
        raise NotImplementedError

    def sending(self, batch: Batch) -> None:
        self.told |= dict.fromkeys(batch.keys, "sending")

    def settled(self, batch: Batch, outcomes: Outcomes) -> None:
        self.told |= {key: outcome.kind.value for key, outcome in zip(batch.keys, outcomes, strict=True)}

    def finish(self, ctx: JobContext) -> Holding:
        self.finished = True
        held = sum(what in {"added", "updated", "unchanged"} for what in self.told.values())
        return Holding(held, held)


@dataclass
class FakeTarget:
    """A marketing system in memory; `on_send` may raise, cancel, or give outcomes of its own."""

    on_send: Callable[[int, Sequence[Member]], list[Outcome] | None] = lambda _number, _members: None
    on_confirm: Callable[[], str | Confirmation] = lambda: "Holds everybody."
    on_open: Callable[[], None] = lambda: None
    holds: dict[str, list[str]] = field(default_factory=dict)
    requests: int = 0
    open_sessions: int = 0

    def test(self, ctx: JobContext) -> TestResult:
        return TestResult("Practice", 1)

    def choices(self, field_id: str, ctx: JobContext) -> list[Choice]:
        return []

    def fields(self, target: Mapping[str, str], ctx: JobContext) -> list[TargetField]:
        self.on_open()
        return list(FIELDS)

    def place(self, target: Mapping[str, str], segment: str, ctx: JobContext) -> Place:
        return Place(segment, there=True)

    def session(self, target: Mapping[str, str], segment: str, mode: SyncMode) -> FakeSession:
        return FakeSession(self, segment)

    def preview(
        self,
        target: Mapping[str, str],
        segment: str,
        mode: SyncMode,
        members: Sequence[Member],
        *,
        removed: bool = False,
    ) -> list[PreparedRequest]:
        return []


@dataclass
class FakeSession:
    target: FakeTarget
    segment: str

    def __enter__(self) -> Self:
        self.target.open_sessions += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.target.open_sessions -= 1

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        ctx.check()
        self.target.requests += 1
        outcomes = self.target.on_send(self.target.requests, members)
        outcomes = outcomes or [Outcome(m.key, OutcomeKind.ADDED) for m in members]
        arrived = [o.key for o in outcomes if o.kind is not OutcomeKind.REJECTED]
        self.target.holds.setdefault(self.segment, []).extend(arrived)
        return outcomes

    def confirm(self, ctx: JobContext) -> Confirmation:
        told = self.target.on_confirm()
        return told if isinstance(told, Confirmation) else Confirmation(told)


@dataclass
class FakeFiles:
    """Tables by rows, written as one line a row, in parts of ten rows."""

    tables: Mapping[str, int]
    replace_below: str | None = None
    on_part: Callable[[str, int], None] = lambda _table, _number: None
    most_waiting: int = 0
    suppressed_rows: int = 0
    folder: str = ""
    told_published: int = 0

    def items(self) -> Sequence[str]:
        return list(self.tables)

    def count(self, item: str, known: Path, folder: Path, ctx: JobContext) -> RowCount:
        return RowCount(self.tables[item], self.suppressed_rows)

    def parts(self, item: str, folder: Path, ctx: JobContext, near: Path | None = None) -> Iterator[PartFile]:
        for number, start in enumerate(range(0, self.tables[item], 10), 1):
            self.on_part(item, number)
            rows = min(10, self.tables[item] - start)
            path = folder / f"{item}_{number}.csv"
            path.write_text("".join(f"{i}\n" for i in range(start, start + rows)))
            self.most_waiting = max(self.most_waiting, len(list(folder.iterdir())))
            yield PartFile(path, f"{self.folder}{item}/{item}_{number}.csv", rows)

    def about(
        self, run: str, sent: Sequence[SentFile], folder: Path, where: Callable[[str], str], kept: Mapping[str, str]
    ) -> Iterator[PartFile]:
        path = folder / "model.json"
        path.write_text(json.dumps([file.path for file in sent]))
        top, slash, _rest = self.folder.partition("/")
        yield PartFile(path, f"{top}{slash}model.json", 0)

    def published(self, known: Path) -> None:
        self.told_published += 1


def opened(target: object, of: Description) -> Opened:
    return Opened(of, lambda _slow, _ledger: target)


def deps(folder: Path, members: FakeMembers | None = None, files: FakeFiles | None = None) -> Deps:
    names = list(members.sizes) if members else []
    tables = [replace(CUSTOMER, id=f"t-{name}", name=name) for name in (files.tables if files else ())]
    return Deps(
        folder=folder,
        catalog=Catalog((CUSTOMER, *(table for table in tables if table.name != CUSTOMER.name))),
        segments=[segment(name) for name in names],
        members=lambda _export, _description, _fields: members or FakeMembers({}, Limits()),
        files=lambda _export, _description, _moment: files or FakeFiles({}),
        redact=lambda text: text.replace("s3cr3t", "[hidden]"),
    )


def tree(folder: Path) -> list[str]:
    """All files below a folder."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return []
