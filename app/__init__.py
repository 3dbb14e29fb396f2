"""Sendoff sends customer segments and tables where they are used."""

from __future__ import annotations
