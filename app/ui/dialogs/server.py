"""The dialog of the workspace's server: where it is, as whom to read, a test, save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from app.core.errors import FixSettings, SendoffError, as_sendoff_error
from app.core.servers import SECONDS, SPARK_CATALOG, ServerAddress, ServerKind, ServerTest, Tls
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.formats import Formats
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import FieldFrame, TextField
from app.ui.widgets.forms import Form
from app.ui.widgets.notes import Note
from app.ui.widgets.secret_field import SecretField

_SEVERAL = 640


class ServerDialog(Dialog):
    """Set the PostgreSQL server or the Spark cluster, or another way to it. Main thread only; its jobs end with it. Signal `saved`.

    Args:
        context: what every dialog is given.
        opener: a widget of the window to open over.
        kind: what to set.
        address: the server of that kind that is set now, None for a new one.
        stored: whether the keyring holds its password or token.
    """

    saved = Signal()

    def __init__(
        self,
        context: WindowContext,
        opener: QWidget,
        kind: ServerKind,
        address: ServerAddress | None,
        *,
        stored: bool = False,
    ) -> None:
        super().__init__(context.theme, opener, "", width=_SEVERAL)
        self._kind = kind
        spark = kind is ServerKind.SPARK
        self.set_head(
            self.tr("Spark cluster") if spark else self.tr("PostgreSQL server"),
            self.tr("Tables stay there and are read where they are; nothing is written."),
        )
        self.context = context
        self._jobs: set[Job] = set()
        self._tested: tuple[ServerAddress, str | None] | None = None
        theme = context.theme
        known = address
        self.host = TextField(
            theme, value=known.host if known else "", placeholder="spark.example.com" if spark else "db.example.com"
        )
        self.port = TextField(theme, value=str(known.port if known else kind.port))
        self.database = TextField(theme, value=known.database if known else SPARK_CATALOG if spark else "")
        self.user = TextField(theme, value=known.user if known else "")
        secret = self.tr("Token") if spark else self.tr("Password")
        self.password = SecretField(theme, secret, stored=stored, store_name=self.tr("the keyring"))
        ways = [Choice(Tls.VERIFY, self.tr("Verified")), Choice(Tls.OFF, self.tr("Off"))]
        if not spark:  # whose way to encrypt always proves who answers
            ways.insert(1, Choice(Tls.REQUIRE, self.tr("Encrypted only")))
        self.tls = Segmented(
            theme,
            self.tr("Encryption"),
            ways,
            known.tls if known else Tls.VERIFY,
            expand=True,
        )
        self._tls_frame = FieldFrame(theme, self.tls)
        self.certificate = TextField(
            theme, value=known.certificate if known else "", placeholder=self.tr("Those of this computer")
        )
        self.seconds = TextField(theme, value=str(known.seconds if known else SECONDS))
        self.note = Note(theme, "info", "")
        self.note.hide()
        self.test_button = Button(theme, self.tr("Test"), icon="swap")
        self.save_button = Button(theme, self.tr("Use this server"), "primary")
        self._assemble()
        self._connect()
        self._renew()

    def _assemble(self) -> None:
        both = Form(self.theme, spacing=12)
        both.add_pair(
            self._row(self.tr("Host"), self.host, required=True),
            self._row(self.tr("Port"), self.port),
        )
        spark = self._kind is ServerKind.SPARK
        reader = self.tr("Leave it empty unless the cluster tells people apart.") if spark else ""
        both.add_pair(
            self._row(self.tr("Catalog") if spark else self.tr("Database"), self.database, required=True),
            self._row(
                self.tr("User"),
                self.user,
                reader or self.tr("A role that may only read is enough."),
                required=not spark,
            ),
        )
        both.add_pair(
            self._row(self.tr("Token") if spark else self.tr("Password"), self.password),
            self._row(self.tr("Time limit"), self.seconds, self.tr("Seconds that a question may take.")),
        )
        both.add_row(self.tr("Encryption"), self._tls_frame)
        both.add_row(
            self.tr("Certificate authority"), self.certificate, self.tr("A file, when this computer does not know it.")
        )
        self.body.addWidget(both)
        self.body.addWidget(self.note)
        self.add_left(self.test_button)
        self.add_cancel()
        self.add_button(self.save_button, default=True)

    def _row(self, label: str, field: QWidget, hint: str = "", *, required: bool = False) -> Form:
        form = Form(self.theme)
        form.add_row(label, field, hint, required=required)
        form.add_stretch()
        return form

    def _connect(self) -> None:
        for field in (self.host, self.port, self.database, self.user, self.certificate, self.seconds):
            field.edited.connect(lambda _text: self._on_edited())
        self.password.edited.connect(self._on_edited)
        self.password.replace_asked.connect(self._on_edited)
        self.tls.chosen.connect(lambda _key: self._on_edited())
        self.test_button.clicked.connect(self._on_test_clicked)
        self.save_button.clicked.connect(self._on_save_clicked)
        self.finished.connect(self._on_closed)

    def address(self) -> ServerAddress:
        """The address as typed; raises FixSettings with what is missing."""
        numbers = []
        for field, name in ((self.port, self.tr("port")), (self.seconds, self.tr("time limit"))):
            text = field.value().strip()
            if not (text.isascii() and text.isdigit() and len(text) < 7):
                raise FixSettings(
                    self.tr("The {name} is no number.").format(name=name),
                    "",
                    self.tr("Write digits only."),
                    code="server_address",
                )
            numbers.append(int(text))
        tls = Tls(self.tls.current())
        certificate = self.certificate.value().strip() if tls is Tls.VERIFY else ""
        values = (field.value().strip() for field in (self.host, self.database, self.user))
        return ServerAddress(*values, numbers[0], tls, certificate, numbers[1], self._kind)

    def _on_edited(self) -> None:
        self._tested = None
        self.note.hide()
        self._renew()

    def _renew(self) -> None:
        """Show what can be done now and why the rest can't."""
        needed = (self.host, self.database) if self._kind is ServerKind.SPARK else (self.host, self.database, self.user)
        complete = all(field.value().strip() for field in needed)
        self.test_button.setEnabled(complete)
        self.save_button.setEnabled(self._tested is not None)
        self.certificate.setEnabled(self.tls.current() == Tls.VERIFY)
        hints = {
            Tls.VERIFY: self.tr("Encrypted, and the server proves that it is the one named."),
            Tls.REQUIRE: self.tr("Encrypted; whoever answers is believed."),
            Tls.OFF: self.tr("Anybody on the way can read along. For a server on this computer."),
        }
        self._tls_frame.set_hint(hints[Tls(self.tls.current())])
        words = "" if self._tested else self.tr("Test it first.") if complete else self.tr("Fill the required fields.")
        self.reason.set_words(words)

    def _on_test_clicked(self) -> None:
        try:
            address = self.address()
        except SendoffError as error:
            self._refuse(error)
            return
        password = self.password.typed()
        self.test_button.set_busy(True, self.tr("Testing…"))
        servers = self.context.services.servers

        def told(end: Finished) -> None:
            self.test_button.set_busy(False, self.tr("Test"))
            if end.outcome is Outcome.DONE:
                self._tested = (address, password)
                self.note.set_note(
                    "warning" if end.value.writes else "success",
                    *found_words(self._kind, end.value, self.context.formats),
                )
                self.note.show()
                self._renew()
            elif end.error is not None:
                self._refuse(as_sendoff_error(end.error))

        self._submit("Test the server", lambda ctx: servers.test(ctx, address, password), told)

    def _on_save_clicked(self) -> None:
        if self._tested is None:
            return
        address, password = self._tested
        servers = self.context.services.servers
        self.save_button.set_busy(True, self.tr("Saving…"))

        def told(end: Finished) -> None:
            self.save_button.set_busy(False, self.tr("Use this server"))
            if end.outcome is Outcome.DONE:
                self.saved.emit()
                self.accept()
            elif end.error is not None:
                self._refuse(as_sendoff_error(end.error))

        self._submit("Save the server", lambda _ctx: servers.set(address, password), told)

    def _refuse(self, error: SendoffError) -> None:
        self.note.set_note("danger", error.what, f"{error.why} {error.fix}".strip())
        self.note.show()

    def _submit(self, name: str, work: Callable[[JobContext], Any], then: Callable[[Finished], None]) -> None:
        def ended(end: Finished) -> None:
            self._jobs.discard(job)
            then(end)

        job = self.context.runner.submit("queries", name, work, on_finished=ended)
        self._jobs.add(job)

    def _on_closed(self, _code: int) -> None:
        for job in tuple(self._jobs):
            self._jobs.discard(job)
            self.context.runner.abandon(job)


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ServerWords", text)


def found_words(kind: ServerKind, tested: ServerTest, formats: Formats) -> tuple[str, str]:
    """A sentence on a test that went well, and its details."""
    sentence = tr("{server} {version} answered in {ms} ms.").format(
        server=kind.label, version=tested.version.split(" ")[0], ms=formats.number(tested.milliseconds)
    )
    detail = tr("{tables} can be read, {way}.").format(
        tables=formats.counted(tested.tables, "tables"),
        way=tr("encrypted") if tested.encrypted else tr("not encrypted"),
    )
    if tested.writes:
        detail += " " + tr("This role may also change data there. One that only reads is enough.")
    return sentence, detail
