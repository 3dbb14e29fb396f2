"""Pages follow the workspace, but do nothing while nobody sees them; what they are made of is loaded beside the window."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.jobs import Cancelled, CancelToken, JobContext
from app.ui.context import EVERYTHING
from app.ui.pages.freshness import Freshness
from app.ui.preload import FIRST, LATER, load_later


class Teller(QObject):
    noticed = Signal(str)


def test_a_page_in_front_follows_its_topics(qtbot: QtBot) -> None:
    page, teller, done = QWidget(), Teller(), []
    qtbot.addWidget(page)
    Freshness(page, teller.noticed, ("runs",), lambda: done.append(1))
    page.show()
    for what in ("runs", "tables", "roles", EVERYTHING):
        teller.noticed.emit(what)
    assert len(done) == 3


def test_a_hidden_page_catches_up_once_when_it_comes_to_the_front(qtbot: QtBot) -> None:
    page, teller, done = QWidget(), Teller(), []
    qtbot.addWidget(page)
    Freshness(page, teller.noticed, ("runs",), lambda: done.append(1))
    for _ in range(5):
        teller.noticed.emit("runs")
    assert done == []
    page.show()
    assert done == [1]
    page.hide()
    page.show()
    assert done == [1]


def test_what_is_loaded_beside_the_window_is_there() -> None:
    assert all(find_spec(module) is not None for module in (*FIRST, *LATER))
    load_later(JobContext())
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        load_later(JobContext(token))
