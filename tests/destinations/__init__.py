"""Tests of the destinations."""

from __future__ import annotations
