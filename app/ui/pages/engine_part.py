"""The part of Settings about the data engine: DuckDB on this computer, a PostgreSQL server or a Spark cluster beside it, and its test."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.servers import ServerAddress, ServerKind
from app.ui.context import WindowContext
from app.ui.dialogs.server import ServerDialog, found_words
from app.ui.runner import Finished, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.cards import RadioCard
from app.ui.widgets.labels import ElidedLabel, Label, row
from app.ui.widgets.notes import Note


class EnginePart(QWidget):
    """Three cards to choose from, and what the server says. Signal `changed`: the choice was changed."""

    changed = Signal()

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._address: ServerAddress | None = None
        theme = context.theme
        self.duckdb = RadioCard(theme, "DuckDB", self.tr("On this computer"))
        self.postgres = RadioCard(theme, "PostgreSQL", self.tr("Your server"))
        self.spark = RadioCard(theme, "Spark", self.tr("Your cluster"))
        self._cards = {None: self.duckdb, ServerKind.POSTGRES: self.postgres, ServerKind.SPARK: self.spark}
        self._group = QButtonGroup(self)
        for card in self._cards.values():
            self._group.addButton(card)
        self._where = ElidedLabel(theme, "", "mono", "text2", middle=True)
        self._hint = Label(theme, self.tr("Tables of this computer go on in DuckDB beside it."), "caption", "text2")
        self.change = Button(theme, self.tr("Change…"))
        self.test = Button(theme, self.tr("Test"))
        self.note = Note(theme, "info", "")
        self._server = QWidget()
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._where)
        words.addWidget(self._hint)
        self._server.setLayout(row(words, None, self.test, self.change))
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(14)
        cards = QHBoxLayout()
        cards.setSpacing(8)
        for card in self._cards.values():
            cards.addWidget(card, 1)
        stack.addLayout(cards)
        stack.addWidget(self._server)
        stack.addWidget(self.note)
        self.note.hide()
        self._server.hide()
        self.setProperty("words", self.tr("Engine DuckDB PostgreSQL Spark server cluster"))
        self.duckdb.clicked.connect(self._on_duckdb_clicked)
        self.postgres.clicked.connect(lambda: self._set_up(ServerKind.POSTGRES))
        self.spark.clicked.connect(lambda: self._set_up(ServerKind.SPARK))
        self.change.clicked.connect(self._on_change_clicked)
        self.test.clicked.connect(self._on_test_clicked)

    def show_server(self, address: ServerAddress | None, *, may_change: bool) -> None:
        """Show what is set."""
        if address != self._address:
            self.note.hide()
        self._address = address
        self._show_choice()
        self._server.setVisible(address is not None)
        reader = f"{address.user}@" if address is not None and address.user else ""
        self._where.set_words("" if address is None else f"{reader}{address.host}:{address.port}/{address.database}")
        for widget in (*self._cards.values(), self.change):
            widget.setEnabled(may_change)

    def _show_choice(self) -> None:
        self._cards[None if self._address is None else self._address.kind].setChecked(True)

    def _on_change_clicked(self) -> None:
        if self._address is not None:
            self._set_up(self._address.kind)

    def _set_up(self, kind: ServerKind) -> None:
        """Ask the keyring first whether there is a secret, then open the dialog."""
        address = self._address if self._address is not None and self._address.kind is kind else None
        servers = self._context.services.servers
        self._show_choice()

        def told(end: Finished) -> None:
            if end.outcome is not Outcome.DONE:
                if end.error is not None:
                    self._context.navigator.show_error(end.error, self)
                return
            dialog = ServerDialog(self._context, self, kind, address, stored=end.value and address is not None)
            dialog.saved.connect(self._on_saved)
            dialog.open()

        self._context.runner.submit(
            "queries", "Look for a password", lambda _ctx: servers.keeps_password(), on_finished=told
        )

    def _on_saved(self) -> None:
        self._context.navigator.toast(self.tr("The server can be used now."))
        self.changed.emit()

    def _on_duckdb_clicked(self) -> None:
        if self._address is None:
            return
        servers, before = self._context.services.servers, self._address
        self._show_choice()

        def told(end: Finished) -> None:
            if end.outcome is Outcome.FAILED and end.error is not None:
                self._context.navigator.show_error(end.error, self)
            elif end.outcome is Outcome.DONE:
                self._context.navigator.toast(self.tr("{host} is no longer used.").format(host=before.host))
            self.changed.emit()

        self._context.runner.submit("queries", "Leave the server", lambda _ctx: servers.remove(), on_finished=told)

    def _on_test_clicked(self) -> None:
        self.test.set_busy(True)
        servers = self._context.services.servers
        self._context.runner.submit("queries", "Test the server", servers.test, on_finished=self._on_tested)

    def _on_tested(self, end: Finished) -> None:
        self.test.set_busy(False)
        if end.outcome is Outcome.DONE and self._address is not None:
            tone = "warning" if end.value.writes else "success"
            self.note.set_note(tone, *found_words(self._address.kind, end.value, self._context.formats))
        elif end.error is not None:
            told = as_sendoff_error(end.error)
            self.note.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self.note.setVisible(end.outcome is Outcome.DONE or end.error is not None)
