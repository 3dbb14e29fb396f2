from __future__ import annotations

import csv
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.runs import LogLine, PhaseName, Reject
from app.data import appended
from app.delivery.files import MASK, RunFolder, harmless_cell
from app.delivery.run_log import RunLog


def reject(number: int, field: str = "Email", value: str = "a@b") -> Reject:
    return Reject(f"C-{number}", "VIP", field, value, "Domain doesn't exist.", "Correct at source.", by_target=True)


def line(text: str) -> LogLine:
    return LogLine(datetime(2026, 5, 1, 6, tzinfo=UTC), PhaseName.SEND, "info", text)


def test_rejects_come_back_in_pages_with_counts_by_field(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    with folder.rejects_writer() as writer:
        writer.write(reject(i, "Email" if i % 3 else "Phone") for i in range(10))
    page = folder.rejects(offset=2, limit=3)
    assert [r.member for r in page.rejects] == ["C-2", "C-3", "C-4"]
    assert (page.total, dict(page.by_field)) == (10, {"Phone": 4, "Email": 6})
    phones = folder.rejects(offset=1, limit=2, field="Phone")
    assert [r.member for r in phones.rejects] == ["C-3", "C-6"]
    assert folder.left_out().total == 0


def test_a_line_cut_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    with folder.log_writer() as writer:
        writer.write([line("one"), line("two")])
    path = folder.path / "log.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert [entry.text for entry in folder.log()] == ["one"]


def test_lines_are_there_before_the_file_is_closed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    with folder.log_writer() as writer:
        writer.write([line("one")])
        assert [entry.text for entry in folder.log()] == ["one"]
    with folder.log_writer() as writer:
        writer.write([line("two")])
    assert [entry.text for entry in folder.log(last=1)] == ["two"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    old = os.umask(0)
    try:
        with folder.rejects_writer() as writer:
            writer.write([reject(1)])
        folder.save_rejects(tmp_path / "out.csv")
    finally:
        os.umask(old)
    for path in (folder.path / "rejects.jsonl", tmp_path / "out.csv"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_saved_rejects_open_in_a_spreadsheet_without_running_anything(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    values = ['=HYPERLINK("http://x","y")', "+49 170 123", "-5,5", "@SUM(A1)", "Zoë\nline", "+cmd|' /C calc'!A0"]
    with folder.rejects_writer() as writer:
        writer.write(reject(i, value=v) for i, v in enumerate(values))
    target = tmp_path / "out.csv"
    assert folder.save_rejects(target) == 6
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(raw.decode("utf-8-sig").splitlines(keepends=True)))
    assert [r[3] for r in rows[1:]] == [
        '\'=HYPERLINK("http://x","y")',
        "+49 170 123",
        "-5,5",
        "'@SUM(A1)",
        "Zoë\nline",
        "'+cmd|' /C calc'!A0",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "runs"]


def test_a_folder_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RunFolder(tmp_path, "r1").save_rejects(tmp_path / "missing" / "out.csv")


@given(st.text())
def test_no_cell_that_starts_like_a_formula_holds_letters(text: str) -> None:
    cell = harmless_cell(text)
    assert cell in (text, f"'{text}")
    if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        assert not any(c.isalpha() or c in "=@|!" for c in cell)


def test_log_lines_hold_neither_secret_nor_address(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    with RunLog(folder, lambda text: text.replace("s3cr3t-us14", "[hidden]"), lambda: PhaseName.SEND) as log:
        log.warning("Key s3cr3t-us14 refused for ann.smith+x@mail.example.com, about to stop.")
        log.info("sftp://root@127.0.0.1:22/a.csv of https://x.example/ann@example.com")
    entry, place = folder.log()
    assert place.text == f"sftp://root@127.0.0.1:22/a.csv of https://x.example/{MASK}"
    assert entry.text == f"Key [hidden] refused for {MASK}, about to stop."
    assert (entry.level, entry.phase) == ("warning", PhaseName.SEND)


def test_who_was_refused_or_left_out_is_on_the_drive_when_it_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose computer lost its power tells of the same people when it goes on."""
    synced: set[tuple[int, int]] = set()
    monkeypatch.setattr(appended, "flush", lambda file: synced.add((os.fstat(file).st_ino, os.fstat(file).st_size)))
    folder = RunFolder(tmp_path, "r1")
    with RunLog(folder, str, lambda: PhaseName.SEND) as log:
        log.rejects([reject(1), reject(2)])
        log.left_out([reject(3)])
        noted = {(path.stat().st_ino, path.stat().st_size) for path in (folder.rejects_path, folder.left_out_path)}
        assert noted <= synced
