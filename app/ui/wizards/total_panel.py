"""The panel of the segments step: the running total with every subtraction, and what will be skipped."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.counts import Total
from app.ui.widgets.bars import ProgressBar, Spinner
from app.ui.widgets.facts import Fact, FactList
from app.ui.widgets.labels import Label, Line, row
from app.ui.widgets.notes import Note
from app.ui.widgets.paint import limit_fill
from app.ui.wizards.segment_state import SegmentState


class TotalPanel(QWidget):
    """Follows the choice; a total that is being counted stays, dimmed, and says so."""

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
        self._sums = FactList(theme, self.tr("How the total comes about"))
        self._note = Note(theme, "warning", "", strong=True)
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
        layout.addSpacing(10)
        layout.addWidget(self._line)
        layout.addSpacing(10)
        layout.addWidget(self._sums)
        layout.addSpacing(10)
        layout.addWidget(self._note)
        layout.addStretch(1)
        layout.addWidget(self._hint)

    def number_words(self) -> str:
        """The main number in one line."""
        total = self._state.counts.total
        if total is None:
            return self.tr("No segment chosen") if not self._state.draft.segments else self.tr("Counting")
        number = self._state.context.formats.number(total.to_send)
        if self._state.candidates() and not self._state.going():
            return self.tr("{n} unique members, over the limit: none will be sent").format(n=number)
        if self._state.counts.total_sure:
            return self.tr("{n} unique members will be sent").format(n=number)
        return self.tr("At least {n} unique members will be sent").format(n=number)

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
        words = self.tr("unique members, over the limit: none will be sent")
        self._words.set_words(words if over else self.tr("unique members will be sent"))
        self._show_limit(total)
        shown = total is not None and bool(going)
        for widget in (self._line, self._sums):
            widget.setVisible(shown)
        if total is not None and shown:
            self._sums.set_facts(self._subtractions(total))
        self._show_skipped()
        self._hint.setVisible(state.counts.running() or counting)

    def _show_limit(self, total: Total | None) -> None:
        state, formats = self._state, self._state.context.formats
        description = state.description
        maximum = description.limits.maximum if description is not None else None
        for widget in (self._bar, self._limit_row):
            widget.setVisible(maximum is not None)
        if description is None or maximum is None:
            return
        share = (total.to_send if total is not None else 0) / maximum
        self._bar.set_share(share, fill=limit_fill(share))
        self._share.set_words(
            self.tr("{percent} of the {target} limit").format(percent=self._percent(share), target=description.name)
        )
        self._limit.set_words(formats.number(maximum))

    def _percent(self, share: float) -> str:
        formats = self._state.context.formats
        if 0 < share < 0.001:
            return self.tr("Under {percent}").format(percent=formats.percent(0.001))
        return formats.percent(share)

    def _subtractions(self, total: Total) -> list[Fact]:
        number = self._state.context.formats.number
        key = self._key_words()

        def minus(value: int) -> str:
            return f"− {number(value)}"

        facts = [
            Fact(
                self.tr("In {segments}").format(
                    segments=self._state.context.formats.counted(total.segments, "segments")
                ),
                number(total.members),
            ),
            Fact(self.tr("No valid {identifier}").format(identifier=key), minus(total.not_eligible)),
            Fact(self.tr("Duplicates in a segment"), minus(total.duplicates)),
            Fact(self.tr("In more than one segment"), minus(total.in_several)),
            Fact(self.tr("No marketing consent"), minus(total.no_consent)),
        ]
        if total.suppressed:
            facts.append(Fact(self.tr("On the suppression list"), minus(total.suppressed)))
        over = bool(self._state.candidates()) and not self._state.going()
        words = self.tr("Unique members") if over else self.tr("Will be sent")
        facts.append(Fact(words, number(total.to_send), strong=True))
        return facts

    def _key_words(self) -> str:
        description = self._state.description
        if description is None or not description.key_fields:
            return self.tr("key")
        names = {field.id: field.name.lower() for field in description.fields}
        return names.get(description.key_fields[0], description.key_fields[0])

    def _show_skipped(self) -> None:
        skipped, going = self._state.skipped(), self._state.going()
        self._note.setVisible(bool(skipped))
        if not skipped:
            return
        blocked = self._state.blocked()
        if len(skipped) == 1:
            sentence = self.tr("1 segment will be skipped")
            detail = f"{skipped[0]}: {blocked[skipped[0]]}"
        else:
            number = self._state.context.formats.number(len(skipped))
            sentence = self.tr("{n} segments will be skipped").format(n=number)
            detail = self.tr("{names} are over a limit or not eligible.").format(names=", ".join(skipped))
        if going:
            detail = f"{detail} {self.tr('The others are sent as usual.')}"
        self._note.set_note("warning", sentence, detail)
