"""One page in a window of its own: real services and jobs, and a navigator that remembers what it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QEvent, QLocale, QObject, QPoint, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QVBoxLayout, QWidget

from app.bootstrap import Services
from app.ui.context import WindowContext
from app.ui.formats import Formats
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.menus import Menu
from app.ui.widgets.table import DataTable


@dataclass
class Toast:
    text: str
    undo: Callable[[], None] | None
    kind: str


class PageNavigator(QObject):
    """Fulfils `Navigator`; `changed` tells the pages at once, as the window does."""

    noticed = Signal(str)
    runs_updated = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[tuple[str, str | None]] = []
        self.toasts: list[Toast] = []
        self.errors: list[BaseException] = []
        self.changes: list[str] = []
        self.dialogs: list[tuple[str | None, str | None]] = []
        self.open_dialog: Callable[..., Any] | None = None

    def show_page(self, page_id: str, focus: str | None = None) -> None:
        self.pages.append((page_id, focus))

    def open_segment_wizard(self, export_name: str | None = None, destination_id: str | None = None) -> None:
        self.pages.append(("segment wizard", export_name or destination_id))

    def open_data_out_wizard(self, export_name: str | None = None) -> None:
        self.pages.append(("data-out wizard", export_name))

    def open_connection_dialog(
        self,
        destination_id: str | None = None,
        connection_name: str | None = None,
        on_saved: Callable[[str], None] | None = None,
    ) -> None:
        self.dialogs.append((destination_id, connection_name))
        if self.open_dialog is not None:
            self.open_dialog(destination_id, connection_name, on_saved)

    def leave_wizard(self) -> None:
        self.pages.append(("", None))

    def toast(self, text: str, undo: Callable[[], None] | None = None, kind: str = "success") -> None:
        self.toasts.append(Toast(text, undo, kind))

    def show_error(self, error: BaseException, parent: QWidget) -> None:
        self.errors.append(error)

    def changed(self, what: str) -> None:
        self.changes.append(what)
        self.noticed.emit(what)


class StrayWindows(QObject):
    """Remembers every window that came up and is no dialog, menu or tooltip: a widget that was shown before it had a parent."""

    def __init__(self, expected: QWidget) -> None:
        super().__init__()
        self.expected = expected
        self.found: list[str] = []
        QApplication.instance().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if (
            event.type() == QEvent.Type.Show
            and isinstance(watched, QWidget)
            and watched.isWindow()
            and watched is not self.expected
            and not isinstance(watched, QMenu | QFileDialog)
            and watched.windowType() not in (Qt.WindowType.ToolTip, Qt.WindowType.Popup)
        ):
            self.found.append(f"{type(watched).__name__} {watched.accessibleName()}")
        return False


@dataclass
class PageBench:
    """The window, what its page was given, and the ways a person acts on it."""

    services: Services
    theme: Theme
    runner: JobRunner
    navigator: PageNavigator = field(default_factory=PageNavigator)
    window: QWidget = field(default_factory=QWidget)

    def __post_init__(self) -> None:
        self.stray = StrayWindows(self.window)
        formats = Formats(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
        self.context = WindowContext(self.services, self.runner, self.theme, self.navigator, formats)

    def show(self, page: Any, *, size: tuple[int, int] = (1152, 860)) -> Any:
        """Show the page, read what it shows, and return it."""
        layout = QVBoxLayout(self.window)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(page)
        self.open_window(size)
        page.activate()
        self.settle()
        return page

    def open_window(self, size: tuple[int, int] = (1152, 860)) -> None:
        """Show the window in front: only there do fields get and lose the focus."""
        self.window.resize(*size)
        self.window.show()
        self.window.activateWindow()
        assert QTest.qWaitForWindowActive(self.window, 60_000)

    def settle(self, seconds: float = 60) -> None:
        """Let every job end and every answer be shown."""
        for _ in range(50):
            assert self.runner.wait_idle(seconds)
            for _ in range(3):
                QApplication.processEvents()
            if self.runner.is_idle():
                return
        raise AssertionError("the page keeps asking")

    def wait(self, condition: Callable[[], Any], seconds: float = 60) -> None:
        """Let the window live until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "what the test waits for does not come"
            QTest.qWait(10)

    def click_cell(self, table: DataTable, key: str, column: str) -> None:
        """Click what acts in a cell: a link, a picker."""
        rect = table.rect_of(key, column)
        place = table.viewport().mapFromGlobal(rect.topLeft()) + QPoint(rect.width() // 2, rect.height() // 2)
        at = next(i for i, c in enumerate(table.columns) if c.key == column)
        if table.columns[at].align == "right":
            right = table.cell_padding(at)[1]
            right += 28 if table.columns[at].menu else 0
            place.setX(table.viewport().mapFromGlobal(rect.topRight()).x() - right - 12)
        QTest.mouseMove(table.viewport(), place)
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        QApplication.processEvents()

    def menu(self) -> Menu:
        """The menu that is open."""
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, Menu), "no menu is open"
        return menu

    def choose(self, words: str) -> None:
        """Choose an action of the open menu by its words."""
        menu = self.menu()
        action = next(a for a in menu.actions() if a.text() == words)
        assert action.isEnabled()
        menu.close()
        action.trigger()
        self.settle()

    def dialog(self) -> Any:
        """The dialog that is open."""
        found = [d for d in self.window.findChildren(Dialog) if d.isVisible()]
        assert len(found) == 1, f"{len(found)} dialogs are open"
        return found[0]

    def close(self) -> None:
        """Close the window with everything in it."""
        self.settle()
        for dialog in self.window.findChildren(Dialog):
            if dialog.isVisible():
                dialog.reject()
        QApplication.instance().removeEventFilter(self.stray)
        self.window.close()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@contextmanager
def page_bench(services: Services, theme: Theme, runner: JobRunner) -> Iterator[PageBench]:
    """A bench that is cleared away afterwards; no error may have been told without the test looking."""
    bench = PageBench(services, theme, runner)
    try:
        yield bench
    finally:
        bench.close()
    assert not bench.navigator.errors, bench.navigator.errors
    assert not bench.stray.found, bench.stray.found
