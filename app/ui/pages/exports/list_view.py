"""The list of exports: chips with live counts, filter and column menus, the table, and the line below it."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.exports import ExportKind
from app.ui.formats import Formats
from app.ui.pages.exports.filters import ALL, ATTENTION, RUNNING, SCHEDULED, Filters, count_chips, in_chip
from app.ui.pages.exports.lines import ExportLine, LineWords
from app.ui.preferences import Preferences
from app.ui.theme import Theme
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.states import EmptyState
from app.ui.widgets.table import DataTable

_COLUMNS = "exports/columns"


class ExportsList(Area):
    """Shows lines and lets the person choose which. Signal `recount_asked()`.

    `table` tells selection, activation and menus; `lines` are the newest states by key.
    """

    recount_asked = Signal()

    def __init__(
        self, theme: Theme, formats: Formats, words: LineWords, preferences: Preferences, search: SearchField
    ) -> None:
        super().__init__(theme)
        self._theme, self._formats, self._preferences, self._search = theme, formats, preferences, search
        self.lines: dict[str, ExportLine] = {}
        self._filters = Filters()
        self.chips = ChipBar(theme, self.tr("Show"), self._chip_choices())
        self._filter = IconButton(theme, "funnel", self.tr("Filter"))
        self._columns = IconButton(theme, "sliders-horizontal", self.tr("Columns"))
        height = 44 if preferences.compact_rows() else 52
        self.table = DataTable(theme, self.tr("Exports"), words.columns(), row_height=height)
        self.table.sort_by("last_run", descending=True)
        self.table.restore_columns(preferences.text(_COLUMNS))
        self.no_match = EmptyState(
            theme, self.tr("No exports match"), icon="magnifying-glass", secondary=self.tr("Clear filters")
        )
        self._total = Label(theme, "", "caption", "text2")
        self._age = Label(theme, "", "caption", "text2")
        self.recount = IconButton(theme, "arrows-clockwise", self.tr("Count again"), shortcut_hint="F5")
        self._connect_signals()
        self._assemble()

    def _connect_signals(self) -> None:
        self._search.textChanged.connect(self._on_search_changed)
        self.chips.chosen.connect(self._on_chip_chosen)
        self._filter.clicked.connect(self._on_filter_clicked)
        self._columns.clicked.connect(self._on_columns_clicked)
        self.table.columns_changed.connect(self._on_columns_changed)
        self.table.horizontalHeader().sectionResized.connect(self._on_columns_changed)
        self.no_match.secondary_clicked.connect(self.clear_filters)
        self.recount.clicked.connect(self.recount_asked)

    def _assemble(self) -> None:
        self._stack = QStackedWidget()
        for widget in (self.table, self.no_match):
            self._stack.addWidget(widget)
        foot = Area(self._theme, "surface", "t")
        foot.setFixedHeight(33)
        foot.setLayout(row(self._total, None, self._age, self.recount, margins=(24, 1, 12, 0)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row(self.chips, None, self._filter, self._columns, margins=(24, 12, 20, 6)))
        column.addWidget(self._stack, 1)
        column.addWidget(foot)

    # Lines

    def show_lines(self, lines: Iterable[ExportLine]) -> None:
        """Show these lines."""
        self.lines = {line.key: line for line in lines}
        self.table.set_rows(self.lines.values())
        self.show_counts()

    def update_line(self, line: ExportLine) -> None:
        """Show the newest state of one line; `show_counts` follows when all are updated."""
        self.lines[line.key] = line
        self.table.update_row(line)

    def show_counts(self) -> None:
        """Renew chips, filter and total."""
        self.chips.set_choices(self._chip_choices())
        self._total.set_words(self._formats.counted(len(self.lines), "exports"))
        self._apply_filter()

    def show_age(self, words: str) -> None:
        """Say how old the counts are."""
        self._age.set_words(words)

    def select(self, key: str) -> None:
        """Select one line, with the filters off when they hide it."""
        if key not in self.table.visible_keys():
            self.clear_filters()
        self.table.select_keys([key])

    def selected(self) -> list[ExportLine]:
        """Return the selected lines from top to bottom."""
        return [self.lines[key] for key in self.table.selected_keys() if key in self.lines]

    def clear_filters(self) -> None:
        """Show all exports."""
        self._search.clear()
        self._filters = Filters()
        self.chips.set_current(ALL)
        self._apply_filter()

    # Inside

    def _chip_choices(self) -> list[Choice]:
        counts, number = count_chips(self.lines.values()), self._formats.number
        attention = "danger_fill" if counts[ATTENTION] else ""
        return [
            Choice(ALL, self.tr("All"), number(counts[ALL])),
            Choice(RUNNING, self.tr("Running"), number(counts[RUNNING]), dot="bar" if counts[RUNNING] else ""),
            Choice(ATTENTION, self.tr("Needs attention"), number(counts[ATTENTION]), dot=attention),
            Choice(SCHEDULED, self.tr("Scheduled"), number(counts[SCHEDULED])),
        ]

    def _apply_filter(self) -> None:
        chip, filters, lines = self.chips.current() or ALL, self._filters, self.lines

        def accepts(shown: ExportLine) -> bool:
            line = lines.get(shown.key, shown)
            return in_chip(line, chip) and filters.accepts(line)

        self.table.set_filter(None if chip == ALL and not filters.active else accepts)
        self._filter.set_icon_name("funnel-fill" if filters.active else "funnel")
        nothing = bool(self.lines) and not self.table.visible_keys()
        words = self._search.text().strip()
        if nothing:
            self.no_match.set_words(
                self.tr("No exports match “{words}”").format(words=words) if words else self.tr("No exports here")
            )
        self._stack.setCurrentWidget(self.no_match if nothing else self.table)

    def _set_filters(self, filters: Filters) -> None:
        self._filters = filters
        self._apply_filter()

    def _popup(self, menu: Menu, button: QWidget) -> None:
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(button.width() - menu.sizeHint().width(), button.height())))

    # Slots

    def _on_search_changed(self, words: str) -> None:
        self.table.set_filter_words(words)
        self._apply_filter()

    def _on_chip_chosen(self, _chip: str) -> None:
        self._apply_filter()

    def _on_filter_clicked(self) -> None:
        menu = Menu(self._theme, self.tr("Filter"), self)
        kinds = ((ExportKind.SEGMENT, self.tr("Segment exports")), (ExportKind.DATA_OUT, self.tr("Data-out exports")))
        for kind, words in kinds:
            menu.add(
                words, lambda k=kind: self._set_filters(self._filters.with_kind(k)), checked=kind in self._filters.kinds
            )
        menu.addSeparator()
        names = {line.export.destination: line.row.description.name for line in self.lines.values()}
        for destination, name in sorted(names.items(), key=lambda pair: pair[1].casefold()):
            menu.add(
                name,
                lambda d=destination: self._set_filters(self._filters.with_destination(d)),
                checked=destination in self._filters.destinations,
            )
        menu.addSeparator()
        menu.add(self.tr("Clear filters"), self.clear_filters, icon="x", enabled=self._filters.active)
        self._popup(menu, self._filter)

    def _on_columns_clicked(self) -> None:
        menu = Menu(self._theme, self.tr("Columns"), self)
        self.table.fill_columns_menu(menu)
        self._popup(menu, self._columns)

    def _on_columns_changed(self, *_change: object) -> None:
        self._preferences.set_text(_COLUMNS, self.table.save_columns())
