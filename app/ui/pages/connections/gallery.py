"""The gallery of destinations: by category, with a tick where a connection exists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.destinations.description import Description
from app.ui.formats import Formats
from app.ui.pages.connections.words import CATEGORY_ORDER, category_words, tile_tooltip
from app.ui.theme import Theme
from app.ui.widgets.cards import DestinationTile
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, clear, row

ALL = "all"
TILE, GAP, EDGE = 170, 12, 24


class Gallery(Area):
    """Signal `chosen(id)`: the person wants to connect that destination."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(theme, "subtle", parent=parent)
        self._theme = theme
        self._formats = formats
        self._descriptions: tuple[Description, ...] = ()
        self._connected: frozenset[str] = frozenset()
        self._across = 0
        self.chips = ChipBar(theme, self.tr("Kinds of destinations"), [])
        self.search = SearchField(theme, self.tr("Search destinations"), shortcut=None)
        self.search.setFixedWidth(240)
        self._none = Label(theme, "", "body", "text2")
        self._groups = QVBoxLayout()
        self._groups.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, 12, EDGE, 20)
        layout.setSpacing(8)
        title = Label(theme, self.tr("Destinations"), "title")
        self._head = row(title, 16, self.chips, None, self.search)
        layout.addLayout(self._head)
        layout.addWidget(self._none)
        layout.addLayout(self._groups)
        layout.addStretch(1)
        self.chips.chosen.connect(lambda _key: self._show())
        self.search.textChanged.connect(lambda _words: self._show())

    def set_destinations(self, descriptions: Sequence[Description], connected: Collection[str]) -> None:
        """Show these destinations; `connected` are the ids that have a connection."""
        if (tuple(descriptions), frozenset(connected)) == (self._descriptions, self._connected):
            return
        self._descriptions, self._connected = tuple(descriptions), frozenset(connected)
        choices = [Choice(ALL, self.tr("All"), self._formats.number(len(descriptions)))]
        for category in self._categories():
            number = sum(d.category == category for d in descriptions)
            choices.append(Choice(category, category_words(category)[0], self._formats.number(number)))
        self.chips.set_choices(choices)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many tiles in a row as fit."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._show()

    def minimumSizeHint(self) -> QSize:
        """Two columns: the tiles in a row now would keep a window that gets smaller from ever showing fewer."""
        two = 2 * (self._widest() + GAP) - GAP
        return QSize(max(self._head.minimumSize().width(), two) + 2 * EDGE, super().minimumSizeHint().height())

    def _fitting(self) -> int:
        """Columns in which every name is whole; as many whatever the search leaves, so that tiles don't jump."""
        return max(2, (self.width() - 2 * EDGE + GAP) // (self._widest() + GAP))

    def _widest(self) -> int:
        names = (DestinationTile.width_of(self._theme, each.name) for each in self._descriptions)
        return max((TILE, *names))

    def _categories(self) -> list[str]:
        def order(category: str) -> tuple[int, str]:
            known = category in CATEGORY_ORDER
            return (CATEGORY_ORDER.index(category) if known else len(CATEGORY_ORDER), category)

        return sorted({d.category for d in self._descriptions}, key=order)

    def _passes(self, description: Description) -> bool:
        chip = self.chips.current()
        text = " ".join((description.name, description.category, *description.synonyms)).casefold()
        fits = chip in {"", ALL, description.category}
        return fits and all(word in text for word in self.search.text().casefold().split())

    def _show(self) -> None:
        self._across = self._fitting()
        focused = self.focusWidget()
        again = focused.accessibleName() if isinstance(focused, DestinationTile) else ""
        clear(self._groups)
        kept = [d for d in self._descriptions if self._passes(d)]
        for category in self._categories():
            group = [d for d in kept if d.category == category]
            if group:
                self._groups.addWidget(Label(self._theme, category_words(category)[1], "caption-medium", "text3"))
                self._groups.addLayout(self._grid(group, again))
        self._none.setVisible(not kept)
        if not kept and self.search.text():
            self._none.set_words(self.tr("No destinations match '{words}'.").format(words=self.search.text()))
        elif not kept:
            self._none.set_words(self.tr("There is no destination for this kind of workspace."))

    def _grid(self, group: Sequence[Description], again: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        wide = (self.width() - 2 * EDGE - GAP * (self._across - 1)) // self._across
        grid.setColumnStretch(self._across, 1)
        for at, description in enumerate(group):
            connected = description.id in self._connected
            tile = DestinationTile(
                self._theme,
                description.name,
                badge=(description.badge.letters, description.badge.colour),
                mark="check" if connected else "",
                mark_role="success",
                hover_mark="plus",
                tooltip=tile_tooltip(description, self._formats),
            )
            if connected:
                tile.setAccessibleName(self.tr("{name}, connected").format(name=description.name))
            tile.clicked.connect(lambda _checked=False, id_=description.id: self.chosen.emit(id_))
            tile.setFixedWidth(max(wide, TILE - GAP))
            grid.addWidget(tile, at // self._across, at % self._across)
            if again and tile.accessibleName() == again:
                tile.setFocus()
        return grid
