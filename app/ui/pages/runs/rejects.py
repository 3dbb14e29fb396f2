"""The rejects of a run: by field, with reason and fix; the service masks the values."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.core.runs import Reject, RejectPage
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.labels import Card, Label, row
from app.ui.widgets.table import ROW, ROW_ONE_LINE, DataTable

ALL, SHOWN_FIELDS, GAP = "", 3, 12
_FIELD, _WIDE, _SEGMENT, _PADDING = 1, 640, 20, 20
_MEMBER_WIDTH, _FIELD_WIDTH, _VALUE_WIDTH, _FIX_WIDTH = 96, 112, 146, 136


@dataclass(frozen=True)
class _Row:
    key: str
    reject: Reject


class RejectsCard(QWidget):
    """Heading, choice of field, table and *Save rejects as CSV*; hidden while nobody was rejected."""

    save_asked = Signal()
    again_asked = Signal()
    field_chosen = Signal(str)
    more_asked = Signal()

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._page: RejectPage | None = None
        self._room, self._below = _WIDE, False
        self._words = Label(theme, "", "body", "text2")
        self._fields = Segmented(theme, self.tr("Rejects by field"), [Choice(ALL, self.tr("All"))], ALL, small=True)
        self._save = Button(theme, self.tr("Save rejects as CSV"), "secondary", icon="download-simple")
        self.again = Button(theme, self.tr("Send rejected again"), "link", icon="arrow-clockwise")
        self._table = DataTable(
            theme, self.tr("Rejects"), self._columns(), row_height=ROW_ONE_LINE, sortable=False, edge=16, in_card=True
        )
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._more = Button(theme, "", "link")
        card = Card(theme, margin=1)
        card.body.setSpacing(0)
        card.body.addSpacing(3)
        card.body.addWidget(self._table)
        card.body.addLayout(row(self._more, None, self.again, margins=(13, 1, 13, 3)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self._heading = Label(theme, self.tr("Rejects"), "subtitle")
        head = row(self._heading, self._words, self._fields, self._save)
        head.setStretch(1, 1)
        layout.addLayout(head)
        layout.addWidget(card)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._save.clicked.connect(self.save_asked)
        self.again.clicked.connect(self.again_asked)
        self._more.clicked.connect(self.more_asked)
        self._fields.chosen.connect(self.field_chosen)

    def show_page(self, page: RejectPage, *, may_save: bool, may_retry: bool) -> None:
        """Show the first rejects; the buttons follow what this person may do."""
        self.again.setVisible(may_retry)
        self.setVisible(page.total > 0)
        if not page.total:
            return
        formats = self._formats
        self._page = page
        self._offer_fields(page)
        self._table.set_rows(_Row(f"{at}", reject) for at, reject in enumerate(page.rejects))
        self._fit_reasons(page)
        chosen = page.by_field.get(self._fields.current(), page.total) if self._fields.current() else page.total
        self._more.setVisible(chosen > len(page.rejects))
        self._more.set_words(self.tr("Show all {n}").format(n=formats.number(chosen)))
        self._save.setVisible(may_save)

    def set_room(self, width: int) -> None:
        """Say how wide the card may be: fields and columns that do not fit are left out."""
        self._room = width
        if self._page is not None:
            self._offer_fields(self._page)
            self._fit_reasons(self._page)

    def _offer_fields(self, page: RejectPage) -> None:
        """The fields with the most rejects, and the chosen one, as far as they fit beside heading and button."""
        current = self._fields.current()
        room = self._room - self._heading.sizeHint().width() - self._save.sizeHint().width() - 3 * GAP
        choices = [Choice(ALL, self.tr("All"))]
        top = sorted(page.by_field.items(), key=lambda item: (item[0] != current, -item[1]))[:SHOWN_FIELDS]
        taken = self._width_of(choices[0])
        for field, number in sorted(top, key=lambda item: -item[1]):
            choice = Choice(field, f"{self._name(field)} {self._formats.number(number)}")
            taken += self._width_of(choice)
            if taken <= room or field == current:
                choices.append(choice)
        self._fields.set_choices(choices)
        self._tell_number(page, room - sum(map(self._width_of, choices)))
        self._fields.set_current(current if any(c.key == current for c in choices) else ALL)

    def _fit_reasons(self, page: RejectPage) -> None:
        """A fix stands beside its reason where both are short enough, else below it, and the value below its field."""
        width = self._theme.metrics("body").horizontalAdvance
        taken = _MEMBER_WIDTH + _FIELD_WIDTH + _FIX_WIDTH + (0 if self._room < _WIDE else _VALUE_WIDTH)
        self._below = any(
            width(reject.reason) > self._room - taken - _PADDING or width(reject.fix) > _FIX_WIDTH - _PADDING
            for reject in page.rejects
        )
        self._table.set_column_visible("fix", not self._below)
        self._table.set_column_visible("value", not self._below and self._room >= _WIDE)
        self._table.setColumnWidth(_FIELD, _VALUE_WIDTH if self._below else _FIELD_WIDTH)
        self._table.set_column_title("reason", self.tr("Reason and fix") if self._below else self.tr("Reason"))
        self._table.set_row_height(ROW if self._below else ROW_ONE_LINE)
        self._table.set_height_in_rows(max(1, len(page.rejects)))

    def _tell_number(self, page: RejectPage, room: int) -> None:
        """How many there are, in as many words as there is room for."""
        members = self._formats.counted(page.total, "members")
        width = self._theme.metrics("body").horizontalAdvance
        words = (self.tr("{members}, by field").format(members=members), members)
        self._words.set_words(next((told for told in words if width(told) <= room), ""))

    def _width_of(self, choice: Choice) -> int:
        return self._theme.metrics("caption-medium").horizontalAdvance(choice.text) + _SEGMENT

    def _columns(self) -> list[Column[_Row]]:
        return [
            Column("member", self.tr("Member"), lambda r: TextCell(r.reject.member), width=_MEMBER_WIDTH),
            Column(
                "field",
                self.tr("Field"),
                lambda r: self._field_cell(r.reject),
                width=_FIELD_WIDTH,
            ),
            Column(
                "value",
                self.tr("Value"),
                lambda r: TextCell(r.reject.value, role="mono", ink="text2"),
                width=_VALUE_WIDTH,
            ),
            Column(
                "reason",
                self.tr("Reason"),
                lambda r: TextCell(r.reject.reason, r.reject.fix if self._below else ""),
                width=150,
                stretch=True,
            ),
            Column("fix", self.tr("Fix"), lambda r: TextCell(r.reject.fix, ink="text2"), width=_FIX_WIDTH),
        ]

    def _field_cell(self, reject: Reject) -> TextCell:
        return TextCell(self._name(reject.field), reject.value if self._below else "", ink="text2")

    def _name(self, field: str) -> str:
        return field.replace("_", " ").capitalize() if field else self.tr("Other")
