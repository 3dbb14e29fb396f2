"""Fixtures of the window's tests: the theme, the job bridge, and a check that nothing is left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.jobs import Pools
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from tests import collector
from tests.ui.workspace import small_services  # noqa: F401 - a fixture of all tests of this folder


@pytest.fixture(scope="session")
def shared_theme(qapp: QApplication) -> Theme:
    theme = Theme(qapp, "light", qapp)
    theme.apply()
    return theme


@pytest.fixture
def theme(shared_theme: Theme) -> Iterator[Theme]:
    """The light theme; whatever a test changes is put back."""
    yield shared_theme
    shared_theme.motion.reduced = False
    shared_theme.set_choice("light")


class PatientBot(QtBot):
    """Waits as long as a busy computer may need; pytest-qt's own five seconds were over where other tests ran beside."""

    def waitUntil(self, callback: Any, *, timeout: int = 60_000) -> None:  # noqa: N802 - Qt's names
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = 60_000, **details: Any) -> Any:  # noqa: N802
        return super().waitSignal(signal, timeout=timeout, **details)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def runner(qapp: QApplication) -> Iterator[JobRunner]:
    """A real bridge with real threads, closed after the test."""
    bridge = JobRunner(Pools())
    yield bridge
    bridge.close()
    assert bridge.wait_idle(60)


@pytest.fixture(autouse=True)
def nothing_left_running(qapp: QApplication) -> Iterator[None]:
    """Fail when a test leaves a worker thread behind, and take away its widgets here, on the main thread."""
    before = set(threading.enumerate())
    yield
    collector.set_aside()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), f"{thread.name} still runs"
