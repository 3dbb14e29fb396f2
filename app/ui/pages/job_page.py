"""What pages that read in jobs share: a heading, states in place of the content, and one way to do things beside the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.jobs import JobContext, Progress
from app.ui.context import WindowContext
from app.ui.runner import Finished, Job, LiveQuery, Outcome
from app.ui.widgets.labels import Label, Line, column, row
from app.ui.widgets.states import EmptyState, Loading

SKELETON_AFTER_MS = 200


class JobPage(QWidget):
    """A page whose content is read in a job and shown in the main thread.

    Subclasses set `page_id`, put buttons into `actions`, a switch of views into `views`, content into `content`; `heading` stacks
    title and sentence. F5 refreshes.
    Main thread only.

    Args:
        context: what every page is given.
        title: of the page.
        sentence: what the page is for.
        read: reads everything the page shows; called in a job.
        show: shows what was read; says whether there is anything (else the empty state stands in place).
    """

    page_id = ""

    def __init__(
        self,
        context: WindowContext,
        title: str,
        sentence: str,
        read: Callable[[JobContext], Any],
        show: Callable[[Any], bool],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._read = read
        self._show = show
        theme = context.theme
        self.context = context
        self.title = title
        self.actions = QHBoxLayout()
        self.actions.setSpacing(8)
        self.views = QHBoxLayout()
        self.content = QWidget()
        self.empty = EmptyState(theme, "")
        self._pages = QStackedWidget()
        self._nothing = QWidget()
        self._loading = Loading(theme, title, rows=8, row_height=48)
        self._error = EmptyState(
            theme, "", icon="warning-circle-fill", icon_role="danger", primary=self.tr("Try again")
        )
        self._query = LiveQuery(context.runner, title, delay_ms=0, parent=self)
        self.heading = column(Label(theme, title, "page"), Label(theme, sentence, "body", "text2"), spacing=2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row(self.heading, 24, self.views, None, self.actions, margins=(24, 16, 24, 12)))
        layout.addWidget(Line(theme))
        layout.addWidget(self._pages, 1)
        loading = QWidget()
        loading.setLayout(column(self._loading, None, margins=(24, 16, 24, 16)))
        self._loading_page = loading
        for page in (self._nothing, self.content, loading, self._error):
            self._pages.addWidget(page)
        self._query.ready.connect(self._on_ready)
        self._query.failed.connect(self._on_failed)
        self._error.primary_clicked.connect(self.refresh)
        self._loading.cancelled.connect(self._query.cancel)
        QShortcut(
            QKeySequence.StandardKey.Refresh, self, self.refresh, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )

    def set_empty(self, state: EmptyState) -> None:
        """Say what stands here while there is nothing."""
        self._pages.removeWidget(self.empty)
        self.empty = state
        self._pages.addWidget(state)

    def refresh(self) -> None:
        """Read again."""
        if self._pages.currentWidget() is self._nothing:
            QTimer.singleShot(SKELETON_AFTER_MS, self, self._show_loading)
        self._query.ask(self._read, at_once=True)

    def do(
        self,
        name: str,
        work: Callable[[JobContext], Any],
        then: Callable[[Any], None] | None = None,
        *,
        pool: str = "store",
        on_progress: Callable[[Progress], None] | None = None,
        always: Callable[[], None] | None = None,
    ) -> Job:
        """Do something in a job; an error is told in a dialog, `then` gets the result, `always` follows both."""

        def finished(end: Finished) -> None:
            if always is not None:
                always()
            if end.outcome is Outcome.FAILED and end.error is not None:
                self.context.navigator.show_error(end.error, self)
            elif end.outcome is Outcome.DONE and then is not None:
                then(end.value)

        return self.context.runner.submit(pool, name, work, on_progress=on_progress, on_finished=finished)

    def _on_ready(self, value: Any) -> None:
        self._pages.setCurrentWidget(self.content if self._show(value) else self.empty)

    def _on_failed(self, error: BaseException) -> None:
        told = as_sendoff_error(error)
        self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
        self._pages.setCurrentWidget(self._error)

    def _show_loading(self) -> None:
        if self._pages.currentWidget() is self._nothing:
            self._pages.setCurrentWidget(self._loading_page)
