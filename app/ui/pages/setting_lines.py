"""Lines of the cards in Settings: a label with a hint, and what is set beside it."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import Label, row


def setting_line(theme: Theme, label: str, hint: str, control: QWidget, width: int = 0) -> QWidget:
    """One setting; the search of the page finds it by its label and hint. A `width` of 0 leaves the control as wide as it is."""
    host = QWidget()
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(Label(theme, label, "body-medium"))
    if hint:
        words.addWidget(Label(theme, hint, "caption", "text2"))
    if not control.accessibleName():
        control.setAccessibleName(label)
    if width:
        control.setFixedWidth(width)
        control.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    host.setLayout(row(words, None, control))
    host.setProperty("words", f"{label} {hint}")
    return host


def side_by_side(*controls: QWidget) -> QWidget:
    """Several controls in one line, found by their names."""
    host = QWidget()
    host.setLayout(row(*controls, None, spacing=16))
    host.setProperty("words", " ".join(each.accessibleName() for each in controls))
    return host


def stacked(part: QWidget, *lines: QWidget, spacing: int = 14) -> None:
    """Put these lines one below the other into a part, which is found by the words of all."""
    stack = QVBoxLayout(part)
    stack.setContentsMargins(0, 0, 0, 0)
    stack.setSpacing(spacing)
    for each in lines:
        stack.addWidget(each)
    part.setProperty(
        "words", " ".join(filter(None, (str(each.property("words") or each.accessibleName()) for each in lines)))
    )
