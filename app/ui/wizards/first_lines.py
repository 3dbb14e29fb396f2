"""The first lines of the first table as they would be written, by the code that writes them, after every change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core import layouts
from app.core.file_formats import FileType
from app.core.partitions import not_parted
from app.ui.widgets.code import CodeView
from app.ui.widgets.labels import Card, Label
from app.ui.wizards.state import WizardState

if TYPE_CHECKING:
    from app.services.export_views import Preview

ROWS = 3
_ASK_MS = 150


class FirstLines(QWidget):
    """Shown once there is a table and a connection; personal values are masked."""

    def __init__(self, state: WizardState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self._title = Label(theme, "", "body-strong")
        self._note = Label(theme, "", "caption", "text2", wrap=True)
        self.code = CodeView(theme, self.tr("First lines of the file"), most_lines=12)
        self._card = Card(theme, margin=14)
        self._card.body.addWidget(self.code)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for widget in (self._title, self._card, self._note):
            layout.addWidget(widget)
        self._asked: object = None
        self._query = state.query("Look at the first lines", delay_ms=_ASK_MS)
        self._query.ready.connect(self._on_ready)
        self._query.failed.connect(self._on_failed)
        self.hide()

    def show_state(self) -> None:
        """Ask when what would be written is another than asked last."""
        draft, context = self._state.draft, self._state.context
        tables = draft.tables[:1]
        if (
            not tables
            or draft.connection is None
            or self._state.read_only
            or layouts.check(draft.layout, draft.format, 1)
        ):
            self._query.cancel()
            self._asked = None
            self.hide()
            return
        form = draft.format
        if form.partition is not None and not_parted(form.partition, tables, self._state.facts.catalog):
            form = replace(form, partition=None)  # other tables have the field, this one is written as it is
        wanted = (tables, draft.connection, form, draft.leave_out_suppressed)
        if wanted == self._asked:
            return
        self._asked = wanted
        named = replace(draft, name=draft.name.strip() or self.tr("New export"), tables=tables, format=form)
        export, services = named.so_far(context.formats.now(), self._state.facts.person), context.services

        def work(ctx: Any) -> Preview:
            return services.exports.preview(export, ROWS, ctx)

        self._query.ask(work)

    def _on_ready(self, preview: Preview) -> None:
        form = self._state.draft.format
        [file] = preview.files
        self._title.set_words(self.tr("First lines of {table}").format(table=self._state.draft.tables[0].name))
        self.code.set_code("\n".join(file.lines))
        shown_as = {
            FileType.PARQUET: self.tr("Parquet is no text; the same rows as JSON lines. Personal values are masked."),
            FileType.EXCEL: self.tr("Excel is no text; the same rows as CSV. Personal values are masked."),
        }
        self._note.set_words(shown_as.get(form.type, self.tr("Personal values are masked.")))
        self.show()

    def _on_failed(self, _error: object) -> None:
        self.hide()
