from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit

from app.bootstrap import Services
from app.core.errors import FixData
from app.core.roles import Role
from app.core.suppression import Effect
from app.jobs import JobContext
from app.ui.dialogs.suppression import AddDialog, ImportDialog, TakeOffDialog
from app.ui.pages.segments import SegmentsPage
from app.ui.pages.suppression import SuppressionPage
from app.ui.pages.view_switch import SegmentViews
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label
from tests.ui.builder_bench import BuilderBench
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench

GERMANS = ("ann4@example.com", "ann8@example.com", "ann12@example.com")


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    small_services.suppression.import_text("\n".join(GERMANS), JobContext(), name="crm.csv")
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def page(bench) -> SuppressionPage:
    return bench.show(SuppressionPage(bench.context))


def left_out(page: SuppressionPage) -> dict[str, int | None]:
    return {line.key: line.effect and line.effect.left_out for line in page.effect.rows.table.rows_model.rows}


def figures(page: SuppressionPage) -> list[str]:
    return [label.words() for label in page._figures._numbers]


def changes(page: SuppressionPage) -> list[str]:
    table = page.changes.table
    return [table.columns[1].cell(line).text for line in table.rows_model.rows]


def list_file(folder: Path) -> Path:
    path = folder / "optouts.csv"
    path.write_text("Who,Mail,Backup\n1,ANN16@example.com,x@y.de\n2,ann4@example.com,\n3,nobody,\n", "utf-8")
    return path


def test_numbers_sources_changes_and_effect(page):
    assert figures(page) == ["3", "3", "0", "3"]
    assert [line.source.name for line in page.sources.table.rows_model.rows] == ["crm.csv"]
    assert changes(page) == ["crm.csv imported"]
    assert left_out(page) == {"Two countries": 3, "Weekly letter": 3}
    assert not page.effect._reading.isVisibleTo(page), "no destination here can be asked who opted out"
    row = page.effect.rows.table.rows_model.rows[0]
    told = {
        effect: page.effect._next_run_cell(replace(row, effect=effect)).text
        for effect in (Effect(3, None), Effect(3, 0), Effect(3, 41), Effect(3, None, skipped=True))
    }
    assert list(told.values()) == ["–", "0", "−41", "Skipped"]
    assert nameless(page) == []


def test_a_file_is_looked_at_imported_and_undone(bench, page, tmp_path):
    page.imports.look_at(list_file(tmp_path))
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, ImportDialog)
    assert (dialog.column(), dialog.kind().value) == ("Mail", "email")
    shown = " ".join(label.words() for label in dialog.findChildren(Label))
    assert "A•••@e•••.com" in shown
    assert "ANN16@example.com" not in shown
    dialog.column_field.set_current_key("Backup")
    dialog.column_field.chosen.emit("Backup")
    assert not dialog.import_button.isEnabled()
    bench.settle()
    assert dialog.import_button.isEnabled()
    assert "x•••@y•••.de" in " ".join(label.words() for label in dialog.findChildren(Label))
    dialog.column_field.set_current_key("Mail")
    dialog.column_field.chosen.emit("Mail")
    bench.settle()
    assert nameless(dialog) == []
    dialog.import_button.click()
    bench.settle()
    toast = bench.navigator.toasts[-1]
    assert toast.text == "optouts.csv: 1 new, 1 known, 1 not readable"
    assert (figures(page)[0], left_out(page)["Weekly letter"]) == ("4", 4)
    toast.undo()
    bench.settle()
    assert (figures(page)[0], left_out(page)["Weekly letter"]) == ("3", 3)
    assert changes(page)[0] == "Import of optouts.csv undone"


def test_an_import_is_cancelled(bench, page, tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f"p{i}@example.org" for i in range(300_000)), "utf-8")
    page.imports.look_at(path)
    assert page.imports.cancel_button.isVisible()
    bench.settle()
    assert not page.imports.cancel_button.isVisible()
    bench.dialog().import_button.click()
    page.imports.cancel_button.click()
    bench.settle()
    assert (figures(page)[0], len(bench.navigator.toasts)) == ("3", 0)
    assert page.imports.import_button.text() == "Import file"
    assert page.imports.drop.isEnabled()


def test_another_column_after_the_dialog_closed(bench, page, tmp_path):
    page.imports.look_at(list_file(tmp_path))
    bench.settle()
    dialog = bench.dialog()
    dialog.column_field.set_current_key("Backup")
    dialog.column_field.chosen.emit("Backup")
    dialog.reject()
    bench.settle()
    assert not bench.navigator.errors


def test_a_file_comes_by_the_picker_or_is_dropped(bench, page, tmp_path):
    path = list_file(tmp_path)
    page.imports.import_button.click()
    picker = page.findChild(QFileDialog)
    picker.fileSelected.emit(str(path))
    picker.reject()
    bench.settle()
    bench.dialog().reject()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 20), Qt.DropAction.CopyAction, data, left, none)
    page.imports.drop.dragEnterEvent(enter)
    assert enter.isAccepted()
    page.imports.drop.dropEvent(QDropEvent(QPointF(20, 20), Qt.DropAction.CopyAction, data, left, none))
    bench.settle()
    assert isinstance(bench.dialog(), ImportDialog)
    assert figures(page)[0] == "3"
    text = QMimeData()
    text.setText("words")
    refused = QDragEnterEvent(QPoint(20, 20), Qt.DropAction.CopyAction, text, left, none)
    refused.ignore()
    page.imports.drop.dragEnterEvent(refused)
    assert not refused.isAccepted()


def test_a_file_without_contacts_is_told(bench, page, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("a,b\n1,2\n3,4\n", "utf-8")
    page.imports.look_at(path)
    bench.settle()
    [error] = bench.navigator.errors
    assert isinstance(error, FixData)
    bench.navigator.errors.clear()
    assert page.imports.import_button.isEnabled()
    assert page.imports.drop.isEnabled()


def test_pasted_values(bench, page):
    page.imports.add_button.click()
    dialog = bench.dialog()
    assert isinstance(dialog, AddDialog)
    assert not dialog.add_values.isEnabled()
    assert nameless(dialog) == []
    dialog.values.setPlainText("ann16@example.com, ann20@example.com\nnobody")
    dialog.add_values.click()
    bench.settle()
    assert bench.navigator.toasts[-1].text == "Pasted values: 2 new, 0 known, 1 not readable"
    assert figures(page)[0] == "5"


def test_a_value_is_asked_for_and_taken_off(bench, page):
    check = page.check
    assert not check.button.isEnabled()
    QTest.keyClicks(check.field, " Ann4@Example.com")
    assert check.field.echoMode() is QLineEdit.EchoMode.Normal
    QTest.mouseClick(check.button, Qt.MouseButton.LeftButton)
    bench.settle()
    assert check.result().startswith("On the list since ")
    assert check.result().endswith("from crm.csv.")
    assert check.field.echoMode() is QLineEdit.EchoMode.Password
    check.field._eye.click()
    assert check.field.echoMode() is QLineEdit.EchoMode.Normal
    check.take_off.click()
    dialog = bench.dialog()
    assert isinstance(dialog, TakeOffDialog)
    assert not dialog.take_off_button.isEnabled()
    QTest.keyClicks(dialog.reason_field.input, "asked for it")
    dialog.take_off_button.click()
    bench.settle()
    assert (figures(page)[0], check.field.text(), check.result()) == ("2", "", "")
    assert changes(page)[0] == "1 e-mail address taken off: asked for it"
    assert left_out(page)["Weekly letter"] == 2
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert figures(page)[0] == "3"


def test_what_is_not_on_the_list_and_what_can_not_be_compared(bench, page):
    check = page.check
    for value, words in (("ann5@example.com", "It is not on the list."), ("nobody", "can't be compared")):
        check.clear()
        QTest.keyClicks(check.field, value)
        QTest.keyClick(check.field, Qt.Key.Key_Return)
        bench.settle()
        assert words in check.result()
        assert not check.take_off.isVisibleTo(check)


def test_a_source_is_removed_and_put_back(bench, page):
    key = page.sources.table.visible_keys()[0]
    page.sources.menu_asked.emit(key, QPoint(0, 0))
    bench.choose("Remove…")
    dialog = bench.dialog()
    assert isinstance(dialog, ConfirmDialog)
    dialog.confirm_button.click()
    bench.settle()
    assert figures(page)[0] == "0"
    assert page.sources.table.visible_keys() == []
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert figures(page)[0] == "3"


def test_an_export_that_can_not_be_counted_says_why(bench, page, small_services):
    store = small_services._store
    store.segments.remove(store.segments.get("Everyone").id)
    bench.navigator.changed("segments")
    bench.settle()
    lines = {line.key: line for line in page.effect.rows.table.rows_model.rows}
    assert lines["Weekly letter"].problem
    assert lines["Weekly letter"].effect is None


def test_roles(bench, page, small_services):
    store = small_services._store
    store.workspace.set_setting("role", Role.CONTRIBUTOR.value)
    bench.navigator.changed("roles")
    bench.settle()
    assert page.check.isVisible()
    assert page.sources.isVisible()
    for part in (page.imports.add_button, page.imports.import_button, page.imports.drop):
        assert not part.isVisible()
    page.sources.table.menu_asked.emit(page.sources.table.visible_keys()[0], QPoint(0, 0))
    store.workspace.set_setting("role", Role.VIEWER.value)
    bench.navigator.changed("roles")
    bench.settle()
    assert figures(page)[0] == "3"
    for part in (page.check, page.sources, page.changes):
        assert not part.isVisible()
    assert left_out(page)["Weekly letter"] == 3


def test_the_panel_stands_below_on_a_small_window(bench, page):
    wide = page.effect.mapTo(page, QPoint(0, 0)).x()
    assert wide > 600
    bench.window.resize(900, 700)
    bench.settle()
    assert page.effect.mapTo(page, QPoint(0, 0)).x() == 0


def test_the_builder_says_how_many_are_suppressed(bench):
    desk = BuilderBench(bench, bench.show(SegmentsPage(bench.context)))
    desk.page._list.select("Everyone")
    desk.settle()
    assert desk.reach()["On the suppression list"] == "3"
    desk.page._list.select("Nobody")
    desk.settle()
    assert "On the suppression list" not in desk.reach()


@pytest.mark.parametrize(("kind", "other"), [(SuppressionPage, "segments"), (SegmentsPage, "suppression")])
def test_the_switch_goes_to_the_other_view(bench, kind, other):
    page = bench.show(kind(bench.context))
    [switch] = page.findChildren(SegmentViews)
    assert switch.current() == page.page_id
    switch._buttons[other].click()
    assert bench.navigator.pages == [(other, None)]
    assert switch.current() == page.page_id
