"""What stands where content would: nothing yet, no match, an error, or loading that takes long."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.bars import Skeleton, Spinner
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import IconLabel, Label, column

LONG_MS = 5_000
SENTENCE_WIDTH = 440


class EmptyState(QWidget):
    """Centred icon, title, one sentence, and up to two buttons. Also page errors (`icon_role="danger"`).

    Signals `primary_clicked()`, `secondary_clicked()`.
    """

    primary_clicked = Signal()
    secondary_clicked = Signal()

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str = "",
        *,
        icon: str = "",
        icon_role: str = "text3",
        primary: str = "",
        secondary: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._title = Label(theme, title, "title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence = Label(theme, sentence, "body", "text2", wrap=True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._sentence.setFixedWidth(SENTENCE_WIDTH)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addStretch(2)
        if icon:
            layout.addWidget(IconLabel(theme, icon, icon_role, 40), 0, Qt.AlignmentFlag.AlignHCenter)
            layout.addSpacing(4)
        layout.addWidget(self._title)
        layout.addWidget(self._sentence, 0, Qt.AlignmentFlag.AlignHCenter)
        self._fit_sentence()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        self.primary = Button(theme, primary, "primary")
        self.secondary = Button(theme, secondary, "secondary")
        self.primary.clicked.connect(self.primary_clicked)
        self.secondary.clicked.connect(self.secondary_clicked)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        for button, words in ((self.primary, primary), (self.secondary, secondary)):
            buttons.addWidget(button)
            button.setVisible(bool(words))  # not before it has a parent: it would be a window for a moment
        buttons.addStretch(1)
        layout.addStretch(3)

    def set_words(self, title: str, sentence: str = "") -> None:
        """Say something else."""
        self._title.set_words(title)
        self._sentence.set_words(sentence)
        self._fit_sentence()
        self.setAccessibleName(title)

    def _fit_sentence(self) -> None:
        """A centred widget gets no height for its width from the layout, so it is given here."""
        self._sentence.setVisible(bool(self._sentence.words()))
        self._sentence.setFixedHeight(max(0, self._sentence.heightForWidth(SENTENCE_WIDTH)))


class Loading(QWidget):
    """Skeleton rows; after 5 s a line says what is being done and, where it can be, offers Cancel.

    Signal `cancelled()`. `set_words` renews the line, e.g. "Counting 3 of 8 segments". Pages show it after 200 ms.
    """

    cancelled = Signal()

    def __init__(
        self,
        theme: Theme,
        words: str,
        *,
        rows: int = 3,
        row_height: int = 32,
        badges: bool = True,
        at_once: bool = False,
        cancellable: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._skeleton = Skeleton(theme, words, rows=rows, row_height=row_height, badges=badges)
        self._words = Label(theme, words, "body", "text2")
        self._spinner = Spinner(theme, words)
        self._cancel = Button(theme, self.tr("Cancel"), "link")
        self._cancel.clicked.connect(self.cancelled)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self._spinner)
        foot.addWidget(self._words)
        foot.addStretch(1)
        foot.addWidget(self._cancel)
        self._cancel.setVisible(cancellable)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._skeleton)
        layout.addWidget(self._foot)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LONG_MS)
        self._timer.timeout.connect(self._foot.show)
        self._foot.setVisible(at_once)

    def set_words(self, words: str) -> None:
        """Say what is being done."""
        self._words.set_words(words)

    def showEvent(self, event: object) -> None:
        """Start counting the 5 s."""
        super().showEvent(event)
        if not self._foot.isVisibleTo(self):
            self._timer.start()

    def hideEvent(self, event: object) -> None:
        """Stop counting."""
        super().hideEvent(event)
        self._timer.stop()


def inset(loading: Loading) -> QWidget:
    """The same at the top of a page, with the page's margins."""
    page = QWidget()
    page.setLayout(column(loading, None, margins=(24, 16, 24, 16)))
    return page
