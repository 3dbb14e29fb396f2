"""What the product is about: frozen dataclasses and rules, without input or output."""

from __future__ import annotations
