"""What a place holds survives a loss of power: nothing goes before what is made of it is on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copytree

import pytest

from app.core.exports import SyncMode
from app.data import sent
from app.data.engines.duckdb import DuckDBEngine
from app.data.member_query import MemberSpec
from app.data.members import Members
from app.data.sent import Told
from app.jobs import CancelToken, JobContext, drive
from tests.data.test_counting import scope_of
from tests.data.test_reasons import FIELDS, GERMANS, IDENTITY, NAMES, SentPlace, engine  # noqa: F401 - a fixture


def test_plan_and_notes_stay_until_changes_and_snapshot_are_on_the_disk(
    engine: DuckDBEngine,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = SentPlace(engine)
    place.send(scope_of(place.table(("1", "p1@x.de", "DE", True))))
    run = engine.folder / "runs" / "r2"
    run.mkdir(parents=True)
    scope = scope_of(place.table(("1", "p1@x.de", "DE", True), ("2", "p2@x.de", "DE", True)))
    spec = MemberSpec(FIELDS, IDENTITY, NAMES)
    Members(engine).plan(
        scope, GERMANS, spec, place.held, SyncMode.MIRROR, place.held.plan_path, JobContext(), run="r2"
    )
    told = Told(place.held, SyncMode.MIRROR)
    told.settled([0], "added", {})
    told.close()
    there: list[tuple[str, set[str]]] = []

    def noted(folder: Path) -> None:
        there.append((folder.name, {path.name for path in place.held.folder.iterdir()}))

    monkeypatch.setattr(drive, "flush_folder", noted)
    place.held.settle(CancelToken())
    assert there[-2:] == [
        ("changes", {"000001.parquet", "plan.parquet", "told.csv"}),
        (place.held.folder.name, {"000001.parquet", "000002.parquet", "plan.parquet", "told.csv"}),
    ]
    assert {path.name for path in place.held.folder.iterdir()} == {"000002.parquet"}


def test_outcomes_are_on_the_drive_before_the_journal_tells_of_them(
    engine: DuckDBEngine,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a batch could count as answered after a loss of power and be sent again, and be counted twice."""
    place = SentPlace(engine)
    told = Told(place.held, SyncMode.MIRROR)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    told.sending([0, 1])
    told.settled([0, 1], "added", {})
    assert synced == [len("0,1,sending\n"), len("0,1,sending\n0,1,added\n")]
    told.close()


def test_a_folder_that_was_taken_over_does_not_come_back(
    engine: DuckDBEngine,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else who was taken out since would count as held again."""
    place = SentPlace(engine)
    place.send(scope_of(place.table(("1", "p1@x.de", "DE", True))))
    orphan = place.held.folder.with_name("renamed")
    copytree(place.held.folder, orphan)
    place.held.orphans = [orphan]
    flushed: list[tuple[Path, bool]] = []
    monkeypatch.setattr(sent, "flush_folder", lambda folder: flushed.append((folder, orphan.exists())))
    place.held.inherit(CancelToken())
    assert flushed == [(orphan.parent, False)]
