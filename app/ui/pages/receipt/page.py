"""The receipt of one run: what left this computer, where it went, what came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.receipts import Receipt
from app.core.roles import Action, may
from app.core.runs import Trigger
from app.destinations.description import Badge as BadgeLook
from app.jobs import JobContext
from app.services.receipts import KeptReceipt
from app.services.undo import UndoState
from app.ui.context import WindowContext
from app.ui.dialogs.undo import UndoDialog
from app.ui.pages.freshness import Freshness
from app.ui.pages.receipt import words
from app.ui.pages.receipt.paper import receipt_pdf
from app.ui.pages.receipt.parts import FactCard, FigureCard, LineTable
from app.ui.pages.receipt.undo_bar import UndoBar
from app.ui.pages.runs.head import RunHead
from app.ui.pages.runs.words import badge_of
from app.ui.runner import Finished, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.focus import take_focus
from app.ui.widgets.labels import Label, clear
from app.ui.widgets.marks import Pill
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Flowing, Scroll
from app.ui.widgets.states import EmptyState, Loading, inset
from app.ui.widgets.with_panel import WithPanel

PANEL_WIDTHS = 388, 300
TONES = {"success": "success", "warning": "warning", "danger": "danger", "bar": "accent"}


@dataclass(frozen=True)
class _Read:
    """A receipt with its lines of batches in words: of ten million members there are 20,000."""

    kept: KeptReceipt
    batches: Sequence[words.Line]
    badge: BadgeLook
    undo: UndoState
    may_run: bool


class ReceiptPage(QWidget):
    """A further view of the runs; `activate` names the run. Main thread only."""

    page_id = "receipt"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._run_id = ""
        self._kept: KeptReceipt | None = None
        theme = context.theme
        self.title = self.tr("Receipt")
        self._head = RunHead(theme)
        self._pill = Pill(theme, "")
        self.as_json = Button(theme, self.tr("Save as JSON"), icon="brackets-curly")
        self.as_pdf = Button(theme, self.tr("Save as PDF"), "primary", icon="download-simple")
        self._changed = Note(
            theme,
            "danger",
            self.tr("This receipt was changed after it was written"),
            self.tr("Its sum is not the one it had when the run closed. Do not rely on it."),
        )
        self._problem = Note(theme, "warning", "")
        self._figures = FigureCard(theme, self.tr("Numbers"))
        self._answers = QVBoxLayout()
        self._hosts = LineTable(
            theme, self.tr("Hosts contacted"), words.host_columns(), "cwnnn", (140, 120, 80, 88, 96)
        )
        self._batches = LineTable(
            theme, self.tr("Batches"), words.batch_columns(), "twnnnr", (54, 110, 76, 82, 118, 162)
        )
        self._files = LineTable(theme, self.tr("Files"), words.file_columns(), "pnnm", (200, 80, 84, 146))
        self._times = FactCard(theme, self.tr("Times"))
        self._configuration = FactCard(theme, self.tr("Configuration"))
        self._rejects = FactCard(theme, self.tr("Rejects"), self.tr("Review rejects"), sentences=True)
        self._error = EmptyState(
            theme, "", icon="warning-circle-fill", icon_role="danger", primary=self.tr("Back to the runs")
        )
        self._loading = inset(Loading(theme, self.tr("Reading the receipt"), rows=8, cancellable=False))
        self.undo_bar = UndoBar(theme, context.formats)
        self._undo: UndoState | None = None
        self._pages = QStackedWidget()
        self._query = LiveQuery(context.runner, self.tr("Read a receipt"), delay_ms=0, parent=self)
        self._assemble()
        self._connect()

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is the run's id."""
        if focus is not None and focus != self._run_id:
            self._run_id, self._kept = focus, None
            take_focus(self)
            self.undo_bar.hide()
            self._pages.setCurrentWidget(self._loading)
        self.refresh()

    def refresh(self) -> None:
        """Read the receipt, which never changes, and whether the run can be undone, which does."""
        if self._run_id:
            run_id = self._run_id
            self._query.ask(lambda _ctx: self._read(run_id), at_once=True)

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self._head, self._left, self._body.panel, self.undo_bar]

    def _assemble(self) -> None:
        theme = self._context.theme
        for part in (self._pill, 8, self.as_json, self.as_pdf):
            self._head.actions.addSpacing(part) if isinstance(part, int) else self._head.actions.addWidget(part)
        self._answers.setSpacing(8)
        left = Flowing()
        inside = QVBoxLayout(left)
        inside.setContentsMargins(24, 16, 20, 20)
        inside.setSpacing(12)
        self._asked = QWidget()
        asked = QVBoxLayout(self._asked)
        asked.setContentsMargins(0, 0, 0, 0)
        asked.setSpacing(8)
        self._asked_title = Label(theme, "", "subtitle")
        asked.addWidget(self._asked_title)
        asked.addLayout(self._answers)
        for each in (self._changed, self._problem, self._figures, self._asked, self._hosts, self._batches, self._files):
            inside.addWidget(each)
        inside.addStretch(1)
        self._left = Scroll(left, sideways=True)
        side = Flowing()
        facts = QVBoxLayout(side)
        facts.setContentsMargins(20, 16, 24, 20)
        facts.setSpacing(16)
        for card in (self._times, self._configuration, self._rejects):
            facts.addWidget(card)
        facts.addStretch(1)
        self._body = WithPanel(theme, self._left, side, PANEL_WIDTHS)
        for page in (self._loading, self._body, self._error):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._pages, 1)
        layout.addWidget(self.undo_bar)
        self.undo_bar.hide()

    def _connect(self) -> None:
        self._query.ready.connect(self._on_read)
        self._query.failed.connect(self._on_failed)
        self._head.back_asked.connect(self._on_back)
        self._error.primary_clicked.connect(self._on_back)
        self._rejects.link_asked.connect(self._on_back)
        self.undo_bar.undo_asked.connect(self._on_undo)
        Freshness(self, self._context.navigator.noticed, ("runs", "exports"), self.refresh)
        self.as_json.clicked.connect(lambda: self._ask_place("json", self.tr("JSON files (*.json)"), self._save_json))
        self.as_pdf.clicked.connect(lambda: self._ask_place("pdf", self.tr("PDF files (*.pdf)"), self._save_pdf))

    # Reading

    def _read(self, run_id: str) -> _Read:
        services = self._context.services
        kept = services.receipts.get(run_id)
        return _Read(
            kept,
            words.batches(kept.receipt, self._context.formats),
            badge_of(services, services.runs.get(run_id).destination),
            services.undo.state(run_id),
            may(services.roles.role(), Action.RUN_EXPORTS),
        )

    def _on_read(self, read: _Read) -> None:
        new = self._kept is None
        self._kept, self._undo = read.kept, read.undo
        self._show(read)
        sends_members = read.kept.receipt.unit == "members" and not read.kept.receipt.totals.files
        self.undo_bar.setVisible(sends_members)
        self.undo_bar.show_state(read.undo, may_run=read.may_run)
        if new:
            self._left.verticalScrollBar().setValue(0)
        self._pages.setCurrentWidget(self._body)

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self._error)

    def _show(self, read: _Read) -> None:
        kept, formats = read.kept, self._context.formats
        receipt = kept.receipt
        name = receipt.configuration.destination
        sentence = self.tr("Run {id}. What left this computer, where it went, and what came back.")
        title = self.tr("Receipt for {export}").format(export=receipt.export)
        self._head.set_head(title, sentence.format(id=receipt.run), read.badge, name)
        status = formats.status(receipt.status)
        self._pill.set_pill(status.word, TONES.get(status.role, "neutral"), status.icon)
        self._changed.setVisible(not kept.whole)
        self._show_problem(receipt)
        self._figures.show_figures(words.figures(receipt, formats))
        self._show_answers(receipt)
        self._hosts.show_lines(words.hosts(receipt, formats), words.hosts_remark(receipt))
        self._batches.show_lines(read.batches, words.batches_remark(receipt, formats))
        self._files.show_lines(words.files(receipt, formats), formats.counted(len(receipt.files), "files"))
        self._times.show_facts(words.times(receipt, formats))
        self._configuration.show_facts(words.configuration(receipt, formats))
        number = receipt.rejects.number
        self._rejects.show_facts(words.rejects(receipt, formats), formats.counted(number, "members"))

    def _show_problem(self, receipt: Receipt) -> None:
        error = receipt.error
        self._problem.setVisible(error is not None)
        if error is not None:
            self._problem.set_note("warning", error.what, f"{error.why} {error.fix}".strip())

    def _show_answers(self, receipt: Receipt) -> None:
        clear(self._answers)
        answers = words.answers(receipt, self._context.formats)
        for answer in answers:
            self._answers.addWidget(Note(self._context.theme, answer.tone, answer.sentence, answer.detail))
        self._asked_title.set_words(self.tr("Read back from {name}").format(name=receipt.configuration.destination))
        self._asked.setVisible(bool(answers))

    # What the person does

    def _on_back(self) -> None:
        self._context.navigator.show_page("runs", self._run_id or None)

    def _on_undo(self) -> None:
        if self._kept is None or self._undo is None:
            return
        dialog = UndoDialog(self._context, self, self._run_id, self._kept.receipt.export, self._undo.what)
        dialog.undo_asked.connect(self._start_undo)
        dialog.plan_asked.connect(lambda: self._context.navigator.show_page("undo-plan", self._run_id))
        dialog.open()

    def _start_undo(self) -> None:
        run_id, undo, navigator = self._run_id, self._context.services.undo, self._context.navigator

        def finished(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                navigator.changed("runs")
                navigator.show_page("runs", end.value.id)
            elif end.error is not None:
                navigator.show_error(end.error, self)

        self._context.runner.submit(
            "store", self.tr("Undo a run"), lambda _ctx: undo.start(run_id, Trigger.PERSON), on_finished=finished
        )

    def _ask_place(self, ending: str, kinds: str, save: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self, self.tr("Save the receipt"), f"receipt-{self._run_id}.{ending}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ending)
        dialog.setNameFilter(kinds)
        dialog.fileSelected.connect(lambda name: save(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _save_json(self, path: Path) -> None:
        run_id, receipts = self._run_id, self._context.services.receipts
        self._do(lambda _ctx: receipts.save(run_id, path), path)

    def _save_pdf(self, path: Path) -> None:
        kept, formats, receipts = self._kept, self._context.formats, self._context.services.receipts
        if kept is not None:
            self._do(lambda _ctx: receipts.save(kept.receipt.run, path, receipt_pdf(kept, formats)), path)

    def _do(self, work: Callable[[JobContext], Any], path: Path) -> None:
        def finished(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                self._context.navigator.toast(self.tr("Saved {file}").format(file=path.name))
            elif end.error is not None:
                self._context.navigator.show_error(end.error, self)

        self._context.runner.submit("store", self.tr("Save the receipt"), work, on_finished=finished)
