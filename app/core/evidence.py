"""What a run sees of a segment, and what explains that a later one sees something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.core.names import fold
from app.core.phrases import Part, Phrase
from app.core.plans import Basis, Changes
from app.core.segment_words import words
from app.core.segments import Condition, Group, Rule, Segment
from app.core.tables import Catalog


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run saw of a segment: members to send, rows of the tables it asks, its rules in words, the consent field.

    `keys` are the fields that identify members, `generations` those of the tables by their ids, `listed` is that of the
    suppression list, empty without one. `match` names the column that each target field is filled from.
    """

    members: int
    rows: Mapping[str, int] = field(default_factory=dict)
    rules: str = ""
    consent: str = ""
    at: datetime | None = None
    keys: str = ""
    generations: Mapping[str, int] = field(default_factory=dict)
    listed: str = ""
    match: Mapping[str, str] = field(default_factory=dict)

    def filled_otherwise(self, before: Seen | None) -> bool:
        """Whether a field that was matched then is filled from another column now; what earlier versions kept tells nothing."""
        return before is not None and any(
            name in self.match and self.match[name] != source for name, source in before.match.items()
        )

    def ruled_otherwise(self, before: Seen) -> bool:
        """Whether other rules decide than then; another name of the segment, which stands before them, is no other rule."""
        return self.rules.partition(": ")[2] != before.rules.partition(": ")[2]


@dataclass(frozen=True, slots=True)
class Measured:
    """One segment of a plan: what is to be done, what is seen of it now and what the last finished run saw.

    `basis` is what it is compared by, when that is another thing than then.
    """

    segment: str
    changes: Changes
    now: Seen
    before: Seen | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it may have come to that, by evidence: a few words and a sentence; `table` is where to look, when it is one.

    `code` and `parts` say the same for other languages, see `phrases`; earlier versions kept `what` and `detail` alone.
    """

    what: str
    detail: str
    table: str = ""
    code: str = ""
    parts: tuple[Phrase | str | int, ...] = ()

    @classmethod
    def of(cls, code: str, *parts: Part, table: str = "") -> Cause:
        """A cause by its code in core/phrases.py."""
        what, detail = _said(code, parts)
        return cls(str(what), str(detail), table, code, parts)

    @property
    def phrases(self) -> tuple[Phrase, Phrase] | None:
        """The few words and the sentence; None where an earlier version kept them in English."""
        return _said(self.code, self.parts) if self.code else None


def seen(segment: Segment, catalog: Catalog, segments: Iterable[Segment], members: int, consent: str) -> Seen:
    """What is seen of a segment now; its rules include those of the segments it is built on."""
    by_name = {fold(each.name): each for each in segments}
    chain = _built_on(segment, by_name)
    names = {fold(name) for each in chain for name in _tables_of(each)}
    own = catalog.by_role(segment.of.role)
    rows = {
        table.name: table.rows
        for table in catalog.tables
        if fold(table.name) in names or (own is not None and table.id == own.id)
    }
    rules = "\n".join(
        f"{each.name}: {' '.join(words(each))} {each.sql or each.list_file or ''}".strip() for each in chain
    )
    return Seen(members, rows, rules, consent)


def likely_cause(each: Measured, *, changes: bool = False) -> Cause | None:
    """What the evidence says; None when there is none.

    What it is compared by explains `changes` first, and whatever else happened to a plan last.
    """
    compared = None if each.basis is None else Cause.of(f"other {each.basis}")
    in_the_source = _in_the_source(each)
    return compared or in_the_source if changes else in_the_source or compared


def _in_the_source(each: Measured) -> Cause | None:
    before, now = each.before, each.now
    if before is None:
        return None
    shrunk = {
        name: (rows, now.rows[name]) for name, rows in before.rows.items() if name in now.rows and now.rows[name] < rows
    }
    if shrunk:
        name, (was, rows) = max(shrunk.items(), key=lambda item: 1 - item[1][1] / item[1][0])
        return Cause.of("fewer_rows", name, was, rows, table=name)
    if now.ruled_otherwise(before):
        return Cause.of("other_rules", each.segment)
    if before.consent != now.consent:
        return Cause.of("other_consent", before.consent or Phrase("no_field"), now.consent or Phrase("none"))
    return None


def _said(code: str, parts: tuple[Part, ...]) -> tuple[Phrase, Phrase]:
    return Phrase(code, parts), Phrase(f"{code} detail", parts)


def _built_on(segment: Segment, by_name: Mapping[str, Segment]) -> list[Segment]:
    found: dict[str, Segment] = {}
    waiting = [segment]
    while waiting:
        each = waiting.pop()
        if fold(each.name) in found:
            continue
        found[fold(each.name)] = each
        waiting += [
            by_name[fold(rule.body.name)]
            for rule in each.rules
            if not isinstance(rule.body, Group) and fold(rule.body.name) in by_name
        ]
    return list(found.values())


def _tables_of(segment: Segment) -> Iterable[str]:
    def inside(item: Condition | Group) -> Iterable[str]:
        if isinstance(item, Condition):
            return [item.field.table]
        return [name for each in item.items for name in inside(each)]

    def of(rule: Rule) -> Iterable[str]:
        return inside(rule.body) if isinstance(rule.body, Group) else []

    return [name for rule in segment.rules for name in of(rule)]
