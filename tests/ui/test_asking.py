"""What is asked before it is done: a consent to another connection, and a role that only an admin could give back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget

from app.bootstrap import Services
from app.core.connections import Access
from app.core.roles import Role
from app.ui.dialogs.attach import AttachDialog
from app.ui.pages.exports.actions import ExportActions
from app.ui.pages.exports.lines import ExportLine
from app.ui.pages.settings import SettingsPage
from app.ui.preferences import Preferences
from app.ui.widgets.dialogs import ConfirmDialog
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def bench(small_services: Services, theme, runner, tmp_path) -> Iterator[PageBench]:
    other = tmp_path / "other"
    other.mkdir()
    settings = {"folder": str(other)}
    small_services.connections.add("Other drive", "local-folder", settings, {}, Access.CONTRIBUTORS, agreed=True)
    with page_bench(small_services, theme, runner) as made:
        yield made


def test_another_connection_needs_a_consent_of_its_own(bench: PageBench) -> None:
    exports = bench.services.exports
    row = exports.all()[0]
    actions = ExportActions(bench.context, bench.show(Quiet()))
    actions._ask_attach(row.export.name, "Other drive")
    dialog = bench.dialog()
    assert isinstance(dialog, AttachDialog)
    assert dialog.windowTitle() == f"Attach “Other drive” to “{row.export.name}”?"
    assert not dialog.attach_button.isEnabled()
    dialog.consent.set_agreed(True)
    assert dialog.attach_button.isEnabled()
    dialog.consent.set_agreed(False)
    assert not dialog.attach_button.isEnabled()
    dialog.consent.set_agreed(True)
    dialog.attach_button.click()
    bench.settle()
    attached = exports.get(row.export.name)
    assert attached.connection is not None
    assert attached.connection.name == "Other drive"
    assert attached.export.consent is not None
    assert row.export.consent is not None
    assert attached.export.consent.at > row.export.consent.at


def test_taking_a_detach_back_keeps_the_consent(bench: PageBench) -> None:
    exports = bench.services.exports
    row = exports.all()[0]
    ExportActions(bench.context, bench.show(Quiet())).detach([ExportLine(row, None)])
    bench.settle()
    assert exports.get(row.export.name).connection is None
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert exports.get(row.export.name).export == row.export


def test_an_admin_is_asked_before_the_role_is_given_away(bench: PageBench, tmp_path: Path) -> None:
    page = bench.show(SettingsPage(bench.context, Preferences(tmp_path / "window.ini")))
    page._roles[Role.VIEWER].click()
    dialog = bench.dialog()
    assert isinstance(dialog, ConfirmDialog)
    dialog.reject()
    bench.settle()
    assert bench.services.roles.role() is Role.ADMIN
    assert page._roles[Role.ADMIN].isChecked()
    page._roles[Role.CONTRIBUTOR].click()
    bench.dialog().confirm_button.click()
    bench.settle()
    assert bench.services.roles.role() is Role.CONTRIBUTOR
    assert bench.navigator.toasts[-1].undo is None  # it could only fail
    assert not any(radio.isEnabled() for radio in page._roles.values() if radio is not page._roles[Role.CONTRIBUTOR])


class Quiet(QWidget):
    def activate(self) -> None:
        """The bench asks every page."""
