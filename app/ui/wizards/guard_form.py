"""From which share on a run waits for a person before it sends."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.exports import Guard
from app.ui.formats import Formats
from app.ui.theme import Theme
from app.ui.widgets.choice import Choice
from app.ui.widgets.fields import Select
from app.ui.widgets.labels import Label, column, row

_SHARES = (5.0, 10.0, 20.0, 30.0, 50.0)


class GuardForm(QWidget):
    """Two shares of the audience, "any" for no limit. Signal `changed(object)` with the new `Guard`."""

    changed = Signal(object)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = formats
        self._guard = Guard()
        self.removed = Select(theme, self.tr("Hold the run above this share removed"))
        self.altered = Select(theme, self.tr("Hold the run above this share changed"))
        self._removed_part, self._altered_part = QWidget(), QWidget()
        for part, words, select in (
            (self._removed_part, self.tr("Removed above"), self.removed),
            (self._altered_part, self.tr("Changed above"), self.altered),
        ):
            select.setFixedWidth(124)
            part.setLayout(row(Label(theme, words, "body", "text2"), select))
        hint = Label(
            theme,
            self.tr("A run that would do more waits for you; nothing is sent until you say so."),
            "caption",
            "text2",
            wrap=True,
        )
        self.setLayout(column(row(self._removed_part, self._altered_part, None, spacing=24), hint))
        self.removed.chosen.connect(lambda key: self._change(replace(self._guard, removed_percent=_share(key))))
        self.altered.chosen.connect(lambda key: self._change(replace(self._guard, changed_percent=_share(key))))

    def show_guard(self, guard: Guard, *, removes: bool) -> None:
        """Show these limits; that for removals only where a run removes."""
        self._guard = guard
        self._removed_part.setVisible(removes)
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
