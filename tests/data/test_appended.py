"""Lines that are appended while a run goes: a torn one spoils no other."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.data import appended
from app.data.appended import AppendedFile
from app.jobs import drive
from tests.rights import is_private


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lines"


@pytest.fixture
def file(path: Path) -> Iterator[AppendedFile]:
    opened = AppendedFile(path)
    yield opened
    opened.close()


def test_lines_follow_each_other_also_in_a_file_that_is_opened_again(path: Path, file: AppendedFile) -> None:
    file.write(b"one\n")
    file.write(b"two\nthree\n")
    file.close()
    file.close()
    again = AppendedFile(path)
    again.write(b"four\n")
    again.close()
    assert path.read_bytes() == b"one\ntwo\nthree\nfour\n"
    assert is_private(path)
    assert is_private(path.parent)


def test_what_a_loss_of_power_left_torn_stays_alone(path: Path, file: AppendedFile) -> None:
    file.write(b"one\n")
    file.close()
    path.write_bytes(path.read_bytes() + b"tw")
    again = AppendedFile(path)
    again.write(b"three\n")
    again.write(b"four\n")
    again.close()
    assert path.read_bytes() == b"one\ntw\nthree\nfour\n"


def test_what_a_full_drive_left_torn_stays_alone_too(
    path: Path, file: AppendedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    room = [4]

    def full(to: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(to, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        file.write(b"twelve\n")
    monkeypatch.undo()
    file.write(b"one\n")
    assert path.read_bytes() == b"twel\none\n"


def test_a_drive_that_takes_a_little_at_a_time_gets_all(
    path: Path, file: AppendedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda to, data: write(to, data[:3]))
    file.write(b"a long line\n")
    assert path.read_bytes() == b"a long line\n"


def test_the_names_of_new_folders_are_on_the_drive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    for module in (appended, drive):
        monkeypatch.setattr(module, "flush_folder", lambda folder: synced.append(str(folder)))
    files: list[int] = []
    monkeypatch.setattr(appended, "flush", files.append)
    deeper = path.parent / "deeper" / "lines"
    AppendedFile(deeper).close()
    assert {str(path.parent.parent), str(path.parent), str(deeper.parent)} == set(synced)
    assert len(files) == 1  # its own
