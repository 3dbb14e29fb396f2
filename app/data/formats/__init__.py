"""One module for each kind of file: what the engine makes of a row, and how it becomes a file."""

from __future__ import annotations
