"""Which tables of a held run lost rows, and how many."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.file_guards import by_loss
from app.core.guards import Fewer
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.labels import ElidedLabel, Label

SHOWN = 6
"""So many have room in a dialog; the others are counted."""


class LostRows(QWidget):
    """A line for each table: what the last run wrote, what there is now, and the share that is gone."""

    def __init__(self, theme: Theme, formats: Formats, fewer: Sequence[Fewer], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        told = by_loss(fewer)
        lines = [
            (
                (each.name, "body-medium", "text"),
                (self.tr("{rows} at the last run").format(rows=formats.counted(each.before, "rows")), "body", "text2"),
                (self.tr("{n} now").format(n=formats.number(each.now)), "body", "text2"),
                (self.tr("{share} gone").format(share=formats.percent(each.share / 100)), "body-medium", "danger"),
            )
            for each in told[:SHOWN]
        ]
        for number, line in enumerate(lines):
            for place, (words, role, ink) in enumerate(line):
                label = ElidedLabel(theme, words, role, ink) if place == 0 else Label(theme, words, role, ink)
                grid.addWidget(label, number, place)
        if len(told) > SHOWN:
            more = self.tr("{n} more lost rows too.").format(n=formats.number(len(told) - SHOWN))
            grid.addWidget(Label(theme, more, "caption", "text2"), SHOWN, 0, 1, 4)
        grid.setColumnStretch(0, 1)
        self.setAccessibleName(". ".join(" ".join(words for words, _role, _ink in line) for line in lines))
