"""The rejects of a run: by field, with reason and fix; the service masks the values."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.core.runs import Reject, RejectPage
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.labels import Card, Label, row
from app.ui.widgets.table import ROW_ONE_LINE, DataTable
from app.ui.widgets.table_header import HEIGHT as HEADER

ALL, SHOWN_FIELDS, FEW = "", 3, 4


@dataclass(frozen=True)
class _Row:
    key: str
    reject: Reject


class RejectsCard(QWidget):
    """Heading, choice of field, table and *Save rejects as CSV*; hidden while nobody was rejected."""

    save_asked = Signal()
    field_chosen = Signal(str)
    more_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._words = Label(theme, "", "body", "text2")
        self._fields = Segmented(theme, self.tr("Rejects by field"), [Choice(ALL, self.tr("All"))], ALL)
        self._save = Button(theme, self.tr("Save rejects as CSV"), "secondary", icon="download-simple")
        self._table = DataTable(
            theme, self.tr("Rejects"), self._columns(), row_height=ROW_ONE_LINE, sortable=False, edge=16
        )
        self._more = Button(theme, "", "link")
        card = Card(theme, margin=1)
        card.body.setSpacing(0)
        card.body.addSpacing(3)
        card.body.addWidget(self._table)
        card.body.addLayout(row(self._more, None, margins=(8, 4, 8, 4)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(Label(theme, self.tr("Rejects"), "subtitle"), self._words, None, self._fields, self._save))
        layout.addWidget(card)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._save.clicked.connect(self.save_asked)
        self._more.clicked.connect(self.more_asked)
        self._fields.chosen.connect(self.field_chosen)

    def show_page(self, page: RejectPage, *, may_save: bool) -> None:
        """Show the first rejects."""
        self.setVisible(page.total > 0)
        if not page.total:
            return
        formats = self._formats
        self._words.set_words(self.tr("{members}, by field").format(members=formats.counted(page.total, "members")))
        current = self._fields.current()
        top = sorted(page.by_field.items(), key=lambda item: -item[1])[:SHOWN_FIELDS]
        choices = [Choice(ALL, self.tr("All"))]
        choices += [Choice(field, f"{self._name(field)} {formats.number(number)}") for field, number in top]
        self._fields.set_choices(choices)
        self._fields.set_current(current if any(c.key == current for c in choices) else ALL)
        self._table.set_rows(_Row(f"{at}", reject) for at, reject in enumerate(page.rejects))
        self._table.setFixedHeight(HEADER + ROW_ONE_LINE * max(1, len(page.rejects)) + 2)
        chosen = page.by_field.get(self._fields.current(), page.total) if self._fields.current() else page.total
        self._more.setVisible(chosen > len(page.rejects))
        self._more.set_words(self.tr("Show all {n}").format(n=formats.number(chosen)))
        self._save.setVisible(may_save)

    def _columns(self) -> list[Column[_Row]]:
        return [
            Column("member", self.tr("Member"), lambda r: TextCell(r.reject.member), width=112),
            Column("field", self.tr("Field"), lambda r: TextCell(self._name(r.reject.field), ink="text2"), width=100),
            Column(
                "value",
                self.tr("Value"),
                lambda r: TextCell(r.reject.value, role="mono", ink="text2"),
                width=150,
            ),
            Column("reason", self.tr("Reason"), lambda r: TextCell(r.reject.reason), width=220, stretch=True),
            Column("fix", self.tr("Fix"), lambda r: TextCell(r.reject.fix, ink="text2"), width=200),
        ]

    def _name(self, field: str) -> str:
        return field.replace("_", " ").capitalize() if field else self.tr("Other")
