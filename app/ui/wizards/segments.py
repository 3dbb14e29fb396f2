"""Second step of the segment wizard: which segments go, counted while people choose."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.core.drafts import Step
from app.core.segments import Segment, SegmentOf
from app.ui.widgets.buttons import IconButton
from app.ui.widgets.choice import ChipBar, Choice
from app.ui.widgets.columns import NoteRow
from app.ui.widgets.fields import SearchField
from app.ui.widgets.labels import Label, announce, row
from app.ui.widgets.states import EmptyState
from app.ui.widgets.table import ROW_WITH_CONTROLS, DataTable
from app.ui.wizards.segment_rows import columns, lines
from app.ui.wizards.segment_state import SegmentState
from app.ui.wizards.step import StepWidget, fill
from app.ui.wizards.total_panel import TotalPanel

WIZARD_EDGE = 28


class SegmentsStep(StepWidget):
    """Check boxes, counts, notes.

    `on_mend` is called with a segment that is too large or too small, `on_change` to choose another destination.
    """

    step = Step.CONTENT
    state: SegmentState

    def __init__(
        self,
        state: SegmentState,
        on_mend: Callable[[str], None],
        on_change: Callable[[], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, parent)
        self._on_mend = on_mend
        self._on_change = on_change
        self._announced = ""
        self._make_elements()
        self._connect()
        self._assemble()

    # WizardStep

    def title(self) -> str:
        """Short name in the rail."""
        return self.tr("Segments")

    def heading(self) -> str:
        """Title of the page."""
        return self.tr("Choose segments")

    def sentence(self) -> str:
        """The limit and what it means."""
        description = self.state.description
        if description is None or description.limits.maximum is None:
            return self.tr("Each segment is sent as a whole; who is in several is counted once.")
        limits = description.limits
        most = self.formats.counted(limits.maximum, self.state.words.unit)
        if limits.minimum is None:
            words = self.tr("{target} takes up to {members}. Larger segments are skipped, never cut.")
            return words.format(target=self.state.audience_name, members=most)
        words = self.tr(
            "{target} takes {least} to {members} per segment. Smaller and larger ones are skipped, never cut."
        )
        return words.format(target=self.state.audience_name, least=self.formats.number(limits.minimum), members=most)

    def summary(self) -> str:
        """How many, and how many are skipped."""
        chosen, skipped = len(self.state.draft.segments), self.state.skipped()
        if not chosen:
            return self.tr("Not chosen yet")
        if skipped:
            small = all(self.state.too_small(name) for name in skipped)
            words = self.tr("{n} selected, {m} too small") if small else self.tr("{n} selected, {m} skipped")
            return words.format(n=self.formats.number(chosen), m=self.formats.number(len(skipped)))
        return self.tr("{n} selected").format(n=self.formats.number(chosen))

    def side_panel(self) -> QWidget:
        """The running total."""
        return self._panel

    def panel_number(self) -> str:
        """The running total in one line."""
        return self._panel.number_words()

    def entered(self) -> None:
        """Begin counting for the destination chosen."""
        self.state.count()
        super().entered()

    # Building

    def _make_elements(self) -> None:
        theme = self.theme
        self._search = SearchField(theme, self.tr("Search segments"))
        self._search.setFixedWidth(220)
        self._chips = ChipBar(theme, self.tr("Which segments"), self._choices())
        self._age = Label(theme, "", "caption", "text2")
        self._recount = IconButton(theme, "arrows-clockwise", self.tr("Recount"), shortcut_hint="F5")
        self.table = DataTable(
            theme,
            self.tr("Segments"),
            columns(self.formats),
            row_height=ROW_WITH_CONTROLS,
            live=lambda line: line.taken,
            multiple=False,
            sortable=not self.state.grouped,
            keep_order=True,
            edge=WIZARD_EDGE,
        )
        self._empty = EmptyState(
            theme,
            self.tr("No segment matches"),
            icon="users-three",
            primary=self.tr("Clear filters"),
        )
        self._empty.hide()
        self._panel = TotalPanel(self.state)

    def _connect(self) -> None:
        self._search.textChanged.connect(self._on_search_changed)
        self._chips.chosen.connect(self._on_chip_chosen)
        self._recount.clicked.connect(self._on_recount_clicked)
        self.table.cell_action.connect(self._on_cell_action)
        self.table.activated_key.connect(self._toggle)
        self.table.header_action.connect(self._on_header_action)
        self._empty.primary_clicked.connect(self._on_clear_clicked)
        self._panel.change_asked.connect(self._on_change_asked)
        refresh = QShortcut(QKeySequence("F5"), self)
        refresh.activated.connect(self._on_recount_clicked)

    def _assemble(self) -> None:
        bar = QWidget()
        bar.setLayout(
            row(self._search, self._chips, None, self._age, self._recount, spacing=8, margins=(28, 10, 12, 6))
        )
        bar.setFixedHeight(52)
        fill(self, bar, self._empty, self.table)

    # Showing

    def show_state(self) -> None:
        """Show segments, counts and the total."""
        self.table.set_column_title("members", self.state.words.column)
        self.table.set_rows(lines(self.state, self._shown()))
        self._chips.set_choices(self._choices())
        self._recount.setVisible(not self.state.read_only)
        self._show_header()
        self._show_age()
        self._panel.show_state()
        self._show_empty()
        self._announce()

    def _shown(self) -> Callable[[Segment], bool]:
        """Whether a segment fits the chip chosen."""
        chosen, why_not = set(self.state.draft.segments), self.state.why_not
        return {
            "selected": lambda segment: segment.name in chosen,
            "eligible": lambda segment: not why_not(segment),
            "not eligible": lambda segment: bool(why_not(segment)),
        }.get(self._chips.current(), lambda _segment: True)

    def _choices(self) -> list[Choice]:
        segments = self.state.facts.segments
        refused = sum(bool(self.state.why_not(segment)) for segment in segments)
        number = self.formats.number
        choices = [
            Choice("all", self.tr("All"), number(len(segments))),
            Choice("selected", self.tr("Selected"), number(len(self.state.draft.segments))),
            Choice("not eligible", self.tr("Not eligible"), number(refused)),
        ]
        if self.state.grouped and len(self.state.taken) == 1:
            accounts = SegmentOf.ACCOUNTS in self.state.taken
            words = self.tr("Accounts") if accounts else self.tr("Contacts")
            choices.insert(2, Choice("eligible", words, number(len(segments) - refused)))
        return choices

    def _show_header(self) -> None:
        eligible = {segment.name for segment in self.state.eligible()}
        chosen = eligible & set(self.state.draft.segments)
        state = None if chosen and chosen != eligible else bool(chosen)
        self.table.set_header_check("chosen", state)

    def _show_age(self) -> None:
        counts = self.state.counts
        if counts.running():
            self._age.set_words(self.tr("Counting"))
        elif counts.counted_at is not None:
            self._age.set_words(self.tr("Counts as of {time}").format(time=self.formats.clock(counts.counted_at)))
        else:
            self._age.set_words("")

    def _show_empty(self) -> None:
        nothing = not self.table.visible_keys()
        self._empty.setVisible(nothing)
        self.table.setVisible(not nothing)
        if not nothing:
            return
        if not self.state.facts.segments:
            self._empty.set_words(
                self.tr("There is no segment yet"),
                self.tr("Make one on the Segments page, then come back to the draft."),
            )
            self._empty.primary.hide()
        else:
            self._empty.set_words(self.tr("No segment matches"))
            self._empty.primary.show()

    def _announce(self) -> None:
        words = self._panel.number_words()
        if self.state.counts.total_sure and words != self._announced:
            self._announced = words
            announce(self, words)

    # Choosing

    def _toggle(self, name: str) -> None:
        chosen = self.state.draft.segments
        after = tuple(each for each in chosen if each != name) if name in chosen else (*chosen, name)
        self._choose(after)

    def _choose(self, names: tuple[str, ...]) -> None:
        order = {segment.name: number for number, segment in enumerate(self.state.facts.segments)}
        self.state.update(segments=tuple(sorted(names, key=lambda name: order.get(name, len(order)))))
        self.state.counts.add_up(self.state.candidates())
        self.show_state()

    # Slots

    def _on_cell_action(self, key: str, column: str) -> None:
        if column == "note":
            note = self.table.row(key)
            if isinstance(note, NoteRow):
                self._on_mend(note.parent_key)
        elif column == "chosen":
            self._toggle(key)

    def _on_header_action(self, _column: str) -> None:
        if self.state.read_only:
            return
        eligible = [segment.name for segment in self.state.eligible()]
        chosen = set(self.state.draft.segments)
        self._choose(() if set(eligible) <= chosen else tuple(eligible))

    def _on_search_changed(self, words: str) -> None:
        self.table.set_filter_words(words)
        self._show_empty()

    def _on_chip_chosen(self, _key_chosen: str) -> None:
        self.show_state()

    def _on_clear_clicked(self) -> None:
        self._search.clear()
        self._chips.set_current("all")
        self.show_state()

    def _on_change_asked(self) -> None:
        self._on_change()

    def _on_recount_clicked(self) -> None:
        self.state.count(again=True)
        self.show_state()
