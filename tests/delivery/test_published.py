"""Which earlier runs go when a new one is whole."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.core.run_pointers import SentFile
from app.delivery.published import PublishedRuns, forget_written, place_folder
from tests.delivery.fakes import NOW


def published(folder: Path, number: int, *paths: str, whole: bool = True) -> PublishedRuns:
    runs = PublishedRuns(place_folder(folder, "e1", "/lake"))
    files = [SentFile("" if path.endswith("json") else "Orders", path, 1, 1, "") for path in paths]
    runs.begin(f"r{number}", NOW + timedelta(hours=number), files)
    if whole:
        runs.finish()
    return runs


def test_all_whole_runs_stay_unless_told_otherwise(tmp_path: Path) -> None:
    for number in (1, 2):
        published(tmp_path, number, f"{number}/a.csv")
    assert published(tmp_path, 3, "3/a.csv").outdated(None).paths == ()


def test_the_newest_stay_and_what_they_share_with_older_ones(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv", "model.json")
    published(tmp_path, 2, "2/a.csv", "model.json")
    runs = published(tmp_path, 3, "3/a.csv", "other/model.json")
    assert runs.outdated(5).paths == ()
    outdated = runs.outdated(2)
    assert outdated.paths == ("1/a.csv",)
    runs.forget(outdated)
    assert runs.outdated(2).paths == ()
    assert runs.outdated(1).paths == ("2/a.csv", "model.json")


def test_a_run_that_died_goes_and_one_that_lost_a_part(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv", "1/b.csv")
    published(tmp_path, 2, "2/a.csv", "2/b.csv", whole=False)
    runs = published(tmp_path, 3, "1/a.csv")
    assert set(runs.outdated(None).paths) == {"1/a.csv", "1/b.csv", "2/a.csv", "2/b.csv"}


def test_a_run_that_died_takes_nothing_that_a_whole_one_has(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv")
    published(tmp_path, 2, "1/a.csv", "1/c.csv", whole=False)
    assert published(tmp_path, 3, "3/a.csv").outdated(None).paths == ("1/c.csv",)


def test_places_and_exports_are_apart_and_can_be_forgotten(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv")
    other = PublishedRuns(place_folder(tmp_path, "e1", "/pond"))
    other.begin("r2", NOW, [])
    other.finish()
    assert other.outdated(1).paths == ()
    forget_written(tmp_path, "e1")
    assert published(tmp_path, 3, "3/a.csv").outdated(1).paths == ()


def test_whether_rows_of_a_whole_run_would_be_replaced(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv", "model.json")
    published(tmp_path, 2, "2/a.csv", whole=False)
    runs = PublishedRuns(place_folder(tmp_path, "e1", "/lake"))
    told = {
        path: SentFile(item, path, 1, 1, "")
        for path, item in (("1/a.csv", "Orders"), ("2/a.csv", "Orders"), ("model.json", ""))
    }
    assert [runs.overlaps([file]) for file in told.values()] == [True, False, False]


def test_names_of_an_attempt_that_was_cut_off_hold_for_a_day(tmp_path: Path) -> None:
    runs = PublishedRuns(place_folder(tmp_path, "e1", "/lake"))
    later = NOW + timedelta(hours=3)
    assert runs.moment_of_attempt(later) == later
    runs.attempt(NOW)
    assert runs.moment_of_attempt(later) == NOW
    assert runs.moment_of_attempt(NOW + timedelta(days=2)) == NOW + timedelta(days=2)
    assert runs.moment_of_attempt(NOW - timedelta(hours=1)) == NOW - timedelta(hours=1), "a clock that was set back"
    runs.attempted()
    assert runs.moment_of_attempt(later) == later


def test_a_broken_note_removes_nothing(tmp_path: Path) -> None:
    published(tmp_path, 1, "1/a.csv")
    next((tmp_path / "written").rglob("*.json")).write_text("{")
    outdated = published(tmp_path, 2, "2/a.csv").outdated(1)
    assert outdated.paths == ()
    assert len(outdated.runs) == 1
