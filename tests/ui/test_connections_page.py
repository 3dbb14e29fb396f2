from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bootstrap import Services, create_workspace
from app.core.connections import Access, HealthState
from app.core.roles import Role
from app.destinations.registry import descriptions
from app.secrets.store import KeyringStore
from app.ui.dialogs.connection import ConnectionDialog
from app.ui.dialogs.remove_connection import RemoveConnectionDialog
from app.ui.pages.connections import ConnectionsPage
from app.ui.widgets.cards import DestinationTile
from app.ui.widgets.columns import cell_detail, cell_text
from tests.fakes.keyrings import FakeKeyring
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.vendors.mailchimp import KEY, MailchimpEmulator


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


@pytest.fixture
def services(tmp_path, keyring) -> Iterator[Services]:
    made = create_workspace(
        tmp_path / "ws", "Shop", "consumers", country_code="DE", secrets=KeyringStore("shop", backend=keyring)
    )
    yield made
    made.close()


@pytest.fixture
def bench(services, theme, runner) -> Iterator[PageBench]:
    with page_bench(services, theme, runner) as made:
        yield made


def add_folder(services: Services, tmp_path, name: str, access: Access = Access.CONTRIBUTORS) -> None:
    services.connections.add(name, "local-folder", {"folder": str(tmp_path / name)}, {}, access, agreed=True)


def shown(page: ConnectionsPage, name: str, column: str) -> tuple[str, str]:
    table = page.table.rows
    cell = next(c for c in table.columns if c.key == column).cell(table.row(name))
    return cell_text(cell), cell_detail(cell)


def tiles(page: ConnectionsPage) -> list[str]:
    return [tile.accessibleName() for tile in page.gallery.findChildren(DestinationTile) if not tile.isHidden()]


def test_nothing_yet_shows_the_gallery_and_what_to_do(bench, qtbot):
    page = bench.show(ConnectionsPage(bench.context))
    qtbot.waitUntil(lambda: bool(tiles(page)))  # a layout shows new tiles in a later turn
    assert not page.table.isVisible()
    assert page._none.accessibleName() == "No connections yet"
    assert sorted(tiles(page)) == sorted(each.name for each in descriptions())
    assert nameless(page) == []


def test_a_row_says_everything(bench, services, tmp_path):
    add_folder(services, tmp_path, "Drive", Access.ADMINS)
    page = bench.show(ConnectionsPage(bench.context))
    assert shown(page, "Drive", "destination")[0] == "Local folder"
    assert shown(page, "Drive", "access")[0] == "Admins"
    assert shown(page, "Drive", "health")[0] == "Not tested yet"
    assert shown(page, "Drive", "action")[0] == "Test"
    assert "Local folder, connected" in tiles(page)


def test_the_test_runs_in_the_row_and_its_result_stays(bench, services, tmp_path):
    add_folder(services, tmp_path, "Drive")
    page = bench.show(ConnectionsPage(bench.context))
    bench.click_cell(page.table.rows, "Drive", "action")
    assert shown(page, "Drive", "health")[0] == "Testing…"
    assert shown(page, "Drive", "action")[0] == "Cancel"
    bench.settle()
    assert shown(page, "Drive", "health") == ("Healthy", "Tested just now")
    assert "connections" in bench.navigator.changes
    assert services.connections.get("Drive").health.state is HealthState.HEALTHY


def test_a_refused_sign_in_says_so_and_offers_to_sign_in_again(bench, services):
    with MailchimpEmulator() as emulator:
        settings = {"api_url": emulator.url}
        services.connections.add(
            "News", "mailchimp", settings, {"api_key": "f" * 32 + "-us21"}, Access.ADMINS, agreed=True
        )
        page = bench.show(ConnectionsPage(bench.context))
        page._test("News")
        bench.settle()
    assert shown(page, "News", "health")[0] == "Sign-in expired"
    assert shown(page, "News", "signs_in_with")[0] == "API key"  # of this connection, not all that Mailchimp takes
    assert len(bench.navigator.errors) == 1
    bench.navigator.errors.clear()
    bench.click_cell(page.table.rows, "News", "action")
    assert bench.navigator.dialogs == [(None, "News")]


def test_a_test_can_be_cancelled(bench, services, monkeypatch):
    services.connections.add("News", "mailchimp", {}, {"api_key": KEY}, Access.ADMINS, agreed=True)
    page = bench.show(ConnectionsPage(bench.context))

    def endless(_name, ctx):
        while True:
            time.sleep(0.01)
            ctx.check()

    monkeypatch.setattr(services.connections, "test", endless)
    page._test("News")
    QApplication.processEvents()
    page._on_action_asked("News")
    bench.settle()
    assert shown(page, "News", "health")[0] == "Not tested yet"
    assert page._tests == {}
    assert bench.navigator.changes == []


def test_a_secret_that_is_not_on_this_computer_is_found_beside_the_window(bench, services, keyring):
    services.connections.add("News", "mailchimp", {}, {"api_key": KEY}, Access.ADMINS, agreed=True)
    keyring.entries.clear()
    keyring.gate.clear()  # the password store asks its owner
    page = ConnectionsPage(bench.context)
    page.activate()
    bench.wait(lambda: page.table.rows.row("News") is not None)
    assert shown(page, "News", "health")[0] == "Not tested yet"  # shown without waiting for it
    keyring.gate.set()
    bench.settle()
    assert shown(page, "News", "health") == ("Secret missing", "On this computer")
    assert shown(page, "News", "action")[0] == "Add secret"


def test_a_password_store_that_fails_is_told_on_the_page(bench, services, keyring):
    services.connections.add("News", "mailchimp", {}, {"api_key": KEY}, Access.ADMINS, agreed=True)
    keyring.error = OSError("locked")
    page = bench.show(ConnectionsPage(bench.context))
    assert page._note_row.isVisible()
    keyring.error = None
    page._no_keyring.secondary.click()
    bench.settle()
    assert not page._note_row.isVisible()


def test_more_than_six_fold_away(bench, services, tmp_path):
    for number in range(1, 10):
        add_folder(services, tmp_path, f"Drive {number}")
    page = bench.show(ConnectionsPage(bench.context))
    assert page.table.more.text() == "Show 3 more connections"
    folded = page.table.rows.height()
    page.table.more.click()
    assert page.table.rows.height() > folded
    assert page.table.more.text() == "Show fewer"
    page.table.more.click()
    page.activate("Drive 9")
    bench.settle()
    assert page.table.rows.selected_keys() == ["Drive 9"]
    assert page.table.rows.height() > folded


def test_search_and_its_end(bench, services, tmp_path):
    for name in ("Alpha", "Beta"):
        add_folder(services, tmp_path, name)
    page = bench.show(ConnectionsPage(bench.context))
    QTest.keyClick(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.search_field.hasFocus()
    QTest.keyClicks(page.search_field, "bet")
    assert page.table.rows.visible_keys() == ["Beta"]
    QTest.keyClicks(page.search_field, "xyz")
    assert not page.table.isVisible()
    assert page._none.accessibleName() == "No connections match 'betxyz'"
    page._none.primary.click()
    assert page.table.rows.visible_keys() == ["Alpha", "Beta"]


def test_the_gallery_filters_by_kind_and_synonym_and_opens_the_dialog(bench):
    page = bench.show(ConnectionsPage(bench.context))
    page.gallery.chips._buttons["storage"].click()
    bench.settle()
    assert sorted(tiles(page)) == sorted(each.name for each in descriptions() if each.category == "storage")
    page.gallery.chips._buttons["all"].click()
    page.gallery.search.setText("intuit")
    bench.settle()
    assert tiles(page) == ["Mailchimp"]
    (tile,) = (each for each in page.gallery.findChildren(DestinationTile) if not each.isHidden())
    assert "Up to 1,000,000 members" in tile.toolTip()
    assert "API key" in tile.toolTip()
    QTest.keyClick(tile, Qt.Key.Key_Space)
    assert bench.navigator.dialogs == [("mailchimp", None)]
    page.gallery.search.setText("sendinblue")
    bench.settle()
    assert tiles(page) == ["Brevo"]
    page.gallery.search.setText("nothing like it")
    bench.settle()
    assert tiles(page) == []


def test_add_connection_offers_every_destination(bench):
    page = bench.show(ConnectionsPage(bench.context))
    page.add_button.click()
    bench.choose("SFTP")
    assert bench.navigator.dialogs == [("sftp", None)]


def test_keyboard_edits_and_removes(bench, services, tmp_path):
    add_folder(services, tmp_path, "Drive")
    page = bench.show(ConnectionsPage(bench.context))
    page.table.rows.setFocus(Qt.FocusReason.TabFocusReason)
    page.table.rows.select_keys(["Drive"])
    QTest.keyClick(page.table.rows, Qt.Key.Key_Return)
    assert bench.navigator.dialogs == [(None, "Drive")]
    QTest.keyClick(page.table.rows, Qt.Key.Key_Delete)
    bench.settle()
    assert not services.connections.exists("Drive")
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert page.table.rows.visible_keys() == ["Drive"]


def test_sharing_from_the_menu_with_undo(bench, services, tmp_path):
    add_folder(services, tmp_path, "Drive", Access.ADMINS)
    page = bench.show(ConnectionsPage(bench.context))
    page._on_menu_asked("Drive", page.mapToGlobal(page.rect().center()))
    bench.choose("Who can use it: Contributors")
    assert services.connections.get("Drive").connection.access is Access.CONTRIBUTORS
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert shown(page, "Drive", "access")[0] == "Admins"


def test_contributors_see_what_they_may_use_without_gallery(bench, services, tmp_path):
    add_folder(services, tmp_path, "Ours")
    add_folder(services, tmp_path, "Theirs", Access.ADMINS)
    services.roles.set_role(Role.CONTRIBUTOR)
    page = bench.show(ConnectionsPage(bench.context))
    assert page.table.rows.visible_keys() == ["Ours"]
    assert not page.gallery.isVisible()
    assert page.table.y() == 0
    assert not page.add_button.isVisible()
    assert shown(page, "Ours", "action")[0] == ""
    page._on_menu_asked("Ours", page.mapToGlobal(page.rect().center()))
    assert QApplication.activePopupWidget() is None


def test_contributors_without_any_are_told_whom_to_ask(bench, services):
    services.roles.set_role(Role.CONTRIBUTOR)
    page = bench.show(ConnectionsPage(bench.context))
    assert page.empty.isVisible()


def test_what_cannot_be_read_is_told_in_place(bench, services, monkeypatch, tmp_path):
    add_folder(services, tmp_path, "Drive")
    page = bench.show(ConnectionsPage(bench.context))
    with monkeypatch.context() as patch:
        patch.setattr(services.connections, "all", lambda: 1 / 0)
        page.refresh()
        bench.settle()
        assert page._error.isVisible()
    page._error.primary.click()
    bench.settle()
    assert page.table.rows.visible_keys() == ["Drive"]


def test_the_gallery_wraps_on_a_small_window(bench):
    page = bench.show(ConnectionsPage(bench.context), size=(960, 700))
    assert all(tile.geometry().right() <= page.width() for tile in page.gallery.findChildren(DestinationTile))
    assert page.table.rows.isColumnHidden(2)


def test_a_window_that_gets_smaller_keeps_every_action_in_sight(bench, services, tmp_path):
    add_folder(services, tmp_path, "Drive")
    page = bench.show(ConnectionsPage(bench.context), size=(1340, 860))
    bench.settle()
    page.window().resize(960, 700)

    def right(widget) -> int:
        return widget.mapTo(page, widget.rect().topRight()).x()

    bench.wait(lambda: page.width() <= 960 and right(page.table) < page.width())
    bench.wait(lambda: all(right(tile) < page.width() for tile in page.gallery.findChildren(DestinationTile)))


# Removing with exports


@pytest.fixture
def used(services, bench, tmp_path):
    add_folder(services, tmp_path, "Drive")
    source = tmp_path / "Customer.csv"
    source.write_text("CustomerId,Email\nC1,a@example.com\n")
    from app.jobs import JobContext

    services.tables.add([source], None, JobContext())
    for name in ("One", "Two"):
        services.exports.apply(
            {
                "name": name,
                "kind": "data-out",
                "connection": "Drive",
                "tables": [{"name": "Customer"}],
                "format": {"type": "csv"},
                "consent": {"agreed": True},
            }
        )
    page = bench.show(ConnectionsPage(bench.context))
    page._remove("Drive")
    bench.settle()
    return page, bench.dialog()


def test_a_used_connection_is_removed_with_its_exports_treated_one_by_one(used, bench, services):
    page, dialog = used
    assert isinstance(dialog, RemoveConnectionDialog)
    assert nameless(dialog) == []
    assert dialog.remove_button.text() == "Remove connection, detach 2"
    dialog._choices["Two"]._buttons["remove"].click()
    assert dialog.remove_button.text() == "Remove connection, detach 1, remove 1"
    dialog.remove_button.click()
    bench.settle()
    left = {row.export.name: row.export.connection for row in services.exports.all()}
    assert left == {"One": None}
    assert page.table.rows.visible_keys() == []
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert len(services.connections.get("Drive").used_by) == 2


def test_cancel_removes_nothing_and_the_dialog_is_freed(used, bench, services):
    _page, dialog = used
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    dialog.remove_all.click()
    assert dialog.remove_button.text() == "Remove connection, remove 2"
    dialog.reject()
    bench.settle()
    bench.wait(lambda: gone == [True])
    assert len(services.connections.get("Drive").used_by) == 2


def test_a_running_export_must_end_first(used, bench, services):
    from dataclasses import replace

    from app.core.runs import Status
    from tests.store import samples

    page, dialog = used
    dialog.reject()
    bench.settle()
    connection = services.connections.get("Drive").connection
    export = services.exports.get("One").export
    run = samples.run(connection_id=connection.id, export_id=export.id, status=Status.RUNNING)
    services._store.runs.add(run)
    page._remove("Drive")
    bench.settle()
    dialog = bench.dialog()
    assert dialog.running_note.isVisible()
    assert not dialog.remove_button.isEnabled()
    dialog.running_note.primary.click()
    bench.settle()
    assert services._store.runs.cancel_requested(run.id)
    services._store.runs.save(replace(run, status=Status.CANCELLED))
    bench.wait(dialog.remove_button.isEnabled)


def test_saved_connections_are_selected(bench, services, tmp_path):
    page = bench.show(ConnectionsPage(bench.context))
    bench.navigator.open_dialog = lambda d, c, saved: ConnectionDialog(
        bench.context, d, c, saved, opener=bench.window
    ).open()
    page._add("local-folder")
    bench.settle()
    dialog = bench.dialog()
    dialog.form.entry("folder").set_value(str(tmp_path / "out"))
    dialog.form.changed.emit()
    dialog.consent.set_agreed(True)
    dialog.test_button.click()
    bench.settle()
    dialog.save_button.click()
    bench.settle()
    assert page.table.rows.selected_keys() == ["Local folder"]
    assert shown(page, "Local folder", "health")[0] == "Healthy"
