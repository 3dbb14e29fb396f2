"""How the vendor behaves: a mood chosen by its name, or every part of it set by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

OWN = "own"
"""The mood in which the other fields count."""
USUAL_BATCH = 500


class Outage(StrEnum):
    """What happens to requests while the vendor is out."""

    NONE = "none"
    DOWN = "down"
    SILENT = "silent"
    LOST = "lost"


_STRICT = MappingProxyType({"rejected_percent": "5"})
_BUSY = MappingProxyType({"delay_ms": "150", "slow_down_every": "12", "slow_down_seconds": "2", "results": "job"})
_UNRELIABLE = MappingProxyType({"outage": "down", "outage_after": "5", "outage_seconds": "30"})
_SILENT = MappingProxyType({"outage": "lost", "outage_after": "5", "outage_seconds": "30"})
MOODS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"calm": MappingProxyType({}), "strict": _STRICT, "busy": _BUSY, "unreliable": _UNRELIABLE, "silent": _SILENT}
)
"""The fields each mood stands for."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The fields read; 0 stands for never and for no limit.

    `outage_after`, `code_ends_after` and `slow_down_every` count: batches of members since the last outage, batches with
    one access code, requests.
    """

    needs_code: bool = False
    code_ends_after: int = 0
    requests_per_second: int = 0
    delay_seconds: float = 0.0
    slow_down_every: int = 0
    slow_down_seconds: int = 1
    rejected_percent: int = 0
    refuses_batches: bool = False
    batch_size: int = USUAL_BATCH
    maximum: int = 0
    minimum: int = 0
    outage: Outage = Outage.NONE
    outage_after: int = 0
    outage_seconds: int = 0
    jobs: bool = False
    job_seconds: int = 1

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Rules:
        """From the fields of a connection; a field without a number counts as 0."""
        mood = values.get("mood") or "calm"
        fields = values if mood == OWN else {**values, **MOODS.get(mood, {})}

        def number(name: str) -> int:
            text = fields.get(name, "").strip()
            return int(text) if text.isascii() and text.isdecimal() else 0

        return cls(
            needs_code=fields.get("sign_in") == "code",
            code_ends_after=number("code_ends_after"),
            requests_per_second=number("requests_per_second"),
            delay_seconds=number("delay_ms") / 1000,
            slow_down_every=number("slow_down_every"),
            slow_down_seconds=max(1, number("slow_down_seconds")),
            rejected_percent=number("rejected_percent"),
            refuses_batches=fields.get("bad_members") == "batch",
            batch_size=number("batch_size") or USUAL_BATCH,
            maximum=number("maximum"),
            minimum=number("minimum"),
            outage=Outage(fields.get("outage") or Outage.NONE),
            outage_after=number("outage_after"),
            outage_seconds=number("outage_seconds"),
            jobs=fields.get("results") == "job",
            job_seconds=max(1, number("job_seconds")),
        )
