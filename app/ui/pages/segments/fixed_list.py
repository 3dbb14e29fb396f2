"""A segment that is a fixed list: keys from a file, or pasted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from app.core.errors import as_sendoff_error
from app.jobs import JobContext
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.condition_row import Problem
from app.ui.pages.segments.words import of_word
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Card, Label, row

if TYPE_CHECKING:
    from app.services.segments import FixedList

LONGEST_SHOWN = 200_000
"""Characters; a longer text is taken in without being shown, because showing it would stall the window."""


class KeysField(QPlainTextEdit):
    """Where keys are typed or pasted. Signal `pasted(str)` gives a text that is too long to be shown."""

    pasted = Signal(str)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Show what is short, pass on what is long."""
        if source.hasText() and len(source.text()) > LONGEST_SHOWN:
            self.pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)


class FixedListCard(Card):
    """How many keys the list holds and how many of them are members; another list takes its place as one step."""

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        theme = state.context.theme
        super().__init__(theme, self.tr("Fixed list"), parent=parent)
        self._state = state
        self._job: Job | None = None
        self._facts = Label(theme, "", "body", "text2", wrap=True)
        self.file = Button(theme, self.tr("Choose a file…"), "secondary", icon="upload-simple")
        self.keys = KeysField()
        self.keys.setAccessibleName(self.tr("Keys"))
        self.keys.setPlaceholderText(self.tr("Type or paste keys, one per line"))
        self.keys.setTabChangesFocus(True)
        self.keys.setFixedHeight(120)
        self.take = Button(theme, self.tr("Use these keys"), "secondary")
        self.problem = Problem(state)
        hint = Label(
            theme,
            self.tr("A CSV, text or Parquet file with a column named as the key, or with one column."),
            "caption",
            "text2",
            wrap=True,
        )
        self.body.addWidget(self._facts)
        self.body.addLayout(row(self.file, None))
        self.body.addWidget(hint)
        self.body.addWidget(self.keys)
        self.body.addLayout(row(self.take, None))
        self.body.addWidget(self.problem)
        self.file.clicked.connect(self._on_file)
        self.take.clicked.connect(lambda: self.paste(self.keys.toPlainText()))
        self.keys.pasted.connect(self.paste)
        self.keys.textChanged.connect(self._on_typed)
        theme.changed.connect(self._refont)
        self._refont()
        self._on_typed()

    def show_state(self) -> None:
        """Show what the list holds."""
        state, formats = self._state, self._state.context.formats
        look = state.look
        if not state.draft.list_file:
            self._facts.set_words(self.tr("No keys yet."))
        elif look is not None and look.keys is not None and look.members is not None:
            self._facts.set_words(
                self.tr("{keys}, {n} of them known among the {members}.").format(
                    keys=formats.counted(look.keys, "keys"),
                    n=formats.number(look.members),
                    members=of_word(state.draft.of),
                )
            )
        self._facts.set_ink("text3" if state.counting else "text2")

    def read_file(self, path: Path) -> None:
        """Take the keys of a file."""
        services, of = self._state.context.services, self._state.draft.of
        self._take(lambda ctx: services.segments.take_list(path, of, ctx))

    def paste(self, text: str) -> None:
        """Take the keys of a text."""
        services = self._state.context.services
        self._take(lambda ctx: services.segments.paste_list(text, ctx))

    def _take(self, work: Callable[[JobContext], FixedList]) -> None:
        """One list is taken in at a time; a newer one takes the place of an older."""
        runner, draft = self._state.context.runner, self._state.draft
        if self._job is not None:
            runner.abandon(self._job)
        self.take.set_busy(True)

        def taken(end: Finished) -> None:
            self._job = None
            self.take.set_busy(False)
            if end.outcome is Outcome.FAILED and end.error is not None:
                told = as_sendoff_error(end.error)
                self.problem.say(f"{told.what} {told.why} {told.fix}".strip())
            elif end.outcome is Outcome.DONE and self._state.history is not None and self._state.draft.id == draft.id:
                self.problem.say("")
                self.keys.clear()
                self._state.do(lambda s: replace(s, list_file=end.value.name))

        self._job = runner.submit("queries", "Take in a list", work, on_finished=taken)

    def _on_file(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a list of keys"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Lists (*.csv *.txt *.tsv *.parquet)"))
        dialog.fileSelected.connect(lambda name: self.read_file(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _refont(self) -> None:
        self.keys.setFont(self._state.context.theme.font("mono"))

    def _on_typed(self) -> None:
        self.take.setEnabled(not self.keys.document().isEmpty())
