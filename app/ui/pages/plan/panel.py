"""One member of a plan: from our value to what is sent, and the request it is part of."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.core.plans import Change, PlannedMember
from app.services.plan_looks import PlanMember
from app.services.plans import shortened
from app.ui.formats import NOTHING, Formats
from app.ui.pages.plan.words import change_words, pretty
from app.ui.reason_words import reason_words
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.code import CodeView
from app.ui.widgets.labels import Card, ElidedLabel, Label, Line, clear, column, row

WIDTH = 420


class MemberPanel(QWidget):
    """Signal `step_asked(int)`: the member before (-1) or after (1)."""

    step_asked = Signal(int)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._member: PlanMember | None = None
        self._title = ElidedLabel(theme, "", "title")
        self._reason = Label(theme, "", "caption", "text2", wrap=True)
        self.before = IconButton(theme, "caret-left", self.tr("Member before"))
        self.after = IconButton(theme, "caret-right", self.tr("Next member"))
        self._steps = Card(theme, margin=12)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(5)
        self._steps.body.addLayout(self._grid)
        self._steps_title = Label(theme, self.tr("From your value to what is sent"), "body-strong")
        self._receives = Label(theme, "", "body-strong", wrap=True)
        self.copy = Button(theme, self.tr("Copy"), "link", name=self.tr("Copy the request"))
        self._request = Card(theme, margin=12)
        self.code = CodeView(theme, self.tr("Request"), most_lines=60)
        self._request.body.addWidget(self.code)
        self._below = Label(theme, "", "caption", "text2", wrap=True)
        self._assemble()
        self.before.clicked.connect(lambda: self.step_asked.emit(-1))
        self.after.clicked.connect(lambda: self.step_asked.emit(1))
        self.copy.clicked.connect(self._on_copy)
        self.show_nobody()

    def show_nobody(self) -> None:
        """No member is chosen."""
        self._member = None
        self._title.set_words(self.tr("No member chosen"))
        self._reason.set_words(self.tr("Choose a member to see what is sent of it."))
        for part in (self._steps_title, self._steps, self._heading, self._request, self._below):
            part.hide()

    def show_member(self, shown: PlanMember, destination: str) -> None:
        """Show a member with the request it is part of."""
        self._member = shown
        member = shown.member
        self._title.set_words(self.tr("Member {key}").format(key=member.member or NOTHING))
        self._reason.set_words(_why(member))
        self._show_steps(shown)
        told = bool(shown.requests)
        self._receives.set_words(self.tr("What {target} receives").format(target=destination))
        self.code.set_code(shortened(_text(shown)), [shortened(step.hashed) for step in shown.steps])
        self._below.set_words(self._below_words(shown))
        for part in (self._steps_title, self._steps):
            part.setVisible(bool(shown.steps))
        for part in (self._heading, self._request):
            part.setVisible(told)
        self._below.show()

    def _show_steps(self, shown: PlanMember) -> None:
        clear(self._grid)
        theme, hashes = self._theme, any(step.hashed for step in shown.steps)
        raw = any(step.value is not None for step in shown.steps)
        heads = [self.tr("Field"), *([self.tr("Your value")] if raw else []), self.tr("Normalised")]
        heads += [self.tr("SHA-256")] if hashes else []
        for at, words in enumerate(heads):
            self._grid.addWidget(Label(theme, words, "caption-medium", "text2"), 0, at)
        for number, step in enumerate(shown.steps):
            line = 2 * number + 1
            self._grid.addWidget(Line(theme), line, 0, 1, len(heads))
            values = [*([step.value] if raw else []), step.normalised]
            cells: list[QWidget] = [ElidedLabel(theme, step.field, "body")]
            cells += [ElidedLabel(theme, value or "–", "mono", "text2") for value in values]
            cells += [ElidedLabel(theme, shortened(step.hashed) or "–", "mono", "accent_text")] if hashes else []
            for at, cell in enumerate(cells):
                cell.setAccessibleName(f"{step.field}, {heads[at]}: {cell.text() if at else step.field}")
                self._grid.addWidget(cell, line + 1, at)
        for at in range(4):
            self._grid.setColumnStretch(at, 1 if at < len(heads) else 0)

    def _below_words(self, shown: PlanMember) -> str:
        if not shown.requests:
            if shown.member.change is Change.UNCHANGED:
                return self.tr("The destination holds this member as it is. Nothing is sent.")
            return self.tr("This member is left out. Nothing is sent.")
        words = self.tr("Made by the code that sends. The secret is never shown.")
        if any(step.hashed for step in shown.steps):
            words = f"{words} {self.tr('Hashes are shortened here, not in the copy.')}"
        if not shown.others:
            return words
        others = self.tr("It goes with up to {n} other members in one request.")
        if shown.others == 1:
            others = self.tr("It goes with one other member in one request.")
        return f"{others.format(n=self._formats.number(shown.others))} {words}"

    def _on_copy(self) -> None:
        if self._member is not None:
            QGuiApplication.clipboard().setText(_text(self._member))

    def _assemble(self) -> None:
        head = row(column(self._title, self._reason, spacing=0), self.before, self.after, spacing=4)
        head.setStretch(0, 1)
        self._heading = QWidget()
        heading = row(self._receives, self.copy)
        heading.setStretch(0, 1)
        self._heading.setLayout(heading)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 20)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addSpacing(8)
        for part in (self._steps_title, self._steps):
            layout.addWidget(part)
        layout.addSpacing(8)
        for part in (self._heading, self._request, self._below):
            layout.addWidget(part)
        layout.addStretch(1)
        layout.setAlignment(Qt.AlignmentFlag.AlignTop)


def _why(member: PlannedMember) -> str:
    """What is done and why; of changed ones and those left out the reason says both."""
    reason, change = reason_words(member.reason), change_words(member.change)
    if not reason:
        return change
    return reason if member.change in {Change.CHANGED, Change.LEFT_OUT} else f"{change}. {reason}"


def _text(shown: PlanMember) -> str:
    """All requests of a member: method and address, then the body."""
    return "\n\n".join(f"{each.method} {each.url}\n\n{pretty(each.body)}".rstrip() for each in shown.requests)
