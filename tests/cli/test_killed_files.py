"""A program that writes files is killed in the middle: the last good data stays, the next run takes up what arrived."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest

from tests.cli.desk import Desk

EXPORT = """
name: Lake
kind: data-out
connection: Slow drive
tables: [Customer]
format: {type: csv, rows_per_file: 500}
layout: {folder: "{export}/{table}/{date}_{hhmm}", sums: true, latest: true, keep_runs: 1}
consent: {agreed: true}
"""
PATIENCE_SECONDS = 240.0
"""A program takes its time to start on a busy computer."""


@pytest.fixture
def slow(desk: Desk) -> Desk:
    """A table of forty files, and a drive that takes some of them a second."""
    desk.make_shop(20_000)
    drive = ("--name", "Slow drive", "--destination", "local-folder", "--set", f"folder={desk.drive}")
    desk.done("connections", "add", *drive, "--set", "speed_limit=0.1", "--share", "contributors", "--agree")
    desk.done("exports", "apply", desk.file("lake.yaml", EXPORT))
    return desk


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.is_file()]


def test_a_killed_program_leaves_the_last_good_files_and_the_next_goes_on(slow: Desk) -> None:
    drive = slow.drive
    (drive / "Lake").mkdir()
    (drive / "Lake" / "latest.json").write_text("last good")
    process = slow.program("--workspace", slow.workspace, "exports", "run", "Lake")
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while len(hidden(drive)) < 8 and time.monotonic() < end and process.poll() is None:
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()
    arrived = {path.stat().st_ino for path in hidden(drive)}
    assert len(arrived) >= 8
    assert [path for path in drive.rglob("*.csv") if not path.name.startswith(".")] == []
    assert (drive / "Lake" / "latest.json").read_text() == "last good"

    slow.done("connections", "edit", "Slow drive", "--set", "speed_limit=")
    run = slow.told("exports", "run", "Lake")["runs"][0]
    assert (run["status"], run["rows"], run["files"]) == ("successful", 20_000, 43)
    assert hidden(drive) == []
    published = {path.stat().st_ino for path in drive.rglob("*.csv")}
    assert len(arrived - published) <= 1, "all but the last were whole, and are taken up"
    assert "Goes on with the files of" in slow.done("runs", "show", run["id"]).out
    lines = (drive / "Lake" / "SHA256SUMS").read_text("utf-8").splitlines()
    assert len(lines) == 41
    for line in lines:
        digest, path = line.split(" *")
        assert hashlib.sha256((drive / "Lake" / path).read_bytes()).hexdigest() == digest
    assert json.loads((drive / "Lake" / "latest.json").read_text("utf-8"))["run"] == run["id"]
