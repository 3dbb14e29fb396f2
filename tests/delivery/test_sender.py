from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.batches import BatchKind, BatchState
from app.core.errors import FixData, SignInAgain, TellUs
from app.core.runs import PhaseName, Status
from app.delivery.files import RunFolder
from app.delivery.journal import Journal, read_journal
from app.delivery.run_log import RunLog
from app.delivery.run_state import RunState
from app.delivery.sender import SegmentSender
from app.destinations.batches import Batch, Member, Outcome, OutcomeKind
from app.destinations.contract import Confirmation, TargetField
from app.jobs import Cancelled, JobContext
from tests.delivery.fakes import FakePlan
from tests.delivery.test_run_state import queued

FIELDS = {f.id: f for f in (TargetField("email", "Email", required=True), TargetField("phone", "Phone"))}


def people(number: int, start: int = 0) -> list[Member]:
    return [Member(f"C-{i}", {"email": f"p{i}@example.com", "phone": None}) for i in range(start, start + number)]


class Target:
    """A session that refuses as it is told and keeps every request."""

    def __init__(self, answer: Callable[[Sequence[Member]], list[Outcome]] | None = None) -> None:
        self.requests: list[list[str]] = []
        self.holds: list[str] = []
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
        ctx.check()
        self.requests.append([m.key for m in members])
        outcomes = self._answer(members) if self._answer else [Outcome(m.key, OutcomeKind.ADDED) for m in members]
        self.holds += [o.key for o in outcomes if o.kind is not OutcomeKind.REJECTED]
        return outcomes

    def confirm(self, ctx: JobContext) -> Confirmation:
        return Confirmation()


class Bench:
    def __init__(self, folder: Path, target: Target) -> None:
        self.target = target
        self.state = RunState(queued(), lambda _run: None)
        self.state.begin(PhaseName.SEND)
        self.folder = RunFolder(folder, "r1")
        self.plan = FakePlan()
        self.ctx = JobContext()

    def send(self, *batches: list[Member]) -> None:
        with RunLog(self.folder, str, lambda: PhaseName.SEND) as log, Journal(self.folder, str) as journal:
            journal.planned("VIP", BatchKind.SEND, sum(map(len, batches)), max(map(len, batches)))
            sender = SegmentSender("VIP", FIELDS, self.plan, self.state, log, journal)
            for batch in batches:
                sender.deliver(self.target, Batch.of(batch), self.ctx)

    def batches(self) -> list[tuple[int, BatchState, int, int]]:
        """Number, state, members and how many of them were answered for, after the run."""
        return [(b.number, b.state, b.members, b.answered) for b in read_journal(self.folder, ended=True)]

    @property
    def totals(self) -> tuple[int, int]:
        totals = self.state.run.totals
        return totals.added, totals.rejected


def refusing(bad: set[str]) -> Callable[[Sequence[Member]], list[Outcome]]:
    def answer(members: Sequence[Member]) -> list[Outcome]:
        if any(m.key in bad for m in members):
            raise FixData("The request holds a bad row.", "It does not say which.", "Correct it.")
        return [Outcome(m.key, OutcomeKind.ADDED) for m in members]

    return answer


def test_outcomes_are_counted_and_rejects_written_down(tmp_path: Path) -> None:
    def answer(members: Sequence[Member]) -> list[Outcome]:
        return [
            Outcome(m.key, OutcomeKind.REJECTED, "email", "Domain doesn't exist.", "Correct at source.")
            if m.key == "C-3"
            else Outcome(m.key, OutcomeKind.UPDATED)
            for m in members
        ]

    bench = Bench(tmp_path, Target(answer))
    bench.send(people(5), people(5, 5))
    totals = bench.state.run.totals
    assert (totals.updated, totals.rejected, bench.state.run.done) == (9, 1, 10)
    (reject,) = bench.folder.rejects().rejects
    assert (reject.member, reject.segment, reject.field, reject.value) == ("C-3", "VIP", "Email", "p3@example.com")
    assert reject.by_target
    levels = [line.level for line in bench.folder.log()]
    assert levels == ["warning", "info"]


def test_values_a_target_repeats_in_its_words_stand_in_the_value_alone(tmp_path: Path) -> None:
    """Reasons are shown unmasked, and counted in receipts that name nobody."""

    def answer(members: Sequence[Member]) -> list[Outcome]:
        return [
            Outcome(members[0].key, OutcomeKind.REJECTED, "", "Vendor says: Eve at +49 171 1 is unknown, evergreen."),
            Outcome(members[1].key, OutcomeKind.REJECTED, "email", "Vendor says: P1@example.com bounced."),
        ]

    bench = Bench(tmp_path, Target(answer))
    bench.send([
        Member("C-0", {"email": "eve@example.com", "phone": "+49 171 1", "name": "Eve"}),
        Member("C-1", {"email": "p1@example.com", "phone": None, "name": "p"}),
    ])  # fmt: skip
    told = [(r.field, r.value, r.reason) for r in bench.folder.all_rejects()]
    assert told == [
        ("Phone", "+49 171 1", "Vendor says: ••• at ••• is unknown, evergreen."),
        ("Email", "p1@example.com", "Vendor says: ••• bounced."),
    ]


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=6))
@settings(max_examples=40)
def test_a_refused_batch_is_halved_until_the_bad_rows_stand_alone(
    tmp_path_factory: pytest.TempPathFactory, number: int, bad: set[int]
) -> None:
    keys = {f"C-{i}" for i in bad if i < number}
    bench = Bench(tmp_path_factory.mktemp("run"), Target(refusing(keys)))
    bench.send(people(number))
    everybody = {m.key for m in people(number)}
    assert sorted(bench.target.holds) == sorted(everybody - keys)  # nobody lost, nobody twice
    assert {r.member for r in bench.folder.rejects().rejects} == keys
    assert bench.totals == (number - len(keys), len(keys))
    assert len(bench.target.requests) <= 1 + 2 * len(keys) * math.ceil(math.log2(number))
    state = BatchState.REFUSED if len(keys) == number else BatchState.SETTLED
    assert bench.batches() == [(1, state, number, number)]


def test_required_values_are_asked_for_before_the_request(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Target())
    bench.send([*people(2), Member("C-9", {"email": None, "phone": "+49"})])
    assert bench.target.requests == [["C-0", "C-1"]]
    (reject,) = bench.folder.rejects().rejects
    assert (reject.member, reject.by_target) == ("C-9", False)
    assert bench.totals == (2, 1)
    assert bench.state.run.totals.invalid == 1
    assert bench.plan.told == {"C-0": "added", "C-1": "added", "C-9": "invalid"}
    assert bench.batches() == [(1, BatchState.SETTLED, 3, 3)]


def test_cancel_lets_the_batch_in_flight_end_and_counts_it(tmp_path: Path) -> None:
    target = Target()
    bench = Bench(tmp_path, target)

    def cancel_in_flight(members: Sequence[Member]) -> list[Outcome]:
        if len(target.requests) == 2:
            bench.ctx.token.cancel()
        return [Outcome(m.key, OutcomeKind.ADDED) for m in members]

    target._answer = cancel_in_flight
    with pytest.raises(Cancelled):
        bench.send(people(5), people(5, 5), people(5, 10))
    assert bench.totals == (10, 0)
    assert len(target.holds) == 10


def test_a_cancel_between_the_requests_of_a_batch_does_not_tear_it(tmp_path: Path) -> None:
    class TwoRequests(Target):
        def send(self, members: Sequence[Member], ctx: JobContext) -> list[Outcome]:
            ctx.check()
            bench.ctx.token.cancel()
            ctx.check()
            return super().send(members, ctx)

    bench = Bench(tmp_path, TwoRequests())
    with pytest.raises(Cancelled):
        bench.send(people(5), people(5, 5))
    assert bench.totals == (5, 0)
    assert len(bench.target.holds) == 5


def test_an_error_stops_with_the_truth_about_what_arrived(tmp_path: Path) -> None:
    target = Target()
    bench = Bench(tmp_path, target)

    def expire(members: Sequence[Member]) -> list[Outcome]:
        if len(target.requests) == 3:
            raise SignInAgain("The sign-in expired.")
        return [Outcome(m.key, OutcomeKind.ADDED) for m in members]

    target._answer = expire
    with pytest.raises(SignInAgain):
        bench.send(people(5), people(5, 5), people(5, 10))
    assert bench.totals == (10, 0)
    assert bench.state.finish(Status.FAILED).done == 10
    assert "some of it may have arrived" in bench.folder.log()[-1].text
    assert bench.batches()[2:] == [(3, BatchState.IN_DOUBT, 5, 0)]


def test_a_target_that_refuses_everybody_is_not_asked_two_million_times(tmp_path: Path) -> None:
    target = Target(refusing({f"C-{i}" for i in range(100)}))
    bench = Bench(tmp_path, target)
    with pytest.raises(FixData):
        bench.send(*(people(10, start) for start in range(0, 100, 10)))
    assert len(target.requests) < 60
    assert bench.totals == (0, 30)


def test_an_answer_for_fewer_members_is_not_believed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Target(lambda members: [Outcome(m.key, OutcomeKind.ADDED) for m in members[:-1]]))
    with pytest.raises(TellUs):
        bench.send(people(3))
    assert bench.totals == (0, 0)
