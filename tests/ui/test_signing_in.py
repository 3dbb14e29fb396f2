"""Signing in with the browser from the dialog of a connection, and what the list says of a sign-in that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QGuiApplication

from app.bootstrap import Services, create_workspace
from app.core.connections import Access, HealthState
from app.core.tokens import Tokens
from app.secrets.store import KeyringStore
from app.ui.dialogs.connection import ConnectionDialog
from app.ui.pages.connections import ConnectionsPage
from app.ui.widgets.columns import cell_detail, cell_text
from tests.fakes.keyrings import FakeKeyring
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.vendors.linkedin import LinkedInEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree


@pytest.fixture
def services(tmp_path) -> Iterator[Services]:
    secrets = KeyringStore("shop", backend=FakeKeyring())
    made = create_workspace(tmp_path / "ws", "Shop", "consumers", country_code="DE", secrets=secrets)
    yield made
    made.close()


@pytest.fixture
def bench(services, theme, runner) -> Iterator[PageBench]:
    with page_bench(services, theme, runner) as made:
        made.open_window((1100, 860))
        yield made


@pytest.fixture
def linkedin() -> Iterator[LinkedInEmulator]:
    with LinkedInEmulator() as made:
        yield made


def opened(bench: PageBench, linkedin: LinkedInEmulator) -> ConnectionDialog:
    """The dialog with everything filled in but the sign-in."""
    ConnectionDialog(bench.context, "linkedin-ads", opener=bench.window).open()
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, ConnectionDialog)
    root = linkedin.url.removesuffix("/rest")
    dialog.form.show_settings(
        {
            "sign_in_by": "browser",
            "client_id": CLIENT_ID,
            "api_url": linkedin.url,
            "authorize_url": f"{root}/oauth/v2/authorization",
            "token_url": f"{root}/oauth/v2/accessToken",
        }
    )
    secret = dialog.form.entry("client_secret")
    secret._input.setText(CLIENT_SECRET)
    return dialog


def browse(dialog: ConnectionDialog) -> list[str]:
    """Have the person's browser agree to whatever page it is shown."""
    pages: list[str] = []

    def open_page(page: QUrl) -> bool:
        pages.append(page.toString())
        threading.Thread(target=agree, args=(page.toString(),), daemon=True).start()
        return True

    dialog.sign_in._open_page = open_page
    return pages


def test_a_person_signs_in_and_the_account_is_named(bench, services, linkedin, qtbot):
    dialog = opened(bench, linkedin)
    field = dialog.form.sign_in_field("sign_in")
    assert field._sign_in.text() == "Sign in with LinkedIn…"
    assert nameless(dialog) == []
    pages = browse(dialog)
    field._sign_in.click()
    assert field.is_waiting()
    qtbot.waitUntil(lambda: dialog._tested is not None)
    assert len(pages) == 1
    assert not field.is_waiting()
    assert field._state.text() == "Signed in"
    assert dialog._tested.reached == "Northwind NW"
    dialog.consent.set_agreed(True)
    dialog._renew()
    dialog.save_button.click()
    bench.settle()
    (row,) = services.connections.all()
    assert row.connection.secrets == {"client_secret", "sign_in"}
    assert row.health.state is HealthState.HEALTHY
    days = (row.connection.sign_in_ends - datetime.now(UTC)).days
    assert days in {364, 365}


def test_an_incomplete_form_opens_no_page(bench, linkedin):
    dialog = opened(bench, linkedin)
    dialog.form.show_settings({"client_id": ""})
    pages = browse(dialog)
    dialog.form.sign_in_field("sign_in")._sign_in.click()
    bench.settle()
    assert pages == []
    assert dialog.form.entry("client_id").error() == "Client ID is needed."


def test_waiting_can_be_stopped_and_the_address_copied(bench, linkedin, qtbot):
    dialog = opened(bench, linkedin)
    field = dialog.form.sign_in_field("sign_in")
    pages: list[str] = []
    dialog.sign_in._open_page = lambda page: pages.append(page.toString()) or True
    field._sign_in.click()
    qtbot.waitUntil(lambda: bool(pages))
    field._link.click()
    assert QGuiApplication.clipboard().text() == pages[0]
    assert field._sign_in.text() == "Stop"
    field._sign_in.click()
    qtbot.waitUntil(lambda: not field.is_waiting())
    assert field.typed() is None


def test_a_refusal_is_told(bench, linkedin, qtbot):
    linkedin.sign_in.refuses = True
    dialog = opened(bench, linkedin)
    browse(dialog)
    dialog.form.sign_in_field("sign_in")._sign_in.click()
    qtbot.waitUntil(lambda: dialog.note.isVisible())
    assert "The user cancelled" in dialog.note.accessibleName() + dialog.note.accessibleDescription()


@pytest.mark.parametrize(
    ("days", "words", "action"),
    [(40, "Not tested yet", "Test"), (12, "Sign-in ends soon", "Renew"), (-1, "Sign-in ended", "Sign in again")],
)
def test_the_list_tells_when_a_sign_in_ends(bench, services, linkedin, days, words, action):
    tokens = Tokens("a", "r", None, datetime.now(UTC) + timedelta(days=days, hours=1))
    settings = {"sign_in_by": "browser", "client_id": CLIENT_ID}
    secrets = {"client_secret": CLIENT_SECRET, "sign_in": tokens.written()}
    services.connections.add("LinkedIn", "linkedin-ads", settings, secrets, Access.CONTRIBUTORS, agreed=True)
    page = bench.show(ConnectionsPage(bench.context))
    table = page.table.rows
    cells = {column.key: column.cell(table.row("LinkedIn")) for column in table.columns}
    assert cell_text(cells["health"]) == words
    assert cell_text(cells["action"]) == action
    assert cell_detail(cells["health"])
