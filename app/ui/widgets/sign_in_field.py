"""A field that is filled by signing in with the browser; shows only whether there is a sign-in."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.fields import FieldFrame, Input


class SignInField(FieldFrame):
    """Whether somebody is signed in, and the button for it.

    Signals: `asked()` when the person wants to sign in, `stopped()` when they do not want to wait for the browser any longer,
    `link_asked()` when the page did not open by itself. `typed()` returns what a sign-in of this visit gave.

    Args:
        theme: the theme.
        name: label of the field.
        provider: whose page opens.
    """

    asked = Signal()
    stopped = Signal()
    link_asked = Signal()

    def __init__(self, theme: Theme, name: str, provider: str, *, hint: str = "") -> None:
        self._provider = provider
        self._name = name
        self._content = ""
        self._stored = False
        self._waits = False
        self._state = Input(theme, name=name, icon="key")
        self._sign_in = Button(theme, "")
        self._link = Button(theme, "", "link")
        holder = QWidget()
        super().__init__(theme, holder, hint, icon="lock-simple")
        self._state.setReadOnly(True)
        self._link.set_words(self.tr("Copy the address"))
        inside = QHBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self._state, 1)
        inside.addWidget(self._link)
        inside.addWidget(self._sign_in)
        self.setFocusProxy(self._sign_in)
        self._sign_in.clicked.connect(self._on_clicked)
        self._link.clicked.connect(self.link_asked)
        self._renew()

    def typed(self) -> str | None:
        """Return what the sign-in of this visit gave; None when there was none."""
        return self._content or None

    def set_content(self, content: str) -> None:
        """Keep what a sign-in gave, until the dialog closes; empty when it gave nothing."""
        self._content = content
        self.set_waiting(False)

    def set_stored(self, stored: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show that the password store holds a sign-in, or that nobody is signed in; forgets that of this visit."""
        self._stored, self._content = stored, ""
        self._renew()

    def set_waiting(self, waits: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Show that the browser is waited for."""
        self._waits = waits
        self._renew()

    def is_waiting(self) -> bool:
        """Whether the browser is waited for."""
        return self._waits

    def _renew(self) -> None:
        signed_in = bool(self._content) or self._stored
        if self._waits:
            state, words = self.tr("Waiting for your browser…"), self.tr("Stop")
        elif signed_in:
            state, words = self.tr("Signed in"), self.tr("Sign in again…")
        else:
            state = self.tr("Nobody is signed in")
            words = self.tr("Sign in with {provider}…").format(provider=self._provider)
        self._state.setText(state)
        self._sign_in.set_words(words)
        self._sign_in.setAccessibleName(f"{words} {self._name}" if self._waits or signed_in else words)
        self._link.setVisible(self._waits)

    def _on_clicked(self) -> None:
        if self._waits:
            self.stopped.emit()
        else:
            self.asked.emit()
