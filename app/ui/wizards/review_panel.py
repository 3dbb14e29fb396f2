"""The panel of the review step: summary, what goes, and what to know before the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.widgets.buttons import Button
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Card, ElidedLabel, IconLabel, Label, row
from app.ui.widgets.notes import Note
from app.ui.wizards.state import WizardState


@dataclass(frozen=True)
class Item:
    """A segment or table that goes, or is skipped."""

    name: str
    number: str
    skipped: bool = False


@dataclass(frozen=True)
class Remark:
    """A note before the run; `step` is the one that mends it, with the words of its button."""

    tone: str
    sentence: str
    detail: str
    button: str = ""
    step: int = -1


class ReviewPanel(QWidget):
    """`summary`, `items` and `remarks` are asked each time; `go_to` brings a step to the front."""

    def __init__(
        self,
        state: WizardState,
        *,
        items_title: str,
        items_step: int,
        summary: Callable[[], Sequence[Fact]],
        items: Callable[[], Sequence[Item]],
        remarks: Callable[[], Sequence[Remark]],
        go_to: Callable[[int], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = state.context.theme
        self._summary_of, self._items_of, self._remarks_of, self._go_to = summary, items, remarks, go_to
        self._shown_items: tuple[Item, ...] | None = None
        self._shown_remarks: tuple[Remark, ...] | None = None
        self._facts = FactList(self._theme, self.tr("Summary"), align="left", label_width=116)
        self._edit = Button(self._theme, self.tr("Edit"), "link", name=self.tr("Edit {what}").format(what=items_title))
        self._edit.clicked.connect(lambda: self._go_to(items_step))
        self._assemble(items_title)

    def _assemble(self, items_title: str) -> None:
        theme = self._theme
        summary = Card(theme, margin=14)
        summary.body.addWidget(self._facts)
        self._items = Card(theme, margin=12)
        self._before = Label(theme, self.tr("Before you run"), "body-strong")
        self._notes = QWidget()
        self._note_stack = QVBoxLayout(self._notes)
        self._note_stack.setContentsMargins(0, 0, 0, 0)
        self._note_stack.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        layout.addWidget(Label(theme, self.tr("Summary"), "body-strong"))
        layout.addWidget(summary)
        layout.addSpacing(12)
        layout.addLayout(row(Label(theme, items_title, "body-strong"), None, self._edit))
        layout.addWidget(self._items)
        layout.addSpacing(12)
        layout.addWidget(self._before)
        layout.addWidget(self._notes)
        layout.addStretch(1)

    def show_state(self) -> None:
        """Show what is known now."""
        self._facts.set_facts(self._summary_of())
        items, remarks = tuple(self._items_of()), tuple(self._remarks_of())
        if items != self._shown_items:
            self._shown_items = items
            self._fill_items(items)
        if remarks != self._shown_remarks:
            self._shown_remarks = remarks
            self._fill_remarks(remarks)

    def _fill_items(self, items: Sequence[Item]) -> None:
        _empty(self._items.body)
        for item in items:
            icon, role = ("prohibit-bold", "warning") if item.skipped else ("check", "success")
            name = ElidedLabel(self._theme, item.name, ink="text2" if item.skipped else "text")
            number = Label(
                self._theme,
                item.number,
                "body-medium" if item.skipped else "body",
                "warning" if item.skipped else "text",
            )
            holder = QWidget()
            line = row(IconLabel(self._theme, icon, role, 15), name, number, spacing=8)
            line.setStretch(1, 1)
            holder.setLayout(line)
            self._items.body.addWidget(holder)

    def _fill_remarks(self, remarks: Sequence[Remark]) -> None:
        _empty(self._note_stack)
        self._before.setVisible(bool(remarks))
        for remark in remarks:
            note = Note(self._theme, remark.tone, remark.sentence, remark.detail, secondary=remark.button, strong=True)
            note.secondary.set_kind("link")
            note.secondary_clicked.connect(lambda step=remark.step: self._go_to(step))
            self._note_stack.addWidget(note)


def _empty(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
