"""One table: its columns with meaning and profile, and sample rows; beside it where it comes from and what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.table_changes import TableChange
from app.core.table_profiles import ColumnProfile
from app.core.tables import Link, Meaning, Table, TableRole
from app.ui.formats import NOTHING, Formats
from app.ui.pages.tables.side import WIDTH as PANEL
from app.ui.pages.tables.side import TableSide
from app.ui.pages.tables.words import MEANING_ICONS, ROLE_ICONS, meaning_word, role_word, type_word
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.columns import ActionCell, Cell, Column, NumberCell, PartsCell, ShareCell, TextCell, cell_text
from app.ui.widgets.labels import Area, Card, ElidedLabel, IconLabel, Label, Line, clear, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.menus import Menu
from app.ui.widgets.table import ROW_ONE_LINE, DataTable

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh, Missing
    from app.services.tables import TableSample

COLUMN_ROW, NAME_WIDTH = 52, 220
SHOWN_COLUMNS = 8
MUCH_EMPTY = 0.2
IDENTIFIERS = (Meaning.EMAIL, Meaning.PHONE)
SCROLL_BAR = 12


@dataclass(frozen=True)
class TableDetails:
    """What is read for one table; the sample is masked unless the person asked for values."""

    table: Table
    sample: TableSample
    links: tuple[Link, ...]
    used_by: tuple[str, ...]
    change: TableChange | None
    held: HeldRefresh | None
    missing: Missing | None
    may_change: bool
    may_show: bool


@dataclass(frozen=True)
class _ColumnRow:
    key: str
    type: str
    meaning: Meaning
    confirmed: bool
    is_key: bool
    profile: ColumnProfile | None
    personal: bool
    may_change: bool


@dataclass(frozen=True)
class _SampleRow:
    key: str
    values: tuple[Any, ...]


def _is_guess(row: _ColumnRow) -> bool:
    return not row.confirmed and row.meaning is not Meaning.NONE


class TableDetailsView(QWidget):
    """Middle and right side of the page; signals name what the person asked for."""

    refresh_asked = Signal(str)
    cancel_asked = Signal(str)
    remove_asked = Signal(str)
    meaning_chosen = Signal(str, str, object)
    key_chosen = Signal(str, str)
    role_chosen = Signal(str, object)
    confirm_asked = Signal(str)
    show_values_asked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._table: Table | None = None
        self._may_change = False
        self._refreshing = False
        self._profiles: dict[str, ColumnProfile] = {}
        self._icon = IconLabel(theme, "table", "accent_text", 18)
        self._name = ElidedLabel(theme, "", "title")
        self._role = Pill(theme, "", "accent")
        self._size = ElidedLabel(theme, "", "body", "text2")
        self._refresh = Button(theme, self.tr("Refresh"), "secondary", icon="arrows-clockwise")
        self._more = IconButton(theme, "dots-three-bold", self.tr("More actions"))
        self._columns = DataTable(
            theme, self.tr("Columns"), self._column_columns(), row_height=COLUMN_ROW, sortable=False, edge=20
        )
        self._sample_place = QVBoxLayout()
        self._hidden = Label(theme, self.tr("Personal values are hidden"), "body", "text2")
        self._show = Button(theme, self.tr("Show"), "link")
        self.side = TableSide(theme, formats)
        self._connect()
        self._assemble()

    def show_table(self, table: Table, *, may_change: bool) -> None:
        """Show what is known of the table at once."""
        if self._table is None or (self._table.id, self._table.generation) != (table.id, table.generation):
            self._profiles = {}
        self._table, self._may_change = table, may_change
        self._icon.set_icon(ROLE_ICONS[table.role])
        self._name.setFixedWidth(min(self._theme.metrics("title").horizontalAdvance(table.name) + 2, NAME_WIDTH))
        self._name.set_words(table.name)
        self._role.set_pill(role_word(table.role), "neutral" if table.role is TableRole.OTHER else "accent")
        self._show_size()
        self._refresh.setVisible(may_change)
        self._more.setVisible(may_change)
        self.side.show_table(table, may_change=may_change)
        self._fill_columns()

    def show_refreshing(self, refreshing: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Turn the button that refreshes into the one that stops it, and back."""
        if refreshing != self._refreshing:
            self._refreshing = refreshing
            self._refresh.set_words(self.tr("Cancel refresh") if refreshing else self.tr("Refresh"))
            self._refresh.set_icon_name("x" if refreshing else "arrows-clockwise")

    def show_profile(self, told: tuple[str, Sequence[ColumnProfile]]) -> None:
        """Fill in how empty and how distinct the columns are."""
        name, profiles = told
        if self._table is not None and self._table.name == name:
            self._profiles = {p.name: p for p in profiles}
            self._fill_columns()

    def show_details(self, details: TableDetails) -> None:
        """Show sample rows, links, the news of the source, and users."""
        self._fill_sample(details.sample)
        self._hidden.setVisible(details.sample.masked)
        self._show.setVisible(details.sample.masked and details.may_show)
        self.side.show_links(details.links)
        self.side.show_news(details.table, details.change, details.held, details.missing)
        self.side.show_users(details.used_by)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what matters least when the columns do not fit beside each other."""
        super().resizeEvent(event)
        room = self.width() - PANEL - SCROLL_BAR
        widths = {column.key: column.width for column in self._columns.columns}
        for key in ("frequent", "distinct"):
            self._columns.set_column_visible(key, room >= sum(widths.values()))
            del widths[key]
        QTimer.singleShot(0, self, self._show_size)  # once the head has its width

    def _show_size(self) -> None:
        """Rows and columns; the rows alone where both do not fit."""
        if self._table is None:
            return
        rows = self._formats.counted(self._table.rows, "rows")
        both = self.tr("{rows}, {columns}").format(
            rows=rows, columns=self._formats.counted(len(self._table.columns), "columns")
        )
        room = self._size.width()
        self._size.set_words(both if self._theme.metrics("body").horizontalAdvance(both) <= room else rows)

    def _connect(self) -> None:
        self._refresh.clicked.connect(self._on_refresh_clicked)
        self._show.clicked.connect(lambda: self.show_values_asked.emit(self._name_now()))
        self._more.clicked.connect(self._on_more)
        self._columns.cell_action.connect(self._on_cell_action)
        self._columns.activated_key.connect(lambda column: self._on_cell_action(column, "meaning"))

    def _assemble(self) -> None:
        theme = self._theme
        self._name.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        head = row(self._icon, self._name, self._role, self._size, self._refresh, self._more, margins=(20, 10, 20, 10))
        head.setStretchFactor(self._size, 1)
        middle = Area(theme)
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(Line(theme))
        layout.addWidget(self._columns, 1)
        layout.addWidget(Line(theme))
        layout.addLayout(
            row(
                Label(theme, self.tr("Sample rows"), "subtitle"),
                None,
                IconLabel(theme, "lock-simple"),
                self._hidden,
                self._show,
                margins=(20, 8, 20, 4),
            )
        )
        self._sample_place.setContentsMargins(20, 0, 20, 16)
        layout.addLayout(self._sample_place)
        both = QHBoxLayout(self)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(0)
        both.addWidget(middle, 1)
        both.addWidget(self.side)

    def _column_columns(self) -> list[Column[_ColumnRow]]:
        return [
            Column(
                "name",
                self.tr("Column"),
                lambda r: TextCell(r.key, r.type, role="body-medium"),
                width=108,
                stretch=True,
            ),
            Column("meaning", self.tr("Meaning"), self._meaning_cell, accessible=self._meaning_said, width=176),
            Column("empty", self.tr("Empty"), self._empty_cell, width=112),
            Column(
                "distinct",
                self.tr("Distinct"),
                self._distinct_cell,
                tooltip=lambda r: "" if r.is_key else self.tr("Estimated"),
                align="right",
                width=80,
            ),
            Column("frequent", self.tr("Most frequent"), self._frequent_cell, width=162),
        ]

    def _meaning_cell(self, item: _ColumnRow) -> ActionCell | TextCell:
        only_key = item.is_key and item.meaning is Meaning.NONE
        words = self.tr("Key") if only_key else meaning_word(item.meaning)
        icon = "key" if item.is_key else MEANING_ICONS.get(item.meaning, "tag")
        if not item.may_change:
            return TextCell(words, icon=icon)
        return ActionCell(
            words,
            "plain",
            tooltip=self.tr("Say what this column holds"),
            hollow=item.meaning is Meaning.NONE and not only_key,
            icon=icon,
            pill=self.tr("Check") if _is_guess(item) else "",
        )

    def _meaning_said(self, item: _ColumnRow) -> str:
        words = cell_text(self._meaning_cell(item))
        if _is_guess(item):
            return self.tr("Meaning: {meaning}, a guess to check").format(meaning=words)
        return self.tr("Meaning: {meaning}").format(meaning=words)

    def _empty_cell(self, item: _ColumnRow) -> ShareCell:
        if item.profile is None:
            return ShareCell(NOTHING, None)
        identifies = item.is_key or item.meaning in IDENTIFIERS
        much = identifies and item.profile.empty > MUCH_EMPTY
        fill, ink = ("warning_fill", "warning") if much else ("bar", "text" if item.profile.empty else "text2")
        words = self._formats.percent(item.profile.empty, 1 if item.profile.empty else 0)
        return ShareCell(words, item.profile.empty, fill=fill, ink=ink)

    def _distinct_cell(self, item: _ColumnRow) -> NumberCell:
        if item.profile is None or self._table is None:
            return NumberCell(NOTHING)
        rows = (
            self._table.rows
        )  # the engine estimates; a key has every value once, and nothing has more values than rows
        distinct = rows if item.is_key else min(item.profile.distinct, rows)
        return NumberCell(self._formats.compact(distinct))

    def _frequent_cell(self, item: _ColumnRow) -> Cell:
        formats, found = self._formats, item.profile
        words = NOTHING
        if item.personal:
            words = self.tr("Personal, not shown")
        elif found is not None and item.is_key:
            words = self.tr("Every value once")
        elif found is not None and found.frequent:
            return PartsCell(tuple((value, share, formats.percent(share, 0)) for value, share in found.frequent))
        elif found is not None and found.lowest is not None:
            low, high = formats.value(found.lowest), formats.value(found.highest)
            words = self.tr("{lowest} to {highest}").format(lowest=low, highest=high)
        return TextCell(words, role="caption", ink="text2")

    def _fill_columns(self) -> None:
        table = self._table
        if table is None:
            return
        self._columns.set_rows(
            _ColumnRow(
                column.name,
                type_word(column.type),
                column.meaning,
                column.confirmed,
                column.name == table.key,
                self._profiles.get(column.name),
                column.meaning.personal,
                self._may_change,
            )
            for column in table.columns
        )

    def _fill_sample(self, sample: TableSample) -> None:
        clear(self._sample_place)
        columns = [
            Column(
                c.name,
                c.name,
                lambda r, at=at: TextCell(NOTHING if r.values[at] is None else str(r.values[at]), role="mono"),
                width=116,
                stretch=at == 0,
            )
            for at, c in enumerate(sample.columns[:SHOWN_COLUMNS])
        ]
        grid = DataTable(self._theme, self.tr("Sample rows"), columns, row_height=ROW_ONE_LINE, sortable=False, edge=16)
        grid.set_rows(_SampleRow(str(at), values) for at, values in enumerate(sample.rows))
        grid.set_height_in_rows(max(1, len(sample.rows)), 16)
        card = Card(self._theme, margin=1)
        card.body.addSpacing(3)
        card.body.addWidget(grid)
        self._sample_place.addWidget(card)

    def _on_refresh_clicked(self) -> None:
        asked = self.cancel_asked if self._refreshing else self.refresh_asked
        asked.emit(self._name_now())

    def _name_now(self) -> str:
        return self._table.name if self._table is not None else ""

    def _on_cell_action(self, column: str, cell: str) -> None:
        if cell != "meaning" or self._table is None or not self._may_change:
            return
        name = self._table.name
        chosen = self._table.column(column)
        menu = Menu(self._theme, self.tr("What this column holds"), self)
        for meaning in Meaning:
            menu.add(
                meaning_word(meaning),
                partial(self.meaning_chosen.emit, name, column, meaning),
                icon=MEANING_ICONS.get(meaning, "tag"),
                checked=chosen is not None and chosen.meaning is meaning,
            )
        menu.addSeparator()
        menu.add(
            self.tr("Use as key"),
            partial(self.key_chosen.emit, name, column),
            icon="key",
            enabled=self._table.key != column,
        )
        menu.popup(self._columns.rect_of(column, "meaning").bottomLeft())

    def _on_more(self) -> None:
        if self._table is None:
            return
        name = self._table.name
        menu = Menu(self._theme, self.tr("More actions"), self)
        for role in TableRole:
            words = self.tr("Rows are: {role}").format(role=role_word(role))
            menu.add(
                words,
                partial(self.role_chosen.emit, name, role),
                icon=ROLE_ICONS[role],
                checked=self._table.role is role,
            )
        menu.addSeparator()
        guesses = any(not c.confirmed and c.meaning is not Meaning.NONE for c in self._table.columns)
        menu.add(
            self.tr("Confirm all meanings"),
            partial(self.confirm_asked.emit, name),
            icon="check-circle",
            enabled=guesses,
            reason="" if guesses else self.tr("No meaning is a guess"),
        )
        menu.add(self.tr("Remove table"), partial(self.remove_asked.emit, name), icon="trash", danger=True)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))
