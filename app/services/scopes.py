"""The workspace at one moment, as counts, runs and looks at exports ask it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from app.core.suppression import ListFacts
from app.data.suppression import list_file, write_list
from app.data.workspace_rows import Scope
from app.store import Store


def scope_of(store: Store, folder: Path, now: datetime) -> Scope:
    """Tables, segments and suppression list as they stand; `now` is aware, `folder` the workspace's."""
    suppression = list_at_hand(store, folder)
    return Scope(store.tables.catalog(), store.segments.all(), now, suppression=suppression)


def list_at_hand(store: Store, folder: Path) -> ListFacts | None:
    """The suppression list, None when it is empty; its file is written first where this generation has none yet."""
    while (facts := store.suppression.facts()) is not None and not list_file(folder, facts.generation).is_file():
        with store.suppression.snapshot() as (generation, entries):
            write_list(folder, generation, entries)
    return facts
