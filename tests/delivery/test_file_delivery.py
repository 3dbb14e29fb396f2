from __future__ import annotations

import errno
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from app.core.errors import NotAllowed, TryAgain
from app.core.exports import ExportKind, Guard, Layout, OnlyChanges, TableChoice
from app.core.guards import Approval, Fewer, GuardKind
from app.core.runs import PhaseState, Run, Status
from app.core.segments import Segment
from app.delivery.deliver import deliver
from app.delivery.files import RunFolder
from app.destinations import registry
from app.destinations.contract import Settings
from app.destinations.local_folder.destination import FolderStorage
from app.jobs import JobContext
from tests.delivery.fakes import NOW, FakeFiles, FakeTarget, deps, description, export, opened, segment, tree
from tests.delivery.test_run_state import queued


class Bench:
    """A run into a real local folder."""

    def __init__(self, folder: Path, files: FakeFiles) -> None:
        self.workspace = folder / "workspace"
        self.lake = folder / "lake"
        self.files = files
        self.ctx = JobContext()
        self.seen: list[Run] = []
        self.segments: list[Segment] = []
        self.approval: Approval | None = None
        self.export = export(kind=ExportKind.DATA_OUT, tables=tuple(TableChoice(n) for n in files.tables))

    def run(self) -> Run:
        of = registry.description("local-folder")
        target = registry.open_destination(of, Settings({"folder": str(self.lake)}, {}))
        given = replace(deps(self.workspace, files=self.files), segments=self.segments)
        return deliver(
            replace(queued(), approval=self.approval),
            self.export,
            opened(target, of),
            given,
            self.ctx,
            self.seen.append,
        )

    def staging(self) -> list[str]:
        return tree(RunFolder(self.workspace, "r1").path)


def test_tables_arrive_as_parts_with_a_model_one_part_on_the_drive_at_a_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 25, "Orders": 10}))
    run = bench.run()
    assert run.status is Status.SUCCESSFUL
    parts = ["Customer/Customer_1.csv", "Customer/Customer_2.csv", "Customer/Customer_3.csv", "Orders/Orders_1.csv"]
    assert tree(bench.lake) == [*parts, "model.json"]
    assert (run.totals.rows, run.totals.files) == (35, 5)
    assert run.totals.bytes == sum((bench.lake / p).stat().st_size for p in tree(bench.lake))
    assert (run.done, run.total, run.unit) == (35, 35, "rows")
    assert run.bytes_sent == run.totals.bytes
    assert [each.bytes_sent for each in bench.seen] == sorted(each.bytes_sent for each in bench.seen)
    assert all(p.state is PhaseState.DONE for p in run.phases)
    assert bench.files.most_waiting == 1
    assert bench.staging() == ["configuration.json", "log.jsonl", "receipt.json"]


def test_earlier_files_give_way_only_after_the_new_ones_are_whole(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 15}, replace_below="Customer"))
    old = bench.lake / "Customer" / "old.csv"
    old.parent.mkdir(parents=True)
    old.write_text("old")

    def fail(_table: str, number: int) -> None:
        assert old.exists()
        if number == 2:
            raise TryAgain("The engine stopped.")

    bench.files.on_part = fail
    run = bench.run()
    assert run.status is Status.FAILED
    assert tree(bench.lake) == ["Customer/old.csv"]
    assert run.error is not None
    assert run.error.what == "Stopped after 10 of 15 rows."
    assert (run.totals.rows, run.totals.files) == (0, 0)
    assert bench.staging() == ["configuration.json", "log.jsonl", "receipt.json"]

    bench.files.on_part = lambda _table, _number: None
    assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == ["Customer/Customer_1.csv", "Customer/Customer_2.csv", "model.json"]


def test_of_earlier_runs_as_many_stay_as_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 5}))
    bench.export = replace(bench.export, layout=Layout(keep_runs=2))
    for hour in (1, 2, 3):
        bench.files.folder = f"Out/0{hour}00/"
        assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == [
        "Out/0200/Customer/Customer_1.csv",
        "Out/0300/Customer/Customer_1.csv",
        "Out/model.json",
    ]
    assert not (bench.lake / "Out/0100").exists()

    bench.files.folder = "Out/0400/"
    bench.files.on_part = _fail
    assert bench.run().status is Status.FAILED
    assert tree(bench.lake) == [
        "Out/0200/Customer/Customer_1.csv",
        "Out/0300/Customer/Customer_1.csv",
        "Out/model.json",
    ]


def test_changes_never_replace_those_of_an_earlier_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 5}))
    bench.export = replace(bench.export, layout=Layout(only_changes=OnlyChanges.CHANGED))
    assert bench.run().status is Status.SUCCESSFUL
    written = (bench.lake / "Customer/Customer_1.csv").read_bytes()
    bench.files.tables = {"Customer": 2}
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "same minute" in run.error.why
    assert (bench.lake / "Customer/Customer_1.csv").read_bytes() == written
    assert bench.files.told_published == 1
    bench.files.folder = "next/"
    assert bench.run().status is Status.SUCCESSFUL
    assert bench.files.told_published == 2


@pytest.mark.parametrize(("code", "hours"), [("reset", [6, 6, 8]), ("not_whole", [6, 7, 8])])
def test_after_a_cut_the_next_run_takes_up_the_names(tmp_path: Path, code: str, hours: list[int]) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 15}))
    asked: list[int] = []

    def run(hour: int) -> Run:
        given = deps(bench.workspace, files=bench.files)

        def files(_export: object, _description: object, moment: datetime) -> FakeFiles:
            asked.append(moment.hour)
            return bench.files

        given = replace(given, files=files, clock=lambda: NOW.replace(hour=hour))
        of = registry.description("local-folder")
        target = registry.open_destination(of, Settings({"folder": str(bench.lake)}, {}))
        return deliver(queued(), bench.export, opened(target, of), given, bench.ctx, bench.seen.append)

    def cut(_table: str, number: int) -> None:
        if number == 2:
            raise TryAgain("Broken.", code=code)

    bench.files.on_part = cut
    assert run(6).status is Status.FAILED
    bench.files.on_part = lambda _table, _number: None
    assert run(7).status is Status.SUCCESSFUL
    assert run(8).status is Status.SUCCESSFUL
    assert asked == hours
    assert tree(bench.lake) == ["Customer/Customer_1.csv", "Customer/Customer_2.csv", "model.json"]


def test_parts_of_an_earlier_run_that_lies_in_the_same_folder_go(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 25}))
    assert bench.run().status is Status.SUCCESSFUL
    bench.files.tables = {"Customer": 12}
    assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == ["Customer/Customer_1.csv", "Customer/Customer_2.csv", "model.json"]


def test_files_of_a_segment_that_is_empty_or_shrank_wait_for_a_person(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"VIP": 25}))
    bench.export = export("VIP", guard=Guard())
    bench.segments = [segment("VIP")]
    assert bench.run().status is Status.SUCCESSFUL
    before = tree(bench.lake)
    for rows, kind in ((0, GuardKind.EMPTY), (12, GuardKind.SHRANK)):
        bench.files = FakeFiles({"VIP": rows})
        run = bench.run()
        assert (run.status, run.unit, tree(bench.lake)) == (Status.HELD, "rows", before)
        assert run.held is not None
        assert (run.held.guard, run.held.number) == (kind, 25 - rows)
    bench.approval = Approval("ann", NOW, run.held.changes, anyway=True, fewer=run.held.fewer)
    assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == ["VIP/VIP_1.csv", "VIP/VIP_2.csv", "model.json"]
    bench.approval = None
    bench.files = FakeFiles({"VIP": 10})
    assert bench.run().status is Status.SUCCESSFUL, "a few less than in the last run are no sign of anything"


def test_tables_that_are_empty_or_shrank_wait_for_a_person_and_the_files_stay(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 25, "Orders": 30, "Returns": 0}))
    bench.export = replace(bench.export, guard=Guard())
    assert bench.run().status is Status.SUCCESSFUL, "nobody knows what a first run could have lost"
    before = {path: (bench.lake / path).read_bytes() for path in tree(bench.lake)}
    bench.files = FakeFiles({"Customer": 0, "Orders": 20, "Returns": 0})
    for _again in range(2):
        run = bench.run()
        assert (run.status, run.unit) == (Status.HELD, "rows")
        assert run.held is not None
        assert run.held.fewer == (Fewer("Customer", 25, 0, 25), Fewer("Orders", 30, 20, 10))
        assert {path: (bench.lake / path).read_bytes() for path in tree(bench.lake)} == before
        assert bench.files.told_published == 0
    bench.approval = Approval("ann", NOW, run.held.changes, anyway=True, fewer=run.held.fewer)
    assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == ["Orders/Orders_1.csv", "Orders/Orders_2.csv", "model.json"]
    bench.approval = None
    assert bench.run().status is Status.SUCCESSFUL, "what was published is what the next run is held against"


def test_a_run_that_failed_is_nothing_to_compare_with(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 25}))
    bench.export = replace(bench.export, guard=Guard())
    bench.files.on_part = _fail
    assert bench.run().status is Status.FAILED
    bench.files = FakeFiles({"Customer": 5})
    assert bench.run().status is Status.SUCCESSFUL


@pytest.mark.parametrize("segments", [True, False])
def test_a_guard_that_allows_everything_holds_nothing(tmp_path: Path, *, segments: bool) -> None:
    bench = Bench(tmp_path, FakeFiles({"VIP": 25}))
    if segments:
        bench.export, bench.segments = export("VIP"), [segment("VIP")]
    assert bench.run().status is Status.SUCCESSFUL
    bench.files = FakeFiles({"VIP": 0})
    assert bench.run().status is Status.SUCCESSFUL


def test_earlier_files_that_cannot_be_removed_are_told_and_the_new_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 5}, replace_below="Customer"))
    old = bench.lake / "Customer" / "old.csv"
    old.parent.mkdir(parents=True)
    old.write_text("old")

    def refuse(_storage: object, _path: str) -> None:
        raise NotAllowed("It may not be removed.", "The right is missing.", "Ask for it.", code="no")

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "remove", refuse)
        run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "earlier ones could not be removed" in run.error.why
    assert run.error.action == "ask_admin"
    assert (run.totals.rows, run.totals.files) == (5, 2)
    assert tree(bench.lake) == ["Customer/Customer_1.csv", "Customer/old.csv", "model.json"]
    assert bench.run().status is Status.SUCCESSFUL
    assert tree(bench.lake) == ["Customer/Customer_1.csv", "model.json"]


def _fail(_table: str, _number: int) -> None:
    raise TryAgain("The engine stopped.")


def test_cancel_leaves_the_storage_as_it_was(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 45}))

    def cancel(_table: str, number: int) -> None:
        if number == 3:
            bench.ctx.token.cancel()

    bench.files.on_part = cancel
    run = bench.run()
    assert run.status is Status.CANCELLED
    assert tree(bench.lake) == []
    assert run.totals.files == 0
    assert bench.staging() == ["configuration.json", "log.jsonl", "receipt.json"]


def test_a_full_drive_is_named_and_nothing_replaced(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 45}))

    def full(_table: str, number: int) -> None:
        if number == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    bench.files.on_part = full
    run = bench.run()
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "The drive is full." in run.error.why
    assert run.error.action == "try_again"
    assert tree(bench.lake) == []


def test_tables_do_not_go_to_a_marketing_system(tmp_path: Path) -> None:
    given = deps(tmp_path, files=FakeFiles({"Customer": 5}))
    data_out = export(kind=ExportKind.DATA_OUT, tables=(TableChoice("Customer"),))
    run = deliver(queued(), data_out, opened(FakeTarget(), description()), given, JobContext(), lambda _run: None)
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.action == "fix_settings"


@pytest.mark.parametrize("leftover", ["Customer_1.csv", "other.tmp"])
def test_what_a_killed_run_left_in_staging_is_cleared(tmp_path: Path, leftover: str) -> None:
    bench = Bench(tmp_path, FakeFiles({"Customer": 5}))
    staging = RunFolder(bench.workspace, "r1").staging
    staging.mkdir(parents=True)
    (staging / leftover).write_text("x")
    assert bench.run().status is Status.SUCCESSFUL
    assert bench.staging() == ["configuration.json", "log.jsonl", "receipt.json"]
