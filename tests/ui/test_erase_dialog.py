from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from app.core.retention import Retention
from app.core.roles import Role
from app.ui.dialogs.erase import EraseDialog
from app.ui.pages.retention_part import RetentionPart
from app.ui.pages.suppression import SuppressionPage
from tests.services.history import History, history_in
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


@pytest.fixture
def bench(history: History, theme, runner) -> Iterator[PageBench]:
    with page_bench(history.services, theme, runner) as made:
        yield made


def opened(bench: PageBench) -> EraseDialog:
    page = bench.show(SuppressionPage(bench.context))
    page.imports.erase_button.click()
    return bench.dialog()


def test_a_person_is_looked_for_erased_and_what_is_left_is_told(bench, history):
    history.run()
    dialog = opened(bench)
    assert not dialog.look.isEnabled()
    QTest.keyClicks(dialog.value.input, "p1@example.com")
    dialog.look.click()
    bench.settle()
    assert {fact.label: fact.value for fact in dialog.found.facts()} == {
        "Notes of what destinations hold, Letter": "1",
        "Changes by runs, Letter": "1",
    }
    assert "Still at Mail: the next run of Letter takes them out" in dialog.rest.words()
    assert "Still in the table Customer" in dialog.rest.words()
    assert nameless(dialog) == []
    dialog.erase.click()
    bench.settle()
    assert dialog.told.isVisible()
    assert dialog.told.accessibleName().endswith("They are on the suppression list now.")
    assert not dialog.erase.isEnabled()
    assert history.services.suppression.numbers().entries == 1
    QTest.keyClicks(dialog.value.input, "x")
    assert not dialog.told.isVisible()
    dialog.reject()


def test_nobody_found_and_what_can_not_be_is_said(bench, history, monkeypatch):
    dialog = opened(bench)
    QTest.keyClicks(dialog.value.input, "nobody@example.com")
    dialog.look.click()
    bench.settle()
    assert dialog.rest.words() == "No trace of this person was found."
    dialog.value.input.clear()
    QTest.keyClicks(dialog.value.input, "C-77")
    dialog.look.click()
    bench.settle()
    assert not dialog.suppress.isVisible()
    assert "A key can’t be put on the suppression list" in dialog.rest.words()
    run = history.run()
    monkeypatch.setattr(history.store.runs, "running", lambda: [run])
    dialog.erase.click()
    bench.settle()
    assert dialog.problem.isVisible()
    dialog.reject()


def test_who_may_not_change_the_list_has_no_such_button(bench, history):
    history.services.roles.set_role(Role.CONTRIBUTOR)
    page = bench.show(SuppressionPage(bench.context))
    assert not page.imports.erase_button.isVisible()


def test_days_are_chosen_by_kind(bench):
    part = RetentionPart(bench.context, bench.window)
    part.show_retention(Retention(rejects=33), may_change=True)
    assert part.selects["rejects"].current_key() == "33"
    told: list[tuple[str, int]] = []
    part.chosen.connect(lambda kind, days: told.append((kind, days)))
    part.selects["receipts"].chosen.emit("365")
    part.selects["runs"].chosen.emit("90")
    assert told == [("receipts", 365)]
    part.show_retention(Retention(), may_change=False)
    assert not any(select.isEnabled() for select in part.selects.values())
