from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.core.run_differences import Side
from app.core.runs import Run
from app.ui.dialogs.segment_change import SegmentChangeDialog
from app.ui.pages.compare import ComparePage
from app.ui.pages.compare.parts import ReasonBar
from app.ui.pages.runs import RunsPage
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Label
from tests.services.history import GERMANY, History, history_in
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


@pytest.fixture
def runs(history: History) -> list[Run]:
    """Three runs: two join and one leaves with the second, one has another name with the third."""
    done = [history.run()]
    history.customers({0: ("DE", "Ann"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann"), 4: ("DE", "Ann")})
    done.append(history.run())
    history.customers({0: ("DE", "Eve"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann"), 4: ("DE", "Ann")})
    done.append(history.run())
    return done


@pytest.fixture
def bench(history: History, theme, runner) -> Iterator[PageBench]:
    with page_bench(history.services, theme, runner) as made:
        yield made


def shown(bench: PageBench, runs: list[Run], focus: str = "") -> ComparePage:
    page = bench.show(ComparePage(bench.context))
    page.activate(focus or f"{runs[0].id} {runs[2].id}")
    bench.settle()
    return page


def figures(page: ComparePage) -> list[str]:
    return [page._figures.itemAtPosition(0, at).widget().words() for at in range(5)]


def members(page: ComparePage) -> list[str]:
    return [row.member.member for row in page.table.rows_model.rows]


def test_numbers_reasons_and_members_are_those_of_the_two_runs(bench, runs):
    page = shown(bench, runs)
    assert figures(page) == ["+1", "2", "1", "2", "1"]
    assert sorted(members(page)) == ["C-0", "C-1", "C-3", "C-4"]
    assert sum(page.joined.shown.values()) == 2
    assert page.left.shown == {"Country is no longer DE": 1}
    assert page.pick_a.accessibleDescription().endswith("3 in the audience")
    assert not page._missing.isVisible()
    assert nameless(page) == []


def test_swapping_turns_what_is_only_in_a_and_only_in_b(bench, runs):
    page = shown(bench, runs)
    page.swap.click()
    bench.settle()
    assert figures(page) == ["−1", "1", "2", "2", "1"]
    page.chips._buttons[Side.LEFT].click()
    bench.settle()
    assert members(page) == ["C-1"]
    assert page._where(page.table.rows_model.rows[0].member).text == "Only in B"


def test_chips_and_search_look_among_the_same_members(bench, runs):
    page = shown(bench, runs)
    page.chips._buttons[Side.JOINED].click()
    bench.settle()
    assert members(page) == ["C-3", "C-4"]
    page.search_field.setText("c-4")
    bench.wait(lambda: members(page) == ["C-4"])
    page.chips._buttons["all"].click()
    page.search_field.setText("")
    bench.wait(lambda: len(members(page)) == 4)


def test_the_chart_chooses_runs_by_keys_and_pointer(bench, runs):
    page = shown(bench, runs)
    page.chart.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(page.chart, Qt.Key.Key_Left)
    bench.settle()
    assert (page._asked.a, page._asked.b) == (runs[0].id, runs[1].id)
    assert figures(page) == ["+1", "2", "1", "2", "0"]
    QTest.keyClick(page.chart, Qt.Key.Key_Right)
    bench.settle()
    QTest.keyClick(page.chart, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    bench.settle()
    assert (page._asked.a, page._asked.b) == (runs[1].id, runs[2].id)
    place = page.chart._places()[0].toPoint()
    QTest.mouseClick(page.chart, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(place))
    bench.settle()
    assert (page._asked.a, page._asked.b) == (runs[0].id, runs[2].id)


def test_another_run_is_picked_from_the_list(bench, runs):
    page = shown(bench, runs, runs[2].id)
    assert page._asked.a == runs[1].id
    page.pick_a.click()
    first = bench.menu().actions()[-1].text()
    bench.choose(first)
    assert page._asked.a == runs[0].id


def test_who_differs_is_saved(bench, runs, tmp_path):
    page = shown(bench, runs)
    page.save.click()
    QApplication.processEvents()
    dialog = next(d for d in bench.window.findChildren(QFileDialog) if d.isVisible())
    dialog.fileSelected.emit(str(tmp_path / "difference.csv"))
    dialog.close()
    bench.settle()
    rows = list(csv.reader((tmp_path / "difference.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 5
    assert [toast.text for toast in bench.navigator.toasts] == ["Saved 4 members to difference.csv."]


def test_a_first_run_has_nothing_to_be_compared_with(bench, runs):
    page = shown(bench, runs, runs[0].id)
    assert page._error.accessibleName().startswith("There is no run to compare with.")
    page._error.primary_clicked.emit()
    assert bench.navigator.pages[-1] == ("runs", runs[0].id)


def test_a_run_leads_to_the_comparison(bench, runs):
    page = bench.show(RunsPage(bench.context))
    page._details.compare.click()
    assert bench.navigator.pages[-1] == ("compare", runs[2].id)
    page.activate(runs[0].id)
    bench.settle()
    assert not page._details.compare.isVisible()


def test_two_selected_runs_are_compared(bench, runs):
    page = bench.show(RunsPage(bench.context))
    assert page._details.compare.text() == "Compare with the run before"
    page._list.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(2):
        QTest.keyClick(page._list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    bench.settle()
    marked = {run.id for run in page._list.marked()}
    if len(marked) == 3:  # a title of a day lies between them or not
        QTest.keyClick(page._list, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        bench.settle()
    assert page._details.compare.text() == "Compare the two selected runs"
    page._details.compare.click()
    name, focus = bench.navigator.pages[-1]
    assert (name, focus) == ("compare", f"{runs[1].id} {runs[2].id}")


def test_a_long_reason_takes_lines_beside_its_number(theme, qtbot):
    words = "The country of the customer is no longer one of Germany, Austria, Switzerland or the Netherlands"
    bars = [ReasonBar(theme, said, "149", 0.5, "danger_fill") for said in ("First order", words)]
    for bar in bars:
        qtbot.addWidget(bar)
    short, long = (bar.heightForWidth(220) for bar in bars)
    assert short == 36
    assert long >= 36 + 2 * 20


def test_the_segment_change_is_shown_only_when_something_changed_and_leads_to_it(bench, history):
    def links() -> list[Button]:
        layout = page._configuration
        inner = (layout.itemAt(at).layout() for at in range(layout.count()))
        return [each.itemAt(0).widget() for each in inner if each is not None]

    runs = [history.run(), history.run()]
    page = shown(bench, runs, f"{runs[0].id} {runs[1].id}")
    assert links() == []
    rules = [{"all": [{"field": "Customer.Country", "is_one_of": ["DE", "AT"]}]}]
    history.services.segments.save({**GERMANY, "rules": rules})
    runs.append(history.run())
    page.activate(f"{runs[2].id} {runs[0].id}")
    bench.settle()
    [link] = links()
    assert link.text() == "Show the segment change"
    link.click()
    dialog = next(d for d in bench.window.findChildren(SegmentChangeDialog) if d.isVisible())
    bench.wait(lambda: dialog.segment.isVisible())
    told = {
        card.accessibleName()[4]: [label.words() for label in card.findChildren(Label)][1:]
        for card in (dialog.before, dialog.after)
    }
    assert told == {"B": ["Those where Customer Country is DE."], "A": ["Those where Customer Country is DE or AT."]}
    assert dialog.who.words().startswith("Saved by ")
    assert nameless(dialog) == []
    dialog.trail.click()
    assert bench.navigator.pages[-1] == ("audit", "Germany")
