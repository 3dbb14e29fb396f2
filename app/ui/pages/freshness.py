"""Keeps a page true to the workspace without work that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, SignalInstance
from PySide6.QtWidgets import QWidget

from app.ui.context import EVERYTHING


class Freshness(QObject):
    """Refreshes a page when one of its topics changed: at once while it is in front, else when it comes to the front.

    A wizard that counts writes to the workspace with every count: pages behind it must not read all they show each time.
    """

    def __init__(
        self, page: QWidget, noticed: SignalInstance, topics: Iterable[str], refresh: Callable[[], None]
    ) -> None:
        super().__init__(page)
        self._page = page
        self._topics = {*topics, "roles", EVERYTHING}
        self._refresh = refresh
        self._stale = False
        noticed.connect(self._on_noticed)
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Refresh a page that comes to the front and missed something."""
        if self._stale and event.type() is QEvent.Type.Show:
            self._stale = False
            self._refresh()
        return super().eventFilter(watched, event)

    def _on_noticed(self, what: str) -> None:
        if what not in self._topics:
            return
        if self._page.isVisible():
            self._refresh()
        else:
            self._stale = True
