"""The batches of a run in the order of sending, as wide as they have members: tick, question mark or empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QRect, QSize
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.batches import Batch, BatchState
from app.core.interruptions import neighbours
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets import paint

HEIGHT, GAP, LEAST, MOST, ICON, PADDING = 32, 4, 36, 12, 14, 8


@dataclass(frozen=True)
class _Look:
    icon: str
    ink: str
    fill: str
    edge: str


_ARRIVED = _Look("check", "success", "success_subtle", "success")
_DOUBT = _Look("question", "warning", "warning_subtle", "warning")
_EMPTY = _Look("", "text", "surface", "control")


def look_of(state: BatchState) -> _Look:
    """How a batch in that state is drawn; shape and colour say the same."""
    if state in {BatchState.SETTLED, BatchState.REFUSED}:
        return _ARRIVED
    return _EMPTY if state is BatchState.WAITING else _DOUBT


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("BatchStrip", text)


def state_words(state: BatchState) -> str:
    """A batch's state in a word or two."""
    return {
        BatchState.SETTLED: tr("Arrived"),
        BatchState.REFUSED: tr("Rejected"),
        BatchState.IN_DOUBT: tr("In doubt"),
        BatchState.SENDING: tr("Sending"),
        BatchState.WAITING: tr("Not sent"),
    }[state]


class BatchStrip(QWidget):
    """One box a batch; of many batches neighbours of the same state share a box. Screen readers hear them all as words."""

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._formats = formats
        self._boxes: list[tuple[Batch, ...]] = []
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_batches(self, batches: Sequence[Batch]) -> None:
        """Show other batches."""
        self._boxes = [(batch,) for batch in batches] if len(batches) <= MOST else neighbours(batches)
        self.setAccessibleName(tr("Batches in the order of sending"))
        self.setAccessibleDescription(". ".join(self._words(box) for box in self._boxes))
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the least boxes."""
        return QSize(max(1, len(self._boxes)) * (LEAST + GAP), HEIGHT)

    def boxes(self) -> list[tuple[tuple[Batch, ...], QRect]]:
        """What is drawn where."""
        if not self._boxes:
            return []
        room = self.width() - GAP * (len(self._boxes) - 1)
        least = [self._width_of(box) for box in self._boxes]
        if sum(least) > room:
            least = [min(LEAST, room // len(self._boxes))] * len(self._boxes)
        members = [sum(batch.members for batch in box) for box in self._boxes]
        spare = max(0, room - sum(least))
        total = sum(members) or 1
        placed, left = [], 0
        for box, lowest, number in zip(self._boxes, least, members, strict=True):
            width = lowest + spare * number // total
            placed.append((box, QRect(left, 0, width, HEIGHT)))
            left += width + GAP
        return placed

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the boxes."""
        painter, theme = QPainter(self), self._theme
        for box, rect in self.boxes():
            look = look_of(box[0].state)
            paint.box(painter, rect, 6, fill=theme.color(look.fill), edge=theme.color(look.edge))
            words = self._numbers(box) if self._width_of(box) <= rect.width() else ""
            gap = 6 if look.icon and words else 0
            length = theme.metrics("caption").horizontalAdvance(words)
            left = rect.center().x() - (length + gap + (ICON if look.icon else 0)) // 2
            if look.icon and rect.width() > ICON:
                mark = QRect(left, rect.center().y() - ICON // 2 + 1, ICON, ICON)
                paint.icon(painter, theme, mark, look.icon, look.ink)
                left += ICON + gap
            paint.text(
                painter, theme, QRect(left, rect.top(), length + 2, rect.height()), words, role="caption", ink=look.ink
            )

    def event(self, event: QEvent) -> bool:
        """Say more of the batch under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = next((box for box, rect in self.boxes() if rect.contains(event.pos())), None)
            QToolTip.showText(event.globalPos(), self._words(found) if found else "", self)
            return True
        return super().event(event)

    def _width_of(self, box: tuple[Batch, ...]) -> int:
        """What a box needs for its mark and numbers; with less it has the mark alone, its numbers stand in the table."""
        mark = ICON + 6 if look_of(box[0].state).icon else 0
        return self._theme.metrics("caption").horizontalAdvance(self._numbers(box)) + mark + 2 * PADDING

    def _numbers(self, box: tuple[Batch, ...]) -> str:
        return numbers_words(box, self._formats)

    def _words(self, box: tuple[Batch, ...]) -> str:
        members = self._formats.counted(sum(batch.members for batch in box), "members")
        one = tr("Batch {numbers}: {state}, {members}")
        several = tr("Batches {numbers}: {state}, {members}")
        words = one if len(box) == 1 else several
        return words.format(numbers=self._numbers(box), state=state_words(box[0].state), members=members)


def numbers_words(box: Sequence[Batch], formats: Formats) -> str:
    """The number of a batch, or from where to where: "1 to 4"."""
    first, last = formats.number(box[0].number), formats.number(box[-1].number)
    return first if len(box) == 1 else tr("{first} to {last}").format(first=first, last=last)
