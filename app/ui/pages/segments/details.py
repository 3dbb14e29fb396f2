"""One segment: its rules in words, its first members, its count and who uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.counts import Count
from app.core.errors import as_sendoff_error
from app.core.segments import Segment, SegmentOf
from app.services.segments import MemberPage
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Area, Card, ElidedLabel, IconLine, Label, clear, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Scroll
from app.ui.widgets.table import ROW_ONE_LINE, DataTable
from app.ui.widgets.table_header import HEIGHT as HEADER

PANEL = 276
SHOWN_COLUMNS = 5


@dataclass(frozen=True)
class SegmentDetails:
    """What the details show; read in a job. Members are masked by the service; `members` is None while they can't be read."""

    segment: Segment
    words: tuple[str, ...]
    issues: tuple[str, ...]
    members: MemberPage | None
    used_by: tuple[str, ...]
    may_change: bool
    may_show: bool


@dataclass(frozen=True)
class _MemberRow:
    key: str
    values: tuple[Any, ...]


class SegmentDetailsView(QWidget):
    """Middle and right side of the page; signals name what the person asked for."""

    remove_asked = Signal(str)
    open_export_asked = Signal(str)
    show_values_asked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._segment: Segment | None = None
        self._title = ElidedLabel(theme, "", "title")
        self._remove = Button(theme, self.tr("Remove"), "ghost", icon="trash")
        self._note = Note(theme, "danger", "")
        self._rules = QVBoxLayout()
        self._rules.setSpacing(8)
        self._members = QVBoxLayout()
        self._hidden = IconLine(theme, "lock-simple", self.tr("Personal values are hidden"))
        self._show = Button(theme, self.tr("Show"), "link")
        self._number = Label(theme, "–", "display")
        self._state = Pill(theme, "")
        self._unit = Label(theme, "", "body", "text2", wrap=True)
        self._facts = FactList(theme, self.tr("About the count"))
        self._used = QVBoxLayout()
        self._used.setSpacing(2)
        body = QWidget()
        middle = QVBoxLayout(body)
        middle.setContentsMargins(24, 16, 24, 24)
        middle.setSpacing(12)
        middle.addLayout(row(self._title, self._remove))
        middle.addWidget(self._note)
        middle.addLayout(self._rules)
        middle.addLayout(row(Label(theme, self.tr("First members"), "subtitle"), None, self._hidden, self._show))
        middle.addLayout(self._members)
        middle.addStretch(1)
        panel = Area(theme, "surface", "l")
        panel.setFixedWidth(PANEL)
        side = QVBoxLayout(panel)
        side.setContentsMargins(20, 20, 20, 20)
        side.setSpacing(8)
        side.addLayout(row(Label(theme, self.tr("Live count"), "subtitle"), None, self._state))
        for part in (self._number, self._unit, self._facts):
            side.addWidget(part)
        side.addSpacing(12)
        side.addWidget(Label(theme, self.tr("Used by"), "subtitle"))
        side.addLayout(self._used)
        side.addStretch(1)
        ground = Area(theme, "subtle")
        inside = QHBoxLayout(ground)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(Scroll(body))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(ground, 1)
        layout.addWidget(panel)
        self._note.hide()
        self._hidden.hide()
        self._show.hide()
        self._show.clicked.connect(lambda: self.show_values_asked.emit(self._segment.name if self._segment else ""))
        self._remove.clicked.connect(lambda: self.remove_asked.emit(self._segment.name if self._segment else ""))

    def show_title(self, segment: Segment) -> None:
        """Name the segment at once; the rest follows when it is read."""
        if self._segment is None or self._segment.name != segment.name:
            clear(self._rules)
            clear(self._members)
            clear(self._used)
            self._note.hide()
        self._segment = segment
        self._title.set_words(segment.name)

    def show_count(self, count: Count | None, *, counting: bool) -> None:
        """Show the count as far as it is known."""
        formats = self._formats
        self._number.set_words(formats.number(count.members) if count is not None else "–")
        self._number.set_ink("text3" if counting else "text")
        if counting:
            self._state.set_pill(self.tr("Counting"), "neutral")
        elif count is not None:
            self._state.set_pill(self.tr("Up to date"), "success", "check-bold")
        self._state.setVisible(counting or count is not None)
        self._unit.set_words(self._of_words())
        facts = []
        if count is not None:
            facts = [
                Fact(self.tr("Counted"), formats.day_and_clock(count.counted_at)),
                Fact(self.tr("Kind"), self._kind_words()),
            ]
        self._facts.set_facts(facts)

    def show_details(self, details: SegmentDetails) -> None:
        """Show rules, members and users."""
        self._remove.setVisible(details.may_change and not details.used_by)
        self._note.setVisible(bool(details.issues))
        if details.issues:
            self._note.set_note("danger", self.tr("This segment can't be counted."), "\n".join(details.issues))
        clear(self._rules)
        for number, sentence in enumerate(details.words, 1):
            card = Card(self._theme)
            card.body.addWidget(Label(self._theme, self.tr("Rule {n}").format(n=number), "caption-medium", "text3"))
            card.body.addWidget(Label(self._theme, sentence, "body", wrap=True))
            self._rules.addWidget(card)
        self._show_members(details.members, may_show=details.may_show)
        clear(self._used)
        for name in details.used_by:
            link = Button(self._theme, name, "link")
            link.clicked.connect(lambda _checked=False, name=name: self.open_export_asked.emit(name))
            self._used.addLayout(row(link, None))
        if not details.used_by:
            self._used.addWidget(Label(self._theme, self.tr("No export uses it."), "body", "text2"))

    def show_problem(self, error: BaseException) -> None:
        """Say why nothing can be shown."""
        told = as_sendoff_error(error)
        self._note.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self._note.show()

    def _show_members(self, page: MemberPage | None, *, may_show: bool) -> None:
        clear(self._members)
        masked = page is not None and bool(page.rows) and page.masked
        self._hidden.setVisible(masked)
        self._show.setVisible(masked and may_show)
        if page is None:
            self._members.addWidget(Label(self._theme, self.tr("They can't be read now."), "body", "text2"))
            return
        if not page.rows:
            self._members.addWidget(Label(self._theme, self.tr("Nobody belongs to it now."), "body", "text2"))
            return
        columns = [
            Column(name, name, lambda r, at=at: TextCell(_words(r.values[at])), width=124, stretch=at == 1)
            for at, name in enumerate(page.columns[:SHOWN_COLUMNS])
        ]
        table = DataTable(
            self._theme, self.tr("First members"), columns, row_height=ROW_ONE_LINE, sortable=False, edge=16
        )
        table.set_rows(_MemberRow(str(at), tuple(values)) for at, values in enumerate(page.rows))
        table.setFixedHeight(HEADER + ROW_ONE_LINE * len(page.rows) + 16)
        card = Card(self._theme, margin=1)
        card.body.addSpacing(3)
        card.body.addWidget(table)
        self._members.addWidget(card)

    def _of_words(self) -> str:
        if self._segment is None:
            return ""
        return {
            SegmentOf.CUSTOMERS: self.tr("customers"),
            SegmentOf.CONTACTS: self.tr("contacts"),
            SegmentOf.ACCOUNTS: self.tr("accounts"),
        }[self._segment.of]

    def _kind_words(self) -> str:
        if self._segment is None:
            return ""
        kinds = {"rules": self.tr("Dynamic"), "list": self.tr("Static list"), "sql": self.tr("SQL")}
        return kinds[self._segment.described_kind]


def _words(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)
