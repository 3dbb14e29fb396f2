"""The whole model.json of an export as it would be written, to be read and copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.core.layouts import MODEL_FILE
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.code import CodeView
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, Label

MOST_LINES = 2_000
"""More of them nobody reads here; all can be copied."""
_HIGH = 24


class ModelDialog(Dialog):
    """Read only; `path` is where the file would lie, below the connection's folder."""

    def __init__(self, theme: Theme, formats: Formats, opener: QWidget, path: str, lines: Sequence[str]) -> None:
        super().__init__(theme, opener, MODEL_FILE, path, width=640, click_beside_closes=True)
        self._lines = lines
        self.code = CodeView(theme, MODEL_FILE, most_lines=_HIGH)
        card = Card(theme, margin=14)
        card.body.addWidget(self.code)
        self.body.addWidget(card)
        self.code.set_code("\n".join(lines[:MOST_LINES]))
        rest = len(lines) - MOST_LINES
        note = self.tr("As a run now would write it; how many files a table needs is estimated.")
        if rest > 0:
            more = self.tr("{n} more lines are not shown; Copy takes all.").format(n=formats.number(rest))
            note = f"{note} {more}"
        self.body.addWidget(Label(theme, note, "caption", "text2", wrap=True))
        self.copy_button = Button(theme, self.tr("Copy"), icon="copy")
        self.copy_button.clicked.connect(self._on_copy)
        self.add_left(self.copy_button)
        done = Button(theme, self.tr("Close"), "primary")
        done.clicked.connect(self.accept)
        self.add_button(done, default=True)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._lines))
        self.copy_button.set_words(self.tr("Copied"))
