"""The page of connections: the table above, the gallery of destinations below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.connections import Access, Connection, HealthState
from app.core.errors import as_sendoff_error
from app.core.exports import ExportKind
from app.core.roles import Action, may
from app.core.segments import SegmentOf
from app.core.workspaces import Audience
from app.destinations.description import Description
from app.jobs import JobContext
from app.ui.context import WindowContext
from app.ui.dialogs.remove_connection import RemoveConnectionDialog, RemovePlan, read_remove_plan
from app.ui.pages.connections.gallery import Gallery
from app.ui.pages.connections.table import NARROW, ConnectionTable
from app.ui.pages.connections.words import ConnectionLine, access_words, ends_soon
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.runner import Finished, Job, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import announce
from app.ui.widgets.menus import Menu
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Scroll
from app.ui.widgets.states import EmptyState


@dataclass(frozen=True)
class _Listed:
    lines: tuple[ConnectionLine, ...] = ()
    offered: tuple[Description, ...] = ()
    may_change: bool = False


class ConnectionsPage(JobPage):
    """Connections are tested in place; adding and editing happens in a dialog. Main thread only.

    Secrets that are not on this computer are looked for in a job of their own after the list is shown, as the password store
    may ask its owner first.
    """

    page_id = "connections"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(
            context,
            self.tr("Connections"),
            self.tr("Sign in to a destination once, then let your team build exports on it."),
            self._read_connections,
            self._show_connections,
            parent,
        )
        theme, formats = context.theme, context.formats
        self._listed = _Listed()
        self._missing: frozenset[str] = frozenset()
        self._tests: dict[str, Job] = {}
        self._looking: Job | None = None
        self._wanted = ""
        self.search_field = SearchField(theme, self.tr("Search connections"))
        self.add_button = Button(theme, self.tr("Add connection"), "primary", icon="plus-bold")
        self.table = ConnectionTable(theme, formats)
        self.gallery = Gallery(theme, formats)
        self._no_keyring = Note(theme, "danger", "")
        self._none = EmptyState(theme, "", icon="link", primary=self.tr("Clear filters"))
        self._body = QWidget()
        self._scroll = Scroll(self._body)
        self._connect()
        self._assemble()

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a connection's name."""
        self._wanted = focus or self._wanted
        self.refresh()

    def regions(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.search_field, self.table.rows, self.gallery.chips]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out columns on a small window."""
        super().resizeEvent(event)
        self.table.set_narrow(narrow=self.width() < NARROW)

    def _connect(self) -> None:
        self.search_field.textChanged.connect(self._on_search_changed)
        self.add_button.clicked.connect(self._on_add_clicked)
        self.table.action_asked.connect(self._on_action_asked)
        self.table.menu_asked.connect(self._on_menu_asked)
        self.table.opened.connect(self._edit)
        self.table.rows.selectionModel().currentChanged.connect(self._on_current_changed)
        self.gallery.chosen.connect(self._add)
        self._none.primary_clicked.connect(self.search_field.clear)
        self._no_keyring.secondary_clicked.connect(self._look_for_secrets)
        Freshness(self, self.context.navigator.noticed, ("connections", "exports"), self.refresh)
        self._remove_key = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table.rows)
        self._remove_key.setContext(Qt.ShortcutContext.WidgetShortcut)
        self._remove_key.activated.connect(lambda: self._remove(self.table.rows.current_key()))

    def _assemble(self) -> None:
        theme = self.context.theme
        self.search_field.setFixedWidth(260)
        self.actions.addWidget(self.search_field)
        self.actions.addWidget(self.add_button)
        self._note_row = QWidget()
        note = QVBoxLayout(self._note_row)
        note.setContentsMargins(24, 12, 24, 12)
        note.addWidget(self._no_keyring)
        self._note_row.hide()
        self._none.setFixedHeight(280)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        for part in (self._note_row, self.table, self._none):
            body.addWidget(part)
        body.addWidget(self.gallery, 1)
        body.addStretch(0)
        layout = QVBoxLayout(self.content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self._none.hide()
        self.set_empty(
            EmptyState(
                theme,
                self.tr("No connections for you yet"),
                self.tr("An admin makes connections and shares them with contributors. Ask an admin to share one."),
                icon="link",
            )
        )

    # Reading, in jobs

    def _read_connections(self, _ctx: JobContext) -> _Listed:
        services = self.context.services
        change = may(services.roles.role(), Action.CHANGE_CONNECTIONS)
        lines = tuple(
            ConnectionLine(row.connection, row.description, row.used_by, change) for row in services.connections.all()
        )
        people = (
            {SegmentOf.CUSTOMERS}
            if services.workspace.info().audience is Audience.CONSUMERS
            else {SegmentOf.ACCOUNTS, SegmentOf.CONTACTS}
        )
        every = services.destinations.all() if change else ()
        offered = tuple(d for d in every if people & d.takes or ExportKind.DATA_OUT in d.kinds)  # tables hold anybody
        return _Listed(lines, offered, change)

    def _read_missing(self, names: tuple[str, ...], ctx: JobContext) -> frozenset[str]:
        missing = set()
        for name in names:
            ctx.check()
            if self.context.services.connections.secrets_missing(name):
                missing.add(name)
        return frozenset(missing)

    # Answers

    def _show_connections(self, listed: _Listed) -> bool:
        self._listed = listed
        self.add_button.setVisible(listed.may_change)
        self.gallery.setVisible(listed.may_change)
        self.gallery.set_destinations(listed.offered, {line.connection.destination for line in listed.lines})
        self._fill()
        if self._wanted:
            self.table.select(self._wanted)
            self._wanted = ""
        self._look_for_secrets()
        return bool(listed.lines or listed.may_change)

    def _fill(self) -> None:
        self.table.set_lines(
            replace(line, missing=line.key in self._missing, testing=line.key in self._tests)
            for line in self._listed.lines
        )
        self._show_none()

    def _show_none(self) -> None:
        words = self.search_field.text().strip()
        self.table.setVisible(bool(self.table.shown()))
        self._none.setVisible(not self.table.shown())
        if words:
            self._none.set_words(self.tr("No connections match '{words}'").format(words=words))
        else:
            self._none.set_words(
                self.tr("No connections yet"), self.tr("Choose a destination below and sign in to it once.")
            )
        self._none.primary.setVisible(bool(words))
        self._none.setFixedHeight(280 if not self.table.shown() else 0)

    def _look_for_secrets(self) -> None:
        """Contributors don't see which secrets there are; an admin's list is checked against the password store."""
        names = tuple(line.key for line in self._listed.lines if line.connection.secrets)
        if self._looking is not None:
            self.context.runner.abandon(self._looking)
            self._looking = None
        if self._listed.may_change and names:
            self._looking = self.context.runner.submit(
                "exports", "Look for secrets", partial(self._read_missing, names), on_finished=self._on_secrets_read
            )
        else:
            self._note_row.hide()

    def _on_secrets_read(self, end: Finished) -> None:
        self._looking = None
        if end.outcome is Outcome.DONE:
            self._note_row.hide()
            if end.value != self._missing:
                self._missing = end.value
                self._fill()
        elif end.error is not None:
            told = as_sendoff_error(end.error)
            detail = f"{told.why} {told.fix}".strip()
            self._no_keyring.set_note("danger", told.what, detail, secondary=self.tr("Check again"))
            self._note_row.show()

    # What the person does

    def _on_search_changed(self, words: str) -> None:
        self.table.set_words(words)
        self._show_none()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            rect = self.table.rows.visualRect(current)
            place = self.table.rows.viewport().mapTo(self._body, rect.center())
            self._scroll.ensureVisible(0, place.y(), 0, rect.height())

    def _on_add_clicked(self) -> None:
        menu = Menu(self.context.theme, self.tr("Add connection"), self)
        for description in self._listed.offered:
            menu.add(description.name, partial(self._add, description.id))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.add_button.mapToGlobal(self.add_button.rect().bottomLeft()))

    def _on_action_asked(self, name: str) -> None:
        line = self.table.rows.row(name)
        if line is None:
            return
        if name in self._tests:
            self._tests[name].cancel()
        elif line.state in {HealthState.SIGN_IN_EXPIRED, HealthState.SECRET_MISSING} or ends_soon(
            line, self.context.formats.now()
        ):
            self._edit(name)
        else:
            self._test(name)

    def _on_menu_asked(self, name: str, place: QPoint) -> None:
        line = self.table.rows.row(name)
        if line is None or not line.may_change:
            return
        menu = Menu(self.context.theme, self.tr("Actions for {name}").format(name=name), self)
        menu.add(self.tr("Edit"), partial(self._edit, name), icon="pencil-simple", shortcut="Return")
        menu.add(self.tr("Test"), partial(self._test, name), icon="swap", enabled=name not in self._tests)
        menu.addSeparator()
        for access in reversed(Access):
            words = self.tr("Who can use it: {who}").format(who=access_words(access)[1])
            menu.add(words, partial(self._share, name, access), checked=line.connection.access is access)
        menu.addSeparator()
        menu.add(
            self.tr("Remove"),
            partial(self._remove, name),
            icon="trash",
            shortcut=QKeySequence.StandardKey.Delete,
            danger=True,
        )
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _add(self, destination: str) -> None:
        self.context.navigator.open_connection_dialog(destination_id=destination, on_saved=self._on_saved)

    def _edit(self, name: str) -> None:
        if self._listed.may_change:
            self.context.navigator.open_connection_dialog(connection_name=name, on_saved=self._on_saved)

    def _on_saved(self, name: str) -> None:
        self._wanted = name

    def _test(self, name: str) -> None:
        if name in self._tests:
            return
        work: Callable[[JobContext], object] = partial(self.context.services.connections.test, name)
        self._tests[name] = self.context.runner.submit(
            "exports", f"Test {name}", work, on_finished=lambda end: self._on_tested(name, end), key=f"test {name}"
        )
        self._fill()

    def _on_tested(self, name: str, end: Finished) -> None:
        self._tests.pop(name, None)
        self._fill()
        if end.outcome is Outcome.FAILED and end.error is not None:
            self.context.navigator.show_error(end.error, self)
        elif end.outcome is Outcome.DONE:
            announce(self.table.rows, self.tr("{name} is healthy").format(name=name))
        if end.outcome is not Outcome.CANCELLED:
            self.context.navigator.changed("connections")

    def _share(self, name: str, access: Access) -> None:
        line = self.table.rows.row(name)
        if line is None or line.connection.access is access:
            return
        before = line.connection.access
        services, navigator = self.context.services, self.context.navigator

        def set_to(wanted: Access) -> None:
            self.do(
                "Share a connection",
                lambda _ctx: services.connections.share(name, wanted),
                lambda _value: navigator.changed("connections"),
            )

        set_to(access)
        words = self.tr("{name} can be used by: {who}").format(name=name, who=access_words(access)[1])
        navigator.toast(words, undo=lambda: set_to(before))

    def _remove(self, name: str) -> None:
        if not name or not self._listed.may_change:
            return
        self.do("See what uses a connection", partial(read_remove_plan, self.context.services, name), self._on_planned)

    def _on_planned(self, plan: RemovePlan) -> None:
        if plan.exports:
            dialog = RemoveConnectionDialog(self.context, self, plan)
            dialog.removed.connect(self._on_removed)
            dialog.open()
            return
        services = self.context.services
        self.do("Remove a connection", lambda _ctx: services.connections.remove(plan.name), self._on_removed)

    def _on_removed(self, connection: Connection) -> None:
        navigator, services = self.context.navigator, self.context.services
        navigator.changed("connections")
        navigator.changed("exports")
        navigator.toast(
            self.tr("{name} removed").format(name=connection.name),
            undo=lambda: self.do(
                "Put a connection back",
                lambda _ctx: services.connections.put_back(connection),
                lambda _value: (navigator.changed("connections"), navigator.changed("exports")),
            ),
        )
