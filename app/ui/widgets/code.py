"""Text as a machine reads it: requests, files. Read only, selectable, as high as its content."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QSizePolicy, QTextEdit, QWidget

from app.ui.theme import Theme


class CodeView(QTextEdit):
    """Wraps anywhere and never scrolls by itself up to `most_lines`; Tab leaves it."""

    def __init__(self, theme: Theme, name: str, *, most_lines: int = 40, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._most_lines = most_lines
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QTextEdit.Shape.NoFrame)
        self._accents: tuple[str, ...] = ()
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setProperty("code", True)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self._refont()
        theme.changed.connect(self._refont)

    def set_code(self, text: str, accents: Sequence[str] = ()) -> None:
        """Show other text; each of `accents` is set off by colour wherever it stands."""
        if (text, tuple(accents)) != (self.toPlainText(), self._accents):
            self._accents = tuple(accents)
            self.setPlainText(text)
            self._shape()
            self._fit()

    def _shape(self) -> None:
        """Lines as high as the role's, which only blocks of a document can have, and the accents' colour."""
        block = QTextBlockFormat()
        block.setLineHeight(self._theme.line_height("mono"), QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        whole = QTextCursor(self.document())
        whole.select(QTextCursor.SelectionType.Document)
        whole.mergeBlockFormat(block)
        look = QTextCharFormat()
        look.setForeground(self._theme.color("accent_text"))
        for words in filter(None, dict.fromkeys(self._accents)):
            found = self.document().find(words)
            while not found.isNull():
                found.mergeCharFormat(look)
                found = self.document().find(words, found)

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
        self.setFixedHeight(min(max(lines, 1), self._most_lines) * self._theme.line_height("mono") + 4)

    def _refont(self) -> None:
        self.setFont(self._theme.font("mono"))
        self._shape()
        self._fit()
