"""What changed in a segment between two runs: its rules then and now, and who changed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.core.audit import AuditEntry
from app.core.configurations import SegmentChange
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, IconLabel, Label, row

WIDTH = 640


@dataclass(frozen=True)
class RunMark:
    """A run as the comparison calls it."""

    id: str
    letter: str
    when: str


class SegmentChangeDialog(Dialog):
    """Rules as the two runs kept them; who saved the segment between is read in a job. It leads to the segment and the trail."""

    def __init__(
        self, context: WindowContext, opener: QWidget, change: SegmentChange, earlier: RunMark, later: RunMark
    ) -> None:
        super().__init__(
            context.theme,
            opener,
            self.tr("What changed in “{segment}”").format(segment=change.name),
            self.tr("The rules each of the two runs was made with."),
            width=WIDTH,
        )
        self.let_title_wrap()
        self._context, self._change = context, change
        theme = context.theme
        self.before = self._rules(earlier, change.before, change.after, "minus-circle-fill", "danger")
        self.after = self._rules(later, change.after, change.before, "plus-circle-fill", "success")
        self.who = Label(theme, "", "body", "text2", wrap=True)
        self.trail = Button(theme, self.tr("Show in the audit trail"))
        self.segment = Button(theme, self.tr("Open segment"), "primary")
        for part in (self.before, self.after, self.who):
            self.body.addWidget(part)
        close = Button(theme, self.tr("Close"))
        self.add_button(close)
        self.add_button(self.trail)
        self.add_button(self.segment, default=True)
        self.who.hide()
        self.trail.hide()
        self.segment.hide()
        close.clicked.connect(self.reject)
        self.trail.clicked.connect(lambda: self._lead("audit"))
        self.segment.clicked.connect(lambda: self._lead("segments"))
        self._query = LiveQuery(context.runner, self.tr("Who changed the segment"), delay_ms=0, parent=self)
        self._query.ready.connect(self._on_read)
        self.finished.connect(lambda _code: self._query.cancel())
        services = context.services

        def read(_ctx: JobContext) -> tuple[bool, tuple[AuditEntry, ...]]:
            there = any(row.segment.name == change.name for row in services.segments.all())
            return there, services.comparing.who_changed(earlier.id, later.id, change.name)

        self._query.ask(read, at_once=True)

    def _rules(self, run: RunMark, rules: Sequence[str], others: Sequence[str], icon: str, ink: str) -> Card:
        """The rules of one run; those the other one had not are marked."""
        theme = self._context.theme
        card = Card(theme, margin=16)
        card.body.setSpacing(6)
        head = self.tr("Run {letter}: {when}").format(letter=run.letter, when=run.when)
        card.body.addWidget(Label(theme, head, "subtitle"))
        card.setAccessibleName(head)
        if not rules:
            card.body.addWidget(Label(theme, self.tr("The run did not use this segment."), "body", "text2"))
        for words in rules:
            own = words not in others
            mark = IconLabel(theme, icon if own else "circle", ink if own else "text3", 14)
            mark.setFixedHeight(20)
            line = row(mark, Label(theme, words, "body", wrap=True), spacing=10)
            line.setStretch(1, 1)
            line.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
            card.body.addLayout(line)
        return card

    def _on_read(self, read: tuple[bool, tuple[AuditEntry, ...]]) -> None:
        there, entries = read
        formats = self._context.formats
        line = self.tr("Saved by {person} ({role}) on {moment}.")
        self.who.set_words(
            "\n".join(
                line.format(person=each.person, role=formats.role(each.role), moment=formats.moment(each.at))
                for each in entries
            )
        )
        self.who.setVisible(bool(entries))
        self.trail.setVisible(bool(entries))
        self.segment.setVisible(there)

    def _lead(self, page: str) -> None:
        self.accept()
        self._context.navigator.show_page(page, self._change.name)
