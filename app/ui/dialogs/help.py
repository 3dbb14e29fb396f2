"""The help of Sendoff in a dialog: the page that fits, and all others in a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from app.services.help_pages import HelpPage
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.choice import Choice
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.select import Select

_HEIGHT = 480


class HelpDialog(Dialog):
    """Shows the page of a topic; without such a page the first one. `open_link` opens addresses in the browser."""

    def __init__(
        self,
        theme: Theme,
        opener: QWidget,
        pages: Sequence[HelpPage],
        topic: str,
        open_link: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(theme, opener, "", width=760)
        self.set_head(self.tr("Help"))
        self._pages = {page.topic: page for page in pages}
        self.topics = Select(theme, self.tr("Help pages"))
        self.topics.set_choices([Choice(page.topic, page.title) for page in pages])
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.text.setProperty("bare", True)
        self.text.viewport().setAutoFillBackground(False)
        self.text.setFixedHeight(_HEIGHT)
        self.text.setFont(theme.font("body"))
        self.body.addWidget(self.topics)
        self.body.addWidget(self.text)
        close = self.add_button(Button(theme, self.tr("Close"), "primary"), default=True)
        close.clicked.connect(self.reject)
        self.topics.chosen.connect(self.show_topic)
        self.text.anchorClicked.connect(open_link)
        self.show_topic(topic if topic in self._pages else next(iter(self._pages)))

    def show_topic(self, topic: str) -> None:
        """Show another page from its beginning."""
        page = self._pages[topic]
        self.topics.set_current_key(topic)
        self.text.setMarkdown(page.text)
        self._set_type()
        self.text.setAccessibleName(page.title)
        self.text.verticalScrollBar().setValue(0)

    def _set_type(self) -> None:
        """Give Markdown's parts the type and the spaces of the window: no italics, headings of the theme."""
        document = self.text.document()
        block = document.begin()
        while block.isValid():
            cursor, form = QTextCursor(block), block.blockFormat()
            level, listed = form.headingLevel(), block.textList() is not None
            form.setLineHeight(140, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            form.setTopMargin(14 if level > 1 else 2 if listed else 4)
            form.setBottomMargin(2 if listed else 4)
            cursor.setBlockFormat(form)
            if level:
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                heading = QTextCharFormat()
                heading.setFont(self.theme.font("title" if level == 1 else "subtitle"))
                cursor.setCharFormat(heading)
            block = block.next()
        cursor = QTextCursor(document)
        for start, length, weight in self._marked():
            cursor.setPosition(start)
            cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
            named = QTextCharFormat()
            named.setFontItalic(False)
            named.setFontWeight(weight)
            cursor.mergeCharFormat(named)

    def _marked(self) -> list[tuple[int, int, QFont.Weight]]:
        """Where Markdown's two emphases stand, in the weights that the window has."""
        found, block = [], self.text.document().begin()
        while block.isValid():
            for part in block:
                fragment = part.fragment()
                form = fragment.charFormat()
                if form.fontItalic() or form.fontWeight() >= QFont.Weight.Bold:
                    weight = QFont.Weight.Medium if form.fontItalic() else QFont.Weight.DemiBold
                    found.append((fragment.position(), fragment.length(), weight))
            block = block.next()
        return found
