"""Rows of a wizard's form: a label at the left, a control and what explains it at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.checks import Toggle
from app.ui.widgets.labels import Label, row

_LABEL = 204


def form_grid(holder: QWidget) -> QGridLayout:
    """A grid for `form_row`, as the layout of the holder."""
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(8)
    grid.setColumnMinimumWidth(0, _LABEL - 8)
    grid.setColumnStretch(1, 1)
    return grid


def form_row(
    theme: Theme, grid: QGridLayout, words: str, control: QWidget, *beside: QWidget, width: int = 0
) -> tuple[QWidget, ...]:
    """Add a row and give back all it shows; a width fixes that of the control."""
    at = grid.rowCount()
    label = Label(theme, words, "body-medium")
    label.setFixedHeight(32)
    label.setBuddy(control.focusProxy() or control)
    if width:
        control.setFixedWidth(width)
    line = row(control, *beside, None)
    for widget in (control, *beside):
        line.setAlignment(widget, Qt.AlignmentFlag.AlignTop)
        if isinstance(widget, Label):
            widget.setFixedHeight(32)
    grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop)
    grid.addLayout(line, at, 1)
    return (label, control, *beside)


def show_row(widgets: tuple[QWidget, ...], on: bool) -> None:  # noqa: FBT001 - reads like setVisible
    """Show or hide all of a row."""
    for widget in widgets:
        widget.setVisible(on)


def toggle_row(theme: Theme, toggle: Toggle, title: str, detail: Label) -> QWidget:
    """A switch with its name and, below that, what it does."""
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(Label(theme, title, "body-medium"))
    words.addWidget(detail)
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 2, 0, 2)
    line.setSpacing(12)
    line.addWidget(toggle)
    line.addLayout(words, 1)
    return holder
