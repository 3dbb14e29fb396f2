"""Personal values are in sight only while somebody looks at them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

SHOWN_MS = 20_000
"""Personal values are readable that long after "Show"."""


class Masking(QObject):
    """Whether the personal values of a page are masked; shown ones are masked again by themselves. Main thread only.

    Signal `changed()`: a person asked for the other, or the time is over.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(SHOWN_MS)
        self.timer.timeout.connect(self._end)

    @property
    def on(self) -> bool:
        """Whether values are masked."""
        return not self.timer.isActive()

    def toggle(self) -> None:
        """Show masked values, mask shown ones."""
        if self.on:
            self.timer.start()
            self.changed.emit()
        else:
            self._end()

    def mask(self) -> None:
        """Mask them without a signal: what they stood beside has gone."""
        self.timer.stop()

    def _end(self) -> None:
        self.mask()
        self.changed.emit()
