"""The search palette (Ctrl+K): finds exports, segments, tables, connections, runs, settings and actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.labels import Line

MOST = 8
WIDTH = 560
_SHADOW = 24
_ITEM_ROLE = int(Qt.ItemDataRole.UserRole) + 1


@dataclass(frozen=True)
class PaletteItem:
    """Something to find: words, what choosing it does, and an icon or a badge (letters, "#RRGGBB")."""

    text: str
    callback: Callable[[], object]
    icon: str = ""
    badge: tuple[str, str] | None = None
    shortcut: str = ""
    keywords: str = ""


@dataclass(frozen=True)
class PaletteGroup:
    """A heading and its items, best first."""

    title: str
    items: tuple[PaletteItem, ...]


Provider = Callable[[str], Sequence[PaletteGroup]]


def fuzzy_score(words: str, text: str) -> int | None:
    """Return how well `words` match `text`, higher is better; None when a letter is missing.

    Every letter of each word must come in order; starts of words and runs of letters count more.
    """
    total = 0
    target = text.casefold()
    for word in words.casefold().split():
        score = _word_score(word, target)
        if score is None:
            return None
        total += score
    return total


def _word_score(word: str, target: str) -> int | None:
    at = target.find(word)
    if at >= 0:
        starts = at == 0 or not target[at - 1].isalnum()
        return 100 + 10 * len(word) + (40 if starts else 0) - min(at, 20)
    score, place, run = 0, 0, 0
    for letter in word:
        found = target.find(letter, place)
        if found < 0:
            return None
        run = run + 1 if found == place and place else 0
        starts = found == 0 or not target[found - 1].isalnum()
        score += 3 + 4 * run + (8 if starts else 0)
        place = found + 1
    return score


def match_groups(words: str, groups: Sequence[PaletteGroup], most: int = MOST) -> list[PaletteGroup]:
    """Return the groups with the items that match, best first within each, at most `most` items together."""
    if not words.strip():
        return _first(groups, most)
    scored: list[tuple[int, int, int, PaletteItem]] = []
    for g, group in enumerate(groups):
        for i, item in enumerate(group.items):
            score = fuzzy_score(words, f"{item.text} {item.keywords}")
            if score is not None:
                scored.append((-score, g, i, item))
    best = sorted(scored, key=lambda entry: entry[:3])[:most]
    result = []
    for g, group in enumerate(groups):
        items = tuple(item for _, owner, _, item in best if owner == g)
        if items:
            result.append(PaletteGroup(group.title, items))
    return result


def _first(groups: Sequence[PaletteGroup], most: int) -> list[PaletteGroup]:
    result: list[PaletteGroup] = []
    for group in groups:
        items = group.items[: max(most, 0)]
        if items:
            result.append(PaletteGroup(group.title, items))
            most -= len(items)
    return result


class _Found(QAbstractListModel):
    """Headings and items in one list; headings cannot be chosen."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lines: list[str | PaletteItem] = []

    def show(self, groups: Sequence[PaletteGroup]) -> None:
        self.beginResetModel()
        self._lines = []
        for group in groups:
            self._lines.append(group.title)
            self._lines += group.items
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        line = self._lines[index.row()]
        if role == _ITEM_ROLE:
            return line
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return line if isinstance(line, str) else line.text
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        heading = index.isValid() and isinstance(self._lines[index.row()], str)
        return Qt.ItemFlag.NoItemFlags if heading else Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class _LineDelegate(QStyledItemDelegate):
    """Paints headings and items."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, 30 if isinstance(index.data(_ITEM_ROLE), str) else 36)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme, line, rect = self._theme, index.data(_ITEM_ROLE), option.rect
        if isinstance(line, str):
            paint.text(painter, theme, rect.adjusted(10, 4, -10, 0), line, role="caption-medium", ink="text3")
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            paint.box(painter, rect, 6, fill=theme.color("selected"))
        middle = rect.center().y()
        if line.badge is not None:
            paint.badge(painter, theme, QRect(rect.left() + 10, middle - 9, 20, 20), *line.badge)
        elif line.icon:
            paint.icon(painter, theme, QRect(rect.left() + 12, middle - 7, 16, 16), line.icon)
        keys = line.shortcut.replace("+", " ") or (self.tr("Enter") if chosen else "")
        width = theme.metrics("caption").horizontalAdvance(keys) + 12 if keys else 0
        words = rect.adjusted(40, 0, -10 - width, 0)
        paint.text(painter, theme, words, line.text, role="body-medium" if chosen else "body")
        quiet = rect.adjusted(0, 0, -10, 0)
        paint.text(painter, theme, quiet, keys, role="caption", ink="text2", align=Qt.AlignmentFlag.AlignRight)


class SearchPalette(QWidget):
    """The popup itself, a child of the window: type, arrows, Enter; Esc or a click beside closes.

    Args:
        theme: the theme.
        window: where it appears.
        provider: gets the words typed and returns the groups to search, recent first; called with every key in the main
            thread, so it answers from memory. Matching and the limit of 8 rows happen here.
    """

    def __init__(self, theme: Theme, window: QWidget, provider: Provider) -> None:
        super().__init__(window)
        self._theme = theme
        self._provider = provider
        self._before: QWidget | None = None
        self.setAccessibleName(self.tr("Search everything"))
        self.input = QLineEdit()
        self.input.setFrame(False)
        self.input.setFont(theme.font("body"))
        self.input.setPlaceholderText(self.tr("Search everything"))
        self.input.setAccessibleName(self.tr("Search everything"))
        self.input.setStyleSheet(
            "QLineEdit, QLineEdit:focus { border: none; background: transparent; padding: 0; min-height: 40px; max-height: 43px; }"
        )
        self.input.textChanged.connect(self._on_text_changed)
        self.input.installEventFilter(self)
        self._model = _Found(self)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(_LineDelegate(theme, self))
        self.list.setAccessibleName(self.tr("Found"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.viewport().setAutoFillBackground(False)
        self.list.setStyleSheet("QListView { background: transparent; }")
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.entered.connect(self.list.setCurrentIndex)
        self.list.clicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_SHADOW + 1, _SHADOW + 1, _SHADOW + 1, _SHADOW + 1)
        layout.setSpacing(0)
        head = QVBoxLayout()
        head.setContentsMargins(41, 0, 56, 0)
        self.input.setFixedHeight(43)
        head.addWidget(self.input)
        layout.addLayout(head)
        layout.addWidget(Line(theme))
        below = QVBoxLayout()
        below.setContentsMargins(5, 4, 5, 5)
        below.addWidget(self.list)
        layout.addLayout(below)
        self.hide()
        window.installEventFilter(self)

    def open(self, words: str = "") -> None:
        """Show it with the words marked."""
        self._before = self.window().focusWidget()
        self.input.setText(words)
        self._search(words)
        self.show()
        self.raise_()
        self._place()
        self.input.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.input.selectAll()

    def close_palette(self) -> None:
        """Hide it and give the focus back."""
        if not self.isVisible():
            return
        self.hide()
        before, self._before = self._before, None
        if before is not None and shiboken6.isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter from the input; follow the window; a click beside closes."""
        if watched is self.input and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(event)
        if watched is self.input and event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            if self.isVisible() and event.reason() == Qt.FocusReason.MouseFocusReason:
                self.close_palette()
        elif watched is self.parent() and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        elif watched is self.parent() and event.type() == QEvent.Type.MouseButtonPress:
            self.close_palette()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint shadow, plate, glass and the Esc hint."""
        painter = QPainter(self)
        theme = self._theme
        plate = QRectF(self.rect()).adjusted(_SHADOW, _SHADOW, -_SHADOW, -_SHADOW)
        paint.shadow(painter, plate, 8, blur=16, offset=4, opacity=0.16)
        paint.box(painter, plate, 8, fill=theme.color("raised"), edge=theme.color("border"))
        paint.icon(painter, theme, QRect(_SHADOW + 16, _SHADOW + 14, 16, 16), "magnifying-glass")
        hint = QRect(int(plate.right()) - 54, int(plate.top()), 40, 44)
        paint.text(painter, theme, hint, self.tr("Esc"), role="caption", ink="text2", align=Qt.AlignmentFlag.AlignRight)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.close_palette()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Tab):
            self._move(1)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Backtab):
            self._move(-1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentIndex())
        else:
            return False
        return True

    def _move(self, step: int) -> None:
        rows = [
            i
            for i in range(self._model.rowCount())
            if self._model.flags(self._model.index(i)) & Qt.ItemFlag.ItemIsEnabled
        ]
        if not rows:
            return
        at = self.list.currentIndex().row()
        place = rows.index(at) if at in rows else (-1 if step > 0 else 0)
        self.list.setCurrentIndex(self._model.index(rows[(place + step) % len(rows)]))

    def _choose(self, index: QModelIndex) -> None:
        item = index.data(_ITEM_ROLE) if index.isValid() else None
        if isinstance(item, PaletteItem):
            self.close_palette()
            item.callback()

    def _on_clicked(self, index: QModelIndex) -> None:
        self._choose(index)

    def _on_text_changed(self, words: str) -> None:
        self._search(words)

    def _search(self, words: str) -> None:
        groups = match_groups(words, self._provider(words))
        self._model.show(groups or [PaletteGroup(self.tr("Nothing found"), ())])
        self._move(1)
        self._place()

    def _place(self) -> None:
        lines = (self._model.index(i).data(_ITEM_ROLE) for i in range(self._model.rowCount()))
        height = sum(30 if isinstance(line, str) else 36 for line in lines)
        self.list.setFixedHeight(height)
        window = self.parentWidget()
        width = min(WIDTH, window.width() - 32) + 2 * _SHADOW
        self.resize(width, 44 + 1 + height + 9 + 2 + 2 * _SHADOW)
        self.move((window.width() - width) // 2, max(0, window.height() // 8 - _SHADOW))
