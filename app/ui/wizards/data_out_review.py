"""What the review step of the data-out wizard says: files of this run, numbers of the last, summary, tables, notes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.core.exports import OnlyChanges
from app.core.file_formats import Compression
from app.core.layouts import LATEST_FILE, MODEL_FILE, SUMS_FILE
from app.core.runs import Run
from app.core.table_choices import chosen_fields, totals
from app.ui.formats import NOTHING
from app.ui.widgets.facts import Fact
from app.ui.wizards.data_out_state import DataOutState
from app.ui.wizards.review_change import Figure
from app.ui.wizards.review_panel import Item, Remark

_TABLES, _FORMAT = 1, 2


class DataOutReview(QObject):
    """Turns state into words; main thread only."""

    def __init__(self, state: DataOutState) -> None:
        super().__init__(state)
        self._state = state
        self._formats = state.context.formats

    def figures(self) -> Sequence[Figure]:
        """Rows, files and size."""
        found = totals(self._state.draft.tables, self._state.facts.catalog)
        less = self._state.draft.leave_out_suppressed
        words = self.tr("rows at most will be written") if less else self.tr("rows will be written")
        figures = [Figure(self._formats.number(found.rows), words)]
        files = self._state.files
        if files.nodes:
            figures.append(Figure(self._formats.number(files.files()), self.tr("files")))
        if files.bytes is not None:
            figures.append(Figure(self._formats.bytes(files.bytes), self.tr("in all, about")))
        return figures

    def sentence(self) -> str:
        """One line under the numbers."""
        found = totals(self._state.draft.tables, self._state.facts.catalog)
        if self._state.draft.leave_out_suppressed:
            words = self.tr("{tables} with {fields} to {target}, less the rows of people on the suppression list.")
        elif found.tables == 1:
            words = self.tr("{tables} with {fields} goes to {target}.")
        else:
            words = self.tr("{tables} with {fields} go to {target}.")
        return words.format(
            tables=self._formats.counted(found.tables, "tables"),
            fields=self._formats.counted(found.fields, "fields"),
            target=self._state.destination_name,
        )

    def last(self, run: Run) -> Sequence[Figure]:
        """The numbers of the run before."""
        done = run.totals
        return [
            Figure(self._formats.number(done.rows), self.tr("rows written")),
            Figure(self._formats.number(done.files), self.tr("files")),
            Figure(self._formats.bytes(done.bytes), self.tr("in all")),
        ]

    def summary(self) -> Sequence[Fact]:
        """Where it goes and how it is written."""
        state, draft = self._state, self._state.draft
        editing = state.facts.editing
        connection = NOTHING
        if state.connection is not None:
            connection = state.connection.connection.name
        elif editing is not None and editing.connection is not None:
            connection = editing.connection.name
        compression = self.tr("none") if draft.format.compression is Compression.NONE else str(draft.format.compression)
        facts = [
            Fact(self.tr("Destination"), state.destination_name),
            Fact(self.tr("Connection"), connection),
            Fact(
                self.tr("Format"),
                {"csv": "CSV", "parquet": "Parquet", "json-lines": "JSON lines", "excel": "Excel"}[draft.format.type],
            ),
            Fact(self.tr("Compression"), compression),
            Fact(self.tr("Folder"), draft.layout.folder or "/"),
            Fact(self.tr("Rows"), self._rows()),
            Fact(self.tr("Earlier runs"), self._earlier_runs()),
        ]
        if draft.format.partition is not None:
            facts.insert(4, Fact(self.tr("Partition by"), draft.format.partition.field))
        if draft.format.pgp_key:
            facts.insert(4, Fact(self.tr("Encryption"), self.tr("with the partner's key")))
        if draft.leave_out_suppressed:
            facts.append(Fact(self.tr("Suppression list"), self.tr("is left out")))
        layout = draft.layout
        about = (
            (MODEL_FILE, layout.model_json),
            (self.tr("manifest"), layout.manifest),
            (self.tr("JSON Schemas"), layout.json_schema),
            (SUMS_FILE, layout.sums),
            (LATEST_FILE, layout.latest),
        )
        if any(wanted for _, wanted in about):
            facts.append(Fact(self.tr("Metadata"), ", ".join(name for name, wanted in about if wanted)))
        return facts

    def _rows(self) -> str:
        return {
            OnlyChanges.OFF: self.tr("all, in each run"),
            OnlyChanges.CHANGED: self.tr("those added or changed"),
            OnlyChanges.THREE_FILES: self.tr("added, changed and removed ones apart"),
        }[self._state.draft.layout.only_changes]

    def _earlier_runs(self) -> str:
        layout = self._state.draft.layout
        if not layout.keep_earlier_runs:
            return self.tr("are replaced")
        if layout.keep_runs is None:
            return self.tr("are kept")
        return self.tr("the newest {number} stay").format(number=self._formats.number(layout.keep_runs))

    def items(self) -> Sequence[Item]:
        """The tables with their fields."""
        catalog, choices = self._state.facts.catalog, self._state.draft.tables
        result = []
        for choice in choices:
            table = catalog.table(choice.name)
            if table is None:
                result.append(Item(choice.name, self.tr("Removed"), skipped=True))
            else:
                result.append(Item(table.name, self._formats.counted(len(chosen_fields(choices, table)), "fields")))
        return result

    def remarks(self) -> Sequence[Remark]:
        """Personal fields that go, and replacement."""
        catalog, choices = self._state.facts.catalog, self._state.draft.tables
        personal = sum(
            1
            for choice in choices
            if (table := catalog.table(choice.name)) is not None
            for column in table.columns
            if column.meaning.personal and column.name in chosen_fields(choices, table)
        )
        found = []
        if personal:
            found.append(
                Remark(
                    "warning",
                    self.tr("{fields} hold personal data").format(fields=self._formats.counted(personal, "fields")),
                    self.tr("Marketing consent does not apply to whole tables: every row is written.")
                    if not self._state.draft.leave_out_suppressed
                    else self.tr("Marketing consent does not apply to whole tables, the suppression list does."),
                    self.tr("Look at the fields"),
                    _TABLES,
                )
            )
        if not self._state.draft.layout.keep_earlier_runs:
            found.append(
                Remark(
                    "info",
                    self.tr("The files of the last run are replaced"),
                    self.tr("New files are written first; the earlier ones go when all are there."),
                    self.tr("Look at the layout"),
                    _FORMAT,
                )
            )
        return found
