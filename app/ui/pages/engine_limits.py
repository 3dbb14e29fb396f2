"""The part of Settings about how much of the computer the embedded engine may use."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.engine_limits import Computer, EngineLimits, checked
from app.core.errors import FixSettings
from app.ui.context import WindowContext
from app.ui.widgets.fields import Input
from app.ui.widgets.labels import Label, column, row

WIDTH = 96


@dataclass(frozen=True)
class LimitsShown:
    """What the part shows."""

    limits: EngineLimits
    computer: Computer


class LimitsPart(QWidget):
    """Two numbers, checked when a field is left. Signal `wanted(EngineLimits)`: the person typed others that can be."""

    wanted = Signal(object)

    def __init__(self, context: WindowContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = context.theme
        self._context = context
        self._shown: LimitsShown | None = None
        self.memory = Input(theme, name=self.tr("Memory limit"), suffix=self.tr("GB"))
        self.threads = Input(theme, name=self.tr("Threads"))
        self._memory_hint = Label(theme, "", "caption", "text2")
        self._threads_hint = Label(theme, "", "caption", "text2")
        self._error = Label(theme, "", "caption", "danger", wrap=True)
        self._error.hide()
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(14)
        for words, hint, field in (
            (self.tr("Memory limit"), self._memory_hint, self.memory),
            (self.tr("Threads"), self._threads_hint, self.threads),
        ):
            field.setFixedWidth(WIDTH)
            field.setValidator(QIntValidator(0, 99_999, field))
            field.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
            field.editingFinished.connect(self._on_left)
            stack.addLayout(row(column(Label(theme, words, "body-medium"), hint, spacing=0), None, field))
        stack.addWidget(self._error)
        self.setProperty("words", self.tr("Memory limit threads cores"))

    def show_limits(self, shown: LimitsShown, *, may_change: bool) -> None:
        """Show what counts; a field that is being edited stays as it is."""
        self._shown = shown
        formats, computer = self._context.formats, shown.computer
        known = self.tr("{n} GB in this computer").format(n=formats.number(computer.gigabytes))
        self._memory_hint.set_words(known if computer.memory else self.tr("Kept in memory before the drive is used"))
        self._threads_hint.set_words(
            self.tr("1 core available")
            if computer.cores == 1
            else self.tr("{n} cores available").format(n=formats.number(computer.cores))
        )
        for field, number in ((self.memory, shown.limits.memory_gb), (self.threads, shown.limits.threads)):
            field.setEnabled(may_change)
            if not field.hasFocus():
                field.setText(str(number))

    def _on_left(self) -> None:
        if self._shown is None:
            return
        limits = EngineLimits(int(self.memory.text() or 0), int(self.threads.text() or 0))
        wrong = ""
        try:
            checked(limits, self._shown.computer)
        except FixSettings as error:
            wrong = f"{error.what} {error.fix}"
            self.memory.set_error_state(error.code == "memory")
            self.threads.set_error_state(error.code == "threads")
        else:
            self.memory.set_error_state(False)
            self.threads.set_error_state(False)
            if limits != self._shown.limits:
                self.wanted.emit(limits)
        self._error.set_words(wrong)
        self._error.setVisible(bool(wrong))
