"""Values of a table that nobody understands: told beside it, and mapped in a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.errors import SendoffError, as_sendoff_error
from app.core.tables import Meaning, Table
from app.core.value_mapping import MappedValue
from app.jobs import JobContext
from app.ui.formats import Formats
from app.ui.pages.tables.side import TableSide
from app.ui.runner import Finished, LiveQuery, Outcome
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import ElidedLabel, Label
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Scroll
from app.ui.widgets.select import Select

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_values import Unknown
    from app.ui.pages.job_page import JobPage

SHOWN = 100
"""Values offered at once; those left over are offered when these are mapped."""


class MapValuesDialog(Dialog):
    """One line for each value: how many rows have it, and what it means. Signal `save_asked(dict)` with what was changed."""

    save_asked = Signal(object)

    def __init__(
        self,
        theme: Theme,
        formats: Formats,
        opener: QWidget,
        column: str,
        meaning: Meaning,
        values: Sequence[MappedValue],
    ) -> None:
        super().__init__(theme, opener, "", width=560)
        self.set_head(
            self.tr("Map values of {column}").format(column=column),
            self.tr("What they mean where they are matched and sent. The table itself stays as it is."),
        )
        self._meaning = meaning
        self._values = tuple(values)[:SHOWN]
        self.fields: dict[str, Input | Select] = {}
        self.problem = Note(theme, "danger", "")
        self.problem.hide()
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        for number, value in enumerate(self._values):
            rows = Label(theme, formats.counted(value.rows, "rows"), "caption", "text2")
            field = self._field(value)
            self.fields[value.value] = field
            for at, widget in enumerate((ElidedLabel(theme, value.value), rows, field)):
                grid.addWidget(widget, number, at)
        grid.setRowStretch(len(self._values), 1)
        scroll = Scroll(inside)
        scroll.setMinimumHeight(min(320, 40 * len(self._values)))
        self.body.addWidget(scroll)
        self.body.addWidget(self.problem)
        self.add_cancel()
        self.save = self.add_button(Button(theme, self.tr("Save mapping"), "primary"), default=True)
        self.save.clicked.connect(self._on_save)

    def said(self) -> dict[str, str]:
        """What differs from what was known, by value."""
        found = {}
        for value in self._values:
            field = self.fields[value.value]
            typed = field.current_key() if isinstance(field, Select) else field.text().strip()
            if typed != (value.means or ""):
                found[value.value] = typed
        return found

    def show_problem(self, error: SendoffError) -> None:
        """Say why it was refused."""
        self.save.set_busy(False, self.tr("Save mapping"))
        self.problem.set_note("danger", error.what, f"{error.why} {error.fix}".strip())
        self.problem.show()

    def _field(self, value: MappedValue) -> Input | Select:
        name = self.tr("What {value} means").format(value=value.value)
        if self._meaning is Meaning.CONSENT:
            unknown = self.tr("Not said: counts as no")
            choices = [Choice("", unknown), Choice("yes", self.tr("Yes")), Choice("no", self.tr("No"))]
            select = Select(self.theme, name, choices)
            select.set_current_key(value.means or "")
            select.setFixedWidth(190)
            return select
        example = "DE" if self._meaning is Meaning.COUNTRY else "de"
        field = Input(self.theme, name=name, placeholder=self.tr("Such as {code}").format(code=example))
        field.setText(value.means or "")
        field.setFixedWidth(110)
        return field

    def _on_save(self) -> None:
        said = self.said()
        if not said:
            self.accept()
            return
        self.save.set_busy(True)
        self.save_asked.emit(said)


class ValueMapping(QObject):
    """Asks which values of the chosen table are unknown, tells it in the side panel, and lets the person map them."""

    def __init__(self, page: JobPage, side: TableSide) -> None:
        super().__init__(page)
        self._page = page
        self._side = side
        self._table: Table | None = None
        self._first: Unknown | None = None
        self._query = LiveQuery(page.context.runner, "Look for unknown values", delay_ms=0, parent=self)
        self._query.ready.connect(self._on_ready)
        side.map_asked.connect(self._on_asked)

    def show_table(self, table: Table) -> None:
        """Look at another table; what was told of the same one stays meanwhile."""
        if self._table is None or self._table.id != table.id:
            self._side.show_unknown("", "")
        self._table = table
        service = self._page.context.services.tables
        self._query.ask(lambda ctx: (table, service.values.unknown(table.name, ctx)), at_once=True)

    def _on_ready(self, told: tuple[Table, tuple[Unknown, ...]]) -> None:
        table, unknown = told
        if self._table is None or table.id != self._table.id:
            return
        self._first = next(iter(unknown), None)
        if self._first is None:
            self._side.show_unknown("", "")
            return
        column = table.column(self._first.column)
        number = self._page.context.formats.number
        words = {
            Meaning.COUNTRY: self.tr("{n} of {total} values are no country we know."),
            Meaning.LANGUAGE: self.tr("{n} of {total} values are no language we know."),
            Meaning.CONSENT: self.tr("{n} of {total} values say neither yes nor no, and count as no."),
        }[Meaning.CONSENT if column is None else column.meaning]
        title = self.tr("{column} holds unknown values").format(column=self._first.column)
        self._side.show_unknown(title, words.format(n=number(self._first.values), total=number(self._first.of)))

    def _on_asked(self) -> None:
        table, unknown = self._table, self._first
        if table is None or unknown is None:
            return
        service = self._page.context.services.tables
        self._page.do(
            "Read the values",
            lambda ctx: service.values.values(table.name, unknown.column, ctx),
            partial(self._open, table, unknown.column),
            pool="queries",
        )

    def _open(self, table: Table, name: str, values: tuple[MappedValue, ...]) -> None:
        column = table.column(name)
        if column is None:
            return
        context = self._page.context
        dialog = MapValuesDialog(context.theme, context.formats, self._page, name, column.meaning, values)
        dialog.save_asked.connect(partial(self._save, dialog, table.name, name))
        dialog.open()

    def _save(self, dialog: MapValuesDialog, table: str, column: str, said: dict[str, str]) -> None:
        context = self._page.context

        def work(_ctx: JobContext) -> Table:
            return context.services.tables.values.map(table, column, said)

        def ended(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                context.navigator.toast(self.tr("{column} is mapped").format(column=column))
                context.navigator.changed("tables")
            if not shiboken6.isValid(dialog):
                return
            if end.outcome is Outcome.DONE:
                dialog.accept()
            elif end.error is not None:
                dialog.show_problem(as_sendoff_error(end.error))

        context.runner.submit("store", "Map values", work, on_finished=ended)
