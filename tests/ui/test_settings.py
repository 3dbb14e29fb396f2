from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Services
from app.core.engine_limits import EngineLimits
from app.core.roles import Role
from app.ui.pages.settings import SettingsPage
from app.ui.preferences import Preferences
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def page(bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingsPage:
    return bench.show(SettingsPage(bench.context, Preferences(tmp_path / "window.ini")))


def leave(field, text: str) -> None:
    field.setText(text)
    field.editingFinished.emit()


def test_the_limits_of_the_engine_are_saved_and_undone(bench, page):
    service = bench.services.engine_limits
    before, cores = service.limits(), service.computer().cores
    assert (page.limits.memory.text(), page.limits.threads.text()) == (str(before.memory_gb), str(before.threads))
    wanted = 1 if before.threads > 1 else cores
    leave(page.limits.threads, str(wanted))
    bench.settle()
    assert service.limits() == EngineLimits(before.memory_gb, wanted)
    if wanted != before.threads:
        bench.navigator.toasts[-1].undo()
        bench.settle()
    assert service.limits() == before
    assert nameless(page) == []


def test_more_than_the_computer_has_is_said_in_place(bench, page):
    before = bench.services.engine_limits.limits()
    leave(page.limits.threads, "0")
    assert page.limits._error.isVisibleTo(page)
    assert "threads" in page.limits._error.words()
    leave(page.limits.threads, str(before.threads))
    assert not page.limits._error.isVisibleTo(page)
    leave(page.limits.memory, "99999")
    bench.settle()
    assert "GB" in page.limits._error.words()
    assert bench.services.engine_limits.limits() == before


def test_others_look_and_change_nothing(bench, page):
    bench.services.roles.set_role(Role.VIEWER)
    bench.navigator.changed("roles")
    bench.settle()
    assert not page.limits.memory.isEnabled()
    assert not page._audit_line.isVisibleTo(page)


def test_how_long_receipts_are_kept_is_saved_and_undone(bench, page):
    retention = bench.services.retention
    page.retention.selects["receipts"].chosen.emit("730")
    bench.settle()
    assert retention.get().receipts == 730
    assert page.retention.selects["receipts"].current_key() == "730"
    assert bench.navigator.toasts[-1].text == "Kept for 730 days from now on"
    bench.navigator.toasts[-1].undo()
    bench.settle()
    assert retention.get().receipts == 90


def test_who_may_not_change_settings_sees_the_days(bench, page):
    bench.services.roles.set_role(Role.CONTRIBUTOR)
    page.refresh()
    bench.settle()
    assert not any(select.isEnabled() for select in page.retention.selects.values())
