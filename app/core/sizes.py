"""Sizes of files in words."""

from __future__ import annotations


def size_text(size: int) -> str:
    """A size for a sentence: `512 bytes`, `1.4 MB`; units of 1,000."""
    if size < 1_000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1_000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1_000:.1f} TB"
