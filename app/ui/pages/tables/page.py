"""The page of tables: all of them at the left, one with its columns, meanings and sample rows in the middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import as_sendoff_error
from app.core.roles import Action, may
from app.core.table_profiles import ColumnProfile
from app.core.tables import Column, Link, Meaning, ServerTable, Table, TableRole
from app.jobs import JobContext, Progress
from app.ui.context import WindowContext
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.pages.side_list import SideList, SideRow
from app.ui.pages.tables.details import TableDetails, TableDetailsView
from app.ui.pages.tables.linking import TableLinking
from app.ui.pages.tables.mapping import ValueMapping
from app.ui.pages.tables.repairing import TableRepair
from app.ui.pages.tables.server_dialog import ServerTablesDialog
from app.ui.pages.tables.words import ROLE_ICONS, rows_changed, rows_words
from app.ui.runner import Finished, Job, LiveQuery, Outcome
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import row
from app.ui.widgets.menus import Menu
from app.ui.widgets.states import EmptyState

if TYPE_CHECKING:  # they load the engine
    from app.services.server_tables import OfferedTable
    from app.services.table_links import LinkFound
    from app.services.table_refresh import Refreshed, RefreshedAll

SAMPLE_ROWS = 3
FILES = "*.csv *.tsv *.txt *.gz *.parquet *.json *.jsonl *.ndjson *.xlsx *.duckdb *.db *.sqlite *.sqlite3"


@dataclass(frozen=True)
class _Listed:
    tables: tuple[Table, ...]
    links: tuple[Link, ...]
    waiting: frozenset[str]
    bytes: int
    may_change: bool


class TablesPage(JobPage):
    """Tables are added, refreshed, corrected and removed here; each change is a job with the old rows in place until it is whole."""

    page_id = "tables"

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(
            context,
            self.tr("Tables"),
            self.tr("The data your segments and exports are built on."),
            self._read_tables,
            self._show_tables,
            parent,
        )
        theme = context.theme
        self._listed = _Listed((), (), frozenset(), 0, may_change=False)
        self._busy: dict[str, str] = {}
        self._refreshes: dict[str, Job] = {}
        self._profiles: dict[tuple[str, int, tuple[Column, ...]], tuple[ColumnProfile, ...]] = {}
        self._large: list[Job] = []
        self._wanted = ""
        self._list = SideList(theme, self.tr("Tables"), self.tr("Search tables"), width=244)
        self._details = TableDetailsView(theme, context.formats)
        self._refresh_all = Button(theme, self.tr("Refresh all"), "secondary", icon="arrows-clockwise")
        self._cancel = Button(theme, self.tr("Cancel"), "secondary", icon="x")
        self._add = Button(theme, self.tr("Add table"), "primary", icon="plus-bold")
        self._add_menu = Menu(theme, self.tr("Add table"), self)
        self._add_menu.add(self.tr("From files…"), self._on_add_files, icon="file-text")
        self._add_menu.add(self.tr("From a folder…"), self._on_add_folder, icon="folder-open")
        self._add_menu.add(self.tr("From the server…"), self._on_add_from_server, icon="database")
        self._add.setMenu(self._add_menu)
        self._profile_query = LiveQuery(context.runner, "Profile a table", delay_ms=0, parent=self)
        self._sample_query = LiveQuery(context.runner, "Read sample rows", delay_ms=0, parent=self)
        self._links_query = LiveQuery(context.runner, "Look at links", delay_ms=0, parent=self)
        self.search_field = self._list.search
        self.actions.addWidget(self._cancel)
        self.actions.addWidget(self._refresh_all)
        self._cancel.hide()
        self.actions.addWidget(self._add)
        self.content.setLayout(row(self._list, self._details, spacing=0))
        empty = EmptyState(
            theme,
            self.tr("No tables yet"),
            self.tr(
                "Add CSV, Parquet, JSON lines, Excel, DuckDB or SQLite files with your customers and their orders, "
                "or a folder of parts or of the Common Data Model."
            ),
            icon="table",
            primary=self.tr("Add table"),
        )
        self.set_empty(empty)
        empty.primary.setMenu(self._add_menu)
        self._refresh_all.clicked.connect(self._on_refresh_all)
        self._cancel.clicked.connect(lambda: [job.cancel() for job in self._large])
        self._list.chosen.connect(self._on_chosen)
        self._profile_query.ready.connect(self._on_profile_read)
        self._sample_query.ready.connect(self._on_sample_read)
        self._links_query.ready.connect(self._on_links_read)
        details = self._details
        self.mapping = ValueMapping(self, details.side)
        self.repair = TableRepair(self, self._do_refresh)
        self.linking = TableLinking(self)
        details.refresh_asked.connect(self._on_refresh)
        details.cancel_asked.connect(lambda name: self._refreshes[name].cancel())
        details.remove_asked.connect(self._on_remove)
        details.meaning_chosen.connect(self._on_meaning_chosen)
        details.key_chosen.connect(self._on_key_chosen)
        details.role_chosen.connect(self._on_role_chosen)
        details.confirm_asked.connect(
            lambda name: self.change(lambda _ctx: context.services.tables.confirm_meanings(name))
        )
        details.show_values_asked.connect(self._on_show_values)
        details.side.link_asked.connect(self._on_link)
        details.side.unlink_asked.connect(self.linking.remove)
        details.side.repair_asked.connect(self._on_repair)
        Freshness(self, context.navigator.noticed, ("tables",), self.refresh)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a table's name."""
        self._wanted = focus or self._wanted
        self.refresh()

    # Reading, in jobs

    def _read_tables(self, _ctx: JobContext) -> _Listed:
        services = self.context.services
        change = may(services.roles.role(), Action.CHANGE_TABLES)
        tables = services.tables
        return _Listed(tuple(tables.all()), tuple(tables.links.all()), tables.waiting(), tables.size(), change)

    def _read_sample(self, table: Table, ctx: JobContext, *, masked: bool = True) -> TableDetails:
        services = self.context.services
        sample = services.tables.sample(table.name, SAMPLE_ROWS, ctx, masked=masked)
        links = tuple(k for k in self._listed.links if table.name in {k.one_table, k.many_table})
        may_show = may(services.roles.role(), Action.SHOW_PERSONAL_VALUES)
        used = tuple(services.tables.used_by(table.name))
        change, held = services.tables.last_change(table.name), services.tables.held(table.name)
        missing = services.tables.missing(table.name)
        return TableDetails(table, sample, links, used, change, held, missing, self._listed.may_change, may_show)

    # Answers

    def _show_tables(self, listed: _Listed) -> bool:
        self._listed = listed
        self._add.setVisible(listed.may_change)
        self._refresh_all.setVisible(listed.may_change and bool(listed.tables))
        self._fill()
        if self._wanted:
            self._list.select(self._wanted)
            self._wanted = ""
        self._on_chosen(self._list.key())
        return bool(listed.tables)

    def _fill(self) -> None:
        formats, listed = self.context.formats, self._listed
        rows = [
            SideRow(
                table.name,
                table.name,
                detail=self._list_detail(table),
                detail_ink="warning" if table.name in listed.waiting and table.name not in self._busy else "text2",
                number=formats.compact(table.rows),
                icon=ROLE_ICONS[table.role],
            )
            for table in listed.tables
        ]
        total = formats.compact(sum(t.rows for t in listed.tables))
        words = self.tr("{tables}, {rows} rows, {size}").format(
            tables=formats.counted(len(rows), "tables"), rows=total, size=formats.bytes(listed.bytes)
        )
        self._list.set_rows(rows, words)

    def _list_detail(self, table: Table) -> str:
        if table.name in self._busy:
            return self._busy[table.name]
        if table.name in self._listed.waiting:
            return self.tr("Waits for you")
        return self.context.formats.day_and_clock(table.refreshed_at)

    def _on_chosen(self, name: str) -> None:
        table = self._table(name)
        if table is None:
            return
        self._details.show_table(table, may_change=self._listed.may_change)
        self._details.show_refreshing(name in self._refreshes)
        self.mapping.show_table(table)
        services = self.context.services
        self._sample_query.ask(partial(self._read_sample, table), at_once=True)
        self._links_query.ask(lambda ctx: (table.name, services.tables.links.of(table.name, ctx)), at_once=True)
        known = self._profiles.get((table.id, table.generation, table.columns))
        if known is not None:
            self._profile_query.cancel()
            self._details.show_profile((table.name, known))
            return
        self._profile_query.ask(lambda ctx: (table, services.tables.profile(table.name, ctx)), at_once=True)

    def _on_sample_read(self, details: TableDetails) -> None:
        if details.table.name == self._list.key():
            self._details.show_details(details)

    def _on_profile_read(self, told: tuple[Table, tuple[ColumnProfile, ...]]) -> None:
        """Keep what was counted: the rows of a generation never change."""
        table, profiles = told
        self._profiles[table.id, table.generation, table.columns] = profiles
        self._details.show_profile((table.name, profiles))

    def _on_links_read(self, told: tuple[str, tuple[LinkFound, ...]]) -> None:
        name, found = told
        if name == self._list.key():
            self._details.side.show_found(found)

    # What the person does

    def _on_add_files(self) -> None:
        dialog = QFileDialog(self, self.tr("Add tables from files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([self.tr("Tables ({patterns})").format(patterns=FILES), self.tr("All files (*)")])
        self._open_picker(dialog)

    def _on_add_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Add tables from a folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open_picker(dialog)

    def _open_picker(self, dialog: QFileDialog) -> None:
        dialog.filesSelected.connect(lambda names: self.add_files([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def add_files(self, paths: list[Path]) -> None:
        """Read files or folders as new tables, all of them or none."""
        self._add.set_busy(True, self.tr("Reading…"))

        def progressed(progress: Progress) -> None:
            share = progress.share
            if share is not None:
                words = self.tr("Reading… {percent}").format(percent=self.context.formats.percent(share, 0))
                self._add.set_busy(True, words)

        def work(ctx: JobContext) -> list[Table]:
            return self.context.services.tables.add(paths, None, ctx)

        def told(added: list[Table]) -> None:
            self._wanted = added[0].name
            self.context.navigator.toast(
                self.tr("Added {tables}.").format(tables=self.context.formats.counted(len(added), "tables"))
            )
            self.context.navigator.changed("tables")

        self._do_large("Add tables", work, told, lambda: self._add.set_busy(False, self.tr("Add table")), progressed)

    def _on_add_from_server(self) -> None:
        """Ask the server what it has, then let the person choose."""
        services = self.context.services

        def work(ctx: JobContext) -> tuple[str, list[OfferedTable]]:
            return str(services.servers.address()), services.tables.server.offered(ctx)

        def told(answer: tuple[str, list[OfferedTable]]) -> None:
            dialog = ServerTablesDialog(self.context.theme, self.context.formats, self, *answer)
            dialog.add_asked.connect(partial(self._add_from_server, dialog))
            dialog.open()

        self._add.set_busy(True, self.tr("Asking…"))
        self._do_large("Ask the server", work, told, lambda: self._add.set_busy(False, self.tr("Add table")))

    def _add_from_server(self, dialog: ServerTablesDialog, places: list[ServerTable]) -> None:
        services = self.context.services

        def ended(end: Finished) -> None:
            if not shiboken6.isValid(dialog):
                self.context.navigator.changed("tables")
            elif end.outcome is Outcome.DONE:
                dialog.accept()
                self._wanted = end.value[0].name
                self.context.navigator.changed("tables")
            elif end.error is not None:
                dialog.show_problem(as_sendoff_error(end.error))

        job = self.context.runner.submit(
            "queries",
            "Add tables of the server",
            lambda ctx: services.tables.server.add(places, None, ctx),
            on_finished=ended,
        )
        dialog.rejected.connect(job.cancel)

    def _on_refresh(self, name: str) -> None:
        self._do_refresh(name, {}, anyway=False)

    def _do_refresh(self, name: str, renamed: dict[str, str], *, anyway: bool) -> None:
        """Read the source again; when something would break, the dialog that decides opens."""

        def work(ctx: JobContext) -> Refreshed:
            return self.context.services.tables.refresh(name, ctx, renamed=renamed, anyway=anyway)

        def told(done: Refreshed) -> None:
            self.context.navigator.changed("tables")
            if done.held is not None:
                self.repair.decide(name, done.held, renamed)
            elif done.change is not None:
                words = self.tr("{table} refreshed, nothing changed").format(table=name)
                if rows_changed(done.change) or done.change.columns:
                    rows = rows_words(done.change, self.context.formats)
                    words = self.tr("{table} refreshed, {rows}").format(table=name, rows=rows)
                self.context.navigator.toast(words)

        self._refreshes[name] = self.do(
            "Refresh a table",
            work,
            told,
            pool="queries",
            on_progress=lambda progress: self._show_busy(name, progress),
            always=lambda: self._show_idle(name),
        )
        self._show_busy(name, None)

    def _on_refresh_all(self) -> None:
        """One after another; what fails or waits does not keep the others."""

        def told(end: RefreshedAll) -> None:
            formats = self.context.formats
            tables = formats.counted(len(end.done) - end.waiting, "tables")
            words = self.tr("{tables} refreshed").format(tables=tables)
            if end.waiting:
                waiting = formats.number(end.waiting)
                words = self.tr("{tables} refreshed, {n} waiting for you").format(tables=tables, n=waiting)
            self.context.navigator.toast(words, kind="warning" if end.waiting or end.failed else "success")
            self.context.navigator.changed("tables")
            for error in [*end.failed.values()][:1]:
                self.context.navigator.show_error(error, self)

        self._refresh_all.set_busy(True, self.tr("Refreshing…"))

        def ended() -> None:
            self._refresh_all.set_busy(False, self.tr("Refresh all"))

        self._do_large("Refresh all tables", self.context.services.tables.refresh_all, told, ended)

    def _do_large(
        self,
        name: str,
        work: Callable[[JobContext], Any],
        then: Callable[[Any], None],
        always: Callable[[], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Do something that can be cancelled at the top of the page."""

        def ended() -> None:
            self._large.remove(job)
            self._cancel.setVisible(bool(self._large))
            always()

        job = self.do(name, work, then, pool="queries", on_progress=on_progress, always=ended)
        self._large.append(job)
        self._cancel.show()

    def _show_busy(self, name: str, progress: Progress | None) -> None:
        share = None if progress is None else progress.share
        words = self.tr("Refreshing…")
        if share is not None:
            words = self.tr("Refreshing, {percent}").format(percent=self.context.formats.percent(share, 0))
        self._busy[name] = words
        self._fill()
        self._details.show_refreshing(self._list.key() in self._refreshes)

    def _show_idle(self, name: str) -> None:
        self._busy.pop(name, None)
        self._refreshes.pop(name, None)
        self._fill()
        self._details.show_refreshing(self._list.key() in self._refreshes)

    def _on_repair(self, waits: bool) -> None:  # noqa: FBT001 - Qt's signature
        table = self._table(self._list.key())
        if table is not None:
            self.repair.open(table, waits=waits)

    def _on_link(self) -> None:
        current = self._table(self._list.key())
        if current is not None:
            self.linking.open(self._listed.tables, current)

    def _on_remove(self, name: str) -> None:
        services, navigator = self.context.services, self.context.navigator

        def ask(used: list[str]) -> None:
            sentence = self.tr("The files it was read from stay.")
            if used:
                sentence = self.tr("{users} need it and stop working. The files it was read from stay.").format(
                    users=", ".join(used[:6])
                )
            dialog = ConfirmDialog(
                self.context.theme,
                self,
                title=self.tr("Remove the table '{name}'?").format(name=name),
                sentence=sentence,
                confirm=self.tr("Remove table"),
                danger=True,
            )
            dialog.accepted.connect(
                lambda: self.do("Remove a table", lambda _ctx: services.tables.remove(name), removed)
            )
            dialog.open()

        def removed(table: Table) -> None:
            navigator.changed("tables")
            navigator.toast(self.tr("Table removed"), undo=lambda: self._put_back(table))

        self.do("See who uses a table", lambda _ctx: services.tables.used_by(name), ask)

    def _put_back(self, table: Table) -> None:
        self.do(
            "Put a table back",
            lambda _ctx: self.context.services.tables.put_back(table),
            lambda _value: self.context.navigator.changed("tables"),
        )

    def _on_meaning_chosen(self, name: str, column: str, meaning: Meaning) -> None:
        self.change(lambda _ctx: self.context.services.tables.set_meaning(name, column, meaning))

    def _on_role_chosen(self, name: str, role: TableRole) -> None:
        table = self._table(name)
        if table is not None:
            self.change(lambda _ctx: self.context.services.tables.set_role(name, role, table.key))

    def _on_key_chosen(self, name: str, column: str) -> None:
        table = self._table(name)
        if table is not None:
            self.change(lambda _ctx: self.context.services.tables.set_role(name, table.role, column))

    def _on_show_values(self, name: str) -> None:
        table = self._table(name)
        if table is not None:
            self._sample_query.ask(partial(self._read_sample, table, masked=False), at_once=True)

    # Inside

    def change(self, work: Callable[[JobContext], object]) -> None:
        """Change something of the tables; everybody who shows them hears of it."""
        self.do("Change a table", work, lambda _value: self.context.navigator.changed("tables"))

    def _table(self, name: str) -> Table | None:
        return next((t for t in self._listed.tables if t.name == name), None)
