from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.cli.exports import run_sentence
from app.cli.output import ProgressPrinter
from app.core.runs import Run, RunError, Status, Totals
from app.jobs import Progress
from app.services.run_progress import progress_of
from tests.core.test_run_progress import NOW, RUN


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress("send", 30, 60, "members"), "send: 30 of 60 members"),
        (
            Progress("send", 3_000, 60_000, "rows", "", 45_200_000, 3_100_000.0, 700.0),
            "send: 3,000 of 60,000 rows, 45.2 MB, 3.1 MB/s, 12 min left",
        ),
        (
            Progress("send", 3_000, 60_000, "rows", "", 999, None, 45.2),
            "send: 3,000 of 60,000 rows, 999 bytes, 45 s left",
        ),
    ],
)
def test_a_line_tells_rows_bytes_rate_and_time_left(
    progress: Progress, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProgressPrinter(quiet=False) as printer:
        printer.show(progress)
    assert capsys.readouterr().err == f"{line}\n"


def test_runs_together_tell_the_longest_time_left() -> None:
    other = replace(RUN, id="s", done=100, total=300, bytes_sent=20_000_000, started_at=NOW - timedelta(seconds=60))
    ended = replace(RUN, id="t", status=Status.SUCCESSFUL)
    told = progress_of([RUN, other, ended], NOW)
    assert (told.done, told.total, told.unit) == (700, 2100, "rows")
    assert told.bytes_done == 100_000_000
    assert told.bytes_per_second == pytest.approx(3_000_000)
    assert told.seconds_left == pytest.approx(120)


def test_runs_without_files_tell_no_bytes() -> None:
    runs: list[Run] = [replace(RUN, bytes_sent=0, unit="members")]
    told = progress_of(runs, datetime(2026, 3, 9, 6, 6, tzinfo=UTC))
    assert (told.bytes_done, told.bytes_per_second) == (0, None)


def test_what_waits_does_not_turn_rows_into_members() -> None:
    writing = replace(RUN, total=5_000, done=10, unit="rows")
    waiting = replace(RUN, status=Status.QUEUED, total=None, done=0, unit="members")
    assert progress_of([writing, waiting], NOW).unit == "rows"


def test_a_run_that_failed_before_it_did_anything_counts_nobody() -> None:
    error = RunError("The drive is full.", "0 bytes are free.", "Free some space there.")
    failed = replace(RUN, export_name="Lake", status=Status.FAILED, totals=Totals(), error=error)
    assert run_sentence(failed) == "Lake: failed. The drive is full. 0 bytes are free. Free some space there."
    some = replace(failed, totals=Totals(added=500))
    assert run_sentence(some).startswith("Lake: failed; 500 added, 0 updated,")
