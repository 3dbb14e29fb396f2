"""Forms: one helper that lays a row and gives it its names, so no page can forget them."""

from __future__ import annotations

import html
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.fields import FieldFrame
from app.ui.widgets.labels import Label


class _FieldLabel(QLabel):
    """A field's label, with a red star when it is required."""

    def __init__(self, theme: Theme, words: str, *, required: bool) -> None:
        super().__init__()
        self._theme = theme
        self._words = words
        self._required = required
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setProperty("ink", "text")
        self._renew()
        theme.changed.connect(self._renew)

    def _renew(self) -> None:
        self.setFont(self._theme.font("body-medium"))
        self.setMinimumHeight(self._theme.line_height("body"))
        star = f' <span style="color:{self._theme.tokens["danger"]}">*</span>' if self._required else ""
        self.setText(html.escape(self._words) + star)


class Form(QWidget):
    """Rows of label and control.

    `layout` "above": label above the control (dialogs, wizards). "side": label and hint left, control right (settings).
    """

    def __init__(
        self,
        theme: Theme,
        *,
        layout: Literal["above", "side"] = "above",
        spacing: int = 20,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._side = layout == "side"
        self._stack = QVBoxLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(spacing)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def add_row(self, label: str, control: QWidget, hint: str = "", *, required: bool = False) -> QWidget:
        """Add a row; returns the control.

        The label becomes the control's buddy and accessible name, the hint its accessible description. A control that is a
        `FieldFrame` shows hint and errors itself; any other gets a frame around it.
        """
        words = _FieldLabel(self._theme, label, required=required)
        inner = control.control if isinstance(control, FieldFrame) else control
        target = control.focusProxy() or inner
        words.setBuddy(target)
        spoken = self.tr("{label}, required").format(label=label) if required else label
        for widget in {control, inner, target}:
            widget.setAccessibleName(spoken)
        if hint and isinstance(control, FieldFrame):
            control.set_hint(hint)
        if hint:
            inner.setAccessibleDescription(hint)
            target.setAccessibleDescription(hint)
        row = QWidget()
        if self._side:
            self._lay_side(row, words, control, "" if isinstance(control, FieldFrame) else hint)
        else:
            self._lay_above(row, words, control, "" if isinstance(control, FieldFrame) else hint)
        self._stack.addWidget(row)
        return control

    def add_pair(self, left: QWidget, right: QWidget) -> None:
        """Put two forms beside each other, of equal width."""
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(left, 1)
        layout.addWidget(right, 1)
        self._stack.addWidget(row)

    def add_stretch(self) -> None:
        """Push what is above to the top."""
        self._stack.addStretch(1)

    def _lay_above(self, row: QWidget, words: QLabel, control: QWidget, hint: str) -> None:
        layout = QVBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(words)
        self._add_control(layout, control)
        if hint:
            layout.addWidget(Label(self._theme, hint, "caption", "text2", wrap=True))

    def _lay_side(self, row: QWidget, words: QLabel, control: QWidget, hint: str) -> None:
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(words)
        if hint:
            left.addWidget(Label(self._theme, hint, "caption", "text2", wrap=True))
        layout.addLayout(left, 1)
        layout.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)

    @staticmethod
    def _add_control(layout: QBoxLayout, control: QWidget) -> None:
        narrow = control.sizePolicy().horizontalPolicy() in (QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        if narrow:
            layout.addWidget(control, 0, Qt.AlignmentFlag.AlignLeft)
        else:
            layout.addWidget(control)
