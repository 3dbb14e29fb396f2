"""Secrets: the computer's own password store, and keeping secrets out of everything that is written down."""

from __future__ import annotations
