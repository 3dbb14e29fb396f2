"""Naming a process so that others can tell later whether it still lives: `computer:pid:start time`.

The start time guards against another process that got the same number, after a restart as well. It comes from the system
itself and is asked for in a moment, so that a process of this computer that was killed is known to be dead at once. Whoever
can't be looked at gives a sign of life every few seconds while it has runs, and counts as dead when the sign stays the same
for two minutes of our own time, whatever its clock says: processes of other computers that use the workspace on a shared
drive, those in another container of this one, and those of other people where the system tells nothing of them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from app.jobs.computer import this_computer

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0
LONG_GONE = timedelta(hours=6)
"""A sign this old is not waited for: no clock that is kept at all is that wrong."""
_ANSWER_SECONDS = 15.0
# Windows, processthreadsapi.h and winerror.h
_LOOK_AND_WAIT = 0x1000 | 0x100000
_NO_SUCH_PROCESS = 87
_ENDED = 0


def this_process() -> str:
    """The owner text of the process we are in."""
    return _owner_text(os.getpid())


class SignsOfLife:
    """Tells which owners still live; those that can't be looked at by the signs they give.

    `signs` gives the last sign of each owner. Thread safe enough: a race asks once more.
    """

    def __init__(
        self,
        signs: Callable[[], Mapping[str, datetime]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signs = signs
        self._clock = clock
        self._monotonic = monotonic
        self._seen: dict[str, tuple[datetime | None, float]] = {}

    def is_alive(self, owner: str) -> bool:
        """Whether the process of that owner text still runs; in doubt True, for an empty text False."""
        found = lives(owner)
        if found is not None:
            return found
        sign, now = self._signs().get(owner), self._monotonic()
        if sign is not None and self._clock() - sign > LONG_GONE:
            return False
        seen = self._seen.get(owner)
        if seen is None or seen[0] != sign:
            self._seen[owner] = (sign, now)
            return True
        return now - seen[1] < SILENT_SECONDS


def lives(owner: str) -> bool | None:
    """Whether a process still runs; None when it can't be looked at from here, False for a text that names none."""
    rest, _, started = owner.rpartition(":")
    computer, _, pid = rest.rpartition(":")
    if not pid.isdigit() or not computer:
        return False
    if computer != _this_computer():
        return None
    try:
        now = _started(int(pid))
    except (OSError, subprocess.SubprocessError):
        return None
    return now is not None and started in {"", now}


@cache
def _owner_text(pid: int) -> str:
    try:
        started = _started(pid)
    except (OSError, subprocess.SubprocessError):
        started = None
    return f"{_this_computer()}:{pid}:{started or ''}"


@cache
def _this_computer() -> str:
    """Where processes can be looked at: containers of one computer may share what it is called, and don't see each other's."""
    try:
        return f"{this_computer()}/{Path('/proc/self/ns/pid').readlink()}".replace(":", "")
    except OSError:  # not Linux
        return this_computer()


def _started(pid: int) -> str | None:
    """When the process began, in the system's own words, or None when there is no such process. Raises OSError."""
    system = platform.system()
    if system == "Linux":
        return _started_linux(pid)
    return _started_windows(pid) if system == "Windows" else _started_ps(pid)


def _started_linux(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may hold anything; state is the third, start time the 22nd.
    parts = text.rpartition(")")[2].split()
    return None if parts[0] in {"Z", "X"} else f"{parts[19]}-{_boot()}"


@cache
def _boot() -> str:
    """Names the time since this computer was started: start times count from there."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def _started_windows(pid: int) -> str | None:
    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - there is no such name elsewhere
    kernel.OpenProcess.restype = ctypes.c_void_p  # a handle is as wide as a pointer
    process = ctypes.c_void_p(kernel.OpenProcess(_LOOK_AND_WAIT, 0, pid))
    if process.value is None:
        code = getattr(ctypes, "get_last_error")()  # noqa: B009 - as above
        if code == _NO_SUCH_PROCESS:
            return None
        raise OSError(code, "the process can't be looked at")
    try:
        if kernel.WaitForSingleObject(process, 0) == _ENDED:  # it is dead, and somebody still holds it
            return None
        began, *others = (ctypes.c_ulonglong() for _ in range(4))
        if not kernel.GetProcessTimes(process, *map(ctypes.byref, (began, *others))):
            raise OSError(getattr(ctypes, "get_last_error")(), "the process can't be looked at")  # noqa: B009 - as above
        return str(began.value)
    finally:
        kernel.CloseHandle(process)


def _started_ps(pid: int) -> str | None:
    """By `ps`, which tells local time unless it is told otherwise: that may be another one when the computer travels."""
    answer = subprocess.run(  # noqa: S603 - a fixed command with a number
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=_ANSWER_SECONDS,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    state, *began = answer.stdout.split()[:6] or [""]
    return None if answer.returncode or not began or state.startswith("Z") else " ".join(began).replace(":", ".")
