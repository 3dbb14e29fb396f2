"""Notes: icon, bold sentence, detail, at most two buttons. One per topic, docked where the topic is."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import IconLabel, Label
from app.ui.widgets.marks import TONES

NoteTone = Literal["info", "success", "warning", "danger", "neutral"]


class Note(QFrame):
    """A note in a tone.

    Args:
        theme: the theme.
        tone: info, success, warning, danger or neutral.
        sentence: what it is about; bold when there is a detail, buttons, or `strong`.
        detail: why and what to do.
        primary: words of the primary button, if any; a click emits `primary_clicked`.
        secondary: words of the second button; a click emits `secondary_clicked`.
        strong: bold even when alone.
        second: how the second button looks, "ghost" or "link".
    """

    primary_clicked = Signal()
    secondary_clicked = Signal()

    def __init__(
        self,
        theme: Theme,
        tone: NoteTone,
        sentence: str,
        detail: str = "",
        *,
        primary: str = "",
        secondary: str = "",
        strong: bool = False,
        second: Literal["ghost", "link"] = "ghost",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone: NoteTone = tone
        self._strong = strong
        self._icon = IconLabel(theme, TONES[tone].icon, TONES[tone].ink)
        self._sentence = Label(theme, "", "body", wrap=True)
        self._bold = Label(theme, "", "body-strong", wrap=True)
        self._detail = Label(theme, "", "body", "text2", wrap=True)
        self.primary = Button(theme, primary, "primary")
        self.secondary = Button(theme, secondary, second)
        self.primary.clicked.connect(self.primary_clicked)
        self.secondary.clicked.connect(self.secondary_clicked)
        self._buttons = QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 2, 0, 0)
        buttons.setSpacing(4)
        buttons.addWidget(self.primary)
        buttons.addWidget(self.secondary)
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(4)
        for part in (self._sentence, self._bold, self._detail, self._buttons):
            words.addWidget(part)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 10, 14, 10)
        layout.setSpacing(10)
        mark = QVBoxLayout()
        mark.setContentsMargins(0, 2, 0, 0)
        mark.addWidget(self._icon)
        mark.addStretch(1)
        layout.addLayout(mark)
        layout.addLayout(words, 1)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.set_note(tone, sentence, detail, primary=primary, secondary=secondary)

    def set_note(
        self, tone: NoteTone, sentence: str, detail: str = "", *, primary: str = "", secondary: str = ""
    ) -> None:
        """Say something else."""
        self._tone = tone
        bold = bool(detail or primary or secondary or self._strong)
        self._icon.set_icon(TONES[tone].icon, TONES[tone].ink)
        self._sentence.set_words(sentence)
        self._bold.set_words(sentence)
        self._detail.set_words(detail)
        self._sentence.setVisible(not bold)
        self._bold.setVisible(bold)
        self._detail.setVisible(bool(detail))
        for button, words in ((self.primary, primary), (self.secondary, secondary)):
            button.set_words(words)
            button.setVisible(bool(words))
        self._buttons.setVisible(bool(primary or secondary))
        self.setAccessibleName(" ".join(filter(None, (sentence, detail))))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the tinted plate."""
        tone = TONES[self._tone]
        edge = self._theme.color(tone.edge) if tone.edge else None
        paint.box(QPainter(self), self.rect(), 8, fill=self._theme.color(tone.fill), edge=edge)
