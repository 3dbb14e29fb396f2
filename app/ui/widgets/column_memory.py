"""What a table remembers of its columns, as JSON by column key, so that new or renamed columns never mix up the old ones."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from app.ui.widgets.columns import Column

_VERSION = 1


def write(view: QTableView, columns: tuple[Column[Any], ...]) -> str:
    """Return order, widths, hidden columns and sorting."""
    header = view.horizontalHeader()
    shown = [i for i in range(len(columns)) if not view.isColumnHidden(i)]
    state: dict[str, Any] = {
        "version": _VERSION,
        "order": [columns[header.logicalIndex(i)].key for i in range(header.count())],
        "widths": {columns[i].key: header.sectionSize(i) for i in shown},
        "hidden": [column.key for i, column in enumerate(columns) if i not in shown],
    }
    at = header.sortIndicatorSection()
    if view.isSortingEnabled() and 0 <= at < len(columns):
        down = header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        state["sort"] = [columns[at].key, "descending" if down else "ascending"]
    return json.dumps(state)


def read(view: QTableView, columns: tuple[Column[Any], ...], saved: str) -> bool:
    """Put back what `write` returned; False, and nothing changed, when it is broken or of another version."""
    try:
        state = json.loads(saved)
    except ValueError:
        return False
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        return False
    header = view.horizontalHeader()
    places = {column.key: i for i, column in enumerate(columns)}
    for target, key in enumerate(key for key in state.get("order", []) if key in places):
        header.moveSection(header.visualIndex(places[key]), target)
    for key, i in places.items():
        view.setColumnHidden(i, columns[i].hideable and key in state.get("hidden", []))
        width = state.get("widths", {}).get(key)
        if isinstance(width, int) and width > 0:
            header.resizeSection(i, width)
    key, order = state.get("sort", ["", ""])
    if key in places and view.isSortingEnabled():
        descending = order == "descending"
        view.sortByColumn(places[key], Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)
    return True
