"""The audit trail: services tell it what was done, people look at it and save it."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from app.core.audit import (
    Area,
    AuditEntry,
    AuditFilter,
    AuditNumbers,
    AuditPage,
    Deed,
    Seat,
    Subject,
    changed,
    without_people,
)
from app.core.errors import FixData
from app.core.roles import Action, Role, demand
from app.core.runs import Run, Status, Trigger
from app.store import Store

PAGE = 200
SHOWN_TOGETHER = timedelta(seconds=20)
"""Personal values of one thing shown again within this time are the same look: pages of a list come one by one."""

RECEIPT = "receipt"
"""The fact that holds the SHA-256 of a run's receipt."""

_ENDS: Mapping[Status, Deed] = {
    Status.SUCCESSFUL: Deed.RUN_FINISHED,
    Status.COMPLETED_WITH_REJECTS: Deed.RUN_FINISHED,
    Status.FAILED: Deed.RUN_FAILED,
    Status.NO_CONNECTION: Deed.RUN_FAILED,
    Status.SKIPPED_TOO_LARGE: Deed.RUN_SKIPPED,
    Status.SKIPPED_TOO_SMALL: Deed.RUN_SKIPPED,
    Status.HELD: Deed.RUN_HELD,
    Status.CANCELLED: Deed.RUN_CANCELLED,
    Status.INTERRUPTED: Deed.RUN_INTERRUPTED,
}


class Person(Protocol):
    """Who acts; fulfilled by the service of roles."""

    def role(self) -> Role:
        """The role of this person now."""
        ...

    def person(self) -> str:
        """The name of the operating system's account."""
        ...


class AuditService:
    """Thread safe. Services call `record` once what they did is kept; `redact` masks secrets, should one slip into a text."""

    def __init__(
        self,
        store: Store,
        who: Person,
        *,
        seat: Seat = Seat.COMMAND_LINE,
        redact: Callable[[str], str] = lambda text: text,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._who = who
        self._seat = seat
        self._redact = redact
        self._clock = clock
        self._shown: dict[tuple[Subject, str], datetime] = {}
        self._lock = threading.Lock()

    # Writing

    def record(
        self,
        deed: Deed,
        subject: Subject,
        name: str = "",
        *,
        subject_id: str = "",
        before: Mapping[str, str] | None = None,
        after: Mapping[str, str] | None = None,
        note: str = "",
        former: str = "",
        set_up_by: str | None = None,
    ) -> None:
        """Write that this person did it to the thing of that name; with both `before` and `after` only when they differ.

        Facts by dotted names as `core.audit.facts` makes them; `note` is the rest in a few words, such as "38 members, as CSV".
        `former` is what *Put back* needs. `set_up_by` names who set up the schedule that acted. Raises the store's errors.
        """
        was, is_now = dict(before or {}), dict(after or {})
        if before is not None and after is not None:
            was, is_now = changed(was, is_now)
            if not was and not is_now:
                return
        entry = AuditEntry(
            at=self._clock(),
            deed=deed,
            subject=subject,
            name=self._clean(name),
            person=self._who.person() if set_up_by is None else set_up_by,
            role=self._who.role(),
            seat=self._seat,
            computer=platform.node(),
            subject_id=subject_id,
            note=self._clean(note),
            before=self._clean_all(was),
            after=self._clean_all(is_now),
            by_schedule=set_up_by is not None,
            former=former if former == self._clean(former) else "",
        )
        self._store.audit.add(entry)

    def values_shown(self, subject: Subject, name: str, *, subject_id: str = "", note: str = "") -> None:
        """Write that personal values were shown unmasked, once for what is shown within 20 seconds."""
        now, thing = self._clock(), (subject, subject_id or name)
        with self._lock:
            last = self._shown.get(thing)
            if last is not None and now - last < SHOWN_TOGETHER:
                return
            self._shown[thing] = now
        self.record(Deed.VALUES_SHOWN, subject, name, subject_id=subject_id, note=note)

    def run_ended(self, run: Run, receipt: str = "") -> None:
        """Write how a run ended, and the sum of its receipt, so that the two can be compared."""
        self.record(
            _ENDS[run.status],
            Subject.RUN,
            run.export_name,
            subject_id=run.id,
            after={RECEIPT: receipt} if receipt else None,
            note=_end_of(run),
            set_up_by=self._who_set_up(run) if run.trigger is Trigger.SCHEDULE else None,
        )

    def receipt_of(self, run_id: str) -> str:
        """The sum of a run's receipt as it was when it was written; empty when it is not known. For every role."""
        page = self._store.audit.page(AuditFilter(subject_id=run_id), PAGE)
        return next((entry.after[RECEIPT] for entry in page.entries if RECEIPT in entry.after), "")

    # Looking

    def page(self, wanted: AuditFilter | None = None, number: int = PAGE, older_than: int | None = None) -> AuditPage:
        """The newest entries a filter finds, all but those of security for contributors; NotAllowed for viewers."""
        return self._store.audit.page(wanted or AuditFilter(), number, older_than, self._hidden())

    def get(self, entry_id: int) -> AuditEntry:
        """The entry of that id; FixData when there is none this role may see."""
        hidden = self._hidden()
        entry = self._store.audit.by_id(entry_id)
        if entry is None or entry.deed.area in hidden:
            raise FixData("There is no such entry.", "", "Look at the list of the audit trail.", code="no_audit_entry")
        return entry

    def numbers(self, wanted: AuditFilter | None = None) -> AuditNumbers:
        """How many entries there are in each area; raises as `page`."""
        return self._store.audit.numbers(wanted or AuditFilter(), self._hidden())

    def people(self) -> tuple[str, ...]:
        """Who is in the trail; raises as `page`."""
        return self._store.audit.people(self._hidden())

    def save(self, path: Path, wanted: AuditFilter | None = None) -> int:
        """Write what the filter finds as CSV, or as JSON to a name that ends so, and say how many; readable by its owner only.

        Times are UTC in ISO 8601. The file is whole or not there. Raises NotAllowed, FixSettings for a place that can't be
        written, TryAgain for a full drive.
        """
        from app.services.audit_files import write

        return write(path, self._all(wanted or AuditFilter(), self._hidden()))

    def _all(self, wanted: AuditFilter, hidden: frozenset[Area]) -> Iterator[AuditEntry]:
        older: int | None = None
        while True:
            page = self._store.audit.page(wanted, PAGE, older, hidden)
            yield from page.entries
            older = page.older
            if older is None:
                return

    def _hidden(self) -> frozenset[Area]:
        role = self._who.role()
        demand(role, Action.SEE_AUDIT)
        return frozenset() if role is Role.ADMIN else frozenset({Area.SECURITY})

    def _who_set_up(self, run: Run) -> str:
        """Who changed the schedule of the run's export last, else who made the export."""
        page = self._store.audit.page(AuditFilter(subject_id=run.export_id), PAGE)
        for entry in page.entries:
            if any(name.startswith("schedule") for name in entry.after):
                return entry.person
        export = self._store.exports.by_id(run.export_id)
        return "" if export is None else export.created_by

    def _clean_all(self, told: Mapping[str, str]) -> dict[str, str]:
        return {name: self._clean(text) for name, text in told.items()}

    def _clean(self, text: str) -> str:
        return self._redact(without_people(text))


def _end_of(run: Run) -> str:
    """How a run ended in a few words; what stopped it, or how much arrived."""
    if run.error is not None:
        return run.error.what
    totals = run.totals
    if totals.rows or totals.files:
        return f"{_of(totals.rows, 'row')}, {_of(totals.files, 'file')}"
    told = {"added": totals.added, "updated": totals.updated, "removed": totals.removed, "rejected": totals.rejected}
    words = ", ".join(f"{number:,} {word}" for word, number in told.items() if number)
    if run.skipped and not words:
        return run.skipped[0].sentence
    return words or "Nothing changed"


def _of(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
