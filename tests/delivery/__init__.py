"""Tests of delivery."""

from __future__ import annotations
