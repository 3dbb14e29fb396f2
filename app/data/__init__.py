"""Where customers live: tables, segments as SQL, counts and members."""

from __future__ import annotations
