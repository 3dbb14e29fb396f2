"""Where customers go: one folder each, found by the registry."""

from __future__ import annotations
