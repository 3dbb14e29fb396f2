"""The panel of the segments step: the running total with every subtraction, and what will be skipped."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.counts import Limits, Total, Verdict
from app.core.segments import SegmentOf
from app.ui.widgets.bars import ProgressBar, Spinner
from app.ui.widgets.facts import Fact, FactList, TickList
from app.ui.widgets.labels import Label, Line, row
from app.ui.widgets.notes import Note
from app.ui.widgets.paint import limit_fill
from app.ui.wizards.segment_state import SegmentState, lowered

_LEAST_SHARE = 0.001


class TotalPanel(QWidget):
    """Follows the choice; a total that is being counted stays, dimmed, and says so.

    Signals:
        change_asked: another destination is wanted, for the segments that this one does not take.
    """

    change_asked = Signal()

    def __init__(self, state: SegmentState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        theme = state.context.theme
        self._prefix = Label(theme, "", "body", "text2")
        self._number = Label(theme, "", "display")
        self._spinner = Spinner(theme, self.tr("Counting"))
        self._words = Label(theme, "", "body", "text2", wrap=True)
        self._bar = ProgressBar(theme, self.tr("Share of the limit"), height=8)
        self._share = Label(theme, "", "caption", "text2")
        self._limit = Label(theme, "", "caption", "text2")
        self._bounds = TickList(theme, self.tr("Limits"))
        self._sums = FactList(theme, self.tr("How the total comes about"))
        self._note = Note(theme, "warning", "", strong=True)
        self._others = Note(theme, "info", "", strong=True, second="link")
        self._others.secondary_clicked.connect(self.change_asked)
        self._hint = Note(
            theme, "neutral", self.tr("Counts keep updating while you work. You can continue before they finish.")
        )
        self._line = Line(theme)
        self._assemble()

    def _assemble(self) -> None:
        limit = QWidget()
        limit.setLayout(row(self._share, None, self._limit))
        self._limit_row = limit
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        layout.addWidget(Label(self._state.context.theme, self.tr("Running total"), "body-strong"))
        layout.addWidget(self._prefix)
        layout.addLayout(row(self._number, self._spinner, None, spacing=10))
        layout.addWidget(self._words)
        layout.addSpacing(6)
        layout.addWidget(self._bar)
        layout.addWidget(limit)
        layout.addWidget(self._bounds)
        layout.addSpacing(10)
        layout.addWidget(self._line)
        layout.addSpacing(10)
        layout.addWidget(self._sums)
        layout.addSpacing(10)
        layout.addWidget(self._note)
        layout.addWidget(self._others)
        layout.addStretch(1)
        layout.addWidget(self._hint)

    def number_words(self) -> str:
        """The main number in one line."""
        total = self._state.counts.total
        if total is None:
            return self.tr("No segment chosen") if not self._state.draft.segments else self.tr("Counting")
        number, words = self._state.context.formats.number(total.to_send), self._state.words
        if self._state.candidates() and not self._state.going():
            return f"{number} {words.over}"
        if not self._state.counts.total_sure:
            number = self.tr("At least {n}").format(n=number)
        return f"{number} {words.will_be_sent}"

    def show_state(self) -> None:
        """Show the total of what is chosen."""
        state, formats = self._state, self._state.context.formats
        total, sure = state.counts.total, state.counts.total_sure
        going = state.candidates()
        over = bool(going) and not state.going()
        counting = bool(going) and not sure
        self._prefix.setVisible(counting and total is not None)
        self._prefix.set_words(self.tr("at least"))
        self._number.set_words(formats.number(total.to_send) if total is not None else ("0" if not going else "–"))
        self._number.set_ink("text3" if counting else "warning" if over else "text")
        self._spinner.setVisible(counting)
        self._words.set_words(state.words.over if over else state.words.will_be_sent)
        self._show_limit(total)
        shown = total is not None and bool(going)
        for widget in (self._line, self._sums):
            widget.setVisible(shown)
        if total is not None and shown:
            self._sums.set_facts(self._subtractions(total))
        self._show_skipped()
        self._show_others()
        self._hint.setVisible(state.counts.running() or counting)

    def _show_limit(self, total: Total | None) -> None:
        state, formats = self._state, self._state.context.formats
        description = state.description
        maximum = description.limits.maximum if description is not None else None
        both = description is not None and description.limits.minimum is not None
        for widget in (self._bar, self._limit_row):
            widget.setVisible(maximum is not None and not both)
        self._bounds.setVisible(both)
        if description is None or maximum is None:
            return
        if both:
            self._bounds.set_lines(self._bound_lines(description.limits))
            return
        share = (total.to_send if total is not None else 0) / maximum
        self._bar.set_share(share, fill=limit_fill(share))
        self._share.set_words(
            self.tr("{percent} of the {target} limit").format(percent=self._percent(share), target=description.name)
        )
        self._limit.set_words(formats.number(maximum))

    def _bound_lines(self, limits: Limits) -> list[tuple[str, str, str]]:
        """One line for each bound: a tick, or a warning with the number; a limit per segment is that of the outermost one."""
        counts = [self._state.counts.of(name).count for name in self._state.draft.segments]
        sizes = [count.to_send for count in counts if count is not None and count.verdict is not Verdict.NOT_ELIGIBLE]
        number, least, most = self._state.context.formats.number, limits.minimum or 0, limits.maximum or 0
        if not sizes or not self._state.draft.segments:
            between = self.tr("{least} to {most} per segment").format(least=number(least), most=number(most))
            return [("info", "text3", between)]
        fitting = [size for size in sizes if least <= size <= most]
        lines = []
        if min(sizes) >= least or fitting:
            lines.append(("check-circle-fill", "success", self.tr("Above the minimum of {n}").format(n=number(least))))
        else:
            words = self.tr("{n}, below the minimum of {least}").format(n=number(min(sizes)), least=number(least))
            lines.append(("warning-fill", "warning", words))
        if max(sizes) <= most or fitting:
            share = max(fitting or sizes) / most
            words = self.tr("{percent} of the limit of {n}")
            if len(fitting) > 1 and share >= _LEAST_SHARE:
                words = self.tr("Up to {percent} of the limit of {n}")
            words = words.format(percent=self._percent(share), n=number(most))
            lines.append(("check-circle-fill", "success", words))
        else:
            words = self.tr("{n}, above the limit of {most}").format(n=number(max(sizes)), most=number(most))
            lines.append(("warning-fill", "warning", words))
        return lines

    def _percent(self, share: float) -> str:
        formats = self._state.context.formats
        if 0 < share < _LEAST_SHARE:
            return self.tr("Under {percent}").format(percent=formats.percent(_LEAST_SHARE))
        return formats.percent(share)

    def _subtractions(self, total: Total) -> list[Fact]:
        number = self._state.context.formats.number

        def minus(value: int) -> str:
            return f"− {number(value)}"

        facts = [
            Fact(
                self.tr("In {segments}").format(
                    segments=self._state.context.formats.counted(total.segments, "segments")
                ),
                number(total.members),
            ),
            Fact(self._without_key(), minus(total.not_eligible)),
            Fact(self.tr("Duplicates in a segment"), minus(total.duplicates)),
            Fact(self.tr("In more than one segment"), minus(total.in_several)),
        ]
        if total.no_consent or not self._of_companies():
            facts.append(Fact(self.tr("No marketing consent"), minus(total.no_consent)))
        if total.suppressed:
            facts.append(Fact(self.tr("On the suppression list"), minus(total.suppressed)))
        over = bool(self._state.candidates()) and not self._state.going()
        words = self.tr("Unique members") if over else self.tr("Will be sent")
        facts.append(Fact(words, number(total.to_send), strong=True))
        return facts

    def _without_key(self) -> str:
        """Who is not eligible: those without any of the identifiers that are matched, or that our columns can fill."""
        description = self._state.description
        if description is None or not description.key_fields:
            known = description is not None and bool(description.identifying)
            return self.tr("No valid {identifier}").format(
                identifier=self.tr("identifier") if known else self.tr("key")
            )
        fields = {field.id: lowered(field.name) for field in description.fields}
        names = [fields[key] for key in self._state.counted_keys() or description.key_fields[:1]]
        if len(names) == 1:
            return self.tr("No valid {identifier}").format(identifier=names[0])
        return self.tr("No {identifier}").format(identifier=self.tr(" and no ").join(names))

    def _of_companies(self) -> bool:
        return self._state.taken == {SegmentOf.ACCOUNTS}

    def _show_skipped(self) -> None:
        skipped, going = self._state.skipped(), self._state.going()
        self._note.setVisible(bool(skipped))
        if not skipped:
            return
        blocked = self._state.blocked()
        if len(skipped) == 1:
            sentence = self.tr("1 segment will be skipped")
            detail = self._too_small_words(skipped[0]) or f"{skipped[0]}: {blocked[skipped[0]]}"
        else:
            number = self._state.context.formats.number(len(skipped))
            sentence = self.tr("{n} segments will be skipped").format(n=number)
            detail = self.tr("{names} are too large, too small or not eligible.").format(names=", ".join(skipped))
        if going:
            detail = f"{detail} {self.tr('The others are sent as usual.')}"
        self._note.set_note("warning", sentence, detail)

    def _too_small_words(self, name: str) -> str:
        description, count = self._state.description, self._state.counts.of(name).count
        if description is None or count is None or not self._state.too_small(name):
            return ""
        formats = self._state.context.formats
        return self.tr("{name} has {members}. {target} takes {least} or more.").format(
            name=name,
            members=formats.counted(count.to_send, self._state.words.unit),
            target=description.name,
            least=formats.number(description.limits.minimum or 0),
        )

    def _show_others(self) -> None:
        """Where the segments of the other kind can go, when there are some."""
        state, description = self._state, self._state.description
        left = [segment.of for segment in state.facts.segments if segment.of not in state.taken]
        self._others.setVisible(state.grouped and description is not None and bool(left))
        if not state.grouped or description is None or not left:
            return
        accounts = left[0] is SegmentOf.ACCOUNTS
        other = next((each for each in description.audience_types if left[0] in each.takes), None)
        target = f"{description.name}, {lowered(other.name)}" if other is not None else ""
        if accounts:
            title = self.tr("Accounts are for another destination")
            known = self.tr("To reach companies instead of people, choose {target}, in step 1.")
            unknown = self.tr(
                "To reach companies instead of people, choose a destination that takes accounts, in step 1."
            )
        else:
            title = self.tr("Contacts are for another destination")
            known = self.tr("To reach people instead of companies, choose {target}, in step 1.")
            unknown = self.tr(
                "To reach people instead of companies, choose a destination that takes contacts, in step 1."
            )
        detail = known.format(target=target) if target else unknown
        change = "" if state.read_only else self.tr("Change destination")
        self._others.set_note("info", title, detail, secondary=change)
