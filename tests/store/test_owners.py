from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from app.jobs.computer import this_computer
from app.store import owners

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ps and is asked itself")


def test_this_process_is_alive():
    owner = owners.this_process()
    assert owner == owners.this_process()
    assert owners.lives(owner)


def test_the_same_number_with_another_start_is_somebody_else():
    computer, pid, started = owners.this_process().rsplit(":", 2)
    assert started
    assert owners.lives(f"{computer}:{pid}:{started}0") is False


def test_a_process_that_ended_is_dead():
    script = "from app.store import owners; print(owners.this_process())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    owner = ended.stdout.strip()
    assert owner.startswith(this_computer())
    assert owners.lives(owner) is False


def test_a_process_that_was_killed_is_dead_at_once_also_while_nobody_took_note_of_it():
    with _killed() as (process, owner):
        assert owners.lives(owner)
        process.kill()
        _until_it_ended(process)
        assert owners.lives(owner) is False
    assert owners.lives(owner) is False


@unix
def test_ps_tells_of_a_process_as_long_as_it_lives():
    with _killed() as (process, _owner):
        by_ps = owners._started_ps(process.pid)
        assert by_ps
        assert owners._started_ps(process.pid) == by_ps
        process.kill()
        _until_it_ended(process)
        assert owners._started_ps(process.pid) is None
    assert owners._started_ps(process.pid) is None


@contextmanager
def _killed() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process to be killed, of which nobody takes note within the block, and its owner text."""
    script = "from app.store import owners; print(owners.this_process(), flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


def _until_it_ended(process: subprocess.Popen[str]) -> None:
    """It ended when this returns, and nobody took note: on Unix it stays a zombie."""
    assert process.stdout is not None
    assert process.stdout.read() == ""  # its end of the pipe is closed by the system
    if hasattr(os, "waitid"):  # not on macOS; the pipe closes a moment before the process is a zombie
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    elif sys.platform == "win32":
        process.wait()
    else:
        while owners._started_ps(process.pid) is not None:
            time.sleep(0.01)


@unix
def test_start_times_do_not_move_with_the_time_zone(monkeypatch):
    here = owners._started_ps(os.getpid())
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert owners._started_ps(os.getpid()) == here


def test_who_can_not_be_looked_at_is_unknown_and_nobody_is_dead():
    _computer, pid, started = owners.this_process().rsplit(":", 2)
    assert owners.lives("elsewhere:1:1") is None
    assert owners.lives("else:where:1:1") is None
    # Another container of this computer, where that number is somebody else's.
    assert owners.lives(f"{this_computer()}/pid[1]:{pid}:{started}") is None
    assert owners.lives("") is False
    assert owners.lives("elsewhere") is False


class Function:
    """A function of a library, which may be told what it gives."""

    def __init__(self, act) -> None:
        self.act = act

    def __call__(self, *given):
        return self.act(*given)


class Kernel:
    """What Windows answers; handles are wide."""

    def __init__(self, *, handle: int | None, ended: bool = False) -> None:
        self.handle = handle
        self.ended = ended
        self.open: list[int] = []
        self.OpenProcess = Function(self._open_process)

    def _open_process(self, access: int, _inherit: int, _pid: int) -> int | None:
        assert access == 0x101000
        self.open += [] if self.handle is None else [self.handle]
        return self.handle

    def WaitForSingleObject(self, handle: ctypes.c_void_p, milliseconds: int) -> int:  # noqa: N802 - the name in Windows
        assert (handle.value, milliseconds) == (self.handle, 0)
        return 0 if self.ended else 0x102

    def GetProcessTimes(self, handle: ctypes.c_void_p, began, *_others) -> int:  # noqa: N802 - the name in Windows
        assert handle.value == self.handle
        began._obj.value = 133_800_000_000_000_000
        return 1

    def CloseHandle(self, handle: ctypes.c_void_p) -> None:  # noqa: N802 - the name in Windows
        self.open.remove(handle.value)


@pytest.mark.parametrize(
    ("kernel", "code", "started"),
    [
        (Kernel(handle=0xFFFF_FFFF_0001), 0, "133800000000000000"),
        (Kernel(handle=0xFFFF_FFFF_0001, ended=True), 0, None),
        (Kernel(handle=None), 87, None),
    ],
)
def test_windows_is_asked_in_a_moment(monkeypatch, kernel, code, started):
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name, use_last_error: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: code, raising=False)
    assert owners._started_windows(7) == started
    assert not kernel.open


def test_a_process_windows_tells_nothing_of_is_judged_by_its_signs(monkeypatch):
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name, use_last_error: Kernel(handle=None), raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: 5, raising=False)
    with pytest.raises(OSError, match="can't be looked at"):
        owners._started_windows(7)
    monkeypatch.setattr(owners, "_started", owners._started_windows)
    assert owners.lives(f"{owners._this_computer()}:7:1") is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_program_whose_name_holds_brackets_is_read_rightly(tmp_path):
    odd = tmp_path / "a) 1 (b"
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(odd), "30"])
    try:
        assert owners._started(process.pid) is not None
        assert owners._started(process.pid).split("-")[0].isdigit()
    finally:
        process.kill()
        process.wait()


NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ELSEWHERE = "elsewhere:7:1"


class Beats:
    """What another computer told last, and our own time, which only moves when it is told to."""

    def __init__(self, sign: datetime | None) -> None:
        self.sign = sign
        self.seconds = 0.0
        self.now = NOON
        self.signs = owners.SignsOfLife(self._signs, lambda: self.now, lambda: self.seconds)

    def _signs(self) -> dict[str, datetime]:
        return {} if self.sign is None else {ELSEWHERE: self.sign}


def test_another_computer_lives_as_long_as_its_sign_changes():
    beats = Beats(NOON)
    for _ in range(50):
        assert beats.signs.is_alive(ELSEWHERE)
        beats.seconds += 100
        beats.sign += timedelta(seconds=10)
    assert beats.signs.is_alive(ELSEWHERE)
    beats.seconds += owners.SILENT_SECONDS - 1
    assert beats.signs.is_alive(ELSEWHERE)
    beats.seconds += 1
    assert not beats.signs.is_alive(ELSEWHERE)
    beats.sign += timedelta(seconds=10)  # it was only slow
    assert beats.signs.is_alive(ELSEWHERE)


def test_a_wrong_clock_elsewhere_kills_nobody_and_a_long_silence_is_not_waited_for():
    ahead = Beats(NOON + timedelta(hours=3))
    behind = Beats(NOON - timedelta(hours=3))
    assert ahead.signs.is_alive(ELSEWHERE)
    assert behind.signs.is_alive(ELSEWHERE)
    assert not Beats(NOON - timedelta(days=1)).signs.is_alive(ELSEWHERE)


def test_a_computer_that_never_gave_a_sign_is_given_up_after_the_same_time():
    never = Beats(None)
    assert never.signs.is_alive(ELSEWHERE)
    never.seconds = owners.SILENT_SECONDS
    assert not never.signs.is_alive(ELSEWHERE)


def test_processes_of_this_computer_are_looked_at():
    beats = Beats(None)
    assert beats.signs.is_alive(owners.this_process())
    assert not beats.signs.is_alive("")
