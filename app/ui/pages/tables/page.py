"""The page of tables: all of them at the left, one with its columns, meanings and sample rows in the middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.roles import Action, may
from app.core.tables import Link, Meaning, Table, TableRole
from app.jobs import JobContext, Progress
from app.ui.context import WindowContext
from app.ui.pages.freshness import Freshness
from app.ui.pages.job_page import JobPage
from app.ui.pages.side_list import SideList, SideRow
from app.ui.pages.tables.details import TableDetails, TableDetailsView
from app.ui.pages.tables.words import ROLE_ICONS
from app.ui.runner import LiveQuery
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import row
from app.ui.widgets.menus import Menu
from app.ui.widgets.states import EmptyState

SAMPLE_ROWS = 5
FILES = "*.csv *.tsv *.txt *.gz *.parquet *.json *.jsonl *.ndjson *.xlsx *.duckdb *.db *.sqlite *.sqlite3"


@dataclass(frozen=True)
class _Listed:
    tables: tuple[Table, ...]
    links: tuple[Link, ...]
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
        self._listed = _Listed((), (), may_change=False)
        self._busy: dict[str, str] = {}
        self._wanted = ""
        self._list = SideList(theme, self.tr("Tables"), self.tr("Search tables"), width=244, row_height=52)
        self._details = TableDetailsView(theme, context.formats)
        self._add = Button(theme, self.tr("Add table"), "primary", icon="plus-bold")
        self._add_menu = Menu(theme, self.tr("Add table"), self)
        self._add_menu.add(self.tr("From files…"), self._on_add_files, icon="file-text")
        self._add_menu.add(self.tr("From a folder…"), self._on_add_folder, icon="folder-open")
        self._add.setMenu(self._add_menu)
        self._profile_query = LiveQuery(context.runner, "Profile a table", delay_ms=0, parent=self)
        self._sample_query = LiveQuery(context.runner, "Read sample rows", delay_ms=0, parent=self)
        self.search_field = self._list.search
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
        self._list.chosen.connect(self._on_chosen)
        self._profile_query.ready.connect(self._details.show_profile)
        self._sample_query.ready.connect(self._on_sample_read)
        details = self._details
        details.refresh_asked.connect(self._on_refresh)
        details.remove_asked.connect(self._on_remove)
        details.meaning_chosen.connect(self._on_meaning_chosen)
        details.key_chosen.connect(self._on_key_chosen)
        details.role_chosen.connect(self._on_role_chosen)
        details.show_values_asked.connect(self._on_show_values)
        Freshness(self, context.navigator.noticed, ("tables",), self.refresh)

    def activate(self, focus: str | None = None) -> None:
        """Come to the front; `focus` is a table's name."""
        self._wanted = focus or self._wanted
        self.refresh()

    # Reading, in jobs

    def _read_tables(self, _ctx: JobContext) -> _Listed:
        services = self.context.services
        change = may(services.roles.role(), Action.CHANGE_TABLES)
        return _Listed(tuple(services.tables.all()), tuple(services.tables.links()), change)

    def _read_sample(self, table: Table, ctx: JobContext, *, masked: bool = True) -> TableDetails:
        services = self.context.services
        sample = services.tables.sample(table.name, SAMPLE_ROWS, ctx, masked=masked)
        links = tuple(k for k in self._listed.links if table.name in {k.one_table, k.many_table})
        may_show = may(services.roles.role(), Action.SHOW_PERSONAL_VALUES)
        used = tuple(services.tables.used_by(table.name))
        return TableDetails(table, sample, links, used, self._listed.may_change, may_show)

    # Answers

    def _show_tables(self, listed: _Listed) -> bool:
        self._listed = listed
        self._add.setVisible(listed.may_change)
        self._fill()
        if self._wanted:
            self._list.select(self._wanted)
            self._wanted = ""
        self._on_chosen(self._list.key())
        return bool(listed.tables)

    def _fill(self) -> None:
        formats = self.context.formats
        rows = [
            SideRow(
                table.name,
                table.name,
                detail=self._busy.get(table.name) or formats.day_and_clock(table.refreshed_at),
                number=formats.compact(table.rows),
                icon=ROLE_ICONS[table.role],
            )
            for table in self._listed.tables
        ]
        total = formats.counted(sum(t.rows for t in self._listed.tables), "rows")
        self._list.set_rows(rows, f"{formats.counted(len(rows), 'tables')}, {total}")

    def _on_chosen(self, name: str) -> None:
        table = self._table(name)
        if table is None:
            return
        self._details.show_table(table, may_change=self._listed.may_change)
        services = self.context.services
        self._sample_query.ask(partial(self._read_sample, table), at_once=True)
        self._profile_query.ask(lambda ctx: (table.name, services.tables.profile(table.name, ctx)), at_once=True)

    def _on_sample_read(self, details: TableDetails) -> None:
        if details.table.name == self._list.key():
            self._details.show_details(details)

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

        self.do(
            "Add tables",
            work,
            told,
            pool="queries",
            on_progress=progressed,
            always=lambda: self._add.set_busy(False, self.tr("Add table")),
        )

    def _on_refresh(self, name: str) -> None:
        self._busy[name] = self.tr("Refreshing…")
        self._fill()
        before = self._table(name)

        def ended() -> None:
            self._busy.pop(name, None)
            self._fill()

        def told(table: Table) -> None:
            formats = self.context.formats
            change = formats.signed(table.rows - (before.rows if before else 0))
            self.context.navigator.toast(self.tr("{table} refreshed, {change} rows").format(table=name, change=change))
            self.context.navigator.changed("tables")

        self.do(
            "Refresh a table", partial(self.context.services.tables.refresh, name), told, pool="queries", always=ended
        )

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
        self._change(lambda _ctx: self.context.services.tables.set_meaning(name, column, meaning))

    def _on_role_chosen(self, name: str, role: TableRole) -> None:
        table = self._table(name)
        if table is not None:
            self._change(lambda _ctx: self.context.services.tables.set_role(name, role, table.key))

    def _on_key_chosen(self, name: str, column: str) -> None:
        table = self._table(name)
        if table is not None:
            self._change(lambda _ctx: self.context.services.tables.set_role(name, table.role, column))

    def _on_show_values(self, name: str) -> None:
        table = self._table(name)
        if table is not None:
            self._sample_query.ask(partial(self._read_sample, table, masked=False), at_once=True)

    # Inside

    def _change(self, work: Callable[[JobContext], Table]) -> None:
        self.do("Change a table", work, lambda _value: self.context.navigator.changed("tables"))

    def _table(self, name: str) -> Table | None:
        return next((t for t in self._listed.tables if t.name == name), None)
