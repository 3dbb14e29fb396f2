"""The embedded engine's share of this computer: kept with this person's configuration, for every workspace opened here."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from app.core.audit import Deed, Subject, facts
from app.core.engine_limits import Computer, EngineLimits, checked, usual
from app.core.errors import FixSettings
from app.core.roles import Action
from app.jobs.drive import write_whole
from app.services.audit import AuditService
from app.services.roles import RoleService

_FILE = "engine.json"


class EngineLimitService:
    """Thread safe. `apply` puts new limits to the engine at work, if there is one."""

    def __init__(
        self,
        config_folder: Path,
        roles: RoleService,
        audit: AuditService,
        apply: Callable[[EngineLimits], None],
        *,
        computer: Callable[[], Computer] | None = None,
    ) -> None:
        self._file = config_folder / _FILE
        self._roles = roles
        self._audit = audit
        self._apply = apply
        self.computer = computer or this_computer
        """What this computer has."""

    def limits(self) -> EngineLimits:
        """The limits that count here; the usual ones when none were set, or what was set is more than this computer has."""
        computer = self.computer()
        try:
            return checked(EngineLimits(**json.loads(self._file.read_text("utf-8"))), computer)
        except (OSError, ValueError, TypeError, FixSettings):
            return usual(computer)

    def set(self, *, memory_gb: int | None = None, threads: int | None = None) -> EngineLimits:
        """Change what is given, at once; raises FixSettings for more than the computer has or a folder that can't be written.

        Cursors at work go on; the engine gives memory back as they end.
        """
        self._roles.demand(Action.CHANGE_SETTINGS)
        before = self.limits()
        wanted = {"memory_gb": memory_gb, "threads": threads}
        after = checked(replace(before, **{k: v for k, v in wanted.items() if v is not None}), self.computer())
        try:
            write_whole(self._file, [json.dumps(asdict(after)).encode()])
        except OSError:
            raise FixSettings(
                "The limits of the engine were not saved.",
                f"The folder {self._file.parent} can't be written.",
                "Make it writable, then try again.",
                code="not_writable",
            ) from None
        self._apply(after)
        self._audit.record(
            Deed.ENGINE_CHANGED, Subject.ENGINE, "duckdb", before=facts(asdict(before)), after=facts(asdict(after))
        )
        return after


def this_computer() -> Computer:
    """Memory and cores of this computer, as the operating system tells them."""
    return Computer(_memory(), os.cpu_count() or 1)


def _memory() -> int:
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):  # not every system tells
        return 0


def _windows_memory() -> int:
    """From kernel32's GetPhysicallyInstalledSystemMemory, which tells kilobytes."""
    kilobytes = ctypes.c_ulonglong()
    library = getattr(ctypes, "windll").kernel32  # noqa: B009 - there is no such name on other systems
    told = library.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return kilobytes.value * 1024 if told else 0
