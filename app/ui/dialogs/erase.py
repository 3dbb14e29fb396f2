"""Erases a person from what the workspace keeps: looks first, then asks, then says what is left."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.erasing import Erasure, Trace
from app.core.errors import as_sendoff_error
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.fields import TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import Card, Label
from app.ui.widgets.notes import Note


class EraseDialog(Dialog):
    """Stays open after the erasing and tells what is left; the value is kept nowhere."""

    def __init__(self, context: WindowContext, opener: QWidget) -> None:
        super().__init__(
            context.theme,
            opener,
            self.tr("Erase a person"),
            self.tr("From everything runs and exports left behind in this workspace."),
        )
        self._context = context
        theme = context.theme
        self.value = TextField(theme, placeholder=self.tr("E-mail address, phone number or key"))
        self.look = Button(theme, self.tr("Look"), "secondary", icon="magnifying-glass")
        self.suppress = CheckBox(theme, self.tr("Put them on the suppression list, so that nobody sends them again"))
        self.suppress.setChecked(True)
        self.at_once = CheckBox(theme, self.tr("Also drop the notes by which runs would take them out at destinations"))
        self.problem = Note(theme, "danger", "")
        self.told = Note(theme, "success", "")
        self.found = FactList(theme, self.tr("Found"))
        self._found_card = Card(theme, self.tr("Found"))
        self.rest = Label(theme, "", "body", "text2", wrap=True)
        self.erase = Button(theme, self.tr("Erase"), "danger")
        self._query = LiveQuery(context.runner, self.tr("Erase a person"), delay_ms=0, parent=self)
        self._asked = ""
        self._erasing = False
        self._assemble()
        self._connect()

    def _assemble(self) -> None:
        form = Form(self.theme)
        form.add_row(
            self.tr("Who"),
            self.value,
            self.tr("It is compared and kept nowhere; the audit trail notes that, not whom."),
        )
        self.body.addWidget(form)
        self.body.addWidget(self.look)
        self._found_card.body.addWidget(self.found)
        options = QWidget()
        inside = QVBoxLayout(options)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.suppress)
        inside.addWidget(self.at_once)
        self._options = options
        for part in (self.problem, self.told, self._found_card, self.rest, options):
            self.body.addWidget(part)
            part.hide()
        self._close = self.add_cancel()
        self.add_button(self.erase)
        self.erase.setEnabled(False)

    def _connect(self) -> None:
        self.value.edited.connect(self._on_edited)
        self.look.clicked.connect(self._on_look)
        self.erase.clicked.connect(self._on_erase)
        self._query.ready.connect(self._on_ready)
        self._query.failed.connect(self._on_failed)
        self.finished.connect(lambda _code: self._query.cancel())
        self.look.setEnabled(False)

    def _on_edited(self, words: str) -> None:
        self.look.setEnabled(bool(words.strip()))
        self.erase.setEnabled(False)
        for part in (self.problem, self.told, self._found_card, self.rest, self._options):
            part.hide()

    def _on_look(self) -> None:
        value, erasing = self.value.value(), self._context.services.erasing
        self._ask(value, lambda ctx: erasing.look(value, ctx), erasing=False)

    def _on_erase(self) -> None:
        value, erasing = self._asked, self._context.services.erasing
        suppress, at_once = self.suppress.isChecked(), self.at_once.isChecked()
        self._ask(value, lambda ctx: erasing.erase(value, ctx, suppress=suppress, at_once=at_once), erasing=True)

    def _ask(self, value: str, work: Callable[[JobContext], Erasure], *, erasing: bool) -> None:
        self._asked, self._erasing = value, erasing
        self.erase.setEnabled(False)
        (self.erase if erasing else self.look).set_busy(True)
        self._query.ask(work, at_once=True)

    def _on_ready(self, erasure: Erasure) -> None:
        self._rest()
        formats = self._context.formats
        facts = [Fact(self._trace_words(each.trace, each.name), formats.number(each.number)) for each in erasure.found]
        self.found.set_facts(facts)
        self._found_card.setVisible(bool(facts))
        words = self._what_is_left(erasure)
        if not facts:
            words.insert(0, self.tr("No trace of this person was found."))
        if not erasure.listable:
            words.append(self.tr("A key can’t be put on the suppression list; look for the address to do that."))
        self.rest.set_words("\n".join(words))
        self.rest.setVisible(bool(words))
        self._options.setVisible(not self._erasing)
        self.suppress.setVisible(erasure.listable)
        if self._erasing:
            words_told = self.tr("Erased. Counts stay as they were.")
            listed = self.tr("They are on the suppression list now.") if erasure.suppressed else ""
            self.told.set_note("success", words_told, listed)
            self.told.show()
            self._close.set_words(self.tr("Close"))
            for topic in ("suppression", "segments", "runs"):
                self._context.navigator.changed(topic)
        else:
            self.erase.setEnabled(True)

    def _on_failed(self, error: BaseException) -> None:
        self._rest()
        told = as_sendoff_error(error)
        self.problem.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self.problem.show()

    def _rest(self) -> None:
        self.problem.hide()
        for button in (self.look, self.erase):
            button.set_busy(False)
        self.erase.setEnabled(False)

    def _trace_words(self, trace: Trace, name: str) -> str:
        words = {
            Trace.SENT: self.tr("Notes of what destinations hold, {name}"),
            Trace.CHANGES: self.tr("Changes by runs, {name}"),
            Trace.REJECTS: self.tr("Rejects of runs, {name}"),
            Trace.LEFT_OUT: self.tr("Left out by runs, {name}"),
            Trace.FIXED_LIST: self.tr("Fixed list {name}"),
            Trace.NOTED_RULES: self.tr("Rules as runs noted them, {name}"),
            Trace.REMOVED: self.tr("Removed or replaced, {name}"),
        }
        return words[trace].format(name=name or self.tr("an export that is gone"))

    def _what_is_left(self, erasure: Erasure) -> list[str]:
        by_run = self.tr("Still at {connection}: the next run of {export} takes them out, then erase them again.")
        by_hand = self.tr("Still at {connection}, by {export}: take them out there by hand.")
        words = [
            (by_run if each.removed_by_run else by_hand).format(connection=each.connection or "–", export=each.export)
            for each in erasure.remains
        ]
        table = self.tr("Still in the table {name}: erase the row at its source, then refresh.")
        rule = self.tr("The rules of the segment {name} name the value: edit them.")
        plan = self.tr(
            "Still in the plan of {name}, which was interrupted: resume it or run it again, then erase again."
        )
        words += [table.format(name=name) for name in erasure.tables]
        words += [plan.format(name=name) for name in erasure.interrupted]
        return words + [rule.format(name=name) for name in erasure.rules]
