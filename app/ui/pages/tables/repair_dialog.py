"""A refresh that waits: which columns went, what needs them, and which columns of the source stand for them now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.table_changes import Broken, UserKind
from app.core.tables import Column
from app.ui.formats import Formats
from app.ui.pages.tables.words import type_word
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, ElidedLabel, IconLabel, Label, Line, column, row
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh

NOT_REPLACED = ""
SHOWN = 12
ICONS = {
    UserKind.KEY: "key",
    UserKind.LINK: "link-simple",
    UserKind.SEGMENT: "users-three",
    UserKind.EXPORT: "paper-plane-tilt",
}


class TableRepairDialog(Dialog):
    """Signals: `use_asked(dict)` maps columns that went to those in their place, `take_asked()`, `keep_asked()`."""

    use_asked = Signal(object)
    take_asked = Signal()
    keep_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, opener: QWidget, table: str, held: HeldRefresh) -> None:
        super().__init__(theme, opener, "", width=640)
        self.set_head(
            self.tr("{table} was not refreshed").format(table=table),
            self.tr("Its source has other columns now. The old rows stay until you decide."),
        )
        self._formats = formats
        self._held = held
        self.choices: dict[str, Picker] = {}
        self.use_button = Button(theme, self.tr("Use these columns"), "primary")
        self.take_button = Button(theme, self.tr("Take it as it is"), "danger")
        self.keep_button = Button(theme, self.tr("Keep old rows"), "secondary")
        if held.gone:
            self.body.addWidget(Label(theme, self.tr("Columns that went"), "subtitle"))
            self.body.addWidget(self._gone_card())
        for retyped in held.changed.retyped:
            words = self.tr("{column} was {before} and is {now} now.").format(
                column=retyped.name, before=type_word(retyped.before).lower(), now=type_word(retyped.now).lower()
            )
            self.body.addWidget(Label(theme, words, wrap=True))
        self.body.addWidget(Label(theme, self.tr("What would stop working"), "subtitle"))
        self.body.addLayout(self._broken_list())
        keyless = any(broken.kind is UserKind.KEY for broken in held.broken)
        words = self.tr("“Take it as it is” brings the new rows; what is listed stops until you mend it.")
        if keyless:
            words = self.tr("Without its key the table can't be taken as it is.")
        self.body.addWidget(Label(theme, words, "caption", "text2", wrap=True))
        self.add_left(self.keep_button)
        self.add_button(self.take_button)
        self.add_button(self.use_button, default=True)
        self.use_button.setVisible(bool(held.gone))
        self.take_button.setVisible(not keyless)
        self.use_button.clicked.connect(self._on_use)
        self.take_button.clicked.connect(self._on_take)
        self.keep_button.clicked.connect(self._on_keep)
        self._renew()

    def chosen(self) -> dict[str, str]:
        """For each column that went the one in its place, as far as one is chosen."""
        return {gone: key for gone, picker in self.choices.items() if (key := picker.current_key())}

    def _gone_card(self) -> Card:
        card = Card(self.theme, margin=0)
        card.body.setSpacing(0)
        for at, gone in enumerate(self._held.gone):
            if at:
                card.body.addWidget(Line(self.theme))
            card.body.addWidget(self._gone_row(gone))
        return card

    def _gone_row(self, gone: Column) -> QWidget:
        theme, held = self.theme, self._held
        alike = {offer.column: offer.alike for offer in held.offers if offer.gone == gone.name}
        ordered = sorted(held.columns, key=lambda c: (-alike.get(c.name, 0.0), c.name not in alike))
        items = [PickItem(NOT_REPLACED, self.tr("Nothing takes its place"))]
        for other in ordered:
            share = alike.get(other.name, 0.0)
            same = self.tr("{percent} of its values").format(percent=self._formats.percent(share, 0)) if share else ""
            items.append(PickItem(other.name, other.name, type_word(other.type), same))
        picker = Picker(theme, self.tr("In place of {column}").format(column=gone.name))
        picker.set_items(items)
        picker.set_current_key(held.chosen.get(gone.name, NOT_REPLACED))
        same = ElidedLabel(theme, "", "caption", "text2")

        def renew() -> None:
            share = alike.get(picker.current_key(), 0.0)
            words = self.tr("Holds {percent} of its values").format(percent=self._formats.percent(share, 0))
            same.set_words(words)
            same.setVisible(share > 0)
            self._renew()

        picker.chosen.connect(lambda _key: renew())
        self.choices[gone.name] = picker
        needing = sum(gone.name in broken.columns for broken in held.broken)
        detail = self.tr("{type}, needed in {n} places").format(type=type_word(gone.type), n=needing)
        if needing == 1:
            detail = self.tr("{type}, needed in 1 place").format(type=type_word(gone.type))
        words = column(
            ElidedLabel(theme, gone.name, "body-medium"), ElidedLabel(theme, detail, "caption", "text2"), spacing=0
        )
        line = QWidget()
        inside = row(
            words, IconLabel(theme, "arrow-right"), column(picker, same, spacing=2), spacing=12, margins=(16, 8, 12, 6)
        )
        inside.setStretch(0, 2)
        inside.setStretch(2, 3)
        line.setLayout(inside)  # the words have a parent now: shown before, they were a window for a moment
        renew()
        return line

    def _broken_list(self) -> QVBoxLayout:
        theme, held = self.theme, self._held
        listed = QVBoxLayout()
        listed.setSpacing(6)
        for broken in held.broken[:SHOWN]:
            icon = IconLabel(theme, ICONS[broken.kind])
            line = row(
                icon, ElidedLabel(theme, self._name(broken)), Label(theme, self._why(broken), "caption", "text2")
            )
            line.setStretch(1, 1)
            listed.addLayout(line)
        rest = len(held.broken) - SHOWN
        if rest > 0:
            listed.addWidget(Label(theme, self.tr("and {n} more").format(n=rest), "body", "text2"))
        return listed

    def _name(self, broken: Broken) -> str:
        return self.tr("The key of {table}").format(table=broken.name) if broken.kind is UserKind.KEY else broken.name

    def _why(self, broken: Broken) -> str:
        if broken.columns:
            return self.tr("needs {columns}").format(columns=", ".join(broken.columns[:3]))
        if broken.through:
            return self.tr("is built on {names}").format(names=", ".join(broken.through[:3]))
        return self.tr("written by hand, or by way of a link")

    def _renew(self) -> None:
        chosen = self.chosen()
        twice = len(set(chosen.values())) < len(chosen)
        self.use_button.setEnabled(bool(chosen) and not twice)
        self.reason.set_words(self.tr("One column stands twice") if twice else "")

    def _on_use(self) -> None:
        self.accept()
        self.use_asked.emit(self.chosen())

    def _on_take(self) -> None:
        self.accept()
        self.take_asked.emit()

    def _on_keep(self) -> None:
        self.reject()
        self.keep_asked.emit()
