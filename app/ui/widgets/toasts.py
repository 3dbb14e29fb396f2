"""Toasts: the result of the person's own action at the bottom right, with Undo where it is possible."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, QTimer
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.buttons import Button, IconButton
from app.ui.widgets.labels import IconLabel, Label, announce

LIFE_MS = 6_000
MOST = 3
_SHADOW = 16


class Toast(QWidget):
    """One message; made by `ToastHost`."""

    def __init__(
        self, theme: Theme, host: ToastHost, words: str, *, icon: str, role: str, undo: Callable[[], object] | None
    ) -> None:
        super().__init__(host.parentWidget())
        self._theme = theme
        self._host = host
        self._undo = undo
        self.setAccessibleName(words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_SHADOW + 14, _SHADOW + 9, _SHADOW + 10, _SHADOW + 9)
        layout.setSpacing(10)
        layout.addWidget(IconLabel(theme, icon, role))
        layout.addWidget(Label(theme, words, "body-medium"))
        layout.addSpacing(24)
        layout.addStretch(1)
        if undo is not None:
            button = Button(theme, self.tr("Undo"), "link")
            button.clicked.connect(self.undo)
            layout.addWidget(button)
        close = IconButton(theme, "x", self.tr("Close the message"))
        close.clicked.connect(self.dismiss)
        layout.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LIFE_MS)
        self._timer.timeout.connect(self._on_time_over)
        self._timer.start()

    def sizeHint(self) -> QSize:
        """At least 320 px wide."""
        size = super().sizeHint()
        return QSize(max(size.width(), 320 + 2 * _SHADOW), size.height())

    def enterEvent(self, event: QEnterEvent) -> None:
        """The pointer keeps it."""
        super().enterEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        """Time goes on."""
        super().leaveEvent(event)
        self._timer.start()

    def dismiss(self) -> None:
        """Take it away."""
        self._timer.stop()
        self._host.drop(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint shadow and plate."""
        painter = QPainter(self)
        plate = QRectF(self.rect()).adjusted(_SHADOW, _SHADOW, -_SHADOW, -_SHADOW)
        paint.shadow(painter, plate, 8, blur=16, offset=4, opacity=0.12)
        paint.box(painter, plate, 8, fill=self._theme.color("raised"), edge=self._theme.color("border"))

    def _on_time_over(self) -> None:
        focused = self.window().focusWidget()
        if focused is not None and self.isAncestorOf(focused):
            self._timer.start()
            return
        self.dismiss()

    def can_undo(self) -> bool:
        """Whether it has an Undo button."""
        return self._undo is not None

    def undo(self) -> None:
        """Take the action back and close."""
        undo = self._undo
        self.dismiss()
        if undo is not None:
            undo()


class ToastHost(QObject):
    """Shows at most three toasts at the bottom right of a window; the oldest gives way."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._window = window
        self._toasts: list[Toast] = []
        window.installEventFilter(self)

    def parentWidget(self) -> QWidget:
        """Return the window."""
        return self._window

    def show(
        self,
        words: str,
        *,
        undo: Callable[[], object] | None = None,
        icon: str = "check-circle-fill",
        role: str = "success",
    ) -> Toast:
        """Show a message for 6 s; `undo` adds the button and is called in the main thread."""
        while len(self._toasts) >= MOST:
            self._toasts[0].dismiss()
        toast = Toast(self._theme, self, words, icon=icon, role=role, undo=undo)
        self._toasts.append(toast)
        toast.show()
        self._place()
        announce(toast, words)
        return toast

    def toasts(self) -> tuple[Toast, ...]:
        """Return what is shown, oldest first."""
        return tuple(self._toasts)

    def undo_last(self) -> bool:
        """Do what the newest Undo button does (Ctrl+Z); False when there is none."""
        for toast in reversed(self._toasts):
            if toast.can_undo():
                toast.undo()
                return True
        return False

    def drop(self, toast: Toast) -> None:
        """Remove a toast."""
        if toast in self._toasts:
            self._toasts.remove(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window."""
        if watched is self._window and event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        bottom = self._window.height() - 24 + _SHADOW
        for toast in reversed(self._toasts):
            size = toast.sizeHint().boundedTo(self._window.size())
            toast.resize(size)
            toast.move(self._window.width() - size.width() - 24 + _SHADOW, bottom - size.height())
            toast.raise_()
            bottom -= size.height() - 2 * _SHADOW + 8
