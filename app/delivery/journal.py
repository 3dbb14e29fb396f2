"""The journal of a run, `runs/{id}/batches.jsonl`: each batch before it leaves, and again when something is known of it.

One JSON object a line, appended at once, and on the disk before a batch leaves: `planned` tells what a segment sets out to
send or remove, `left` a batch that is about to leave, `settled` what is known of it so far (a batch that is refused as a
whole is sent in parts and settled part by part), `stopped` why there is no answer, `moved` how many of a batch in doubt went
on in a later one after the run was resumed, `returned` that not all of one left (delivery/journal_completion.py). Which
member is in doubt stands in `sent/` (data/sent.py).
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self, cast

import msgspec

from app.core.batches import Batch, BatchKind, BatchState
from app.core.runs import Totals
from app.delivery.files import RunFolder, read_lines
from app.delivery.run_state import utc_now
from app.destinations.batches import OutcomeKind
from app.destinations.contract import Exchange


class Planned(msgspec.Struct, tag_field="line", tag="planned"):
    """So many members of a segment who never left in this run are to be sent or removed, `size` in a batch."""

    segment: str
    kind: BatchKind
    members: int
    size: int


class Left(msgspec.Struct, tag_field="line", tag="left"):
    """A batch is about to leave; its rows in the plan lie between `first` and `last`."""

    number: int
    segment: str
    kind: BatchKind
    members: int
    at: datetime
    first: int
    last: int


class Settled(msgspec.Struct, tag_field="line", tag="settled", omit_defaults=True):
    """All that is known of a batch by now."""

    number: int
    at: datetime
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    invalid: int = 0
    requests: int = 0
    sha256: str = ""
    halved: bool = False


class Stopped(msgspec.Struct, tag_field="line", tag="stopped"):
    """No answer came to what of the batch is not settled."""

    number: int
    at: datetime
    what: str


class Moved(msgspec.Struct, tag_field="line", tag="moved"):
    """So many members of a batch in doubt went on in the batch `to`, which leaves next."""

    number: int
    members: int
    to: int


class Returned(msgspec.Struct, tag_field="line", tag="returned"):
    """Only so many members of a batch `left`: the process died before the others did."""

    number: int
    left: int


Line = Planned | Left | Settled | Stopped | Moved | Returned


class Journal:
    """The open journal of one run; a context manager. Thread safe: each thread works on one batch at a time."""

    def __init__(self, folder: RunFolder, clean: Callable[[str], str], clock: Callable[[], datetime] = utc_now) -> None:
        self._clean = clean
        self._clock = clock
        self._lock = threading.Lock()
        self._here = threading.local()
        before = list(left_lines(folder))
        self._last = max((line.number for line in before), default=0)
        self._in_doubt = {batch.number: batch.in_doubt for batch in read_journal(folder, ended=True) if batch.in_doubt}
        self._doubtful = [line for line in reversed(before) if line.number in self._in_doubt]
        self._lines = folder.journal_writer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def planned(self, segment: str, kind: BatchKind, members: int, size: int) -> None:
        """Note what is about to be sent or removed of a segment, in place of what was noted before."""
        self.plan([Planned(segment, kind, members, size)])

    def plan(self, planned: Iterable[Planned]) -> None:
        """Note several at once: with a part of them the journal would tell of a part of the plan."""
        with self._lock:
            self._lines.write(planned)

    @contextmanager
    def batch(self, segment: str, kind: BatchKind, rows: Sequence[int]) -> Iterator[BatchEntry]:
        """Note a batch that leaves now from this thread; what leaves the block as an error is noted as why it stopped.

        `rows` are those of its members in the plan, rising.
        """
        with self._lock:
            self._last += 1
            number = self._last
            self._lines.write(
                [
                    *self._moved(segment, kind, rows, number),
                    Left(number, segment, kind, len(rows), self._clock(), rows[0], rows[-1]),
                ]
            )
        self._lines.sync()
        entry = BatchEntry(self, number, len(rows))
        self._here.entry = entry
        try:
            yield entry
        except BaseException as error:
            if not entry.whole:
                self._write(Stopped(number, self._clock(), self._clean(str(getattr(error, "what", "")))))
            raise
        finally:
            self._here.entry = None

    def exchanged(self, exchange: Exchange) -> None:
        """Count a request of this thread to the batch it belongs to, if it does to any."""
        entry: BatchEntry | None = getattr(self._here, "entry", None)
        if entry is not None:
            entry.exchanged(exchange)

    def settled(self, line: Settled) -> None:
        """Note what is known of a batch."""
        self._write(line)

    def now(self) -> datetime:
        """The moment of a line."""
        return self._clock()

    def _moved(self, segment: str, kind: BatchKind, rows: Sequence[int], to: int) -> list[Line]:
        """To which batches in doubt these belonged, each to one; removals lie between the others in a plan."""
        moved: list[Line] = []
        left = len(rows)
        for line in self._doubtful:
            if line.segment != segment or (line.kind is BatchKind.REMOVE) is not (kind is BatchKind.REMOVE):
                continue
            within = bisect_right(rows, line.last) - bisect_left(rows, line.first)
            number = min(within, left, self._in_doubt[line.number])
            if number:
                left -= number
                self._in_doubt[line.number] -= number
                moved.append(Moved(line.number, number, to))
        return moved

    def _write(self, line: Line) -> None:
        with self._lock:
            self._lines.write([line])


class BatchEntry:
    """A batch on its way, used by the thread that sends it."""

    def __init__(self, journal: Journal, number: int, members: int) -> None:
        self._journal = journal
        self.number = number
        self._members = members
        self._counted: Counter[str] = Counter()
        self._requests = 0
        self._bodies = hashlib.sha256()
        self.halved = False

    @property
    def whole(self) -> bool:
        """Whether the outcome of every member is known."""
        return self._counted.total() >= self._members

    def exchanged(self, exchange: Exchange) -> None:
        """A request was made for this batch."""
        self._requests += 1
        self._bodies.update(exchange.body)

    def settled(self, counted: Mapping[OutcomeKind, int]) -> None:
        """So many outcomes more are known."""
        self._counted.update({kind.value: number for kind, number in counted.items() if number})
        sha256 = self._bodies.hexdigest() if self._requests else ""
        self._journal.settled(
            Settled(
                self.number,
                self._journal.now(),
                **self._counted,
                requests=self._requests,
                sha256=sha256,
                halved=self.halved,
            )
        )


def read_journal(folder: RunFolder, *, ended: bool) -> tuple[Batch, ...]:
    """All batches in their order, those that never left at the end of their segment's; `ended` tells that the run has.

    Lines that a killed process left half written are passed over. Reads the file once.
    """
    batches: dict[int, Batch] = {}
    waiting: dict[tuple[str, BatchKind], Planned] = {}
    arrived: Counter[int] = Counter()
    for line in _lines(folder):
        if isinstance(line, Moved):
            arrived[line.to] += line.members
        _take(line, batches, waiting, arrived)
    known = [_stated(batch, ended=ended) for batch in batches.values()]
    number = max(batches, default=0)
    for rest in waiting.values():
        for start in range(0, rest.members, rest.size):
            number += 1
            members = min(rest.size, rest.members - start)
            known.append(Batch(number, rest.segment, rest.kind, members, BatchState.WAITING))
    return tuple(known)


def left_lines(folder: RunFolder) -> Iterator[Left]:
    """The batches that left, as they were noted before."""
    return (line for line in _lines(folder) if isinstance(line, Left))


def last_moment(folder: RunFolder) -> datetime | None:
    """The last moment the run is known to have lived, by its journal."""
    return max((line.at for line in _lines(folder) if isinstance(line, Left | Settled | Stopped)), default=None)


def _lines(folder: RunFolder) -> Iterator[Line]:
    return read_lines(folder.journal_path, cast("type[Line]", Line))


def _take(
    line: Line, batches: dict[int, Batch], waiting: dict[tuple[str, BatchKind], Planned], arrived: Mapping[int, int]
) -> None:
    if isinstance(line, Planned):
        waiting[line.segment, line.kind] = line
    elif isinstance(line, Left):
        left = Batch(line.number, line.segment, line.kind, line.members, BatchState.SENDING, line.at)
        batches[line.number] = left
        rest = waiting.get(_waited_as(left))
        if rest is not None:
            rest.members -= line.members - arrived.get(line.number, 0)
    elif line.number not in batches:
        return
    elif isinstance(line, Returned):
        batch = batches.pop(line.number)
        if line.left:
            batches[line.number] = replace(batch, members=line.left)
        rest = waiting.get(_waited_as(batch))
        if rest is not None:
            rest.members += batch.members - line.left
    else:
        batches[line.number] = _with(batches[line.number], line)


def _waited_as(batch: Batch) -> tuple[str, BatchKind]:
    """What its members were planned as: those who were asked for were to be sent."""
    return batch.segment, BatchKind.SEND if batch.kind is BatchKind.ASK else batch.kind


def _with(batch: Batch, line: Settled | Stopped | Moved) -> Batch:
    if isinstance(line, Stopped):
        return replace(batch, stopped=line.what, state=BatchState.IN_DOUBT)
    if isinstance(line, Moved):
        return replace(batch, moved=batch.moved + line.members)
    return replace(
        batch,
        settled_at=line.at,
        totals=_totals(line),
        requests=line.requests,
        sha256=line.sha256,
        halved=line.halved,
    )


def _totals(line: Settled) -> Totals:
    return Totals(
        added=line.added,
        updated=line.updated,
        unchanged=line.unchanged,
        removed=line.removed,
        rejected=line.rejected + line.invalid,
        invalid=line.invalid,
    )


def _stated(batch: Batch, *, ended: bool) -> Batch:
    if batch.answered + batch.moved >= batch.members:
        refused = batch.members > 0 and batch.totals.rejected == batch.members
        return replace(batch, state=BatchState.REFUSED if refused else BatchState.SETTLED)
    return replace(batch, state=BatchState.IN_DOUBT) if ended else batch
