"""How long the window takes to its first paint, beside a bare PySide6 window; fresh processes, in turns.

Time is wall time from starting the process to the line it prints right after its first paint. The real window prints
`first paint` and ends when SENDOFF_EXIT_AFTER_FIRST_PAINT is set. Both run from compiled modules, as an installed program
does, whatever this process is told about writing them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.bootstrap import create_workspace
from tests.fakes.secret_store import MemoryStore

TIMES = 7
PATIENCE_SECONDS = 120


def run(_rows: int | None = None) -> dict[str, float | int]:
    with tempfile.TemporaryDirectory() as home:
        environment = _environment(Path(home))
        workspace = Path(home) / "workspace"
        os.environ["SENDOFF_CONFIG_DIR"] = environment["SENDOFF_CONFIG_DIR"]
        create_workspace(workspace, "Sample", "consumers", sample=True, secrets=MemoryStore()).close()
        window = ["-m", "app", "--workspace", str(workspace)]
        bare = ["-m", "tests.benchmarks.bare_window"]
        for warm_up in (bare, window):
            first_paint(warm_up, environment)
        times = [(first_paint(bare, environment), first_paint(window, environment)) for _ in range(TIMES)]
    bare_ms, window_ms = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "window_ms": round(window_ms, 1),
        "bare_window_ms": round(bare_ms, 1),
        "window_ratio": round(statistics.median(window / bare for bare, window in times), 2),
    }


def first_paint(arguments: list[str], environment: dict[str, str]) -> float:
    """Milliseconds from starting that program to its first paint; raises RuntimeError when it never painted."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "first paint" in line:
                elapsed = time.perf_counter() - began
                process.stdout.read()
                process.wait(PATIENCE_SECONDS)
                return elapsed * 1000
    raise RuntimeError(f"{' '.join(arguments)} ended without a first paint (status {process.returncode})")


def _environment(home: Path) -> dict[str, str]:
    """Offscreen unless a platform is given, and nothing of the real home directory."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        "QT_QPA_PLATFORM": "offscreen",
        **inherited,
        "PYTHONPYCACHEPREFIX": str(home / "compiled"),
        "SENDOFF_EXIT_AFTER_FIRST_PAINT": "1",
        "HOME": str(home),
        "SENDOFF_CONFIG_DIR": str(home / "config"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
