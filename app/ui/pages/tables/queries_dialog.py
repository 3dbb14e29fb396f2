"""Queries of segments that are about to be written otherwise, because a column has another name now."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.table_changes import Requeried
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.code import CodeView
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, Label

SHOWN = 6


class QueriesDialog(Dialog):
    """Each query as it is and as it will be. Signal `agreed()`."""

    agreed = Signal()

    def __init__(self, theme: Theme, opener: QWidget, queries: Sequence[Requeried]) -> None:
        super().__init__(theme, opener, "", width=640)
        title = self.tr("1 query is rewritten") if len(queries) == 1 else self.tr("{n} queries are rewritten")
        self.set_head(title.format(n=len(queries)), self.tr("Only the names of columns change; nothing is saved yet."))
        for one in queries[:SHOWN]:
            self.body.addWidget(Label(theme, one.segment, "subtitle"))
            for label, name, sql in (
                (self.tr("Now"), self.tr("The query of {segment} now"), one.before),
                (self.tr("Then"), self.tr("The query of {segment} then"), one.after),
            ):
                card = Card(theme, margin=12)
                code = CodeView(theme, name.format(segment=one.segment), most_lines=8)
                code.set_code(sql)
                card.body.addWidget(Label(theme, label, "caption", "text2"))
                card.body.addWidget(code)
                self.body.addWidget(card)
        rest = len(queries) - SHOWN
        if rest > 0:
            self.body.addWidget(Label(theme, self.tr("and {n} more").format(n=rest), "body", "text2"))
        self.save_button = Button(theme, self.tr("Rewrite them"), "primary")
        self.add_cancel()
        self.add_button(self.save_button, default=True)
        self.save_button.clicked.connect(self._on_save)

    def _on_save(self) -> None:
        self.accept()
        self.agreed.emit()
