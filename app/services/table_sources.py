"""What is remembered about where a table comes from: how to read it again, and what the last reading found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.core.table_changes import Offer, TableChange
from app.core.tables import Column, Link, Table
from app.data.ingest import ReadOptions
from app.store import Store


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading that was not taken, because something would break: its columns, and what may stand for those gone."""

    at: datetime
    columns: tuple[Column, ...]
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source says about a table itself: its key, and its links by the names within the source."""

    key: str | None
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class TableSource:
    """How a table is read again (`within` a book or folder of several), sentences on how it was, and the last news.

    `declared` are the links and the key that the source named when it was last read, links by the names there; None when
    nobody noted them.
    """

    paths: tuple[str, ...]
    within: str | None
    options: ReadOptions
    notes: tuple[str, ...]
    change: TableChange | None = None
    waiting: Waiting | None = None
    declared: Declared | None = None


_DECODER: Final = msgspec.json.Decoder(TableSource)


def source_of(store: Store, table: Table) -> TableSource | None:
    """What is remembered, or None."""
    text = store.workspace.setting(_key(table.id))
    return None if text is None else _DECODER.decode(text)


def remember_source(store: Store, table_id: str, source: TableSource | None) -> None:
    """Keep it in the workspace's settings; None forgets it."""
    store.workspace.set_setting(_key(table_id), None if source is None else msgspec.json.encode(source).decode())


def _key(table_id: str) -> str:
    return f"table_source.{table_id}"
