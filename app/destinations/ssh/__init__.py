"""Files on a server over SSH: shared by the destinations that hand files over there."""

from __future__ import annotations
