"""The head of the builder: the segment's name, edited in place; undo, redo, and what can be done with the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.pages.segments.builder_state import BuilderState
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import ElidedLabel, row
from app.ui.widgets.menus import Menu


class TitleLine(QWidget):
    """Name with pencil, undo, redo, more. Signals `copy_asked()`, `remove_asked()`."""

    copy_asked = Signal()
    remove_asked = Signal()

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._state = state
        self._users: tuple[str, ...] = ()
        self.name = ElidedLabel(theme, "", "title")
        self.field = Input(theme, name=self.tr("Name of the segment"))
        self.field.setMaxLength(120)
        self.rename = IconButton(theme, "pencil-simple", self.tr("Rename"), shortcut_hint="F2")
        self.undo = IconButton(
            theme, "arrow-counter-clockwise", self.tr("Undo"), shortcut_hint=QKeySequence.StandardKey.Undo
        )
        self.redo = IconButton(theme, "arrow-clockwise", self.tr("Redo"), shortcut_hint=QKeySequence.StandardKey.Redo)
        self.more = IconButton(theme, "dots-three-bold", self.tr("More for this segment"))
        line = row(self.name, self.field, self.rename, None, self.undo, self.redo, self.more, spacing=6)
        line.setStretch(0, 1000)
        line.setStretch(1, 1000)
        self.setLayout(line)
        self.setFixedHeight(32)
        self.field.hide()
        self.field.installEventFilter(self)
        self.rename.clicked.connect(self.begin)
        self.field.editingFinished.connect(self._on_done)
        self.undo.clicked.connect(state.undo)
        self.redo.clicked.connect(state.redo)
        self.more.clicked.connect(self._on_more)

    def set_may_change(self, may: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Offer what changes the segment."""
        for part in (self.rename, self.undo, self.redo, self.more):
            part.setVisible(may)

    def set_users(self, names: Sequence[str]) -> None:
        """What keeps it from being removed."""
        self._users = tuple(names)

    def users(self) -> tuple[str, ...]:
        """Who uses the saved segment."""
        return self._users

    def show_state(self) -> None:
        """Show the name and what can be undone."""
        history = self._state.history
        if history is None:
            return
        name = history.present.name
        self.name.setMaximumWidth(self._state.context.theme.metrics("title").horizontalAdvance(name) + 4)
        self.name.set_words(name)
        self.undo.setEnabled(bool(history.past))
        self.redo.setEnabled(bool(history.future))

    def begin(self) -> None:
        """Edit the name in place."""
        self.field.setText(self._state.draft.name)
        self._show_field(on=True)
        self.field.setFocus(Qt.FocusReason.TabFocusReason)
        self.field.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc leaves the name as it was."""
        escape = event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        if watched is self.field and escape and event.key() == Qt.Key.Key_Escape:
            self.field.setText(self._state.draft.name)
            self._show_field(on=False)
            return True
        return super().eventFilter(watched, event)

    def _on_done(self) -> None:
        if not self.field.isVisibleTo(self):
            return
        name = self.field.text().strip()
        self._show_field(on=False)
        if name:
            self._state.do(lambda s: replace(s, name=name))

    def _show_field(self, *, on: bool) -> None:
        self.field.setVisible(on)
        self.name.setVisible(not on)
        self.rename.setVisible(not on)
        if not on:
            self.rename.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_more(self) -> None:
        menu = Menu(self._state.context.theme, self.tr("More for this segment"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add(self.tr("Rename"), self.begin, icon="pencil-simple")
        menu.add(self.tr("Save as a new segment"), self.copy_asked.emit, icon="copy")
        menu.add(self.tr("Recount"), lambda: self._state.ask(at_once=True), icon="arrows-clockwise")
        menu.addSeparator()
        saved = self._state.saved is not None
        reason = ""
        if not saved:
            reason = self.tr("It is not saved yet.")
        elif self._users:
            reason = self.tr("It is needed by {names}.").format(names=", ".join(self._users))
        menu.add(
            self.tr("Remove segment"),
            self.remove_asked.emit,
            icon="trash",
            danger=True,
            enabled=not reason,
            reason=reason,
        )
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
