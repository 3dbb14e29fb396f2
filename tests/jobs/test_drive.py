"""Files on the drive, as each system has them: what other systems do is played where it can't be had."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.jobs import drive

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="only Windows keeps a file that somebody has open")


def _windows(code: int, *names: str) -> PermissionError:
    """An error as Python makes it on Windows."""
    error = PermissionError(errno.EACCES, "Access is denied", *names[:1], None, *names[1:])
    error.winerror = code  # type: ignore[attr-defined,unused-ignore]  # other systems know no such number
    return error


class Held:
    """A file that somebody has open for the first few tries."""

    def __init__(self, tries: int, code: int) -> None:
        self.tries = tries
        self.code = code

    def __call__(self) -> None:
        self.tries -= 1
        if self.tries >= 0:
            raise _windows(self.code)


def test_what_macos_keeps_in_the_memory_of_the_drive_is_written_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(drive, "_FULLY", 51)
    monkeypatch.setattr(drive, "fcntl", SimpleNamespace(fcntl=lambda *wish: asked.append(wish)), raising=False)
    monkeypatch.setattr(os, "fsync", lambda _file: pytest.fail("a wish too many"))
    drive.flush(7)
    assert asked == [(7, 51)]


def test_a_network_drive_that_knows_no_such_wish_is_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_wish: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    asked: list[int] = []
    monkeypatch.setattr(drive, "_FULLY", 51)
    monkeypatch.setattr(drive, "fcntl", SimpleNamespace(fcntl=unknown), raising=False)
    monkeypatch.setattr(os, "fsync", asked.append)
    drive.flush(7)
    assert asked == [7]


@pytest.mark.skipif(sys.platform != "darwin", reason="the wish is macOS's own")
def test_macos_knows_the_wish(tmp_path: Path) -> None:
    assert drive._FULLY is not None


def test_a_file_and_its_folder_can_be_flushed(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"here")
        file.flush()
        drive.flush(file.fileno())
    drive.flush_folder(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"here"


@pytest.mark.parametrize("code", [5, 32, 33])
def test_a_file_that_is_open_for_a_moment_is_waited_for(code: int) -> None:
    held = Held(3, code)
    drive.patiently(held)
    assert held.tries == -1


def test_one_that_stays_open_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(PermissionError):
        drive.patiently(Held(sys.maxsize, 32))


def test_nothing_else_is_tried_again() -> None:
    held = Held(2, 3)
    with pytest.raises(PermissionError):
        drive.patiently(held)
    assert held.tries == 1


def test_only_an_open_file_is_told_to_be_open(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.touch()
    part = str(tmp_path / "part")
    assert drive.in_use(_windows(32, str(file)), file)
    assert drive.in_use(_windows(5, part, str(file)), file)
    assert not drive.in_use(_windows(5, part), file)  # the folder may not be written
    assert not drive.in_use(_windows(5, part, str(file)), tmp_path / "other.csv")
    assert not drive.in_use(PermissionError(errno.EACCES, "Permission denied", part, None, str(file)), file)


@on_windows
@pytest.mark.parametrize("name", ["put_in_place", "remove"])
def test_windows_gives_a_file_as_soon_as_it_is_closed(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, unfinished = tmp_path / "place", tmp_path / "unfinished"
    place.write_bytes(b"old")
    unfinished.write_bytes(b"new")
    tried = threading.Event()
    monkeypatch.setattr(drive.time, "sleep", lambda _seconds: tried.set())
    monkeypatch.setattr(drive, "PATIENCE_SECONDS", 60.0)
    reader = place.open("rb")
    worker = threading.Thread(target=drive.put_in_place, args=(unfinished, place))
    if name == "remove":
        worker = threading.Thread(target=drive.remove, args=(place,))
    worker.start()
    assert tried.wait(60)
    reader.close()
    worker.join(60)
    assert not worker.is_alive()
    assert not place.exists() if name == "remove" else place.read_bytes() == b"new"


def test_a_folder_goes_with_all_in_it_and_may_be_gone(tmp_path: Path) -> None:
    (tmp_path / "rows/deep").mkdir(parents=True)
    (tmp_path / "rows/deep/file").touch()
    drive.remove_folder(tmp_path / "rows")
    drive.remove_folder(tmp_path / "rows")
    assert [*tmp_path.iterdir()] == []


@on_windows
def test_what_is_left_of_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "PATIENCE_SECONDS", 0.05)
    (tmp_path / "rows").mkdir()
    with (tmp_path / "rows/file").open("wb"), pytest.raises(PermissionError):
        drive.remove_folder(tmp_path / "rows")


@on_windows
def test_windows_tells_that_a_file_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, unfinished = tmp_path / "place", tmp_path / "unfinished"
    place.write_bytes(b"old")
    unfinished.write_bytes(b"new")
    monkeypatch.setattr(drive, "PATIENCE_SECONDS", 0.05)
    with place.open("rb"):
        for act in (lambda: drive.put_in_place(unfinished, place), lambda: drive.remove(place)):
            with pytest.raises(PermissionError) as caught:
                act()
            assert drive.in_use(caught.value, place)
    assert place.read_bytes() == b"old"
