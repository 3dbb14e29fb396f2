from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.bootstrap import Services, create_workspace
from app.core.roles import Role
from app.ui.pages.segments import SegmentsPage
from app.ui.widgets.buttons import Button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label
from app.ui.widgets.table import DataTable
from tests.fakes.secret_store import MemoryStore
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench

UNUSED = "Nobody"
DEFINITION = """
name: Austria
of: customers
rules:
  - all:
      - {field: Customer.Country, is_one_of: [AT]}
---
name: France
of: customers
rules:
  - all:
      - {field: Customer.Country, is_one_of: [FR]}
"""


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def page(bench) -> SegmentsPage:
    return bench.show(SegmentsPage(bench.context))


def number(page: SegmentsPage, name: str) -> str:
    row = page._list.table.row(name)
    assert row is not None
    return row.number


def members(page: SegmentsPage) -> str:
    shown = [t for t in page.builder.findChildren(DataTable) if t.isVisible()]
    return str([row.values for table in shown for row in table.rows_model.rows])


def words(page: SegmentsPage) -> str:
    return " ".join(label.words() for label in page.builder.findChildren(Label) if label.isVisible())


def choose(bench: PageBench, page: SegmentsPage, name: str) -> None:
    page._list.select(name)
    bench.settle()


def test_every_segment_is_counted(page):
    assert page._list.table.visible_keys() == ["Big spenders", "Everyone", "Germany", "Nobody"]
    assert {name: number(page, name) for name in page._list.table.visible_keys()} == {
        "Big spenders": "14",
        "Everyone": "200",
        "Germany": "50",
        "Nobody": "0",
    }
    assert nameless(page) == []


def test_one_segment_in_words_with_its_members_and_users(bench, page):
    choose(bench, page, "Germany")
    assert page.builder.panel.number.words() == "50"
    assert "Country" in words(page)
    assert "ann4@example.com" not in members(page)
    links = [b.text() for b in page.builder.findChildren(Button) if b.isVisible()]
    assert "Two countries" in links
    next(b for b in page.builder.findChildren(Button) if b.text() == "Two countries").click()
    assert bench.navigator.pages == [("exports", "Two countries")]


def test_members_are_shown_when_asked_for(bench, page):
    choose(bench, page, "Germany")
    page.builder.members._show.click()
    bench.settle()
    assert "ann4@example.com" in members(page)
    choose(bench, page, "Everyone")
    choose(bench, page, "Germany")
    assert "ann4@example.com" not in members(page)


def test_nobody_belongs_to_an_empty_segment(bench, page):
    choose(bench, page, "Nobody")
    assert page.builder.panel.number.words() == "0"
    assert "Nobody belongs to it now." in words(page)


def test_segments_are_imported_from_a_file(bench, page, tmp_path, small_services):
    path = tmp_path / "segments.yaml"
    path.write_text(DEFINITION, "utf-8")
    page._import.click()
    picker = page.findChild(QFileDialog)
    assert picker is not None
    picker.fileSelected.emit(str(path))
    picker.reject()
    bench.settle()
    assert bench.navigator.toasts[-1].text == "Saved 2 segments."
    assert page._list.key() == "Austria"
    assert number(page, "France") == "50"
    assert len(small_services.segments.all()) == 6


@pytest.mark.parametrize("text", ["segments: [", "name: X\nof: customers\nwhat: 1\n", "\0"])
def test_a_wrong_file_is_told_and_nothing_is_saved(bench, page, tmp_path, text, small_services):
    path = tmp_path / "segments.yaml"
    path.write_text(text, "utf-8")
    page._import_file(path)
    bench.settle()
    assert len(bench.navigator.errors) == 1
    bench.navigator.errors.clear()
    assert len(small_services.segments.all()) == 4


def test_an_unused_segment_is_removed_and_put_back(bench, page):
    choose(bench, page, UNUSED)
    page.builder.title.more.click()
    bench.choose("Remove segment")
    dialog = bench.dialog()
    assert isinstance(dialog, ConfirmDialog)
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.confirm_button.click()
    bench.settle()
    bench.wait(lambda: gone == [True])
    assert UNUSED not in page._list.table.visible_keys()
    assert page._list.key()
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert UNUSED in page._list.table.visible_keys()


def test_a_used_segment_can_not_be_removed_and_says_why(bench, page):
    choose(bench, page, "Germany")
    page.builder.title.more.click()
    remove = bench.menu().actions()[-1]
    assert not remove.isEnabled()
    assert remove.toolTip() == "It is needed by Two countries."
    bench.menu().close()


def test_recount_follows_the_tables(bench, page, small_services):
    source = small_services.folder / "source" / "Customer.csv"
    with source.open("a", encoding="utf-8") as file:
        file.write("C9999,New,Person,new@example.com,DE,true,5.50\n")
    from app.jobs import JobContext

    small_services.tables.refresh("Customer", JobContext())
    page._recount.click()
    bench.settle()
    assert number(page, "Germany") == "51"
    bench.navigator.changed("tables")
    bench.settle()
    assert number(page, "Everyone") == "201"


def test_a_segment_whose_table_is_gone_says_why(bench, page, small_services):
    small_services.tables.remove("Customer")
    bench.navigator.changed("tables")
    bench.settle()
    choose(bench, page, "Germany")
    assert page.builder.note.isVisible()
    assert page.builder.note.accessibleName().startswith("This segment can't be counted.")


def test_keyboard_and_search(bench, page):
    page._list.table.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(page._list.table, Qt.Key.Key_End)
    QTest.keyClick(page._list.table, Qt.Key.Key_Up)
    bench.settle()
    assert page.builder.title.name.words() == page._list.key()
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.search_field.hasFocus()
    QTest.keyClicks(page.search_field, "germ")
    assert page._list.table.visible_keys() == ["Germany"]


def test_viewers_change_nothing_and_see_no_personal_values(bench, small_services):
    small_services.roles.set_role(Role.VIEWER)
    page = bench.show(SegmentsPage(bench.context))
    choose(bench, page, UNUSED)
    assert not page._import.isVisible()
    assert not page._new.isVisible()
    assert not page.builder.title.more.isVisible()
    assert not page.builder.save.isVisible()
    assert page.builder.slots == []
    assert "Those where Customer Spend is at least 90,000." in words(page)
    choose(bench, page, "Germany")
    assert not page.builder.members._show.isVisible()


def test_no_segments_yet(theme, runner, tmp_path):
    services = create_workspace(tmp_path / "ws", "Shop", "consumers", country_code="DE", secrets=MemoryStore())
    with page_bench(services, theme, runner) as bench:
        page = bench.show(SegmentsPage(bench.context))
        assert page.empty.isVisible()
    services.close()


def test_what_cannot_be_read_is_told_in_place(bench, page, small_services, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(small_services.segments, "all", lambda: 1 / 0)
        QTest.keyClick(page, Qt.Key.Key_F5)
        bench.settle()
        assert page._error.isVisible()
    page._error.primary.click()
    bench.settle()
    assert page.builder.isVisible()


@pytest.mark.parametrize("size", [(1152, 860), (968, 700)])
def test_the_list_does_not_scroll_sideways(bench, size):
    page = bench.show(SegmentsPage(bench.context), size=size)
    assert page._list.table.horizontalScrollBar().maximum() == 0
