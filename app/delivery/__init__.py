"""One run, from the export to the last word of the target: members go in batches, tables as files."""

from __future__ import annotations
