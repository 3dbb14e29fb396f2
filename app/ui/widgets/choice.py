"""One of few, all in sight: chips and the segmented control. Real Qt controls with own paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.focus import KeyboardFocus


@dataclass(frozen=True)
class Choice:
    """One entry of a chip bar, segmented control or select. `dot` is a colour role ("bar", "danger_fill") or empty."""

    key: str
    text: str
    count: str = ""
    dot: str = ""
    icon: str = ""
    enabled: bool = True
    tooltip: str = ""


class Chip(KeyboardFocus, QPushButton):
    """A checkable filter chip with a live count and an optional dot."""

    def __init__(self, theme: Theme, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._theme = theme
        self._choice = choice
        self._counts = True
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_choice(choice)

    def set_choice(self, choice: Choice) -> None:
        """Show other words or another count."""
        self._choice = choice
        self.setAccessibleName(f"{choice.text}, {choice.count}" if choice.count else choice.text)
        self.setEnabled(choice.enabled)
        self.show_count(self._counts)

    def show_count(self, shown: bool) -> None:  # noqa: FBT001 - reads like setVisible
        """Paint the count, or leave it to the tooltip."""
        self._counts = shown
        hidden = self._choice.count and not shown
        self.setToolTip(self._choice.tooltip or (self.accessibleName() if hidden else ""))
        self.updateGeometry()
        self.update()

    def width_with(self, *, count: bool) -> int:
        """How wide it is with its count or without."""
        metrics = self._theme.metrics("caption-medium")
        width = metrics.horizontalAdvance(self._choice.text) + 24
        if self._choice.count and count:
            width += metrics.horizontalAdvance(self._choice.count) + 8
        if self._choice.dot:
            width += 12
        return width + 2

    def sizeHint(self) -> QSize:
        """Dot, words, count."""
        return QSize(self.width_with(count=self._counts), 28)

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its words."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the chip."""
        painter = QPainter(self)
        theme, choice = self._theme, self._choice
        on = self.isChecked()
        if on:
            paint.box(
                painter, self.rect(), 14, fill=theme.color("accent_subtle"), edge=theme.color("accent"), width=1.0
            )
        else:
            fill = theme.color("hover") if self.underMouse() and self.isEnabled() else theme.color("surface")
            paint.box(painter, self.rect(), 14, fill=fill, edge=theme.color("border"))
        ink = "accent_text" if on else ("text2" if self.isEnabled() else "disabled")
        left = 12
        metrics = theme.metrics("caption-medium")
        if choice.dot:
            paint.box(painter, QRectF(left, self.height() / 2 - 3, 6, 6), 3, fill=theme.color(choice.dot))
            left += 12
        for words in (choice.text, choice.count if self._counts else ""):
            if words:
                width = metrics.horizontalAdvance(words)
                spot = QRect(left, 0, width + 2, self.height())
                paint.text(painter, theme, spot, words, role="caption-medium", ink=ink)
                left += width + 8
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, self.rect(), 14)


class _Group(QWidget):
    """One of several buttons is on; arrow keys move between them and choose."""

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._buttons: dict[str, QAbstractButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._group.buttonClicked.connect(self._on_button_clicked)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def current(self) -> str:
        """Return the key of the choice that is on; empty when none is."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), "")

    def set_current(self, key: str) -> None:
        """Turn a choice on without emitting `chosen`."""
        self._buttons[key].setChecked(True)
        self._settle_tab_stop()

    def _add(self, key: str, button: QAbstractButton) -> None:
        self._buttons[key] = button
        self._group.addButton(button)
        button.installEventFilter(self)
        self._row.addWidget(button)

    def _remove_all(self) -> None:
        for button in self._buttons.values():
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons.clear()

    def _settle_tab_stop(self) -> None:
        """Only the choice that is on takes Tab, as in a native radio group."""
        current = self.current() or next(iter(self._buttons), "")
        for key, button in self._buttons.items():
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if key == current else Qt.FocusPolicy.ClickFocus)

    def eventFilter(self, watched: QWidget, event: QEvent) -> bool:
        """Move with the arrow keys."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}.get(
                Qt.Key(event.key())
            )
            if step is not None:
                mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
                horizontal = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
                self._move(watched, -step if mirrored and horizontal else step)
                return True
        return super().eventFilter(watched, event)

    def _move(self, start: QWidget, step: int) -> None:
        open_ones = [button for button in self._buttons.values() if button.isEnabled()]
        if not open_ones:
            return
        at = open_ones.index(start) if start in open_ones else 0
        target = open_ones[(at + step) % len(open_ones)]
        target.setChecked(True)
        self._settle_tab_stop()
        target.setFocus(Qt.FocusReason.TabFocusReason)
        self.chosen.emit(self.current())

    def _on_button_clicked(self, _button: QAbstractButton) -> None:
        self._settle_tab_stop()
        self.chosen.emit(self.current())


class ChipBar(_Group):
    """Filter chips, one of them on. Signal `chosen(str)` gives the key; `set_choices` renews words and counts.

    Where they have no room with their counts, the counts stand in the tooltips.
    """

    def __init__(
        self, theme: Theme, name: str, choices: Sequence[Choice], parent: QWidget | None = None, *, gap: int = 8
    ) -> None:
        super().__init__(name, parent)
        self._theme = theme
        self._row.setSpacing(gap)
        self.set_choices(choices)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Show these choices; the one that is on stays on while its key is still there."""
        before = self.current()
        if [c.key for c in choices] == list(self._buttons):
            for choice in choices:
                chip = self._buttons[choice.key]
                if isinstance(chip, Chip):
                    chip.set_choice(choice)
            self._fit()
            return
        self._remove_all()
        for choice in choices:
            self._add(choice.key, Chip(self._theme, choice, self))
        if choices:
            self.set_current(before if before in self._buttons else choices[0].key)
        self._fit()

    def sizeHint(self) -> QSize:
        """With all counts."""
        return QSize(self._width_with(count=True), 28)

    def minimumSizeHint(self) -> QSize:
        """The words alone."""
        return QSize(self._width_with(count=False), 28)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the counts as far as they have room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.updateGeometry()
        counts = self._width_with(count=True) <= self.width()
        for chip in self._chips():
            chip.show_count(counts)

    def _width_with(self, *, count: bool) -> int:
        chips = self._chips()
        return sum(chip.width_with(count=count) for chip in chips) + self._row.spacing() * max(0, len(chips) - 1)

    def _chips(self) -> list[Chip]:
        return [button for button in self._buttons.values() if isinstance(button, Chip)]


class _Segment(KeyboardFocus, QPushButton):
    """One segment; its control paints the track behind it."""

    def __init__(self, theme: Theme, choice: Choice, parent: QWidget | None = None, *, small: bool = False) -> None:
        super().__init__(parent)
        self._theme = theme
        self._small = small
        self._role = "caption-medium" if small else "body-medium"
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_choice(choice)

    def set_choice(self, choice: Choice) -> None:
        """Show other words for the same choice."""
        self._icon = choice.icon
        self.setText(choice.text)
        self.setEnabled(choice.enabled)
        self.setToolTip(choice.tooltip)
        self.setAccessibleName(choice.text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Words with 15 px at both sides, 10 when small."""
        width = self._theme.metrics(self._role).horizontalAdvance(self.text()) + (20 if self._small else 28)
        return QSize(width + (22 if self._icon else 0), 28 if self._small else 32)

    def minimumSizeHint(self) -> QSize:
        """Never narrower than its words."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the chosen plate, words and ring."""
        painter = QPainter(self)
        theme = self._theme
        plate = self.rect().adjusted(1, 2, -1, -2)
        on = self.isChecked()
        if on:
            fill = theme.color("surface" if theme.mode == "light" else "pressed")
            paint.box(painter, plate, 5, fill=fill, edge=theme.color("border"))
        ink = ("text" if on else "text2") if self.isEnabled() else "disabled"
        if not on and self.underMouse() and self.isEnabled():
            ink = "text"
        words = theme.metrics(self._role).horizontalAdvance(self.text())
        total = words + (22 if self._icon else 0)
        left = (self.width() - total) // 2
        if self._icon:
            mark = "accent_text" if on and self.isEnabled() else ink
            paint.icon(painter, theme, QRect(left, (self.height() - 16) // 2, 16, 16), self._icon, mark)
            left += 22
        paint.text(painter, theme, QRect(left, 0, words + 2, self.height()), self.text(), role=self._role, ink=ink)
        if self.hasFocus() and self.focus_visible:
            paint.focus_ring(painter, theme, plate, 5)


class Segmented(_Group):
    """Two to five short choices in one track, `small` beside a heading. Signal `chosen(str)` gives the key."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        choices: Sequence[Choice],
        current: str = "",
        *,
        expand: bool = False,
        small: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(name, parent)
        self._theme = theme
        self._small = small
        self._row.setContentsMargins(1, 0, 1, 0)
        self._row.setSpacing(0)
        self.set_choices(choices)
        if current:
            self.set_current(current)
        if expand:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Show these choices; the one that is on stays on while its key is still there."""
        before = self.current()
        if [choice.key for choice in choices] == list(self._buttons):
            # New ones would take the keyboard from who is there, and flicker while a run goes on.
            for choice in choices:
                segment = self._buttons[choice.key]
                if isinstance(segment, _Segment):
                    segment.set_choice(choice)
            return
        self._remove_all()
        for choice in choices:
            self._add(choice.key, _Segment(self._theme, choice, self, small=self._small))
        if choices:
            self.set_current(before if before in self._buttons else choices[0].key)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the track."""
        painter = QPainter(self)
        theme = self._theme
        paint.box(painter, self.rect(), 6, fill=theme.color("neutral_subtle"), edge=theme.color("border"))
