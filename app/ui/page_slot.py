"""The place of a page in the window: the page is imported and made when it is first shown."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import Area

log = logging.getLogger(__name__)

SKELETON_AFTER_MS = 200


class PageSlot(Area):
    """Empty until `fill`; a skeleton after 200 ms; then the page, made when it first comes to the front."""

    def __init__(self, theme: Theme, words: str) -> None:
        super().__init__(theme)
        self._theme = theme
        self._words = words
        self._make: Callable[[], QWidget] | None = None
        self._page: QWidget | None = None
        self._stack = QStackedLayout(self)
        self._stack.addWidget(QWidget())
        QTimer.singleShot(SKELETON_AFTER_MS, self, self._show_skeleton)

    def fill(self, make: Callable[[], QWidget]) -> None:
        """Say how the page is made; it is made now when the slot is in front."""
        self._make = make
        if self.isVisible():
            QTimer.singleShot(0, self, self.page)  # a turn of its own: opening a workspace must not stall the window

    def page(self) -> QWidget | None:
        """Return the page, made on first use; None before `fill`, and when it could not be made."""
        if self._page is None and self._make is not None:
            try:
                self._page = self._make()
            except Exception:
                # One page that cannot be made must not take the window with it.
                log.exception("The page %s could not be made.", self._words)
                self._show(self._failure())
            else:
                self._show(self._page)
        return self._page

    def made(self) -> QWidget | None:
        """Return the page if it was made already."""
        return self._page

    def clear(self) -> None:
        """Forget the page: another workspace comes."""
        self._make = None
        self._page = None
        self._show(QWidget())

    def showEvent(self, event: QShowEvent) -> None:
        """Make the page when it comes to the front."""
        super().showEvent(event)
        self.page()

    def _show(self, widget: QWidget) -> None:
        self._stack.addWidget(widget)
        self._stack.setCurrentWidget(widget)
        for i in reversed(range(self._stack.count())):
            other = self._stack.widget(i)
            if other is not None and other is not widget:
                self._stack.removeWidget(other)
                other.deleteLater()

    def _show_skeleton(self) -> None:
        if self._page is None and self._make is None:
            from app.ui.widgets.states import Loading

            host = QWidget()
            layout = QVBoxLayout(host)  # a stacked layout has no margins
            layout.setContentsMargins(24, 96, 24, 24)
            words = self.tr("Opening the workspace")
            layout.addWidget(Loading(self._theme, words, rows=6, row_height=52, cancellable=False))
            layout.addStretch(1)
            self._show(host)

    def _failure(self) -> QWidget:
        from app.ui.widgets.states import EmptyState

        failure = EmptyState(
            self._theme,
            self.tr("This page can't be shown."),
            self.tr("A part of Sendoff is missing or broken; the log says which. The other pages work."),
            icon="warning-circle-fill",
            icon_role="danger",
            primary=self.tr("Try again"),
        )
        failure.primary_clicked.connect(self.page)
        return failure
