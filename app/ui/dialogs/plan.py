"""What a run of an export would change at its target, looked at before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.plans import Change, LeftOut, Plan, PlannedMember
from app.jobs import JobContext
from app.services.exports import ExportRow
from app.ui.context import WindowContext
from app.ui.formats import NOTHING
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.charts import StackedBar
from app.ui.widgets.columns import Column, StatusCell, TextCell
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Card, IconLine, Label, column, row
from app.ui.widgets.notes import Note
from app.ui.widgets.states import Loading
from app.ui.widgets.table import ROW_ONE_LINE, DataTable
from app.ui.widgets.table_header import HEIGHT as HEADER

FIRST, WIDTH, TABLE_ROWS = 20, 760, 6


@dataclass(frozen=True)
class _Row:
    key: str
    member: PlannedMember


class PlanDialog(Dialog):
    """Makes the plan in a job when it opens and again when asked. Signal `send_asked()` after which it is closed."""

    send_asked = Signal()

    def __init__(self, context: WindowContext, opener: QWidget, export: ExportRow) -> None:
        badge = export.description.badge
        name, target = export.export.name, export.description.name
        super().__init__(
            context.theme,
            opener,
            self.tr("Plan for {export}").format(export=name),
            self.tr("What sending now changes at {target}. Nothing has been sent yet.").format(target=target),
            width=WIDTH,
            badge=(badge.letters, badge.colour, target),
        )
        self._context = context
        self._name = name
        theme = context.theme
        self._loading = Loading(theme, self.tr("Comparing with what was sent"), rows=6, badges=False, at_once=True)
        self.problem = Note(theme, "danger", "")
        self._numbers = [(Label(theme, "", "number"), Label(theme, "", "caption", "text2")) for _ in range(5)]
        self._bar = StackedBar(theme, self.tr("Plan"))
        self._left_out = Label(theme, "", "caption", "text2", wrap=True)
        self._notes = Label(theme, "", "body", "text2", wrap=True)
        self._hidden = IconLine(theme, "lock-simple", self.tr("Personal values are hidden"))
        self.table = DataTable(
            theme, self.tr("Members"), self._columns(), row_height=ROW_ONE_LINE, sortable=False, edge=16
        )
        self._members = QWidget()
        self._pages = QStackedWidget()
        self.again = Button(theme, self.tr("Plan again"), "ghost", icon="arrows-clockwise")
        self.send = Button(theme, self.tr("Send"), "primary", icon="paper-plane-tilt")
        self._query = LiveQuery(context.runner, self.tr("Make the plan"), delay_ms=0, parent=self)
        self._assemble()
        self._connect()
        self._ask()

    def _assemble(self) -> None:
        numbers = [column(number, words, spacing=0) for number, words in self._numbers]
        line = row(numbers[0], None, numbers[1], None, numbers[2], None, numbers[3], None, numbers[4], spacing=0)
        card = Card(self.theme, margin=1)
        card.body.addWidget(self.table)
        members = QVBoxLayout(self._members)
        members.setContentsMargins(0, 0, 0, 0)
        members.setSpacing(8)
        members.addLayout(row(Label(self.theme, self.tr("First members"), "subtitle"), None, self._hidden))
        members.addWidget(card)
        made = QWidget()
        inside = QVBoxLayout(made)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addLayout(line)
        for widget in (self._bar, self._left_out, self._notes, self._members):
            inside.addWidget(widget)
        inside.addStretch(1)
        for page in (self._loading, made, self.problem):
            self._pages.addWidget(page)
        self._made = made
        self.body.addWidget(self._pages)
        self.add_left(self.again)
        self.add_cancel().set_words(self.tr("Close"))
        self.add_button(self.send, default=True)

    def _connect(self) -> None:
        self._query.ready.connect(self._on_made)
        self._query.failed.connect(self._on_failed)
        self._loading.cancelled.connect(self.reject)
        self.again.clicked.connect(self._ask)
        self.send.clicked.connect(self._on_send)
        self.finished.connect(lambda _code: self._query.cancel())

    def _ask(self) -> None:
        services, name = self._context.services, self._name

        def make(ctx: JobContext) -> Plan:
            plan: Plan = services.plans.plan(name, ctx, FIRST)
            return plan

        self.again.setEnabled(False)
        self.send.setEnabled(False)
        self.reason.set_words("")
        self._pages.setCurrentWidget(self._loading)
        self._query.ask(make, at_once=True)

    def _on_made(self, plan: Plan) -> None:
        formats, changes = self._context.formats, plan.changes
        left_out = sum(plan.left_out.values())
        shown = (
            (self.tr("Added"), f"+{formats.number(changes.added)}", "success", changes.added),
            (self.tr("Changed"), formats.number(changes.changed), "accent_text", changes.changed),
            (self.tr("Removed"), f"−{formats.number(changes.removed)}", "danger", changes.removed),
            (self.tr("Unchanged"), formats.number(changes.unchanged), "text", changes.unchanged),
            (self.tr("Left out"), formats.number(left_out), "warning", left_out),
        )
        for (words, value, ink, number), (label, caption) in zip(shown, self._numbers, strict=True):
            label.set_words(value if number else formats.number(0))
            label.set_ink(ink if number else "text")
            caption.set_words(words)
        whole = max(1, changes.to_send + changes.unchanged)
        parts = (
            (changes.unchanged, "accent_soft"),
            (changes.added, "success_fill"),
            (changes.changed, "accent"),
            (changes.removed, "danger_fill"),
        )
        described = ", ".join(f"{words}: {value}" for words, value, _ink, _number in shown)
        self._bar.set_parts([(number / whole, role) for number, role in parts], described)
        self._left_out.set_words(self._left_out_words(plan))
        self._left_out.setVisible(bool(left_out))
        notes = self._note_words(plan)
        self._notes.set_words("\n".join(notes))
        self._notes.setVisible(bool(notes))
        self.table.set_rows(_Row(str(at), member) for at, member in enumerate(plan.members))
        self.table.setFixedHeight(HEADER + ROW_ONE_LINE * min(TABLE_ROWS, len(plan.members)) + 2)
        self._members.setVisible(bool(plan.members))
        self._pages.setCurrentWidget(self._made)
        self.again.setEnabled(True)
        may_send = any(not each.skipped for each in plan.segments)
        self.send.setEnabled(may_send)
        self.reason.set_words("" if may_send else self.tr("No segment can be sent."))

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self.problem.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self.problem)
        self.again.setEnabled(True)

    def _on_send(self) -> None:
        self.accept()
        self.send_asked.emit()

    def _left_out_words(self, plan: Plan) -> str:
        words = {
            LeftOut.NO_IDENTIFIER: self.tr("without a usable key {n}"),
            LeftOut.TWICE: self.tr("twice in the segment {n}"),
            LeftOut.NO_CONSENT: self.tr("no marketing consent {n}"),
            LeftOut.SUPPRESSED: self.tr("on the suppression list {n}"),
        }
        number = self._context.formats.number
        reasons = ", ".join(words[reason].format(n=number(count)) for reason, count in plan.left_out.items())
        return self.tr("Left out: {reasons}").format(reasons=reasons)

    def _note_words(self, plan: Plan) -> Sequence[str]:
        notes = []
        for each in plan.segments:
            if each.skipped:
                notes.append(
                    self.tr("{segment} is skipped. {reason}").format(segment=each.segment, reason=each.skipped)
                )
            if each.other_match:
                words = self.tr(
                    "{segment}: other fields are matched than at the last run, so everybody there is changed."
                )
                notes.append(words.format(segment=each.segment))
        if plan.changes.in_doubt:
            members = self._context.formats.counted(plan.changes.in_doubt, "members")
            notes.append(
                self.tr("{members} were on their way when an earlier run stopped. They are told again.").format(
                    members=members
                )
            )
        if plan.changes.strangers:
            members = self._context.formats.counted(plan.changes.strangers, "members")
            notes.append(self.tr("Also removes {members} Sendoff never sent.").format(members=members))
        if not plan.changes.to_send and not notes:
            notes.append(self.tr("The destination holds everybody as they are. A run sends nobody."))
        return notes

    def _columns(self) -> list[Column[_Row]]:
        changes = {
            Change.ADDED: ("plus-circle-fill", "success", self.tr("Added")),
            Change.CHANGED: ("pencil-simple", "accent_text", self.tr("Changed")),
            Change.REMOVED: ("minus-circle-fill", "danger", self.tr("Removed")),
        }
        return [
            Column("member", self.tr("Member"), lambda r: TextCell(r.member.member or NOTHING), width=110),
            Column("change", self.tr("Change"), lambda r: StatusCell(*changes[r.member.change]), width=110),
            Column(
                "value",
                self.tr("Known as"),
                lambda r: TextCell(_known_as(r.member), role="mono", ink="text2"),
                width=170,
            ),
            Column("segment", self.tr("Segment"), lambda r: TextCell(r.member.segment), width=130, stretch=True),
            Column("reason", self.tr("Reason"), lambda r: TextCell(r.member.reason, ink="text2"), width=160),
        ]


def _known_as(member: PlannedMember) -> str:
    """The first value there is, masked."""
    return next((value for value in member.values.values() if value), "")
