"""The head of pages about one run, two, or a plan: the way back, badge, title, one sentence, buttons at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.destinations.description import Badge as BadgeLook
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Area, ElidedLabel, column, row
from app.ui.widgets.marks import Badge

HEIGHT, BADGE = 101, 24


class RunHead(Area):
    """`actions` takes pills and buttons; `home` and `back` name another way back than to the runs. Signal `back_asked`."""

    back_asked = Signal()

    def __init__(self, theme: Theme, home: str = "", back: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, "surface", "b", parent=parent)
        self.setFixedHeight(HEIGHT)
        words, name = home or self.tr("Runs"), back or self.tr("Back to the runs")
        self._back = Button(theme, words, "link", icon="arrow-left", small=True, name=name)
        self._badge = Badge(theme, "", "#636C7B", "", BADGE)
        self._title = ElidedLabel(theme, "", "page")
        self._sentence = ElidedLabel(theme, "", "body", "text2")
        self.actions = QHBoxLayout()
        self.actions.setSpacing(8)
        title = row(self._badge, self._title, spacing=10)
        title.setStretch(1, 1)
        inset = self._back.inset()
        title.setContentsMargins(inset, 0, 0, 0)
        named = row(column(row(self._back, None), title, spacing=0), 14, self.actions, spacing=10)
        named.setStretch(0, 1)
        named.setAlignment(self.actions, Qt.AlignmentFlag.AlignBottom)
        said = row(self._sentence, margins=(inset, 2, 0, 0))  # the whole width is its own
        self.setLayout(column(named, said, None, spacing=0, margins=(24 - inset, 10, 24, 0)))
        self._badge.hide()
        self._back.clicked.connect(self.back_asked)

    def set_head(self, title: str, sentence: str, badge: BadgeLook, destination: str) -> None:
        """Say what the page is about."""
        self._badge.show()
        self._badge.set_badge(badge.letters, badge.colour, destination)
        self._title.set_words(title)
        self._sentence.set_words(sentence)
