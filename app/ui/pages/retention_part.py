"""The part of Settings about how long what runs leave behind is kept."""

from __future__ import annotations

from dataclasses import asdict

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.retention import Retention
from app.ui.context import WindowContext
from app.ui.pages.setting_lines import setting_line, stacked
from app.ui.widgets.choice import Choice
from app.ui.widgets.select import Select

OFFERED = (7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650)
WIDTH = 160


class RetentionPart(QWidget):
    """A choice of days for each kind. Signal `chosen(kind, days)`."""

    chosen = Signal(str, int)

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        theme = context.theme
        lines = {
            "runs": (self.tr("Runs"), self.tr("Numbers, phases and logs")),
            "rejects": (self.tr("Rejects"), self.tr("Who was refused or left out, by name")),
            "changes": (self.tr("Changes"), self.tr("Who came and went; comparing and undoing need it")),
            "receipts": (self.tr("Receipts"), self.tr("At least as long as their runs")),
        }
        self.selects = {kind: Select(theme, label) for kind, (label, _hint) in lines.items()}
        for kind, select in self.selects.items():
            select.setFixedWidth(WIDTH)
            select.chosen.connect(lambda days, k=kind: self._on_chosen(k, days))
        self._shown: Retention | None = None
        rows = (setting_line(theme, *lines[kind], select) for kind, select in self.selects.items())
        stacked(self, *rows, spacing=12)

    def show_retention(self, kept: Retention, *, may_change: bool) -> None:
        """Show what is set; a number of days set elsewhere is offered too."""
        self._shown = kept
        for kind, days in asdict(kept).items():
            select = self.selects[kind]
            select.set_choices([Choice(str(each), self._days(each)) for each in sorted({*OFFERED, days})])
            select.set_current_key(str(days))
            select.setEnabled(may_change)

    def _days(self, days: int) -> str:
        return self._context.formats.counted(days, "days")

    def _on_chosen(self, kind: str, days: str) -> None:
        if self._shown is not None and days.isdigit() and asdict(self._shown)[kind] != int(days):
            self.chosen.emit(kind, int(days))
