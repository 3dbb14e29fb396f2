"""A select: one of many, in a list that opens."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QListView,
    QSizePolicy,
    QStyledItemDelegate,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.choice import Choice
from app.ui.widgets.focus import KeyboardFocus


class _PopupDelegate(QStyledItemDelegate):
    """Rows of 32 px."""

    def sizeHint(self, option: object, index: object) -> QSize:
        """As wide as its text."""
        size = super().sizeHint(option, index)
        return QSize(size.width() + 24, 32)


class Select(KeyboardFocus, QComboBox):
    """A select of more than five choices, or of long ones.

    Signal `chosen(str)` gives the key when the person chooses; `set_choices`, `current_key`, `set_current_key`.
    """

    chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str,
        choices: Sequence[Choice] = (),
        *,
        placeholder: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._error = False
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        view = QListView()
        view.setProperty("popup", True)
        view.setUniformItemSizes(True)
        self.setView(view)
        self.setItemDelegate(_PopupDelegate(self))
        self.setAttribute(Qt.WidgetAttribute.WA_LayoutUsesWidgetRect)
        self.setIconSize(QSize(16, 16))
        self.setFixedHeight(32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._choices: tuple[Choice, ...] = ()
        self._refont()
        theme.changed.connect(self._on_theme_changed)
        self.set_choices(choices)
        self.activated.connect(self._on_activated)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Show these choices; the current one stays while its key is there."""
        before = self.current_key()
        self._choices = tuple(choices)
        self.blockSignals(True)
        self.clear()
        for choice in choices:
            if choice.icon:
                self.addItem(self._theme.icon(choice.icon), choice.text, choice.key)
            else:
                self.addItem(choice.text, choice.key)
            at = self.count() - 1
            self.setItemData(at, choice.tooltip or None, Qt.ItemDataRole.ToolTipRole)
            item = self.model().item(at)
            item.setEnabled(choice.enabled)
        at = self.findData(before) if before else -1
        self.setCurrentIndex(at if at >= 0 else (-1 if self.placeholderText() else 0))
        self.blockSignals(False)
        self.update()

    def current_key(self) -> str:
        """Return the key chosen; empty when none is."""
        key = self.currentData()
        return key if isinstance(key, str) else ""

    def set_current_key(self, key: str) -> None:
        """Choose without `chosen`; an unknown key chooses nothing."""
        self.setCurrentIndex(self.findData(key))

    def set_error_state(self, on: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Give it the danger edge."""
        self._error = on
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as its widest choice."""
        metrics = self._theme.metrics("body")
        texts = [self.itemText(i) for i in range(self.count())] + [self.placeholderText()]
        return QSize(max(metrics.horizontalAdvance(t) for t in texts) + 44, 32)

    def minimumSizeHint(self) -> QSize:
        """May shrink: the text elides."""
        return QSize(80, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint field, text and caret."""
        painter = QPainter(self)
        theme, live = self._theme, self.isEnabled()
        paint.field(painter, theme, self, error=self._error)
        area = self.rect().adjusted(10, 0, -32, 0)
        if not self.itemIcon(self.currentIndex()).isNull():
            self.itemIcon(self.currentIndex()).paint(painter, QRect(10, 8, 16, 16))
            area.setLeft(34)
        words = self.currentText()
        ink = ("text" if words else "text3") if live else "disabled"
        paint.text(painter, theme, area, words or self.placeholderText(), ink=ink)
        spot = QRect(self.width() - 22, self.height() // 2 - 6, 12, 12)
        paint.icon(painter, theme, spot, "caret-down", "text2" if live else "disabled")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 6)

    def wheelEvent(self, event: QEvent) -> None:
        """The wheel scrolls the page; it never changes a choice in passing."""
        event.ignore()

    def _on_activated(self, _index: int) -> None:
        self.chosen.emit(self.current_key())

    def _on_theme_changed(self) -> None:
        self._refont()
        self.set_choices(self._choices)

    def _refont(self) -> None:
        self.setFont(self._theme.font("body"))
