from __future__ import annotations

import hashlib
import json
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.batches import BatchState
from app.core.errors import SignInAgain, TryAgain
from app.core.exports import ExportKind, TableChoice
from app.core.receipts import HostTraffic, HostUse, ReadBackResult, canonical, is_whole, pieces, sealed
from app.core.runs import PhaseName, Run, Status, Totals
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.delivery.ports import Ledger, Opened
from app.delivery.receipts import ReceiptBook, read_configuration, read_receipt, seal
from app.destinations import registry
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.contract import Confirmation, Exchange, Settings
from app.jobs import CancelToken, JobContext
from tests.delivery.fakes import NOW, FakeFiles, FakeMembers, FakeTarget, deps, description, export, opened
from tests.delivery.test_run_state import queued


class Bench:
    """A target that reports its requests as a real one does."""

    def __init__(self, folder: Path, members: int = 25) -> None:
        self.folder = RunFolder(folder, "r1")
        self.target = FakeTarget()
        self.ledger: Ledger = lambda *_: None
        self.deps = deps(folder, FakeMembers({"VIP": members}, description().limits))
        self.told: list[tuple[Status, bool]] = []
        self.ctx = JobContext(CancelToken())

    def run(self, on_send: Callable[[int, Sequence[Member]], list[Outcome] | None] = lambda _n, _m: None) -> Run:
        def send(number: int, members: Sequence[Member]) -> list[Outcome] | None:
            self.ledger(Exchange("api.example.com", 1_000, 50, b"body %d" % number))
            return on_send(number, members)

        self.target.on_send = send
        self.target.on_open = lambda: self.ledger(Exchange("login.example.com", 300, 40, sign_in=True))

        def open_target(_slow: object, ledger: Ledger) -> FakeTarget:
            self.ledger = ledger
            return self.target

        def update(run: Run) -> None:
            self.told.append((run.status, self.folder.receipt.exists()))

        return deliver(queued(), export("VIP"), Opened(description(), open_target), self.deps, self.ctx, update)

    @property
    def receipt(self):
        found = read_receipt(self.folder)
        assert found is not None
        assert found[2]
        return found[0]


def test_a_receipt_counts_hosts_by_what_they_were_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def confirm() -> Confirmation:
        bench.ledger(Exchange("api.example.com", 200, 90))
        return Confirmation("It counts 25.", 25)

    bench.target.on_confirm = confirm
    run = bench.run()
    receipt = bench.receipt
    assert receipt.hosts == (
        HostTraffic("api.example.com", HostUse.MEMBERS, 3, 3_000, 150),
        HostTraffic("api.example.com", HostUse.READ_BACK, 1, 200, 90),
        HostTraffic("login.example.com", HostUse.SIGN_IN, 1, 300, 40),
    )
    assert (receipt.status, receipt.totals, receipt.planned, receipt.held) == (Status.SUCCESSFUL, run.totals, 25, 25)
    assert [(batch.number, batch.members, batch.totals.added) for batch in receipt.batches] == [
        (1, 10, 10),
        (2, 10, 10),
        (3, 5, 5),
    ]
    assert receipt.batches[0].sha256 == hashlib.sha256(b"body 1").hexdigest()
    (answer,) = receipt.read_backs
    assert (answer.result, answer.there, answer.expected) == (ReadBackResult.AS_EXPECTED, 25, 25)


def test_nobody_hears_of_the_end_before_the_receipt_is_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run()
    assert all(written == status.ended for status, written in bench.told)
    assert any(status.ended for status, _written in bench.told)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Confirmation("It counts 20.", 20), ReadBackResult.DIFFERS),
        (Confirmation("It is building."), ReadBackResult.TOLD),
        (Confirmation(), ReadBackResult.NOT_POSSIBLE),
    ],
)
def test_what_the_destination_says_is_compared(tmp_path: Path, answer: Confirmation, result: ReadBackResult) -> None:
    bench = Bench(tmp_path)
    bench.target.on_confirm = lambda: answer
    bench.run()
    assert bench.receipt.read_backs[0].result is result
    warned = any("25 members were expected there, 20 are." in line.text for line in bench.folder.log())
    assert warned == (result is ReadBackResult.DIFFERS)


def test_a_destination_that_fails_when_asked_is_told_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def fail() -> Confirmation:
        raise TryAgain("No answer.", "ann@example.com waited for it.", "")

    bench.target.on_confirm = fail
    assert bench.run().status is Status.SUCCESSFUL
    (answer,) = bench.receipt.read_backs
    assert (answer.result, answer.sentence) == (ReadBackResult.FAILED, "No answer. ••• waited for it.")


def test_failed_and_cancelled_runs_have_one(tmp_path: Path) -> None:
    failing, cancelled = Bench(tmp_path / "a"), Bench(tmp_path / "b")

    def fail(number: int, _members: Sequence[Member]) -> None:
        if number == 2:
            raise SignInAgain("The sign-in expired.")

    def cancel(number: int, _members: Sequence[Member]) -> None:
        if number == 2:
            cancelled.ctx.token.cancel()

    failing.run(fail)
    cancelled.run(cancel)
    assert failing.receipt.status is Status.FAILED
    assert failing.receipt.totals == Totals(added=10)
    assert failing.receipt.error is not None
    assert cancelled.receipt.status is Status.CANCELLED


def test_rejects_stand_in_numbers_without_who_they_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def refuse(number: int, members: Sequence[Member]) -> list[Outcome]:
        said = "ann@example.com opted out" if number == 1 else "the number +49 171 1234567 is bad"
        return [Outcome(m.key, OutcomeKind.REJECTED, "email", said) for m in members]

    bench.run(refuse)
    rejects = bench.receipt.rejects
    assert rejects.by_reason == {"the number ••• is bad": 15, "••• opted out": 10}
    assert rejects.sha256 == hashlib.sha256(bench.folder.rejects_path.read_bytes()).hexdigest()
    text = bench.folder.receipt.read_text("utf-8")
    assert "example.com opted" not in text
    assert "1234567" not in text


def test_the_configuration_is_kept_and_its_sum_stands_in_the_receipt(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run()
    document = read_configuration(bench.folder)
    assert document is not None
    assert document["export"]["match"]["email"] == "Customer.Email"
    assert [each["name"] for each in document["segments"]] == ["VIP"]
    kept = hashlib.sha256(bench.folder.configuration.read_bytes()).hexdigest()
    assert bench.receipt.configuration.sha256 == kept


def test_a_receipt_is_written_once_and_a_change_shows(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.run()
    before = bench.folder.receipt.read_bytes()
    seal(bench.folder, replace(run, status=Status.FAILED))
    assert bench.folder.receipt.read_bytes() == before
    bench.folder.receipt.write_bytes(before.replace(b'"added":25', b'"added":26'))
    found = read_receipt(bench.folder)
    assert found is not None
    assert (found[0].totals.added, found[2]) == (26, False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_only_their_owner_reads_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run()
    for path in (bench.folder.receipt, bench.folder.configuration):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_run_that_may_go_on_has_none_and_one_that_never_began_has_one(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    for status in (Status.INTERRUPTED, Status.HELD, Status.RUNNING):
        seal(folder, replace(queued(), status=status, ended_at=NOW))
        assert read_receipt(folder) is None
    seal(folder, replace(queued(), status=Status.NO_CONNECTION, ended_at=NOW))
    found = read_receipt(folder)
    assert found is not None
    assert (found[0].status, found[0].hosts, found[0].started_at) == (Status.NO_CONNECTION, (), None)


def test_a_held_run_that_is_cancelled_tells_what_was_contacted_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    book = ReceiptBook(folder, lambda: PhaseName.PREPARE, lambda: NOW)
    book.begin(queued(), export("VIP"), description(), [])
    book.contacted(Exchange("api.example.com", 100, 20))
    held = replace(queued(), status=Status.HELD, ended_at=NOW)
    book.close(held)
    assert read_receipt(folder) is None
    seal(folder, replace(held, status=Status.CANCELLED))
    found = read_receipt(folder)
    assert found is not None
    assert found[2]
    assert (found[0].status, [each.host for each in found[0].hosts]) == (Status.CANCELLED, ["api.example.com"])
    assert found[0].configuration.destination == "Practice"
    assert not folder.ledger_path.exists()


def test_a_run_that_was_killed_and_resumed_accounts_for_what_left_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    class Killed(BaseException):
        """The process is gone."""

    def die(number: int, _members: Sequence[Member]) -> None:
        if number == 2:
            raise Killed

    with pytest.raises(Killed):
        bench.run(die)
    assert read_receipt(bench.folder) is None
    resumed = replace(queued(), interruptions=(NOW,))
    book = ReceiptBook(bench.folder, lambda: PhaseName.SEND, lambda: NOW)
    with book:
        book.begin(resumed, export("VIP"), description(), [])
        book.contacted(Exchange("api.example.com", 1_000, 50))
    book.contacted(Exchange("api.example.com", 10, 5))
    book.close(replace(resumed, status=Status.SUCCESSFUL, ended_at=NOW))
    assert bench.receipt.hosts == (
        HostTraffic("api.example.com", HostUse.MEMBERS, 4, 3_010, 155),
        HostTraffic("login.example.com", HostUse.SIGN_IN, 1, 300, 40),
    )
    assert bench.receipt.interruptions == (NOW,)
    assert [(batch.number, batch.state) for batch in bench.receipt.batches] == [
        (1, BatchState.SETTLED),
        (2, BatchState.IN_DOUBT),
    ]
    assert not bench.folder.ledger_path.exists()


def test_a_drive_that_can_not_take_the_ledger_is_no_failed_request(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    with ReceiptBook(folder, lambda: PhaseName.SEND, lambda: NOW) as book:
        folder.ledger_path.mkdir(parents=True)
        book.contacted(Exchange("api.example.com", 1_000, 50))
    folder.ledger_path.rmdir()
    book.close(replace(queued(), status=Status.SUCCESSFUL, ended_at=NOW))
    found = read_receipt(folder)
    assert found is not None
    assert [each.requests for each in found[0].hosts] == [1]


def test_files_stand_with_address_size_and_sum(tmp_path: Path) -> None:
    tables = export(kind=ExportKind.DATA_OUT, tables=(TableChoice("Orders"),))
    of = registry.description("local-folder")
    lake = registry.open_destination(of, Settings({"folder": str(tmp_path / "lake")}, {}))
    given = deps(tmp_path, files=FakeFiles({"Orders": 15}))
    deliver(queued(), tables, opened(lake, of), given, JobContext(), lambda _run: None)
    found = read_receipt(RunFolder(tmp_path, "r1"))
    assert found is not None
    assert [(Path(file.path).name, file.rows) for file in found[0].files] == [
        ("Orders_1.csv", 10),
        ("Orders_2.csv", 5),
        ("model.json", 0),
    ]
    for file in found[0].files:
        content = Path(file.path).read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


documents = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=4)


@given(documents, st.text(max_size=5), st.integers())
def test_a_sealed_document_is_whole_until_anything_changes(document: dict, key: str, value: int) -> None:
    whole = sealed({k: v for k, v in document.items() if k != "sha256"})
    assert is_whole(json.loads(json.dumps(whole)))
    changed = {**whole, key: value}
    assert is_whole(changed) == (changed == whole)
    assert b"".join(pieces(document)) == canonical(document)
