"""The `sendoff` command: without a command the window, else the command line."""

from __future__ import annotations

import sys

from app.cli.options import split_options


def open_window(workspace: str | None) -> int:
    """Open the window on that workspace, or on the one opened last; returns when it is closed."""
    from app.ui.application import run_window

    return int(run_window(workspace))


def check_window() -> str:
    """Load what the window needs and name its version; raises ImportError with the missing library's name."""
    from PySide6 import QtGui, QtWidgets, __version__

    return f"Qt {__version__} ({QtGui.__name__}, {QtWidgets.__name__})"


def main() -> int:
    """Run and return the exit status; the command line is only imported for a command, so the window starts without it."""
    options, command = split_options(sys.argv[1:])
    if not command:
        return open_window(options.workspace)
    from app.cli.main import run

    return run(sys.argv[1:], open_window, check_window)


if __name__ == "__main__":
    sys.exit(main())
