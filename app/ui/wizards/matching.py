"""Third step of the segment wizard: the audience, and which of our fields fills which of the target's."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.drafts import Step
from app.core.errors import as_sendoff_error
from app.core.matching import MatchGuess, propose_columns
from app.core.names import fold
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.columns import NoteRow
from app.ui.widgets.labels import IconLabel, Label, Line, row
from app.ui.widgets.notes import Note
from app.ui.widgets.pick_list import PickItem, PickList
from app.ui.widgets.table import ROW_WITH_CONTROLS, DataTable
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.format_form import FormatForm
from app.ui.wizards.match_rows import PICK, TARGET, MatchLine, columns, lines, pick_items
from app.ui.wizards.rename_column import RenameColumnDialog
from app.ui.wizards.sample_panel import SamplePanel
from app.ui.wizards.segment_state import SegmentState
from app.ui.wizards.step import StepWidget, page
from app.ui.wizards.target_form import TargetForm

WIZARD_EDGE = 28
_NONE = ""


class MatchingStep(StepWidget):
    """The destination's own fields, the match table, and for storages how the files are written."""

    step = Step.SHAPE
    state: SegmentState

    def __init__(self, state: SegmentState, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._guesses: dict[str, MatchGuess] = {}
        self._guessed_for: tuple[object, ...] = ()
        self._guessing = False
        self._added: tuple[str, ...] = ()
        self._confirmed: frozenset[tuple[str, str]] = frozenset()
        self._coverage: dict[str, float] = {}
        self._coverage_asked: object = None
        self._samples: dict[str, str] = {}
        self._samples_of = ""
        self.popup: PickList | None = None
        self._files = PlannedFiles(state)
        self._query = state.query("Measure the coverage", delay_ms=300)
        self._query.ready.connect(self._on_coverage_ready)
        self._query.failed.connect(self._on_coverage_failed)
        self._files.changed.connect(self._on_files_changed)
        self._make_elements()
        self._connect()
        self._assemble()

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Data matching")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Match your data")

    def sentence(self) -> str:
        """What to do."""
        if self._free() and not self.state.fields:
            return self.tr("Choose the columns of the file. Every column of yours may go, under any name.")
        return self.tr(
            "Tell Sendoff which of your fields fills each {target} field. Fields marked * are required."
        ).format(target=self.state.destination_name)

    def summary(self) -> str:
        """How many are matched or missing."""
        missing = [key for key in self.state.needs().required if not self.state.draft.match.get(key)]
        if not self.state.draft.match:
            return self.tr("Not started")
        if missing:
            return self.tr("{fields} missing").format(fields=self.formats.counted(len(missing), "fields"))
        return self.tr("{fields} matched").format(fields=self.formats.counted(len(self.state.draft.match), "fields"))

    def side_panel(self) -> QWidget:
        """Sample members."""
        return self._panel

    def panel_number(self) -> str:
        """How many fields are sent."""
        fields = self.formats.counted(len(self.state.draft.match), "fields")
        return self.tr("{fields} will be sent").format(fields=fields)

    def entered(self) -> None:
        """Ask the target for its fields."""
        self.state.ask_fields()
        self._read_samples()
        super().entered()

    # Building

    def _make_elements(self) -> None:
        theme = self.theme
        self.target = TargetForm(self.state)
        self._target_line = Line(theme)
        self._part = Segmented(
            theme,
            self.tr("Part of this step"),
            [Choice("fields", self.tr("Fields")), Choice("files", self.tr("Files"))],
        )
        self._words = Label(theme, "", "body", "text2")
        self._match_again = Button(theme, self.tr("Match again"), "ghost", icon="magic-wand")
        self._add = Button(theme, self.tr("Add field"), "ghost", icon="plus")
        self.table = DataTable(
            theme,
            self.tr("Fields of the destination"),
            columns(self.formats),
            row_height=ROW_WITH_CONTROLS,
            multiple=False,
            sortable=False,
            edge=WIZARD_EDGE,
        )
        self._issue_mark = IconLabel(theme, "warning-circle-fill", "danger")
        self._issue = Label(theme, "", "body", "danger", wrap=True)
        self._note = Note(theme, "warning", "", strong=True)
        self.form = FormatForm(self.state, self._files)
        self._panel = SamplePanel(self.state)

    def _connect(self) -> None:
        self._part.chosen.connect(lambda _key: self.show_state())
        self._match_again.clicked.connect(self._on_match_again_clicked)
        self._add.clicked.connect(self._on_add_clicked)
        self.table.cell_action.connect(self._on_cell_action)
        self.table.activated_key.connect(self._open_picker)
        self._note.primary_clicked.connect(lambda: self.state.ask_fields(again=True))
        rename = QShortcut(QKeySequence("F2"), self.table)
        rename.activated.connect(lambda: self._rename(self.table.current_key()))

    def _assemble(self) -> None:
        bar = QWidget()
        bar.setLayout(
            row(self._part, self._words, None, self._match_again, self._add, spacing=10, margins=(28, 10, 12, 6))
        )
        bar.setFixedHeight(52)
        issue = row(self._issue_mark, self._issue, margins=(28, 8, 28, 12))
        issue.setStretch(1, 1)
        self._issue_row = QWidget()
        self._issue_row.setLayout(issue)
        self._note_row = QWidget()
        self._note_row.setLayout(row(self._note, margins=(28, 4, 28, 8)))
        match = QWidget()
        below = QVBoxLayout(match)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self._note_row)
        below.addWidget(self.table, 1000)
        below.addWidget(self._issue_row)
        below.addStretch(1)
        self._parts = QStackedWidget()
        self._parts.addWidget(match)
        self._parts.addWidget(page(self.form))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.target)
        layout.addWidget(self._target_line)
        layout.addWidget(bar)
        layout.addWidget(self._parts, 1)

    # Showing

    def show_state(self) -> None:
        """Show target fields, the match and its samples."""
        self._guess()  # the audience's own fields may have come meanwhile
        state, free = self.state, self._free()
        self.target.show_state()
        self._target_line.setVisible(self.target.isVisibleTo(self))
        self._part.setVisible(free)
        self.table.set_column_visible("sent_as", bool(state.fields))  # a column nobody knows gets every value as it is
        files = free and self._part.current() == "files"
        self._parts.setCurrentIndex(1 if files else 0)
        for widget in (self._match_again, self._add, self._words):
            widget.setVisible(not files and not state.read_only)
        if files:
            self.form.show_state()
        self._show_lines()
        self._words.set_words(self._matched_words())
        self._show_issue()
        self._show_note()
        self._ask_coverage()
        self._panel.show_state()
        if free:
            self._files.ask()

    def _show_lines(self) -> None:
        """The table is as high as its rows, so that what blocks stands right below them."""
        self.table.set_rows(self._lines())
        head, scroll = self.table.horizontalHeader(), self.table.horizontalScrollBar()
        room = head.height() + self.table.verticalHeader().length() + 2
        self.table.setMaximumHeight(room + (scroll.height() if scroll.isVisible() else 0))

    def _lines(self) -> list[MatchLine | NoteRow]:
        fields = {field.id: field for field in self.state.fields}
        match = self.state.draft.match
        guesses = {key: guess for key, guess in self._guesses.items() if (key, str(guess.field)) not in self._confirmed}
        return lines(
            fields,
            self._shown(),
            match,
            guesses,
            self._coverage,
            free=self._free(),
            locked=self.state.read_only,
        )

    def _shown(self) -> list[str]:
        """Required fields first, then the description's, then what is matched or was added."""
        fields, match = self.state.fields, self.state.draft.match
        description = self.state.description
        usual = {field.id for field in description.fields} if description is not None else set()
        required = [field.id for field in fields if field.required]
        rest = [field.id for field in fields if field.id in usual or field.id in match or field.id in self._added]
        return list(dict.fromkeys([*required, *rest, *match]))

    def _free(self) -> bool:
        return self.state.description is not None and self.state.description.any_field

    def _matched_words(self) -> str:
        if self._guessing or self.state.fields_running:
            return self.tr("Reading the fields…") if self.state.fields_running else self.tr("Matching…")
        if self._free():
            return self.tr("{fields} in the file").format(
                fields=self.formats.counted(len(self.state.draft.match), "fields")
            )
        match = self.state.draft.match
        by_us = sum(1 for key, guess in self._guesses.items() if match.get(key) == str(guess.field))
        number = self.formats.number
        return self.tr("{n} of {total} matched automatically").format(n=number(by_us), total=number(len(self._shown())))

    def _show_issue(self) -> None:
        issues = self.state.issues(Step.SHAPE)
        self._issue_row.setVisible(bool(issues))
        self._issue.set_words(issues[0] if issues else "")

    def _show_note(self) -> None:
        error = self.state.fields_error
        self._note_row.setVisible(error is not None)
        if error is not None:
            told = as_sendoff_error(error)
            self._note.set_note(
                "warning",
                self.tr("The audience's own fields could not be read"),
                f"{told.what} {told.why} {told.fix}".strip(),
                primary=self.tr("Try again"),
            )

    # Guessing

    def _guess(self, *, again: bool = False) -> None:
        """Ask for matches; take them over where nothing is matched yet, everywhere when asked `again`."""
        state = self.state
        wanted = (state.draft.destination, state.fields, state.draft.segments)
        if state.read_only or (wanted == self._guessed_for and not again):
            return
        self._guessed_for = wanted
        if self._free() and not state.fields:
            self._propose_columns(again=again)
            return
        self._guessing = True
        services, segments, fields = state.context.services, list(state.draft.segments), list(state.fields)
        self.state.submit(
            "store",
            "Match the fields",
            lambda _ctx: services.exports.auto_match(segments, fields),
            lambda finished: self._on_guessed(finished, again=again),
        )

    def _on_guessed(self, finished: Finished, *, again: bool) -> None:
        self._guessing = False
        if finished.outcome is Outcome.DONE:
            self._guesses = dict(finished.value)
            found = {key: str(guess.field) for key, guess in self._guesses.items()}
            if again:
                self._confirmed = frozenset()
                self.state.update(match=found)
            elif not self.state.draft.match:
                self.state.update(match=found)
        self.show_state()
        self.changed.emit()

    def _propose_columns(self, *, again: bool) -> None:
        """A file takes any column: begin with those that a person most likely wants in it."""
        table = self.state.member_table()
        if table is None or (self.state.draft.match and not again):
            return
        self._guesses = propose_columns(table)
        self.state.update(match={name: str(guess.field) for name, guess in self._guesses.items()})

    # Coverage and samples

    def _ask_coverage(self) -> None:
        state = self.state
        going = tuple(state.going())
        wanted = (going, tuple(state.draft.match.items()))
        if wanted == self._coverage_asked:
            return
        self._coverage_asked = wanted
        if not going or not state.draft.match:
            self._query.cancel()
            self._coverage = {}
            return
        services, export = state.context.services, state.export_of(going)
        self._query.ask(lambda ctx: services.exports.coverage(export, ctx))

    def _on_coverage_ready(self, coverage: dict[str, float]) -> None:
        self._coverage = coverage
        self._show_lines()

    def _on_coverage_failed(self, _error: object) -> None:
        self._coverage = {}
        self._show_lines()

    def _on_files_changed(self) -> None:
        if self.isVisible() and self._parts.currentIndex() == 1:
            self.form.show_state()

    def _read_samples(self) -> None:
        """One masked value of each column, for the picker."""
        table = self.state.member_table()
        if table is None or table.name == self._samples_of:
            return
        self._samples_of = table.name
        services, name = self.context.services, table.name
        self.state.submit(
            "queries",
            "Read sample values",
            lambda ctx: services.tables.sample(name, 5, ctx, masked=True),
            self._on_samples,
        )

    def _on_samples(self, finished: Finished) -> None:
        if finished.outcome is not Outcome.DONE:
            return
        sample = finished.value
        for number, column in enumerate(sample.columns):
            value = next((line[number] for line in sample.rows if line[number] not in (None, "")), None)
            if value is not None:
                self._samples[f"{self._samples_of}.{column.name}"] = str(value)

    # Choosing

    def choose(self, target: str, source: str) -> None:
        """Fill a target field from one of ours, or from nothing."""
        match = dict(self.state.draft.match)
        if source == _NONE:
            match.pop(target, None)
        else:
            match[target] = source
        self.state.update(match=match)
        self.state.count()

    def _open_picker(self, target: str) -> None:
        if self.state.read_only or not target:
            return
        line = self.table.row(target)
        if not isinstance(line, MatchLine):
            return
        items = pick_items(
            self.state.facts.catalog, self.state.member_table(), self._samples, optional=not line.required
        )
        name = self.tr("Your field for {target}").format(target=line.name)
        popup = PickList(self.theme, name, items, current=line.source, parent=self)
        popup.picked.connect(lambda source: self.choose(target, source))
        self._open(popup, self.table.rect_of(target, PICK))

    def _open(self, popup: PickList, place: QRect) -> None:
        self.popup = popup
        popup.closed.connect(self._on_popup_closed)
        popup.open_under(place, width=400)

    def _on_popup_closed(self) -> None:
        self.popup = None
        self.table.setFocus()

    def _on_cell_action(self, key: str, column: str) -> None:
        if column == PICK:
            self._open_picker(key)
        elif column == TARGET:
            self._rename(key)
        elif column == "note":
            note = self.table.row(key)
            if isinstance(note, NoteRow):
                self._confirm(note.parent_key)

    def _confirm(self, target: str) -> None:
        """Somebody looked at it: the note goes, the match stays."""
        self._confirmed |= {(target, self.state.draft.match.get(target, ""))}
        self.show_state()

    def _on_match_again_clicked(self) -> None:
        before = self.state.draft.match
        self._guess(again=True)
        self.show_state()
        if before:
            words = self.tr("The fields are matched again.")
            self.context.navigator.toast(words, lambda: self.state.update(match=before))

    def _on_add_clicked(self) -> None:
        items = self._addable()
        popup = PickList(self.theme, self.tr("Add a field"), items, parent=self)
        popup.picked.connect(self._on_field_added)
        self._open(popup, QRect(self._add.mapToGlobal(self._add.rect().topLeft()), self._add.size()))

    def _addable(self) -> list[PickItem]:
        if self._free():
            return pick_items(self.state.facts.catalog, self.state.member_table(), self._samples, optional=False)
        shown = set(self._shown())
        rest = [field for field in self.state.fields if field.id not in shown]
        return [PickItem(field.id, field.name, field.type) for field in rest] or [
            PickItem("", self.tr("Every field of the destination is in the list."), enabled=False)
        ]

    def _on_field_added(self, key: str) -> None:
        if self._free():
            name = self._free_name(key.partition(".")[2])
            self.state.update(match={**self.state.draft.match, name: key})
            return
        self._added = (*self._added, key)
        guess = self._guesses.get(key)
        if guess is not None and str(guess.field) not in self.state.draft.match.values():
            self.choose(key, str(guess.field))
        self.show_state()
        self.table.select_keys([key])

    def _free_name(self, wanted: str) -> str:
        taken = {fold(name) for name in self.state.draft.match}
        name, number = wanted, 2
        while fold(name) in taken:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def _rename(self, target: str) -> None:
        """Give a column of the file another name."""
        known = {field.id for field in self.state.fields}
        if not self._free() or self.state.read_only or target in known or target not in self.state.draft.match:
            return
        others = {fold(name) for name in self.state.draft.match if name != target}
        dialog = RenameColumnDialog(self.theme, self, target, others)
        dialog.accepted.connect(lambda: self._on_renamed(target, dialog.name()))
        dialog.open()

    def _on_renamed(self, before: str, after: str) -> None:
        self.state.update(
            match={after if key == before else key: source for key, source in self.state.draft.match.items()}
        )
