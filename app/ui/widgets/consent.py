"""The box in which a person agrees that data leaves: a sentence to tick, and below it what that means."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from app.ui.theme import Theme
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.labels import Card, Label


class ConsentBox(Card):
    """Signal `toggled(bool)`. A click anywhere on the box ticks it.

    Args:
        theme: the theme.
        sentence: what is agreed to; also the accessible name.
        detail: what leaves, on whose instruction, and who answers for it.
    """

    toggled = Signal(bool)

    def __init__(self, theme: Theme, sentence: str, detail: str = "") -> None:
        super().__init__(theme, margin=12, fill="subtle")
        self.box = CheckBox(theme, "", name=sentence)
        self.box.setFixedHeight(20)
        self.detail = Label(theme, detail, "caption", "text2", wrap=True)
        self.box.setAccessibleDescription(detail)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(Label(theme, sentence, "body", wrap=True))
        words.addWidget(self.detail)
        inside = QHBoxLayout()
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(10)
        inside.addWidget(self.box, 0, Qt.AlignmentFlag.AlignTop)
        inside.addLayout(words, 1)
        self.body.addLayout(inside)
        self.detail.setVisible(bool(detail))  # not before it has a parent: it would be a window of its own for a moment
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.box.toggled.connect(self.toggled)

    def is_agreed(self) -> bool:
        """Whether the box is ticked."""
        return self.box.isChecked()

    def set_agreed(self, agreed: bool) -> None:  # noqa: FBT001 - reads like setChecked
        """Tick it or not."""
        self.box.setChecked(agreed)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The words are the target too."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.box.toggle()
            self.box.setFocus(Qt.FocusReason.MouseFocusReason)
