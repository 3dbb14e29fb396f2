"""Repositories of things people name: tables, segments, connections, exports.

A save names the revision it was made from, so that nobody overwrites what another window or process did meanwhile. A
removed thing keeps its row until it is purged, so that removing can be undone with everything that hangs on its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, delete, insert, or_, select, update
from sqlalchemy import Connection as Transaction
from sqlalchemy import Table as SqlTable

from app.core.connections import Connection
from app.core.errors import TryAgain
from app.core.exports import Export
from app.core.names import fold, name_taken
from app.core.segments import Segment
from app.core.tables import Catalog, Link, Table
from app.store import schema
from app.store.codec import Codec
from app.store.database import Database

T = TypeVar("T", Table, Segment, Connection, Export)


class NamedRepository(Generic[T]):
    """One kind of thing with a unique name; thread safe, each method its own short transaction."""

    def __init__(self, database: Database, table: SqlTable, codec: Codec[T], word: str) -> None:
        self._database = database
        self._table = table
        self._codec: Codec[T] = codec
        self._word = word

    def all(self) -> tuple[T, ...]:
        """All that are not removed, by name."""
        with self._database.read() as transaction:
            rows = transaction.execute(self._select().order_by(self._table.c.folded)).all()
        return tuple(self._item(row.revision, row.body) for row in rows)

    def get(self, name: str) -> T | None:
        """The one of that name, regardless of case, or None."""
        return self._one(self._table.c.folded == fold(name))

    def by_id(self, id: str) -> T | None:  # noqa: A002 - the word of the field
        """The one of that id, or None; a removed one counts as absent."""
        return self._one(self._table.c.id == id)

    def save(self, item: T) -> T:
        """Add or change it and return it as stored, with its new revision; a removed one is put back.

        Raises:
            TryAgain: code "changed_elsewhere", when it was changed or removed since `item.revision`.
            FixSettings: code "name_taken".
        """
        return self.save_all([item])[0]

    def save_all(self, items: Sequence[T]) -> list[T]:
        """Save several, all or none; returns and raises as `save`."""
        with self._database.write() as transaction:
            return [self.save_in(transaction, item) for item in items]

    def remove(self, id: str) -> T:  # noqa: A002 - the word of the field
        """Mark it as removed and return it; saving exactly what is returned puts it back.

        Raises TryAgain with code "changed_elsewhere" when it is not there any more.
        """
        c = self._table.c
        with self._database.write() as transaction:
            row = transaction.execute(self._select().where(c.id == id)).one_or_none()
            if row is None:
                raise self._changed_elsewhere("")
            item = replace(self._item(row.revision, row.body), revision=row.revision + 1)
            transaction.execute(
                update(self._table).where(c.id == id).values(removed_at=datetime.now(UTC), revision=item.revision)
            )
        return item

    def removed(self, before: datetime | None = None) -> tuple[T, ...]:
        """The removed ones that can still be put back, or only those removed before that moment."""
        c = self._table.c
        wanted = c.removed_at.is_not(None) if before is None else c.removed_at < before
        with self._database.read() as transaction:
            rows = transaction.execute(select(c.revision, c.body).where(wanted)).all()
        return tuple(self._item(row.revision, row.body) for row in rows)

    def purge(self, id: str) -> bool:  # noqa: A002 - the word of the field
        """Delete a removed one for good; False when it was put back or purged meanwhile."""
        c = self._table.c
        with self._database.write() as transaction:
            return transaction.execute(delete(self._table).where(c.id == id, c.removed_at.is_not(None))).rowcount > 0

    def save_in(self, transaction: Transaction, item: T) -> T:
        """As `save`, as a part of a larger transaction of the store."""
        c = self._table.c
        current = transaction.execute(select(c.revision).where(c.id == item.id)).scalar_one_or_none()
        if (current or 0) != item.revision:
            raise self._changed_elsewhere(item.name)
        same_name = select(c.id).where(c.folded == fold(item.name), c.removed_at.is_(None), c.id != item.id)
        if transaction.execute(same_name).first() is not None:
            raise name_taken(item.name, self._word)
        stored = replace(item, revision=item.revision + 1)
        values = {
            "name": stored.name,
            "folded": fold(stored.name),
            "revision": stored.revision,
            "removed_at": None,
            "body": self._codec.encode(stored),
        }
        if current is None:
            transaction.execute(insert(self._table).values(id=stored.id, **values))
        else:
            transaction.execute(update(self._table).where(c.id == stored.id).values(**values))
        return stored

    def _select(self) -> Select[Any]:
        return select(self._table.c.revision, self._table.c.body).where(self._table.c.removed_at.is_(None))

    def _one(self, condition: ColumnElement[bool]) -> T | None:
        with self._database.read() as transaction:
            row = transaction.execute(self._select().where(condition)).one_or_none()
        return None if row is None else self._item(row.revision, row.body)

    def _item(self, revision: int, body: str) -> T:
        return replace(self._codec.decode(body), revision=revision)

    def _changed_elsewhere(self, name: str) -> TryAgain:
        which = f"The {self._word} “{name}”" if name else f"The {self._word}"
        return TryAgain(
            f"{which} was changed or removed meanwhile.",
            "Another window or process saved it after you opened it; your change was not saved.",
            "Open it again and repeat your change.",
            code="changed_elsewhere",
        )


class TableRepository(NamedRepository[Table]):
    """Tables, and how they hang together. Links name tables, so they outlive a table that is removed and put back."""

    def links(self) -> tuple[Link, ...]:
        """All links between tables that are there."""
        return self.catalog().links

    def save_link(self, link: Link) -> None:
        """Add a link; adding it twice is harmless."""
        with self._database.write() as transaction:
            self._delete_link(transaction, link)
            transaction.execute(insert(schema.links).values(**_link_values(link)))

    def remove_link(self, link: Link) -> None:
        """Remove a link; nothing happens when it is not there."""
        with self._database.write() as transaction:
            self._delete_link(transaction, link)

    def replace_link_in(self, transaction: Transaction, old: Link, new: Link) -> None:
        """Put a link in the place of another, as a part of a larger transaction of the store."""
        self._delete_link(transaction, old)
        self._delete_link(transaction, new)
        transaction.execute(insert(schema.links).values(**_link_values(new)))

    def purge(self, id: str) -> bool:  # noqa: A002 - the word of the field
        """See `NamedRepository.purge`; takes the links along unless another table has that name now."""
        c = self._table.c
        with self._database.read() as transaction:
            name = transaction.execute(select(c.name).where(c.id == id)).scalar_one_or_none()
        purged = super().purge(id)
        if purged and name is not None and self.get(name) is None:
            with self._database.write() as transaction:
                named = or_(schema.links.c.one_table == name, schema.links.c.many_table == name)
                transaction.execute(delete(schema.links).where(named))
        return purged

    def catalog(self) -> Catalog:
        """All tables and links at one moment."""
        with self._database.read() as transaction:
            rows = transaction.execute(self._select().order_by(self._table.c.folded)).all()
            links = [Link(*row) for row in transaction.execute(select(schema.links)).all()]
        tables = tuple(self._item(row.revision, row.body) for row in rows)
        names = {table.name for table in tables}
        return Catalog(tables, tuple(k for k in links if k.one_table in names and k.many_table in names))

    @staticmethod
    def _delete_link(transaction: Transaction, link: Link) -> None:
        transaction.execute(delete(schema.links).filter_by(**_link_values(link)))


def _link_values(link: Link) -> dict[str, str]:
    return {
        "one_table": link.one_table,
        "one_column": link.one_column,
        "many_table": link.many_table,
        "many_column": link.many_column,
    }
