"""Where files land and what is written about them: patterns with tokens, metadata, earlier runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core import layouts
from app.core.exports import OnlyChanges
from app.core.layout_presets import PRESETS, preset_of
from app.ui.widgets.buttons import Button
from app.ui.widgets.checks import Toggle
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.labels import IconLabel, Label, Line, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.select import Select
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.files_state import PlannedFiles
from app.ui.wizards.form_rows import form_grid, form_row, toggle_row
from app.ui.wizards.health import health_status
from app.ui.wizards.state import WizardState

_FIELD = 316
_OWN = "own"
_MOST_RUNS = 10_000


@dataclass(frozen=True)
class _Switch:
    """A toggle that stands for a field of the layout; some make sense for tables only."""

    field: str
    toggle: Toggle
    row: QWidget
    tables_only: bool


class LayoutForm(QWidget):
    """Every control changes the draft at once; errors of the patterns stand under their fields."""

    def __init__(self, state: WizardState, files: PlannedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._files = state, files
        self._theme, self._formats = state.context.theme, state.context.formats
        self._make_patterns()
        self._make_runs()
        self._make_switches()
        self._assemble()

    # Building

    def _make_patterns(self) -> None:
        theme = self._theme
        names = {
            "by-table": self.tr("By table, then by time"),
            "by-run": self.tr("A folder for each run"),
            "one-folder": self.tr("All files in one folder"),
            "customer-insights": self.tr("As Customer Insights has it"),
        }
        choices = [Choice(each, names[each]) for each in PRESETS]
        self.preset = Select(theme, self.tr("Pattern"), [*choices, Choice(_OWN, self.tr("Your own"))])
        self.folder = TextField(theme, self.tr("Folder"))
        self.file = TextField(theme, self.tr("File name"))
        for field in (self.folder, self.file):
            field.input.set_role("mono")
        self._insert_folder = self._insert(self.folder, [t for t in layouts.TOKENS if t != "part"])
        self._insert_file = self._insert(self.file, list(layouts.TOKENS))
        self.preset.chosen.connect(self._on_preset_chosen)
        self.folder.edited.connect(lambda words: self._set(folder=words.strip()))
        self.file.edited.connect(lambda words: self._set(file=words.strip()))
        self._place_icon = IconLabel(theme, "clock")
        self._place = Label(theme, "", "caption", "text2", wrap=True)

    def _make_runs(self) -> None:
        theme = self._theme
        self.changes = Segmented(
            theme,
            self.tr("Rows"),
            [
                Choice(OnlyChanges.OFF, self.tr("All")),
                Choice(OnlyChanges.CHANGED, self.tr("Changed")),
                Choice(OnlyChanges.THREE_FILES, self.tr("Added, changed, removed")),
            ],
        )
        self.changes_field = FieldFrame(theme, self.changes)
        self.changes.chosen.connect(lambda key: self._set(only_changes=OnlyChanges(key)))
        self.keep_runs = TextField(theme, self.tr("Runs to keep"))
        self.keep_runs.input.setPlaceholderText(self.tr("All"))
        self._keep_note = Label(theme, self.tr("with the newest; nothing for all of them"), "body", "text2")
        self.keep_runs.edited.connect(self._on_runs_edited)
        self.keep_runs.left.connect(self._show_runs)

    def _insert(self, field: TextField, tokens: list[str]) -> Button:
        button = Button(self._theme, self.tr("Insert"), icon="brackets-curly")
        button.setAccessibleName(self.tr("Insert a token into {field}").format(field=field.input.accessibleName()))
        menu = Menu(self._theme, self.tr("Tokens"), button)
        meanings = self._token_words()
        for token in tokens:
            words = f"{{{token}}}  {meanings[token]}"
            menu.add(words, lambda chosen=token: self._insert_token(field, chosen))
        button.setMenu(menu)
        return button

    def _token_words(self) -> dict[str, str]:
        return {
            "export": self.tr("name of the export"),
            "table": self.tr("name of the table or segment"),
            "segment": self.tr("name of the table or segment"),
            "yyyy": self.tr("year"),
            "mm": self.tr("month"),
            "dd": self.tr("day"),
            "hhmm": self.tr("time of the run"),
            "timestamp": self.tr("seconds since 1970"),
            "date": self.tr("year, month and day"),
            "part": self.tr("number of the file"),
            "change": self.tr("all, changes, added, changed or removed"),
            "workspace": self.tr("name of the workspace"),
            "id": self.tr("id of the workspace"),
        }

    def _assemble(self) -> None:
        theme = self._theme
        patterns, runs = QWidget(), QWidget()
        grid = form_grid(patterns)
        form_row(theme, grid, self.tr("Pattern"), self.preset, width=_FIELD)
        form_row(theme, grid, self.tr("Folder"), self.folder, self._insert_folder, width=_FIELD)
        form_row(theme, grid, self.tr("File name"), self.file, self._insert_file, width=_FIELD)
        place = row(self._place_icon, self._place)
        place.setStretch(1, 1)
        grid.addLayout(place, grid.rowCount(), 1)
        self._rows = QWidget()
        form_row(theme, form_grid(self._rows), self.tr("Rows"), self.changes_field)
        keeping = form_grid(runs)
        self._keep_row = form_row(theme, keeping, self.tr("Runs to keep"), self.keep_runs, self._keep_note, width=160)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for item in (
            patterns,
            Line(theme),
            Label(theme, self.tr("Metadata"), "subtitle"),
            *(self._switches[each].row for each in ("model_json", "manifest", "json_schema", "sums")),
            Line(theme),
            Label(theme, self.tr("Runs"), "subtitle"),
            self._rows,
            *(self._switches[each].row for each in ("latest", "keep_earlier_runs")),
            runs,
        ):
            layout.addWidget(item)

    def _make_switches(self) -> None:
        self._keep_words = Label(self._theme, "", "caption", "text2", wrap=True)
        manifest = self.tr("{name} and a document for each table, as lake databases read them")
        common = self.tr("Tables, types, keys and links in Common Data Model format")
        newest = self.tr("Names the folder of the newest run, once all its files are there")
        switches = (
            self._switch("model_json", self.tr("Write model.json"), common, tables_only=True),
            self._switch(
                "manifest", self.tr("Write a manifest"), manifest.format(name=layouts.MANIFEST_FILE), tables_only=True
            ),
            self._switch(
                "json_schema",
                self.tr("Write JSON Schemas"),
                self.tr("One for the rows of each table, to check files by"),
                tables_only=True,
            ),
            self._switch(
                "sums", self.tr("Write SHA256SUMS"), self.tr("Checksums of all files, as sha256sum reads them")
            ),
            self._switch("latest", self.tr("Write latest.json"), newest),
            self._switch("keep_earlier_runs", self.tr("Keep earlier runs"), self._keep_words),
        )
        self._switches = {each.field: each for each in switches}
        self.toggles = {each.field: each.toggle for each in switches}

    def _switch(self, field: str, title: str, detail: str | Label, *, tables_only: bool = False) -> _Switch:
        toggle = Toggle(self._theme, name=title)
        toggle.clicked.connect(lambda on: self._set(**{field: on}))
        words = detail if isinstance(detail, Label) else Label(self._theme, detail, "caption", "text2", wrap=True)
        return _Switch(field, toggle, toggle_row(self._theme, toggle, title, words), tables_only)

    # Showing

    def show_state(self) -> None:
        """Show the draft."""
        draft = self._state.draft
        layout = draft.layout
        self.preset.set_current_key(preset_of(layout) or _OWN)
        for field, words in ((self.folder, layout.folder), (self.file, layout.file)):
            if field.value().strip() != words:
                field.set_value(words)
                field.input.setCursorPosition(0)
        self._show_errors()
        self._show_place()
        for each in self._switches.values():
            each.toggle.setChecked(getattr(layout, each.field))
            each.row.setVisible(not each.tables_only or hasattr(draft, "tables"))
        self._show_changes(layout.only_changes)
        self._keep_words.set_words(
            self.tr("Each run in its own dated folder.")
            if layout.keep_earlier_runs
            else self.tr("New files are written first, then those of the last run are removed.")
        )
        for widget in self._keep_row:
            widget.setVisible(layout.keep_earlier_runs)
        if not self.keep_runs.input.hasFocus():
            self._show_runs()

    def _show_errors(self) -> None:
        draft = self._state.draft
        items = len(getattr(draft, "tables", ())) or len(getattr(draft, "segments", ()))
        found = layouts.check(draft.layout, draft.format, items)
        of_file = [words for words in found if "file name" in words or "The file pattern" in words]
        of_folder = [words for words in found if words not in of_file]
        self.folder.set_error(of_folder[0] if of_folder else "")
        self.file.set_error(of_file[0] if of_file else "")

    def _show_changes(self, only: OnlyChanges) -> None:
        self._rows.setVisible(isinstance(self._state, DataOutState))
        if not isinstance(self._state, DataOutState):
            return
        self.changes.set_current(only)
        self.changes_field.set_hint(
            {
                OnlyChanges.OFF: self.tr("Each run writes whole tables."),
                OnlyChanges.CHANGED: self.tr(
                    "The first run writes all rows, each later one those added or changed since the last that ended well."
                ),
                OnlyChanges.THREE_FILES: self.tr(
                    "The first run writes all rows, each later one what was added, changed and removed, each in files of its own."
                ),
            }[only]
        )
        problems = self._state.change_problems()
        self.changes_field.set_error(problems[0] if problems else "")

    def _show_place(self) -> None:
        """What the last test of the connection said about writing there."""
        connection = self._state.connection
        self._place_icon.setVisible(connection is not None)
        self._place.setVisible(connection is not None)
        if connection is not None:
            icon, role, words = health_status(self, self._formats, connection.health)
            self._place_icon.set_icon(icon, role)
            self._place.set_words(f"{connection.connection.name}: {words}")

    def _show_runs(self) -> None:
        runs = self._state.draft.layout.keep_runs
        self.keep_runs.set_value("" if runs is None else self._formats.number(runs))
        self.keep_runs.set_error("")

    # Changing

    def _set(self, **changes: Any) -> None:
        self._state.update(layout=replace(self._state.draft.layout, **changes))
        self._files.ask()

    def _on_preset_chosen(self, key: str) -> None:
        if key in PRESETS:
            preset = PRESETS[key]
            self._set(folder=preset.folder, file=preset.file)
        else:
            self.folder.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_runs_edited(self, words: str) -> None:
        plain = words.strip()
        if not plain:
            self.keep_runs.set_error("")
            self._set(keep_runs=None)
        elif plain.isascii() and plain.isdecimal() and 0 < int(plain) <= _MOST_RUNS:
            self.keep_runs.set_error("")
            self._set(keep_runs=int(plain))
        else:
            self.keep_runs.set_error(self.tr("A whole number, or nothing for all runs."))

    def _insert_token(self, field: TextField, token: str) -> None:
        field.input.insert(f"{{{token}}}")
        field.edited.emit(field.value())
        field.input.setFocus(Qt.FocusReason.OtherFocusReason)
