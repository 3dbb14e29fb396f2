"""One entry of the audit trail: who, where, before and after, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.audit import AuditEntry
from app.destinations.description import Badge as BadgeLook
from app.ui.formats import Formats
from app.ui.pages.audit.words import PAGES, deed_words, name_words, setting_words, value_words, where_words, who_words
from app.ui.theme import Theme
from app.ui.widgets.buttons import Button
from app.ui.widgets.card_table import CardTable
from app.ui.widgets.columns import Column, TextCell
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Area, ElidedLabel, IconLabel, Label, column, row
from app.ui.widgets.marks import Badge
from app.ui.widgets.scroll import Scroll


@dataclass(frozen=True)
class Shown:
    """What the panel shows: the entry, the badge of the destination it is about, and whether it can be put back."""

    entry: AuditEntry
    badge: BadgeLook | None
    can_put_back: bool


@dataclass(frozen=True)
class _Change:
    key: str
    before: str
    after: str


class EntryPanel(Area):
    """Signals: `open_asked(page, name)` for the thing itself, `put_back_asked(int)` with the entry's id."""

    open_asked = Signal(str, str)
    put_back_asked = Signal(int)

    def __init__(self, theme: Theme, formats: Formats, parent: QWidget | None = None) -> None:
        super().__init__(theme, "subtle", "l", parent=parent)
        self._formats = formats
        self._entry: AuditEntry | None = None
        self._title = Label(theme, "", "title")
        self._badge = Badge(theme, "", "#636C7B", "")
        self._name = ElidedLabel(theme, "")
        self.open = Button(theme, self.tr("Open"), "link", trailing="arrow-right")
        self._facts = FactList(theme, self.tr("Who and where"))
        self._heading = Label(theme, self.tr("Before and after"), "subtitle")
        self.changes = CardTable(theme, self.tr("Before and after"), self._columns(), "")
        self.put_back = Button(theme, self.tr("Put back as before"), icon="arrow-counter-clockwise")
        self._hint = Label(
            theme, self.tr("Putting back is a new change and gets its own entry."), "caption", "text2", wrap=True
        )
        self._nothing = Label(theme, self.tr("Choose an entry to see what changed."), "body", "text2", wrap=True)
        self._parts = (self._title, self._name, self.open, self._facts)
        name = row(self._badge, self._name, self.open)
        name.setStretch(1, 1)
        inside = QWidget()
        inside.setLayout(
            column(
                self._nothing,
                self._title,
                name,
                4,
                self._facts,
                8,
                self._heading,
                self.changes,
                4,
                row(self.put_back, None),
                self._hint,
                None,
                spacing=8,
                margins=(20, 20, 20, 12),
            )
        )
        kept = Label(
            theme, self.tr("Secrets and personal values are never written here."), "caption", "text2", wrap=True
        )
        foot = row(IconLabel(theme, "lock-simple"), kept, margins=(20, 8, 20, 14))
        self.setLayout(column(Scroll(inside), foot, spacing=0, margins=(1, 0, 0, 0)))
        self.open.clicked.connect(self._on_open)
        self.put_back.clicked.connect(lambda: self._entry and self.put_back_asked.emit(self._entry.id))
        self.show_entry(None)

    def show_entry(self, shown: Shown | None) -> None:
        """Show this one, or that none is chosen."""
        self._nothing.setVisible(shown is None)
        for part in self._parts:
            part.setVisible(shown is not None)
        entry = self._entry = None if shown is None else shown.entry
        changes = () if entry is None else _changes(entry)
        badge = None if shown is None else shown.badge
        self._badge.setVisible(badge is not None)
        self._heading.setVisible(bool(changes))
        self.changes.setVisible(bool(changes))
        self.changes.set_rows(changes)
        if changes:
            self.changes.table.set_column_visible("before", any(change.before for change in changes))
            self.changes.table.set_column_visible("after", any(change.after for change in changes))
        back = shown is not None and shown.can_put_back
        self.put_back.setVisible(back)
        self._hint.setVisible(back)
        if entry is None:
            return
        self._title.set_words(deed_words(entry.deed))
        self._name.set_words(name_words(entry))
        if badge is not None:
            self._badge.set_badge(badge.letters, badge.colour, entry.name)
        page = PAGES.get(entry.subject)
        self.open.setVisible(page is not None and bool(entry.name))
        who, role = who_words(entry, self._formats)
        facts = [
            Fact(self.tr("When"), self._formats.exact(entry.at)),
            Fact(self.tr("Who"), role if entry.by_schedule else who),
            Fact(self.tr("Role"), self.tr("Schedule") if entry.by_schedule else role),
            Fact(self.tr("Where"), where_words(entry)),
        ]
        if entry.note:
            facts.append(Fact(self.tr("Result"), entry.note))
        self._facts.set_facts(facts)

    def _columns(self) -> Sequence[Column[_Change]]:
        def after(change: _Change) -> TextCell:
            same = change.before == change.after
            words = self.tr("Same") if same else value_words(change.after)
            return TextCell(words, role="caption" if same else "caption-medium", ink="text3" if same else "text")

        return (
            Column(
                "setting",
                self.tr("Setting"),
                lambda c: TextCell(setting_words(c.key), role="caption", ink="text2"),
                tooltip=lambda c: setting_words(c.key),
                width=92,
            ),
            Column(
                "before",
                self.tr("Before"),
                lambda c: TextCell(value_words(c.before), role="caption", ink="text2"),
                tooltip=lambda c: value_words(c.before),
                width=88,
                stretch=True,
            ),
            Column(
                "after",
                self.tr("After"),
                after,
                tooltip=lambda c: value_words(c.after),
                width=76,
                stretch=True,
            ),
        )

    def _on_open(self) -> None:
        if self._entry is not None:
            focus = self._entry.subject_id if self._entry.subject.value == "run" else self._entry.name
            self.open_asked.emit(PAGES[self._entry.subject], focus)


def _changes(entry: AuditEntry) -> tuple[_Change, ...]:
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    return tuple(_Change(name, entry.before.get(name, ""), entry.after.get(name, "")) for name in names)
