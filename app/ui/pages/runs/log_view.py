"""The log of a run: the last lines, warnings coloured."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QVBoxLayout, QWidget

from app.core.runs import LogLine
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Card, Label, row

FEW, LINE = 8, 20
INKS = {"warning": "warning", "error": "danger"}


class LogView(QWidget):
    """Heading, *Copy*, *Open full log* and the lines; only the last few until the full log is asked for."""

    copy_asked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._lines: tuple[LogLine, ...] = ()
        self._full = False
        self._copy = Button(theme, self.tr("Copy"), "link")
        self._open = Button(theme, self.tr("Open full log"), "link")
        self._text = QTextBrowser()
        self._text.setFrameShape(QFrame.Shape.NoFrame)
        self._text.setProperty("bare", True)
        self._text.document().setDocumentMargin(0)
        self._text.setAccessibleName(self.tr("Log of the run"))
        self._text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self._text.viewport().setAutoFillBackground(False)
        card = Card(theme, margin=12, fill="subtle")
        card.body.addWidget(self._text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(Label(theme, self.tr("Log"), "subtitle"), None, self._copy, self._open))
        layout.addWidget(card)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._copy.clicked.connect(lambda: self.copy_asked.emit("\n".join(map(self._plain, self._lines))))
        self._open.clicked.connect(self._on_open_clicked)
        theme.changed.connect(self._render)

    def show_lines(self, lines: tuple[LogLine, ...]) -> None:
        """Show these lines."""
        self._lines = lines
        self._render()

    def _plain(self, line: LogLine) -> str:
        return f"{line.at.isoformat(timespec='seconds')} {line.phase.value:8} {line.level:7} {line.text}"

    def _render(self) -> None:
        shown = self._lines if self._full else self._lines[-FEW:]
        self._open.setVisible(len(self._lines) > FEW)
        self._open.set_words(self.tr("Show less") if self._full else self.tr("Open full log"))
        theme = self._theme
        rows = "".join(
            f'<tr><td style="color:{theme.tokens["text3"]}">{self._formats.local(line.at):%H:%M:%S}</td>'
            f'<td style="color:{theme.tokens["text2"]}; padding: 1px 16px; white-space: pre">'
            f"{html.escape(self._formats.phase(line.phase))}</td>"
            f'<td style="color:{theme.tokens[INKS.get(line.level, "text2")]}">{html.escape(line.text)}</td></tr>'
            for line in shown
        )
        self._text.setFont(theme.font("mono"))
        self._text.setHtml(f'<table cellspacing="0" cellpadding="1">{rows}</table>' if rows else "")
        self._text.setPlaceholderText(self.tr("Nothing was logged."))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as its lines, up to a limit from which it scrolls."""
        document = self._text.document()
        document.setTextWidth(self._text.viewport().width())
        self._text.setFixedHeight(min(max(round(document.size().height()), LINE) + 2, LINE * 20))

    def _on_open_clicked(self) -> None:
        self._full = not self._full
        self._render()
