"""Pickers of values: a field that opens a searchable list of frequent values with their rows; any other value can be typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import Label
from app.ui.widgets.pick_list import Index
from app.ui.widgets.search_popup import SearchPopup

_VALUE = int(Qt.ItemDataRole.UserRole) + 1
_ROW = 32


@dataclass(frozen=True)
class ValueItem:
    """A value as text, as it is shown, and in how many rows it stands (as shown); `typed` marks what was just written."""

    value: str
    words: str
    count: str = ""
    typed: bool = False


class _Values(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.items: tuple[ValueItem, ...] = ()
        self.chosen: tuple[str, ...] = ()

    def set_items(self, items: Sequence[ValueItem]) -> None:
        self.beginResetModel()
        self.items = tuple(items)
        self.endResetModel()

    def set_chosen(self, chosen: tuple[str, ...]) -> None:
        self.chosen = chosen
        if self.items:
            self.dataChanged.emit(self.index(0), self.index(len(self.items) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self.items[index.row()]
        if role == _VALUE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return item.words
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = self.tr("chosen") if item.value in self.chosen else ""
            return ", ".join(filter(None, (item.words, item.count, state)))
        return None


class _Delegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, values: _Values, parent: QObject, *, several: bool) -> None:
        super().__init__(parent)
        self._theme = theme
        self._values = values
        self._several = several

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, item = self._theme, index.data(_VALUE)
        on = item.value in self._values.chosen
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            paint.box(painter, option.rect.adjusted(4, 1, -4, -1), 4, fill=theme.color("hover"))
        area = option.rect.adjusted(14, 0, -14, 0)
        mark = QRect(area.left(), area.center().y() - 7, 16, 16)
        if self._several:
            state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
            paint.check_mark(painter, theme, mark, state, enabled=True)
        elif on:
            paint.icon(painter, theme, mark, "check", "accent_text")
        area.setLeft(area.left() + 26)
        align = Qt.AlignmentFlag.AlignRight
        used = paint.text(painter, theme, area, item.count, role="caption", ink="text3", align=align)
        ink = "accent_text" if item.typed else "text"
        paint.text(painter, theme, area.adjusted(0, 0, -used - 12, 0), item.words, ink=ink)


class ValueList(SearchPopup):
    """The list that opens under a `ValuePicker`. Typing searches or writes a value of its own; Enter and Space choose.

    Signals: `changed(object)` gives the chosen values as a tuple of texts; `closed()` comes in every case. With `several`
    it stays open. `accepts` says whether a typed text may be a value, and gives it in the form it is kept in, or "".
    """

    changed = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str,
        chosen: Sequence[str],
        *,
        several: bool,
        accepts: Callable[[str], str] = str.strip,
        shows: Callable[[str], str] = str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, QCoreApplication.translate("ValueList", "Search or type a value"), parent)
        self._several = several
        self._accepts, self._shows = accepts, shows
        self._frequent: tuple[ValueItem, ...] = ()
        self._first = tuple(chosen)
        self._model = _Values(self)
        self._model.set_chosen(tuple(chosen))
        self._hint = Label(theme, self.tr("Looking for frequent values"), "caption", "text2", wrap=True)
        self._hint.setContentsMargins(6, 0, 6, 0)
        self._list_under(self._hint, self._model, _Delegate(theme, self._model, self.list, several=several))
        self.search.textChanged.connect(self._show)
        self.list.clicked.connect(self._on_clicked)
        self._show()

    def values(self) -> tuple[str, ...]:
        """The values that are chosen."""
        return self._model.chosen

    def set_frequent(self, items: Sequence[ValueItem], hint: str = "") -> None:
        """Offer these values; `hint` says why there are none."""
        self._frequent = tuple(items)
        self._hint.set_words(hint)
        self._hint.setVisible(bool(hint))
        self._show()

    def open_under(self, place: QRect) -> None:
        """Show it under `place` (global), or above where there is no room below."""
        self._open(place, max(place.width(), 280), 320)

    def choose(self, value: str) -> None:
        """Turn a value on or off, as a click does."""
        before = self._model.chosen
        if not self._several:
            self.changed.emit((value,))
            self.close()
            return
        after = tuple(each for each in before if each != value) if value in before else (*before, value)
        self._model.set_chosen(after)
        self.changed.emit(after)

    def _show(self) -> None:
        """What is chosen stands first, then what is frequent; what was typed below both when it is neither."""
        typed = self._accepts(self.search.text())
        words = self.search.text().casefold().strip()
        known = {item.value: item for item in self._frequent}
        first = [known.get(value, ValueItem(value, self._shows(value))) for value in self._first]
        rest = [item for item in self._frequent if item.value not in self._first]
        found = [item for item in (*first, *rest) if words in item.words.casefold()]
        if typed and typed not in {item.value for item in found}:
            label = self.tr("Use “{value}”").format(value=self._shows(typed))
            found.append(ValueItem(typed, label, typed=True))
        self._model.set_items(found)
        self._go_to(0)

    def _on_entered(self) -> None:
        """Choose the row; with several and nothing typed, Enter is the end."""
        if self._several and not self.search.text():
            row = self.list.currentIndex()
            if self._model.chosen or not row.isValid():
                self.close()
                return
        self._on_clicked(self.list.currentIndex())

    def _on_clicked(self, index: Index) -> None:
        item = index.data(_VALUE) if index.isValid() else None
        if item is None:
            return
        if item.typed:
            self._first = (*self._first, item.value)
        self.choose(item.value)
        if self._several and self.search.text():
            self.search.clear()


class ValuePicker(KeyboardFocus, QPushButton):
    """Looks like a select and opens a `ValueList`. Signals: `changed(object)`, a tuple of texts; `opened()` asks for values.

    Args:
        theme: the theme.
        name: of the value.
        several: whether more than one can be chosen.
        accepts: gives a typed text in the form it is kept in, "" when it can't be a value.
        shows: gives a value as people read it.
    """

    changed = Signal(object)
    opened = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        several: bool,
        accepts: Callable[[str], str] = str.strip,
        shows: Callable[[str], str] = str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._several = several
        self._accepts, self._shows = accepts, shows
        self._values: tuple[str, ...] = ()
        self._error = False
        self.popup: ValueList | None = None
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setFixedHeight(32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open)
        self._name_it()

    def values(self) -> tuple[str, ...]:
        """What is chosen."""
        return self._values

    def set_values(self, values: Sequence[str]) -> None:
        """Choose without `changed`."""
        self._values = tuple(values)
        self._name_it()

    def words(self) -> str:
        """What is shown."""
        return ", ".join(self._shows(value) for value in self._values)

    def set_error_state(self, on: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Give it the danger edge."""
        self._error = on
        self.update()

    def open(self) -> None:
        """Open the list and ask for its values."""
        popup = ValueList(
            self._theme,
            self._name,
            self._values,
            several=self._several,
            accepts=self._accepts,
            shows=self._shows,
            parent=self,
        )
        popup.changed.connect(self._on_changed)
        popup.closed.connect(self._on_closed)
        self.popup = popup
        popup.open_under(QRect(self.mapToGlobal(self.rect().topLeft()), self.size()))
        self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow down, F4 and Enter open it; typing opens it with that letter."""
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_F4, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open()
            return
        plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if plain and event.text().strip() and event.text().isprintable():
            self.open()
            if self.popup is not None:
                self.popup.search.setText(event.text())
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """As wide as its words, within reason."""
        return QSize(min(self._theme.metrics("body").horizontalAdvance(self.words()) + 48, 400), 32)

    def minimumSizeHint(self) -> QSize:
        """May shrink: the text elides."""
        return QSize(96, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint field, words and caret."""
        painter = QPainter(self)
        theme, live = self._theme, self.isEnabled()
        paint.field(painter, theme, self, error=self._error)
        words = self.words()
        ink = ("text" if words else "text3") if live else "disabled"
        shown = words or (self.tr("Choose values") if self._several else self.tr("Choose a value"))
        paint.text(painter, theme, self.rect().adjusted(10, 0, -28, 0), shown, ink=ink)
        spot = QRect(self.width() - 22, self.height() // 2 - 6, 12, 12)
        paint.icon(painter, theme, spot, "caret-down", "text2" if live else "disabled")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)

    def _name_it(self) -> None:
        self.setAccessibleName(f"{self._name}: {self.words()}" if self._values else self._name)
        self.setToolTip(self.words())
        self.update()

    def _on_changed(self, values: tuple[str, ...]) -> None:
        self.set_values(values)
        self.changed.emit(values)

    def _on_closed(self) -> None:
        self.popup = None
        self.setFocus(Qt.FocusReason.OtherFocusReason)
