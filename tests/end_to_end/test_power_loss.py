"""The drive loses its power when something has ended: it is there after, as it was, and nothing that was deleted came back.

Runs whose power is cut in the middle are those of `dev.py bench crash --power-loss`, a few of them here. Needs Linux and root.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.bootstrap import open_workspace, recent
from app.core.drafts import SegmentDraft
from app.core.exports import ExportKind
from app.core.runs import Status
from app.jobs import JobContext
from tests.benchmarks.__main__ import measured
from tests.benchmarks.crash_run import run_export
from tests.drives import WORST, Drive, refusal
from tests.end_to_end.workshop import COUNTRIES, Workshop, workshop

CTX = JobContext()
PASSING = ("Customer.csv", "chosen.csv", "config/paces", "workspace/tmp", "lost+found")
"""What a loss of power may take: sources are not ours, the rest is made anew."""


@pytest.fixture(params=[WORST, "xfs", "btrfs"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    reason = refusal(request.param)
    if reason is not None:
        pytest.skip(f"a drive that loses its power {reason}")
    with Drive(tmp_path / "drive", request.param) as made:
        yield made


@pytest.fixture
def shop(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    with workshop(drive.folder, monkeypatch) as made:
        yield made


def test_the_drive_keeps_what_was_synced_and_nothing_else(drive: Drive) -> None:
    """Without this the other tests would prove nothing."""
    synced, written = drive.folder / "synced", drive.folder / "written"
    with synced.open("wb") as file:
        file.write(b"a" * 10_000)
        file.flush()
        os.fsync(file.fileno())
    written.write_bytes(b"b" * 10_000)
    with synced.open("ab") as file:
        file.write(b"c" * 10_000)
    drive.cut()
    drive.revive()
    assert synced.read_bytes() == b"a" * 10_000
    assert not written.exists() or written.read_bytes() == b""


def test_what_was_made_and_changed_is_there(shop: Workshop, drive: Drive) -> None:
    lose_power(shop, drive)
    shop.customers(300)
    lose_power(shop, drive)
    shop.customers(200)
    lose_power(shop, drive)
    shop.segment("Everybody")
    (shop.outside / "chosen.csv").write_text("CustomerId\nC-0000001\nC-0000002\n", "utf-8")
    listed = {"name": "Chosen", "of": "customers", "list": "chosen.csv"}
    shop.services.segments.save(listed, shop.outside)
    lose_power(shop, drive)
    assert shop.services.counts.count("Chosen", None, CTX).members == 2
    assert shop.services.counts.count("Everybody", None, CTX).members == 200
    shop.services.suppression.import_text("p3@example.com", CTX)
    shop.services.drafts.save(SegmentDraft("d" * 16, name="Half"))
    shop.services.engine_limits.set(threads=1)
    recent().opened(shop.folder)
    lose_power(shop, drive)
    assert shop.services.suppression.check("p3@example.com") is not None
    assert shop.services.drafts.latest(ExportKind.SEGMENT, None) is not None
    assert shop.services.engine_limits.limits().threads == 1
    assert recent().all() == [shop.folder]


def test_what_was_delivered_is_there_with_all_that_is_known_of_it(shop: Workshop, drive: Drive) -> None:
    shop.customers(60)
    shop.segment("Everybody")
    shop.connect("Lake", "local-folder", {"folder": str(shop.outside / "lake")})
    shop.data_out(format={"type": "csv", "rows_per_file": 11})
    names = {"folder": "{export}/{date}/{hhmm}", "file": "{table}_{part}", "only_changes": True, "model_json": True}
    shop.data_out("Changes", layout=names)
    practice = {"folder": str(shop.outside / "account"), "mood": "own", "batch_size": "10", "rejected_percent": "20"}
    shop.connect("Practice", "practice", practice)
    shop.newsletter("Everybody", connection="Practice", target={}, sync="mirror", guard={"removed_percent": None})
    for number, exports in (60, ("Lake", "Changes", "Newsletter")), (55, ("Lake", "Newsletter")):
        shop.customers(number)
        for name in exports:
            (run,) = shop.run(name)
            assert run.status in {Status.SUCCESSFUL, Status.COMPLETED_WITH_REJECTS}, shop.log(run)
            lose_power(shop, drive)
            assert shop.services.runs.get(run.id).status is run.status


@pytest.mark.slow
@pytest.mark.parametrize("drive", [WORST], indirect=True)
def test_files_in_whose_delivery_the_power_goes_are_whole(shop: Workshop, drive: Drive) -> None:
    """Also at that moment there is no half file under a name that readers know, and the next run leaves the rows of today."""
    lake = shop.outside / "lake"
    shop.customers(400)
    shop.connect("Lake", "local-folder", {"folder": str(lake)})
    shop.data_out(format={"type": "csv", "rows_per_file": 25})
    chance = random.Random(7)
    for number in (400, 375):
        shop.customers(number)
        for _ in range(2):
            run_until(shop, drive, "Lake", chance.uniform(0.0, 0.4))
            rows = [row for part in parts_of(lake) for row in part]
            assert all(len(row) == 4 and row[3] in COUNTRIES for row in rows), rows
        (run,) = shop.run("Lake")
        assert run.status is Status.SUCCESSFUL, shop.log(run)
        lose_power(shop, drive)
        assert [row[0] for part in parts_of(lake) for row in part] == [f"C-{i:07}" for i in range(number)]
        assert [path for path in lake.rglob("*") if ".sendoff-" in path.name] == []


def test_who_was_erased_does_not_come_back(shop: Workshop, drive: Drive) -> None:
    shop.customers(20)
    shop.segment("Everybody")
    practice = {"folder": str(shop.outside / "account"), "mood": "own", "rejected_percent": "20"}
    shop.connect("Practice", "practice", practice)
    shop.newsletter("Everybody", connection="Practice", target={})
    shop.run("Newsletter")
    shop.customers(20)
    os.sync()
    shop.services.erasing.erase("p7@example.com", CTX, suppress=True)
    left = {*kept(drive.folder)}
    lose_power(shop, drive)
    assert {*kept(drive.folder)} == left


@pytest.mark.slow
def test_whoever_cuts_the_power_loses_nobody_and_doubles_nobody() -> None:
    """Runs of all sync modes in the middle of which the power goes: resumed or run again, the destination holds the segment."""
    reason = refusal()
    if reason is not None:
        pytest.skip(f"a drive that loses its power {reason}")
    told = measured("crash", power_loss=WORST, rows=4_000, kills=4, seed=3)
    assert told is not None
    assert (told["lost"], told["doubled"]) == (0, 0)
    assert told["modes"] == 4


def run_until(shop: Workshop, drive: Drive, export: str, seconds: float) -> None:
    """Run the export in a process of its own, and lose the power so long after it is ready: before the run has ended, or after."""
    shop.services.close()
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=run_export, args=(str(shop.folder), export, False, theirs))
    process.start()
    assert ours.poll(60)
    assert ours.recv() == "ready"
    process.join(seconds)
    process.kill()
    drive.cut()
    process.join()
    drive.revive()
    shop.services = open_workspace(shop.folder, secrets=shop.secrets)


def parts_of(lake: Path) -> list[list[list[str]]]:
    """The rows of each part that readers see, in the order of their numbers."""
    paths = [path for path in lake.rglob("Customer_*.csv") if not path.name.startswith(".")]
    paths.sort(key=lambda path: int(path.stem.rpartition("_")[2]))
    return [list(csv.reader(path.read_text("utf-8").splitlines()))[1:] for path in paths]


def lose_power(shop: Workshop, drive: Drive) -> None:
    """Right now; the workspace is open again then, and all that lay on the drive lies there as it was.

    What had been deleted in the workspace, because something newer took its place, may have come back.
    """
    before = kept(drive.folder)
    drive.cut()
    with suppress(Exception):  # it can't write any more
        shop.services.close()
    drive.revive()
    shop.services = open_workspace(shop.folder, secrets=shop.secrets)
    after = kept(drive.folder)
    assert {*before} - {*after} == set()
    assert {name for name in {*after} - {*before} if not name.startswith("workspace/")} == set()
    assert [name for name, content in before.items() if after[name] != content] == []


def kept(folder: Path) -> dict[str, bytes | str]:
    """Every file by its path, databases by what is in them."""
    found: dict[str, bytes | str] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(PASSING) or name.endswith(("-wal", "-shm")):
            continue
        if path.suffix in {".db", ".sqlite"}:
            with closing(sqlite3.connect(path)) as database:
                found[name] = "\n".join(database.iterdump())
        else:
            found[name] = path.read_bytes()
    return found
