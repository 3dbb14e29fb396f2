"""Going on with runs that were killed: what was in doubt is asked for, sent again, or left, and everybody is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from app.core.batches import BatchKind, BatchNumbers, BatchState, numbers_of
from app.core.evidence import Seen
from app.core.exports import SyncMode
from app.core.runs import Run, Status, Totals
from app.data import run_changes
from app.data.last_seen import read_seen
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.delivery.journal import BatchEntry, read_journal
from app.delivery.journal_completion import by_journal, complete_journal
from app.destinations.batches import Member, Outcome
from app.destinations.description import Repeat
from app.jobs import JobContext
from app.services.run_plans import WorkspacePlan
from tests.data.test_counting import EVERYBODY, segment
from tests.delivery.fakes import export, opened
from tests.delivery.test_run_state import queued
from tests.services.test_run_changes import changes
from tests.services.test_sent_runs import OF, Audience, AudienceSession, Bench, addresses, bench, some

__all__ = ["bench"]


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Asked(Audience):
    """An audience that can be asked, and a process that dies at request number `killed_at`."""

    killed_at: int = 0
    dies_before: bool = False
    asked: int = 0

    def session(self, target, segment, mode):
        return AskedSession(self, mode)


@dataclass
class AskedSession(AudienceSession):
    audience: Asked

    def _answer(self, members: Sequence[Member], effects) -> list[Outcome]:
        dies = self.audience.requests + 1 == self.audience.killed_at
        if dies and self.audience.dies_before:
            raise Killed
        outcomes = super()._answer(members, effects)
        if dies:
            raise Killed
        return outcomes

    def holds(self, members: Sequence[Member], ctx: JobContext) -> list[bool]:
        self.audience.asked += len(members)
        return [self.audience.members.get(m.values["email"] or "") == m.values["first_name"] for m in members]


@pytest.fixture
def dying(bench: Bench) -> Bench:
    bench.target = Asked()
    return bench


def run(bench: Bench, of=OF, mode: SyncMode = SyncMode.UPDATE, run: Run | None = None, **changes) -> Run:
    bench.target.sent, bench.target.removed, bench.target.requests = [], [], 0
    given = export("Everybody", sync=mode, target=bench.export.target, **changes)
    return deliver(
        run or queued(), given, opened(bench.target, of), bench._deps((EVERYBODY,)), JobContext(), lambda _run: None
    )


def killed(bench: Bench, at: int, **details) -> None:
    bench.target.killed_at = at
    with pytest.raises(Killed):
        run(bench, **details)
    bench.target.killed_at = 0


def resumed(bench: Bench, **details) -> Run:
    numbers = numbers_of(batches(bench))
    first = replace(queued(), interruptions=(queued().queued_at,), done=numbers.answered)
    return run(bench, run=replace(first, **details.pop("marks", {})), **details)


def batches(bench: Bench):
    return read_journal(RunFolder(bench.engine.folder, "r1"), ended=True)


def log(bench: Bench) -> str:
    return " ".join(line.text for line in RunFolder(bench.engine.folder, "r1").log())


ASKS = replace(OF, asks=True)
DOUBLES = replace(OF, repeat=Repeat.DOUBLES)


@pytest.mark.parametrize("dies_before", [False, True])
def test_who_is_in_doubt_is_asked_for_and_only_the_missing_are_sent(dying: Bench, dies_before: bool) -> None:
    dying.people(some(*range(10)))
    dying.target.dies_before = dies_before
    killed(dying, at=2, of=ASKS)
    assert numbers_of(batches(dying)) == BatchNumbers(answered=3, in_doubt=3, not_sent=4)
    ended = resumed(dying, of=ASKS)
    assert ended.status is Status.SUCCESSFUL
    assert dying.target.asked == 3
    assert len(dying.target.sent) == (7 if dies_before else 4)
    assert set(dying.target.members) == addresses(*range(10))
    assert (ended.done, ended.total) == (10, 10)
    assert numbers_of(batches(dying)) == BatchNumbers(answered=10)
    assert BatchState.IN_DOUBT not in {batch.state for batch in batches(dying)}
    assert (BatchKind.ASK in {batch.kind for batch in batches(dying)}) is not dies_before
    assert {what for _change, what in changes(dying).values()} == {"added"}
    assert "was asked: " + ("0 had" if dies_before else "3 had") in log(dying)


def test_where_nobody_can_be_asked_a_batch_is_sent_again_when_that_does_no_harm(dying: Bench) -> None:
    dying.people(some(*range(10)))
    killed(dying, at=2, of=OF)
    ended = resumed(dying, of=OF)
    assert (ended.status, dying.target.asked, len(dying.target.sent)) == (Status.SUCCESSFUL, 0, 7)
    assert numbers_of(batches(dying)) == BatchNumbers(answered=10)
    assert "sent again, which does no harm" in log(dying)


def test_where_sending_twice_doubles_the_batch_stays_in_doubt_unless_a_person_says_otherwise(dying: Bench) -> None:
    dying.people(some(*range(10)))
    killed(dying, at=2, of=DOUBLES)
    ended = resumed(dying, of=DOUBLES)
    assert (ended.status, len(dying.target.sent), ended.total, ended.done) == (Status.SUCCESSFUL, 4, 7, 7)
    assert numbers_of(batches(dying)) == BatchNumbers(answered=7, in_doubt=3)
    assert "3 members stay in doubt" in log(dying)
    dying.people({**some(*range(10)), **some(11)})
    run(dying, of=DOUBLES)  # the next run leaves them too
    assert set(dying.target.sent) == addresses(11)
    run(dying, of=DOUBLES, run=replace(queued(), send_again=True))
    assert len(dying.target.sent) == 3


def test_the_next_run_asks_as_well(dying: Bench) -> None:
    dying.people(some(*range(10)))
    killed(dying, at=2, of=ASKS)
    ended = run(dying, of=ASKS)
    assert (ended.totals.added, ended.done, ended.total) == (7, 7, 7)
    assert (dying.target.asked, len(dying.target.sent)) == (3, 4)
    dying.target.sent = []
    assert run(dying, of=ASKS).totals.unchanged == 10


def test_who_left_the_segment_is_not_sent_by_a_resumed_run(dying: Bench) -> None:
    dying.people(some(*range(10)))
    killed(dying, at=2, of=ASKS, mode=SyncMode.MIRROR)
    dying.people({**some(0, 1, 2, 3, 4, 6), **some(7, name="Eve"), **some(12)})
    ended = resumed(dying, of=ASKS, mode=SyncMode.MIRROR)
    assert ended.status is Status.SUCCESSFUL
    assert set(dying.target.sent) == addresses(6, 7)
    assert dying.target.members["p7@example.com"] == "Ann"  # the plan's value; the next run brings the new one
    assert "3 are left out" in log(dying)
    after = run(dying, of=ASKS, mode=SyncMode.MIRROR)
    assert (after.totals.added, after.totals.updated, after.totals.removed) == (1, 1, 1)
    assert set(dying.target.members) == addresses(0, 1, 2, 3, 4, 6, 7, 12)


def test_the_audience_after_counts_segments_that_were_done_before_too(dying: Bench) -> None:
    dying.people(some(*range(8)))
    first = segment("First", {"field": "Customer.Id", "is_one_of": [f"C-{number}" for number in range(4)]})
    both, deps = export("First", "Everybody", target=dying.export.target), dying._deps((first, EVERYBODY))

    def go(begun: Run) -> Run:
        return deliver(begun, both, opened(dying.target, OF), deps, JobContext(), lambda _run: None)

    dying.target.killed_at = 3  # the first segment is there, and with it the first half of the second one
    with pytest.raises(Killed):
        go(queued())
    dying.target.killed_at = 0
    ended = go(replace(queued(), interruptions=(queued().queued_at,), done=8))
    assert (ended.status, ended.audience, ended.done) == (Status.SUCCESSFUL, 12, 12)


def test_removals_go_on(dying: Bench) -> None:
    dying.people(some(*range(8)))
    run(dying, of=ASKS, mode=SyncMode.MIRROR, run=replace(queued(), id="r0"))
    dying.people(some(0, 1))
    killed(dying, at=2, of=ASKS, mode=SyncMode.MIRROR)
    ended = resumed(dying, of=ASKS, mode=SyncMode.MIRROR)
    assert (ended.status, ended.done, ended.total) == (Status.SUCCESSFUL, 6, 6)
    assert set(dying.target.members) == addresses(0, 1)
    assert numbers_of(batches(dying)).in_doubt == 0


@pytest.mark.parametrize("of", [ASKS, OF])
def test_a_run_killed_again_and_again_comes_to_its_end(dying: Bench, of) -> None:
    dying.people(some(*range(30)))
    killed(dying, at=3, of=of)
    for _ in range(3):
        dying.target.killed_at = 2
        with pytest.raises(Killed):
            resumed(dying, of=of)
        numbers = numbers_of(batches(dying))
        assert numbers.answered + numbers.in_doubt + numbers.not_sent == 30
        dying.target.killed_at = 0
    ended = resumed(dying, of=of)
    assert (ended.status, ended.done) == (Status.SUCCESSFUL, 30)
    assert set(dying.target.members) == addresses(*range(30))
    assert numbers_of(batches(dying)) == BatchNumbers(answered=30)


def test_a_target_that_cannot_be_asked_at_the_moment_gets_them_again(
    dying: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.core.errors import TryAgain

    def silent(*_: object) -> list[bool]:
        raise TryAgain("Practice does not answer.")

    dying.people(some(*range(10)))
    killed(dying, at=2, of=ASKS)
    monkeypatch.setattr(AskedSession, "holds", silent)
    ended = resumed(dying, of=ASKS)
    assert (ended.status, len(dying.target.sent)) == (Status.SUCCESSFUL, 7)
    assert "could not be asked" in log(dying)


def test_rejected_members_are_sent_again_alone_with_their_newest_values(dying: Bench) -> None:
    dying.people(some(*range(6)))
    dying.target.refused = frozenset(addresses(1, 4))
    assert run(dying).totals.rejected == 2
    dying.target.refused = frozenset(addresses(4))
    dying.people({**some(*range(6), name="Eve"), **some(8), "C-1": ("better@example.com", "Eve")})
    # A new id for a new run: the changes of the first one say who was rejected.
    again = run(dying, run=replace(queued(), id="r2", retries="r1"))
    assert sorted(dying.target.sent) == ["better@example.com"]
    assert (again.totals.added, again.totals.rejected, again.totals.unchanged, again.total) == (1, 1, 0, 2)
    run(dying, run=replace(queued(), id="r3"))
    assert "better@example.com" not in dying.target.sent


def last_seen(bench: Bench) -> Seen | None:
    (folder,) = bench.engine.folder.glob("sent/*/*/*")
    return read_seen(folder)


def test_what_the_first_part_of_a_run_saw_is_what_the_next_run_compares_with(dying: Bench) -> None:
    dying.people(some(*range(10)))
    killed(dying, at=2, of=ASKS)
    assert last_seen(dying) is None
    resumed(dying, of=ASKS)
    seen = last_seen(dying)
    assert seen is not None
    assert (seen.members, seen.rows, bool(seen.generations)) == (10, {"Customer": 10}, True)


def test_who_is_sent_again_alone_is_not_taken_for_the_whole_segment(dying: Bench) -> None:
    dying.people(some(*range(6)))
    dying.target.refused = frozenset(addresses(1))
    run(dying)
    before = last_seen(dying)
    run(dying, run=replace(queued(), id="r2", retries="r1"))
    assert before is not None
    assert (before.members, last_seen(dying)) == (6, before)


def dies_at(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: int) -> None:
    """Let the process die when that is called so many times, before it does anything."""
    did, calls = getattr(owner, name), iter(range(1, 1_000))

    def act(*given: object) -> object:
        if next(calls) == call:
            raise Killed
        return did(*given)

    monkeypatch.setattr(owner, name, act)


@pytest.mark.parametrize("mode", [SyncMode.UPDATE, SyncMode.MIRROR, SyncMode.ADD])
@pytest.mark.parametrize(
    ("owner", "name", "known"),
    [
        (WorkspacePlan, "sending", BatchNumbers(answered=3, not_sent=7)),
        (WorkspacePlan, "settled", BatchNumbers(answered=3, in_doubt=3, not_sent=4)),
        (BatchEntry, "settled", BatchNumbers(answered=6, not_sent=4)),
    ],
)
def test_the_journal_is_completed_wherever_between_it_and_the_notes_the_process_died(
    dying: Bench, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, known: BatchNumbers, mode: SyncMode
) -> None:
    """The notes beside the plan come second before a batch leaves, and first after."""
    dying.people(some(*range(10)))
    with monkeypatch.context() as patched:
        dies_at(patched, owner, name, 2)
        with pytest.raises(Killed):
            run(dying, of=ASKS, mode=mode)
    dead = replace(queued(), status=Status.INTERRUPTED, total=10, totals=Totals(added=1, left_out=5), done=1)
    for _ in range(2):  # by two processes, say
        completed = complete_journal(dying.engine.folder, dead)
        assert numbers_of(completed) == known
    told = by_journal(dead, completed)
    assert (told.totals, told.done) == (Totals(added=known.answered, left_out=5), known.answered)
    assert by_journal(told, completed) == told
    ended = resumed(dying, of=ASKS, mode=mode)
    assert (ended.status, ended.done, ended.total) == (Status.SUCCESSFUL, 10, 10)
    assert numbers_of(batches(dying)) == BatchNumbers(answered=10)
    assert set(dying.target.members) == addresses(*range(10))


def test_removals_that_were_noted_and_not_journalled_are_counted(dying: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    dying.people(some(*range(8)))
    run(dying, of=ASKS, mode=SyncMode.MIRROR, run=replace(queued(), id="r0"))
    dying.people(some(0, 1, 20, 21))
    with monkeypatch.context() as patched:
        dies_at(patched, BatchEntry, "settled", 2)
        with pytest.raises(Killed):
            run(dying, of=ASKS, mode=SyncMode.MIRROR)
    dead = replace(queued(), status=Status.INTERRUPTED, total=8)
    assert by_journal(dead, complete_journal(dying.engine.folder, dead)).totals == Totals(removed=6)
    ended = resumed(dying, of=ASKS, mode=SyncMode.MIRROR)
    assert (ended.done, numbers_of(batches(dying))) == (8, BatchNumbers(answered=8))


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("torn", [b"3,5", b"3,5,add", b"\0\0\0\0", b'3,"5\xff'])
def test_lines_a_full_drive_or_a_loss_of_power_tore_spoil_no_other(
    dying: Bench, monkeypatch: pytest.MonkeyPatch, torn: bytes, many: bool
) -> None:
    if many:  # as many outcomes as are read with the engine
        monkeypatch.setattr(run_changes, "_MOST_SPANS", 0)
    dying.people(some(*range(10)))
    killed(dying, at=2, of=ASKS)
    (notes,) = dying.engine.folder.glob("sent/*/*/*/told.csv")
    for file, rest in ((notes, torn), (RunFolder(dying.engine.folder, "r1").journal_path, b'{"line":"left","num')):
        file.write_bytes(file.read_bytes() + rest)
    dying.target.killed_at = 2
    with pytest.raises(Killed):
        resumed(dying, of=ASKS)
    dying.target.killed_at = 0
    assert numbers_of(batches(dying)) == BatchNumbers(answered=9, in_doubt=1)
    ended = resumed(dying, of=ASKS)
    assert (ended.status, ended.done) == (Status.SUCCESSFUL, 10)
    assert set(dying.target.members) == addresses(*range(10))
    assert numbers_of(batches(dying)) == BatchNumbers(answered=10)
