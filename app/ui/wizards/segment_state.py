"""The segment export in the making: its draft, its counts, and what its audience can be filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.counts import Limits, LimitScope, Verdict
from app.core.drafts import Needs, SegmentDraft
from app.core.eligibility import why_not_eligible
from app.core.exports import Export
from app.core.matching import guess_keys
from app.core.phrases import Phrase
from app.core.segments import Segment, SegmentOf
from app.core.tables import Table
from app.core.workspaces import Audience
from app.ui.context import WindowContext
from app.ui.phrase_words import said
from app.ui.runner import Finished, Outcome
from app.ui.wizards.counting import SegmentCounts
from app.ui.wizards.facts import OF_AUDIENCE, Facts
from app.ui.wizards.member_words import MemberWords, words_for
from app.ui.wizards.state import WizardState

if TYPE_CHECKING:
    from app.destinations.contract import TargetField
    from app.destinations.description import Description


class SegmentState(WizardState):
    """State of the segment wizard. `fields` are the target's fields, those of the description until it was asked."""

    def __init__(
        self, context: WindowContext, facts: Facts, draft: SegmentDraft, parent: QObject | None = None
    ) -> None:
        super().__init__(context, facts, draft, parent)
        self._narrowed_for: tuple[object, ...] = ()
        self._narrowed: Description | None = None
        self.counts = SegmentCounts(self)
        self.counts.changed.connect(self._on_counts_changed)
        self._fields: tuple[TargetField, ...] = ()
        self._fields_of: tuple[object, ...] = ()
        self.fields_error: BaseException | None = None
        self.fields_running = False
        self.choice_names: dict[tuple[str, str], str] = {}

    @property
    def description(self) -> Description | None:
        """The destination chosen, as it is for the type of audience chosen."""
        found = super().description
        if found is None or not found.audience_types:
            return found
        wanted = (found, self.draft.target.get(found.audience_field, ""))
        if wanted != self._narrowed_for:  # asked once for each segment, so that it is kept
            self._narrowed_for, self._narrowed = wanted, found.for_target(self.draft.target)
        return self._narrowed

    def choose_audience(self, audience: str) -> None:
        """Take another type of audience; its fields are others, so nothing is matched any more."""
        if self.description is None or audience == self.description.audience_id:
            return
        self.update(target={**self.draft.target, self.description.audience_field: audience}, match={})

    # Segments

    def segment(self, name: str) -> Segment | None:
        """The segment of that name."""
        return next((each for each in self.facts.segments if each.name == name), None)

    def why_not(self, segment: Segment) -> str:
        """Why the destination does not take it; empty when it does."""
        if self.description is None:
            return ""
        return said(why_not_eligible(segment, self.description.takes, self.facts.catalog))

    @property
    def grouped(self) -> bool:
        """Whether segments are shown by what they hold, because there are two kinds of them."""
        return self.facts.workspace.audience is Audience.BUSINESSES

    @property
    def taken(self) -> frozenset[SegmentOf]:
        """The kinds of members of this workspace that the destination takes."""
        kinds = OF_AUDIENCE[self.facts.workspace.audience]
        return kinds if self.description is None else self.description.takes & kinds

    @property
    def words(self) -> MemberWords:
        """What its members are called."""
        return words_for(self.taken)

    @property
    def audience_name(self) -> str:
        """The destination with its type of audience, such as “LinkedIn Ads company targeting”."""
        description = self.description
        if description is None or description.audience is None:
            return self.destination_name
        return f"{description.name} {lowered(description.audience.name)}"

    def eligible(self) -> list[Segment]:
        """The segments the destination takes."""
        return [segment for segment in self.facts.segments if not self.why_not(segment)]

    def blocked(self) -> dict[str, str]:
        """The segments that can't go, with the sentence; without a key, which the step after them asks for, only those that never can."""
        keyless = self.description is not None and bool(self.description.key_fields) and not self.counted_keys()
        found = self._unfit() if keyless else self._blocked_alone()
        return found | self._too_large_together([name for name in self.draft.segments if name not in found])

    def candidates(self) -> list[str]:
        """The chosen segments that could go, each looked at alone; the total is theirs."""
        blocked = self._blocked_alone()
        return [name for name in self.draft.segments if name not in blocked]

    def _blocked_alone(self) -> dict[str, str]:
        counted = {each.name: reason for each in self.facts.segments if (reason := self.counts.of(each.name).blocked)}
        return counted | self._unfit()

    def _unfit(self) -> dict[str, str]:
        """The segments the destination does not take, and those that are gone."""
        found = {each.name: reason for each in self.facts.segments if (reason := self.why_not(each))}
        gone = [name for name in self.draft.segments if self.segment(name) is None]
        return found | {name: self.tr("This segment was removed.") for name in gone}

    def _too_large_together(self, names: list[str]) -> dict[str, str]:
        """A limit on the whole export skips all of them, as the run does: none can be picked to stay behind."""
        limits = self.description.limits if self.description is not None else Limits()
        total = self.counts.total if self.counts.total_sure else None
        if limits.maximum is None or limits.scope is LimitScope.PER_SEGMENT or total is None:
            return {}
        if total.to_send <= limits.maximum:
            return {}
        return dict.fromkeys(names, said(Phrase("too_large_together", (total.to_send, limits.maximum))))

    def going(self) -> list[str]:
        """The chosen segments that will be sent."""
        blocked = self.blocked()
        return [name for name in self.draft.segments if name not in blocked]

    def skipped(self) -> list[str]:
        """The chosen segments that will be skipped as a whole."""
        blocked = self.blocked()
        return [name for name in self.draft.segments if name in blocked]

    def counted_keys(self) -> list[str]:
        """The key fields that are counted with: those matched, or those our columns surely fill."""
        if self.description is None:
            return []
        keys, match = self.description.key_fields, self.draft.match
        kinds = [of for of in SegmentOf if of in self.taken]
        table = self.facts.catalog.by_role(kinds[0].role) if kinds else None
        known = {key for key in keys if match.get(key)} or guess_keys(self.description.fields, keys, table).keys()
        return [key for key in keys if key in known]

    def too_small(self, name: str) -> bool:
        """Whether a segment has fewer members than the destination takes."""
        count = self.counts.of(name).count
        return count is not None and count.verdict is Verdict.TOO_SMALL

    def count(self, *, again: bool = False) -> None:
        """Count every segment for the destination, with the key that is matched."""
        if self.description is None:
            return
        keys = {key: source for key, source in self.draft.match.items() if key in self.description.identifying}
        # Those the destination does not take are counted too, to say what they hold.
        names = [s.name for s in self.facts.segments if self.facts.catalog.by_role(s.of.role) is not None]
        basis = (self.facts.segments, self.facts.catalog)
        self.counts.count(names, self.description, keys, basis, again=again)
        self.counts.add_up(self.candidates())

    def _on_counts_changed(self) -> None:
        self.counts.add_up(self.candidates())
        self.changed.emit()

    # Fields

    @property
    def fields(self) -> tuple[TargetField, ...]:
        """The target's fields: the audience's own when they are known."""
        if self._fields and self._fields_of[:1] == (self.draft.destination,):
            return self._fields
        return self.description.fields if self.description is not None else ()

    def member_table(self) -> Table | None:
        """The table whose rows the chosen segments hold."""
        of = next((s.of for name in self.draft.segments if (s := self.segment(name)) is not None), SegmentOf.CUSTOMERS)
        return self.facts.catalog.by_role(of.role)

    def ask_fields(self, *, again: bool = False) -> None:
        """Ask the target for the audience's fields, when they are not known yet."""
        chosen, description = self.connection, self.description
        if chosen is None or description is None or description.any_field or not description.free_fields:
            return
        target = dict(self.draft.target)
        if any(field.required and not target.get(field.id) for field in description.export_fields):
            return
        wanted = (description.id, chosen.connection.id, tuple(sorted(target.items())))
        if wanted == self._fields_of and not again:
            return
        self._fields_of, self.fields_running, self.fields_error = wanted, True, None
        services, name = self.context.services, chosen.connection.name
        self.submit(
            "queries",
            "Read the fields of the audience",
            lambda ctx: services.connections.target_fields(name, target, ctx),
            lambda finished: self._on_fields(finished, wanted),
        )
        self.changed.emit()

    def _on_fields(self, finished: Finished, wanted: tuple[object, ...]) -> None:
        if wanted != self._fields_of:
            return
        self.fields_running = False
        if finished.outcome is Outcome.DONE:
            self._fields = tuple(finished.value)
        else:
            self.fields_error = finished.error
        self.changed.emit()

    def export_of(self, segments: tuple[str, ...]) -> Export:
        """The export as far as it is, with these segments alone, to look at what it would send."""
        name = self.draft.name.strip() or self.tr("New export")
        draft = replace(self.draft, name=name, segments=segments)
        return draft.so_far(self.context.formats.now(), self.facts.person)

    # Judging

    def needs(self) -> Needs:
        """What the draft is judged by."""
        description = self.description
        if description is None:
            return Needs(taken=self.facts.taken, blocked=self.blocked())
        names: Mapping[str, str] = {field.id: field.name for field in self.fields}
        return Needs(
            taken=self.facts.taken,
            blocked=self.blocked(),
            required={field.id: field.name for field in self.fields if field.required},
            keys={key: names.get(key, key) for key in description.key_fields},
            target={
                field.id: field.label for field in description.export_fields if field.required and not field.default
            },
            sync_modes=description.sync_modes,
            any_field=description.any_field,
            file_rules=description.file_rules,
            destination=description.name,
        )


def lowered(name: str) -> str:
    """A name in the middle of a sentence."""
    return name[:1].lower() + name[1:]
