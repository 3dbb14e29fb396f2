"""The engines that hold and count the rows; one protocol, one module each."""

from __future__ import annotations
