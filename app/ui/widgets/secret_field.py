"""The field of a secret: it is never shown again once it is kept."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.fields import FieldFrame, Input
from app.ui.widgets.menus import Menu

REVEAL_MS = 20_000


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
