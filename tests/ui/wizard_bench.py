"""A window around one wizard: real services and jobs, a navigator that remembers what it was asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLocale, QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.bootstrap import Services
from app.ui.context import WindowContext
from app.ui.formats import Formats
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.wizards.wizard import ExportWizard


class RecordingNavigator(QObject):
    """Fulfils `Navigator`; `left` tells whether the wizard was left."""

    noticed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.left = False
        self.pages: list[tuple[str, str | None]] = []
        self.toasts: list[str] = []
        self.errors: list[BaseException] = []
        self.changes: list[str] = []
        self.dialogs: list[tuple[str | None, str | None, Callable[[str], None] | None]] = []

    def show_page(self, page_id: str, focus: str | None = None) -> None:
        self.pages.append((page_id, focus))

    def open_segment_wizard(self, export_name: str | None = None, destination_id: str | None = None) -> None:
        raise AssertionError("a wizard opens no wizard")

    def open_data_out_wizard(self, export_name: str | None = None) -> None:
        raise AssertionError("a wizard opens no wizard")

    def open_connection_dialog(
        self,
        destination_id: str | None = None,
        connection_name: str | None = None,
        on_saved: Callable[[str], None] | None = None,
    ) -> None:
        self.dialogs.append((destination_id, connection_name, on_saved))

    def leave_wizard(self) -> None:
        self.left = True

    def toast(self, text: str, undo: Callable[[], None] | None = None, kind: str = "success") -> None:
        self.toasts.append(text)

    def show_error(self, error: BaseException, parent: QWidget) -> None:
        self.errors.append(error)

    def changed(self, what: str) -> None:
        self.changes.append(what)
        self.noticed.emit(what)


@dataclass
class Bench:
    """Opens wizards in a window of the default size; `close` ends them as leaving does."""

    qtbot: Any
    context: WindowContext
    navigator: RecordingNavigator
    windows: list[QWidget] = field(default_factory=list)

    def open(self, wizard: type[ExportWizard], *args: Any, size: tuple[int, int] = (1360, 860), **options: Any) -> Any:
        self.navigator.left = False
        made = wizard(self.context, *args, **options)
        window = QWidget()
        window.resize(*size)
        layout = QVBoxLayout(window)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(made)
        self.windows.append(window)
        window.show()
        window.activateWindow()  # shortcuts are heard in the active window alone
        self.qtbot.waitUntil(lambda: made.shell is not None and window.isActiveWindow())
        return made

    def settle(self, quiet: float = 0.4) -> None:
        """Wait until no job was under way for a moment: longer than any delay with which a question is asked."""
        deadline = time.monotonic() + 60
        since = time.monotonic()
        while time.monotonic() - since < quiet:
            self.qtbot.wait(10)
            if self.context.runner.jobs():
                since = time.monotonic()
            assert time.monotonic() < deadline, "the wizard does not settle"

    def picture(self, name: str, of: QWidget | None = None) -> None:
        """Keep what the window (or that widget) shows now in the folder SENDOFF_PICTURES names, for people to look at."""
        folder = os.environ.get("SENDOFF_PICTURES")
        if folder:
            self.settle()
            assert (of or self.windows[-1]).grab().save(str(Path(folder) / f"{name}.png"))

    def close(self) -> None:
        for window in self.windows:
            for made in window.findChildren(ExportWizard):
                if made.state is not None:
                    made.state.shut()
            window.close()
            window.deleteLater()
        self.windows.clear()


def make_bench(qtbot: Any, services: Services, runner: JobRunner, theme: Theme) -> Bench:
    navigator = RecordingNavigator()
    formats = Formats(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    return Bench(qtbot, WindowContext(services, runner, theme, navigator, formats), navigator)
