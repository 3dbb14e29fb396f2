"""The suppression list of the workspace: imported, asked, taken from, and what it keeps back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.audit import Deed, Subject
from app.core.errors import FixData
from app.core.names import new_id
from app.core.roles import Action
from app.core.suppression import (
    Change,
    ChangeKind,
    ContactKind,
    Listing,
    Numbers,
    Source,
    digest_of,
    entry_of,
    guess_kind,
    is_hashed,
)
from app.core.tables import Meaning
from app.data import suppression_import as importing
from app.data.engines.duckdb import DuckDBEngine
from app.data.personal import masked
from app.data.suppression import clear_away
from app.jobs import JobContext
from app.services.audit import AuditService
from app.services.roles import RoleService
from app.services.scopes import list_at_hand
from app.store import Store

RECENT = timedelta(days=7)
PREVIEW_VALUES = 5
PASTED_NAME = "Pasted values"

_WORDS = {ContactKind.EMAIL: "e-mail address", ContactKind.PHONE: "phone number"}
_MEANINGS = {ContactKind.EMAIL: Meaning.EMAIL, ContactKind.PHONE: Meaning.PHONE}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would take: the columns to choose from, the one chosen or guessed, and its first values, masked.

    `hashed` tells that the values are SHA-256 already.
    """

    name: str
    columns: tuple[str, ...]
    column: str
    kind: ContactKind
    hashed: bool
    rows: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: entries that are new, those the list knew, and values that gave none."""

    source_id: int
    name: str
    kind: ContactKind
    new: int
    known: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class TakenOff:
    """One entry that was taken off the list, with what puts it back; holds no value."""

    entry: bytes
    at: datetime
    kind: ContactKind


@dataclass(frozen=True, slots=True)
class _Asked:
    """Where values are read from, and what a person says about them."""

    name: str
    find: Callable[[Path, JobContext], importing.Found]
    column: str | None
    kind: ContactKind | None


class SuppressionService:
    """Thread safe. Numbers are for everybody; who may not change the list may look at it from contributor on."""

    def __init__(
        self,
        store: Store,
        engine: Callable[[], DuckDBEngine],
        roles: RoleService,
        folder: Path,
        audit: AuditService,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._engine = engine
        self._roles = roles
        self._folder = folder
        self._audit = audit
        self._clock = clock

    # Looking

    def numbers(self) -> Numbers:
        """How many entries there are, and how many are new in the last 7 days."""
        return self._store.suppression.numbers(self._clock() - RECENT)

    def sources(self) -> tuple[Source, ...]:
        """Where the entries come from, the newest first; raises NotAllowed."""
        self._roles.demand(Action.SEE_SUPPRESSION)
        return self._store.suppression.sources()

    def changes(self, n: int = 50) -> tuple[Change, ...]:
        """The last changes, newest first; raises NotAllowed."""
        self._roles.demand(Action.SEE_SUPPRESSION)
        return self._store.suppression.changes(n)

    def check(self, value: str) -> Listing | None:
        """Since when the value is on the list, None when it is not; it is hashed, compared and not kept.

        Raises FixData when it is neither address nor number nor SHA-256, NotAllowed.
        """
        self._roles.demand(Action.SEE_SUPPRESSION)
        return self._store.suppression.find(self._entry(value)[0])

    # Importing

    def preview(
        self, file: Path, ctx: JobContext, *, column: str | None = None, kind: ContactKind | None = None
    ) -> Preview:
        """What an import of the file would take, without doing it. Raises as `import_file`."""
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        return self._preview(self._of_file(file, column, kind), ctx)

    def preview_text(self, pasted: str, ctx: JobContext, *, kind: ContactKind | None = None) -> Preview:
        """What an import of pasted values would take. Raises as `import_text`."""
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        return self._preview(self._of_text(pasted, PASTED_NAME, kind), ctx)

    def import_file(
        self, file: Path, ctx: JobContext, *, column: str | None = None, kind: ContactKind | None = None
    ) -> Imported:
        """Put a column of a file on the list: CSV, text, Excel, Parquet or JSON lines, plain values or their SHA-256.

        Column and kind are guessed when they are not given. All or nothing. Raises FixData (no such file or column, nothing
        readable in it), NotAllowed, Cancelled.
        """
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        return self._import(self._of_file(file, column, kind), ctx)

    def import_text(
        self, pasted: str, ctx: JobContext, *, name: str = PASTED_NAME, kind: ContactKind | None = None
    ) -> Imported:
        """Put pasted values on the list, parted by line ends, commas, semicolons or tabs. Raises as `import_file`."""
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        return self._import(self._of_text(pasted, name, kind), ctx)

    # Taking off

    def undo_import(self, source_id: int) -> None:
        """Take an import back; FixData when it is gone already."""
        self._mark_source(source_id, ChangeKind.IMPORT_UNDONE, removed=True)

    def remove_source(self, source_id: int) -> None:
        """Remove a source with the entries that came from it only; FixData when it is gone already."""
        self._mark_source(source_id, ChangeKind.SOURCE_REMOVED, removed=True)

    def put_back_source(self, source_id: int) -> None:
        """Undo `remove_source`, within a day; FixData when it is gone for good."""
        self._mark_source(source_id, ChangeKind.SOURCE_PUT_BACK, removed=False)

    def take_off(self, value: str, reason: str) -> TakenOff:
        """Take one value off the list, in every source; the reason is kept, the value is not.

        Raises FixData when it is not on the list or no reason is given, NotAllowed.
        """
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        if not reason.strip():
            raise FixData(
                "Nobody was taken off the list.",
                "There is no reason, and the record of changes needs one.",
                "Say why, such as “asked for it on 4 March”.",
                code="no_reason",
            )
        entry, kind = self._entry(value)
        at = self._clock()
        listing = self._store.suppression.find(entry)
        kind = kind if listing is None or not is_hashed(value.strip()) else listing.kind
        change = Change(at, self._roles.person(), ChangeKind.TAKEN_OFF, "", kind, -1, reason=reason.strip())
        if not self._store.suppression.take_off(entry, change):
            raise FixData(
                "Nobody was taken off the list.",
                "The value is not on it.",
                "Check how it is written.",
                code="not_listed",
            )
        self._record("", f"1 {_WORDS[kind]} taken off")
        return TakenOff(entry, at, kind)

    def put_back(self, taken: TakenOff) -> None:
        """Undo a `take_off`; FixData when it can't be undone any more."""
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        change = Change(self._clock(), self._roles.person(), ChangeKind.PUT_BACK, "", taken.kind, 1)
        if not self._store.suppression.put_back(taken.entry, taken.at, change):
            raise _gone()
        self._record("", f"1 {_WORDS[taken.kind]} put back")

    def was_read_back(self, source_id: int, change: Change) -> None:
        """A destination told who opted out there: write it down and have the list at hand for the next count."""
        former = json.dumps({"undo_import": source_id})
        self._record(change.source, f"{change.entries:,} entries added", str(source_id), former)
        list_at_hand(self._store, self._folder)

    def record_setting(self, *, on: bool) -> None:
        """Unsubscribes are read back after runs from now on, or not any more."""
        self._record("", f"Unsubscribes are {'read back' if on else 'not read back'} after runs")

    def tidy(self, lapsed: datetime) -> None:
        """Delete for good what was removed before that time, and the files of lists that nothing uses any more."""
        self._store.suppression.purge(lapsed)
        facts = self._store.suppression.facts()
        clear_away(self._folder, None if facts is None else facts.generation)

    def _country(self) -> str:
        return self._store.workspace.info().country_code

    def _entry(self, value: str) -> tuple[bytes, ContactKind]:
        country = self._country()
        kind = guess_kind(value, country) or ContactKind.EMAIL
        digest = digest_of(value, kind, country)
        if digest is None:
            raise FixData(
                "The value can't be compared.",
                "It is neither an e-mail address nor a complete phone number nor a SHA-256.",
                "Correct it; a phone number is best written with its country code.",
                code="not_comparable",
            )
        return entry_of(self._store.suppression.salt(), digest), kind

    def _of_file(self, file: Path, column: str | None, kind: ContactKind | None) -> _Asked:
        path, country = file.expanduser().resolve(), self._country()

        def find(staging: Path, ctx: JobContext) -> importing.Found:
            return importing.find(self._engine(), path, staging, country, ctx)

        return _Asked(file.name, find, column, kind)

    def _of_text(self, pasted: str, name: str, kind: ContactKind | None) -> _Asked:
        country = self._country()

        def find(staging: Path, ctx: JobContext) -> importing.Found:
            return importing.find_in_text(self._engine(), pasted, staging, country, ctx)

        return _Asked(name, find, None, kind)

    def _preview(self, asked: _Asked, ctx: JobContext) -> Preview:
        with self._staging() as staging:
            found = asked.find(staging, ctx)
            column = found.column(asked.column)
            kind = asked.kind or found.kind(column)
            values = importing.first_values(self._engine(), found, column, PREVIEW_VALUES, ctx)
        shown = tuple(_hidden(value, kind) for value in values)
        hashed = any(guess.hashed for guess in found.guesses if guess.column == column.name)
        columns = tuple(c.name for c in found.columns)
        return Preview(asked.name, columns, column.name, kind, hashed, found.rows, shown)

    def _import(self, asked: _Asked, ctx: JobContext) -> Imported:
        engine, repository = self._engine(), self._store.suppression
        with self._staging() as staging, engine.cursor(ctx.token) as cursor:
            found = asked.find(staging, ctx)
            column = found.column(asked.column)
            kind = asked.kind or found.kind(column)
            staged = importing.stage(engine, cursor, found, column, kind, self._country(), repository.salt(), ctx)
            if not staged.entries:
                raise FixData(
                    f"{asked.name} was not imported.",
                    f"No value of {column.name} is an e-mail address, a complete phone number or a SHA-256.",
                    "Choose another column, or say what stands in it.",
                    code="nothing_readable",
                )
            change = Change(
                self._clock(),
                self._roles.person(),
                ChangeKind.IMPORTED,
                asked.name,
                kind,
                0,
                unreadable=staged.unreadable,
            )
            source_id, change = repository.add(change, staged.batches(ctx), hashed=staged.hashed)
        list_at_hand(self._store, self._folder)
        former = json.dumps({"undo_import": source_id})
        self._record(asked.name, f"{change.entries:,} entries added", str(source_id), former)
        return Imported(source_id, asked.name, kind, change.entries, change.known, change.unreadable)

    def _mark_source(self, source_id: int, what: ChangeKind, *, removed: bool) -> None:
        self._roles.demand(Action.CHANGE_SUPPRESSION)
        # The repository knows the source's name and kind and how much the list changes by it.
        change = Change(self._clock(), self._roles.person(), what, "", ContactKind.EMAIL, 0)
        marked = self._store.suppression.mark_source(source_id, change, removed=removed)
        if marked is None:
            raise _gone()
        word = "removed" if removed else "put back"
        former = json.dumps({"put_back_source": source_id}) if removed else ""
        self._record(marked.source, f"{abs(marked.entries):,} entries {word}", str(source_id), former)

    def _record(self, name: str, note: str, source_id: str = "", former: str = "") -> None:
        self._audit.record(
            Deed.SUPPRESSION_LIST, Subject.SUPPRESSION_LIST, name, subject_id=source_id, note=note, former=former
        )

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """A folder on the drive of the tables, gone after the block; what a crash leaves is cleared away with theirs."""
        staging = self._folder / "data" / f".staging-{new_id()}"
        staging.mkdir(parents=True)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _hidden(value: str, kind: ContactKind) -> str:
    return f"{value.strip()[:6]}…" if is_hashed(value.strip()) else masked(value, _MEANINGS[kind]) or ""


def _gone() -> FixData:
    return FixData(
        "The suppression list was not changed.",
        "What you want to change is gone from it, or was changed meanwhile.",
        "Look at the list again.",
        code="suppression_gone",
    )
