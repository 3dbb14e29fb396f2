"""Second step of the data-out wizard: which tables and fields are written."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core import table_choices as choosing
from app.core.drafts import Step
from app.core.table_choices import Choices
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, row
from app.ui.widgets.states import EmptyState
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.step import StepWidget, fill
from app.ui.wizards.table_panel import TablePanel
from app.ui.wizards.table_tree import Node, TableTree


class TablesStep(StepWidget):
    """A tree with boxes, the schema beside it, the totals below."""

    step = Step.CONTENT
    state: DataOutState

    def __init__(self, state: DataOutState, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._before_hiding: Choices | None = None
        self._make_elements()
        self._connect()
        self._assemble()

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Tables and fields")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Choose tables and fields")

    def sentence(self) -> str:
        """What becomes of them."""
        return self.tr("Whole tables are written with their schema. Links between tables are kept in the metadata.")

    def summary(self) -> str:
        """How many."""
        return self._totals_words() if self.state.draft.tables else self.tr("Not chosen yet")

    def side_panel(self) -> QWidget:
        """Schema and sample rows."""
        return self._panel

    def panel_number(self) -> str:
        """The totals."""
        return self._totals_words()

    # Building

    def _make_elements(self) -> None:
        theme = self.theme
        self._search = SearchField(theme, self.tr("Search tables and fields"))
        self._search.setFixedWidth(264)
        self._chips = ChipBar(theme, self.tr("Which tables"), self._choices())
        self._hide = CheckBox(theme, self.tr("Hide personal fields"))
        self._hidden = Label(theme, "", "caption", "text2")
        self.tree = TableTree(theme, self.formats, self.tr("Tables and fields"))
        self._empty = EmptyState(
            theme, self.tr("No table or field matches"), icon="table", primary=self.tr("Clear filters")
        )
        self._empty.hide()
        self._totals = Label(theme, "", "body-strong")
        self._size = Label(theme, "", "body", "text2")
        self._clear = Button(theme, self.tr("Clear all"), "link")
        self._panel = TablePanel(self.state)

    def _connect(self) -> None:
        self._search.textChanged.connect(lambda _words: self._filter())
        self._chips.chosen.connect(lambda _key: self._filter())
        self._hide.clicked.connect(self._on_hide_clicked)
        self.tree.toggled.connect(self._on_toggled)
        self.tree.picked.connect(self._on_picked)
        self._clear.clicked.connect(lambda: self._choose(()))
        self._empty.primary_clicked.connect(self._on_clear_filters)

    def _assemble(self) -> None:
        bar = QWidget()
        bar.setLayout(
            row(self._search, self._chips, None, self._hidden, self._hide, spacing=8, margins=(28, 10, 24, 6))
        )
        bar.setFixedHeight(52)
        foot = Area(self.theme, "surface", "t")
        foot.setLayout(row(self._totals, self._size, None, self._clear, spacing=12, margins=(28, 10, 24, 10)))
        foot.setFixedHeight(52)
        fill(self, bar, self._empty, self.tree, foot)
        layout = self.layout()
        layout.setStretch(3, 0)
        layout.setStretch(2, 1)
        layout.setStretch(1, 1)

    # Showing

    def entered(self) -> None:
        """Show the tables; the first time the first one is open."""
        super().entered()
        self.state.ask_files()
        if self.tree.current_node() is None and self.tree.tables.tables():
            first = self.tree.tables.index(0, 0)
            self.tree.setCurrentIndex(first)
            self.tree.expand(first)

    def show_state(self) -> None:
        """Show the choice and what it adds up to."""
        catalog, choices = self.state.facts.catalog, self.state.draft.tables
        opened = [t.name for t in self.tree.tables.tables() if self.tree.isExpanded(self.tree.tables.index_of(t.name))]
        self.tree.tables.show(catalog, choices)
        for name in opened:
            self.tree.expand(self.tree.tables.index_of(name))
        self._chips.set_choices(self._choices())
        self._totals.set_words(self._totals_words())
        self._size.set_words(self._size_words())
        self._clear.setVisible(bool(choices) and not self.state.read_only)
        self._hide.setEnabled(not self.state.read_only)
        if self._before_hiding is None:
            self._hide.setChecked(False)
        self._show_empty()

    def _choices(self) -> list[Choice]:
        number = self.formats.number
        return [
            Choice("all", self.tr("All"), number(len(self.state.facts.catalog.tables))),
            Choice("selected", self.tr("Selected"), number(len(self.state.draft.tables))),
        ]

    def _totals_words(self) -> str:
        found = choosing.totals(self.state.draft.tables, self.state.facts.catalog)
        return self.tr("{tables}, {fields}").format(
            tables=self.formats.counted(found.tables, "tables"), fields=self.formats.counted(found.fields, "fields")
        )

    def _size_words(self) -> str:
        found = choosing.totals(self.state.draft.tables, self.state.facts.catalog)
        rows = self.formats.counted(found.rows, "rows")
        if not found.tables:
            return ""
        if self.state.plain_bytes is None:
            return rows
        size = self.formats.bytes(self.state.plain_bytes)
        return self.tr("{rows}, about {size} before compression").format(rows=rows, size=size)

    def _show_empty(self) -> None:
        nothing = not self.tree.tables.tables()
        self._empty.setVisible(nothing)
        self.tree.setVisible(not nothing)
        if nothing and not self.state.facts.catalog.tables:
            self._empty.set_words(self.tr("There is no table yet"), self.tr("An admin adds tables on the Tables page."))
            self._empty.primary.hide()
        elif nothing:
            self._empty.set_words(self.tr("No table or field matches"))
            self._empty.primary.show()

    def _filter(self) -> None:
        words = self._search.text()
        self.tree.tables.set_filter(words, only_chosen=self._chips.current() == "selected")
        if words.strip():
            self.tree.expandAll()
        self._show_empty()

    # Choosing

    def _choose(self, choices: Choices, *, hiding: bool = False) -> None:
        if self.state.read_only:
            return
        if not hiding:
            self._before_hiding = None
            self._hidden.set_words("")
        self.state.update(tables=choices)
        self.state.ask_files()
        self.show_state()

    def toggle(self, node: Node) -> None:
        """Choose what is not chosen, and the other way round; a locked field stays."""
        catalog, choices = self.state.facts.catalog, self.state.draft.tables
        if node.column is None:
            all_chosen = node.checked is True
            after = (
                choosing.without_table(choices, node.table)
                if all_chosen
                else choosing.with_table(choices, node.table, catalog)
            )
        else:
            fields = choosing.chosen_fields(choices, node.table) ^ {node.column.name}
            after = choosing.with_fields(choices, node.table, fields, catalog)
        self._choose(after)

    def _on_toggled(self, node: Node) -> None:
        self.toggle(node)

    def _on_picked(self, table: str) -> None:
        self._panel.show_table(self.state.facts.catalog.table(table))

    def _on_hide_clicked(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        if not on and self._before_hiding is not None:
            before, self._before_hiding = self._before_hiding, None
            self._hidden.set_words("")
            self._choose(before)
            return
        before = self.state.draft.tables
        after, number = choosing.without_personal(before, self.state.facts.catalog)
        self._before_hiding = before
        self._hidden.set_words(
            self.tr("{fields} taken out").format(fields=self.formats.counted(number, "fields"))
            if number
            else self.tr("No personal field is chosen")
        )
        self._choose(after, hiding=True)

    def _on_clear_filters(self) -> None:
        self._search.clear()
        self._chips.set_current("all")
        self._filter()
