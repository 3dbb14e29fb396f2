"""How much of a computer the embedded engine may use."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import FixSettings

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Computer:
    """What there is: memory in bytes, 0 when nobody knows, and processor cores."""

    memory: int
    cores: int

    @property
    def gigabytes(self) -> int:
        """Whole gigabytes of memory, at least 1."""
        return max(1, round(self.memory / GIGABYTE))


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """`memory_gb` is what the engine keeps in memory before it writes to the drive; `threads` is how many work at once."""

    memory_gb: int
    threads: int


def usual(computer: Computer) -> EngineLimits:
    """Two gigabytes where there are twice as many, and one core left for the window."""
    most = 2 if computer.memory == 0 else max(1, min(2, computer.gigabytes // 2))
    return EngineLimits(most, max(1, computer.cores - 1))


def checked(limits: EngineLimits, computer: Computer) -> EngineLimits:
    """The limits, once this computer can keep them; raises FixSettings with code "memory" or "threads"."""
    most = computer.gigabytes
    if limits.memory_gb < 1 or (computer.memory and limits.memory_gb > most):
        raise FixSettings(
            f"The engine can't use {limits.memory_gb} GB.",
            f"This computer has {most} GB." if computer.memory else "It needs at least 1 GB.",
            f"Choose from 1 to {most} GB." if computer.memory else "Choose 1 GB or more.",
            code="memory",
        )
    if not 1 <= limits.threads <= computer.cores:
        raise FixSettings(
            f"The engine can't work in {limits.threads} threads.",
            f"This computer has {computer.cores} cores.",
            f"Choose from 1 to {computer.cores}.",
            code="threads",
        )
    return limits
