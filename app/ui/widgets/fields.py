"""Fields: text with hint and error below, search, select, and the secret that is never shown again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QSizePolicy,
    QStyledItemDelegate,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.choice import Choice
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import IconLabel, Label
from app.ui.widgets.menus import Menu

REVEAL_MS = 20_000


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


class _SecretInput(Input):
    """Masked; pasting works, copying and dragging out do not."""

    left = Signal()

    def __init__(self, theme: Theme, name: str, placeholder: str) -> None:
        super().__init__(theme, name=name, placeholder=placeholder, icon="key")
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setDragEnabled(False)
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhHiddenText
            | Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Refuse copy and cut, also while revealed."""
        if event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.Cut):
            event.accept()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QEvent) -> None:
        """Offer paste alone."""
        menu = Menu(self._theme, self.tr("Secret"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add(self.tr("Paste"), self.paste, shortcut=QKeySequence.StandardKey.Paste)
        menu.popup(event.globalPos())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that it was left."""
        super().focusOutEvent(event)
        self.left.emit()


class SecretField(FieldFrame):
    """A secret: typed once, then "Stored" and Replace; never the value or part of it.

    Signals: `edited()` with every key; `left()` when the focus leaves; `replace_asked()` when the person starts over.
    `typed()` returns what was typed in this visit, None when nothing was. The eye reveals that for 20 s, or until the focus
    leaves the field.

    Args:
        theme: the theme.
        name: label of the field.
        stored: whether the system's store already holds it.
        store_name: where it is kept, shown under the field, e.g. "Secret Service".
        placeholder: shown while empty.
    """

    edited = Signal()
    left = Signal()
    replace_asked = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        stored: bool = False,
        store_name: str = "",
        placeholder: str = "",
        parent: QWidget | None = None,
    ) -> None:
        holder = QWidget()
        self._name = name
        self._input = _SecretInput(theme, name, placeholder)
        self._stored_row = QWidget()
        self._stored_label = Input(theme, name=name, icon="key")
        self._stored_label.setReadOnly(True)
        self._stored_label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._replace = Button(theme, self.tr("Replace"))
        hint = ""
        if store_name:
            hint = self.tr("Stored in {store}, never in the workspace file.").format(store=store_name)
        super().__init__(theme, holder, hint, icon="lock-simple", parent=parent)
        self._stored_label.setText(self.tr("Stored"))
        self._replace.setAccessibleName(self.tr("Replace {name}").format(name=name))
        self._eye = IconButton(theme, "eye", self.tr("Show what you typed"), parent=self._input)
        self._eye.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._input.setTextMargins(22, 0, 30, 0)
        self._input.installEventFilter(self)
        stored_layout = QHBoxLayout(self._stored_row)
        stored_layout.setContentsMargins(0, 0, 0, 0)
        stored_layout.setSpacing(8)
        stored_layout.addWidget(self._stored_label, 1)
        stored_layout.addWidget(self._replace)
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._input)
        layout.addWidget(self._stored_row)
        self._hide_timer = QTimer(self)
        self._hide_timer.setSingleShot(True)
        self._hide_timer.setInterval(REVEAL_MS)
        self._hide_timer.timeout.connect(self.conceal)
        self._eye.clicked.connect(self._on_eye_clicked)
        self._replace.clicked.connect(self._on_replace_clicked)
        self._input.textEdited.connect(self._on_text_edited)
        self._input.left.connect(self._on_input_left)
        self.set_stored(stored)

    def typed(self) -> str | None:
        """Return what was typed in this visit; None when nothing was."""
        return self._input.text() or None

    def is_stored(self) -> bool:
        """Whether "Stored" is shown."""
        return self._stored_row.isVisibleTo(self)

    def set_stored(self, stored: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show "Stored" and Replace, or the empty input; forgets what was typed."""
        self.conceal()
        self._input.clear()
        self._input.setVisible(not stored)
        self._stored_row.setVisible(stored)
        self.setFocusProxy(self._replace if stored else self._input)

    def is_revealed(self) -> bool:
        """Whether the typed value is readable now."""
        return self._input.echoMode() == QLineEdit.EchoMode.Normal

    def conceal(self) -> None:
        """Mask the value."""
        self._hide_timer.stop()
        self._input.setEchoMode(QLineEdit.EchoMode.Password)
        self._eye.set_icon_name("eye")
        self._eye.setAccessibleName(self.tr("Show what you typed"))

    def set_error(self, sentence: str) -> None:
        """Show an error under the field."""
        self._input.set_error_state(bool(sentence))
        super().set_error(sentence)
        self._input.setAccessibleDescription(self.control.accessibleDescription())

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:
        """Keep the eye at the right of the input."""
        if watched is self._input and event.type() == QEvent.Type.Resize:
            self._eye.setGeometry(self._input.width() - 32, 2, 28, 28)
        return super().eventFilter(watched, event)

    def _on_eye_clicked(self) -> None:
        if self.is_revealed():
            self.conceal()
            return
        if not self._input.text():
            return
        self._input.setFocus(Qt.FocusReason.OtherFocusReason)
        self._input.setEchoMode(QLineEdit.EchoMode.Normal)
        self._eye.set_icon_name("eye-slash")
        self._eye.setAccessibleName(self.tr("Hide what you typed"))
        self._hide_timer.start()

    def _on_replace_clicked(self) -> None:
        self.set_stored(False)
        self._input.setFocus(Qt.FocusReason.TabFocusReason)
        self.replace_asked.emit()

    def _on_text_edited(self, _words: str) -> None:
        self.edited.emit()

    def _on_input_left(self) -> None:
        if not self._eye.hasFocus() and not self._eye.isDown():
            self.conceal()
            self.left.emit()


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
        theme = self._theme
        live = self.isEnabled()
        edge = "danger_fill" if self._error else ("control" if live else "border")
        fill = "surface" if live else "neutral_subtle"
        if live and self.underMouse():
            fill = "hover"
        paint.box(painter, self.rect(), 6, fill=theme.color(fill), edge=theme.color(edge))
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
