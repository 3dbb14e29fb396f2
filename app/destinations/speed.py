"""How fast a connection to a storage may be: parts at the same time, and bytes a second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.errors import FixSettings

PARALLEL = 8
MOST_PARALLEL = 32
SLOWEST = 50_000
"""Bytes a second: with less, services take a part that is on its way for one that is lost."""

_LIMIT = re.compile(r"([0-9]{1,6}(?:[.,][0-9]{1,3})?)\s*([km]b?)?(?:\s*/\s*s)?", re.IGNORECASE)
_OF_ITS_OWN = 1_000_000  # what a part needs of the limit so that it does not stand still among the others


@dataclass(frozen=True, slots=True)
class Speed:
    """How many parts travel at the same time, and how many bytes a second at most (None: as fast as it goes)."""

    parallel: int = PARALLEL
    bytes_per_second: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Speed:
        """What the connection's `parallel` and `speed_limit` ask for (`5`, `0.5 MB`, `800 kB`); raises FixSettings."""
        wanted = values.get("speed_limit", "").strip()
        limit = _LIMIT.fullmatch(wanted)
        parallel = values.get("parallel", "").strip() or str(PARALLEL)
        most = None
        if limit is not None:
            unit = 1_000 if (limit[2] or "M")[0] in "kK" else 1_000_000
            most = float(limit[1].replace(",", ".")) * unit
        too_slow = bool(wanted) and (most is None or most < SLOWEST)
        if too_slow or not parallel.isascii() or not parallel.isdigit() or not 1 <= int(parallel) <= MOST_PARALLEL:
            raise FixSettings(
                "The speed of this connection is not usable.",
                f"Parts at the same time are 1 to {MOST_PARALLEL}, and a limit is at least 50 kB a second, "
                "such as 800 kB or 5 MB.",
                "Correct both under “Advanced” in the connection, or leave them empty.",
                code="bad_speed",
            )
        return cls(int(parallel), most)

    @property
    def parts(self) -> int:
        """How many parts may travel at once, so that none of them stands still within the limit."""
        if self.bytes_per_second is None:
            return self.parallel
        return max(1, min(self.parallel, int(self.bytes_per_second / _OF_ITS_OWN)))
