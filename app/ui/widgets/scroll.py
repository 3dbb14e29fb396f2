"""A page part that scrolls when it must, without frame or ground of its own."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class Flowing(QWidget):
    """Content that gets lower as it gets wider: it needs the height of its real width, not also that of its least one.

    A plain widget in a scroll area is scrolled without need when its words would take more lines at its least width.
    """

    def minimumSizeHint(self) -> QSize:
        """No height of its own where the layout tells it by the width."""
        least = super().minimumSizeHint()
        layout = self.layout()
        return QSize(least.width(), 0) if layout is not None and layout.hasHeightForWidth() else least


class Scroll(QScrollArea):
    """Scrolls one widget up and down; the widget fills the width. Never takes the focus itself.

    With `sideways` it scrolls left and right as well where the content has no room, as on a small screen with large text.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None, *, sideways: bool = False) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        policy = Qt.ScrollBarPolicy
        self.setHorizontalScrollBarPolicy(policy.ScrollBarAsNeeded if sideways else policy.ScrollBarAlwaysOff)
        self.setWidget(content)
        self.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
