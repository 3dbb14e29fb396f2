"""What shows how far something is: progress bar, limit bar, spinner, skeleton rows."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QRect, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint

_STEPS = 10_000


class ProgressBar(QProgressBar):
    """A bar filled to a share that glides to its next value.

    Args:
        theme: the theme.
        name: accessible name.
        height: 4 px in rows and the activity block, 8 px in panels.
        fill: colour role.
    """

    def __init__(
        self, theme: Theme, name: str, *, height: int = 4, fill: str = "bar", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fill = fill
        self._shown = 0.0
        self.setRange(0, _STEPS)
        self.setTextVisible(False)
        self.setAccessibleName(name)
        self.setFixedHeight(height)
        self._glide = QVariantAnimation(self)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._glide.valueChanged.connect(self._on_glide_changed)

    def share(self) -> float:
        """Return the value, 0 to 1."""
        return self.value() / _STEPS

    def set_share(self, share: float, *, fill: str | None = None) -> None:
        """Show `share` (0 to 1), in another colour role when given."""
        share = min(max(share, 0.0), 1.0)
        value, fill = round(share * _STEPS), fill or self._fill
        if value == self.value() and fill == self._fill:
            return  # Qt would paint the window at once, in the middle of whatever is being done
        self._fill = fill
        self.setValue(value)
        duration = self._theme.motion.duration(200) if self.isVisible() else 0
        self._glide.stop()
        if duration == 0:
            self._on_glide_changed(share)
            return
        self._glide.setDuration(duration)
        self._glide.setStartValue(self._shown)
        self._glide.setEndValue(share)
        self._glide.start()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint track and fill."""
        painter = QPainter(self)
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        paint.bar(painter, self._theme, QRectF(self.rect()), self._shown, fill=self._fill, mirrored=mirrored)

    def _on_glide_changed(self, share: float) -> None:
        self._shown = float(share)
        self.update()


class LimitBar(QWidget):
    """A count right-aligned over a bar of its share of a limit; from 80 % in the warning colour.

    `set_count(words, share)`: the number as shown, and its share of the limit (above 1 is over it); None hides the bar.
    """

    def __init__(self, theme: Theme, name: str, *, width: int = 96, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._words = ""
        self._share: float | None = None
        self.setFixedSize(width, 28)

    def set_count(self, words: str, share: float | None) -> None:
        """Show a number and its share of the limit."""
        self._words = words
        self._share = share
        self.setAccessibleName(f"{self._name}: {words}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint number and bar."""
        painter = QPainter(self)
        over = self._share is not None and self._share > 1
        area = QRect(0, 0, self.width(), 18)
        ink = "warning" if over else "text"
        paint.text(painter, self._theme, area, self._words, ink=ink, align=Qt.AlignmentFlag.AlignRight)
        if self._share is not None:
            track = QRectF(0, self.height() - 4, self.width(), 4)
            paint.bar(painter, self._theme, track, self._share, fill=paint.limit_fill(self._share))


class Spinner(QWidget):
    """The turning mark of running work; `name` says what is running."""

    def __init__(self, theme: Theme, name: str, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedSize(size, size)
        self.setAccessibleName(name)

    def spin(self) -> bool:
        """Repaint (see `Motion`)."""
        if not self.isVisible():
            return False
        self.update()
        return True

    def showEvent(self, event: QShowEvent) -> None:
        """Turn while visible."""
        super().showEvent(event)
        self._theme.motion.follow(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the spinner."""
        paint.spinner(QPainter(self), self._theme, self.rect())


class Skeleton(QWidget):
    """Rows of grey bars in the layout of the table that is coming.

    Args:
        theme: the theme.
        name: accessible name: what is loading.
        rows: how many.
        row_height: px, as in the table that comes.
        badges: whether each row begins with a square.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        rows: int = 3,
        row_height: int = 32,
        badges: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = rows
        self._row_height = row_height
        self._badges = badges
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(rows * row_height)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(360, self._rows * self._row_height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the grey rows."""
        painter = QPainter(self)
        tone = self._theme.color("neutral_subtle")
        width = self.width()
        for i in range(self._rows):
            top = i * self._row_height
            middle = top + self._row_height / 2
            left = 0.0
            if self._badges:
                paint.box(painter, QRectF(0, middle - 10, 20, 20), 5, fill=tone)
                left = 30.0
            long = min((150, 110, 132)[i % 3], max(40.0, width * 0.5))
            paint.box(painter, QRectF(left, middle - 6, long, 10), 5, fill=tone)
            for right, size in ((width - 150, 60), (width - 70, 70)):
                if right > left + long + 16:
                    paint.box(painter, QRectF(right, middle - 6, size, 10), 5, fill=tone)
