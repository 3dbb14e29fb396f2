"""First step of both wizards: a name, and the connection that carries the export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.connections import HealthState
from app.core.drafts import Step
from app.core.exports import Layout, SyncMode
from app.core.file_formats import Format
from app.core.names import fold, free_name
from app.core.roles import Role
from app.ui.widgets.buttons import Button
from app.ui.widgets.cards import ConnectionCard, DestinationTile
from app.ui.widgets.fields import SearchField, TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Label, row
from app.ui.widgets.notes import Note
from app.ui.wizards.audience_cards import AudienceCards
from app.ui.wizards.destination_panel import DestinationPanel
from app.ui.wizards.health import health_status
from app.ui.wizards.state import WizardState
from app.ui.wizards.step import StepWidget, fill, page, subtitle

if TYPE_CHECKING:
    from app.destinations.description import Description
    from app.services.connections import ConnectionRow

_CARDS, _TILES, _FEWEST_TILES, _GAP = 3, 4, 2, 12
_FEW = 8
"""Destinations without a connection shown before "Show all destinations"."""
_SIGN_IN = frozenset({HealthState.SIGN_IN_EXPIRED, HealthState.SECRET_MISSING})


class DestinationStep(StepWidget):
    """Display name and connection; `on_resume` is called when the kept draft is taken up."""

    step = Step.DESTINATION

    def __init__(
        self,
        state: WizardState,
        on_resume: Callable[[], None],
        wanted: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, parent)
        self._on_resume = on_resume
        self._proposed = state.draft.name
        self._cards: dict[str, ConnectionCard] = {}
        self._tiles: dict[str, DestinationTile] = {}
        self._show_all = False
        self._connections_shown: tuple[object, ...] = ()
        self._make_elements()
        self._connect()
        self._assemble()
        self.show_state()
        if wanted is not None:
            self._choose_only_connection_of(wanted)

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Destination")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Choose a destination")

    def sentence(self) -> str:
        """One sentence under the heading."""
        if self.state.facts.role is not Role.ADMIN:
            return self.tr("Pick a connection that is shared with you.")
        return self.tr("Pick a connection your team already has, or add one.")

    def summary(self) -> str:
        """The connection."""
        if self.state.connection is not None:
            return self.state.connection.connection.name
        editing = self.state.facts.editing
        if editing is not None and editing.connection is not None:
            return editing.connection.name
        return self.tr("Not chosen yet")

    def issues(self) -> list[str]:
        """What blocks Continue, also a connection nobody is signed in to any more."""
        found = super().issues()
        connection = self.state.connection
        if not found and connection is not None and connection.health.state in _SIGN_IN:
            name = connection.connection.name
            found.append(self.tr("Sign in to “{name}” again first.").format(name=name))
        return found

    def side_panel(self) -> QWidget:
        """What the target takes and can do."""
        return self._panel

    def panel_number(self) -> str:
        """The destination's name."""
        return self.state.destination_name

    # Building

    def _make_elements(self) -> None:
        theme = self.theme
        self._note = Note(theme, "info", "", strong=True)
        self._name = TextField(theme, self.tr("Display name"), value=self.state.draft.name)
        self._name.setMaximumWidth(372)
        self._search = SearchField(theme, self.tr("Search"))
        self._search.setFixedWidth(200)
        self._card_grid = QWidget()
        self._audience = AudienceCards(self.state)
        self._nothing = Label(theme, "", "body", "text2", wrap=True)
        self._new_title = subtitle(self.state, self.tr("Or connect something new"))
        self._all = Button(theme, self.tr("Show all destinations"), "link", trailing="arrow-right")
        self._ask = Button(theme, self.tr("Copy a message for your admin"), "link", icon="copy")
        self._tile_grid = _TileGrid()
        self._across = 0
        self._tile_grid.resized.connect(self._on_tiles_resized)
        self._panel = DestinationPanel(self.state)

    def _connect(self) -> None:
        self._name.edited.connect(self._on_name_edited)
        self._name.left.connect(self._on_name_left)
        self._search.textChanged.connect(self._on_search_changed)
        self._all.clicked.connect(self._on_all_clicked)
        self._ask.clicked.connect(self._on_ask_clicked)
        self._note.primary_clicked.connect(self._on_resume_clicked)
        self._note.secondary_clicked.connect(self._on_discard_clicked)

    def _assemble(self) -> None:
        form = Form(self.theme)
        form.add_row(self.tr("Display name"), self._name, required=True)
        use = QWidget()
        use.setLayout(row(subtitle(self.state, self.tr("Use a connection")), None, self._search))
        new = QWidget()
        new.setLayout(row(self._new_title, None, self._all, self._ask))
        for holder in (self._card_grid, self._tile_grid):
            grid = QGridLayout(holder)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setSpacing(_GAP)
        fill(
            self,
            page(
                self._note, form, use, self._nothing, self._card_grid, self._audience, new, self._tile_grid, spacing=12
            ),
        )

    # Showing

    def show_state(self) -> None:
        """Show name, connections and the panel."""
        state = self.state
        if self._name.value() != state.draft.name:
            self._name.set_value(state.draft.name)
        shown = (state.facts.connections, state.facts.descriptions, state.facts.role)
        if shown != self._connections_shown:
            self._connections_shown = shown
            self._fill_cards()
            self._fill_tiles()
        for connection_id, card in self._cards.items():
            card.setChecked(connection_id == state.draft.connection)
        self._audience.show_state()
        for widget in (self._name.input, self._card_grid, self._audience):
            widget.setEnabled(not state.read_only)
        self._show_kept()
        self._panel.show_state()

    def _show_kept(self) -> None:
        kept = self.state.facts.kept
        offered = kept is not None and not self.state.dirty and not self.state.read_only
        self._note.setVisible(offered)
        if kept is not None and offered:
            when = self.formats.day_and_clock(kept.saved_at)
            name = kept.draft.name or self.tr("New export")
            self._note.set_note(
                "info",
                self.tr("A draft is kept: “{name}”, {when}").format(name=name, when=when),
                self.tr("Go on where you left it, or start anew."),
                primary=self.tr("Resume the draft"),
                secondary=self.tr("Discard it"),
            )

    def _fill_cards(self) -> None:
        words = self._search.text().casefold().split()
        rows = [row for row in self.state.facts.connections if _fits(row, words)]
        grid = self._emptied(self._card_grid)
        self._cards = {}
        for number, each in enumerate(rows):
            badge = each.description.badge
            card = ConnectionCard(
                self.theme,
                each.connection.name,
                each.description.name,
                badge=(badge.letters, badge.colour),
                status=health_status(self, self.formats, each.health),
                parent=self._card_grid,
            )
            card.clicked.connect(lambda _on=False, chosen=each: self._on_card_clicked(chosen))
            grid.addWidget(card, number // _CARDS, number % _CARDS)
            self._cards[each.connection.id] = card
        _even(grid, _CARDS)
        self._card_grid.setVisible(bool(rows))
        self._nothing.setVisible(not rows)
        if words:
            self._nothing.set_words(self.tr("No connection matches “{words}”.").format(words=self._search.text()))
        elif self.state.facts.role is Role.ADMIN:
            self._nothing.set_words(self.tr("There is no connection yet. Add one below."))
        else:
            self._nothing.set_words(self.tr("No connection is shared with you yet. Ask an admin."))

    def _fill_tiles(self) -> None:
        facts = self.state.facts
        used = {row.description.id for row in facts.connections}
        words = self._search.text().casefold().split()
        new = [d for d in facts.descriptions if d.id not in used or self._show_all]
        new = [d for d in new if all(word in _words_of(d) for word in words)]
        shown = new if self._show_all or words else new[:_FEW]
        admin = facts.role is Role.ADMIN
        grid = self._emptied(self._tile_grid)
        self._across = across = self._fitting(shown)
        self._tiles = {}
        for number, description in enumerate(shown):
            tooltip = description.summary if admin else self.tr("Only an admin can connect it.")
            tile = DestinationTile(
                self.theme,
                description.name,
                badge=(description.badge.letters, description.badge.colour),
                mark="plus" if admin else "",
                tooltip=tooltip,
                parent=self._tile_grid,
            )
            tile.setEnabled(admin)
            tile.clicked.connect(lambda _on=False, chosen=description.id: self._on_tile_clicked(chosen))
            grid.addWidget(tile, number // across, number % across)
            self._tiles[description.id] = tile
        _even(grid, across)
        self._all.setVisible(admin and not self._show_all and not words and len(facts.descriptions) > len(shown))
        self._ask.setVisible(facts.role is Role.CONTRIBUTOR and bool(shown))
        title = self.tr("Or connect something new") if admin else self.tr("Ask an admin to connect one of these")
        self._new_title.set_words(title)
        self._new_title.setVisible(bool(shown) or not self._all.isHidden())
        self._tile_grid.setVisible(bool(shown))

    def _fitting(self, shown: Sequence[Description]) -> int:
        """As many tiles beside each other as leave every name whole."""
        widest = max((DestinationTile.width_of(self.theme, each.name) for each in shown), default=1)
        return max(_FEWEST_TILES, min(_TILES, (self._tile_grid.width() + _GAP) // (widest + _GAP)))

    def _on_tiles_resized(self) -> None:
        shown = [each for each in self.state.facts.descriptions if each.id in self._tiles]
        if shown and self._fitting(shown) != self._across:
            self._fill_tiles()

    @staticmethod
    def _emptied(holder: QWidget) -> QGridLayout:
        grid = holder.layout()
        assert isinstance(grid, QGridLayout)
        while (item := grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        return grid

    # Choosing

    def choose(self, chosen: ConnectionRow) -> None:
        """Take a connection; another destination empties what was matched for the one before."""
        draft, state = self.state.draft, self.state
        changes: dict[str, Any] = {"connection": chosen.connection.id, "destination": chosen.description.id}
        if draft.connection != chosen.connection.id:
            editing = state.facts.editing
            same = editing is not None and editing.export.connection == chosen.connection.id
            changes["agreed"] = same and editing is not None and editing.export.consent is not None
        if draft.destination != chosen.description.id and hasattr(draft, "match"):
            offered = state.facts.description(chosen.description.id) or chosen.description
            changes["target"] = {field.id: field.default for field in offered.export_fields if field.default}
            changes["match"] = {}
            changes["sync"] = next(iter(chosen.description.sync_modes), SyncMode.UPDATE)
        changes |= self._usual_files(chosen.description)
        if not draft.name or draft.name == self._proposed:
            self._proposed = free_name(self._name_for(chosen), state.facts.taken)
            changes["name"] = self._proposed
        state.update(**changes)

    def _usual_files(self, chosen: Description) -> dict[str, Any]:
        """Format and layout as usual there, unless they are those of the destination before: then what people chose stays."""
        before = self.state.description
        old = (before.usual_format, before.usual_layout) if before is not None else (Format(), Layout())
        if old == (chosen.usual_format, chosen.usual_layout):
            return {}
        return {"format": chosen.usual_format, "layout": chosen.usual_layout}

    def _name_for(self, chosen: ConnectionRow) -> str:
        if hasattr(self.state.draft, "segments"):
            return self.tr("Segments to {name}").format(name=chosen.connection.name)
        return self.tr("Tables to {name}").format(name=chosen.connection.name)

    def _choose_only_connection_of(self, destination_id: str) -> None:
        rows = [row for row in self.state.facts.connections if row.description.id == destination_id]
        if len(rows) == 1 and self.state.draft.connection is None:
            self.choose(rows[0])

    def _on_card_clicked(self, chosen: ConnectionRow) -> None:
        self.choose(chosen)

    def _on_tile_clicked(self, destination_id: str) -> None:
        self.context.navigator.open_connection_dialog(destination_id, None, self._on_connection_saved)

    def _on_connection_saved(self, name: str) -> None:
        """A connection added in place is chosen as soon as it can be read."""
        services = self.context.services
        self.state.submit(
            "store",
            "Read the connection",
            lambda _ctx: services.connections.get(name),
            lambda finished: self.choose_when_known(finished.value.connection.id) if finished.value else None,
        )

    def choose_when_known(self, connection_id: str) -> None:
        """Choose a connection now, or with the next facts that hold it."""
        found = self.state.facts.connection(connection_id)
        if found is not None:
            self.choose(found)
            return

        def again() -> None:
            known = self.state.facts.connection(connection_id)
            if known is not None:
                self.state.changed.disconnect(again)
                self.choose(known)

        self.state.changed.connect(again)
        self.context.navigator.changed("connections")

    # Slots

    def _on_name_edited(self, words: str) -> None:
        self._name.set_error("")
        self.state.update(name=words)

    def _on_name_left(self) -> None:
        taken = fold(self.state.draft.name) in self.state.facts.taken
        error = ""
        if not self.state.draft.name.strip():
            error = self.tr("An export needs a name.")
        elif taken:
            error = self.tr("There is already an export of this name.")
        self._name.set_error(error)

    def _on_search_changed(self, _words: str) -> None:
        self._fill_cards()
        self._fill_tiles()
        for connection_id, card in self._cards.items():
            card.setChecked(connection_id == self.state.draft.connection)

    def _on_all_clicked(self) -> None:
        self._show_all = True
        self._fill_tiles()
        first = next(iter(self._tiles.values()), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_ask_clicked(self) -> None:
        names = ", ".join(d.name for d in self.state.facts.descriptions if d.id in self._tiles)
        message = self.tr(
            "Could you add a connection in Sendoff (workspace “{workspace}”) and share it with contributors? "
            "These can be connected: {names}."
        ).format(workspace=self.state.facts.workspace.name, names=names)
        QGuiApplication.clipboard().setText(message)
        self.context.navigator.toast(self.tr("The message is on the clipboard."))

    def _on_resume_clicked(self) -> None:
        kept = self.state.facts.kept
        if kept is not None:
            self.state.adopt(kept.draft)
            self._proposed = ""
            self._on_resume()

    def _on_discard_clicked(self) -> None:
        kept = self.state.facts.kept
        if kept is not None:
            self.state.forget(kept.draft.id)
            self._note.hide()


class _TileGrid(QWidget):
    """What holds the tiles. Signal `resized`."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell it."""
        super().resizeEvent(event)
        self.resized.emit()


def _fits(row: ConnectionRow, words: list[str]) -> bool:
    text = f"{row.connection.name} {_words_of(row.description)}".casefold()
    return all(word in text for word in words)


def _words_of(description: Any) -> str:
    return " ".join((description.name, description.category, *description.synonyms)).casefold()


def _even(grid: QGridLayout, columns: int) -> None:
    for number in range(max(columns, grid.columnCount())):
        grid.setColumnStretch(number, int(number < columns))
