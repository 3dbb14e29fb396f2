"""What the review step of the segment wizard says: numbers of this run and the last, summary, segments, notes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from app.core.forecasts import Forecast
from app.core.plans import Changes
from app.core.runs import Run
from app.ui.formats import NOTHING
from app.ui.widgets.facts import Fact
from app.ui.wizards.review_change import Figure
from app.ui.wizards.review_panel import Item, Remark
from app.ui.wizards.segment_state import SegmentState

_SEGMENTS, _MATCHING = 1, 2


class SegmentReview(QObject):
    """Turns state into words; main thread only."""

    def __init__(self, state: SegmentState) -> None:
        super().__init__(state)
        self._state = state
        self._formats = state.context.formats

    def figures(self) -> Sequence[Figure]:
        """How many members; what the run adds or changes is only known when it has run."""
        total = self._state.counts.total
        number = NOTHING if total is None else self._formats.number(total.to_send)
        sure = self._state.counts.total_sure
        editing = self._state.facts.editing
        words = self._state.words.will_be_sent
        if editing is None or editing.latest is None:
            words = self.tr("will be added or updated")
        return [Figure(number if sure or total is None else self.tr("at least {n}").format(n=number), words)]

    def sentence(self) -> str:
        """One line under the numbers."""
        going = len(self._state.going())
        segments = self._formats.counted(going, "segments")
        if not going:
            return self.tr("No segment will be sent.")
        words = (
            self.tr("{segments} goes to {target}.")
            if going == 1
            else self.tr("{segments} go to {target}. Members in several of them are counted once.")
        )
        return words.format(segments=segments, target=self._state.destination_name)

    def last(self, run: Run) -> Sequence[Figure]:
        """The numbers of the run before."""
        number, totals = self._formats.number, run.totals
        named = [
            (totals.added, self.tr("added")),
            (totals.updated, self.tr("updated")),
            (totals.removed, self.tr("removed")),
            (totals.unchanged, self.tr("unchanged")),
            (totals.rows, self.tr("rows written")),
            (totals.rejected, self.tr("rejected")),
        ]
        return [Figure(number(value), words) for value, words in named if value] or [
            Figure(number(0), self.tr("members sent"))
        ]

    def summary(self) -> Sequence[Fact]:
        """Where it goes and with what."""
        state, description = self._state, self._state.description
        facts = [Fact(self.tr("Destination"), state.destination_name), Fact(self.tr("Connection"), _connection(state))]
        if description is None:
            return facts
        for field in description.export_fields:
            value = state.draft.target.get(field.id, "")
            if value and not field.advanced:
                named = (field.choices or {}).get(value) or state.choice_names.get((field.id, value), value)
                facts.append(Fact(field.label, named.partition(":")[0]))
        keys = [key for key in description.key_fields if state.draft.match.get(key)]
        names = {field.id: field.name for field in state.fields}
        if keys:
            facts.append(Fact(self.tr("Key identifier"), ", ".join(names.get(key, key) for key in keys)))
        matched = self.tr("{n} matched").format(n=self._formats.number(len(state.draft.match)))
        facts.append(Fact(self.tr("Fields"), matched))
        if description.any_field:
            facts.append(Fact(self.tr("Folder"), state.draft.layout.folder))
        elif forecast := self._forecast():
            facts.append(Fact(self.tr("Requests"), self.tr("About {n}").format(n=self._formats.number(forecast.calls))))
        return facts

    def takes(self) -> str:
        """How long it takes to send everybody; empty while that is not known."""
        forecast = self._forecast()
        if forecast is None:
            return ""
        time = self._formats.duration(forecast.about)
        editing = self._state.facts.editing
        first = editing is None or editing.latest is None
        words = self.tr("Takes about {time}") if first else self.tr("Takes up to about {time}")
        return words.format(time=time)

    def _forecast(self) -> Forecast | None:
        """What sending everybody takes; None while the segments are being counted. Nobody is asked."""
        counts = [self._state.counts.of(name).count for name in self._state.going()]
        if self._state.description is None or not counts or None in counts:
            return None
        return self._state.description.forecast([Changes(added=each.to_send) for each in counts if each is not None])

    def items(self) -> Sequence[Item]:
        """The segments, those that are skipped last."""
        state = self._state
        result = []
        for name in state.going():
            count = state.counts.of(name).count
            result.append(Item(name, NOTHING if count is None else self._formats.number(count.to_send)))
        return [*result, *(Item(name, self.tr("Skipped"), skipped=True) for name in state.skipped())]

    def remarks(self) -> Sequence[Remark]:
        """Skipped segments, and segments not counted yet."""
        state, blocked = self._state, self._state.blocked()
        found = [
            Remark(
                "warning",
                self.tr("{name} will be skipped").format(name=name),
                blocked[name],
                self.tr("Choose other segments"),
                _SEGMENTS,
            )
            for name in state.skipped()
        ]
        if state.going() and not state.counts.total_sure:
            found.append(
                Remark(
                    "info",
                    self.tr("Counting is not finished"),
                    self.tr("Segments are counted again before anything is sent."),
                )
            )
        if state.fields_error is not None:
            found.append(
                Remark(
                    "warning",
                    self.tr("The audience could not be asked for its fields"),
                    self.tr("The run asks again and stops before anything is sent when a field is gone."),
                    self.tr("Look at the fields"),
                    _MATCHING,
                )
            )
        return found


def _connection(state: SegmentState) -> str:
    editing = state.facts.editing
    if state.connection is not None:
        return state.connection.connection.name
    return editing.connection.name if editing is not None and editing.connection is not None else NOTHING
