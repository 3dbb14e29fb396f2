"""Naming a process so that others can tell later whether it still lives: `host:pid:start time`.

The start time guards against another process that got the same number. On Linux it comes from /proc (clock ticks since
the computer started), elsewhere from the system's own tools. A workspace on a shared drive may be owned from another
computer, whose processes nobody here can see: it gives a sign of life every few seconds while it has runs, and counts as
dead when the sign stays the same for two minutes of our own time, whatever its clock says.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0
LONG_GONE = timedelta(hours=6)
"""A sign this old is not waited for: no clock that is kept at all is that wrong."""
_ANSWER_SECONDS = 15.0


def this_process() -> str:
    """The owner text of the process we are in."""
    return _owner_text(os.getpid())


def is_elsewhere(owner: str) -> bool:
    """Whether the owner is a process of another computer."""
    host, _, pid = owner.rpartition(":")[0].rpartition(":")
    return pid.isdigit() and host != platform.node()


class SignsOfLife:
    """Tells which owners still live; of other computers by the signs they give. Thread safe enough: a race asks once more.

    `signs` gives the last sign of each owner.
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
        if not is_elsewhere(owner):
            return is_alive(owner)
        sign, now = self._signs().get(owner), self._monotonic()
        if sign is not None and self._clock() - sign > LONG_GONE:
            return False
        seen = self._seen.get(owner)
        if seen is None or seen[0] != sign:
            self._seen[owner] = (sign, now)
            return True
        return now - seen[1] < SILENT_SECONDS


def is_alive(owner: str) -> bool:
    """Whether a process of this computer still runs; in doubt True, also for other computers, for an empty text False."""
    rest, _, started = owner.rpartition(":")
    pid = rest.rpartition(":")[2]
    if not pid.isdigit() or ":" not in rest:
        return False
    if is_elsewhere(owner):
        return True
    try:
        now = _started(int(pid))
    except (OSError, subprocess.SubprocessError):
        return True
    return now is not None and started in {"", now}


@cache
def _owner_text(pid: int) -> str:
    try:
        started = _started(pid)
    except (OSError, subprocess.SubprocessError):
        started = None
    return f"{platform.node()}:{pid}:{started or ''}"


def _started(pid: int) -> str | None:
    """When the process began, in the system's own words, or None when there is no such process."""
    system = platform.system()
    if system == "Linux":
        return _started_linux(pid)
    if system == "Windows":
        script = f"(Get-Process -Id {pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()"
        return _ask(["powershell", "-NoProfile", "-NonInteractive", "-Command", script])
    return _ask(["ps", "-o", "lstart=", "-p", str(pid)])


def _started_linux(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    # The second field is the program's name in brackets and may hold anything; state is the third, start time the 22nd.
    parts = text.rpartition(")")[2].split()
    return None if parts[0] in {"Z", "X"} else parts[19]


def _ask(command: list[str]) -> str | None:
    answer = subprocess.run(  # noqa: S603 - fixed commands with a number
        command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    text = " ".join(answer.stdout.split()).replace(":", ".")
    return text if answer.returncode == 0 and text else None
