"""What undoing a run leaves as it is, in words of this locale."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.ui.formats import Formats


def kept_values_words(number: int, formats: Formats) -> str:
    """That so many members keep what the run gave them, as a sentence; empty for nobody."""
    if not number:
        return ""
    one = QCoreApplication.translate("Undo", "{members} keeps the new values: the earlier ones are not kept.")
    many = QCoreApplication.translate("Undo", "{members} keep their new values: the earlier ones are not kept.")
    return (one if number == 1 else many).format(members=formats.counted(number, "members"))
