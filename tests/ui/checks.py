"""What tests of pages check again and again."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QWidget


def nameless(root: QWidget) -> list[str]:
    """Return the controls that can take focus and have no name for a screen reader."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        takes = (
            isinstance(widget, QAbstractButton | QLineEdit | QComboBox)
            and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        )
        inner = isinstance(widget.parentWidget(), QComboBox)
        if takes and widget.isVisibleTo(root) and not inner and not widget.accessibleName():
            found.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    return found
