"""The audit trail: entries are added, never changed or removed; triggers of the database see to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, tuple_

from app.core.audit import Area, AuditEntry, AuditFilter, AuditNumbers, AuditPage, Deed
from app.core.names import fold
from app.store.codec import plain
from app.store.database import Database
from app.store.schema import audit_entries

_c = audit_entries.c


class AuditRepository:
    """What was done, newest first; thread safe. `hidden` are areas that the asking person may not see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._codec = plain(AuditEntry)

    def add(self, entry: AuditEntry) -> AuditEntry:
        """Add an entry and return it with its id."""
        values = {
            "at": entry.at,
            "deed": entry.deed.value,
            "subject_id": entry.subject_id,
            "person": entry.person,
            "searched": fold(f"{entry.name}\n{entry.person}\n{entry.note}"),
            "body": self._codec.encode(entry),
        }
        with self._database.write() as transaction:
            made = transaction.execute(insert(audit_entries).values(**values)).inserted_primary_key
        return replace(entry, id=int(made[0]) if made else 0)

    def page(
        self, wanted: AuditFilter, number: int, older_than: int | None = None, hidden: frozenset[Area] = frozenset()
    ) -> AuditPage:
        """The newest `number` entries, or those before the one of the id `older_than`."""
        query = select(_c.id, _c.body).where(*_where(wanted, hidden), *_of_area(wanted.area))
        if older_than is not None:
            last = select(_c.at, _c.id).where(_c.id == older_than).scalar_subquery()
            query = query.where(tuple_(_c.at, _c.id) < last)
        with self._database.read() as transaction:
            rows = transaction.execute(query.order_by(_c.at.desc(), _c.id.desc()).limit(number + 1)).all()
        entries = tuple(replace(self._codec.decode(row.body), id=row.id) for row in rows[:number])
        return AuditPage(entries, entries[-1].id if len(rows) > number else None)

    def by_id(self, id: int) -> AuditEntry | None:  # noqa: A002 - the word of the field
        """The entry, or None."""
        with self._database.read() as transaction:
            body = transaction.execute(select(_c.body).where(_c.id == id)).scalar_one_or_none()
        return None if body is None else replace(self._codec.decode(body), id=id)

    def numbers(self, wanted: AuditFilter, hidden: frozenset[Area] = frozenset()) -> AuditNumbers:
        """How many entries there are in each area, whichever the filter names."""
        query = select(_c.deed, func.count()).where(*_where(wanted, hidden)).group_by(_c.deed)
        with self._database.read() as transaction:
            rows = transaction.execute(query).all()
        by_area = dict.fromkeys((area for area in Area if area not in hidden), 0)
        for deed, number in rows:
            by_area[Deed(deed).area] += number
        return AuditNumbers(sum(by_area.values()), by_area)

    def people(self, hidden: frozenset[Area] = frozenset()) -> tuple[str, ...]:
        """The system accounts that did something, by name."""
        query = select(_c.person).distinct().where(*_where(AuditFilter(), hidden)).order_by(_c.person)
        with self._database.read() as transaction:
            return tuple(transaction.execute(query).scalars())


def _where(wanted: AuditFilter, hidden: frozenset[Area]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if hidden:
        found.append(_c.deed.not_in([deed.value for deed in Deed if deed.area in hidden]))
    if wanted.person is not None:
        found.append(_c.person == wanted.person)
    if wanted.since is not None:
        found.append(_c.at >= wanted.since)
    if wanted.until is not None:
        found.append(_c.at < wanted.until)
    if wanted.subject_id is not None:
        found.append(_c.subject_id == wanted.subject_id)
    if text := fold(wanted.text.strip()):
        named = [deed.value for deed in Deed if text in deed.value.replace("_", " ")]
        found.append(or_(_c.searched.contains(text, autoescape=True), _c.deed.in_(named)))
    return found


def _of_area(area: Area | None) -> list[Any]:
    return [] if area is None else [_c.deed.in_([deed.value for deed in Deed if deed.area is area])]
