"""Emulators of vendors: stateful, strict, and able to fail in the ways the real ones do."""

from __future__ import annotations
