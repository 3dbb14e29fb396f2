"""Text by role, lines, cards and plain filled areas."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QLayout, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint


class Label(QLabel):
    """Plain text in a type role and a colour role; wrapped text keeps the role's line height.

    The text is always plain: it is escaped before it becomes the rich text that fixed line heights need.
    """

    def __init__(
        self,
        theme: Theme,
        words: str = "",
        role: str = "body",
        ink: str = "text",
        *,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self._role = role
        self._wrap = wrap
        self.setProperty("ink", ink)
        self.setTextFormat(Qt.TextFormat.RichText if wrap else Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)
            self.setContentsMargins(0, -1, 0, 1)  # Qt puts the words of fixed lines a pixel lower than plain ones
        self._refont()
        theme.changed.connect(self._refont)
        self.set_words(words)

    def minimumSizeHint(self) -> QSize:
        """One line when wrapped: the height for the real width is the layout's business."""
        if self._wrap:
            return QSize(40, self._theme.line_height(self._role))
        return super().minimumSizeHint()

    def words(self) -> str:
        """Return the plain text."""
        return self._words

    def set_words(self, words: str) -> None:
        """Show other text."""
        self._words = words
        self.setAccessibleName(words)
        if self._wrap:
            line = self._theme.line_height(self._role)
            body = html.escape(words).replace("\n", "<br>")
            style = f"line-height:{line}px; -qt-line-height-type: fixed; margin:0"
            self.setText(f'<p style="{style}">{body}</p>' if words else "")
        else:
            self.setText(words)

    def set_ink(self, ink: str) -> None:
        """Change the colour role."""
        if self.property("ink") != ink:
            self.setProperty("ink", ink)
            self.style().unpolish(self)
            self.style().polish(self)

    def _refont(self) -> None:
        self.setFont(self._theme.font(self._role))
        if self._wrap:
            self.set_words(self._words)
        elif self.minimumHeight() < self.maximumHeight():  # a height that was fixed stays when the theme changes
            self.setMinimumHeight(self._theme.line_height(self._role))


class ElidedLabel(Label):
    """One line that elides at its end (or in the middle) and then shows the whole text as tooltip."""

    def __init__(
        self,
        theme: Theme,
        words: str = "",
        role: str = "body",
        ink: str = "text",
        *,
        middle: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        super().__init__(theme, words, role, ink, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_words(self, words: str) -> None:
        """Show other text."""
        super().set_words(words)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self._words, self._mode, max(self.width(), 1))
        self.setText(shown)
        self.setToolTip(self._words if shown != self._words else "")


class IconLabel(QWidget):
    """An icon alone, in a colour role; silent for screen readers unless `name` says what it means."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        role: str = "text2",
        size: int = 16,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon = icon
        self._role = role
        self.setFixedSize(size, size)
        self.setAccessibleName(name)

    def set_icon(self, icon: str, role: str | None = None) -> None:
        """Show another icon, in another role when given."""
        self._icon = icon
        self._role = role or self._role
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon."""
        side = min(self.width(), self.height())
        square = QRect(0, 0, side, side)
        square.moveCenter(self.rect().center())
        paint.icon(QPainter(self), self._theme, square, self._icon, self._role)


class IconLine(QWidget):
    """A small icon with words behind it, in a quieter ink."""

    def __init__(self, theme: Theme, icon: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLayout(row(IconLabel(theme, icon), Label(theme, words, "body", "text2")))


class Line(QWidget):
    """A hairline, horizontal or vertical."""

    def __init__(
        self, theme: Theme, *, vertical: bool = False, role: str = "line", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._role = role
        if vertical:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the line."""
        QPainter(self).fillRect(self.rect(), self._theme.color(self._role))


class Area(QWidget):
    """A widget filled with a surface role, with hairlines at the edges named in `edges` ("t", "b", "l", "r")."""

    def __init__(self, theme: Theme, fill: str = "surface", edges: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fill = fill
        self._edges = edges

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill and draw the edges."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(self._fill))
        line = self._theme.color("line")
        width, height = self.width(), self.height()
        for edge, rect in {
            "t": (0, 0, width, 1),
            "b": (0, height - 1, width, 1),
            "l": (0, 0, 1, height),
            "r": (width - 1, 0, 1, height),
        }.items():
            if edge in self._edges:
                painter.fillRect(*rect, line)


class Card(QFrame):
    """A rounded box with a hairline edge; put content into `body` (a vertical layout).

    `title` gives it a heading. `margin` is the inner margin in px (the design has 16 to 20).
    """

    def __init__(
        self, theme: Theme, title: str = "", *, margin: int = 16, fill: str = "surface", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fill = fill
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin - 4 if title else margin, margin, margin)
        self.body.setSpacing(8)
        if title:
            self.heading = Label(theme, title, "subtitle")
            self.body.addWidget(self.heading)
            self.body.addSpacing(2)
            self.setAccessibleName(title)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint box and edge."""
        painter = QPainter(self)
        paint.box(painter, self.rect(), 8, fill=self._theme.color(self._fill), edge=self._theme.color("line"))

    def changeEvent(self, event: QEvent) -> None:
        """Repaint when the palette changes."""
        super().changeEvent(event)
        self.update()


def _plain(layout: QBoxLayout, spacing: int, margins: tuple[int, int, int, int]) -> None:
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)


def _fill(layout: QBoxLayout, items: tuple[QWidget | QLayout | int | None, ...]) -> None:
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)


def row(
    *items: QWidget | QLayout | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """Return a horizontal layout of the items: a widget, a layout, an int for that much space, None for a stretch."""
    layout = QHBoxLayout()
    _plain(layout, spacing, margins)
    _fill(layout, items)
    return layout


def column(
    *items: QWidget | QLayout | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QVBoxLayout:
    """Return a vertical layout of the items, as `row` does."""
    layout = QVBoxLayout()
    _plain(layout, spacing, margins)
    _fill(layout, items)
    return layout


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and delete it."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)


def announce(widget: QWidget, words: str) -> None:
    """Have a screen reader say `words` now."""
    # Imported here, as its many enumerations take their time before the first paint.
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))
