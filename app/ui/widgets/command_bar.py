"""The command bar of a page: primary button, ghost commands that fold into `...`, and what stands at the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QSize
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.labels import Area, Line
from app.ui.widgets.menus import Menu

HEIGHT = 48
_GAP = 4


@dataclass(frozen=True)
class Command:
    """One action of a page: verb first, icon, the shortcut as shown (the page owns the shortcut itself)."""

    key: str
    text: str
    icon: str
    callback: Callable[[], object]
    shortcut: str = ""
    danger: bool = False


@dataclass
class _Entry:
    command: Command
    button: Button
    shown: bool = True
    enabled: bool = True
    reason: str = ""


class CommandBar(Area):
    """Commands in one row of 48 px.

    `add_primary` first, then `add_command` for each ghost action; `add_right` fills the right end ("1 selected", clear).
    When the row is too narrow, commands move from the right into `...`. `fill_menu` adds the same commands to a row's
    context menu. Commands the role may not do are hidden, commands not possible now disabled with a reason.
    """

    def __init__(self, theme: Theme, name: str, *, edge: int = 24, parent: QWidget | None = None) -> None:
        super().__init__(theme, "surface", "tb", parent)
        self._theme = theme
        self._edge = edge
        self._entries: dict[str, _Entry] = {}
        self.setAccessibleName(name)
        self.setFixedHeight(HEIGHT + 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._left, self._middle, self._right = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for part in (self._left, self._middle, self._right):
            part.setSpacing(_GAP)
        self._more = IconButton(theme, "dots-three-bold", self.tr("More commands"))
        self._more.clicked.connect(self._on_more_clicked)
        self._more.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(edge, 0, edge, 0)
        layout.setSpacing(8)
        layout.addLayout(self._left)
        layout.addLayout(self._middle)
        layout.addWidget(self._more)
        layout.addStretch(1)
        layout.addLayout(self._right)

    def add_primary(self, button: Button) -> Button:
        """Put the primary button first, with the divider after it."""
        divider = Line(self._theme, vertical=True, role="border")
        divider.setFixedHeight(20)
        self._left.addWidget(button)
        self._left.addSpacing(4)
        self._left.addWidget(divider)
        return button

    def add_command(self, command: Command) -> Button:
        """Add a ghost action."""
        button = Button(self._theme, command.text, "ghost", icon=command.icon, shortcut_hint=command.shortcut or None)
        button.clicked.connect(lambda _checked=False: self._run(command.key))
        self._entries[command.key] = _Entry(command, button)
        self._middle.addWidget(button)
        self._fold()
        return button

    def add_right(self, widget: QWidget) -> QWidget:
        """Add a widget at the right end; call `refold` after its width changed."""
        self._right.addWidget(widget)
        return widget

    def set_command(
        self, key: str, *, enabled: bool = True, reason: str = "", shown: bool = True, text: str = ""
    ) -> None:
        """Enable, disable with a reason, hide or rename a command ("Run" becomes "Cancel run")."""
        entry = self._entries[key]
        entry.enabled, entry.reason, entry.shown = enabled, reason, shown
        entry.button.setEnabled(enabled)
        words = text or entry.command.text
        if entry.button.text() != words:
            entry.button.set_words(words)
        keys = QKeySequence(entry.command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        usual = f"{words} ({keys})" if keys else words
        entry.button.setToolTip(reason if reason and not enabled else usual)
        self._fold()

    def fill_menu(self, menu: Menu, keys: list[str] | None = None) -> None:
        """Add the shown commands (or those named) to a menu."""
        for key, entry in self._entries.items():
            if entry.shown and (keys is None or key in keys):
                self._add_to(menu, entry)

    def refold(self) -> None:
        """Fit the commands to the width again."""
        self._fold()

    def folded(self) -> list[str]:
        """Return the commands that are in `...` now."""
        return [key for key, entry in self._entries.items() if entry.shown and entry.button.isHidden()]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold what no longer fits."""
        super().resizeEvent(event)
        self._fold()

    def showEvent(self, event: QEvent) -> None:
        """Fold by the real width."""
        super().showEvent(event)
        self._fold()

    def minimumSizeHint(self) -> QSize:
        """May shrink to primary and `...`."""
        return QSize(self._left.sizeHint().width() + 28 + 2 * self._edge, HEIGHT + 2)

    def _fold(self) -> None:
        shown = [entry for entry in self._entries.values() if entry.shown]
        for entry in self._entries.values():
            if not entry.shown:
                entry.button.hide()
        room = self.width() - 2 * self._edge - self._left.sizeHint().width() - self._right.sizeHint().width() - 32
        widths = [entry.button.sizeHint().width() + _GAP for entry in shown]
        fits = len(shown)
        if sum(widths) > room:
            room -= self._more.sizeHint().width() + 8
            while fits and sum(widths[:fits]) > room:
                fits -= 1
        for number, entry in enumerate(shown):
            entry.button.setVisible(number < fits)
        self._more.setVisible(fits < len(shown))

    def _run(self, key: str) -> None:
        entry = self._entries[key]
        if entry.enabled:
            entry.command.callback()

    def _add_to(self, menu: Menu, entry: _Entry) -> None:
        command = entry.command
        menu.add(
            entry.button.text(),
            lambda: self._run(command.key),
            icon=command.icon,
            shortcut=command.shortcut or None,
            enabled=entry.enabled,
            reason=entry.reason,
            danger=command.danger,
        )

    def _on_more_clicked(self) -> None:
        menu = Menu(self._theme, self.tr("More commands"), self)
        hidden = self.folded()
        self.fill_menu(menu, hidden)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._more.mapToGlobal(QPoint(0, self._more.height() + 4)))
