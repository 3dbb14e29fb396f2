from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.bootstrap import Services, create_workspace
from app.core.roles import Role
from app.core.segments import FieldRef
from app.core.tables import Meaning, ServerTable, TableRole
from app.jobs import JobContext
from app.ui.pages.tables import TablesPage
from app.ui.pages.tables.link_dialog import TableLinkDialog
from app.ui.pages.tables.queries_dialog import QueriesDialog
from app.ui.pages.tables.repair_dialog import MissingColumnsDialog, TableRepairDialog
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.code import CodeView
from app.ui.widgets.columns import cell_text
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label
from app.ui.widgets.table import DataTable
from tests.fakes.secret_store import MemoryStore
from tests.store import samples
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def page(bench) -> TablesPage:
    return bench.show(TablesPage(bench.context))


def columns(page: TablesPage) -> DataTable:
    return page._details._columns


def cell(page: TablesPage, column: str, key: str) -> str:
    table = columns(page)
    return cell_text(next(c for c in table.columns if c.key == key).cell(table.row(column)))


def meaning(page: TablesPage, column: str) -> str:
    """The meaning as it is read aloud."""
    table = columns(page)
    said = next(c for c in table.columns if c.key == "meaning").accessible
    return said(table.row(column))


def sample(page: TablesPage) -> str:
    shown = [t for t in page._details.findChildren(DataTable) if t is not columns(page) and t.isVisible()]
    return str([row.values for table in shown for row in table.rows_model.rows])


def test_tables_with_columns_profile_links_and_masked_rows(bench, page):
    assert page._list.table.visible_keys() == ["Customer", "Orders"]
    assert page._details._name.words() == "Customer"
    assert columns(page).visible_keys()[:3] == ["CustomerId", "FirstName", "LastName"]
    assert cell(page, "CustomerId", "distinct") == "200"
    assert cell(page, "CustomerId", "frequent") == "Every value once"
    assert cell(page, "Email", "frequent") == "Personal, not shown"
    assert cell(page, "Country", "frequent") == "AT 25%, DE 25%, FR 25%"
    assert cell(page, "Spend", "frequent") == "1.50 to 994.50"
    assert cell(page, "Country", "empty") == "0%"
    assert page._list._foot.words().startswith("2 tables, 800 rows, ")
    assert page._details._hidden.isVisible()
    assert "ann1@example.com" not in sample(page)
    assert nameless(page) == []


def test_what_was_counted_is_kept_until_the_rows_change(bench, page, small_services):
    page._list.select("Orders")
    bench.settle()
    profile, asked = small_services.tables.profile, []
    small_services.tables.profile = lambda name, ctx: asked.append(name) or profile(name, ctx)
    page._list.select("Customer")
    bench.settle()
    assert asked == []
    assert cell(page, "CustomerId", "distinct") == "200"
    page._details._refresh.click()
    bench.settle()
    assert asked == ["Customer"]


def test_show_unmasks_until_another_table_is_chosen(bench, page):
    page._details._show.click()
    bench.settle()
    assert "ann1@example.com" in sample(page)
    page._list.select("Orders")
    bench.settle()
    assert page._details._name.words() == "Orders"
    page._list.select("Customer")
    bench.settle()
    assert "ann1@example.com" not in sample(page)


def test_a_meaning_is_changed_in_the_row(bench, page, small_services):
    assert "check" in meaning(page, "Email")
    bench.click_cell(columns(page), "Email", "meaning")
    bench.choose("E-mail")
    assert meaning(page, "Email") == "Meaning: E-mail"
    column = small_services.tables.get("Customer").column("Email")
    assert column is not None
    assert (column.meaning, column.confirmed) == (Meaning.EMAIL, True)
    assert "tables" in bench.navigator.changes
    page._details._more.click()
    bench.choose("Confirm all meanings")
    assert "check" not in "".join(meaning(page, key) for key in columns(page).visible_keys())
    page._details._more.click()
    menu = bench.menu()
    assert not next(a for a in menu.actions() if a.text() == "Confirm all meanings").isEnabled()
    menu.close()


def test_a_meaning_is_changed_without_a_pointer(bench, page, small_services):
    table = columns(page)
    table.setFocus(Qt.FocusReason.TabFocusReason)
    table.select_keys(["FirstName"])
    QTest.keyClick(table, Qt.Key.Key_Return)
    bench.choose("Last name")
    assert small_services.tables.get("Customer").column("FirstName").meaning is Meaning.LAST_NAME


def test_key_and_role_are_changed(bench, page, small_services):
    bench.click_cell(columns(page), "Email", "meaning")
    bench.choose("Use as key")
    assert small_services.tables.get("Customer").key == "Email"
    page._details._more.click()
    bench.choose("Rows are: Contacts")
    assert small_services.tables.get("Customer").role is TableRole.CONTACT


def test_a_csv_file_is_added_and_chosen(bench, page, tmp_path, small_services):
    path = tmp_path / "Stores.csv"
    path.write_text("StoreId,City\nS1,Berlin\nS2,Wien\n", "utf-8")
    page._add_menu.actions()[0].trigger()
    picker = page.findChild(QFileDialog)
    assert picker is not None
    picker.filesSelected.emit([str(path)])
    picker.reject()
    assert page._add.is_busy()
    bench.settle()
    assert not page._add.is_busy()
    assert page._add.text() == "Add table"
    assert page._list.key() == "Stores"
    assert small_services.tables.get("Stores").rows == 2
    assert bench.navigator.toasts[-1].text == "Added 1 table."


def test_a_folder_of_the_common_data_model_is_added(bench, page, tmp_path, small_services):
    folder = tmp_path / "lake"
    folder.mkdir()
    (folder / "Stores.csv").write_text("S1,Berlin\nS2,Wien\n", "utf-8")
    columns = [{"name": "StoreId", "dataType": "string"}, {"name": "City", "dataType": "string"}]
    parts = [{"name": "p", "location": "Stores.csv", "fileFormatSettings": {"columnHeaders": False}}]
    stores = {"$type": "LocalEntity", "name": "Stores", "attributes": columns, "partitions": parts}
    (folder / "model.json").write_text(json.dumps({"name": "Lake", "version": "1.0", "entities": [stores]}), "utf-8")
    page._add_menu.actions()[1].trigger()
    picker = page.findChild(QFileDialog)
    assert picker.fileMode() is QFileDialog.FileMode.Directory
    picker.filesSelected.emit([str(folder)])
    picker.reject()
    bench.settle()
    assert page._list.key() == "Stores"
    assert [column.name for column in small_services.tables.get("Stores").columns] == ["StoreId", "City"]


def test_a_file_that_is_no_table_is_told_and_nothing_is_lost(bench, page, tmp_path):
    path = tmp_path / "notes.xlsx"
    path.write_bytes(b"this is no workbook")
    page.add_files([path])
    bench.settle()
    assert len(bench.navigator.errors) == 1
    bench.navigator.errors.clear()
    assert page._list.table.visible_keys() == ["Customer", "Orders"]
    assert page._add.text() == "Add table"


def test_refresh_reads_the_source_again(bench, page, small_services):
    source = small_services.folder / "source" / "Customer.csv"
    with source.open("a", encoding="utf-8") as file:
        file.write("C9999,New,Person,new@example.com,DE,true,5.50\n")
    page._details._refresh.click()
    bench.settle()
    assert small_services.tables.get("Customer").rows == 201
    assert bench.navigator.toasts[-1].text == "Customer refreshed, +1 rows"
    assert "201" in page._details._size.words()
    assert ("Since before", "+1 rows") in [(fact.label, fact.value) for fact in page._details.side._source.facts()]


def rewrite(services: Services, old: str, new: str) -> None:
    source = services.folder / "source" / "Customer.csv"
    source.write_text(source.read_text("utf-8").replace(old, new, 1), "utf-8")


def test_a_refresh_that_would_break_something_waits_and_is_repaired_in_a_dialog(bench, page, small_services):
    rewrite(small_services, "Country", "Land")
    page._details._refresh.click()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, TableRepairDialog)
    assert dialog.columns.chosen() == {"Country": "Land"}
    assert ("Land", "Text", "100% of its values") in [
        (item.key, item.detail, item.sample) for item in dialog.columns.pickers["Country"]._items
    ]
    assert nameless(dialog) == []
    dialog.reject()
    assert page._details.side.look_note.isVisible()
    assert "Country is gone from the source. 1 segment" in page._details.side.look_note.accessibleName()
    assert page._list.table.row("Customer").detail == "Waits for you"
    page._details.side.look_note.primary.click()
    bench.settle()
    bench.dialog().use_button.click()
    bench.settle()
    assert "Land" in str(small_services.segments.get("Germany").rules)
    assert "Land" in columns(page).visible_keys()
    assert not page._details.side.look_note.isVisible()
    assert ("Columns", "+Land, −Country") in [(f.label, f.value) for f in page._details.side._source.facts()]


def test_columns_are_replaced_one_after_another(bench, page, small_services):
    rewrite(small_services, "Country", "Land")
    rewrite(small_services, "Spend", "Umsatz")
    page._details._refresh.click()
    bench.settle()
    dialog = bench.dialog()
    assert dialog.columns.chosen() == {"Country": "Land", "Spend": "Umsatz"}
    dialog.columns.pickers["Spend"].set_current_key("")
    dialog.use_button.click()
    bench.settle()
    dialog = bench.dialog()
    assert dialog.columns.chosen() == {"Spend": "Umsatz"}, "only what is left is asked for"
    dialog.use_button.click()
    bench.settle()
    used = str([small_services.segments.get(name).rules for name in ("Germany", "Big spenders")])
    assert ("Land" in used, "Umsatz" in used) == (True, True)


def test_a_query_is_looked_at_before_it_is_rewritten(bench, page, small_services):
    query = "SELECT CustomerId FROM Customer WHERE Country = 'DE'"
    small_services.segments.save({"name": "By hand", "sql": query})
    rewrite(small_services, "Country", "Land")
    page._details._refresh.click()
    bench.settle()
    bench.dialog().use_button.click()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, QueriesDialog)
    assert nameless(dialog) == []
    assert [view.toPlainText() for view in dialog.findChildren(CodeView)] == [query, query.replace("Country", '"Land"')]
    assert small_services.segments.get("By hand").sql == query
    dialog.save_button.click()
    bench.settle()
    assert '"Land"' in small_services.segments.get("By hand").sql
    assert "Land" in columns(page).visible_keys()


def test_a_refresh_that_waits_is_taken_as_it_is_or_let_go(bench, page, small_services):
    rewrite(small_services, "Country", "Land")
    page._details._refresh.click()
    bench.settle()
    bench.dialog().keep_button.click()
    bench.settle()
    assert small_services.tables.held("Customer") is None
    assert "Country" in columns(page).visible_keys()
    page._refresh_all.click()
    bench.settle()
    assert bench.navigator.toasts[-1].text == "1 table refreshed, 1 waiting for you"
    page._details.side.look_note.primary.click()
    bench.settle()
    dialog = bench.dialog()
    dialog.columns.pickers["Country"].set_current_key("")
    dialog._renew()
    assert not dialog.use_button.isEnabled()
    dialog.take_button.click()
    bench.settle()
    assert "Land" in columns(page).visible_keys()
    assert small_services.segments.issues("Germany")
    assert "Country is not there any more. Needed by 1 segment" in page._details.side.look_note.accessibleName()
    page._details.side.look_note.primary.click()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, MissingColumnsDialog)
    assert nameless(dialog) == []
    assert dialog.columns.chosen() == {}, "Land looks nothing like Country"
    dialog.columns.pickers["Country"].set_current_key("Land")
    dialog.columns.pickers["Country"].chosen.emit("Land")
    dialog.use_button.click()
    bench.settle()
    assert not small_services.segments.issues("Germany")
    assert not page._details.side.look_note.isVisible()


def test_what_cannot_be_refreshed_does_not_keep_the_others(bench, page, small_services):
    (small_services.folder / "source" / "Orders.csv").unlink()
    page._refresh_all.click()
    bench.settle()
    assert bench.navigator.toasts[-1].text == "1 table refreshed"
    assert "Orders.csv" in str(bench.navigator.errors.pop())


def test_a_table_on_a_server_names_server_and_place(bench, page):
    place = ServerTable("public", "customers")
    table = samples.table("C", source="postgres://db.example:5432/shop/public/customers", server=place)
    page._details.side.show_table(table, may_change=True)
    facts = [(fact.label, fact.value) for fact in page._details.side._source.facts()]
    assert facts[:2] == [("From", "public.customers"), ("Server", "db.example:5432/shop")]


def test_links_are_removed_put_back_and_added(bench, page, small_services):
    side = page._details.side
    shown = [label.words() for label in side.findChildren(Label)]
    assert "Customer → Orders" in shown
    assert "1 to many, all found" in shown
    [remove] = [b for b in side.findChildren(IconButton) if b.isVisible()]
    remove.click()
    bench.settle()
    assert small_services.tables.links.all() == []
    bench.navigator.toasts[-1].undo()
    bench.settle()
    [link] = small_services.tables.links.all()
    small_services.tables.links.remove(FieldRef("Customer", "CustomerId"), FieldRef("Orders", "CustomerId"))
    side.add_link.click()
    dialog = bench.dialog()
    assert isinstance(dialog, TableLinkDialog)
    assert nameless(dialog) == []
    assert dialog.many_column.current_key() == "CustomerId", "named like the key"
    dialog.one_column.set_current_key("Email")
    dialog.one_column.chosen.emit("Email")
    dialog.one_column.set_current_key("Country")
    dialog.link_button.click()
    bench.settle()
    assert dialog.problem.isVisible()
    dialog.one_column.set_current_key("CustomerId")
    dialog.link_button.click()
    bench.settle()
    assert small_services.tables.links.all() == [link]
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert small_services.tables.links.all() == []


def test_what_takes_long_can_be_cancelled(bench, page, small_services, tmp_path):
    begun, go_on = threading.Event(), threading.Event()
    refresh, add = small_services.tables.refresh, small_services.tables.add

    def slowly(work):
        def wait(*args, **more):
            begun.set()
            assert go_on.wait(10)
            return work(*args, **more)

        return wait

    small_services.tables.refresh, small_services.tables.add = slowly(refresh), slowly(add)
    try:
        before = small_services.tables.get("Customer")
        button = page._details._refresh
        button.click()
        bench.wait(begun.is_set)
        assert button.text() == "Cancel refresh"
        assert page._list.table.row("Customer").detail == "Refreshing…"
        button.click()
        go_on.set()
        bench.settle()
        assert button.text() == "Refresh"
        assert small_services.tables.get("Customer") == before
        begun.clear()
        go_on.clear()
        (tmp_path / "More.csv").write_text("a,b\n1,2\n", "utf-8")
        page.add_files([tmp_path / "More.csv"])
        bench.wait(begun.is_set)
        assert page._cancel.isVisible()
        page._cancel.click()
        go_on.set()
        bench.settle()
        assert not page._cancel.isVisible()
        assert page._list.table.visible_keys() == ["Customer", "Orders"]
    finally:
        go_on.set()
        small_services.tables.refresh, small_services.tables.add = refresh, add


def test_a_link_needs_two_tables_and_columns_of_one_type(bench, page):
    page._details.side.add_link.click()
    dialog = bench.dialog()
    dialog.many_table.set_current_key("Customer")
    dialog.many_table.chosen.emit("Customer")
    assert not dialog.link_button.isEnabled()
    assert "linked to itself" in dialog.sentence.words()
    dialog.many_table.set_current_key("Orders")
    dialog.one_column.set_current_key("Consent")
    dialog.one_column.chosen.emit("Consent")
    assert "no column of that type" in dialog.sentence.words()


def test_a_table_is_removed_after_its_users_were_named_and_put_back(bench, page, small_services):
    page._details._more.click()
    bench.choose("Remove table")
    dialog = bench.dialog()
    assert isinstance(dialog, ConfirmDialog)
    assert "Everyone" in dialog.accessibleDescription()
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.confirm_button.click()
    bench.settle()
    bench.wait(lambda: gone == [True])
    assert page._list.table.visible_keys() == ["Orders"]
    assert page._list.key() == "Orders"
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert page._list.table.visible_keys() == ["Customer", "Orders"]


def test_keyboard_and_search(bench, page):
    page._list.table.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(page._list.table, Qt.Key.Key_Down)
    bench.settle()
    assert page._details._name.words() == "Orders"
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.search_field.hasFocus()
    QTest.keyClicks(page.search_field, "cust")
    assert page._list.table.visible_keys() == ["Customer"]


def test_a_table_is_opened_from_elsewhere(bench, page):
    page.activate("Orders")
    bench.settle()
    assert page._details._name.words() == "Orders"


def test_contributors_look_but_do_not_change(bench, small_services):
    small_services.roles.set_role(Role.CONTRIBUTOR)
    page = bench.show(TablesPage(bench.context))
    assert not page._add.isVisible()
    assert not page._details._refresh.isVisible()
    assert not page._refresh_all.isVisible()
    assert not page._details.side.add_link.isVisible()
    assert not [b for b in page._details.side.findChildren(IconButton) if b.isVisible()]
    bench.click_cell(columns(page), "Email", "meaning")
    assert QApplication.activePopupWidget() is None


def test_viewers_see_no_personal_values(bench, small_services):
    small_services.roles.set_role(Role.VIEWER)
    page = bench.show(TablesPage(bench.context))
    assert not page._details._show.isVisible()
    assert "ann1@example.com" not in sample(page)


def test_no_tables_yet(theme, runner, tmp_path):
    services = create_workspace(tmp_path / "ws", "Shop", "consumers", country_code="DE", secrets=MemoryStore())
    with page_bench(services, theme, runner) as bench:
        page = bench.show(TablesPage(bench.context))
        assert page.empty.isVisible()
        assert page.empty.primary.menu() is page._add_menu
        page._add_menu.actions()[0].trigger()
        picker = page.findChild(QFileDialog)
        assert picker is not None
        picker.reject()
    services.close()


def test_what_cannot_be_read_is_told_in_place(bench, page, small_services, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(small_services.tables, "all", lambda: 1 / 0)
        QTest.keyClick(page, Qt.Key.Key_F5)
        bench.settle()
        assert page._error.isVisible()
    page._error.primary.click()
    bench.settle()
    assert page._details.isVisible()


@pytest.mark.parametrize("size", [(1152, 860), (968, 700)])
def test_nothing_scrolls_sideways(bench, size):
    page = bench.show(TablesPage(bench.context), size=size)
    assert page._list.table.horizontalScrollBar().maximum() == 0
    assert columns(page).horizontalScrollBar().maximum() == 0
    assert page._details._role.geometry().left() > page._details._name.geometry().right()
    assert page._details._name.width() >= page._details._name.fontMetrics().horizontalAdvance("Customer")


def test_unknown_values_are_told_and_mapped(bench, small_services, tmp_path):
    file = tmp_path / "Person.csv"
    file.write_text("Id,Land\n" + "".join(f"{n},{('Germany', 'Batavia', 'Oz')[n % 3]}\n" for n in range(9)), "utf-8")
    small_services.tables.add([file], None, JobContext())
    small_services.tables.set_meaning("Person", "Land", Meaning.COUNTRY)
    page = bench.show(TablesPage(bench.context))
    page.activate("Person")
    bench.settle()
    note = page._details.side.map_note
    assert note.isVisibleTo(page)
    note.primary_clicked.emit()
    bench.settle()
    dialog = bench.dialog()
    assert list(dialog.fields) == ["Batavia", "Oz", "Germany"]
    dialog.fields["Batavia"].setText("nowhere")
    dialog.save.click()
    bench.settle()
    assert dialog.problem.isVisibleTo(dialog)
    dialog.fields["Batavia"].setText("nl")
    dialog.fields["Oz"].setText("AU")
    assert nameless(dialog) == []
    dialog.save.click()
    bench.settle()
    assert small_services.tables.get("Person").column("Land").means == (("batavia", "NL"), ("oz", "AU"))
    assert not note.isVisibleTo(page)
