"""The shell of the window: navigation, pages, toasts, palette, wizards over everything, remembered size.

window = MainWindow(theme, ini_path)
window.add_page("exports", window.tr("Exports"), "paper-plane-tilt", ExportsPage(theme, ...))
window.set_workspace("Northwind Retail", window.tr("Individual consumers"))
window.show()
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRect, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QWidget

from app.ui.navigation import CountTone, Navigation
from app.ui.theme import Theme
from app.ui.widgets.overlay import Scrim, focusable

if TYPE_CHECKING:
    from app.ui.widgets.palette import PaletteGroup, SearchPalette
    from app.ui.widgets.toasts import ToastHost

MINIMUM = QSize(1024, 700)
DEFAULT = QSize(1360, 860)
WIDE_FROM = 1200
FRAME_MS = 250
"""How long window managers take to put a frame around a new window."""
PRODUCT = "Sendoff"


class MainWindow(QMainWindow):
    """The window without its pages.

    F6 goes round the regions: navigation, then the widgets a page returns from an optional method `regions()`.

    Signals:
        page_changed(str): a page came to the front.
        workspace_asked, activity_asked, role_asked: clicks in the navigation (a click on activity also opens "runs").
        new_asked(bool): a new export by its keys, on whatever page; True for one of whole tables.
        help_asked(str): F1; what the person is at, as `help_topic()` of a dialog or wizard says, else the page.
        narrow_changed(bool): the window crossed 1200 px.

    Args:
        theme: the theme.
        ini: file that remembers size, position and page; never the global settings.
    """

    page_changed = Signal(str)
    workspace_asked = Signal()
    activity_asked = Signal()
    role_asked = Signal()
    new_asked = Signal(bool)
    help_asked = Signal(str)
    narrow_changed = Signal(bool)

    def __init__(self, theme: Theme, ini: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._settings = QSettings(str(ini), QSettings.Format.IniFormat)
        self._titles: dict[str, str] = {}
        self._widgets: dict[str, QWidget] = {}
        self._homes: dict[str, str] = {}
        self._page = ""
        self._workspace = ""
        self._fitted = False
        self._groups: Callable[[str], list[PaletteGroup]] = lambda _words: []
        self._may_close: Callable[[], bool] = lambda: True
        self.navigation = Navigation(theme)
        self._pages = QStackedWidget()
        self._shell = QWidget()
        row = QHBoxLayout(self._shell)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.navigation)
        row.addWidget(self._pages, 1)
        self._root = QStackedWidget()
        self._root.addWidget(self._shell)
        self.setCentralWidget(self._root)
        self._connect_navigation()
        self._add_shortcuts()
        self._limit_size()
        self._retitle()

    # Pages

    def add_page(self, page: str, title: str, icon: str, widget: QWidget) -> None:
        """Add a page; the first six get Ctrl+1 to Ctrl+6, "settings" also Ctrl+comma."""
        self._titles[page] = title
        self._widgets[page] = widget
        self._pages.addWidget(widget)
        self.navigation.add_page(page, title, icon)
        if not self._page:
            self.show_page(page)

    def add_view(self, page: str, title: str, home: str, widget: QWidget) -> None:
        """Add a page that has no place of its own in the navigation: a further view of the page `home`."""
        self._titles[page] = title
        self._widgets[page] = widget
        self._homes[page] = home
        self._pages.addWidget(widget)

    def show_page(self, page: str) -> None:
        """Bring a page to the front; KeyError for one that was not added."""
        self._pages.setCurrentWidget(self._widgets[page])
        self.navigation.set_current(self._homes.get(page, page))
        if page != self._page:
            self._page = page
            self._retitle()
            self.page_changed.emit(page)

    def page(self) -> str:
        """Return the page in front."""
        return self._page

    def set_count(self, page: str, count: str, tone: CountTone = "plain") -> None:
        """Show a count beside a page: "plain", "accent" (in progress) or "danger" (with a problem); "" hides it."""
        self.navigation.set_count(page, count, tone)

    # Words of the frame

    def set_workspace(self, name: str, kind: str) -> None:
        """Show the workspace's name and audience type."""
        self._workspace = name
        self.navigation.workspace.set_workspace(name, kind)
        self._retitle()

    def set_activity(self, words: str, percent: str = "", share: float = 0.0, detail: str = "") -> None:
        """Show running exports at the bottom of the navigation, a line on each in the tooltip; "" hides the block."""
        self.navigation.activity.set_activity(words, percent, share, detail)

    def set_idle(self) -> None:
        """Say that no export runs."""
        self.navigation.activity.set_idle(self.tr("Nothing running"))

    def set_foot(self, engine: str, role: str) -> None:
        """Show the data engine and the role."""
        self.navigation.foot.set_foot(engine, role)

    def set_palette_provider(self, provider: Callable[[str], list[PaletteGroup]]) -> None:
        """Say what Ctrl+K finds; called with every key, answers from memory."""
        self._groups = provider

    def set_close_guard(self, may_close: Callable[[], bool]) -> None:
        """Ask this before closing; False keeps the window open (the guard then shows its own question)."""
        self._may_close = may_close

    # Whole window

    def show_full(self, widget: QWidget) -> None:
        """Give the whole window to a wizard or the first-run screen, until `leave_full`."""
        self.leave_full()
        self._root.addWidget(widget)
        self._root.setCurrentWidget(widget)
        widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave_full(self) -> None:
        """Back to navigation and pages; the widget is deleted."""
        widget = self._root.currentWidget()
        if widget is None or widget is self._shell:
            return
        self._root.setCurrentWidget(self._shell)
        self._root.removeWidget(widget)
        widget.deleteLater()

    def full(self) -> QWidget | None:
        """The wizard or screen that has the window."""
        return self._root.currentWidget() if self.is_full() else None

    def is_full(self) -> bool:
        """Whether a wizard has the window."""
        return self._root.currentWidget() is not self._shell

    def is_narrow(self) -> bool:
        """Whether the window is below 1200 px."""
        return self.width() < WIDE_FROM

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Icons alone below 1200 px."""
        super().resizeEvent(event)
        narrow = self.is_narrow()
        if narrow != self.navigation.is_narrow():
            self.navigation.set_narrow(narrow)
            self.narrow_changed.emit(narrow)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit into the screen as soon as the window manager has put its frame around."""
        super().showEvent(event)
        if not self._fitted:
            self._fitted = True
            QTimer.singleShot(FRAME_MS, self, self.fit_screen)

    def fit_screen(self) -> None:
        """Make the window with its frame no larger than the free screen, and bring all of it there."""
        screen = self.screen()
        if screen is None or self.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen):
            return
        free, frame = screen.availableGeometry(), self.frameGeometry().size() - self.size()
        room = free.size() - frame
        self.setMinimumSize(MINIMUM.boundedTo(room))
        if self.size() != self.size().boundedTo(room):
            self.resize(self.size().boundedTo(room))
        outer = QRect(self.frameGeometry().topLeft(), self.size() + frame)
        place = outer.translated(min(0, free.right() - outer.right()), min(0, free.bottom() - outer.bottom()))
        place.moveTo(max(free.left(), place.left()), max(free.top(), place.top()))
        if place.topLeft() != outer.topLeft():
            self.move(place.topLeft())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the size; ask the guard."""
        self._settings.setValue("window/geometry", self.saveGeometry())
        self._settings.setValue("window/page", self._page)
        self._settings.sync()
        if not self._may_close():
            event.ignore()
            return
        from app.ui.widgets.dialogs import Dialog

        for dialog in self.findChildren(Dialog):
            dialog.reject()
        super().closeEvent(event)

    def restore(self) -> None:
        """Put back size, position, screen and page; without a memory take 1360 x 860 or what the screen has."""
        saved = self._settings.value("window/geometry")
        if not (isinstance(saved, QByteArray) and self.restoreGeometry(saved)):
            self.resize(DEFAULT.boundedTo(self._free_screen()))
        page = self._settings.value("window/page", "")
        if isinstance(page, str) and page in self._widgets:
            self.show_page(page)

    @cached_property
    def toasts(self) -> ToastHost:
        """The short messages at the bottom; made when first asked for, after the first paint."""
        from app.ui.widgets.toasts import ToastHost

        return ToastHost(self.theme, self)

    @cached_property
    def palette_popup(self) -> SearchPalette:
        """The search over everything; made when it is first asked for, after the first paint."""
        from app.ui.widgets.palette import SearchPalette

        return SearchPalette(self.theme, self, lambda words: self._groups(words))

    # Inside

    def _connect_navigation(self) -> None:
        self.navigation.page_asked.connect(self.show_page)
        self.navigation.search_asked.connect(self._on_search_asked)
        self.navigation.workspace_asked.connect(self.workspace_asked)
        self.navigation.activity_asked.connect(self._on_activity_asked)
        self.navigation.role_asked.connect(self.role_asked)

    def _add_shortcuts(self) -> None:
        for number in range(1, 7):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.activated.connect(lambda at=number - 1: self._on_page_shortcut(at))
        for keys, slot in (
            ("Ctrl+,", self._on_settings_shortcut),
            ("Ctrl+K", self._on_search_asked),
            ("F1", lambda: self.help_asked.emit(self.help_topic())),
            ("Ctrl+N", lambda: self._on_new_shortcut(tables=False)),
            ("Ctrl+Shift+N", lambda: self._on_new_shortcut(tables=True)),
            ("F6", lambda: self._move_region(1)),
            ("Shift+F6", lambda: self._move_region(-1)),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(slot)

    def _covered(self) -> bool:
        """A dialog or a wizard has the window: page shortcuts wait."""
        return self.is_full() or any(scrim.isVisible() for scrim in self.findChildren(Scrim))

    def _regions(self) -> list[QWidget]:
        """Navigation, then what the page in front names in `regions()`, or the page as a whole."""
        page = self._widgets.get(self._page)
        named = getattr(page, "regions", None)
        own = list(named()) if callable(named) else [page]
        return [r for r in (self.navigation, *own) if isinstance(r, QWidget) and r.isVisible() and focusable(r)]

    def _move_region(self, step: int) -> None:
        regions = self._regions()
        if self._covered() or not regions:
            return
        focused = self.focusWidget()
        holders = [i for i, region in enumerate(regions) if focused is not None and region.isAncestorOf(focused)]
        at = (holders[-1] + step) % len(regions) if holders else 0
        focusable(regions[at])[0].setFocus(Qt.FocusReason.TabFocusReason)

    def _on_page_shortcut(self, at: int) -> None:
        pages = self.navigation.pages()
        if at < len(pages) and not self._covered():
            self.show_page(pages[at])

    def _on_new_shortcut(self, *, tables: bool) -> None:
        if not self._covered():
            self.new_asked.emit(tables)

    def _on_settings_shortcut(self) -> None:
        if "settings" in self._widgets and not self._covered():
            self.show_page("settings")

    def help_topic(self) -> str:
        """What help is about here: the dialog or wizard that has the focus, or the page in front."""
        widget: QWidget | None = self.focusWidget() or self.full()
        while widget is not None:
            told = getattr(widget, "help_topic", None)
            if callable(told) and widget is not self:
                return str(told())
            widget = widget.parentWidget()
        return self._homes.get(self._page, self._page)

    def _on_search_asked(self) -> None:
        if not self._covered():
            self.palette_popup.open()

    def _on_activity_asked(self) -> None:
        if "runs" in self._widgets:
            self.show_page("runs")
        self.activity_asked.emit()

    def _free_screen(self) -> QSize:
        screen = self.screen() or QGuiApplication.primaryScreen()
        return screen.availableSize() if screen is not None else MINIMUM

    def _limit_size(self) -> None:
        self.setMinimumSize(MINIMUM.boundedTo(self._free_screen()))
        self.resize(DEFAULT.boundedTo(self._free_screen()))

    def _retitle(self) -> None:
        page = self._titles.get(self._page, "") if self._workspace else ""  # the first start shows no page
        parts = [page, self._workspace, PRODUCT]
        self.setWindowTitle(" – ".join(part for part in parts if part))
