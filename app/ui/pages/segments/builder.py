"""The builder of a segment: name, rules as cards, the segment in words, first members; counts at the right, saving below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.counts import Count
from app.core.errors import as_sendoff_error
from app.core.segment_editing import BLANK, add_rule, finished
from app.core.segment_words import phrases
from app.core.segments import Group, Mode, Place, SegmentRef
from app.ui.formats import NOTHING
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.count_panel import PANEL, CountPanel
from app.ui.pages.segments.fixed_list import FixedListCard
from app.ui.pages.segments.members_view import MembersView
from app.ui.pages.segments.query_card import QueryCard
from app.ui.pages.segments.rule_card import RuleSlot, card_kind
from app.ui.pages.segments.title_line import TitleLine
from app.ui.phrase_words import said
from app.ui.widgets.buttons import Button
from app.ui.widgets.labels import Area, Label, announce, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.notes import Note
from app.ui.widgets.scroll import Scroll

if TYPE_CHECKING:
    pass

DOCKED_FROM = 700
"""With this width beside the list or more, the counts stand at the right; below it under the rules."""
FOOTER = 56


class BuilderView(QWidget):
    """Middle and right side of the page. Cards and their rows are made over several turns: long segments never stall the window.

    Signals: `save_asked()`, `copy_asked()`, `discard_asked()`, `remove_asked()`, `open_asked(str)` with the name of a user of the segment.
    """

    save_asked = Signal()
    copy_asked = Signal()
    discard_asked = Signal()
    remove_asked = Signal()
    open_asked = Signal(str)

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._may_change = False
        self._announced = ""
        self._make_elements()
        self._connect()
        self._assemble()

    # Building

    def _make_elements(self) -> None:
        state, theme = self._state, self._state.context.theme
        self.title = TitleLine(state)
        self.note = Note(theme, "danger", "")
        self.slots: list[RuleSlot] = []
        self.whole: FixedListCard | QueryCard | None = None
        self._rules = QVBoxLayout()
        self.add_rule = Button(theme, self.tr("Add rule"), "secondary", icon="plus")
        self._in_words_title = Label(theme, self.tr("In words"), "subtitle")
        self.in_words = Label(theme, "", "body", "text2", wrap=True)
        self.members = MembersView(theme)
        self.panel = CountPanel(state)
        self.foot = Label(theme, "", "caption", "text2", wrap=True)
        self.discard = Button(theme, self.tr("Discard"), "secondary")
        self.save = Button(theme, self.tr("Save segment"), "primary", shortcut_hint=QKeySequence.StandardKey.Save)
        self._body = QWidget()
        self._footer = Area(theme, "surface", "t")
        self._ground = Area(theme, "subtle")

    def _connect(self) -> None:
        state = self._state
        state.opened.connect(self._on_opened)
        state.grounded.connect(self.panel.show_others)
        state.edited.connect(self._on_edited)
        state.answered.connect(self._on_answered)
        self.add_rule.clicked.connect(self._on_add_rule)
        self.members.show_asked.connect(state.show_values)
        self.panel.open_asked.connect(self.open_asked)
        self.title.copy_asked.connect(self.copy_asked)
        self.title.remove_asked.connect(self.remove_asked)
        self.discard.clicked.connect(self.discard_asked)
        self.save.clicked.connect(self.save_asked)

    def _assemble(self) -> None:
        self._rules.setSpacing(8)
        stack = QVBoxLayout(self._body)
        stack.setContentsMargins(24, 10, 24, 24)
        stack.setSpacing(8)
        stack.addWidget(self.title)
        stack.addWidget(self.note)
        stack.addLayout(self._rules)
        stack.addLayout(row(self.add_rule, None))
        stack.addSpacing(8)
        stack.addWidget(self._in_words_title)
        stack.addWidget(self.in_words)
        stack.addSpacing(8)
        stack.addWidget(self.members)
        self._below = QVBoxLayout()
        stack.addLayout(self._below)
        stack.addStretch(1)
        self._footer.setFixedHeight(FOOTER)
        foot = row(self.foot, self.discard, self.save, margins=(24, 0, 24, 0))
        foot.setStretch(0, 1)
        self._footer.setLayout(foot)
        middle = QVBoxLayout(self._ground)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(Scroll(self._body), 1)
        middle.addWidget(self._footer)
        self._columns = QHBoxLayout(self)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(0)
        self._columns.addWidget(self._ground, 1)
        self.panel.setFixedWidth(PANEL)
        self._side = Scroll(self.panel)
        self._side.setFixedWidth(PANEL)
        self._columns.addWidget(self._side)
        self.note.hide()
        self._footer.hide()
        self.title.set_may_change(False)

    # Showing

    def set_may_change(self, may: bool) -> None:  # noqa: FBT001 - reads like setEnabled
        """Let the person edit, or show the segment in words alone."""
        if may == self._may_change:
            return
        self._may_change = may
        self.title.set_may_change(may)
        self._footer.setVisible(may)
        if self._state.history is not None:
            self._on_opened()

    def show_saved(self, history: Sequence[Count], users: Sequence[str]) -> None:
        """Show what is known of the saved segment: its earlier counts and who uses it."""
        self.panel.show_history(history)
        self.panel.show_users(users)
        self.title.set_users(users)

    def show_problem(self, error: BaseException) -> None:
        """Say why nothing can be shown."""
        told = as_sendoff_error(error)
        self.note.set_note("danger", told.what, f"{told.why} {told.fix}".strip())
        self.note.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stand the counts at the right, or under the rules where there is no room."""
        super().resizeEvent(event)
        docked = self._docked
        if docked == self._side.isVisibleTo(self):
            return
        self._side.setVisible(docked)
        if docked:
            self._below.removeWidget(self.panel)
            self.panel.setFixedWidth(PANEL)
            self._side.setWidget(self.panel)
        else:
            self._side.takeWidget()
            self.panel.setMinimumWidth(0)
            self.panel.setMaximumWidth(16_777_215)
            self._below.addWidget(self.panel)
        self.panel.show()

    def event(self, event: QEvent) -> bool:
        """Take undo, redo and save before the window does."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._wants(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo, redo, save and rename."""
        if self._may_change and self._state.history is not None and event.key() == Qt.Key.Key_F2:
            self.title.begin()
        elif not self._wants(event):
            super().keyPressEvent(event)
        elif event.matches(QKeySequence.StandardKey.Undo):
            self._state.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self._state.redo()
        elif self.save.isEnabled():
            self.save.click()

    def _wants(self, event: QKeyEvent) -> bool:
        keys = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo, QKeySequence.StandardKey.Save)
        return self._may_change and self._state.history is not None and any(event.matches(key) for key in keys)

    def _on_opened(self) -> None:
        self._drop(0)
        self._show_whole("rules")
        self.panel.show_opened()
        self._on_edited()
        self._on_answered()

    def _on_edited(self) -> None:
        if self._state.history is None:
            return
        self.title.show_state()
        rules = self._state.draft.rules if self._may_change else ()
        same = 0
        for slot, rule in zip(self.slots, rules, strict=False):
            if slot.kind != card_kind(rule):
                break
            same += 1
        self._drop(same)
        for slot, rule in zip(self.slots, rules, strict=False):
            slot.show_rule(rule)
        self._build_more()
        kind = self._state.draft.described_kind
        self.add_rule.setVisible(self._may_change and kind == "rules")
        self._show_whole(kind if self._may_change else "rules")
        self._show_words()
        self._show_foot()

    def _show_whole(self, kind: str) -> None:
        """The one card of a fixed list or a query."""
        wanted = {"list": FixedListCard, "sql": QueryCard}.get(kind)
        if self.whole is not None and type(self.whole) is not wanted:
            self._rules.removeWidget(self.whole)
            self.whole.hide()
            self.whole.deleteLater()
            self.whole = None
        if wanted is not None and self.whole is None:
            self.whole = wanted(self._state)
            self._rules.addWidget(self.whole)
        if self.whole is not None:
            self.whole.show_state()

    def _drop(self, first: int) -> None:
        while len(self.slots) > first:
            slot = self.slots.pop()
            self._rules.removeWidget(slot)
            slot.hide()
            slot.deleteLater()

    def _build_more(self) -> None:
        """Make the card that is missing; of several, one a turn."""
        missing = len(self._state.draft.rules) - len(self.slots) if self._may_change else 0
        if missing == 1:
            self._build_next()
        elif missing > 1:
            self._state.turns.later(self, self._build_next)

    def _build_next(self) -> None:
        if self._state.history is None or not self._may_change:
            return
        rules, at = self._state.draft.rules, len(self.slots)
        if at >= len(rules):
            return
        if at + 1 < len(rules):
            self._state.turns.later(self, self._build_next)
        slot = RuleSlot(self._state, at, rules[at])
        self.slots.append(slot)
        self._rules.addWidget(slot)
        slot.show_rule(rules[at])
        self._show_card(at)

    def _show_words(self) -> None:
        done = finished(self._state.draft)
        nothing = not (done.rules or done.list_file or done.sql)
        self.in_words.set_words(self.tr("Nothing is asked yet.") if nothing else " ".join(map(said, phrases(done))))

    def _show_foot(self) -> None:
        state = self._state
        missing = state.blockers()
        empty = not (state.draft.rules or state.draft.list_file or state.draft.sql)
        named = bool(state.draft.name.strip())
        if not named:
            said = self.tr("A segment needs a name.")
        elif missing:
            parts = state.context.formats.counted(missing, "conditions")
            said = self.tr("{conditions} not finished: left out of the count, and nothing is saved.").format(
                conditions=parts
            )
        elif empty:
            said = {
                "list": self.tr("Choose a file or paste keys to begin."),
                "sql": self.tr("Write a query to begin."),
            }.get(state.draft.described_kind, self.tr("Add a rule to begin."))
        elif state.changed:
            said = self.tr("Counted as you type. Not saved yet.")
        else:
            said = self.tr("Counted as you type. All changes are saved.")
        self.foot.set_words(said if self._docked else f"{self._folded_words()} {said}")
        self.save.setEnabled(state.changed and named and not missing and not empty)
        self.discard.setEnabled(state.changed)

    @property
    def _docked(self) -> bool:
        return self.width() >= DOCKED_FROM

    def _folded_words(self) -> str:
        """The main number for the bar, where the counts stand far below."""
        return self.tr("{n} members.").format(n=self.panel.number.words())

    def _on_answered(self) -> None:
        state = self._state
        if state.history is None:
            return
        for at in range(len(self.slots)):
            self._show_card(at)
        if self.whole is not None:
            self.whole.show_state()
        said_there = isinstance(self.whole, QueryCard)
        whole = [issue.sentence for issue in state.look.issues if not issue.place] if state.look is not None else []
        self.note.setVisible((state.problem is not None or bool(whole)) and not said_there)
        if said_there:
            pass
        elif state.problem is not None:
            self.show_problem(state.problem)
        elif whole:
            self.note.set_note("danger", self.tr("This segment can't be counted."), "\n".join(whole))
        self.panel.show_answers()
        self._show_foot()
        may_show = state.ground is not None and state.ground.may_show
        self.members.show_page(state.page, may_show=may_show, words=self._members_words())
        self._announce()

    def _members_words(self) -> str:
        state = self._state
        if not state.exact:
            return self.tr("Looking")
        return self.tr("They can't be read now.") if state.look is None or state.look.issues else NOTHING

    def _show_card(self, at: int) -> None:
        look, formats = self._state.look, self._state.context.formats
        card = self.slots[at].card
        number = look.rules[at] if look is not None and at < len(look.rules) else None
        card.show_count(formats.number(number) if number is not None else NOTHING, old=self._state.counting)
        if not self._state.counting:
            issues: dict[Place, str] = {}
            for issue in look.issues if look is not None else ():
                issues.setdefault(issue.place, issue.sentence)
            card.show_issues(issues)

    def _announce(self) -> None:
        """Tell a screen reader the total when it is sure."""
        if self._state.exact and self._state.look is not None and self._state.look.members is not None:
            spoken = self.tr("{n} members").format(n=self.panel.number.words())
            if spoken != self._announced:
                self._announced = spoken
                announce(self, spoken)

    # Adding

    def _on_add_rule(self) -> None:
        if not self._state.draft.rules:
            self._add(Group(Mode.ALL, (BLANK,)))
            return
        menu = Menu(self._state.context.theme, self.tr("Add rule"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.add(self.tr("Conditions"), lambda: self._add(Group(Mode.ALL, (BLANK,))), icon="funnel")
        menu.add(self.tr("In another segment"), lambda: self._add(SegmentRef("")), icon="users-three")
        menu.popup(self.add_rule.mapToGlobal(self.add_rule.rect().bottomLeft()))

    def _add(self, body: Group | SegmentRef) -> None:
        self._state.do(lambda s: add_rule(s, body))
        card = self.slots[-1].card
        if card.group is not None:
            card.group.focus_last()
        elif card.reference is not None:
            card.reference.segment.setFocus(Qt.FocusReason.TabFocusReason)
