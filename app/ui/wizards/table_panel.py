"""The panel of the tables step: what the table under the keyboard holds, as schema or as sample rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Action, may
from app.core.tables import Table
from app.ui.formats import NOTHING, Formats
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.columns import Column, NumberCell, TextCell
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Area, IconLabel, Label, row
from app.ui.widgets.masking import Masking
from app.ui.widgets.table import DataTable
from app.ui.wizards.match_rows import column_type_words
from app.ui.wizards.state import WizardState

if TYPE_CHECKING:
    from app.services.tables import TableSample

ROWS = 20
_SAMPLE_COLUMNS = 6


@dataclass(frozen=True)
class FieldLine:
    """One field of the schema."""

    key: str
    type: str
    empty: float | None
    sample: str
    is_key: bool


@dataclass(frozen=True)
class RowLine:
    """One sample row."""

    key: str
    values: tuple[str, ...]


class TablePanel(QWidget):
    """Shows one table; samples are read in a job and masked until the person asks to see them."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme, self._formats = state.context.theme, state.context.formats
        self._table: Table | None = None
        self._sample: TableSample | None = None
        self._masking = Masking(self)
        self._query = state.query("Read sample rows", delay_ms=120)
        self._query.ready.connect(self._on_sample_ready)
        self._query.failed.connect(self._on_sample_failed)
        self._make_elements()
        self._assemble()

    def _make_elements(self) -> None:
        theme = self._theme
        self._icon = IconLabel(theme, "table", "accent_text", 18)
        self._name = Label(theme, "", "title")
        self._view = Segmented(
            theme, self.tr("Show"), [Choice("schema", self.tr("Schema")), Choice("rows", self.tr("Sample rows"))]
        )
        self._facts = FactList(theme, self.tr("About the table"))
        self._fields: DataTable = DataTable(
            theme,
            self.tr("Fields"),
            _field_columns(self, self._formats),
            row_height=36,
            multiple=False,
            sortable=False,
            edge=20,
        )
        self._rows_holder = QWidget()
        self._rows_layout = QVBoxLayout(self._rows_holder)
        self._rows_layout.setContentsMargins(0, 0, 0, 0)
        self._rows: DataTable | None = None
        self._note = Label(theme, "", "caption", "text2", wrap=True)
        self._note.setContentsMargins(20, 8, 20, 8)
        self._lock = IconLabel(theme, "lock-simple", "text2", 14)
        self._hint = Label(theme, self.tr("Personal values are hidden in previews"), "caption", "text2")
        self._show = Button(theme, self.tr("Show"), "link")
        self._view.chosen.connect(lambda _key: self._show_view())
        self._show.clicked.connect(self._masking.toggle)
        self._masking.changed.connect(self._ask)

    def _assemble(self) -> None:
        head = QWidget()
        inner = QVBoxLayout(head)
        inner.setContentsMargins(20, 14, 20, 12)
        inner.setSpacing(12)
        inner.addLayout(row(self._icon, self._name, None, self._view))
        inner.addWidget(self._facts)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._fields)
        self._stack.addWidget(self._rows_holder)
        foot = Area(self._theme, "subtle", "t")
        foot.setLayout(row(self._lock, self._hint, None, self._show, margins=(20, 8, 20, 8)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(self._note)
        layout.addWidget(self._stack, 1)
        layout.addWidget(foot)

    def show_table(self, table: Table | None) -> None:
        """Show another table, or the same one after a change."""
        if table == self._table or table is None:
            return
        self._table = table
        self._sample = None
        self._masking.mask()
        self._name.set_words(table.name)
        self._facts.set_facts(self._about(table))
        self._fill()
        self._ask()

    def _about(self, table: Table) -> list[Fact]:
        links = [
            link.many_table if link.one_table == table.name else link.one_table
            for link in self._state.facts.catalog.links
            if table.name in {link.one_table, link.many_table}
        ]
        return [
            Fact(self.tr("Rows"), self._formats.number(table.rows)),
            Fact(self.tr("Key"), table.key or self.tr("none")),
            Fact(self.tr("Links to"), ", ".join(dict.fromkeys(links)) or self.tr("no other table")),
            Fact(self.tr("Last refreshed"), self._formats.day_and_clock(table.refreshed_at)),
        ]

    def _ask(self) -> None:
        table = self._table
        if table is None:
            return
        services, masked, name = self._state.context.services, self._masking.on, table.name
        self._query.ask(lambda ctx: services.tables.sample(name, ROWS, ctx, masked=masked, empties=True))

    def _on_sample_ready(self, sample: TableSample) -> None:
        self._sample = sample
        self._note.set_words("")
        self._fill()

    def _on_sample_failed(self, error: object) -> None:
        if isinstance(error, BaseException):
            self._note.set_words(as_sendoff_error(error).what)
        self._show_view()

    def _fill(self) -> None:
        table, sample = self._table, self._sample
        if table is None:
            return
        first = _first_values(sample) if sample is not None else {}
        self._fields.set_rows(
            FieldLine(
                column.name,
                column_type_words(column.type),
                None if sample is None else sample.empties.get(column.name),
                first.get(column.name, ""),
                column.name == table.key,
            )
            for column in table.columns
        )
        if sample is not None:
            self._fill_rows(sample)
        self._show_view()

    def _fill_rows(self, sample: TableSample) -> None:
        if self._rows is not None:
            self._rows_layout.removeWidget(self._rows)
            self._rows.hide()
            self._rows.deleteLater()
        shown = sample.columns[:_SAMPLE_COLUMNS]
        self._rows = DataTable(
            self._theme,
            self.tr("Sample rows"),
            [_value_column(number, column.name) for number, column in enumerate(shown)],
            row_height=36,
            multiple=False,
            sortable=False,
            edge=20,
        )
        self._rows.set_rows(
            RowLine(str(number), tuple(_shown(value) for value in values[: len(shown)]))
            for number, values in enumerate(sample.rows)
        )
        self._rows_layout.addWidget(self._rows)

    def _show_view(self) -> None:
        self._stack.setCurrentIndex(1 if self._view.current() == "rows" and self._rows is not None else 0)
        self._note.setVisible(bool(self._note.words()))
        personal = self._table is not None and any(c.meaning.personal for c in self._table.columns)
        for widget in (self._lock, self._hint):
            widget.setVisible(personal)
        self._show.setVisible(personal and may(self._state.facts.role, Action.SHOW_PERSONAL_VALUES))
        self._show.set_words(self.tr("Show") if self._masking.on else self.tr("Hide"))


def _field_columns(panel: TablePanel, formats: Formats) -> list[Column[FieldLine]]:
    def name(line: FieldLine) -> TextCell:
        return TextCell(line.key, ink="text", icon="key" if line.is_key else "", icon_role="accent_text")

    def empty(line: FieldLine) -> NumberCell:
        if line.empty is None:
            return NumberCell(NOTHING, ink="text2")
        return NumberCell(formats.percent(line.empty), ink="text" if line.empty else "text2")

    return [
        Column("field", panel.tr("Field"), name, stretch=True, width=110),
        Column("type", panel.tr("Type"), lambda line: TextCell(line.type, role="caption", ink="text2"), width=100),
        Column("empty", panel.tr("Empty"), empty, align="right", width=64),
        Column("sample", panel.tr("Sample"), lambda line: TextCell(line.sample, role="mono", ink="text2"), width=116),
    ]


def _value_column(number: int, name: str) -> Column[RowLine]:
    return Column(str(number), name, lambda line: TextCell(line.values[number], role="mono", ink="text2"), width=110)


def _first_values(sample: TableSample) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, column in enumerate(sample.columns):
        value = next((row[number] for row in sample.rows if _shown(row[number])), None)
        found[column.name] = _shown(value)
    return found


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
