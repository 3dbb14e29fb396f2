"""The right side of the builder: live count, how the rules narrow it, reach, overlap, and who uses the segment."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.counts import Count, Linked
from app.core.errors import TryAgain
from app.core.segments import SegmentOf
from app.ui.formats import NOTHING
from app.ui.pages.segments.builder_state import BuilderState
from app.ui.pages.segments.words import joined_words, of_word
from app.ui.phrase_words import said
from app.ui.widgets.bars import ProgressBar
from app.ui.widgets.buttons import Button
from app.ui.widgets.charts import SpeedLine
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Area, Label, Line, clear, row
from app.ui.widgets.marks import Pill
from app.ui.widgets.pick_list import PickItem
from app.ui.widgets.picker import Picker

PANEL = 276
DAY_SECONDS = 86_400


class _Step(QWidget):
    """One rule on the way: what it does, the members left, and a bar of their share of the widest step."""

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = state.context.theme
        self._what = Label(theme, "", "body", "text2")
        self._number = Label(theme, "", "body-strong")
        self._bar = ProgressBar(theme, "", height=8)
        stack = QVBoxLayout(self)
        stack.setContentsMargins(0, 0, 0, 6)
        stack.setSpacing(4)
        stack.addLayout(row(self._what, None, self._number))
        stack.addWidget(self._bar)

    def show_step(self, what: str, number: str, share: float, *, last: bool, old: bool) -> None:
        """Show it; an old number is dimmed."""
        self._what.set_words(what)
        self._number.set_words(number)
        self._number.set_ink("text3" if old else "text")
        self._bar.setAccessibleName(f"{what}: {number}")
        self._bar.set_share(share, fill="bar" if last else "accent_soft")


class CountPanel(Area):
    """Shows the state's answers. Signal `open_asked(str)` names a segment or export that uses the segment."""

    open_asked = Signal(str)

    def __init__(self, state: BuilderState, parent: QWidget | None = None) -> None:
        super().__init__(state.context.theme, "surface", "l", parent)
        theme = state.context.theme
        self._state = state
        self._steps: list[_Step] = []
        self._last: Count | None = None
        self.pill = Pill(theme, "")
        self.number = Label(theme, NOTHING, "display")
        self.share = Label(theme, "", "body", "text2", wrap=True)
        self.trend = SpeedLine(theme, self.tr("Members over time"))
        self.since = Label(theme, "", "caption", "text2")
        self._steps_title = Label(theme, self.tr("How the rules narrow it"), "subtitle")
        self._steps_place = QVBoxLayout()
        self.reach = FactList(theme, self.tr("Reachable"))
        self.other = Picker(theme, self.tr("Another segment"), placeholder=self.tr("Compare with a segment"))
        self.overlap = Label(theme, "", "body", "text2", wrap=True)
        self._used = QVBoxLayout()
        self._used.setSpacing(2)
        stack = QVBoxLayout(self)
        stack.setContentsMargins(20, 16, 20, 20)
        stack.setSpacing(8)
        stack.addLayout(row(Label(theme, self.tr("Live count"), "subtitle"), None, self.pill))
        for part in (self.number, self.share, self.trend, self.since):
            stack.addWidget(part)
        self._steps_line = self._section(stack)
        stack.addWidget(self._steps_title)
        stack.addLayout(self._steps_place)
        self._section(stack)
        stack.addWidget(Label(theme, self.tr("Reachable"), "subtitle"))
        stack.addWidget(self.reach)
        self._section(stack)
        stack.addWidget(Label(theme, self.tr("Overlap"), "subtitle"))
        stack.addWidget(self.other)
        stack.addWidget(self.overlap)
        self._section(stack)
        stack.addWidget(Label(theme, self.tr("Used by"), "subtitle"))
        stack.addLayout(self._used)
        stack.addStretch(1)
        self.trend.hide()
        self.since.hide()
        self.overlap.hide()
        self.other.chosen.connect(state.compare)

    def show_opened(self) -> None:
        """Another segment: offer what it can be compared with, forget the old trend and users."""
        self.show_history(())
        clear(self._used)
        if self._state.saved is None:
            self.show_users(())
        self.show_others()

    def show_others(self) -> None:
        """Offer what the segment can be compared with."""
        draft, ground = self._state.draft, self._state.ground
        others = () if ground is None else ground.segments
        self.other.set_items([PickItem(s.name, s.name) for s in others if s.id != draft.id and s.of is draft.of])
        self.other.set_current_key(self._state.compared)

    def show_answers(self) -> None:
        """Show the newest numbers; while newer ones come they are dimmed."""
        state, formats = self._state, self._state.context.formats
        old = state.counting
        members = state.look.members if state.look is not None else None
        earlier = self._earlier()
        shown = members if earlier is None else earlier.members
        self.number.set_words(formats.number(shown) if shown is not None else NOTHING)
        self.number.set_ink("text3" if old or earlier is not None else "text")
        self._show_pill(members, old=old)
        if earlier is None:
            self.share.set_words(self._share_words(members))
        else:
            words = self.tr("Last count: {time}").format(time=formats.day_and_clock(earlier.counted_at))
            self.share.set_words(words)
        self._show_steps(old=old)
        reach = state.reach
        values = [
            (self.tr("Valid e-mail"), None if reach is None else reach.email),
            (self.tr("Phone number"), None if reach is None else reach.phone),
            (self.tr("Marketing consent"), None if reach is None else reach.consent),
        ]
        if reach is not None and reach.suppressed:
            values.append((self.tr("On the suppression list"), reach.suppressed))
        ink = "text" if state.exact else "text3"
        facts = [Fact(label, formats.number(value) if value is not None else NOTHING, ink) for label, value in values]
        if reach is not None and reach.linked is not None:
            facts.append(self._linked(reach.linked, ink))
        self.reach.set_facts(facts)
        self._show_overlap()

    def _earlier(self) -> Count | None:
        """The last count of the saved segment, while it can't be counted now for no fault of its own."""
        state = self._state
        unreached = isinstance(state.problem, TryAgain) and not state.changed and state.look is None
        return self._last if unreached else None

    def _linked(self, linked: Linked, ink: str) -> Fact:
        """Accounts behind contacts or contacts of accounts; the reason where the tables' links do not tell."""
        label = self.tr("Accounts behind it") if linked.of is SegmentOf.ACCOUNTS else self.tr("Contacts of them")
        number = self._state.context.formats.number
        return Fact(
            label, said(linked.phrase, linked.reason) if linked.members is None else number(linked.members), ink
        )

    def show_history(self, counts: Sequence[Count]) -> None:
        """Show earlier counts of the saved segment, oldest first."""
        self._last = counts[-1] if counts else None
        if self._earlier() is not None:
            self.show_answers()
        several = len({count.members for count in counts}) > 1
        self.trend.setVisible(several)
        if several:
            numbers = [count.members for count in counts]
            low = min(numbers) - (max(numbers) - min(numbers)) / 4
            words = self.tr("From {first} to {last} members").format(
                first=self._state.context.formats.number(numbers[0]),
                last=self._state.context.formats.number(numbers[-1]),
            )
            self.trend.set_values([number - low for number in numbers], words)
        earlier = [c for c in counts if (counts[-1].counted_at - c.counted_at).total_seconds() >= DAY_SECONDS * 0.8]
        self.since.setVisible(bool(earlier))
        if earlier:
            formats = self._state.context.formats
            self.since.set_words(
                self.tr("{difference} since {day}").format(
                    difference=formats.signed(counts[-1].members - earlier[-1].members),
                    day=formats.day_and_clock(earlier[-1].counted_at),
                )
            )

    def show_users(self, names: Sequence[str]) -> None:
        """Show who uses the saved segment."""
        theme = self._state.context.theme
        clear(self._used)
        for name in names:
            link = Button(theme, name, "link")
            link.clicked.connect(lambda _checked=False, name=name: self.open_asked.emit(name))
            self._used.addLayout(row(link, None))
        if not names:
            self._used.addWidget(Label(theme, self.tr("No export uses it."), "body", "text2"))

    def _section(self, stack: QVBoxLayout) -> Line:
        line = Line(self._state.context.theme)
        stack.addSpacing(6)
        stack.addWidget(line)
        stack.addSpacing(6)
        return line

    def _show_pill(self, members: int | None, *, old: bool) -> None:
        state = self._state
        if old:
            self.pill.set_pill(self.tr("Counting"), "neutral")
        elif state.problem is not None or (state.look is not None and state.look.issues):
            self.pill.set_pill(self.tr("Can't be counted"), "danger")
        elif members is not None and state.blockers():
            self.pill.set_pill(self.tr("Without unfinished parts"), "warning")
        elif members is not None:
            self.pill.set_pill(self.tr("Up to date"), "success", "check-bold")
        self.pill.setVisible(old or members is not None or state.problem is not None or bool(_issues(state)))

    def _share_words(self, members: int | None) -> str:
        state, formats = self._state, self._state.context.formats
        if state.look is None or members is None:
            return of_word(state.draft.of)
        everyone = state.look.everyone
        share = formats.percent(members / everyone) if everyone else NOTHING
        return self.tr("{share} of {everyone} {members}").format(
            share=share, everyone=formats.number(everyone), members=of_word(state.draft.of)
        )

    def _show_steps(self, *, old: bool) -> None:
        look, draft, formats = self._state.look, self._state.draft, self._state.context.formats
        fit = look is not None and len(look.running) == len(draft.rules)
        running: Sequence[int | None] = look.running if look is not None and fit else [None] * len(draft.rules)
        shown = bool(draft.rules)
        for part in (self._steps_title, self._steps_line):
            part.setVisible(shown)
        while len(self._steps) > len(draft.rules):
            step = self._steps.pop()
            step.hide()
            step.deleteLater()
        while len(self._steps) < len(draft.rules):
            made = _Step(self._state)
            self._steps.append(made)
            self._steps_place.addWidget(made)
        widest = max((number for number in running if number is not None), default=0)
        for at, (step, rule, number) in enumerate(zip(self._steps, draft.rules, running, strict=True)):
            what = self.tr("Rule 1") if at == 0 else joined_words(rule.operator, at + 1)
            words = formats.number(number) if number is not None else NOTHING
            share = number / widest if number and widest else 0.0
            step.show_step(what, words, share, last=at == len(self._steps) - 1, old=old)

    def _show_overlap(self) -> None:
        state, formats = self._state, self._state.context.formats
        found = state.overlap
        self.overlap.setVisible(bool(state.compared))
        if found is None:
            self.overlap.set_words(self.tr("Counting") if not state.exact else NOTHING)
            return
        share = found.both / found.members if found.members else 0.0
        self.overlap.set_words(
            self.tr("{both} in both: {share} of this segment, and {rest} of the other are not in it.").format(
                both=formats.number(found.both),
                share=formats.percent(share),
                rest=formats.number(found.others - found.both),
            )
        )
        self.overlap.set_ink("text2" if state.exact else "text3")


def _issues(state: BuilderState) -> bool:
    return state.look is not None and bool(state.look.issues)
