"""One rule as a card: how it is joined, what it asks, its own count, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.names import fold
from app.core.segment_editing import (
    BLANK,
    duplicate_rule,
    move_rule,
    part,
    put,
    remove,
    set_mode,
    set_operator,
    with_field,
)
from app.core.segment_references import leading_to
from app.core.segments import Group, Mode, Place, Rule, SegmentRef, SetOperator
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.condition_row import FIELD, QUESTION, VALUE, Problem
from app.ui.pages.segments.group_rows import AddLinks, GroupRows, Joiner
from app.ui.pages.segments.words import SET_ICONS, field_of, set_word
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.choice import Choice, Segmented
from app.ui.widgets.labels import Card, Label, row
from app.ui.widgets.menus import Menu
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker

SEGMENT = "segment"
MEMBER_OF = "member"


class ReferenceRow(QWidget):
    """Membership in another segment; choosing a field instead turns the rule into conditions."""

    def __init__(self, state: BuilderState, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._state = state
        self.number = number
        self.what = Picker(theme, self.tr("Field"))
        self.how = Picker(theme, self.tr("Question"), [PickItem(MEMBER_OF, self.tr("is member of"))], least_width=180)
        self.how.set_current_key(MEMBER_OF)
        self.segment = Picker(theme, self.tr("Segment"), placeholder=self.tr("Choose a segment"))
        self.remove = IconButton(theme, "x", self.tr("Remove this rule"))
        self.problem = Problem(state)
        for picker in (self.what, self.segment):
            picker.setMinimumWidth(110)
        line = row(self.what, self.how, self.segment, self.remove, spacing=6)
        for at, share in enumerate((FIELD, QUESTION, VALUE)):
            line.setStretch(at, share)
        stack = QVBoxLayout()
        stack.setSpacing(6)
        stack.addLayout(line)
        stack.addWidget(self.problem)
        whole = row(Joiner(state, (), 0), stack, spacing=6)
        whole.setAlignment(Qt.AlignmentFlag.AlignTop)
        whole.setStretch(1, 1)
        self.setLayout(whole)
        self.what.chosen.connect(self._on_what_chosen)
        self.segment.chosen.connect(self._on_segment_chosen)
        self.remove.clicked.connect(lambda: state.do(lambda s: remove(s, (self.number,))))

    def show_reference(self, reference: SegmentRef, number: int) -> None:
        """Show which segment it is."""
        self.number = number
        fields = self._state.fields
        plain = fields.plain if fields is not None else ()
        self.what.set_items([PickItem(SEGMENT, self.tr("Segment")), *plain])
        self.what.set_current_key(SEGMENT)
        self.segment.set_items(self._offered())
        known = {fold(s.name): s.name for s in self._state.ground.segments} if self._state.ground is not None else {}
        self.segment.set_current_key(known.get(fold(reference.name), reference.name))
        self.segment.set_error_state(not reference.name or bool(self.problem.words()))

    def show_issue(self, sentence: str) -> None:
        """Say what is wrong with the segment."""
        self.problem.say(sentence)
        self.segment.set_error_state(bool(sentence) or not self.segment.current_key())

    def _offered(self) -> list[PickItem]:
        """All others; those that need this segment are shown with the reason."""
        ground, saved = self._state.ground, self._state.saved
        if ground is None:
            return []
        circular = leading_to(saved.name, ground.segments) if saved is not None else frozenset()
        own = saved.id if saved is not None else ""
        return [
            PickItem(
                segment.name,
                segment.name,
                self.tr("Needs this one") if fold(segment.name) in circular else "",
                enabled=fold(segment.name) not in circular,
            )
            for segment in ground.segments
            if segment.id != own
        ]

    def _on_segment_chosen(self, name: str) -> None:
        self.problem.say("")
        self._state.do(lambda s: put(s, (self.number,), SegmentRef(name)))

    def _on_what_chosen(self, key: str) -> None:
        fields = self._state.fields
        if key == SEGMENT or fields is None:
            return
        field, aggregate = field_of(key)
        condition = with_field(BLANK, field, fields.column_type(field), aggregate)
        self._state.do(lambda s: put(s, (self.number,), Group(Mode.ALL, (condition,))))


class RuleCard(Card):
    """Shows one rule and edits it in the state. `kind` is that of `card_kind`; a rule of another kind needs another card."""

    def __init__(self, state: BuilderState, number: int, kind: str, parent: QWidget | None = None) -> None:
        theme = state.context.theme
        super().__init__(theme, margin=15, parent=parent)
        self._state = state
        self.number = number
        self.kind = kind
        self._name = Label(theme, "", "body-strong")
        self._what = Label(theme, "", "body", "text2")
        self.count = Label(theme, "", "body-strong")
        self.menu_button = IconButton(theme, "dots-three-bold", self.tr("More for this rule"))
        self.body.setContentsMargins(15, 7, 12, 13)
        self.body.addLayout(row(self._name, self._what, None, self.count, self.menu_button, spacing=8))
        self.group: GroupRows | None = None
        self.reference: ReferenceRow | None = None
        self._links: AddLinks | None = None
        self.problem = Problem(state)
        if kind == SEGMENT:
            self.reference = ReferenceRow(state, number)
            self.body.addWidget(self.reference)
        else:
            self.group = GroupRows(state, (number,))
            self._links = AddLinks(state, (number,))
            self.body.addWidget(self.group)
            self.body.addWidget(self.problem)
            self.body.addWidget(self._links)
            self._links.added.connect(self.group.focus_last)
        self.menu_button.clicked.connect(self._on_menu)

    def show_rule(self, rule: Rule, number: int) -> None:
        """Show another state of the rule."""
        self.number = number
        self._name.set_words(self.tr("Rule {n}").format(n=number + 1))
        self.setAccessibleName(self._name.words())
        if isinstance(rule.body, SegmentRef):
            self._what.set_words(self.tr("In another segment"))
            if self.reference is not None:
                self.reference.show_reference(rule.body, number)
            return
        own = self._state.fields.own if self._state.fields is not None else None
        table = "" if own is None else own.name
        words = self.tr("{table}, all of") if rule.body.mode is Mode.ALL else self.tr("{table}, any of")
        self._what.set_words(words.format(table=table))
        if self.group is not None and self._links is not None:
            self.group.show_group(rule.body, (number,))
            self._links.place = (number,)

    def show_count(self, words: str, *, old: bool) -> None:
        """Show how many members it has alone; an old number is dimmed."""
        self.count.set_words(words)
        self.count.set_ink("text3" if old else "text")

    def show_issues(self, issues: dict[Place, str]) -> None:
        """Show each sentence where it belongs."""
        if self.reference is not None:
            self.reference.show_issue(issues.get((self.number,), ""))
        if self.group is not None:
            shown = {line.place for line in self.group.rows()}
            for line in self.group.rows():
                line.show_issue(issues.get(line.place, ""))
            rest = [s for place, s in issues.items() if place[:1] == (self.number,) and place not in shown]
            self.problem.say(" ".join(rest))

    def _on_menu(self) -> None:
        state, number = self._state, self.number
        rules = state.draft.rules
        menu = Menu(state.context.theme, self.tr("More for this rule"), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        body = part(state.draft, (number,))
        if isinstance(body, Group):
            for mode, words in (
                (Mode.ALL, self.tr("All conditions must be met")),
                (Mode.ANY, self.tr("Any is enough")),
            ):
                menu.add(
                    words,
                    lambda mode=mode: state.do(lambda s: set_mode(s, (number,), mode)),
                    checked=body.mode is mode,
                )
            menu.addSeparator()
        menu.add(
            self.tr("Move up"),
            lambda: state.do(lambda s: move_rule(s, number, number - 1)),
            icon="arrow-up",
            enabled=number > 0,
        )
        menu.add(
            self.tr("Move down"),
            lambda: state.do(lambda s: move_rule(s, number, number + 1)),
            icon="arrow-down",
            enabled=number < len(rules) - 1,
        )
        menu.add(self.tr("Duplicate"), lambda: state.do(lambda s: duplicate_rule(s, number)), icon="copy")
        menu.addSeparator()
        menu.add(self.tr("Remove rule"), lambda: state.do(lambda s: remove(s, (number,))), icon="trash", danger=True)
        menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))


def card_kind(rule: Rule) -> str:
    """Which kind of card a rule needs."""
    return SEGMENT if isinstance(rule.body, SegmentRef) else "group"


class RuleSlot(QWidget):
    """A rule's card with the choice above it that joins it to the rules before."""

    def __init__(self, state: BuilderState, number: int, rule: Rule, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self.kind = card_kind(rule)
        self.card = RuleCard(state, number, self.kind)
        self._state = state
        self._number = number
        self.joined: Segmented | None = None
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(8)
        if number:
            choices = [Choice(o.value, set_word(o), icon=SET_ICONS[o]) for o in SetOperator]
            self.joined = Segmented(theme, self.tr("How the rule is joined"), choices, rule.operator.value)
            stack.addLayout(row(None, self.joined, None))
            self.joined.chosen.connect(self._on_joined)
        stack.addWidget(self.card)

    def show_rule(self, rule: Rule) -> None:
        """Show another state of the rule."""
        if self.joined is not None:
            self.joined.set_current(rule.operator.value)
        self.card.show_rule(rule, self._number)

    def _on_joined(self, key: str) -> None:
        self._state.do(lambda s: set_operator(s, self._number, SetOperator(key)))
