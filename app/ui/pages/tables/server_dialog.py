"""Which tables of the workspace's server to add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.errors import SendoffError
from app.core.tables import ServerTable
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Label
from app.ui.widgets.notes import Note

if TYPE_CHECKING:  # it loads the engine
    from app.services.server_tables import OfferedTable

MOST_SHOWN = 100


class ServerTablesDialog(Dialog):
    """Signal `add_asked(places)` gives the tables chosen; whoever adds them closes the dialog or shows the error in it."""

    add_asked = Signal(object)

    def __init__(
        self, theme: Theme, formats: Formats, opener: QWidget, where: str, offered: Sequence[OfferedTable]
    ) -> None:
        super().__init__(theme, opener, "", width=560)
        self.set_head(self.tr("Add tables of the server"), where)
        self._formats = formats
        self._offered = offered
        self._chosen: set[ServerTable] = set()
        self.boxes: list[CheckBox] = []
        self.search = SearchField(theme, self.tr("Search tables"), shortcut=None)
        self._list = QWidget()
        self._rows = QVBoxLayout(self._list)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(4)
        self._more = Label(theme, "", "caption", "text2", wrap=True)
        self.problem = Note(theme, "danger", "")
        self.problem.hide()
        self.body.addWidget(self.search)
        self.body.addWidget(self._list)
        self.body.addWidget(self._more)
        self.body.addWidget(self.problem)
        self.body.addStretch(1)
        self.add_cancel()
        self.confirm = self.add_button(Button(theme, self.tr("Add tables"), "primary"), default=True)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.confirm.clicked.connect(self._on_add)
        self._fill()

    def show_problem(self, error: SendoffError) -> None:
        """Say why they were not added."""
        self.confirm.set_busy(False, self.tr("Add tables"))
        self.problem.set_note("danger", error.what, f"{error.why} {error.fix}".strip())
        self.problem.show()

    def _fill(self) -> None:
        words = self.search.text().casefold().split()
        found = [o for o in self._offered if all(w in f"{o.place.schema}.{o.place.name}".casefold() for w in words)]
        for box in self.boxes:
            self._rows.removeWidget(box)
            box.hide()
            box.deleteLater()
        self.boxes = [self._box(offered) for offered in found[:MOST_SHOWN]]
        for box in self.boxes:
            self._rows.addWidget(box)
        hidden = len(found) - len(self.boxes)
        self._more.set_words(
            self.tr("{n} more: search for them.").format(n=self._formats.number(hidden))
            if hidden
            else self.tr("The server has no table here that may be read.")
            if not found
            else ""
        )
        self._more.setVisible(bool(hidden) or not found)
        self._renew()

    def _box(self, offered: OfferedTable) -> CheckBox:
        place = offered.place
        words = self.tr("{name}, about {rows} rows").format(
            name=f"{place.schema}.{place.name}", rows=self._formats.compact(offered.rows)
        )
        if offered.added is not None:
            words = self.tr("{name}, here as {table}").format(name=f"{place.schema}.{place.name}", table=offered.added)
        box = CheckBox(self.theme, words)
        box.setChecked(offered.added is not None or place in self._chosen)
        box.setEnabled(offered.added is None)
        box.toggled.connect(lambda on, place=place: self._on_toggled(place, on=on))
        return box

    def _on_toggled(self, place: ServerTable, *, on: bool) -> None:
        (self._chosen.add if on else self._chosen.discard)(place)
        self._renew()

    def _renew(self) -> None:
        self.confirm.setEnabled(bool(self._chosen))
        self.reason.set_words("" if self._chosen else self.tr("Choose a table."))

    def _on_add(self) -> None:
        self.problem.hide()
        self.confirm.set_busy(True, self.tr("Looking at them…"))
        self.add_asked.emit([o.place for o in self._offered if o.place in self._chosen])
