"""What is loaded is set aside from the garbage collector where it would hold up the window; at the end it gets all back."""

from __future__ import annotations

import atexit
import gc


def set_aside() -> None:
    """Let the collector look at nothing of what there is now: the modules, and what they keep for good."""
    gc.freeze()


def take_back() -> None:
    """Let it look at everything again."""
    gc.unfreeze()


# What is set aside when the program ends is never freed, and DuckDB's library writes pages about that to the terminal. A run
# that goes on for a moment after its workspace was closed sets aside once more.
atexit.register(take_back)
