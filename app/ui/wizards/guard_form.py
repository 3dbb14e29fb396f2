"""From which share on a run waits for a person before it sends."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.exports import Guard
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.checks import CheckBox
from app.ui.widgets.choice import Choice
from app.ui.widgets.labels import Label, column, row
from app.ui.widgets.select import Select


class GuardOf(Enum):
    """What the limits are shares of: an audience, or the rows of files with segments or tables in them."""

    AUDIENCE = "audience"
    SEGMENT_FILES = "segment files"
    TABLES = "tables"


_SHARES = (5.0, 10.0, 20.0, 30.0, 50.0)


class GuardForm(QWidget):
    """Two shares of the audience or of the rows, "any" for no limit, and whether to hold what is suddenly empty.

    Signal `changed(object)` with the new `Guard`.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._guard = Guard()
        self.removed = Select(theme, self.tr("Hold the run above this share removed"))
        self.altered = Select(theme, self.tr("Hold the run above this share changed"))
        self.empty = CheckBox(theme, "")
        self._removed_part, self._altered_part = QWidget(), QWidget()
        self._removed_words = Label(theme, "", "body", "text2")
        for part, words, select in (
            (self._removed_part, self._removed_words, self.removed),
            (self._altered_part, Label(theme, self.tr("Changed above"), "body", "text2"), self.altered),
        ):
            select.setFixedWidth(124)
            part.setLayout(row(words, select))
        hint = Label(
            theme,
            self.tr("A run that would do more waits for you; nothing is sent until you say so."),
            "caption",
            "text2",
            wrap=True,
        )
        self.setLayout(column(row(self._removed_part, self._altered_part, None, spacing=24), self.empty, hint))
        self.removed.chosen.connect(lambda key: self._change(replace(self._guard, removed_percent=_share(key))))
        self.empty.clicked.connect(lambda on: self._change(replace(self._guard, empty_source=on)))
        self.altered.chosen.connect(lambda key: self._change(replace(self._guard, changed_percent=_share(key))))

    def show_guard(self, guard: Guard, *, removes: bool, compares: bool, of: GuardOf) -> None:
        """Show these limits; that for removals only where a run removes, that for changes only where it compares."""
        self._guard = guard
        self._removed_part.setVisible(removes)
        self._altered_part.setVisible(compares)
        self._removed_words.set_words(
            self.tr("Removed above") if of is GuardOf.AUDIENCE else self.tr("Rows gone since the last run above")
        )
        self.empty.setText(
            self.tr("Hold when a table is empty or lost more than half of its rows")
            if of is GuardOf.TABLES
            else self.tr("Hold when a segment is empty or lost more than half of its members")
        )
        self.empty.setAccessibleName(self.empty.text())
        self.empty.updateGeometry()
        self.empty.setChecked(guard.empty_source)
        for select, share in ((self.removed, guard.removed_percent), (self.altered, guard.changed_percent)):
            shares = sorted({*_SHARES, *([] if share is None else [share])})
            choices = [Choice(f"{each:g}", self._words(each)) for each in shares]
            select.set_choices([*choices, Choice("any", self.tr("Any share"))])
            select.set_current_key("any" if share is None else f"{share:g}")

    def _words(self, share: float) -> str:
        return self._formats.percent(share / 100, 0 if share.is_integer() else 1)

    def _change(self, guard: Guard) -> None:
        self._guard = guard
        self.changed.emit(guard)


def _share(key: str) -> float | None:
    return None if key == "any" else float(key)
