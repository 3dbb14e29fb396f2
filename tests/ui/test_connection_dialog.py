from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from app.bootstrap import Services, create_workspace
from app.core.connections import Access, HealthState
from app.core.errors import NotAllowed
from app.core.roles import Role
from app.secrets.store import KeyringStore
from app.ui.dialogs.connection import ConnectionDialog
from app.ui.widgets.file_fields import SecretFileField
from app.ui.widgets.secret_field import SecretField
from tests.fakes.keyrings import FakeKeyring
from tests.rights import IS_ROOT
from tests.servers import openssh
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.vendors.mailchimp import KEY, MailchimpEmulator

needs_sshd = pytest.mark.skipif(not openssh.USABLE, reason="OpenSSH's server is not installed")


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()


@pytest.fixture
def services(tmp_path, keyring) -> Iterator[Services]:
    secrets = KeyringStore("shop", backend=keyring)
    made = create_workspace(tmp_path / "ws", "Shop", "consumers", country_code="DE", secrets=secrets)
    yield made
    made.close()


@pytest.fixture
def bench(services, theme, runner) -> Iterator[PageBench]:
    with page_bench(services, theme, runner) as made:
        made.open_window((1100, 860))
        yield made


@pytest.fixture
def emulator() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as made:
        yield made


@pytest.fixture
def server(tmp_path) -> Iterator[openssh.OpenSshServer]:
    made = openssh.start(tmp_path / "sshd")
    yield made
    made.stop()


def kept(keyring: FakeKeyring) -> list[str]:
    """The secrets in the password store; a mark before each tells that it is whole."""
    return [value.removeprefix("=") for value in keyring.entries.values()]


def opened(bench: PageBench, destination: str | None = None, name: str | None = None, saved=None) -> ConnectionDialog:
    ConnectionDialog(bench.context, destination, name, saved, opener=bench.window).open()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, ConnectionDialog)
    return dialog


def type_into(dialog: ConnectionDialog, field_id: str, words: str) -> None:
    """Type as a person does, and leave the field."""
    frame = dialog.form.entry(field_id)
    line = frame.findChild(QLineEdit)
    line.setFocus(Qt.FocusReason.TabFocusReason)
    line.selectAll()
    QTest.keyClicks(line, words)
    dialog.name_field.input.setFocus(Qt.FocusReason.TabFocusReason)


def run_test(bench: PageBench, dialog: ConnectionDialog) -> None:
    dialog.test_button.click()
    bench.settle()


def mailchimp(bench: PageBench, emulator: MailchimpEmulator, key: str = KEY, **more) -> ConnectionDialog:
    dialog = opened(bench, "mailchimp", **more)
    dialog.form.unfold(True)
    type_into(dialog, "api_url", emulator.url)
    type_into(dialog, "api_key", key)
    return dialog


def sftp(bench: PageBench, server: openssh.OpenSshServer, tmp_path: Path, **changes: str) -> ConnectionDialog:
    """The dialog filled in for the server, signing in with its key file."""
    dialog = opened(bench, "sftp")
    values = server.values(**changes)
    for field in ("host", "port", "user", "folder"):
        type_into(dialog, field, values[field])
    dialog.form.set_setting("host_key", values["host_key"])
    choice = dialog.form.entry("sign_in").control
    choice._buttons[values["sign_in"]].click()
    if values["sign_in"] == "key":
        path = tmp_path / "id_test"
        path.write_text(server.key)
        dialog.form.entry("private_key").picked.emit(path)
        bench.settle()
    return dialog


# A key at a vendor


def test_a_new_connection_is_tested_agreed_to_and_saved(bench, services, keyring, emulator, tmp_path):
    names = []
    dialog = mailchimp(bench, emulator, saved=names.append)
    assert nameless(dialog) == []
    assert dialog.title_label.words() == "Connect Mailchimp"
    assert not dialog.save_button.isEnabled()
    run_test(bench, dialog)
    assert dialog.note.accessibleName().startswith("Connected to “Northwind US” in ")
    assert "add and update members" in dialog.note.accessibleName()
    assert dialog.reason.words() == "Consent is missing"
    QTest.mouseClick(dialog.consent, Qt.MouseButton.LeftButton, pos=dialog.consent.rect().center())
    assert dialog.save_button.isEnabled()
    assert dialog.reason.words() == ""
    dialog.access._buttons["contributors"].click()
    dialog.save_button.click()
    bench.settle()
    [row] = services.connections.all()
    assert (row.connection.name, row.connection.access) == ("Mailchimp", Access.CONTRIBUTORS)
    assert row.health.state is HealthState.HEALTHY
    assert KEY in kept(keyring)
    assert names == ["Mailchimp"]
    assert bench.navigator.changes == ["connections"]
    written = b"".join(p.read_bytes() for p in (tmp_path / "ws").rglob("*") if p.is_file())
    assert KEY.encode() not in written
    assert emulator.url.encode() in written  # the scan would find it


def test_a_wrong_key_is_told_and_not_saved(bench, emulator):
    dialog = mailchimp(bench, emulator, "f" * 32 + "-us21")
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    assert dialog.note.accessibleName().startswith("Not connected. Mailchimp does not accept")
    assert not dialog.save_button.isEnabled()
    assert "f" * 32 not in dialog.note.accessibleName()


def test_a_key_of_the_wrong_form_is_told_when_the_field_is_left(bench, emulator):
    dialog = mailchimp(bench, emulator, "abc")
    assert dialog.form.entry("api_key").error().startswith("3 characters; Mailchimp keys have 36 or 37")
    before = len(emulator.requests)
    run_test(bench, dialog)
    assert len(emulator.requests) == before
    assert bench.window.focusWidget() is dialog.form.entry("api_key").focusProxy()
    assert not dialog.note.isVisible()


def test_editing_takes_the_result_away(bench, emulator):
    dialog = mailchimp(bench, emulator)
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    assert dialog.save_button.isEnabled()
    type_into(dialog, "api_key", KEY[:-1] + "2")
    assert not dialog.note.isVisible()
    assert not dialog.save_button.isEnabled()
    assert dialog.reason.words() == "Test it first."


def test_saving_without_a_test_is_in_the_menu(bench, services, emulator):
    dialog = mailchimp(bench, emulator)
    assert not dialog.save_more.isEnabled()
    dialog.consent.set_agreed(True)
    dialog.save_more.click()
    bench.choose("Save without test")
    assert services.connections.get("Mailchimp").health.state is HealthState.NOT_TESTED


def test_a_stored_secret_is_never_shown_and_can_be_replaced(bench, services, keyring, emulator):
    services.connections.add(
        "News", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
    )
    dialog = opened(bench, name="News")
    assert dialog.title_label.words() == "Edit News"
    field = dialog.form.entry("api_key")
    assert isinstance(field, SecretField)
    assert field.is_stored()
    assert all(KEY[:6] not in line.text() for line in dialog.findChildren(QLineEdit))
    run_test(bench, dialog)  # with the stored key
    assert dialog.note.accessibleName().startswith("Connected to")
    field._replace.click()
    assert not dialog.note.isVisible()
    other = "a" * 32 + "-us21"
    type_into(dialog, "api_key", other)
    dialog.save_more.click()
    bench.choose("Save without test")
    assert other in kept(keyring)
    assert KEY not in kept(keyring)


def test_a_name_changes_without_a_test(bench, services, emulator):
    services.connections.add(
        "News", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
    )
    dialog = opened(bench, name="News")
    dialog.name_field.input.selectAll()
    QTest.keyClicks(dialog.name_field.input, "Letters")
    assert dialog.save_button.isEnabled()
    dialog.save_button.click()
    bench.settle()
    assert services.connections.exists("Letters")
    assert not services.connections.exists("News")


def test_consent_can_be_given_anew(bench, services, emulator):
    services.connections.add(
        "News", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
    )
    before = services.connections.get("News").connection.consent
    dialog = opened(bench, name="News")
    assert before.by in dialog.consent.detail.words()
    dialog.consent.box.click()
    assert not dialog.save_button.isEnabled()
    dialog.consent.box.click()
    dialog.save_button.click()
    bench.settle()
    after = services.connections.get("News").connection
    assert after.consent.at > before.at


def test_names_are_unique_whatever_the_case(bench, services, emulator):
    services.connections.add("Mailchimp", "mailchimp", {}, {"api_key": KEY}, Access.ADMINS, agreed=True)
    dialog = opened(bench, "mailchimp")
    assert dialog.name_field.value() == "Mailchimp 2"
    dialog.name_field.input.setFocus()
    dialog.name_field.input.selectAll()
    QTest.keyClicks(dialog.name_field.input, "MAILCHIMP")
    dialog.form.entry("api_key").findChild(QLineEdit).setFocus()
    assert dialog.name_field.error() == "There is a connection of this name already."
    assert not dialog.save_more.isEnabled()


def test_a_secret_missing_here_is_asked_for(bench, services, keyring, emulator):
    services.connections.add(
        "News", "mailchimp", {"api_url": emulator.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
    )
    keyring.entries.clear()
    dialog = opened(bench, name="News")
    assert not dialog.form.entry("api_key").is_stored()
    assert "isn't on this computer" in dialog.note.accessibleName()
    type_into(dialog, "api_key", KEY)
    run_test(bench, dialog)
    dialog.save_button.click()
    bench.settle()
    assert services.connections.secrets_missing("News") == []


# No password store


def test_without_a_password_store_nothing_is_saved(bench, keyring, emulator):
    keyring.error = OSError("no such service")
    dialog = mailchimp(bench, emulator)
    dialog.consent.set_agreed(True)
    assert dialog.no_store.isVisible()
    run_test(bench, dialog)  # testing what is typed needs no store
    assert dialog.note.accessibleName().startswith("Connected to")
    assert not dialog.save_button.isEnabled()
    assert not dialog.save_more.isEnabled()
    assert dialog.reason.words() == "No password store"
    keyring.error = None
    dialog.no_store.secondary.click()
    bench.settle()
    assert not dialog.no_store.isVisible()
    assert dialog.save_button.isEnabled()


def test_a_store_that_breaks_while_saving_keeps_the_dialog_and_what_was_typed(bench, services, keyring, emulator):
    dialog = mailchimp(bench, emulator)
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    keyring.fail_from(1)
    dialog.save_button.click()
    bench.settle()
    assert dialog.isVisible()
    assert dialog.form.secrets() == {"api_key": KEY}
    assert services.connections.all() == []
    keyring.fail_from(None)
    dialog.save_button.click()
    bench.settle()
    assert services.connections.exists("Mailchimp")


# A folder


def test_a_folder_is_picked_and_needs_no_password_store(bench, services, keyring, tmp_path):
    keyring.error = OSError("no such service")
    dialog = opened(bench, "local-folder")
    assert not dialog.no_store.isVisible()
    dialog.form.entry("folder").browse.click()
    picker = dialog.findChild(QFileDialog)
    assert picker is not None
    picker.fileSelected.emit(str(tmp_path / "out"))
    picker.reject()
    assert dialog.form.settings() == {"folder": str(tmp_path / "out"), "place": "computer"}
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    dialog.save_button.click()
    bench.settle()
    assert services.connections.get("Local folder").health.state is HealthState.HEALTHY


def test_a_folder_that_cannot_be_made_is_told(bench, tmp_path):
    (tmp_path / "file").write_text("")
    dialog = opened(bench, "local-folder")
    type_into(dialog, "folder", str(tmp_path / "file" / "below"))
    run_test(bench, dialog)
    assert dialog.note.accessibleName().startswith("Not connected")


# A server


def test_fields_come_and_go_with_the_way_to_sign_in(bench):
    dialog = opened(bench, "sftp")
    assert dialog.form.entry("password").isVisible()
    assert not dialog.form.entry("private_key").isVisible()
    dialog.form.entry("sign_in").control._buttons["key"].click()
    assert not dialog.form.entry("password").isVisible()
    assert dialog.form.entry("private_key").isVisible()
    assert dialog.form.entry("passphrase").isVisible()
    assert dialog.form.entry("port").y() == dialog.form.entry("host").y()
    dialog.form.entry("sign_in").control._buttons["password"].click()
    type_into(dialog, "password", "abc")
    dialog.form.entry("sign_in").control._buttons["key"].click()
    assert dialog.form.secrets() == {}  # what is not on screen is not sent


@needs_sshd
def test_an_unknown_server_is_compared_trusted_and_the_test_goes_on(bench, services, server, tmp_path):
    dialog = sftp(bench, server, tmp_path, host_key="")
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    assert server.fingerprint in dialog.note.accessibleName()
    assert not dialog.save_button.isEnabled()
    assert "trusted" not in dialog.subtitle_label.words()
    dialog.note.primary.click()
    bench.settle()
    assert dialog.note.accessibleName().startswith("Connected to")
    assert server.fingerprint[:12] in dialog.subtitle_label.words()
    dialog.save_button.click()
    bench.settle()
    assert services.connections.get("SFTP").connection.settings["host_key"].split()[:2] == server.host_key.split()[:2]


@needs_sshd
def test_a_changed_key_blocks_and_shows_both_fingerprints(bench, server, tmp_path):
    other = openssh.start(tmp_path / "other")
    other.stop()
    dialog = sftp(bench, server, tmp_path, host_key=other.host_key)
    dialog.consent.set_agreed(True)
    run_test(bench, dialog)
    told = dialog.note.accessibleName()
    assert server.fingerprint in told
    assert other.fingerprint in told
    assert not dialog.note.primary.isVisible()
    assert not dialog.save_more.isEnabled()
    assert dialog.reason.words() == "The server's key changed"
    type_into(dialog, "user", "somebody")  # does not lift it
    assert not dialog.save_more.isEnabled()
    dialog.form.unfold(True)
    type_into(dialog, "host_key", server.host_key)
    assert dialog.save_more.isEnabled()


@needs_sshd
@pytest.mark.skipif(shutil.which("useradd") is None, reason="a user of the system is made")
def test_a_wrong_password_is_told_beside_the_form(bench, server, tmp_path):

    if not IS_ROOT:
        pytest.skip("a user of the system is made, which needs root")
    with openssh.password_user() as (user, password):
        dialog = sftp(bench, server, tmp_path, user=user, sign_in="password", folder="")
        type_into(dialog, "password", "wrong one")
        run_test(bench, dialog)
        told = dialog.note.accessibleName()
        assert told.startswith("Not connected")
        assert "wrong one" not in told
        type_into(dialog, "password", password)
        run_test(bench, dialog)
        assert dialog.note.accessibleName().startswith("Connected to")


def test_a_passphrase_that_does_not_open_the_key_is_told_at_its_field(bench, tmp_path):
    import asyncssh

    path = tmp_path / "id_locked"
    path.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="right"))
    dialog = opened(bench, "sftp")
    type_into(dialog, "host", "sftp.example")
    type_into(dialog, "user", "me")
    dialog.form.entry("sign_in").control._buttons["key"].click()
    field = dialog.form.entry("private_key")
    assert isinstance(field, SecretFileField)
    field.picked.emit(path)
    bench.settle()
    assert field.input.text() == "id_locked"
    type_into(dialog, "passphrase", "wrong")
    run_test(bench, dialog)
    assert "doesn't open this key" in dialog.form.entry("passphrase").error()


def test_something_else_than_a_key_file_is_refused(bench, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\xff" * 100_000)
    dialog = opened(bench, "sftp")
    dialog.form.entry("sign_in").control._buttons["key"].click()
    dialog.form.entry("private_key").picked.emit(path)
    bench.settle()
    assert "film.mp4 is not a key file" in dialog.form.entry("private_key").error()
    assert dialog.form.secrets() == {}


# The dialog itself


def test_closing_ends_what_runs_and_frees_the_dialog(bench, emulator, keyring):
    dialog = mailchimp(bench, emulator)
    gone = []
    dialog.destroyed.connect(lambda: gone.append(True))
    keyring.gate.clear()
    dialog._probe()
    dialog.test_button.click()
    QApplication.processEvents()
    assert not dialog.test_button.isEnabled()
    dialog.reject()
    assert dialog._jobs == set()
    del dialog
    keyring.gate.set()
    bench.settle()
    bench.wait(lambda: gone == [True])


def test_the_test_can_be_stopped(bench, services, emulator, monkeypatch):
    import time

    def endless(*_values):
        while True:
            time.sleep(0.01)
            _values[-1].check()

    dialog = mailchimp(bench, emulator)
    monkeypatch.setattr(services.connections, "test_draft", endless)
    dialog.test_button.click()
    QApplication.processEvents()
    assert dialog.stop_button.isVisible()
    dialog.stop_button.click()
    bench.settle()
    assert dialog.test_button.isEnabled()
    assert not dialog.stop_button.isVisible()
    assert not dialog.note.isVisible()


def test_who_may_not_change_connections_is_told_instead(bench, services):
    services.roles.set_role(Role.CONTRIBUTOR)
    ConnectionDialog(bench.context, "mailchimp", opener=bench.window).open()
    bench.settle()
    [error] = bench.navigator.errors
    assert isinstance(error, NotAllowed)
    bench.navigator.errors.clear()
    assert not [d for d in bench.window.findChildren(ConnectionDialog) if d.isVisible()]


def test_enter_in_a_field_tests_and_then_saves(bench, services, tmp_path):
    dialog = opened(bench, "local-folder")
    type_into(dialog, "folder", str(tmp_path / "out"))
    dialog.consent.set_agreed(True)
    line = dialog.form.entry("folder").input
    line.setFocus()
    QTest.keyClick(line, Qt.Key.Key_Return)
    bench.settle()
    assert dialog.note.accessibleName().startswith("Connected to")
    assert services.connections.all() == []
    QTest.keyClick(line, Qt.Key.Key_Return)
    bench.settle()
    assert services.connections.exists("Local folder")
