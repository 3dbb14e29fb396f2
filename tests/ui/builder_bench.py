"""A person at the builder of segments: clicks, keys and what is read from the screen; and plain SQL to check counts by.

Import the fixtures into the module that needs them: `from tests.ui.builder_bench import bench, desk  # noqa: F401`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.bootstrap import Services
from app.ui.pages.segments import SegmentsPage
from app.ui.pages.segments.condition_row import ConditionRow
from app.ui.pages.segments.group_rows import GroupBox
from app.ui.widgets.picker import Picker
from app.ui.widgets.value_picker import ValuePicker
from tests.ui.page_bench import PageBench, page_bench


class BuilderBench:
    """Acts on a page of segments."""

    def __init__(self, bench: PageBench, page: SegmentsPage) -> None:
        self.bench = bench
        self.page = page
        self.view = page.builder
        self.state = page.state
        self.state._looking._timer.setInterval(20)  # the pause after typing is long in a test

    def settle(self) -> None:
        """Wait until every number belongs to the draft."""
        self.bench.settle()
        self.bench.wait(self.page.settled)
        self.bench.settle()

    def new(self, words: str = "Rules about customers") -> None:
        """Begin a new segment."""
        self.menu(self.page._new, words)

    def row(self, *place: int) -> ConditionRow:
        """The condition at a place, as it is on screen."""
        card = self.view.slots[place[0]].card
        return next(line for line in card.group.rows() if line.place == place)

    def box(self, *place: int) -> GroupBox:
        """The box of a nested group."""
        found = [box for box in self.view.findChildren(GroupBox) if box.place == place and not box.isHidden()]
        assert len(found) == 1
        return found[0]

    def pick(self, picker: Picker, words: str) -> None:
        """Open a picker, type, and take the first entry that is exactly so."""
        picker.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(picker, Qt.Key.Key_Down)
        popup = picker.popup
        assert popup is not None
        item = next(i for i in popup._items.items if i.text == words)
        assert item.enabled
        QTest.keyClicks(popup.search, words)
        while popup.list.currentIndex().data() != words:
            QTest.keyClick(popup.search, Qt.Key.Key_Down)
        QTest.keyClick(popup.search, Qt.Key.Key_Return)
        self._in_front()

    def choose(self, picker: Picker, words: str) -> None:
        """Pick an entry without its list."""
        item = next(item for item in picker._items if item.text == words)
        assert item.enabled
        picker._on_picked(item.key)

    def values(self, picker: ValuePicker, *values: str) -> None:
        """Open a list of values, wait for the frequent ones, and take these, clicking what is there and typing the rest."""
        picker.click()
        popup = picker.popup
        assert popup is not None
        self.bench.wait(lambda: popup._hint.words() != "Looking for frequent values")
        for value in values:
            row = next((i for i, item in enumerate(popup._model.items) if item.words == value), None)
            if row is None:
                QTest.keyClicks(popup.search, value)
                QTest.keyClick(popup.search, Qt.Key.Key_Return)
            else:
                place = popup.list.visualRect(popup._model.index(row)).center()
                QTest.mouseClick(popup.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
        if picker.popup is not None:
            QTest.keyClick(popup.search, Qt.Key.Key_Escape)
        self._in_front()

    def _in_front(self) -> None:
        """Off screen nobody brings the window back to the front after a popup, and one opened before it is would close."""
        for _ in range(3):
            QTest.qWait(5)
            self.bench.window.activateWindow()
            assert QTest.qWaitForWindowActive(self.bench.window, 60_000)

    def type(self, field: Any, text: str) -> None:
        """Write into a field in place of what stands there."""
        field.setFocus(Qt.FocusReason.TabFocusReason)
        field.selectAll()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    def menu(self, button: Any, words: str) -> None:
        """Click a button and choose from its menu, without waiting for jobs."""
        button.click()
        menu = self.bench.menu()
        action = next(a for a in menu.actions() if a.text() == words)
        assert action.isEnabled()
        menu.close()
        action.trigger()

    def count(self) -> str:
        """The number in the panel."""
        return self.view.panel.number.words()

    def rule_counts(self) -> list[str]:
        """The number of each card."""
        return [slot.card.count.words() for slot in self.view.slots]

    def steps(self) -> list[tuple[str, str]]:
        """What each rule does and what is left after it."""
        return [(step._what.words(), step._number.words()) for step in self.view.panel._steps]

    def reach(self) -> dict[str, str]:
        """Who can be reached."""
        return {fact.label: fact.value for fact in self.view.panel.reach.facts()}


def ask(source: Path, query: str) -> int:
    """A number straight from the CSV files, without any of our code."""
    with duckdb.connect() as connection:
        for name in ("Customer", "Orders"):
            file = (source / f"{name}.csv").as_posix()
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{file}')")
        ((found,),) = connection.execute(query).fetchall()
    return int(found)


@pytest.fixture
def bench(small_services: Services, theme, runner) -> Iterator[PageBench]:
    with page_bench(small_services, theme, runner) as made:
        yield made


@pytest.fixture
def desk(bench) -> BuilderBench:
    made = BuilderBench(bench, bench.show(SegmentsPage(bench.context)))
    made.settle()
    return made
