"""Imports into the suppression list: a file that is chosen or dropped, or values that are pasted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.jobs import JobContext, Progress
from app.services.suppression import Imported, Preview
from app.ui.dialogs.erase import EraseDialog
from app.ui.dialogs.suppression import AddDialog, ImportDialog
from app.ui.pages.suppression.parts import DropZone
from app.ui.pages.suppression.words import imported_words
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button

if TYPE_CHECKING:
    from app.ui.pages.suppression.page import SuppressionPage

FILES = "*.csv *.txt *.tsv *.gz *.xlsx *.parquet *.jsonl"


class Imports(QObject):
    """The buttons of the page's head and the place to drop a file, with what they do."""

    def __init__(self, page: SuppressionPage) -> None:
        super().__init__(page)
        self._page = page
        self._context = page.context
        theme = page.context.theme
        self._job: Job | None = None
        self.drop = DropZone(theme)
        self.cancel_button = Button(theme, self.tr("Cancel"), "secondary", icon="x")
        self.add_button = Button(theme, self.tr("Add…"), "secondary", icon="plus")
        self.import_button = Button(theme, self.tr("Import file"), "primary", icon="upload-simple")
        self.erase_button = Button(theme, self.tr("Erase a person…"), "secondary", icon="trash")
        self.buttons = (self.cancel_button, self.erase_button, self.add_button, self.import_button)
        self.cancel_button.hide()
        self.cancel_button.clicked.connect(lambda: self._job.cancel() if self._job is not None else None)
        self.add_button.clicked.connect(self._on_add)
        self.erase_button.clicked.connect(lambda: EraseDialog(self._context, self._page).open())
        self.import_button.clicked.connect(self._on_import)
        self.drop.clicked.connect(self._on_import)
        self.drop.dropped.connect(self.look_at)

    def set_may_change(self, may_change: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Whether this person may import at all."""
        for button in (self.erase_button, self.add_button, self.import_button):
            button.setVisible(may_change)

    def _on_import(self) -> None:
        dialog = QFileDialog(self._page, self.tr("Import a suppression list"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Lists ({patterns})").format(patterns=FILES), self.tr("All files (*)")])
        dialog.fileSelected.connect(lambda name: self.look_at(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def look_at(self, path: Path) -> None:
        """Show what an import of the file would take, and import it when the person agrees."""
        services = self._context.services

        def opened(preview: Preview) -> None:
            dialog = ImportDialog(self._context, self._page, preview)
            dialog.look_asked.connect(lambda: look_again(dialog))
            dialog.accepted.connect(lambda: self._import_file(path, dialog))
            dialog.open()

        def look_again(dialog: ImportDialog) -> None:
            wanted = dialog.column()

            def finished(end: Finished) -> None:
                if dialog.closed or dialog.column() != wanted:
                    return
                if end.outcome is Outcome.DONE:
                    dialog.show_preview(end.value)
                elif end.error is not None:
                    dialog.reject()
                    self._context.navigator.show_error(end.error, self._page)

            self._context.runner.submit(
                "queries",
                "Look at another column",
                lambda ctx: services.suppression.preview(path, ctx, column=wanted),
                on_finished=finished,
            )

        self._busy(
            "Look at a suppression list",
            self.tr("Reading…"),
            lambda ctx: services.suppression.preview(path, ctx),
            opened,
        )

    def _import_file(self, path: Path, dialog: ImportDialog) -> None:
        services, wanted, kind = self._context.services, dialog.column(), dialog.kind()
        self._busy(
            "Import a suppression list",
            self.tr("Importing…"),
            lambda ctx: services.suppression.import_file(path, ctx, column=wanted, kind=kind),
            self._imported,
        )

    def _on_add(self) -> None:
        services = self._context.services
        dialog = AddDialog(self._context.theme, self._page)

        def add() -> None:
            text, name = dialog.values.toPlainText(), self.tr("Pasted values")
            self._busy(
                "Add to the suppression list",
                self.tr("Importing…"),
                lambda ctx: services.suppression.import_text(text, ctx, name=name),
                self._imported,
            )

        dialog.accepted.connect(add)
        dialog.open()

    def _imported(self, done: Imported) -> None:
        services, navigator = self._context.services, self._context.navigator
        navigator.changed("suppression")
        navigator.toast(
            imported_words(done, self._context.formats),
            undo=lambda: self._page.change("Undo an import", lambda: services.suppression.undo_import(done.source_id)),
        )

    def _busy(self, name: str, words: str, work: Callable[[JobContext], object], then: Callable[..., None]) -> None:
        """Do something with a file that can be cancelled, while further imports wait."""

        def waiting(on: bool) -> None:  # noqa: FBT001 - reads like setEnabled
            for widget in (self.drop, self.add_button):
                widget.setEnabled(not on)
            self.cancel_button.setVisible(on)
            self.import_button.set_busy(on, words if on else self.tr("Import file"))

        def progressed(progress: Progress) -> None:
            if progress.share is not None:
                percent = self._context.formats.percent(progress.share, 0)
                self.import_button.set_busy(True, f"{words} {percent}")

        waiting(True)
        self._job = self._page.do(
            name, work, then, pool="queries", on_progress=progressed, always=lambda: waiting(False)
        )
