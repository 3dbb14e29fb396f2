"""Parts of the suppression list's page: figures, the field that asks for one value, the place to drop a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from app.core.suppression import Listing, Numbers
from app.ui.formats import Formats
from app.ui.pages.suppression.words import listing_words
from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.fields import Input
from app.ui.widgets.focus import KeyboardFocus
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, announce, column, row
from app.ui.widgets.secret_field import REVEAL_MS


class Figures(QWidget):
    """The four numbers of the list."""

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._numbers = tuple(Label(theme, "–", "display") for _ in range(4))
        words = (
            self.tr("Entries"),
            self.tr("E-mail addresses"),
            self.tr("Phone numbers"),
            self.tr("Added in the last 7 days"),
        )
        blocks = [
            column(number, Label(theme, word, "caption", "text2"), spacing=0)
            for number, word in zip(self._numbers, words, strict=True)
        ]
        self.setLayout(row(*blocks[:3], None, blocks[3], spacing=48))

    def set_numbers(self, numbers: Numbers) -> None:
        """Show these."""
        shown = (numbers.entries, numbers.emails, numbers.phones, numbers.recent)
        for label, number in zip(self._numbers, shown, strict=True):
            label.set_words(self._formats.number(number))


class ValueField(Input):
    """One address or number: readable while it is typed, dots as soon as the focus leaves; the eye shows it for 20 s."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name=name, placeholder=name, icon="magnifying-glass", parent=parent)
        self._eye = IconButton(theme, "eye", self.tr("Show the value"), parent=self)
        self._eye.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REVEAL_MS)
        self._margins(right=30)
        self._timer.timeout.connect(self.conceal)
        self._eye.clicked.connect(self._on_eye_clicked)
        self.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the eye at the right."""
        super().resizeEvent(event)
        self._eye.setGeometry(self.width() - 30, 2, 28, 28)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Dots when the focus leaves, letters when it comes."""
        if watched is self and event.type() is QEvent.Type.FocusOut:
            self.conceal()
        elif watched is self and event.type() is QEvent.Type.FocusIn and not self.text():
            self._reveal()
        return super().eventFilter(watched, event)

    def clear_value(self) -> None:
        """Forget what was typed."""
        self.clear()
        self._reveal()

    def _on_eye_clicked(self) -> None:
        if self.echoMode() is QLineEdit.EchoMode.Normal:
            self.conceal()
        else:
            self._reveal()
            self._timer.start()

    def _reveal(self) -> None:
        self.setEchoMode(QLineEdit.EchoMode.Normal)
        self._eye.set_icon_name("eye-slash")
        self._eye.setAccessibleName(self.tr("Hide the value"))

    def conceal(self) -> None:
        """Show dots."""
        self._timer.stop()
        if self.text():
            self.setEchoMode(QLineEdit.EchoMode.Password)
            self._eye.set_icon_name("eye")
            self._eye.setAccessibleName(self.tr("Show the value"))


class CheckPanel(QWidget):
    """Asks whether a value is on the list. Signals `asked(value)` and `take_off_asked(value)`."""

    asked = Signal(str)
    take_off_asked = Signal(str)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._may_change = False
        self.field = ValueField(theme, self.tr("E-mail address or phone number"))
        self.button = Button(theme, self.tr("Check"))
        self.take_off = Button(theme, self.tr("Take off…"), "link")
        self._icon = IconLabel(theme, "check-circle", "success")
        self._words = ElidedLabel(theme, "", "body", "text2")
        self._result = QWidget()
        self._result.setLayout(row(self._icon, self._words, self.take_off))
        note = Label(theme, self.tr("The value is hashed and compared. It is not kept."), "caption", "text2", wrap=True)
        self.setLayout(
            column(
                Label(theme, self.tr("Is somebody on it?"), "subtitle"),
                row(self.field, self.button),
                self._result,
                note,
                None,
            )
        )
        self._result.hide()
        self.button.setEnabled(False)
        self.field.textEdited.connect(self._on_edited)
        self.field.returnPressed.connect(self._ask)
        self.button.clicked.connect(self._ask)
        self.take_off.clicked.connect(lambda: self.take_off_asked.emit(self.field.text()))

    def set_may_change(self, may_change: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Whether values may be taken off."""
        self._may_change = may_change

    def show_listing(self, listing: Listing | None) -> None:
        """Say what was found."""
        on_list = listing is not None
        self._icon.set_icon(*(("prohibit-bold", "warning") if on_list else ("check-circle", "success")))
        self._say(listing_words(listing, self._formats), take_off=on_list and self._may_change)

    def show_problem(self, sentence: str) -> None:
        """Say why it could not be compared."""
        self._icon.set_icon("warning-circle", "danger")
        self._say(sentence, take_off=False)

    def result(self) -> str:
        """What is said about the value, an empty text for nothing."""
        return self._words.words() if self._result.isVisibleTo(self) else ""

    def clear(self) -> None:
        """Forget the value."""
        self.field.clear_value()
        self._on_edited("")

    def _say(self, words: str, *, take_off: bool) -> None:
        self.field.conceal()
        self._words.set_words(words)
        self.take_off.setVisible(take_off)
        self._result.show()
        announce(self, words)

    def _on_edited(self, value: str) -> None:
        self._result.hide()
        self.button.setEnabled(bool(value.strip()))

    def _ask(self) -> None:
        if self.field.text().strip():
            self.asked.emit(self.field.text())


class DropZone(KeyboardFocus, QPushButton):
    """Takes a file that is dropped, or asks for one when it is clicked. Signal `dropped(path)`."""

    dropped = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._over = False
        self._first = self.tr("Drop a file here: CSV, Excel or Parquet")
        self._second = self.tr("Plain or already hashed (SHA-256) values")
        self.setAccessibleName(self.tr("Import a file"))
        self.setAccessibleDescription(f"{self._first}. {self._second}.")
        self.setAcceptDrops(True)
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Room for its words."""
        return QSize(self._theme.metrics("body-medium").horizontalAdvance(self._first) + 48, 96)

    def minimumSizeHint(self) -> QSize:
        """Its words may elide."""
        return QSize(200, 96)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one file of this computer."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()
            self._set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Look as before."""
        super().dragLeaveEvent(event)
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Give the file away."""
        event.acceptProposedAction()
        self._set_over(False)
        self.dropped.emit(Path(event.mimeData().urls()[0].toLocalFile()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dashed place with its words."""
        painter = QPainter(self)
        theme = self._theme
        with paint.saved(painter):
            fill = "accent_subtle" if self._over else "hover" if self.underMouse() else "subtle"
            painter.setBrush(theme.color(fill))
            painter.setPen(QPen(theme.color("accent" if self._over else "control"), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        paint.icon(painter, theme, QRect(self.width() // 2 - 9, 18, 18, 18), "upload-simple")
        centre = Qt.AlignmentFlag.AlignHCenter
        room = self.rect().adjusted(12, 0, -12, 0)
        first, second = QRect(room.left(), 44, room.width(), 20), QRect(room.left(), 65, room.width(), 18)
        paint.text(painter, theme, first, self._first, role="body-medium", align=centre)
        paint.text(painter, theme, second, self._second, role="caption", ink="text2", align=centre)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 8)

    def _set_over(self, over: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        self._over = over
        self.update()
