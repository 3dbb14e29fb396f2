"""The bar of a page's commands; what does not fit moves from the right into `...`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.labels import Area, Label, Line
from app.ui.widgets.menus import Menu

HEIGHT = 49
_EDGE, _GAP = 24, 4


@dataclass(frozen=True)
class Command:
    """A command: verb first; `shortcut` is shown, the shortcut itself belongs to the page."""

    key: str
    words: str
    icon: str
    callback: Callable[[], object]
    shortcut: QKeySequence | QKeySequence.StandardKey | str | None = None
    danger: bool = False


class CommandBar(Area):
    """Primary button, commands, "n selected" and a button that clears the selection.

    `set_state(key, enabled, reason)`, `set_words(key, words, icon)`, `set_shown(key, bool)`, `set_selected(n, words)`.
    Signals: `clear_asked()`, `details_asked()`.
    """

    clear_asked = Signal()
    details_asked = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, "surface", "b", parent=parent)
        self._theme = theme
        self._commands: dict[str, Command] = {}
        self._buttons: dict[str, Button] = {}
        self._reasons: dict[str, str] = {}
        self._shown: dict[str, bool] = {}
        self._primary: Button | None = None
        self.setAccessibleName(name)
        self.setFixedHeight(HEIGHT)
        self._divider = Line(theme, vertical=True, role="border")
        self._divider.setFixedHeight(20)
        self._divider.hide()
        self.more = IconButton(theme, "dots-three-bold", self.tr("More commands"), small=False)
        self.more.clicked.connect(self._on_more_clicked)
        self.details = Button(theme, self.tr("Details"), "ghost", icon="info", shortcut_hint="Ctrl+I")
        self.details.clicked.connect(self.details_asked)
        self.details.hide()
        self._selected = Label(theme, "", "caption", "text2")
        self._clear = IconButton(theme, "x", self.tr("Clear the selection"))
        self._clear.clicked.connect(self.clear_asked)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(_EDGE, 0, 20, 1)
        self._row.setSpacing(_GAP)
        self._row.addWidget(self._divider)
        self._row.addWidget(self.more)
        self._row.addStretch(1)
        self._row.addWidget(self.details)
        self._row.addWidget(self._selected)
        self._row.addSpacing(2)
        self._row.addWidget(self._clear)
        self.set_selected("")

    def set_primary(self, button: Button) -> None:
        """Put the primary button first."""
        self._primary = button
        self._row.insertWidget(0, button)
        self._row.insertSpacing(1, 4)
        self._divider.show()
        self._arrange()

    def add(self, command: Command) -> Button:
        """Add a command at the right of the others."""
        button = Button(self._theme, command.words, "ghost", icon=command.icon, shortcut_hint=command.shortcut)
        button.clicked.connect(lambda _checked=False: command.callback())
        self._commands[command.key] = command
        self._buttons[command.key] = button
        self._shown[command.key] = True
        self._row.insertWidget(self._row.indexOf(self.more), button)
        self._arrange()
        return button

    def button(self, key: str) -> Button:
        """Return the button of a command; it may be hidden because it does not fit."""
        return self._buttons[key]

    def set_state(self, key: str, *, enabled: bool, reason: str = "") -> None:
        """Enable a command, or disable it with the reason as its tooltip."""
        button, command = self._buttons[key], self._commands[key]
        button.setEnabled(enabled)
        self._reasons[key] = "" if enabled else reason
        tip = button.text()
        if command.shortcut is not None:
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            tip = f"{tip} ({keys})"
        button.setToolTip(self._reasons[key] or tip)

    def set_words(self, key: str, words: str, icon: str) -> None:
        """Let a command say something else, as Run becomes Cancel run."""
        button = self._buttons[key]
        if button.text() != words:
            button.set_words(words)
            button.set_icon_name(icon)
            self._arrange()

    def set_shown(self, key: str, *, shown: bool) -> None:
        """Take away what the role may not do."""
        if self._shown[key] != shown:
            self._shown[key] = shown
            self._arrange()

    def set_primary_shown(self, *, shown: bool) -> None:
        """Take away the primary button."""
        if self._primary is not None:
            self._primary.setVisible(shown)
            self._divider.setVisible(shown)
            self._arrange()

    def set_selected(self, words: str) -> None:
        """Say how many are selected; "" hides it with the button that clears."""
        self._selected.set_words(words)
        self._selected.setVisible(bool(words))
        self._clear.setVisible(bool(words))
        self._arrange()

    def set_details_shown(self, *, shown: bool) -> None:
        """Show the Details button, when the drawer lies over the page."""
        self.details.setVisible(shown)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """As narrow as wanted: commands move into the menu."""
        return QSize(320, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move what does not fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        room = self.width() - _EDGE - 20
        if self._primary is not None and not self._primary.isHidden():
            room -= self._primary.sizeHint().width() + 4 + 1 + 2 * _GAP
        for side in (self.details, self._selected, self._clear):
            if not side.isHidden():
                room -= side.sizeHint().width() + 2 * _GAP
        keys = [key for key, shown in self._shown.items() if shown]
        widths = {key: self._buttons[key].sizeHint().width() + _GAP for key in keys}
        fits = sum(widths.values()) <= room
        if not fits:
            room -= self.more.sizeHint().width() + _GAP
        full = False
        for key, button in self._buttons.items():
            if key not in widths:
                button.hide()
                continue
            room -= widths[key]
            full = full or (not fits and room < 0)
            button.setVisible(not full)
        self.more.setVisible(not fits)

    def _on_more_clicked(self) -> None:
        menu = Menu(self._theme, self.more.accessibleName(), self)
        for key, button in self._buttons.items():
            if self._shown[key] and button.isHidden():
                command = self._commands[key]
                menu.add(
                    button.text(),
                    command.callback,
                    icon=command.icon,
                    shortcut=command.shortcut,
                    enabled=button.isEnabled(),
                    reason=self._reasons.get(key, ""),
                    danger=command.danger,
                )
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
