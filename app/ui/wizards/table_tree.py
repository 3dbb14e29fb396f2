"""The tree of tables and fields: a model without objects per node, and how its rows are painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QWidget

from app.core.table_choices import Choices, chosen_fields, locked_fields
from app.core.tables import Catalog, Column, Table
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.marks import paint_pill, pill_width
from app.ui.wizards.match_rows import column_type_words

Index = QModelIndex | QPersistentModelIndex
NODE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
FEW = 7
"""Fields shown of an open table before "Show n more fields"; a table with up to five more shows all."""
_EDGE, _INDENT = 28, 48


@dataclass(frozen=True)
class Node:
    """What one row of the tree is; `column` None is the table itself, `more` the number of fields behind a link."""

    table: Table
    column: Column | None = None
    checked: bool | None = False
    chosen: int = 0
    locked: str = ""
    more: int = 0
    linked: bool = False


class TableModel(QAbstractItemModel):
    """Tables with their fields; thousands of fields cost nothing before they are shown. Main thread only."""

    def __init__(self, formats: Formats, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._catalog = Catalog(())
        self._tables: tuple[Table, ...] = ()
        self._fields: dict[str, tuple[Column, ...]] = {}
        self._chosen: dict[str, frozenset[str]] = {}
        self._locked: Mapping[str, Mapping[str, str]] = {}
        self._linked: dict[str, frozenset[str]] = {}
        self._opened: set[str] = set()
        self._words: tuple[str, ...] = ()
        self._only_chosen = False

    def show(self, catalog: Catalog, choices: Choices) -> None:
        """Show a catalog and what is chosen of it; open branches stay when the tables are the same."""
        self._chosen = {table.name: chosen_fields(choices, table) for table in catalog.tables}
        self._locked = locked_fields(choices, catalog)
        if catalog != self._catalog or self._only_chosen:
            self._catalog = catalog
            self._linked = _linked_columns(catalog)
            self._filter()
            return
        self._repaint()

    def set_filter(self, words: str, *, only_chosen: bool) -> None:
        """Keep tables and fields that hold every word; a table whose own name fits keeps all of its fields."""
        self._words = tuple(words.casefold().split())
        self._only_chosen = only_chosen
        self._filter()

    def tables(self) -> tuple[Table, ...]:
        """The tables shown."""
        return self._tables

    def show_all(self, table: str) -> None:
        """Show every field of a table."""
        at = next((i for i, each in enumerate(self._tables) if each.name == table), None)
        if at is None or table in self._opened:
            return
        parent = self.index(at, 0)
        before = self.rowCount(parent)
        total = len(self._fields[table])
        # The link's row becomes the first field that was hidden; the others come after it.
        self._opened.add(table)
        self.beginInsertRows(parent, before, total - 1)
        self.endInsertRows()
        self.dataChanged.emit(self.index(before - 1, 0, parent), self.index(before - 1, 2, parent))

    def node(self, index: Index) -> Node | None:
        """What a row is."""
        if not index.isValid():
            return None
        if index.internalId() == 0:
            return self._table_node(self._tables[index.row()])
        table = self._tables[index.internalId() - 1]
        shown = self._shown(table)
        if index.row() >= len(shown):
            return Node(table, more=len(self._fields[table.name]) - len(shown))
        column = shown[index.row()]
        return Node(
            table,
            column,
            checked=column.name in self._chosen.get(table.name, frozenset()),
            locked=self._locked.get(table.name, {}).get(column.name, ""),
            linked=column.name in self._linked.get(table.name, frozenset()),
        )

    def index_of(self, table: str) -> QModelIndex:
        """The row of a table."""
        at = next((i for i, each in enumerate(self._tables) if each.name == table), -1)
        return self.index(at, 0) if at >= 0 else QModelIndex()

    # Qt

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's default
        """Tables carry 0, fields the number of their table and one."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - Qt's default
        """The table of a field."""
        if not index.isValid() or index.internalId() == 0:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Tables, or the fields of one and perhaps the link to more."""
        if not parent.isValid():
            return len(self._tables)
        if parent.internalId() != 0 or parent.column() != 0:
            return 0
        table = self._tables[parent.row()]
        shown = len(self._shown(table))
        return shown if shown == len(self._fields[table.name]) else shown + 1

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Name, type, rows."""
        return 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The words above the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("Table or field"), self.tr("Type"), self.tr("Rows"))[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The node for the delegate; words for screen readers."""
        node = self.node(index)
        if node is None:
            return None
        if role == NODE_ROLE:
            return node
        if role == Qt.ItemDataRole.DisplayRole and index.column() == 0:
            return node.column.name if node.column is not None else node.table.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(node, index.column())
        if role == Qt.ItemDataRole.ToolTipRole and node.locked:
            return node.locked
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == 0 and not node.more:
            return _check_state(node.checked)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Everything can be reached; boxes are toggled by the view."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def _spoken(self, node: Node, column: int) -> str:
        if node.more:
            return self.tr("Show {n} more fields").format(n=self._formats.number(node.more)) if column == 0 else ""
        if column == 1:
            return column_type_words(node.column.type) if node.column is not None else self.tr("Table")
        if column == 2:
            return self._formats.counted(node.table.rows, "rows") if node.column is None else ""
        words = {True: self.tr("chosen"), False: self.tr("not chosen"), None: self.tr("partly chosen")}[node.checked]
        if node.column is None:
            return f"{node.table.name}, {words}, {self.fields_words(node)}"
        marks = [self.tr("key")] if node.table.key == node.column.name else []
        marks += [self.tr("personal")] if node.column.meaning.personal else []
        marks += [node.locked] if node.locked else []
        return ", ".join([node.column.name, words, *marks])

    def fields_words(self, node: Node) -> str:
        """How many fields, and how many of them are chosen when it is some."""
        total = len(node.table.columns)
        if node.checked is None:
            number = self._formats.number
            return self.tr("{n} of {total} fields").format(n=number(node.chosen), total=number(total))
        return self._formats.counted(total, "fields")

    def _table_node(self, table: Table) -> Node:
        chosen = len(self._chosen.get(table.name, frozenset()))
        checked = None if 0 < chosen < len(table.columns) else chosen > 0
        return Node(table, checked=checked, chosen=chosen)

    def _shown(self, table: Table) -> tuple[Column, ...]:
        fields = self._fields[table.name]
        return fields if table.name in self._opened or len(fields) <= FEW + 5 else fields[:FEW]

    def _filter(self) -> None:
        self.beginResetModel()
        tables, self._fields = [], {}
        for table in self._catalog.tables:
            fields = self._fitting(table)
            if fields is None or (self._only_chosen and not self._chosen.get(table.name)):
                continue
            tables.append(table)
            self._fields[table.name] = fields
        self._tables = tuple(tables)
        self.endResetModel()

    def _fitting(self, table: Table) -> tuple[Column, ...] | None:
        own = table.name.casefold()
        rest = [word for word in self._words if word not in own]
        if not rest:
            return table.columns
        fields = tuple(c for c in table.columns if all(word in c.name.casefold() for word in rest))
        return fields or None

    def _repaint(self) -> None:
        for row in range(len(self._tables)):
            parent = self.index(row, 0)
            self.dataChanged.emit(parent, self.index(row, 2))
            children = self.rowCount(parent)
            if children:
                self.dataChanged.emit(self.index(0, 0, parent), self.index(children - 1, 2, parent))


def _linked_columns(catalog: Catalog) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for link in catalog.links:
        found.setdefault(link.many_table, set()).add(link.many_column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _check_state(checked: bool | None) -> Qt.CheckState:  # noqa: FBT001 - three states
    return {
        True: Qt.CheckState.Checked,
        False: Qt.CheckState.Unchecked,
        None: Qt.CheckState.PartiallyChecked,
    }[checked]


class TreeDelegate(QStyledItemDelegate):
    """Paints carets, boxes, names, pills, types and row counts."""

    def __init__(self, theme: Theme, formats: Formats, model: TableModel, view: QTreeView) -> None:
        super().__init__(view)
        self._theme, self._formats, self._model, self._view = theme, formats, model, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """40 px for tables, 32 for fields."""
        return QSize(120, 40 if not index.parent().isValid() else 32)

    def check_rect(self, row: QRect, node: Node) -> QRect:
        """Where the box is painted."""
        left = row.left() + (_EDGE + 22 if node.column is None else _INDENT + _EDGE)
        return QRect(left, row.top() + (row.height() - 16) // 2, 16, 16)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        theme = self._theme
        node: Node = index.data(NODE_ROLE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected) and not node.more
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        ground = "selected" if selected else ("hover" if hovered and not node.more else "surface")
        painter.fillRect(option.rect, theme.color(ground))
        if node.column is None and not node.more and index.row() > 0:
            painter.fillRect(option.rect.left(), option.rect.top(), option.rect.width(), 1, theme.color("line"))
        if index.column() == 0:
            self._paint_name(painter, option.rect, index, node, selected=selected)
        elif index.column() == 1 and not node.more:
            words = column_type_words(node.column.type) if node.column is not None else self._model.tr("Table")
            paint.text(painter, theme, option.rect.adjusted(8, 0, -8, 0), words, role="caption", ink="text2")
        elif node.column is None and not node.more:
            right = Qt.AlignmentFlag.AlignRight
            area = option.rect.adjusted(0, 0, -24, 0)
            paint.text(painter, theme, area, self._formats.number(node.table.rows), align=right)

    def _paint_name(self, painter: QPainter, rect: QRect, index: Index, node: Node, *, selected: bool) -> None:
        theme = self._theme
        if selected:
            painter.fillRect(rect.left(), rect.top(), 3, rect.height(), theme.color("accent"))
        if node.more:
            words = self._model.tr("Show {n} more fields").format(n=self._formats.number(node.more))
            paint.text(
                painter,
                theme,
                rect.adjusted(_INDENT + _EDGE + 24, 0, 0, 0),
                words,
                role="body-medium",
                ink="accent_text",
            )
            return
        box = self.check_rect(rect, node)
        paint.check_mark(painter, theme, box, _check_state(node.checked), enabled=not node.locked)
        left = box.right() + 9
        if node.column is None:
            caret = "caret-down" if self._view.isExpanded(QModelIndex(index)) else "caret-right"
            paint.icon(painter, theme, QRect(rect.left() + _EDGE - 1, rect.center().y() - 6, 12, 12), caret, "text2")
            paint.icon(painter, theme, QRect(left + 2, rect.center().y() - 7, 15, 15), "table", "text2")
            left += 26
        name = node.column.name if node.column is not None else node.table.name
        role = "body-strong" if node.column is None else "body"
        ink = "text" if node.checked is not False or node.column is None else "text2"
        width = paint.text(
            painter, theme, QRect(left, rect.top(), rect.right() - left, rect.height()), name, role=role, ink=ink
        )
        left += width + 8
        if node.column is None:
            words = self._model.fields_words(node)
            paint.text(
                painter,
                theme,
                QRect(left, rect.top(), rect.right() - left, rect.height()),
                words,
                role="caption",
                ink="text2",
            )
            return
        for words, tone in self._pills(node):
            wide = pill_width(theme, words, icon=False)
            if left + wide < rect.right():
                paint_pill(painter, theme, QRect(left, rect.center().y() - 10, wide, 20), words, tone)
            left += wide + 6
        if node.locked:
            paint.icon(painter, theme, QRect(left, rect.center().y() - 6, 13, 13), "lock-simple", "text3")

    def _pills(self, node: Node) -> list[tuple[str, str]]:
        column = node.column
        if column is None:
            return []
        pills = [(self._model.tr("Key"), "accent")] if node.table.key == column.name else []
        if column.meaning.personal:
            pills.append((self._model.tr("Personal"), "warning"))
        if node.linked:
            pills.append((self._model.tr("Link"), "neutral"))
        return pills


class TableTree(QTreeView):
    """The view: Space and a click on a box toggle, Enter opens and follows links, arrows open and close.

    Signals: `toggled(object)` with the `Node`, `picked(str)` with the table of the current row.
    """

    toggled = Signal(object)
    picked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tables = TableModel(formats, self)
        self._delegate = TreeDelegate(theme, formats, self.tables, self)
        self.setModel(self.tables)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName(name)
        self.setFont(theme.font("body"))
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(False)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setAllColumnsShowFocus(True)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self._set_up_header(theme)
        self.selectionModel().currentChanged.connect(self._on_current_changed)

    def _set_up_header(self, theme: Theme) -> None:
        header = TreeHeader(theme, self)
        self.setHeader(header)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section, width in ((1, 110), (2, 110)):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(section, width)

    def current_node(self) -> Node | None:
        """The row the keyboard is on."""
        return self.tables.node(self.currentIndex())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A box toggles, a caret opens, a link shows more; elsewhere the row is picked."""
        place = event.position().toPoint()
        index = self.indexAt(place).siblingAtColumn(0)
        node = self.tables.node(index)
        if node is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        super().mousePressEvent(event)
        row = self.visualRect(index)
        box = self._delegate.check_rect(row, node).adjusted(-6, -6, 6, 6)
        if node.more:
            self.tables.show_all(node.table.name)
        elif box.contains(place):
            self._toggle(node)
        elif node.column is None and place.x() < box.left():
            self.setExpanded(index, not self.isExpanded(index))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click on a table opens it."""
        index = self.indexAt(event.position().toPoint()).siblingAtColumn(0)
        node = self.tables.node(index)
        if node is not None and node.column is None and not node.more:
            box = self._delegate.check_rect(self.visualRect(index), node).adjusted(-6, -6, 6, 6)
            if event.position().x() > box.right():
                self.setExpanded(index, not self.isExpanded(index))
                return
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space toggles, Enter opens a table or follows the link."""
        node = self.current_node()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers()
        if node is None:
            super().keyPressEvent(event)
        elif node.more and (enter or event.key() == Qt.Key.Key_Space):
            self.tables.show_all(node.table.name)
        elif event.key() == Qt.Key.Key_Space:
            self._toggle(node)
        elif enter and node.column is None:
            index = self.currentIndex().siblingAtColumn(0)
            self.setExpanded(index, not self.isExpanded(index))
        else:
            super().keyPressEvent(event)

    def _toggle(self, node: Node) -> None:
        if not node.locked:
            self.toggled.emit(node)

    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        node = self.tables.node(current)
        if node is not None:
            self.picked.emit(node.table.name)


class TreeHeader(QHeaderView):
    """36 px, words in the caption style, numbers right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self.setFixedHeight(36)
        self.setSectionsClickable(False)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint one header cell."""
        theme = self._theme
        painter.fillRect(rect, theme.color("surface"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, theme.color("line"))
        words = self.model().headerData(section, Qt.Orientation.Horizontal)
        right = section == 2
        align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        area = rect.adjusted(_EDGE if section == 0 else 8, 0, -24 if right else 0, -1)
        paint.text(painter, theme, area, words, role="caption-medium", ink="text3", align=align)
