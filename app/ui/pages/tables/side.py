"""Beside one table: what needs a look, links, where the rows come from, and who uses them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.table_changes import TableChange
from app.core.tables import Link, Table
from app.ui.formats import Formats
from app.ui.pages.tables.words import columns_words, held_words, missing_words, rows_words
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Area, ElidedLabel, IconLabel, Label, Line, clear, column, row
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Scroll

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_links import LinkFound
    from app.services.table_refresh import HeldRefresh, Missing

WIDTH = 256
SHOWN_USERS, SHOWN_LINKS = 8, 6
MOST_FOUND, ALL_FOUND = 0.95, 0.9995


class TableSide(Area):
    """The panel at the right; signals name what the person asked for, `repair_asked(bool)` with whether a refresh waits."""

    link_asked = Signal()
    unlink_asked = Signal(object)
    repair_asked = Signal(bool)
    map_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(theme, "subtle", "l", parent=parent)
        self._theme = theme
        self._formats = formats
        self._may_change = False
        self._found: dict[Link, LinkFound] = {}
        self._listed: tuple[Link, ...] = ()
        self._held = False
        self.look_note = Note(theme, "warning", "", strong=True)
        self.map_note = Note(theme, "warning", "", strong=True)
        self.map_note.primary_clicked.connect(self.map_asked)
        self._links = QVBoxLayout()
        self._links.setSpacing(8)
        self.more_links = Button(theme, "", "link")
        self.add_link = Button(theme, self.tr("Add link"), "link", icon="plus-bold")
        self._all_links = False
        self._source = FactList(theme, self.tr("Source"))
        self._used = QVBoxLayout()
        self._used.setSpacing(6)
        self.look_note.primary_clicked.connect(lambda: self.repair_asked.emit(self._held))
        self.add_link.clicked.connect(self.link_asked)
        self.more_links.clicked.connect(self._on_more_links)
        self._assemble()

    def show_table(self, table: Table, *, may_change: bool) -> None:
        """Show what is known at once; links keep their shares until others are told."""
        self._may_change = may_change
        self.add_link.setVisible(may_change)
        self._all_links = False
        self._show_source(table, None)

    def show_links(self, links: Sequence[Link]) -> None:
        """List the links; how many rows find their partner comes later."""
        if tuple(links) != self._listed or not links:
            self._listed = tuple(links)
            self._fill_links()

    def show_found(self, found: Sequence[LinkFound]) -> None:
        """Say how many rows find their partner."""
        self._found = {one.link: one for one in found}
        self._fill_links()

    def show_news(
        self, table: Table, change: TableChange | None, held: HeldRefresh | None, missing: Missing | None
    ) -> None:
        """Say what the last refresh changed, whether one waits, and what misses a column."""
        self._show_source(table, change)
        self._held = held is not None
        self.look_note.setVisible(held is not None or missing is not None)
        if held is not None:
            decide = self.tr("Decide…") if self._may_change else ""
            self.look_note.set_note("warning", self.tr("A refresh waits for you"), held_words(held), primary=decide)
        elif missing is not None:
            choose = self.tr("Choose another…") if self._may_change else ""
            self.look_note.set_note("warning", self.tr("Columns are missing"), missing_words(missing), primary=choose)

    def show_unknown(self, title: str, sentence: str) -> None:
        """Say that a column holds values nobody understands; no title when there is none."""
        self.map_note.setVisible(bool(title))
        self.map_note.set_note("warning", title, sentence, primary=self.tr("Map values…") if self._may_change else "")

    def show_users(self, names: Sequence[str]) -> None:
        """List who uses the table."""
        clear(self._used)
        for name in names[:SHOWN_USERS] or (self.tr("Nothing yet"),):
            self._used.addWidget(ElidedLabel(self._theme, name))
        rest = len(names) - SHOWN_USERS
        if rest > 0:
            words = self.tr("and {n} more").format(n=self._formats.number(rest))
            self._used.addWidget(Label(self._theme, words, "body", "text2"))

    def _show_source(self, table: Table, change: TableChange | None) -> None:
        formats = self._formats
        facts = self._places(table)
        facts.append(Fact(self.tr("Refreshed"), formats.day_and_clock(table.refreshed_at)))
        if change is not None:
            facts.append(Fact(self.tr("Since before"), rows_words(change, formats)))
            if change.columns:
                facts.append(Fact(self.tr("Columns"), columns_words(change.columns)))
            declared = [f"{link.one_table} → {link.many_table}" for link in change.links]
            if declared:
                facts.append(Fact(self.tr("New links"), ", ".join(declared)))
        facts.append(Fact(self.tr("Key"), table.key or self.tr("None")))
        self._source.set_facts(facts)
        self._source.setToolTip(table.source)

    def _places(self, table: Table) -> list[Fact]:
        if table.server is not None:
            address = table.source.removesuffix(f"/{table.server.schema}/{table.server.name}")
            place = f"{table.server.schema}.{table.server.name}"
            return [Fact(self.tr("From"), place), Fact(self.tr("Server"), address.partition("://")[2] or address)]
        path = PurePath(table.source)
        if len(path.parts) < 2:
            return [Fact(self.tr("From"), table.source)]
        return [Fact(self.tr("From"), path.name), Fact(self.tr("Folder"), "/".join(path.parts[-3:-1]))]

    def _fill_links(self) -> None:
        clear(self._links)
        shown = self._listed if self._all_links else self._listed[:SHOWN_LINKS]
        for link in shown:
            self._links.addLayout(self._link_row(link))
        rest = len(self._listed) - len(shown)
        self.more_links.set_words(self.tr("Show {n} more").format(n=self._formats.number(rest)))
        self.more_links.setVisible(rest > 0)
        if not self._listed:
            self._links.addWidget(Label(self._theme, self.tr("No links."), "body", "text2"))

    def _link_row(self, link: Link) -> QVBoxLayout:
        theme = self._theme
        words = self.tr("{one} → {many}").format(one=link.one_table, many=link.many_table)
        name = ElidedLabel(theme, words, "body-medium")
        whole = f"{link.one_table}.{link.one_column} → {link.many_table}.{link.many_column}"
        name.setAccessibleDescription(whole)
        head = row(IconLabel(theme, "link-simple"), name)
        head.setStretch(1, 1)
        if self._may_change:
            remove = IconButton(theme, "x", self.tr("Remove the link {link}").format(link=whole))
            remove.clicked.connect(partial(self.unlink_asked.emit, link))
            head.addWidget(remove)
        found = self._found.get(link)
        few = found is not None and (found.gone or (found.found is not None and found.found < MOST_FOUND))
        same = [
            other for other in self._listed if {other.one_table, other.many_table} == {link.one_table, link.many_table}
        ]
        kind = self.tr("1 to many")
        if len(same) > 1:
            kind = self.tr("By {column}").format(column=link.many_column)
        known = self._found_words(link)
        detail = ElidedLabel(theme, f"{kind}, {known}" if known else kind, "caption", "warning" if few else "text2")
        mark = IconLabel(theme, "warning-fill", "warning", 14, name=self.tr("Few are found"))
        below = row(24, *([mark] if few else []), detail, spacing=4)
        below.setStretchFactor(detail, 1)
        return column(head, below, spacing=0)

    def _found_words(self, link: Link) -> str:
        known = self._found.get(link)
        if known is None:
            return ""
        if known.gone:
            return self.tr("a column is gone")
        if known.found is None:
            return self.tr("nothing to find")
        if known.found >= ALL_FOUND:
            return self.tr("all found") if known.found == 1 else self.tr("nearly all found")
        return self.tr("{percent} found").format(percent=self._formats.percent(known.found))

    def _on_more_links(self) -> None:
        self._all_links = True
        self._fill_links()

    def _assemble(self) -> None:
        theme = self._theme
        inside = QWidget()
        side = QVBoxLayout(inside)
        side.setContentsMargins(20, 16, 20, 20)
        side.setSpacing(8)
        side.addWidget(self.look_note)
        side.addWidget(self.map_note)
        side.addWidget(Label(theme, self.tr("Links"), "subtitle"))
        side.addLayout(self._links)
        side.addLayout(row(self.more_links, None))
        side.addLayout(row(self.add_link, None))
        for title, part in ((self.tr("Source"), self._source), (self.tr("Used by"), self._used)):
            side.addSpacing(4)
            side.addWidget(Line(theme))
            side.addSpacing(4)
            side.addWidget(Label(theme, title, "subtitle"))
            side.addLayout(part) if isinstance(part, QVBoxLayout) else side.addWidget(part)
        side.addStretch(1)
        self.look_note.hide()
        self.map_note.hide()
        self.more_links.hide()
        self.setFixedWidth(WIDTH)
        self.setLayout(column(Scroll(inside), margins=(1, 0, 0, 0)))
