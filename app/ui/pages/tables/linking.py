"""Links between tables, added in a dialog and taken away from beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject

from app.core.errors import as_sendoff_error
from app.core.segments import FieldRef
from app.core.tables import Link, Table
from app.ui.pages.tables.link_dialog import TableLinkDialog
from app.ui.runner import Finished, Outcome

if TYPE_CHECKING:
    from app.ui.pages.tables.page import TablesPage


class TableLinking(QObject):
    """Main thread only."""

    def __init__(self, page: TablesPage) -> None:
        super().__init__(page)
        self._page = page

    def open(self, tables: Sequence[Table], current: Table) -> None:
        """Ask which columns belong together, and link them."""
        context, links = self._page.context, self._page.context.services.tables.links
        navigator = context.navigator
        dialog = TableLinkDialog(context.theme, self._page, tables, current)

        def ended(end: Finished) -> None:
            if not shiboken6.isValid(dialog):
                return
            if end.outcome is Outcome.FAILED and end.error is not None:
                dialog.show_problem(as_sendoff_error(end.error))
            elif end.outcome is Outcome.DONE:
                dialog.accept()
                navigator.changed("tables")
                navigator.toast(self.tr("Link added"), undo=lambda: self.remove(end.value))

        def asked(one: FieldRef, many: FieldRef) -> None:
            context.runner.submit("store", "Link tables", lambda _ctx: links.add(one, many), on_finished=ended)

        dialog.link_asked.connect(asked)
        dialog.open()

    def remove(self, link: Link) -> None:
        """Take a link away, to be undone."""
        one, many = FieldRef(link.one_table, link.one_column), FieldRef(link.many_table, link.many_column)
        page, navigator = self._page, self._page.context.navigator
        links = page.context.services.tables.links

        def told(_removed: Link) -> None:
            navigator.changed("tables")
            navigator.toast(self.tr("Link removed"), undo=lambda: page.change(lambda _ctx: links.add(one, many)))

        page.do("Remove a link", lambda _ctx: links.remove(one, many), told)
