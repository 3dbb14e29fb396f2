"""The page of exports: chips, list, details, commands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Role
from app.core.runs import Run, Status
from app.ui.context import WindowContext
from app.ui.pages.exports.actions import ExportActions
from app.ui.pages.exports.commands import ExportCommands
from app.ui.pages.exports.counting import Counting
from app.ui.pages.exports.drawer import TREND_RUNS, ExportDetails
from app.ui.pages.exports.empty import EmptyExports
from app.ui.pages.exports.lines import ExportLine, LineWords, newer
from app.ui.pages.exports.list_view import ExportsList
from app.ui.pages.exports.reading import ExportsData, read_exports
from app.ui.pages.freshness import Freshness
from app.ui.preferences import Preferences
from app.ui.runner import Finished, Job, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.command_bar import CommandBar
from app.ui.widgets.drawer import DrawerArea
from app.ui.widgets.labels import Area, announce
from app.ui.widgets.menus import Menu
from app.ui.widgets.overlay import Scrim
from app.ui.widgets.page_head import PageHead
from app.ui.widgets.states import EmptyState, Loading

log = logging.getLogger(__name__)

REFRESH_MS, SKELETON_MS = 100, 200
_DRAWER = "exports/drawer"


_TOPICS = ("exports", "connections", "segments", "tables", "runs")


class ExportsPage(Area):
    """The list of exports with everything that can be done with them."""

    page_id = "exports"

    def __init__(self, context: WindowContext, preferences: Preferences) -> None:
        super().__init__(context.theme)
        self._context = context
        self._preferences = preferences
        self.title = self.tr("Exports")
        self._data: ExportsData | None = None
        self._cancelling: set[str] = set()
        self._focus: str | None = None
        self._reading: Job | None = None
        self._again = False
        self._docked = True
        self._words = LineWords(context.formats, self)
        self._actions = ExportActions(context, self)
        self._commands = ExportCommands(self._do, self)
        self._trend = LiveQuery(context.runner, "Read the last runs", delay_ms=60, parent=self)
        self._refresh_timer = self._timer(REFRESH_MS, self._read)
        self._skeleton_timer = self._timer(SKELETON_MS, self._on_slow)
        self._create_elements()
        self._counting = Counting(context, self.list)
        self._connect_signals()
        self._assemble()
        self._add_shortcuts()
        self._show_commands()
        self.refresh()

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    # Elements

    def _create_elements(self) -> None:
        theme = self._context.theme
        self._head = PageHead(
            theme,
            self.title,
            self.tr("Send segments and tables to the apps your team already uses."),
            self.tr("Search exports"),
        )
        assert self._head.search is not None
        self.search_field = self._head.search
        self.bar = CommandBar(theme, self.tr("Commands"))
        self.add_button = Button(theme, self.tr("Add export"), "primary", icon="plus-bold")
        self._add_menu = Menu(theme, self.tr("Add export"), self)
        navigator = self._context.navigator
        self._add_menu.add(
            self.tr("Segment export"), navigator.open_segment_wizard, icon="users-three", shortcut="Ctrl+N"
        )
        self._add_menu.add(
            self.tr("Data-out export"), navigator.open_data_out_wizard, icon="table", shortcut="Ctrl+Shift+N"
        )
        self._add_menu.addSeparator()
        self._add_menu.add(self.tr("Import from a file…"), self._actions.import_file, icon="upload-simple")
        self.add_button.setMenu(self._add_menu)
        self.bar.set_primary(self.add_button)
        for command in self._commands.commands():
            self.bar.add(command)
        self.list = ExportsList(theme, self._context.formats, self._words, self._preferences, self.search_field)
        self.table = self.list.table
        self.drawer = DrawerArea(theme, self.tr("Details"))
        self._loading = Loading(theme, self.tr("Reading the exports"), rows=8, row_height=52)
        self._blank = QWidget()
        self._error = EmptyState(
            theme,
            self.tr("The exports can’t be shown."),
            icon="warning-circle-fill",
            icon_role="danger",
            primary=self.tr("Try again"),
        )

    def _connect_signals(self) -> None:
        navigator = self._context.navigator
        Freshness(self, navigator.noticed, _TOPICS, self._refresh_timer.start)
        navigator.runs_updated.connect(self._on_runs_updated)
        self.table.selection_changed.connect(self._on_selection_changed)
        self.table.activated_key.connect(lambda _key: self._do("edit"))
        self.table.menu_asked.connect(self._on_menu_asked)
        self.table.cell_action.connect(self._on_cell_action)
        self.table.cell_clicked.connect(self._on_cell_clicked)
        self.bar.clear_asked.connect(lambda: self.table.select_keys([]))
        self.bar.details_asked.connect(self.drawer.toggle)
        self.drawer.opened_changed.connect(self._on_drawer_changed)
        self._error.primary_clicked.connect(self.refresh)
        self._loading.cancelled.connect(self._on_loading_cancelled)
        self.list.recount_asked.connect(self.count_again)
        self._counting.counted.connect(self._read)
        self._actions.cancelling.connect(self._on_cancelling)
        self._actions.focus_asked.connect(self.activate)

    @cached_property
    def details(self) -> ExportDetails:
        """The content of the drawer; made in a turn of its own, so that the page comes up sooner."""
        details = ExportDetails(self._context.theme, self._context.formats, self._words)
        details.close_asked.connect(self._on_drawer_closed_by_person)
        details.fix_asked.connect(self._on_fix_asked)
        details.log_asked.connect(self._on_log_asked)
        details.history_asked.connect(self._on_log_asked)
        details.cancel_asked.connect(lambda: self._do("cancel"))
        self._trend.ready.connect(details.show_trend)
        self.drawer.set_drawer(details)
        return details

    @cached_property
    def empty(self) -> EmptyExports:
        """What stands here while there is no export."""
        navigator = self._context.navigator
        empty = EmptyExports(self._context.theme, self._context.formats)
        empty.tables_asked.connect(lambda: navigator.show_page("tables"))
        empty.connection_asked.connect(lambda: navigator.show_page("connections"))
        empty.export_asked.connect(self.add_button.showMenu)
        empty.import_asked.connect(self._actions.import_file)
        empty.admin_text_asked.connect(self._on_admin_text_asked)
        self._stack.addWidget(empty)
        return empty

    def _assemble(self) -> None:
        self.drawer.set_content(self.list)
        loading = QWidget()
        holder = QVBoxLayout(loading)
        holder.setContentsMargins(24, 60, 24, 24)
        holder.addWidget(self._loading)
        holder.addStretch(1)
        self._loading_host = loading
        self._stack = QStackedWidget()
        for widget in (self._blank, self.drawer, loading, self._error):
            self._stack.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._head)
        outer.addWidget(self.bar)
        outer.addWidget(self._stack, 1)

    def _add_shortcuts(self) -> None:
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Ctrl+R", lambda: self._do("start")),
            ("Ctrl+.", lambda: self._do("cancel")),
            ("Ctrl+Shift+R", lambda: self._do("run_all")),
            ("Ctrl+P", lambda: self._do("plan")),
            ("Ctrl+D", lambda: self._do("duplicate")),
            ("Ctrl+E", lambda: self._do("schedule")),
            ("Ctrl+Shift+D", lambda: self._do("detach")),
            ("Ctrl+I", self._on_drawer_toggled),
            ("F2", lambda: self._do("rename")),
            ("F5", self._on_recount_asked),
        )
        for words, slot in keys:
            QShortcut(QKeySequence(words), self).activated.connect(self._when_free(slot))
        delete = QShortcut(QKeySequence("Del"), self.table)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._when_free(lambda: self._do("remove")))

    def _when_free(self, slot: Callable[[], object]) -> Callable[[], None]:
        """A dialog over the page keeps its keys."""

        def guarded() -> None:
            if not any(scrim.isVisible() for scrim in self.window().findChildren(Scrim)):
                slot()

        return guarded

    # Page

    def refresh(self) -> None:
        """Read everything again."""
        self._refresh_timer.start(0)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is the name of an export to select."""
        if focus is not None:
            self._focus = focus
            self._select_focus()
        self._refresh_timer.start()

    def selected(self) -> list[ExportLine]:
        """Return the selected lines from top to bottom."""
        return self.list.selected()

    def settled(self) -> bool:
        """Whether everything is read and counted, for pictures and tests."""
        reading = self._reading is not None and self._reading.running
        busy = reading or self._counting.running or self._refresh_timer.isActive()
        return self._data is not None and not busy

    def showEvent(self, event: QShowEvent) -> None:
        """Be up to date when shown."""
        super().showEvent(event)
        self._offer_details()

    def resizeEvent(self, event: QEvent) -> None:
        """Offer Details when the drawer lies over the list."""
        super().resizeEvent(event)
        if self.drawer.is_open() and not self.drawer.is_docked() and self._docked:
            self.drawer.close_drawer()  # it would cover the list nobody asked to cover
        self._docked = self.drawer.is_docked()
        self._offer_details()

    def _offer_details(self) -> None:
        self.bar.set_details_shown(shown=not self.drawer.is_docked() and bool(self.list.lines))

    # Reading

    def _read(self) -> None:
        if self._reading is not None and self._reading.running:
            self._again = True
            return
        self._again = False
        if self._data is None:
            self._skeleton_timer.start()
        services = self._context.services
        self._reading = self._context.runner.submit(
            "queries", "Read the exports", lambda _ctx: read_exports(services), on_finished=self._on_read
        )

    def _on_read(self, finished: Finished) -> None:
        self._skeleton_timer.stop()
        if finished.outcome is Outcome.DONE:
            self._take(finished.value)
        elif finished.outcome is Outcome.FAILED and finished.error is not None and self._data is None:
            told = as_sendoff_error(finished.error)
            self._error.set_words(told.what, f"{told.why} {told.fix}".strip())
            self._stack.setCurrentWidget(self._error)
        if self._again:
            self._read()

    def _take(self, data: ExportsData) -> None:
        before = self.list.lines
        self._data = data
        lines = []
        for export_row in data.rows:
            line = ExportLine(export_row, export_row.latest)
            known = before.get(line.key)
            # News of a run may be newer than what was just read from the store.
            if known is not None and known.run is not None and newer(known.run, line.run):
                line = line.with_run(known.run)
            lines.append(replace(line, recounting=known.recounting if known is not None else False))
        self._cancelling &= {line.run.id for line in lines if line.run is not None and line.active}
        self.list.show_lines(lines)
        if lines:
            self._stack.setCurrentWidget(self.drawer)
            QTimer.singleShot(0, self, lambda: self.details)
        else:
            self.empty.set_readiness(data.readiness)
            self._stack.setCurrentWidget(self.empty)
            self.drawer.close_drawer()
        self._offer_details()
        self._show_everything()
        self._select_focus()
        self._counting.count_missing()

    def _select_focus(self) -> None:
        if self._focus is None:
            return
        key = next((key for key, line in self.list.lines.items() if line.name == self._focus), None)
        if key is None:
            return
        self._focus = None
        self.list.select(key)

    # Counting

    def count_again(self) -> None:
        """Count the segments of all exports anew."""
        self._counting.count(list(self.list.lines.values()))

    def _on_recount_asked(self) -> None:
        self.refresh()
        self.count_again()

    # Live

    def _on_runs_updated(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            line = self.list.lines.get(run.export_id)
            if line is None or not newer(run, line.run):
                continue
            if run.status.ended:
                self._cancelling.discard(run.id)
                if line.active:
                    self._announce(run)
            self.list.update_line(line.with_run(run))
        self._show_everything()

    def _announce(self, run: Run) -> None:
        words = self.tr("{export}: {status}").format(
            export=run.export_name, status=self._context.formats.status(run.status).word
        )
        announce(self.table, words)

    def _on_cancelling(self, run_ids: tuple[str, ...]) -> None:
        self._cancelling |= set(run_ids)
        self._show_details()

    # Showing

    def _show_everything(self) -> None:
        self.list.show_counts()
        self._show_commands()
        self._show_details()
        self._counting.show_age(self._data.counted_at if self._data is not None else None)

    def _show_commands(self) -> None:
        role = self._data.role if self._data is not None else Role.VIEWER
        selected = self.selected()
        self._commands.show(self.bar, selected, list(self.list.lines.values()), role)
        number = self._context.formats.number(len(selected))
        self.bar.set_selected(self.tr("{n} selected").format(n=number) if selected else "")

    def _show_details(self) -> None:
        selected = self.selected()
        if len(selected) == 1:
            line = selected[0]
            cancelling = line.run is not None and line.run.id in self._cancelling
            self.details.show_line(line, cancelling=cancelling)
        elif selected:
            self.details.show_sums(selected)

    # Slots

    def _on_slow(self) -> None:
        self._stack.setCurrentWidget(self._loading_host)

    def _on_loading_cancelled(self) -> None:
        if self._reading is not None:
            self._context.runner.abandon(self._reading)
            self._reading = None
        self._error.set_words(self.tr("Reading the exports was cancelled."))
        self._stack.setCurrentWidget(self._error)

    def _on_selection_changed(self) -> None:
        selected = self.selected()
        self._show_commands()
        self._show_details()
        if not selected:
            self.drawer.close_drawer()
            return
        if self.drawer.is_docked() and self._preferences.text(_DRAWER) != "closed":
            self.drawer.open()
        if len(selected) == 1:
            services, name = self._context.services, selected[0].name
            self._trend.ask(lambda _ctx: services.runs.list(name, TREND_RUNS))
        else:
            self._trend.cancel()

    def _on_drawer_toggled(self) -> None:
        if self.drawer.is_open():
            self._on_drawer_closed_by_person()
        elif self.selected():
            self._preferences.set_text(_DRAWER, "open")
            self.drawer.open()

    def _on_drawer_closed_by_person(self) -> None:
        self._preferences.set_text(_DRAWER, "closed")
        self.drawer.close_drawer()

    def _on_drawer_changed(self, opened: bool) -> None:  # noqa: FBT001 - Qt's signature
        if opened:
            self._show_details()

    def _on_menu_asked(self, key: str, place: QPoint) -> None:
        if key not in self.table.selected_keys():
            self.table.select_keys([key])
        menu = Menu(self._context.theme, self.tr("Commands"), self)
        role = self._data.role if self._data is not None else Role.VIEWER
        self._commands.fill_menu(menu, self.selected(), list(self.list.lines.values()), role)
        menu.aboutToHide.connect(menu.deleteLater)
        if not menu.isEmpty():
            menu.popup(place)

    def _on_cell_clicked(self, key: str, column: str) -> None:
        """The status of a held run opens what it is held for."""
        line = self.list.lines.get(key)
        if column == "status" and line is not None and line.status is Status.HELD:
            self._actions.held(line)

    def _on_cell_action(self, key: str, column: str) -> None:
        if column == "name" and key in self.list.lines:
            self._on_menu_asked(key, self.table.rect_of(key, "name").bottomRight())

    def _on_admin_text_asked(self) -> None:
        QGuiApplication.clipboard().setText(self.empty.admin_text())
        self._context.navigator.toast(self.tr("Text copied. Send it to an admin."))

    def _on_log_asked(self) -> None:
        line = self.details.line()
        if line is not None:
            self._context.navigator.show_page("runs", line.run.id if line.run is not None else None)

    def _on_fix_asked(self) -> None:
        line = self.details.line()
        if line is None:
            return
        action = line.run.error.action if line.run is not None and line.run.error is not None else ""
        if line.status is Status.NO_CONNECTION:
            self._actions.attach(line, self.details)
        elif line.status is Status.COMPLETED_WITH_REJECTS:
            self._on_log_asked()
        elif line.status is Status.HELD:
            self._actions.held(line)
        elif action == "sign_in" and line.row.connection is not None:
            self._context.navigator.open_connection_dialog(connection_name=line.row.connection.name)
        elif action in {"fix_settings", "fix_data"}:
            self._actions.edit(line)
        else:
            self._actions.run([line])

    # Commands

    def _do(self, key: str) -> None:
        """Carry out a command on the selection, when it is possible and allowed."""
        selected, lines = self.selected(), list(self.list.lines.values())
        cancels = self._commands.cancels(selected)
        if key == "start" and not cancels:
            key = "run"
        state_key = "run" if key in {"cancel", "start"} else key
        if not self._allowed(state_key) or not self._commands.states(selected, lines)[state_key].enabled:
            return
        names = [line.name for line in lines]
        if key == "run":
            key = "cancel" if cancels else "run"
        actions = self._actions
        carry_out: dict[str, Callable[[], None]] = {
            "run": lambda: actions.run(selected),
            "plan": lambda: actions.plan(selected[0]),
            "cancel": lambda: actions.cancel(selected),
            "run_all": lambda: actions.run_all(lines),
            "edit": lambda: actions.edit(selected[0]),
            "rename": lambda: actions.rename(selected[0], names),
            "duplicate": lambda: actions.duplicate(selected[0], names),
            "schedule": lambda: actions.schedule(selected),
            "detach": lambda: actions.detach(selected),
            "remove": lambda: actions.remove(selected),
        }
        if key in carry_out:
            carry_out[key]()

    def _allowed(self, key: str) -> bool:
        role = self._data.role if self._data is not None else Role.VIEWER
        return self._commands.allowed(key, role)
