"""Parts of dialogs about columns that are gone: which column stands in place of each, and what needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.table_changes import Broken, Offer, UserKind, name_alike
from app.core.tables import Column
from app.ui.formats import Formats
from app.ui.pages.tables.words import type_word
from app.ui.theme import Theme
from app.ui.widgets.labels import Card, ElidedLabel, IconLabel, Label, Line, column, row
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker

NOT_REPLACED = ""
SHOWN = 12
ICONS = {
    UserKind.KEY: "key",
    UserKind.LINK: "link-simple",
    UserKind.SEGMENT: "users-three",
    UserKind.EXPORT: "paper-plane-tilt",
}


def tr(text: str) -> str:
    """Translate a word of this module."""
    return QCoreApplication.translate("ColumnsInPlace", text)


class ColumnsInPlace(Card):
    """One row for each column that is gone, with a picker of the columns there are; `changed()` when one is chosen.

    Args:
        theme: the theme.
        formats: numbers by locale.
        gone: names with their type in words, empty where nobody knows it any more.
        columns: what may stand in their place.
        offers: those that share values with one that is gone.
        chosen: what is chosen at first.
        broken: what needs them.
    """

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        formats: Formats,
        gone: Mapping[str, str],
        columns: Sequence[Column],
        offers: Sequence[Offer],
        chosen: Mapping[str, str],
        broken: Sequence[Broken],
    ) -> None:
        super().__init__(theme, margin=0)
        self._theme = theme
        self._formats = formats
        self.pickers: dict[str, Picker] = {}
        self.body.setSpacing(0)
        for at, (name, kind) in enumerate(gone.items()):
            if at:
                self.body.addWidget(Line(theme))
            alike = {offer.column: offer.alike for offer in offers if offer.gone == name}
            needing = sum(name in one.columns for one in broken)
            self.body.addWidget(self._row(name, kind, needing, columns, alike, chosen.get(name, NOT_REPLACED)))

    def chosen(self) -> dict[str, str]:
        """For each column that is gone the one in its place, as far as one is chosen."""
        return {gone: key for gone, picker in self.pickers.items() if (key := picker.current_key())}

    def is_whole(self) -> bool:
        """Whether something is chosen, and nothing twice."""
        chosen = self.chosen()
        return bool(chosen) and len(set(chosen.values())) == len(chosen)

    def _row(
        self, gone: str, kind: str, needing: int, columns: Sequence[Column], alike: Mapping[str, float], chosen: str
    ) -> QWidget:
        theme = self._theme
        ordered = sorted(columns, key=lambda c: (alike.get(c.name, 0.0), name_alike(gone, c.name)), reverse=True)
        items = [PickItem(NOT_REPLACED, tr("Nothing takes its place"))]
        for other in ordered:
            share = alike.get(other.name, 0.0)
            words = tr("{percent} of its values").format(percent=self._formats.percent(share, 0)) if share else ""
            items.append(PickItem(other.name, other.name, type_word(other.type), words))
        picker = Picker(theme, tr("In place of {column}").format(column=gone))
        picker.set_items(items)
        picker.set_current_key(chosen)
        self.pickers[gone] = picker
        same = ElidedLabel(theme, "", "caption", "text2")
        needed = tr("needed in 1 place") if needing == 1 else tr("needed in {n} places").format(n=needing)
        detail = tr("{type}, {needed}").format(type=kind, needed=needed) if kind else needed[:1].upper() + needed[1:]
        left = column(
            ElidedLabel(theme, gone, "body-medium"), ElidedLabel(theme, detail, "caption", "text2"), spacing=0
        )
        line = QWidget()
        inside = row(
            left, IconLabel(theme, "arrow-right"), column(picker, same, spacing=2), spacing=12, margins=(16, 8, 12, 6)
        )
        inside.setStretch(0, 2)
        inside.setStretch(2, 3)
        line.setLayout(inside)  # the words have a parent now: shown before, they were a window for a moment

        def renew() -> None:
            share = alike.get(picker.current_key(), 0.0)
            same.set_words(tr("Holds {percent} of its values").format(percent=self._formats.percent(share, 0)))
            same.setVisible(share > 0)
            self.changed.emit()

        picker.chosen.connect(lambda _key: renew())
        renew()
        return line


def broken_list(theme: Theme, broken: Sequence[Broken]) -> QVBoxLayout:
    """What needs the columns, each with why."""
    listed = QVBoxLayout()
    listed.setSpacing(6)
    for one in broken[:SHOWN]:
        name = tr("The key of {table}").format(table=one.name) if one.kind is UserKind.KEY else one.name
        line = row(
            IconLabel(theme, ICONS[one.kind]), ElidedLabel(theme, name), Label(theme, _why(one), "caption", "text2")
        )
        line.setStretch(1, 1)
        listed.addLayout(line)
    rest = len(broken) - SHOWN
    if rest > 0:
        listed.addWidget(Label(theme, tr("and {n} more").format(n=rest), "body", "text2"))
    return listed


def _why(broken: Broken) -> str:
    if broken.columns:
        return tr("needs {columns}").format(columns=", ".join(broken.columns[:3]))
    if broken.through:
        return tr("is built on {names}").format(names=", ".join(broken.through[:3]))
    return tr("written by hand, or by way of a link")
