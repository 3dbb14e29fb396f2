"""The dialog of a connection: sign in, test, say who can use it, agree, save."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QWidget

from app.core.connections import Access, ChangedHostKey, Connection, TestResult, UnknownHostKey
from app.core.errors import SendoffError, as_sendoff_error
from app.core.names import fold
from app.core.tokens import Tokens
from app.destinations.description import Description
from app.jobs import JobContext
from app.services.connection_forms import InvalidSettings
from app.ui.context import WindowContext
from app.ui.dialogs.connection_fields import ConnectionForm
from app.ui.dialogs.connection_reading import Opening, read_opening, read_secret_file
from app.ui.dialogs.connection_sign_in import BrowserSignIn
from app.ui.dialogs.connection_words import (
    ResultNote,
    access_hint,
    consent_words,
    head_words,
    in_a_sentence,
    refused,
    succeeded,
)
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.consent import ConsentBox
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.labels import announce
from app.ui.widgets.menus import Menu
from app.ui.widgets.notes import Note

PLAIN, PAIRED = 560, 640
HOST_KEY = "host_key"


class ConnectionDialog(Dialog):
    """Add a connection at a destination, or edit one. Main thread only; whatever is slow runs in jobs that end with the dialog.

    Args:
        context: what every dialog is given.
        destination_id: where a new connection goes.
        connection_name: the connection to edit; then `destination_id` is not needed.
        on_saved: gets the name under which it was saved.
        opener: a widget of the window to open over; the active window without it.
    """

    def __init__(
        self,
        context: WindowContext,
        destination_id: str | None = None,
        connection_name: str | None = None,
        on_saved: Callable[[str], None] | None = None,
        *,
        opener: QWidget | None = None,
    ) -> None:
        over = opener or QApplication.activeWindow() or QApplication.topLevelWidgets()[0]
        super().__init__(context.theme, over, "", width=PLAIN)
        self.context = context
        self._wanted = (destination_id, connection_name)
        self._on_saved = on_saved
        self._over = over
        self._opening: Opening | None = None
        self._jobs: set[Job] = set()
        self._testing: Job | None = None
        self._tested: TestResult | None = None
        self._offered: UnknownHostKey | None = None
        self._refused: tuple[str, str] | None = None
        self._store_works: bool | None = None
        self._saving = False
        self._edited = False
        self._agreed_anew = False
        self.finished.connect(self._on_closed)

    def open(self) -> None:
        """Read what it is about, then show it; an error is told in its place."""
        self._submit("Read a connection", partial(read_opening, self.context.services, *self._wanted), self._on_opened)

    def help_topic(self) -> str:
        """What F1 shows here: the help of the destination."""
        return self._opening.description.id if self._opening is not None else "connections"

    # Made when it is known what it is about

    def _on_opened(self, end: Finished) -> None:
        if end.outcome is not Outcome.DONE:
            if end.error is not None:
                self.context.navigator.show_error(end.error, self._over)
            self.deleteLater()
            return
        self._opening = end.value
        self._build(end.value)
        QTimer.singleShot(0, self, self._show)  # a turn of the event loop between: neither part holds the window up

    def _show(self) -> None:
        super().open()
        self._renew()
        self._probe()

    def _build(self, opening: Opening) -> None:
        theme, description = self.theme, opening.description
        connection = opening.connection
        self.name_field = TextField(theme, self.tr("Display name"), value=opening.proposed)
        self.help_link = Button(theme, "", "link", trailing="arrow-square-out")
        stored = connection.secrets if connection is not None else ()
        self.form = ConnectionForm(theme, description, stored, self._help(description))
        if connection is not None:
            self.form.show_settings(connection.settings)
        self.sign_in = BrowserSignIn(self.context, self.form)
        self.access = Segmented(
            theme,
            self.tr("Who can use it"),
            [Choice(Access.ADMINS, self.tr("Admins")), Choice(Access.CONTRIBUTORS, self.tr("Contributors"))],
            connection.access if connection is not None else Access.ADMINS,
            expand=True,
        )
        self.consent = ConsentBox(theme, *consent_words(description, connection, self.context.formats))
        self.consent.set_agreed(connection is not None)
        self.no_store = Note(theme, "danger", "")
        self.note = Note(theme, "info", "")
        self.test_button = Button(theme, self.tr("Test connection"), icon="swap")
        self.stop_button = Button(theme, self.tr("Stop the test"), "link")
        self.save_more = IconButton(theme, "caret-down", self.tr("More ways to save"), small=False)
        self.save_button = Button(theme, self.tr("Save connection"), "primary")
        self._assemble(opening)
        self._connect()

    def _assemble(self, opening: Opening) -> None:
        description = opening.description
        self._width = PAIRED if self.form.is_paired else PLAIN
        self._show_head()
        names = Form(self.theme)
        names.add_row(self.tr("Display name"), self.name_field, required=True)
        access = Form(self.theme)
        self._access_frame = FieldFrame(self.theme, self.access, access_hint(description))
        access.add_row(self.tr("Who can use it"), self._access_frame)
        self.body.addWidget(names)
        self.body.addWidget(self.form)
        for part in (access, self.consent, self.no_store, self.note):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.no_store.hide()
        self.note.hide()
        self.add_left(self.test_button)
        self.add_left(self.stop_button)
        self.stop_button.hide()
        self.add_cancel()
        self.add_button(self.save_button)
        self._right.addWidget(self.save_more)

    def _help(self, description: Description) -> Button | None:
        """The link to the vendor's words about the one secret it gives out; none where the owner of a server gives it."""
        secrets = [f for f in description.secret_fields if f.required and not f.when]
        if not description.docs or len(secrets) != 1:
            return None
        self.help_link.set_words(
            self.tr("Where do I find the {secret}?").format(secret=in_a_sentence(secrets[0].label))
        )
        return self.help_link

    def _connect(self) -> None:
        self.name_field.edited.connect(self._on_name_edited)
        self.name_field.left.connect(self._check_name)
        self.form.changed.connect(self._on_form_changed)
        self.form.file_picked.connect(self._on_file_picked)
        self.form.sign_in_asked.connect(self._on_sign_in_asked)
        self.sign_in.ended.connect(self._on_signed_in)
        self.sign_in.failed.connect(lambda error: self._show_failure(as_sendoff_error(error)))
        self.access.chosen.connect(lambda _key: self._renew())
        self.consent.toggled.connect(self._on_consent_toggled)
        self.help_link.clicked.connect(self._on_help_clicked)
        self.no_store.secondary_clicked.connect(self._probe)
        self.note.primary_clicked.connect(self._on_trust_clicked)
        self.test_button.clicked.connect(self._on_test_clicked)
        self.stop_button.clicked.connect(self._on_stop_clicked)
        self.save_button.clicked.connect(lambda: self._save(tested=self._tested))
        self.save_more.clicked.connect(self._on_save_more_clicked)

    def _show_head(self) -> None:
        if self._opening is None:
            return
        description, connection = self._opening.description, self._opening.connection
        title = self.tr("Edit {name}") if connection is not None else self.tr("Connect {name}")
        key = self.form.settings().get(HOST_KEY, "") if self.form.has(HOST_KEY) else ""
        badge = description.badge
        self.set_head(
            title.format(name=connection.name if connection is not None else description.name),
            head_words(description, key, self.context.formats),
            (badge.letters, badge.colour, description.name),
        )

    # The password store

    def _probe(self) -> None:
        """Ask whether secrets can be kept, and which of them are here; destinations without secrets need none."""
        if self._opening is None or not self._opening.description.secret_fields:
            self._store_works = True
            self._renew()
            return
        connections, connection = self.context.services.connections, self._opening.connection

        def look(_ctx: JobContext) -> tuple[str, list[str]]:
            name = connections.secret_store().name
            return name, connections.secrets_missing(connection.name) if connection is not None else []

        self._submit("Look for the password store", look, self._on_probed)

    def _on_probed(self, end: Finished) -> None:
        if self._opening is None:
            return
        self._store_works = end.outcome is Outcome.DONE
        if end.outcome is Outcome.DONE:
            name, missing = end.value
            self.no_store.hide()
            self.form.set_store_name(name)
            connection = self._opening.connection
            if missing and connection is not None:
                self.form.set_stored(connection.secrets - set(missing))
                self.form.entry(missing[0]).setFocus(Qt.FocusReason.OtherFocusReason)
                self._tell(
                    ResultNote(
                        "warning",
                        self.tr("The secret for {name} isn't on this computer.").format(name=connection.name),
                        self.tr("Exports that use it wait. Enter it here, then test the connection."),
                    ),
                    in_view=False,
                )
        elif end.error is not None:
            told = as_sendoff_error(end.error)
            detail = f"{told.why} {told.fix}".strip()
            self.no_store.set_note("danger", told.what, detail, secondary=self.tr("Check again"))
            self.no_store.show()
            self._show_end()
            announce(self, str(told))
        self._renew()

    # Editing

    def _on_name_edited(self, _words: str) -> None:
        self.name_field.set_error("")
        self._renew()

    def _on_consent_toggled(self, agreed: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._agreed_anew = agreed
        self._renew()

    def _name_problem(self) -> str:
        name = self.name_field.value().strip()
        if not name:
            return self.tr("A name is needed.")
        if self._opening is not None and fold(name) in self._opening.names:
            return self.tr("There is a connection of this name already.")
        return ""

    def _check_name(self) -> bool:
        problem = self._name_problem()
        self.name_field.set_error(problem)
        return not problem

    def _on_form_changed(self) -> None:
        """What was tested is no longer what is on screen."""
        self._edited = True
        self._forget_test()
        self._show_head()
        self._renew()

    def _forget_test(self) -> None:
        if self._testing is not None:
            self._drop(self._testing)
            self._end_testing()
        self._tested = None
        self._offered = None
        self.note.hide()

    def _on_file_picked(self, field_id: str, path: Path) -> None:
        def read(end: Finished) -> None:
            if end.outcome is Outcome.DONE:
                self.form.set_content(field_id, path.name, end.value)
            elif end.error is not None:
                told = as_sendoff_error(end.error)
                self.form.entry(field_id).set_error(f"{told.what} {told.fix}".strip())

        self._submit("Read a key file", partial(read_secret_file, path), read)

    # Signing in with the browser

    def _on_sign_in_asked(self, field_id: str) -> None:
        if self._opening is not None:
            self._forget_test()
            connection = self._opening.connection
            existing = connection.id if connection is not None else None
            self.sign_in.begin(field_id, self._opening.description.id, existing)

    def _on_signed_in(self, tokens: Tokens) -> None:
        """Reach the target at once: that names the account, and it may be another one than the person meant."""
        if tokens.ends_at is not None:
            until = self.context.formats.full_date(tokens.ends_at)
            self._tell(ResultNote("success", self.tr("You are signed in until {date}.").format(date=until)))
        if not self.form.problems():
            self._on_test_clicked()

    # Testing

    def _on_test_clicked(self) -> None:
        if self._opening is None or self._testing is not None:
            return
        self._forget_test()
        wrong = self.form.check()
        if wrong:
            self._show_field(next(iter(wrong)))
            self._renew()
            return
        opening = self._opening
        work = partial(
            self.context.services.connections.test_draft,
            opening.description.id,
            self.form.settings(),
            self.form.secrets(),
            opening.connection.id if opening.connection is not None else None,
        )
        self.test_button.set_busy(True, self.tr("Testing…"))
        self.stop_button.show()
        self._testing = self._submit("Test a connection", work, self._on_tested)
        self._renew()

    def _on_stop_clicked(self) -> None:
        self._forget_test()
        self._renew()

    def _end_testing(self) -> None:
        self._testing = None
        self.test_button.set_busy(False, self.tr("Test connection"))
        self.test_button.set_icon_name("swap")
        self.stop_button.hide()

    def _on_tested(self, end: Finished) -> None:
        self._end_testing()
        if end.outcome is Outcome.DONE:
            self._tested = end.value
            self._refused = None
            self.test_button.set_words(self.tr("Test again"))
            self.test_button.set_icon_name("arrows-clockwise")
            self._tell(succeeded(end.value, self.context.formats))
        elif end.error is not None:
            self._show_failure(as_sendoff_error(end.error))
        self._renew()

    def _show_failure(self, error: SendoffError) -> None:
        if isinstance(error, UnknownHostKey):
            self._offered = error
        elif isinstance(error, ChangedHostKey):
            self._refused = self._host()
        elif isinstance(error, InvalidSettings):
            self.form.show_errors(error.fields)
            self._show_field(next(iter(error.fields)))
            return
        else:
            field = next((f for f in self._secret_ids() if error.code.startswith(f"{f}_")), None)
            if field is not None:
                self.form.show_errors({field: f"{error.why or error.what} {error.fix}".strip()})
                self._tell(refused(error), in_view=False)
                self._show_field(field)
                return
        self._tell(refused(error))

    def _secret_ids(self) -> list[str]:
        return [f.id for f in self._opening.description.secret_fields] if self._opening is not None else []

    def _host(self) -> tuple[str, str]:
        settings = self.form.settings()
        return settings.get("host", ""), settings.get(HOST_KEY, "")

    def _on_trust_clicked(self) -> None:
        """The person compared the fingerprint: keep the key with the settings and go on with the test."""
        if self._offered is None:
            return
        self.form.set_setting(HOST_KEY, self._offered.key)
        self._edited = True
        self._show_head()
        self._on_test_clicked()

    # Saving

    def _needs_test(self) -> bool:
        """Name, sharing and consent can change without reaching the target."""
        return self._tested is None and (self._edited or self._opening is None or self._opening.connection is None)

    def _blocked(self) -> bool:
        return self._refused is not None and self._refused == self._host()

    def _why_not(self) -> str:
        """Why saving is not possible now, apart from the test; empty when it is."""
        if self._store_works is False:
            return self.tr("No password store")
        if self._blocked():
            return self.tr("The server's key changed")
        missing = len(self.form.problems()) + bool(self._name_problem())
        if missing == 1:
            return self.tr("1 field to fill in")
        if missing:
            return self.tr("{n} fields to fill in").format(n=self.context.formats.number(missing))
        return "" if self.consent.is_agreed() else self.tr("Consent is missing")

    def _renew(self) -> None:
        """Say what can be done now."""
        if self._opening is None:
            return
        idle = not self._saving and self._testing is None and self._store_works is not None
        why_not = self._why_not()
        needs_test = self._needs_test()
        may_save = idle and not why_not and not needs_test
        self.save_button.setEnabled(may_save)
        self.save_more.setEnabled(idle and not why_not)
        self.save_more.setVisible(needs_test and not why_not)  # else there is no room for why it can't be saved
        reason = why_not or (self.tr("Test it first.") if needs_test else "")
        self.reason.set_words("" if self._testing is not None or may_save else reason)
        for button in (self.save_button, self.test_button):
            button.setDefault((button is self.save_button) == may_save)

    def _on_save_more_clicked(self) -> None:
        menu = Menu(self.theme, self.tr("More ways to save"), self)
        menu.add(self.tr("Save without test"), lambda: self._save(tested=None))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.save_more.mapToGlobal(QPoint(0, self.save_more.height())))

    def _save(self, *, tested: TestResult | None) -> None:
        if self._opening is None or self._saving or not self._check_name() or self.form.check():
            return
        self._saving = True
        self.save_button.set_busy(True)
        self._submit("Save a connection", partial(self._work_to_save(self._opening, tested)), self._on_save_ended)
        self._renew()

    def _work_to_save(self, opening: Opening, tested: TestResult | None) -> Callable[[JobContext], Connection]:
        connections, connection = self.context.services.connections, opening.connection
        name, access = self.name_field.value().strip(), Access(self.access.current())
        settings, secrets, agreed = self.form.settings(), self.form.secrets(), self.consent.is_agreed()
        if connection is None:
            add = partial(connections.add, name, opening.description.id, settings, secrets, access)
            return lambda _ctx: add(agreed=agreed, tested=tested)
        edit = partial(connections.edit, connection.name, new_name=name, settings=settings, secrets=secrets)
        anew = self._agreed_anew
        return lambda _ctx: edit(access=access, agreed=anew, tested=tested)

    def _on_save_ended(self, end: Finished) -> None:
        self._saving = False
        self.save_button.set_busy(False)
        if end.outcome is Outcome.DONE:
            name = end.value.name
            if self._on_saved is not None:
                self._on_saved(name)
            self.context.navigator.changed("connections")
            self.context.navigator.toast(self.tr("{name} saved").format(name=name))
            self.accept()
            return
        if end.error is not None:
            error = as_sendoff_error(end.error)
            if isinstance(error, InvalidSettings):
                self.form.show_errors(error.fields)
            elif error.code == "name_taken":
                self.name_field.set_error(self.tr("There is a connection of this name already."))
                self.name_field.setFocus()
            else:
                self._tell(ResultNote("danger", error.what, f"{error.why} {error.fix}".strip()))
        self._renew()

    # Inside

    def _tell(self, note: ResultNote, *, in_view: bool = True) -> None:
        self.note.set_note(note.tone, note.sentence, note.detail, primary=note.button)
        self.note.show()
        if in_view:
            self._show_end()
        announce(self, f"{note.sentence} {note.detail}".strip())

    def _show_end(self) -> None:
        """Bring the note into view when the dialog is higher than the window."""
        bar = self._scroll.verticalScrollBar()
        QTimer.singleShot(0, bar, lambda: bar.setValue(bar.maximum()))

    def _show_field(self, field_id: str) -> None:
        """Bring a field into view, with its sentence below."""
        field = self.form.entry(field_id)
        QTimer.singleShot(0, field, lambda: self._scroll.ensureWidgetVisible(field, 0, 48))

    def _on_help_clicked(self) -> None:
        if self._opening is not None:
            QDesktopServices.openUrl(QUrl(self._opening.description.docs))

    def _submit(self, name: str, work: Callable[[JobContext], Any], then: Callable[[Finished], None]) -> Job:
        def ended(end: Finished) -> None:
            self._jobs.discard(job)
            then(end)

        job = self.context.runner.submit("exports", name, work, on_finished=ended)
        self._jobs.add(job)
        return job

    def _drop(self, job: Job) -> None:
        self._jobs.discard(job)
        self.context.runner.abandon(job)

    def _on_closed(self, _code: int) -> None:
        for job in tuple(self._jobs):
            self._drop(job)
        if self._opening is not None:
            self.sign_in.drop()
        self._opening = None
