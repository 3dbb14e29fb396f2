"""A new link between two tables: which column of the one stands in which column of the many."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.errors import SendoffError
from app.core.segments import FieldRef
from app.core.tables import Table
from app.ui.pages.tables.words import type_word
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Label
from app.ui.widgets.notes import Note
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker
from app.ui.widgets.select import Select


class TableLinkDialog(Dialog):
    """Signal `link_asked(one, many)` gives two fields; whoever links them closes the dialog or shows the error in it."""

    link_asked = Signal(object, object)

    def __init__(self, theme: Theme, opener: QWidget, tables: Sequence[Table], current: Table) -> None:
        super().__init__(theme, opener, "", width=640)
        self.set_head(
            self.tr("Add a link"),
            self.tr("Rows of two tables that belong together, such as a customer and the orders."),
        )
        self._fitting: set[str] = set()
        self._tables = {table.name: table for table in tables}
        names = [Choice(table.name, table.name) for table in tables]
        self.one_table = Select(theme, "", names)
        self.one_column = Picker(theme, self.tr("Known by"))
        self.many_table = Select(theme, "", names)
        self.many_column = Picker(theme, self.tr("Named there in"), placeholder=self.tr("Choose a column"))
        self.sentence = Label(theme, "", "body", "text2", wrap=True)
        self.problem = Note(theme, "danger", "")
        self.problem.hide()
        self.add_cancel()
        self.link_button = self.add_button(Button(theme, self.tr("Add link"), "primary"), default=True)
        self._assemble()
        other = next((table.name for table in tables if table.name != current.name), current.name)
        self.one_table.set_current_key(current.name)
        self.many_table.set_current_key(other)
        self._fill_one()
        self._fill_many()
        for select, then in (
            (self.one_table, self._on_one_table_chosen),
            (self.many_table, self._on_many_table_chosen),
            (self.one_column, self._fill_many),
            (self.many_column, self._renew),
        ):
            select.chosen.connect(lambda _key, then=then: then())
        self.link_button.clicked.connect(self._on_link)

    def show_problem(self, error: SendoffError) -> None:
        """Say why the link was refused."""
        self.link_button.set_busy(False, self.tr("Add link"))
        self.problem.set_note("danger", error.what, f"{error.why} {error.fix}".strip())
        self.problem.show()

    def _assemble(self) -> None:
        one, many = Form(self.theme, spacing=12), Form(self.theme, spacing=12)
        one.add_row(self.tr("One row of"), self.one_table)
        one.add_row(self.tr("Known by"), self.one_column, self.tr("Every value stands in one row only."))
        many.add_row(self.tr("Has many rows of"), self.many_table)
        many.add_row(self.tr("Named there in"), self.many_column, self.tr("Of the same type."))
        both = Form(self.theme)
        both.add_pair(one, many)
        self.body.addWidget(both)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.problem)

    def _on_one_table_chosen(self) -> None:
        self._fill_one()
        self._fill_many()

    def _on_many_table_chosen(self) -> None:
        self._fill_many()

    def _fill_one(self) -> None:
        table = self._tables[self.one_table.current_key()]
        self.one_column.set_items([PickItem(c.name, c.name, type_word(c.type)) for c in table.columns])
        self.one_column.set_current_key(table.key or table.columns[0].name)

    def _fill_many(self) -> None:
        """Offer the columns of the same type; one named like the other is chosen."""
        one = self._tables[self.one_table.current_key()].column(self.one_column.current_key())
        table = self._tables[self.many_table.current_key()]
        fitting = [c for c in table.columns if one is not None and c.type is one.type and c.name != table.key]
        self._fitting = {column.name for column in fitting}
        self.many_column.set_items([PickItem(c.name, c.name, type_word(c.type)) for c in fitting])
        if self.many_column.current_key() not in self._fitting:
            self.many_column.set_current_key(one.name if one is not None and one.name in self._fitting else "")
        self._renew()

    def _renew(self) -> None:
        one, many = self.one_table.current_key(), self.many_table.current_key()
        ready = self.many_column.current_key() in self._fitting and one != many
        words = self.tr("Each row of {one} may have many rows of {many}.").format(one=one, many=many)
        if one == many:
            words = self.tr("A table can't be linked to itself. Choose another one.")
        elif not self._fitting:
            words = self.tr("{many} has no column of that type.").format(many=many)
        self.sentence.set_words(words)
        self.problem.hide()
        self.link_button.setEnabled(ready)

    def _on_link(self) -> None:
        self.link_button.set_busy(True, self.tr("Checking…"))
        self.link_asked.emit(
            FieldRef(self.one_table.current_key(), self.one_column.current_key()),
            FieldRef(self.many_table.current_key(), self.many_column.current_key()),
        )
