"""A folder of this computer, or a network drive it has mounted."""

from __future__ import annotations
