"""Signing in with the browser from the dialog of a connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app.core.tokens import Tokens
from app.jobs import JobContext, Progress
from app.ui.context import WindowContext
from app.ui.dialogs.connection_fields import ConnectionForm
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.sign_in_field import SignInField


class BrowserSignIn(QObject):
    """Opens the vendor's page and waits for the person to come back; one at a time. Main thread only.

    Signals:
        ended(object): the `Tokens` that a sign-in gave.
        failed(object): the error; a form that is wrong is one too.
    """

    ended = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        context: WindowContext,
        form: ConnectionForm,
        open_page: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(form)
        self._context = context
        self._form = form
        self._open_page = open_page
        self._job: Job | None = None
        self._page = ""
        form.sign_in_stopped.connect(self.stop)
        form.link_asked.connect(self.copy_page)

    def begin(self, field_id: str, destination: str, existing_id: str | None) -> None:
        """Sign in with what the form holds."""
        field = self._form.sign_in_field(field_id)
        if self._job is not None or field is None:
            return
        sign_ins, settings, secrets = self._context.services.sign_ins, self._form.settings(), self._form.secrets()

        def work(ctx: JobContext) -> str:
            def show(page: str) -> None:
                ctx.report(Progress("sign_in", note=page), final=True)

            return sign_ins.sign_in_draft(destination, settings, secrets, existing_id, show, ctx)

        field.set_waiting(True)
        self._job = self._context.runner.submit(
            "exports", "Sign in", work, on_progress=self._on_page, on_finished=partial(self._on_ended, field_id, field)
        )

    def stop(self) -> None:
        """Wait no longer."""
        if self._job is not None:
            self._job.cancel()

    def copy_page(self) -> None:
        """Put the page's address on the clipboard, for a browser that did not open by itself."""
        QGuiApplication.clipboard().setText(self._page)

    def drop(self) -> None:
        """The dialog closes: nobody waits any more."""
        if self._job is not None:
            self._context.runner.abandon(self._job)
            self._job = None

    def _on_page(self, progress: Progress) -> None:
        self._page = progress.note
        self._open_page(QUrl(progress.note))

    def _on_ended(self, field_id: str, field: SignInField, end: Finished) -> None:
        self._job = None
        field.set_waiting(False)
        if end.outcome is Outcome.DONE:
            self._form.set_content(field_id, "", end.value)
            self.ended.emit(Tokens.read(end.value))
        elif end.error is not None:
            self.failed.emit(end.error)
