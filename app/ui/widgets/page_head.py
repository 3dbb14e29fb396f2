"""The head of a page: title, one sentence, and the page's search at the right."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, row

HEIGHT, SEARCH_WIDTH = 79, 260


class PageHead(Area):
    """`search` is the page's search field, or None when it has none."""

    def __init__(
        self, theme: Theme, title: str, sentence: str, placeholder: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "surface", "b", parent=parent)
        self.setFixedHeight(HEIGHT)
        self.search = SearchField(theme, placeholder) if placeholder else None
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(Label(theme, title, "page"))
        words.addWidget(Label(theme, sentence, "body", "text2"))
        line = row(words, None, spacing=16, margins=(24, 16, 24, 13))
        if self.search is not None:
            self.search.setFixedWidth(SEARCH_WIDTH)
            line.addWidget(self.search)
        self.setLayout(line)
