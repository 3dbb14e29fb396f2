"""Columns that a table lost: what is done about them is decided in dialogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject

from app.core.table_changes import Requeried
from app.core.tables import Table
from app.ui.pages.tables.queries_dialog import QueriesDialog
from app.ui.pages.tables.repair_dialog import MissingColumnsDialog, TableRepairDialog

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh, Missing
    from app.ui.pages.tables.page import TablesPage


class Refresh(Protocol):
    """Reads the source of a table again."""

    def __call__(self, name: str, renamed: dict[str, str], *, anyway: bool) -> None:
        """`renamed` puts columns of the source in place of the table's, `anyway` takes them as they are."""


class TableRepair(QObject):
    """Asks about refreshes that wait and columns that are missing, and does what is decided. Main thread only."""

    def __init__(self, page: TablesPage, refresh: Refresh) -> None:
        super().__init__(page)
        self._page = page
        self._refresh = refresh

    def open(self, table: Table, *, waits: bool) -> None:
        """Open the dialog for a refresh that waits, else the one for columns that are missing."""
        name, tables = table.name, self._page.context.services.tables

        def told(found: Any) -> None:
            if found is None:
                self._page.refresh()
            elif waits:
                self.decide(name, found, {})
            else:
                self._replace_missing(table, found)

        ask = tables.held if waits else tables.missing
        self._page.do("See what columns are missed", lambda _ctx: ask(name), told)

    def _replace_missing(self, table: Table, missing: Missing) -> None:
        page, tables, name = self._page, self._page.context.services.tables, table.name
        dialog = MissingColumnsDialog(page.context.theme, page.context.formats, page, table, missing)

        def use(renamed: dict[str, str]) -> None:
            page.change(lambda ctx: tables.use_columns(name, renamed, ctx))

        dialog.use_asked.connect(lambda renamed: self.agree(name, renamed, lambda: use(renamed)))
        dialog.open()

    def decide(self, name: str, held: HeldRefresh, before: dict[str, str]) -> None:
        """Ask what shall be done; `before` are columns that were put in the place of others already."""
        page = self._page
        dialog = TableRepairDialog(page.context.theme, page.context.formats, page, name, held)
        dialog.use_asked.connect(
            lambda renamed: self.agree(
                name, before | renamed, lambda: self._refresh(name, before | renamed, anyway=False)
            )
        )
        dialog.take_asked.connect(lambda: self._refresh(name, before, anyway=True))
        dialog.keep_asked.connect(lambda: page.change(lambda _ctx: page.context.services.tables.keep_old(name)))
        dialog.open()

    def agree(self, name: str, renamed: dict[str, str], then: Callable[[], None]) -> None:
        """Go on when nobody's query is written otherwise, else once somebody looked at how."""

        def told(queries: tuple[Requeried, ...]) -> None:
            if not queries:
                then()
                return
            dialog = QueriesDialog(self._page.context.theme, self._page, queries)
            dialog.agreed.connect(then)
            dialog.open()

        tables = self._page.context.services.tables
        self._page.do("See which queries change", lambda _ctx: tables.requeried(name, renamed), told)
