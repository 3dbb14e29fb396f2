"""The page of runs: list by day at the left, one run at the right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Action, may
from app.core.runs import Run, Status, Trigger
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.dialogs.held import HeldDialog
from app.ui.pages.freshness import Freshness
from app.ui.pages.runs.details import RunDetails, RunDetailsView
from app.ui.pages.runs.run_list import RunList
from app.ui.pages.runs.words import UNKNOWN_BADGE, RunRow
from app.ui.runner import LiveQuery
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Area, Label, Line, column, row
from app.ui.widgets.states import EmptyState, Loading, inset

ALL, RUNNING, ATTENTION = "all", "running", "attention"
LIST_LIMIT, REJECTS_FIRST, REJECTS_MANY, LIVE_MS = 500, 4, 1000, 500


@dataclass(frozen=True)
class _Listed:
    rows: tuple[RunRow, ...]
    kept_days: int


class RunsPage(QWidget):
    """History of all runs; a run that goes on is renewed twice a second. Main thread only."""

    page_id = "runs"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._rows: tuple[RunRow, ...] = ()
        self._wanted = ""
        self._reject_limit = REJECTS_FIRST
        self._reject_field: str | None = None
        theme = context.theme
        self.title = self.tr("Runs")
        self.search_field = SearchField(theme, self.tr("Search runs"), shortcut=QKeySequence.StandardKey.Find)
        self._chips = ChipBar(theme, self.tr("Which runs"), self._chip_choices())
        self._list = RunList(theme, context.formats)
        self._details = RunDetailsView(theme, context.formats)
        self._right = QStackedWidget()
        self._loading = inset(Loading(theme, self.tr("Reading the runs"), rows=8, row_height=52, cancellable=False))
        self._empty = EmptyState(
            theme,
            self.tr("No runs yet"),
            self.tr("Run an export, and what happened is told here."),
            icon="clock-counter-clockwise",
        )
        self._error = EmptyState(
            theme, "", icon="warning-circle-fill", icon_role="danger", primary=self.tr("Try again")
        )
        self._left = QWidget()
        self._kept = Label(theme, "", "caption", "text2")
        self._pages = QStackedWidget()
        self._query = LiveQuery(context.runner, "List runs", delay_ms=0, parent=self)
        self._detail_query = LiveQuery(context.runner, "Read a run", delay_ms=0, parent=self)
        self._timer = QTimer(self)
        self._connect()
        self._assemble()

    def refresh(self) -> None:
        """Read the runs again."""
        if not self._rows:
            QTimer.singleShot(200, self._show_loading)
        self._query.ask(self._read_runs, at_once=True)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a run's id, or an export's name whose newest run is chosen."""
        if focus is not None:
            self._wanted = focus
            self._chips.set_current(ALL)
            self.search_field.clear()
        self.refresh()

    def _connect(self) -> None:
        self._query.ready.connect(self._on_runs_read)
        self._query.failed.connect(self._on_read_failed)
        self._detail_query.ready.connect(self._on_details_read)
        self._detail_query.failed.connect(self._on_read_failed)
        self._list.selected_changed.connect(self._on_run_selected)
        self._chips.chosen.connect(lambda _key: self._fill())
        self.search_field.textChanged.connect(lambda _words: self._fill())
        self._error.primary_clicked.connect(self.refresh)
        details = self._details
        details.open_export_asked.connect(lambda name: self._context.navigator.show_page("exports", name))
        details.receipt_asked.connect(lambda run_id: self._context.navigator.show_page("receipt", run_id))
        details.compare_asked.connect(
            lambda run_id: self._context.navigator.show_page("compare", self._two_selected() or run_id)
        )
        self._list.marked_changed.connect(lambda: details.offer_comparison(of_two=bool(self._two_selected())))
        details.held_asked.connect(self._on_held)
        details.run_again_asked.connect(self._on_run_again)
        details.cancel_asked.connect(self._on_cancel)
        details.save_rejects_asked.connect(self._on_save_rejects)
        details.field_chosen.connect(self._on_field_chosen)
        details.more_rejects_asked.connect(self._on_more_rejects)
        details.resume_asked.connect(self._on_resume)
        details.plan_asked.connect(self._on_plan)
        details.leave_asked.connect(self._on_leave)
        details.retry_asked.connect(self._on_retry)
        details.copy_log_asked.connect(lambda text: QGuiApplication.clipboard().setText(text))
        Freshness(self, self._context.navigator.noticed, ("runs", "exports"), self.refresh)
        QShortcut(
            QKeySequence.StandardKey.Refresh, self, self.refresh, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        self._timer.setInterval(LIVE_MS)
        self._timer.timeout.connect(self._on_tick)

    def _assemble(self) -> None:
        theme = self._context.theme
        self.search_field.setFixedWidth(260)
        heading = column(
            Label(theme, self.title, "page"),
            Label(theme, self.tr("Every run on this computer, what was sent, and what was not."), "body", "text2"),
            spacing=2,
        )
        head = row(heading, None, self.search_field, margins=(24, 16, 24, 12))
        foot = Area(theme, "surface", "t")
        foot.setFixedHeight(32)
        foot.setLayout(row(self._kept, None, margins=(24, 0, 24, 0)))
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addLayout(row(self._chips, None, margins=(24, 12, 12, 4)))
        left.addWidget(self._list, 1)
        left.addWidget(foot)
        self._left.setFixedWidth(372)
        self._nothing = EmptyState(theme, self.tr("No run chosen"), self.tr("Choose a run to see what happened."))
        self._right.addWidget(self._nothing)
        self._right.addWidget(self._details)
        both = QWidget()
        both.setLayout(row(self._left, Line(theme, vertical=True), self._right, spacing=0))
        for page in (QWidget(), both, self._empty, self._error, self._loading):
            self._pages.addWidget(page)
        self._both = both
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(Line(theme))
        layout.addWidget(self._pages, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the details more room on a small window."""
        super().resizeEvent(event)
        least = self._chips.sizeHint().width() + 24 + 12
        self._left.setFixedWidth(max(372 if self.width() >= 1100 else 320, least))

    def event(self, event: QEvent) -> bool:
        """Renew live numbers only while the page is seen."""
        if event.type() == QEvent.Type.Show:
            self._timer.start()
        elif event.type() == QEvent.Type.Hide:
            self._timer.stop()
        return super().event(event)

    # Reading, in jobs

    def _read_runs(self, _ctx: JobContext) -> _Listed:
        services = self._context.services
        looks = {d.id: d for d in services.destinations.all()}
        rows = []
        for run in services.runs.list(None, LIST_LIMIT):
            look = looks.get(run.destination)
            rows.append(RunRow(run, look.name if look else run.destination, look.badge if look else UNKNOWN_BADGE))
        return _Listed(tuple(rows), services.retention.get().runs)

    def _read_details(self, chosen: RunRow, limit: int, field: str | None) -> RunDetails:
        services = self._context.services
        run = services.runs.get(chosen.run.id)
        role = services.roles.role()
        return RunDetails(
            RunRow(run, chosen.destination, chosen.badge),
            services.runs.rejects(run.id, 0, limit, field),
            services.runs.log(run.id, 500),
            export_exists=any(r.export.id == run.export_id for r in services.exports.all()),
            may_run=may(role, Action.RUN_EXPORTS),
            may_save=may(role, Action.SHOW_PERSONAL_VALUES),
            has_receipt=services.receipts.has(run.id),
            has_before=services.comparing.has_before(run),
            interruption=services.resuming.look(run.id) if run.status is Status.INTERRUPTED else None,
        )

    # Answers

    def _on_runs_read(self, listed: _Listed) -> None:
        self._rows = listed.rows
        days = self._context.formats.counted(listed.kept_days, "days")
        self._kept.set_words(self.tr("Runs are kept for {days}").format(days=days))
        self._chips.set_choices(self._chip_choices())
        self._pages.setCurrentWidget(self._both if self._rows else self._empty)
        self._fill()

    def _on_read_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self._error)

    def _on_details_read(self, details: RunDetails) -> None:
        if details.row.key == self._list.selected():
            self._details.show_details(details)
            self._right.setCurrentWidget(self._details)

    # What the person does

    def _on_run_selected(self, run_id: str) -> None:
        self._reject_limit, self._reject_field = REJECTS_FIRST, None
        if not run_id:
            self._right.setCurrentWidget(self._nothing)
            return
        self._ask_details()

    def _on_field_chosen(self, field: str) -> None:
        self._reject_field = field or None
        self._ask_details()

    def _on_more_rejects(self) -> None:
        self._reject_limit = REJECTS_MANY
        self._ask_details()

    def _on_run_again(self, export_name: str) -> None:
        self._context.carry_out(
            self,
            "Run again",
            lambda _ctx: self._context.services.runs.start([export_name], Trigger.PERSON),
            self._on_started,
        )

    def _on_resume(self, run_id: str, send_again: bool) -> None:  # noqa: FBT001 - a signal's
        resume = self._context.services.resuming.resume
        self._context.carry_out(
            self,
            "Resume a run",
            lambda _ctx: [resume(run_id, Trigger.PERSON, send_again=send_again)],
            self._on_started,
        )

    def _on_plan(self, export_name: str) -> None:
        self._context.navigator.show_page("plan", export_name)

    def _on_leave(self, run_id: str) -> None:
        def told(_value: object) -> None:
            words = self.tr("Left as it is. It stays under Needs attention, and the next run sends what is missing.")
            self._context.navigator.toast(words)

        self._context.carry_out(self, "Leave a run", lambda _ctx: self._context.services.resuming.leave(run_id), told)

    def _on_retry(self, run_id: str) -> None:
        retry = self._context.services.resuming.send_rejected_again
        self._context.carry_out(
            self, "Send rejected again", lambda _ctx: [retry(run_id, Trigger.PERSON)], self._on_started
        )

    def _on_started(self, runs: list[Run]) -> None:
        self._wanted = runs[0].id if runs else ""
        self._context.navigator.changed("runs")

    def _on_held(self, run_id: str) -> None:
        chosen = next((each for each in self._rows if each.key == run_id), None)
        if chosen is not None and chosen.run.held is not None:
            name, navigator = chosen.run.export_name, self._context.navigator
            HeldDialog(
                self._context,
                self,
                chosen.run,
                chosen.destination,
                chosen.badge,
                lambda: navigator.show_page("plan", name),
            ).open()

    def _on_cancel(self, run_id: str) -> None:
        self._context.carry_out(
            self, "Cancel a run", lambda _ctx: self._context.services.runs.cancel(run_id), lambda _value: None
        )

    def _on_save_rejects(self, run_id: str) -> None:
        """Ask for a place; the file holds personal data and the dialog's title says so."""
        dialog = QFileDialog(
            self, self.tr("Save rejects as CSV – the file holds personal data"), f"rejects-{run_id}.csv"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setNameFilter(self.tr("CSV files (*.csv)"))
        dialog.fileSelected.connect(lambda name: self._save_rejects(run_id, Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _save_rejects(self, run_id: str, path: Path) -> None:
        def told(number: int) -> None:
            words = self.tr("Saved {members} to {file}.")
            self._context.navigator.toast(
                words.format(members=self._context.formats.counted(number, "members"), file=path.name)
            )

        self._context.carry_out(
            self, "Save rejects", lambda _ctx: self._context.services.runs.save_rejects(run_id, path), told
        )

    def _on_tick(self) -> None:
        if any(not r.run.status.ended for r in self._rows):
            self._query.ask(self._read_runs, at_once=True)

    # Inside

    def _two_selected(self) -> str:
        """The ids of two selected runs of one export, the earlier first; empty for any other selection."""
        marked = sorted(self._list.marked(), key=lambda run: run.queued_at)
        if len(marked) != 2 or marked[0].export_id != marked[1].export_id:
            return ""
        return " ".join(run.id for run in marked)

    def _ask_details(self) -> None:
        chosen = next((r for r in self._rows if r.key == self._list.selected()), None)
        if chosen is not None:
            limit, field = self._reject_limit, self._reject_field
            self._detail_query.ask(lambda _ctx: self._read_details(chosen, limit, field), at_once=True)

    def _fill(self) -> None:
        words = self.search_field.text().casefold().split()
        kept = [r for r in self._rows if self._passes(r) and all(w in self._haystack(r) for w in words)]
        self._list.set_rows(kept)
        if self._wanted:
            run = next((r.key for r in kept if self._wanted in {r.key, r.run.export_name}), "")
            self._wanted = ""
            if run:
                self._list.select(run)
        if not self._list.selected() and kept:
            self._list.select("")
        elif kept:
            self._ask_details()
        else:
            self._nothing.set_words(self.tr("No runs match"), self.tr("Change the search or choose All."))
            self._right.setCurrentWidget(self._nothing)

    def _passes(self, item: RunRow) -> bool:
        chip = self._chips.current()
        if chip == RUNNING:
            return item.run.status in {Status.RUNNING, Status.QUEUED}
        return chip != ATTENTION or item.run.status.needs_attention

    def _haystack(self, item: RunRow) -> str:
        status = self._context.formats.status(item.run.status).word
        return f"{item.run.export_name} {item.destination} {item.run.connection_name} {status}".casefold()

    def _chip_choices(self) -> list[Choice]:
        number = self._context.formats.number
        running = sum(not r.run.status.ended for r in self._rows)
        attention = sum(r.run.status.needs_attention for r in self._rows)
        return [
            Choice(ALL, self.tr("All"), number(len(self._rows))),
            Choice(RUNNING, self.tr("Running"), number(running), dot="bar"),
            Choice(ATTENTION, self.tr("Needs attention"), number(attention), dot="danger_fill"),
        ]

    def _show_loading(self) -> None:
        if not self._rows and self._pages.currentIndex() == 0:
            self._pages.setCurrentWidget(self._loading)
