"""The model behind every table: a tuple of frozen rows and a tuple of columns; and the proxy that filters and sorts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from app.ui.widgets.columns import CheckCell, Column, GroupRow, NoteRow, SpanRow, cell_detail, cell_text

SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
ROW_ROLE = SORT_ROLE + 1
CELL_ROLE = SORT_ROLE + 2
LIVE_ROLE = SORT_ROLE + 3

Index = QModelIndex | QPersistentModelIndex


def _own_key(row: Any) -> str:
    return str(row.key)


def _sort_value(column: Column[Any], row: Any) -> Any:
    """Return what Qt compares: integers as floats, because Qt compares a small one with one past 2**31 as 32-bit."""
    value = column.sort(row) if column.sort is not None else None
    return float(value) if isinstance(value, int) else value


class RowModel(QAbstractTableModel):
    """A table of rows, each known by a key.

    Args:
        columns: what each row shows.
        key: the row's key; `row.key` without it. Keys are unique among all rows, notes included.
        live: whether a row is selectable; a row that is not is painted grey with a readable reason.

    `set_rows` compares with what is shown and only inserts, removes, moves or repaints, so selection, current row and scroll
    position stay. Rows may be mixed with `NoteRow` and `GroupRow`. Main thread only.
    """

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        *,
        key: Callable[[Any], str] = _own_key,
        live: Callable[[Any], bool] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._key = key
        self._live = live
        self._rows: tuple[Any, ...] = ()
        self._positions: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self.has_spans = False

    @property
    def rows(self) -> tuple[Any, ...]:
        """The rows, in the page's order."""
        return self._rows

    def key_of(self, row: Any) -> str:
        """Return the key of a row or note."""
        return row.key if isinstance(row, SpanRow) else self._key(row)

    def row_of(self, key: str) -> Any | None:
        """Return the row with a key, or None."""
        at = self._positions.get(key)
        return None if at is None else self._rows[at]

    def position(self, key: str) -> int | None:
        """Return the place of a key, or None."""
        return self._positions.get(key)

    def text_of(self, row: Any) -> str:
        """Return all words of a row's cells, case-folded, for searching; kept until the row changes."""
        key = self.key_of(row)
        text = self._texts.get(key)
        if text is None:
            cells = [column.cell(row) for column in self.columns]
            text = " ".join(f"{cell_text(cell)} {cell_detail(cell)}" for cell in cells).casefold()
            self._texts[key] = text
        return text

    def is_live(self, row: Any) -> bool:
        """Whether the row can be selected."""
        return not isinstance(row, SpanRow) and (self._live is None or self._live(row))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows that are not live cannot be selected; notes can be reached for their link."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        row = self._rows[index.row()]
        if isinstance(row, SpanRow):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        return flags | Qt.ItemFlag.ItemIsSelectable if self.is_live(row) else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the header's words."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.info or None
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a role asks for."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == SORT_ROLE and not isinstance(row, SpanRow):
            return _sort_value(self.columns[index.column()], row)
        if role == ROW_ROLE:
            return row
        if isinstance(row, SpanRow):
            return self._span_data(row, index.column(), role)
        return self._cell_data(row, self.columns[index.column()], role)

    def _span_data(self, span: SpanRow, column: int, role: int) -> Any:
        if isinstance(span, NoteRow):
            return self._note_data(span, column, role)
        spoken = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) and column == 0
        return span.text if spoken else None

    def _note_data(self, note: NoteRow, column: int, role: int) -> Any:
        if role == SORT_ROLE:
            parent = self.row_of(note.parent_key)
            return _sort_value(self.columns[column], parent) if parent is not None else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) and column == 0:
            return " ".join(filter(None, (note.strong, note.text, note.link)))
        return None

    def _cell_data(self, row: Any, column: Column[Any], role: int) -> Any:
        if role == CELL_ROLE:
            return column.cell(row)
        if role == LIVE_ROLE:
            return self.is_live(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(column.cell(row))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return (column.tooltip(row) or None) if column.tooltip is not None else None
        return None

    def _spoken(self, row: Any, column: Column[Any]) -> str:
        if column.accessible is not None:
            return column.accessible(row)
        cell = column.cell(row)
        if isinstance(cell, CheckCell):
            state = {True: self.tr("checked"), False: self.tr("not checked"), None: self.tr("partly checked")}
            words = state[cell.checked]
        else:
            words = ", ".join(filter(None, (cell_text(cell), cell_detail(cell))))
        return f"{column.title}: {words}" if column.title else words

    def update_row(self, row: Any) -> None:
        """Replace one row by another of the same key; KeyError when there is none."""
        at = self._positions[self.key_of(row)]
        if self._rows[at] == row:
            return
        self._rows = (*self._rows[:at], row, *self._rows[at + 1 :])
        self._texts.pop(self.key_of(row), None)
        self._changed(at, at)

    def set_rows(self, rows: Iterable[Any]) -> None:
        """Show these rows; ValueError when two have the same key."""
        new = tuple(rows)
        keys = [self.key_of(row) for row in new]
        wanted = dict(zip(keys, new, strict=True))
        if len(wanted) != len(new):
            raise ValueError("Two rows of a table have the same key.")
        if not any(key in wanted for key in self._positions):
            self.beginResetModel()
            self._store(new)
            self.endResetModel()
            return
        self._remove_missing(wanted)
        self._reorder(keys)
        self._insert_new(keys, wanted)
        self._replace_changed(new)

    def _store(self, rows: tuple[Any, ...]) -> None:
        self._rows = rows
        self._positions = {self.key_of(row): i for i, row in enumerate(rows)}
        self._texts.clear()
        self.has_spans = any(isinstance(row, SpanRow) for row in rows)

    def _remove_missing(self, wanted: dict[str, Any]) -> None:
        at = len(self._rows) - 1
        while at >= 0:
            if self.key_of(self._rows[at]) in wanted:
                at -= 1
                continue
            last = at
            while at >= 0 and self.key_of(self._rows[at]) not in wanted:
                at -= 1
            self.beginRemoveRows(QModelIndex(), at + 1, last)
            self._store((*self._rows[: at + 1], *self._rows[last + 1 :]))
            self.endRemoveRows()

    def _reorder(self, keys: list[str]) -> None:
        order = [key for key in keys if key in self._positions]
        if order == list(self._positions):
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        by_key = {self.key_of(row): row for row in self._rows}
        old_keys = list(self._positions)
        self._store(tuple(by_key[key] for key in order))
        after = [self.index(self._positions[old_keys[i.row()]], i.column()) for i in before]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _insert_new(self, keys: list[str], wanted: dict[str, Any]) -> None:
        at = 0
        while at < len(keys):
            if keys[at] in self._positions:
                at += 1
                continue
            first = at
            while at < len(keys) and keys[at] not in self._positions:
                at += 1
            fresh = tuple(wanted[key] for key in keys[first:at])
            self.beginInsertRows(QModelIndex(), first, at - 1)
            self._store((*self._rows[:first], *fresh, *self._rows[first:]))
            self.endInsertRows()

    def _replace_changed(self, new: tuple[Any, ...]) -> None:
        changed = [i for i, (old, row) in enumerate(zip(self._rows, new, strict=True)) if old != row]
        if changed:
            self._store(new)
            self._changed(changed[0], changed[-1])

    def _changed(self, first: int, last: int) -> None:
        if self.columns:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))


class FilterProxy(QSortFilterProxyModel):
    """Text over all columns and one more condition; notes go where their parents go.

    Sorting compares `SORT_ROLE`: measured right for integers to 2**53, decimals, dates and None (last). A note answers with its
    parent's value and stands after it in the source, and the sort is stable, so it stays under its parent.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()
        self._accept: Callable[[Any], bool] | None = None
        self.setSortRole(SORT_ROLE)
        self.setSortLocaleAware(True)
        self.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setDynamicSortFilter(True)

    def set_words(self, words: str) -> None:
        """Keep rows that hold every word, whatever the case."""
        parts = tuple(words.casefold().split())
        if parts != self._words:
            self._refilter(lambda: setattr(self, "_words", parts))

    def set_condition(self, accept: Callable[[Any], bool] | None) -> None:
        """Keep rows that fulfil this condition as well; None keeps all."""
        self._refilter(lambda: setattr(self, "_accept", accept))

    def filterAcceptsRow(self, source_row: int, _source_parent: Index) -> bool:
        """Whether a row, or a note's parent, fits words and condition."""
        model = self.sourceModel()
        if not isinstance(model, RowModel):
            return True
        row = model.rows[source_row]
        if isinstance(row, GroupRow):
            inside = (model.row_of(key) for key in row.members)
            return any(each is not None and self._fits(model, each) for each in inside)
        if isinstance(row, NoteRow):
            row = model.row_of(row.parent_key)
        return row is not None and self._fits(model, row)

    def _fits(self, model: RowModel, row: Any) -> bool:
        if self._accept is not None and not self._accept(row):
            return False
        if not self._words:
            return True
        text = model.text_of(row)
        return all(word in text for word in self._words)

    def _refilter(self, change: Callable[[], None]) -> None:
        self.beginFilterChange()
        change()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)
