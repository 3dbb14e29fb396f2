"""Naming a process so that others can tell later whether it still lives: `host:pid:start time`.

The start time guards against another process that got the same number. On Linux it comes from /proc (clock ticks since
the computer started), elsewhere from the system's own tools; a workspace on a shared drive may be owned from another
computer, of which nothing can be known: its runs count as alive.
"""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

_ANSWER_SECONDS = 15.0


def this_process() -> str:
    """The owner text of the process we are in."""
    return _owner_text(os.getpid())


def is_alive(owner: str) -> bool:
    """Whether the process of that owner text still runs; in doubt True, for an empty text False."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    pid, started = rest, owner.rpartition(":")[2]
    if not pid.isdigit():
        return False
    if host != platform.node():
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
