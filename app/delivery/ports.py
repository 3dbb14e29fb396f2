"""What delivery is handed: an opened connection, and where members and files come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from app.core.counts import Count
from app.core.evidence import Seen
from app.core.exports import Export
from app.core.plans import Basis, Change, Changes, PlannedMember
from app.core.row_deltas import RowChanges, Rows
from app.core.run_pointers import SentFile
from app.core.runs import Reject
from app.core.segments import Segment
from app.core.tables import Catalog
from app.delivery.run_state import utc_now
from app.destinations.batches import Batch, Outcomes
from app.destinations.contract import Exchange, FileDestination, Place, SegmentDestination, TargetField
from app.destinations.description import Description
from app.jobs import JobContext

OnSlow = Callable[[float, str], None]
Ledger = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection ready for use: `open` reads its secrets and gives the destination.

    It gets what is told when the target asks to slow down (seconds, its words) and after each request.
    """

    description: Description
    open: Callable[[OnSlow, Ledger], SegmentDestination | FileDestination]


There = Iterable[Sequence[Mapping[str, str | None]]]
"""Everybody in a place page by page, each by the values of the key fields."""
NOT_ASKED: Mapping[str, There] = MappingProxyType({})
"""Of no segment the place was asked who is there."""


@dataclass(frozen=True, slots=True)
class Holding:
    """How many members of a segment a place holds as far as we know, and how many by whatever we sent there."""

    own: int
    everybody: int


class PlannedSegment(Protocol):
    """What is to be done with one segment at its place, and the account of what was done. A context manager.

    `sending` and `settled` are thread safe. What is settled stays known when the process dies at any moment.
    """

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of files; what was settled and is not finished becomes part of what is held before the next plan."""
        ...

    @property
    def changes(self) -> Changes:
        """The numbers."""
        ...

    @property
    def sent_empty(self) -> Mapping[str, int]:
        """How many values of each target field, by its name, are there but unusable, and so are sent empty."""
        ...

    @property
    def basis(self) -> Basis | None:
        """What it is compared by and is another thing than at the last run; None when that is the same or changes nothing."""
        ...

    @property
    def seen(self) -> Seen | None:
        """What is seen of the segment now; None for a plan that takes a run back."""
        ...

    @property
    def seen_before(self) -> Seen | None:
        """What the last run that finished it saw; None when none has."""
        ...

    @property
    def resumed(self) -> bool:
        """Whether it goes on with a plan of which a part was done before the run was interrupted."""
        ...

    @property
    def never_left(self) -> tuple[int, int]:
        """How many are to be removed, and how many to be sent, that did not leave before in the same run."""
        ...

    @property
    def dropped(self) -> int:
        """How many of a resumed plan are not wanted any more: they left the segment or may not be sent now."""
        ...

    def doubtful(self, change: Change, ctx: JobContext) -> Batch:
        """Those to be added, or to be changed, whose last sending was never acknowledged."""
        ...

    def skip(self, batch: Batch) -> None:
        """Leave these out of `batches` that begin after this."""
        ...

    def brought(self, size: int, ctx: JobContext, *, whatever: bool) -> Iterator[Batch]:
        """Those to be added or changed who are there by another segment of the export, with the same values or `whatever` ones.

        They are left out of `batches` that begin after this. Who is in doubt is not among them.
        """
        ...

    def removals(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """Who is to leave the place, with what identifies them there."""
        ...

    def batches(self, size: int, ctx: JobContext) -> Iterator[Batch]:
        """Who is to be added or changed, each once."""
        ...

    def first(self, number: int, ctx: JobContext) -> list[PlannedMember]:
        """So many of each change, by key."""
        ...

    def keep(self) -> Path:
        """Leave the file of a plan that is only looked at behind, for whoever looks at it and deletes it then."""
        ...

    def sending(self, batch: Batch) -> None:
        """Note that these are on their way."""
        ...

    def settled(self, batch: Batch, outcomes: Outcomes) -> None:
        """Note what became of members, one outcome for each."""
        ...

    def finish(self, ctx: JobContext) -> Holding | None:
        """Make what was settled what the place is known to hold, and say how many that are; None when nobody can know."""
        ...


class MemberSource(Protocol):
    """The members of segments on their way to one target, from the tables as they stood when the run began."""

    def count(self, segment: Segment, ctx: JobContext) -> Count:
        """Count exactly, with the verdict of the target's limits."""
        ...

    def unique(self, segments: Sequence[Segment], ctx: JobContext) -> int:
        """How many members are to be sent of all these segments, each counted once."""
        ...

    def left_out(self, segment: Segment, ctx: JobContext) -> Iterator[Reject]:
        """Members without a usable key, with field and reason."""
        ...

    def values(
        self, segment: Segment, key: str, ctx: JobContext
    ) -> Mapping[str, tuple[str | None, str | None, str | None]]:
        """Of one member by target field the value as it stands, normalised, and as it is sent; empty when it is gone."""
        ...

    def plan(
        self,
        places: Sequence[tuple[Segment, Place]],
        ctx: JobContext,
        *,
        run: str = "",
        there: Mapping[str, There] = NOT_ASKED,
        whole: bool = False,
        retries: str = "",
    ) -> Sequence[PlannedSegment]:
        """Compare who is to be sent with what the places hold, for the run of that id; without one it leaves no trace.

        All segments of a run are planned together, and in their order: who leaves one and is in another one at the same place
        stays there. What a place holds is what we know, or who is `there` by its own word, by the segment's name. A `whole`
        plan also has who is unchanged and who is left out, and is only looked at. With `retries` only those are planned who
        were rejected in that earlier run.
        """
        ...

    def resume(self, segment: Segment, place: Place, ctx: JobContext, *, run: str) -> PlannedSegment | None:
        """Go on with the plan of that run, which was interrupted; None when everything there was done.

        What has no plan yet, or a place that is gone, is planned anew.
        """
        ...

    def held(self, segment: Segment, place: Place, ctx: JobContext) -> Holding | None:
        """What the place holds; None while some members are in doubt."""
        ...

    def undo(
        self, places: Sequence[tuple[Segment, Place]], ctx: JobContext, *, undone: str, run: str = ""
    ) -> Sequence[PlannedSegment]:
        """What takes back what the run of that id did to the segments; without `run` it is only looked at."""
        ...


@dataclass(frozen=True, slots=True)
class PartFile:
    """A local file ready to be sent to `target`, its path below the connection's folder; `which` rows it holds."""

    source: Path
    target: str
    rows: int
    which: Rows = Rows.ALL


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows of a table or segment will be written, and how many are left out by our choice.

    `unknown` are members without anything the other side could know them by, where it has to.
    `changes` is how they came about, where only changed rows are asked for; `not_parted_by` is the field by which other tables
    are parted into folders, and this one is not.
    """

    rows: int
    suppressed: int = 0
    no_consent: int = 0
    unknown: int = 0
    changes: RowChanges | None = None
    not_parted_by: str = ""

    @property
    def left_out(self) -> int:
        """All that is not written."""
        return self.suppressed + self.no_consent + self.unknown


class FileSource(Protocol):
    """Writes tables and segments as files, one part at a time, so that the drive holds one part and not all of them."""

    @property
    def replace_below(self) -> str | None:
        """The folder whose earlier files give way to this run's, None when they stay."""
        ...

    def items(self) -> Sequence[str]:
        """What is written: the names of tables or segments; FixData when one of them, or a field, is gone."""
        ...

    def count(self, item: str, known: Path, folder: Path, ctx: JobContext) -> RowCount:
        """How many rows will be written, and how many are left out.

        `known` is the folder with what the workspace knows of the place. What is needed until the rows are written lies in
        `folder`.
        """
        ...

    def parts(self, item: str, folder: Path, ctx: JobContext, near: Path | None = None) -> Iterator[PartFile]:
        """Write part after part into the folder; the next one is begun when it is asked for.

        A cluster that keeps the rows and reaches `near`, a folder on the storage itself, may write there instead.
        """
        ...

    def about(
        self,
        run: str,
        sent: Sequence[SentFile],
        folder: Path,
        where: Callable[[str], str],
        kept: Mapping[str, str],
    ) -> Iterator[PartFile]:
        """Write the files about the files of that run which the export asks for, the pointer to it last.

        Each is sent, and so stands in `sent`, before the next is asked for. `where` gives full addresses, `kept` are the
        SHA-256 of the files of earlier runs that stay, by their paths.
        """
        ...

    def published(self, known: Path) -> None:
        """What was written is what the place holds now; `known` as in `count`."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What a delivery needs of the workspace.

    `catalog` and `segments` are read once, so that a refresh during the run changes nothing in it. `redact` takes out known
    secrets. `files` gets the moment that stands in the names of files.
    """

    folder: Path
    catalog: Catalog
    segments: Sequence[Segment]
    members: Callable[[Export, Description, Sequence[TargetField]], MemberSource]
    files: Callable[[Export, Description, datetime], FileSource]
    redact: Callable[[str], str]
    clock: Callable[[], datetime] = utc_now
