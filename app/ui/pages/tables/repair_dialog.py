"""Deciding about columns that are gone: before a refresh is taken, and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.table_changes import UserKind, stands_in
from app.core.tables import Table
from app.ui.formats import Formats
from app.ui.pages.tables.columns_in_place import ColumnsInPlace, broken_list
from app.ui.pages.tables.words import type_word
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh, Missing


class TableRepairDialog(Dialog):
    """A refresh that waits. Signals: `use_asked(dict)` maps columns to those in their place, `take_asked()`, `keep_asked()`."""

    use_asked = Signal(object)
    take_asked = Signal()
    keep_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, opener: QWidget, table: str, held: HeldRefresh) -> None:
        super().__init__(theme, opener, "", width=640)
        self.set_head(
            self.tr("{table} was not refreshed").format(table=table),
            self.tr("Its source has other columns now. The old rows stay until you decide."),
        )
        gone = {column.name: type_word(column.type) for column in held.gone}
        self.columns = ColumnsInPlace(theme, formats, gone, held.columns, held.offers, held.chosen, held.broken)
        self.use_button = Button(theme, self.tr("Use these columns"), "primary")
        self.take_button = Button(theme, self.tr("Take it as it is"), "danger")
        self.keep_button = Button(theme, self.tr("Keep old rows"), "secondary")
        self._title = Label(theme, self.tr("Columns that are gone"), "subtitle")
        self.body.addWidget(self._title)
        self.body.addWidget(self.columns)
        for retyped in held.changed.retyped:
            words = self.tr("{column} was {before} and is {now} now.").format(
                column=retyped.name, before=type_word(retyped.before).lower(), now=type_word(retyped.now).lower()
            )
            self.body.addWidget(Label(theme, words, wrap=True))
        self.body.addWidget(Label(theme, self.tr("What would stop working"), "subtitle"))
        self.body.addLayout(broken_list(theme, held.broken))
        keyless = any(broken.kind is UserKind.KEY for broken in held.broken)
        words = self.tr("“Take it as it is” brings the new rows; what is listed stops until you mend it.")
        if keyless:
            words = self.tr("Without its key the table can't be taken as it is.")
        self.body.addWidget(Label(theme, words, "caption", "text2", wrap=True))
        self.add_left(self.keep_button)
        self.add_button(self.take_button)
        self.add_button(self.use_button, default=True)
        for part in (self._title, self.columns, self.use_button):
            part.setVisible(bool(gone))
        self.take_button.setVisible(not keyless)
        self.columns.changed.connect(self._renew)
        self.use_button.clicked.connect(self._on_use)
        self.take_button.clicked.connect(self._on_take)
        self.keep_button.clicked.connect(self._on_keep)
        self._renew()

    def _renew(self) -> None:
        self.use_button.setEnabled(self.columns.is_whole())

    def _on_use(self) -> None:
        self.accept()
        self.use_asked.emit(self.columns.chosen())

    def _on_take(self) -> None:
        self.accept()
        self.take_asked.emit()

    def _on_keep(self) -> None:
        self.reject()
        self.keep_asked.emit()


class MissingColumnsDialog(Dialog):
    """Columns that a table does not have any more. Signal `use_asked(dict)` maps them to those in their place."""

    use_asked = Signal(object)

    def __init__(self, theme: Theme, formats: Formats, opener: QWidget, table: Table, missing: Missing) -> None:
        super().__init__(theme, opener, "", width=640)
        self.set_head(
            self.tr("Columns that {table} does not have").format(table=table.name),
            self.tr("What needs them does not work. Another column can stand in their place."),
        )
        there = [column.name for column in table.columns]
        chosen = {gone: new for gone in missing.columns if (new := stands_in(gone, there)) is not None}
        gone_ones = dict.fromkeys(missing.columns, "")
        self.columns = ColumnsInPlace(theme, formats, gone_ones, table.columns, (), chosen, missing.broken)
        self.use_button = Button(theme, self.tr("Use these columns"), "primary")
        self.body.addWidget(self.columns)
        self.body.addWidget(Label(theme, self.tr("What needs them"), "subtitle"))
        self.body.addLayout(broken_list(theme, missing.broken))
        self.add_cancel()
        self.add_button(self.use_button, default=True)
        self.columns.changed.connect(self._renew)
        self.use_button.clicked.connect(self._on_use)
        self._renew()

    def _renew(self) -> None:
        self.use_button.setEnabled(self.columns.is_whole())

    def _on_use(self) -> None:
        self.accept()
        self.use_asked.emit(self.columns.chosen())
