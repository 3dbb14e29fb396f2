"""What a new segment can be made of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QWidget

from app.core.segment_editing import BLANK
from app.core.segments import Group, Mode, Rule, Segment, SegmentOf, SetOperator
from app.core.tables import Catalog
from app.ui.pages.segments.words import of_word
from app.ui.theme import Theme
from app.ui.widgets.menus import Menu


def _tr(words: str) -> str:
    return QCoreApplication.translate("NewSegmentMenu", words)


def new_menu(theme: Theme, catalog: Catalog, begin: Callable[[Segment], None], parent: QWidget) -> Menu:
    """Rules, a fixed list or a query, for each kind of member there is a table of; `begin` gets the empty segment."""
    menu = Menu(theme, _tr("New segment"), parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    first = (Rule(SetOperator.UNION, Group(Mode.ALL, (BLANK,))),)
    for of in [of for of in SegmentOf if catalog.by_role(of.role) is not None] or [SegmentOf.CUSTOMERS]:
        made = (
            (_tr("Rules about {members}"), "funnel", Segment("", "", of, rules=first)),
            (_tr("Fixed list of {members}"), "file-text", Segment("", "", of, list_file="")),
            (_tr("SQL query for {members}"), "database", Segment("", "", of, sql="")),
        )
        for words, icon, segment in made:
            menu.add(words.format(members=of_word(of)), lambda segment=segment: begin(segment), icon=icon)
    return menu
