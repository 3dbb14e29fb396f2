"""Fields for text: a bare input, search, and the frame with label, hint and error around one."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.labels import IconLabel, Label
from app.ui.widgets.select import Select


class Input(QLineEdit):
    """A bare line edit in our look, with an optional icon at the left and a unit at the right; most forms use `TextField`."""

    def __init__(
        self,
        theme: Theme,
        *,
        name: str = "",
        placeholder: str = "",
        icon: str = "",
        suffix: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = icon
        self._suffix = suffix
        self._role = "body"
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(name or placeholder)
        self.setFixedHeight(32)
        self._refont()
        theme.changed.connect(self._refont)
        self._margins(right=theme.metrics("body").horizontalAdvance(suffix) + 8 if suffix else 0)

    def set_role(self, role: str) -> None:
        """Write in another type role, such as "mono" for paths."""
        self._role = role
        self._refont()

    def set_error_state(self, on: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Give it the danger edge."""
        self.setProperty("state", "error" if on else "")
        self.style().unpolish(self)
        self.style().polish(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field, then its icon."""
        super().paintEvent(event)
        if self._icon:
            painter = QPainter(self)
            left = 10 if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else self.width() - 26
            role = "text3" if self.isEnabled() else "disabled"
            paint.icon(painter, self._theme, QRect(left, self.height() // 2 - 8, 16, 16), self._icon, role)
        if self._suffix:
            area = self.rect().adjusted(10, 0, -10, 0)
            right = Qt.AlignmentFlag.AlignRight
            paint.text(QPainter(self), self._theme, area, self._suffix, role="body", ink="text2", align=right)

    def _margins(self, *, right: int) -> None:
        self.setTextMargins(22 if self._icon else 0, 0, right, 0)

    def _refont(self) -> None:
        self.setFont(self._theme.font(self._role))


class SearchField(Input):
    """The quieter search field with its shortcut shown at the right while empty.

    `textChanged` (from QLineEdit) comes with every key; Esc clears. The shortcut moves the focus here while the field's
    window, or the `scope` widget, is active.
    """

    def __init__(
        self,
        theme: Theme,
        placeholder: str,
        *,
        shortcut: QKeySequence | QKeySequence.StandardKey | str | None = QKeySequence.StandardKey.Find,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name=placeholder, placeholder=placeholder, icon="magnifying-glass", parent=parent)
        self.setProperty("quiet", True)
        self.setClearButtonEnabled(False)
        self._hint = ""
        if shortcut is not None:
            keys = QKeySequence(shortcut)
            self._hint = keys.toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")
            self._shortcut = QShortcut(keys, self)
            self._shortcut.activated.connect(self._on_shortcut_activated)
            self._margins(right=theme.metrics("caption").horizontalAdvance(self._hint) + 20)
        self._clear = IconButton(theme, "x", self.tr("Clear the search"), parent=self)
        self._clear.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._clear.hide()
        self._clear.clicked.connect(self.clear)
        self.textChanged.connect(self._on_text_changed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc clears first, then goes on to whoever closes."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the clear button at the right."""
        super().resizeEvent(event)
        self._clear.setGeometry(self.width() - 30, 2, 28, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field and the key hint."""
        super().paintEvent(event)
        if self._hint and not self.text():
            painter = QPainter(self)
            theme = self._theme
            width = theme.metrics("caption").horizontalAdvance(self._hint) + 12
            spot = QRect(self.width() - width - 7, (self.height() - 20) // 2, width, 20)
            paint.box(painter, spot, 4, fill=theme.color("neutral_subtle"))
            centre = Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, theme, spot, self._hint, role="caption", ink="text2", align=centre)

    def _on_text_changed(self, words: str) -> None:
        self._clear.setVisible(bool(words))

    def _on_shortcut_activated(self) -> None:
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()


class FieldFrame(QWidget):
    """Any control with one line under it that holds a hint, or an error in the same place."""

    def __init__(
        self, theme: Theme, control: QWidget, hint: str = "", *, icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.control = control
        self._hint = hint
        self._hint_icon = icon
        self._error = ""
        self._mark = IconLabel(theme, "warning-circle-fill", "danger", 14)
        self._mark.setFixedHeight(18)
        self._line = Label(theme, hint, "caption", "text2", wrap=True)
        self._row = QWidget()
        below = QHBoxLayout(self._row)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(6)
        below.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self._line, 1)
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(6)
        stack.addWidget(control)
        stack.addWidget(self._row)
        self.setFocusProxy(control)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._show()

    def error(self) -> str:
        """Return the error shown, or an empty string."""
        return self._error

    def set_error(self, sentence: str) -> None:
        """Show an error in place of the hint; an empty sentence takes it away."""
        self._error = sentence
        if isinstance(self.control, Input | Select):
            self.control.set_error_state(bool(sentence))
        self._show()

    def set_hint(self, hint: str, icon: str = "") -> None:
        """Change the hint."""
        self._hint, self._hint_icon = hint, icon
        self._show()

    def _show(self) -> None:
        words = self._error or self._hint
        self._row.setVisible(bool(words))
        self._line.set_words(words)
        self._line.set_ink("danger" if self._error else "text2")
        self._mark.setVisible(bool(self._error or (self._hint and self._hint_icon)))
        if self._error:
            self._mark.set_icon("warning-circle-fill", "danger")
        elif self._hint_icon:
            self._mark.set_icon(self._hint_icon, "text2")
        self.control.setAccessibleDescription(words)


class TextField(FieldFrame):
    """A text input with hint and error row.

    Signals `edited(str)` with every key, `left()` when the focus leaves or Enter is pressed: check the value then.
    """

    edited = Signal(str)
    left = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str = "",
        *,
        value: str = "",
        placeholder: str = "",
        hint: str = "",
        icon: str = "",
        parent: QWidget | None = None,
    ) -> None:
        self.input = Input(theme, name=name, placeholder=placeholder, icon=icon)
        super().__init__(theme, self.input, hint, parent=parent)
        self.input.setText(value)
        self.input.textEdited.connect(self.edited)
        self.input.editingFinished.connect(self.left)

    def value(self) -> str:
        """Return the text."""
        return self.input.text()

    def set_value(self, value: str) -> None:
        """Show a text without `edited`."""
        self.input.setText(value)
