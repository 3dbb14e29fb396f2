"""What can go wrong while the computer is brought in order."""

from __future__ import annotations


class SetupError(Exception):
    """The set-up cannot go on; the text says what happened, why, and what to do."""
