"""The drawer: docked at the right of a page, or over it below 1200 px."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QEvent, QPoint, QPropertyAnimation, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.theme.motion import SLIDE_MS
from app.ui.widgets import paint
from app.ui.widgets.labels import Line

DOCK_FROM = 1200
_SHADOW = 16


class _Panel(QWidget):
    """The drawer's plate; as overlay it has a shadow at its left and closes on Esc."""

    escaped = Signal()

    def __init__(self, theme: Theme, width: int) -> None:
        super().__init__()
        self._theme = theme
        self._wide = width
        self.overlay = False
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._layout = QHBoxLayout(self)
        self._layout.setSpacing(0)
        self._layout.addWidget(Line(theme, vertical=True))
        self._layout.addWidget(self.scroll, 1)
        self.set_overlay(False)

    def set_overlay(self, overlay: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        self.overlay = overlay
        margin = _SHADOW if overlay else 0
        self._layout.setContentsMargins(margin, 0, 0, 0)
        self.setFixedWidth(self._wide + margin)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.overlay:
            self.escaped.emit()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        plate = QRectF(self.rect())
        if self.overlay:
            plate.adjust(_SHADOW, 0, 0, 0)
            paint.shadow(painter, plate, 0, blur=16, offset=0, opacity=0.12)
        painter.fillRect(plate, self._theme.color("surface"))


class DrawerArea(QWidget):
    """A page's content with a drawer at the right.

    `set_content(widget)` is the page, `set_drawer(widget)` what the drawer shows. `open()`, `close_drawer()`, `toggle()`.
    When the window is narrower than 1200 px the drawer lies over the content, with a shadow, and Esc closes it; wider, it
    is docked. Signal `opened_changed(bool)`.
    """

    opened_changed = Signal(bool)

    def __init__(self, theme: Theme, name: str, *, width: int = 320, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._open = False
        self._panel = _Panel(theme, width)
        self._panel.setAccessibleName(name)
        self._panel.escaped.connect(self.close_drawer)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._body = QVBoxLayout()
        self._row.addLayout(self._body, 1)
        self._row.addWidget(self._panel)
        self._panel.hide()
        self._slide = QPropertyAnimation(self._panel, b"pos", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)

    def set_content(self, widget: QWidget) -> None:
        """Give it the page."""
        self._body.addWidget(widget)

    def set_drawer(self, widget: QWidget) -> None:
        """Give the drawer its content; the one before is deleted."""
        self._panel.scroll.setWidget(widget)
        self._panel.scroll.viewport().setAutoFillBackground(False)
        widget.setAutoFillBackground(False)

    def is_open(self) -> bool:
        """Whether the drawer shows."""
        return self._open

    def is_docked(self) -> bool:
        """Whether the window is wide enough to dock it."""
        return self.window().width() >= DOCK_FROM

    def open(self) -> None:
        """Show the drawer."""
        if not self._open:
            self._open = True
            self._arrange(slide=True)
            self.opened_changed.emit(True)

    def close_drawer(self) -> None:
        """Hide the drawer."""
        if self._open:
            self._open = False
            self._arrange(slide=False)
            self.opened_changed.emit(False)

    def toggle(self) -> None:
        """Show or hide it (Ctrl+I)."""
        if self._open:
            self.close_drawer()
        else:
            self.open()

    def resizeEvent(self, event: QEvent) -> None:
        """Dock or overlay."""
        super().resizeEvent(event)
        self._arrange(slide=False)

    def _arrange(self, *, slide: bool) -> None:
        docked = self.is_docked()
        if docked and self._panel.overlay:
            self._slide.stop()
            self._panel.set_overlay(False)
            self._row.addWidget(self._panel)
        elif not docked and not self._panel.overlay:
            self._row.removeWidget(self._panel)
            self._panel.set_overlay(True)
            self._panel.setParent(self)
        self._panel.setVisible(self._open)
        if docked or not self._open:
            return
        left = self.width() - self._panel.width()
        self._panel.resize(self._panel.width(), self.height())
        self._panel.raise_()
        duration = self._theme.motion.duration(SLIDE_MS) if slide else 0
        if duration:
            self._slide.stop()
            self._slide.setDuration(duration)
            self._slide.setStartValue(QPoint(self.width(), 0))
            self._slide.setEndValue(QPoint(left, 0))
            self._slide.start()
        else:
            self._panel.move(left, 0)
