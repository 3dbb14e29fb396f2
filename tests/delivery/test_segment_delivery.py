from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.core.counts import Limits, LimitScope
from app.core.errors import FixData, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.core.runs import PhaseState, Run, Status
from app.core.segments import Segment, SegmentOf
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.contract import Exchange
from app.jobs import JobContext
from tests.delivery.fakes import FakeMembers, FakeTarget, deps, description, export, opened, segment
from tests.delivery.test_run_state import queued


class Bench:
    def __init__(self, folder: Path, sizes: dict[str, int], limits: Limits | None = None, without_key: int = 0) -> None:
        self.folder = folder
        self.target = FakeTarget()
        self.of = description(limits)
        self.members = FakeMembers(sizes, self.of.limits, without_key)
        self.ctx = JobContext()
        self.seen: list[Run] = []
        self.export = export(*sizes)

    def run(self) -> Run:
        given = deps(self.folder, self.members)
        return deliver(queued(), self.export, opened(self.target, self.of), given, self.ctx, self.seen.append)

    def log(self) -> str:
        return "\n".join(line.text for line in RunFolder(self.folder, "r1").log())


def test_everybody_is_accounted_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 35, "New": 12}, without_key=2)

    def reject_one(_number: int, members: Sequence[Member]) -> list[Outcome]:
        return [
            Outcome(m.key, OutcomeKind.REJECTED, "email", "Opted out.", "None needed.")
            if m.key == "VIP-7"
            else Outcome(m.key, OutcomeKind.UPDATED)
            for m in members
        ]

    bench.target.on_send = reject_one
    bench.members.sent_empty = {"Phone": 3}
    run = bench.run()
    assert "3 values of “Phone” could not be used" in bench.log()
    assert run.status is Status.COMPLETED_WITH_REJECTS
    totals = run.totals
    assert (totals.updated, totals.rejected, totals.left_out) == (42, 1, 4)
    assert totals.delivered + totals.rejected + totals.left_out == 35 + 12
    assert (run.done, run.total, run.error) == (43, 43, None)
    assert all(p.state is PhaseState.DONE for p in run.phases)
    assert RunFolder(tmp_path, "r1").left_out().total == 4
    assert "Holds everybody." in bench.log()
    assert bench.target.open_sessions == 0
    assert bench.seen[-1] == run


def test_a_segment_that_is_too_large_is_skipped_whole_and_the_word_says_so(tmp_path: Path) -> None:
    limits = Limits(maximum=30, scope=LimitScope.PER_SEGMENT)
    bench = Bench(tmp_path, {"Everybody": 31, "VIP": 30}, limits)
    run = bench.run()
    assert run.status is Status.SKIPPED_TOO_LARGE
    assert set(bench.target.holds) == {"VIP"}
    assert [s.segment for s in run.skipped] == ["Everybody"]
    assert "31 of 30" in run.skipped[0].sentence
    assert run.totals.added == 30


def test_nothing_is_sent_when_all_are_too_small(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"A": 299, "B": 1}, Limits(minimum=300, scope=LimitScope.PER_SEGMENT))
    run = bench.run()
    assert run.status is Status.SKIPPED_TOO_SMALL
    assert bench.target.requests == 0
    assert run.error is not None
    assert "299" in run.error.why
    assert len(run.skipped) == 2


def test_too_large_names_a_run_that_also_has_a_too_small_segment(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"L": 50, "S": 1}, Limits(30, 10, LimitScope.PER_SEGMENT))
    assert bench.run().status is Status.SKIPPED_TOO_LARGE


def test_a_limit_on_the_export_counts_who_is_in_several_segments_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"A": 20, "B": 11}, Limits(maximum=30, scope=LimitScope.PER_EXPORT))
    bench.members.in_several = 1
    assert bench.run().status is Status.SUCCESSFUL


def test_a_limit_on_the_export_counts_all_segments_together(tmp_path: Path) -> None:
    limits = Limits(maximum=30, scope=LimitScope.PER_EXPORT)
    bench = Bench(tmp_path, {"A": 20, "B": 11}, limits)
    run = bench.run()
    assert run.status is Status.SKIPPED_TOO_LARGE
    assert bench.target.requests == 0
    assert all("31 of 30" in s.sentence for s in run.skipped)


def test_a_segment_without_anybody_to_send_is_not_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"A": 2}, without_key=2)
    assert bench.run().status is Status.SKIPPED_TOO_SMALL


def test_accounts_do_not_go_to_a_target_of_consumers(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"A": 5})
    given = deps(tmp_path, bench.members)
    accounts = Segment("s9", "A", SegmentOf.ACCOUNTS)
    given = type(given)(**{**{f: getattr(given, f) for f in given.__slots__}, "segments": [accounts]})
    run = deliver(queued(), bench.export, opened(bench.target, bench.of), given, bench.ctx, bench.seen.append)
    assert run.status is Status.SKIPPED_TOO_SMALL
    assert "business accounts" in run.skipped[0].sentence


def test_an_expired_sign_in_stops_with_the_truth(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 35})

    def expire(number: int, _members: Sequence[Member]) -> None:
        if number == 3:
            raise SignInAgain("The sign-in s3cr3t expired during the run.", "", "Sign in again.")

    bench.target.on_send = expire
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.what == "Stopped after 20 of 35 members."
    assert run.error.why == "The sign-in [hidden] expired during the run."
    assert run.error.action == "sign_in"
    assert (run.totals.added, len(bench.target.holds["VIP"])) == (20, 20)
    assert [p.state for p in run.phases][4:] == [PhaseState.FAILED, PhaseState.WAITING]
    assert "s3cr3t" not in bench.log()


def test_cancel_counts_the_batch_in_flight(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 35})

    def cancel(number: int, _members: Sequence[Member]) -> None:
        if number == 2:
            bench.ctx.token.cancel()

    bench.target.on_send = cancel
    run = bench.run()
    assert run.status is Status.CANCELLED
    assert run.totals.added == len(bench.target.holds["VIP"]) == 20
    assert "Cancelled after 20 of 35 members." in bench.log()
    assert run.error is None


def test_cancel_before_the_first_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 35})
    bench.ctx.token.cancel()
    run = bench.run()
    assert run.status is Status.CANCELLED
    assert bench.target.requests == 0


def test_a_target_that_cannot_be_asked_afterwards_does_not_fail_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 5})

    def unreachable() -> str:
        raise TryAgain("It does not answer.")

    bench.target.on_confirm = unreachable
    assert bench.run().status is Status.SUCCESSFUL
    assert "could not be asked" in bench.log()


def test_a_fault_of_ours_is_a_failed_run_without_its_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(tmp_path, {"VIP": 5})

    def fault(_number: int, _members: Sequence[Member]) -> None:
        raise ZeroDivisionError("p5@example.com")

    bench.target.on_send = fault
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "ZeroDivisionError" in run.error.why
    assert "p5@example.com" not in bench.log()
    assert "failed unexpectedly" in caplog.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"match": {"first_name": "Customer.FirstName"}}, "Email"),
        ({"match": {"email": "Customer.Gone"}}, "Customer.Gone"),
        ({"match": {"email": "Customer.Email", "city": "Customer.FirstName"}}, "city"),
        ({"sync": SyncMode.MIRROR}, "mirror"),
        ({"segments": ("Gone",)}, "Gone"),
        ({"consent": None}, "agreed"),
    ],
)
def test_what_no_longer_fits_is_named_before_anything_is_sent(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    bench = Bench(tmp_path, {"VIP": 5})
    bench.export = export(**{"segments": ("VIP",), **changes})
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert code in run.error.what
    assert bench.target.requests == 0


def test_a_run_folder_that_cannot_be_made_ends_the_run_in_a_sentence(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 5})
    (tmp_path / "runs").write_text("a file where the folder should be")
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.ended_at is not None
    assert bench.seen[-1].status is Status.FAILED


def test_a_slow_target_is_told_and_marked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 5})
    bench.of = description()
    given = deps(tmp_path, bench.members)
    slow = []

    def open_it(on_slow, ledger):
        slow.append(on_slow)
        ledger(Exchange("api.example.com", 10, 20))
        return bench.target

    def wait(_number: int, _members: Sequence[Member]) -> None:
        slow[0](12, "Too many requests")

    bench.target.on_send = wait
    connection = type(opened(bench.target, bench.of))(bench.of, open_it)
    run = deliver(queued(), bench.export, connection, given, bench.ctx, bench.seen.append)
    assert run.status is Status.SUCCESSFUL
    assert run.phases[4].state is PhaseState.SLOWED
    assert run.hosts == ("api.example.com",)
    assert "Waiting 12 s" in bench.log()


def test_halving_works_inside_a_whole_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 25})

    def refuse(_number: int, members: Sequence[Member]) -> None:
        if any(m.key in {"VIP-3", "VIP-17"} for m in members):
            raise FixData("One row is bad.", "", "Correct it.")

    bench.target.on_send = refuse
    run = bench.run()
    assert (run.totals.added, run.totals.rejected) == (23, 2)
    assert sorted(bench.target.holds["VIP"]) == sorted(f"VIP-{i}" for i in range(25) if i not in {3, 17})


def test_an_answer_nobody_understands_fails(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 5})

    def strange(_number: int, _members: Sequence[Member]) -> None:
        raise TellUs("The answer can't be read.")

    bench.target.on_send = strange
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.what == "The answer can't be read."


def test_segment_names_are_found_regardless_of_case(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"VIP": 5})
    bench.export = export("vip")
    assert segment("VIP").name == "VIP"
    assert bench.run().status is Status.SUCCESSFUL
