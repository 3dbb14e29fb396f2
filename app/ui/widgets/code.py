"""Text as a machine reads it: requests, files. Read only, selectable, as high as its content."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent, QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

from app.ui.theme import Theme


class CodeView(QPlainTextEdit):
    """Wraps anywhere and never scrolls by itself up to `most_lines`; Tab leaves it."""

    def __init__(self, theme: Theme, name: str, *, most_lines: int = 40, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._most_lines = most_lines
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setProperty("code", True)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self._refont()
        theme.changed.connect(self._refont)

    def set_code(self, text: str) -> None:
        """Show other text."""
        if text != self.toPlainText():
            self.setPlainText(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width takes other lines."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        """As high as the lines."""
        return QSize(240, self.height())

    def _fit(self) -> None:
        lines = 0
        block = self.document().begin()
        while block.isValid():
            layout = block.layout()
            lines += max(1, layout.lineCount() if layout is not None else 1)
            block = block.next()
        self.setFixedHeight(min(max(lines, 1), self._most_lines) * self.fontMetrics().lineSpacing() + 4)

    def _refont(self) -> None:
        self.setFont(self._theme.font("mono"))
