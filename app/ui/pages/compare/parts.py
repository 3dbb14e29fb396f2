"""Parts of the page that compares two runs: the pickers of A and B, and reasons with their bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.reasons import Reason
from app.ui.formats import Formats
from app.ui.reason_words import reason_words
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import Label, clear

MOST_REASONS = 8
BELOW = 12
"""Room below the words of a reason for its bar, in px."""


class RunPicker(KeyboardFocus, QPushButton):
    """A run with its letter: when it was and how it ended; a click lets another one be chosen."""

    def __init__(self, theme: Theme, letter: str, *, strong: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._letter = letter
        self._strong = strong
        self._when, self._detail, self._short = "", "", ""
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_run(self, when: str, detail: str, short: str) -> None:
        """Show a run; `short` stands where the detail has no room."""
        self._when, self._detail, self._short = when, detail, short
        self.setAccessibleName(self.tr("Run {letter}: {when}").format(letter=self._letter, when=when))
        self.setAccessibleDescription(detail)
        self.setToolTip(detail)
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines."""
        return QSize(300, 52)

    def minimumSizeHint(self) -> QSize:
        """The second line gets shorter."""
        return QSize(160, 52)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint letter, lines and caret."""
        painter, theme = QPainter(self), self._theme
        paint.box(
            painter,
            self.rect(),
            8,
            fill=theme.color("hover" if self.underMouse() else "surface"),
            edge=theme.color("line"),
        )
        mark = QRect(12, 14, 24, 24)
        paint.box(painter, mark, 5, fill=theme.color("accent" if self._strong else "accent_soft"))
        ink = "on_accent" if self._strong else "text"
        paint.text(painter, theme, mark, self._letter, role="micro", ink=ink, align=Qt.AlignmentFlag.AlignHCenter)
        room = self.width() - 48 - 32
        paint.text(painter, theme, QRect(48, 7, room, 20), self._when, role="body-medium")
        fits = theme.metrics("caption").horizontalAdvance(self._detail) <= room
        words = self._detail if fits else self._short
        paint.text(painter, theme, QRect(48, 26, room, 16), words, role="caption", ink="text2")
        paint.icon(painter, theme, QRect(self.width() - 26, 20, 12, 12), "caret-down", "text2")
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 8)


class ReasonBar(QWidget):
    """A reason, its number, and a bar of its share of the most frequent one; a long reason takes lines."""

    def __init__(self, theme: Theme, words: str, number: str, share: float, fill: str) -> None:
        super().__init__()
        self._theme, self._share, self._fill = theme, share, fill
        self.setAccessibleName(f"{words}: {number}")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, BELOW)
        layout.setSpacing(12)
        layout.addWidget(Label(theme, words, "body", wrap=True), 1)
        layout.addWidget(Label(theme, number, "body"), 0, Qt.AlignmentFlag.AlignTop)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the bar."""
        bar = QRectF(0, self.height() - BELOW + 3, self.width(), 4)
        paint.bar(QPainter(self), self._theme, bar, self._share, fill=self._fill)


class Reasons(QWidget):
    """A heading, how many there are, and their reasons, the most frequent first."""

    def __init__(self, theme: Theme, formats: Formats, title: str, fill: str) -> None:
        super().__init__()
        self._theme, self._formats, self._fill = theme, formats, fill
        self._sum = Label(theme, "", "caption", "text2")
        self._bars = QVBoxLayout()
        self._bars.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(Label(theme, title, "subtitle"))
        layout.addSpacing(3)
        layout.addWidget(self._sum)
        layout.addSpacing(4)
        layout.addLayout(self._bars)
        self.shown: dict[str, int] = {}

    def show_reasons(self, total: str, reasons: Mapping[Reason, int]) -> None:
        """Show these; the rest of many stand together."""
        clear(self._bars)
        self._sum.set_words(total)
        by_words: Counter[str] = Counter()  # what an earlier version kept as a sentence may be the same
        for reason, number in reasons.items():
            by_words[Reason.bare(reason_words(reason))] += number
        listed = by_words.most_common()
        few, rest = listed[:MOST_REASONS], sum(number for _words, number in listed[MOST_REASONS:])
        self.shown = {words or self.tr("Reason no longer kept"): number for words, number in few}
        if rest:
            self.shown[self.tr("Other reasons")] = rest
        most = max(self.shown.values(), default=1)
        for words, number in self.shown.items():
            self._bars.addWidget(ReasonBar(self._theme, words, self._formats.number(number), number / most, self._fill))
