from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QMenu
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.columns import (
    ActionCell,
    BadgeCell,
    CheckCell,
    Column,
    GroupRow,
    NoteRow,
    NumberCell,
    PillCell,
    StatusCell,
    TextCell,
)
from app.ui.widgets.table import GROUP_ROW, NOTE_ROW, ROW, DataTable
from app.ui.widgets.table_model import SORT_ROLE, FilterProxy, RowModel


@dataclass(frozen=True)
class Item:
    key: str
    name: str = ""
    members: int | None = 0
    running: bool = False
    ticked: bool = False


def status(row: Item) -> StatusCell:
    if row.running:
        return StatusCell("", "", "Running", running=True, fraction=0.62, percent="62%")
    return StatusCell("prohibit-bold", "warning", "Skipped – too large", "24,331 over the limit")


COLUMNS: tuple[Column[Any], ...] = (
    Column("tick", "", lambda r: CheckCell(r.ticked), width=56, hideable=False),
    Column(
        "name",
        "Name",
        lambda r: TextCell(r.name, "Segment", "body-medium"),
        sort=lambda r: r.name,
        menu=True,
        stretch=True,
    ),
    Column("target", "Destination", lambda r: BadgeCell("in", "#0A66C2", "LinkedIn Ads")),
    Column("members", "Members", lambda r: NumberCell(str(r.members), 0.5), sort=lambda r: r.members, align="right"),
    Column("status", "Status", status, accessible=lambda r: f"Status: {status(r).word}"),
    Column("match", "Match", lambda r: PillCell("Exact", "success", "check")),
    Column("do", "Action", lambda r: ActionCell("Test")),
)


def items(*keys: str) -> tuple[Item, ...]:
    return tuple(Item(key, f"Name {key}", i) for i, key in enumerate(keys))


@pytest.fixture
def table(theme: Theme, qtbot: QtBot) -> DataTable:
    table = DataTable(theme, "Exports", COLUMNS)
    qtbot.addWidget(table)
    table.resize(1000, 400)
    table.show()
    return table


def cell_centre(table: DataTable, key: str, column: str) -> QPoint:
    at = next(i for i, c in enumerate(COLUMNS) if c.key == column)
    return table.visualRect(table.proxy.index(table._index_of(key).row(), at)).center()


def click(qtbot: QtBot, table: DataTable, at: QPoint) -> None:
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_model_keeps_qts_contract(qtmodeltester: ModelTester) -> None:
    model = RowModel(COLUMNS)
    qtmodeltester.check(model, force_py=True)
    model.set_rows((*items("a", "b"), NoteRow("b!", "b", "Too large"), *items("c")))
    model.set_rows(items("c", "a", "d"))
    model.set_rows(items("x"))


def test_proxy_keeps_qts_contract(qtmodeltester: ModelTester) -> None:
    model, proxy = RowModel(COLUMNS), FilterProxy()
    proxy.setSourceModel(model)
    model.set_rows(items("a", "b", "c"))
    proxy.set_words("name b")
    qtmodeltester.check(proxy, force_py=True)
    assert proxy.rowCount() == 1


KEYS = st.lists(st.sampled_from("abcdefghij"), unique=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(before=KEYS, after=KEYS, picked=st.sets(st.sampled_from("abcdefghij")))
def test_set_rows_ends_right_and_keeps_persistent_indexes(
    qapp: object, before: list[str], after: list[str], picked: set[str]
) -> None:
    from PySide6.QtCore import QPersistentModelIndex

    model = RowModel(COLUMNS)
    model.set_rows(items(*before))
    held = {k: QPersistentModelIndex(model.index(model.position(k), 0)) for k in picked if k in before}
    model.set_rows(items(*after))
    assert [row.key for row in model.rows] == after
    if set(before) & set(after):
        for key, index in held.items():
            assert index.isValid() == (key in after)
            if index.isValid():
                assert model.rows[index.row()].key == key


def test_selection_and_current_row_survive_new_rows(table: DataTable) -> None:
    table.set_rows(items("a", "b", "c", "d"))
    table.select_keys(["b", "d"])
    table.set_rows([replace(r, members=9) for r in items("d", "c", "b", "x")])
    assert set(table.selected_keys()) == {"b", "d"}
    assert table.current_key() == "b"


def test_scroll_position_survives(table: DataTable, qtbot: QtBot) -> None:
    rows = items(*(f"k{i:03}" for i in range(200)))
    table.set_rows(rows)
    qtbot.waitUntil(lambda: table.verticalScrollBar().maximum() > 2_000)
    table.verticalScrollBar().setValue(2_000)
    table.set_rows([replace(r, members=1) for r in rows])
    assert table.verticalScrollBar().value() == 2_000


def test_two_rows_of_one_key_are_refused(qapp: object) -> None:
    with pytest.raises(ValueError, match="same key"):
        RowModel(COLUMNS).set_rows((Item("a"), Item("a")))


def test_unchanged_rows_repaint_nothing(qtbot: QtBot) -> None:
    model = RowModel(COLUMNS)
    model.set_rows(items("a", "b", "c"))
    with qtbot.assertNotEmitted(model.dataChanged):
        model.set_rows(items("a", "b", "c"))
    with qtbot.waitSignal(model.dataChanged) as blocker:
        model.update_row(replace(model.row_of("b"), members=99))
    assert (blocker.args[0].row(), blocker.args[1].row()) == (1, 1)


def test_large_numbers_and_none_sort_right(qapp: object) -> None:
    model, proxy = RowModel(COLUMNS), FilterProxy()
    proxy.setSourceModel(model)
    values = [2**40, 3, None, 2**33, 1]
    model.set_rows(tuple(Item(str(i), members=v) for i, v in enumerate(values)))
    proxy.sort(3)
    assert [proxy.index(i, 3).data(SORT_ROLE) for i in range(5)] == [1, 3, 2**33, 2**40, None]


@pytest.mark.parametrize("descending", [False, True])
def test_a_note_stays_under_its_row_whatever_the_sort(table: DataTable, *, descending: bool) -> None:
    a, b, c = items("a", "b", "c")
    table.set_rows((a, b, NoteRow("b!", "b", "Too large"), c))
    table.sort_by("members", descending=descending)
    table.set_rows((replace(a, members=5), b, NoteRow("b!", "b", "Too large"), replace(c, members=1)))
    shown = [table.proxy.index(i, 0).data(Qt.ItemDataRole.UserRole + 2).key for i in range(4)]
    assert shown[shown.index("b") + 1] == "b!"
    at = shown.index("b!")
    assert table.columnSpan(at, 0) == len(COLUMNS)
    assert table.rowHeight(at) == NOTE_ROW
    assert table.rowHeight(at - 1) == ROW


def test_a_note_is_filtered_with_its_row(table: DataTable) -> None:
    a, b = items("a", "b")
    table.set_rows((a, NoteRow("a!", "a", "Too large"), b))
    table.set_filter_words("name b")
    assert table.visible_keys() == ["b"]
    assert table.proxy.rowCount() == 1
    table.set_filter_words("")
    table.set_filter(lambda row: row.key == "a")
    assert table.proxy.rowCount() == 2


def test_a_heading_goes_with_the_last_of_its_rows(table: DataTable, qtbot: QtBot) -> None:
    a, b, c = items("a", "b", "c")
    table.set_rows((GroupRow("g1", "First", ("a", "b")), a, b, GroupRow("g2", "Second", ("c",)), c))
    assert table.visible_keys() == ["a", "b", "c"]
    assert (table.rowHeight(0), table.columnSpan(0, 0)) == (GROUP_ROW, len(COLUMNS))
    heading = table.proxy.index(0, 0)
    assert heading.data(Qt.ItemDataRole.AccessibleTextRole) == "First"
    assert not heading.flags() & Qt.ItemFlag.ItemIsSelectable
    click(qtbot, table, table._row_rect(0).center())
    assert table.selected_keys() == []
    table.set_filter_words("name b")
    assert table.proxy.index(0, 0).data() == "First"
    assert table.proxy.rowCount() == 2
    table.set_filter_words("nothing")
    assert table.proxy.rowCount() == 0


def test_a_column_can_be_called_something_else(table: DataTable) -> None:
    before = table.grab().toImage()
    table.set_column_title("members", "Accounts")
    assert table.rows_model.headerData(3, Qt.Orientation.Horizontal) == "Accounts"
    assert table.grab().toImage() != before
    table.set_rows(items("a"))
    assert table.proxy.index(0, 3).data(Qt.ItemDataRole.AccessibleTextRole).startswith("Accounts: ")


def test_rows_do_not_move_by_themselves_when_asked_to_stay(theme: Theme, qtbot: QtBot) -> None:
    table = DataTable(theme, "Segments", COLUMNS, keep_order=True)
    qtbot.addWidget(table)
    a, b = items("a", "b")
    table.set_rows((a, b))
    table.sort_by("members")
    table.set_rows((replace(a, members=50), b))
    assert table.visible_keys() == ["a", "b"]


def test_links_boxes_and_notes_act_where_they_are_painted(table: DataTable, qtbot: QtBot) -> None:
    a, b = items("a", "b")
    table.set_rows((a, b, NoteRow("b!", "b", "Too large", link="Split")))
    acted: list[tuple[str, str]] = []
    table.cell_action.connect(lambda key, column: acted.append((key, column)))
    tick = cell_centre(table, "a", "tick")
    click(qtbot, table, QPoint(table.visualRect(table.proxy.index(0, 0)).left() + 30, tick.y()))
    action = table.visualRect(table.proxy.index(1, 6))
    click(qtbot, table, QPoint(action.left() + 14, action.center().y()))
    note = table._row_rect(2)
    click(qtbot, table, QPoint(note.right() - 35, note.center().y() - 2))
    assert acted == [("a", "tick"), ("b", "do"), ("b!", "note")]
    assert table.selected_keys() == []
    click(qtbot, table, cell_centre(table, "b", "target"))
    assert table.selected_keys() == ["b"]
    assert len(acted) == 3


def test_keyboard_opens_ticks_and_asks_for_the_menu(table: DataTable, qtbot: QtBot) -> None:
    table.set_rows(items("a", "b"))
    table.select_keys(["b"])
    with qtbot.waitSignal(table.activated_key) as opened:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    with qtbot.waitSignal(table.cell_action) as ticked:
        qtbot.keyClick(table, Qt.Key.Key_Space)
    assert opened.args == ["b"]
    assert ticked.args == ["b", "tick"]
    with qtbot.waitSignal(table.menu_asked) as menu:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
        table.contextMenuEvent(event)
    assert menu.args[0] == "b"


def test_typing_finds_the_name(table: DataTable, qtbot: QtBot) -> None:
    table.set_rows((Item("1", "Alpha"), Item("2", "Beta"), Item("3", "Gamma")))
    table.select_keys(["1"])
    qtbot.keyClicks(table, "ga")
    assert table.current_key() == "3"
    assert table.selected_keys() == ["3"]


def test_dots_ask_for_the_rows_menu(table: DataTable, qtbot: QtBot) -> None:
    table.set_rows(items("a", "b"))
    rect = table._delegate.dots_rect(table.visualRect(table.proxy.index(1, 1)), 1)
    with qtbot.waitSignal(table.menu_asked) as menu:
        click(qtbot, table, rect.center())
    assert menu.args[0] == "b"
    assert table.selected_keys() == ["b"]


def test_rows_that_are_not_live_cannot_be_selected(theme: Theme, qtbot: QtBot) -> None:
    table = DataTable(theme, "Segments", COLUMNS, live=lambda row: row.key != "b")
    qtbot.addWidget(table)
    table.resize(1000, 300)
    table.show()
    table.set_rows(items("a", "b"))
    table.selectAll()
    assert table.selected_keys() == ["a"]
    with qtbot.assertNotEmitted(table.cell_action):
        rect = table.visualRect(table.proxy.index(1, 0))
        click(qtbot, table, QPoint(rect.left() + 30, rect.center().y()))


def test_cells_are_spoken_in_words(qapp: object) -> None:
    model = RowModel(COLUMNS)
    model.set_rows((Item("a", "Lapsed 90 days", 18_950), NoteRow("n", "a", "Too large:", "will be skipped", "Split")))
    spoken = [model.index(0, c).data(Qt.ItemDataRole.AccessibleTextRole) for c in range(len(COLUMNS))]
    assert spoken[0] == "not checked"
    assert spoken[1] == "Name: Lapsed 90 days, Segment"
    assert spoken[4] == "Status: Skipped – too large"
    assert all(spoken)
    assert model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "Too large: will be skipped Split"


def test_columns_come_back_by_key(table: DataTable, theme: Theme, qtbot: QtBot) -> None:
    table.horizontalHeader().moveSection(3, 1)
    table.horizontalHeader().resizeSection(2, 222)
    table.set_column_visible("match", False)
    table.sort_by("members", descending=True)
    saved = table.save_columns()
    other = DataTable(theme, "Exports", COLUMNS)
    qtbot.addWidget(other)
    assert other.restore_columns(saved)
    assert other.horizontalHeader().logicalIndex(1) == 3
    assert other.columnWidth(2) == 222
    assert other.isColumnHidden(5)
    assert other.horizontalHeader().sortIndicatorOrder() == Qt.SortOrder.DescendingOrder


@pytest.mark.parametrize("saved", ["", "not json", "[]", '{"version": 99}'])
def test_a_broken_memory_of_columns_is_refused(table: DataTable, saved: str) -> None:
    assert not table.restore_columns(saved)


def test_columns_menu_hides_and_shows(table: DataTable) -> None:
    menu = QMenu(table)
    table.fill_columns_menu(menu)
    action = next(a for a in menu.actions() if a.data() == "match")
    action.setChecked(False)
    assert table.isColumnHidden(5)
    assert "tick" not in [a.data() for a in menu.actions()]


def test_a_column_without_a_sort_value_keeps_the_sort(table: DataTable) -> None:
    table.set_rows(items("a", "b"))
    table.sort_by("members", descending=True)
    table.horizontalHeader().setSortIndicator(2, Qt.SortOrder.AscendingOrder)
    assert table.horizontalHeader().sortIndicatorSection() == 3
    assert table.visible_keys() == ["b", "a"]


def test_a_running_row_turns_and_stops(table: DataTable, theme: Theme, qtbot: QtBot) -> None:
    table.set_rows((Item("a", running=True),))
    qtbot.waitUntil(theme.motion.running)
    table.set_rows((Item("a"),))
    qtbot.waitUntil(lambda: not theme.motion.running())


def test_the_first_arrow_takes_the_row_with_the_ring(table: DataTable, qtbot: QtBot) -> None:
    table.set_rows((Item("a"), Item("b")))
    table.show()
    table.setCurrentIndex(table.proxy.index(0, 0))
    table.clearSelection()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.selected_keys() == ["a"]
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.selected_keys() == ["b"]


def test_notes_have_a_height_of_their_own(table: DataTable) -> None:
    table.set_rows((Item("a"), NoteRow("a!", "a", "Too large"), Item("b")))
    assert [table.rowHeight(i) for i in range(3)] == [52, 48, 52]


def test_a_table_can_be_as_high_as_its_rows(theme: Theme, qtbot: QtBot) -> None:
    low = DataTable(theme, "Lines", COLUMNS, in_card=True)
    qtbot.addWidget(low)
    low.set_height_in_rows(3, -1)
    assert low.height() == 32 + 3 * 52 - 1
    assert low.horizontalHeader().height() == 32


def test_a_click_means_the_cell_that_was_pressed_though_columns_move(table: DataTable, qtbot: QtBot) -> None:
    table.set_rows((Item("a"), Item("b")))
    clicked: list[tuple[str, str]] = []
    table.cell_clicked.connect(lambda key, column: clicked.append((key, column)))
    at = next(i for i, c in enumerate(COLUMNS) if c.key == "status")
    table.selection_changed.connect(lambda: table.setColumnWidth(0, 400))  # as when a drawer opens
    place = table.visualRect(table.proxy.index(1, at)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert table.indexAt(place).column() != at
    assert clicked == [("b", "status")]


def test_every_kind_of_cell_paints_in_both_modes(table: DataTable, theme: Theme) -> None:
    rows = (
        Item("a", "A", 1, running=True),
        Item("b", "B", ticked=True),
        NoteRow("b!", "b", "Too large", "so", "Split"),
    )
    table.set_rows(rows)
    table.select_keys(["a"])
    light = table.grab().toImage()
    theme.set_choice("dark")
    assert table.grab().toImage() != light
