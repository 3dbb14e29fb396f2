"""The rows of the segments step: what each segment shows, in words and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.counts import Linked, Verdict
from app.core.segments import Segment, SegmentOf
from app.ui.formats import NOTHING, Formats
from app.ui.phrase_words import said
from app.ui.widgets.columns import Cell, CheckCell, Column, GroupRow, NoteRow, NumberCell, TextCell
from app.ui.wizards.counting import Counted
from app.ui.wizards.segment_state import SegmentState, lowered

NOTE = "note:"
"""Notes are keyed by it and the segment's name."""


def _tr(words: str) -> str:
    return QCoreApplication.translate("SegmentRows", words)


@dataclass(frozen=True)
class SegmentLine:
    """One segment in the table."""

    key: str
    detail: str
    chosen: bool
    taken: bool
    counted: Counted
    limit: int | None
    locked: bool = False


Row = SegmentLine | NoteRow | GroupRow


def lines(state: SegmentState, shown: Callable[[Segment], bool] = lambda _segment: True) -> list[Row]:
    """The segments in the workspace's order: what can be chosen first, each with its note, then what can't.

    In a workspace of businesses they stand in groups by what they hold.
    """
    wanted = [segment for segment in state.facts.segments if shown(segment)]
    if not state.grouped:
        ordered = sorted(wanted, key=lambda segment: bool(state.why_not(segment)))
        return [row for segment in ordered for row in _segment_rows(state, segment)]
    result: list[Row] = []
    for of in sorted(_KINDS, key=lambda of: of not in state.taken):
        inside = [segment for segment in wanted if segment.of is of]
        if inside:
            result.append(GroupRow(f"group:{of}", _group_words(state, of), tuple(each.name for each in inside)))
        result += [row for segment in inside for row in _segment_rows(state, segment)]
    return result


_KINDS = (SegmentOf.ACCOUNTS, SegmentOf.CONTACTS)


def _segment_rows(state: SegmentState, segment: Segment) -> list[Row]:
    reason, counted = state.why_not(segment), state.counts.of(segment.name)
    limit = state.description.limits.maximum if state.description is not None else None
    line = SegmentLine(
        segment.name,
        _detail(state, segment, reason, counted),
        segment.name in state.draft.segments,
        not reason,
        counted,
        limit,
        locked=state.read_only,
    )
    return [line, _note(state, segment.name, counted)] if not reason and counted.blocked else [line]


def _group_words(state: SegmentState, of: SegmentOf) -> str:
    """The heading of a group: what is in it, and why it can't be chosen."""
    accounts = of is SegmentOf.ACCOUNTS
    if of in state.taken:
        return _tr("Account segments") if accounts else _tr("Contact segments")
    audience = state.description.audience if state.description is not None else None
    target = state.destination_name if audience is None else lowered(audience.name)
    if accounts:
        return _tr("Account segments: {target} takes contact segments").format(target=target)
    return _tr("Contact segments: {target} takes account segments").format(target=target)


def _detail(state: SegmentState, segment: Segment, reason: str, counted: Counted) -> str:
    """The second line: why it can't go, what went wrong, or how it is defined, and what is linked to its members."""
    formats = state.context.formats
    linked = counted.count.linked if counted.count is not None else None
    if reason and state.grouped:
        holds = _tr("Holds accounts.") if segment.of is SegmentOf.ACCOUNTS else _tr("Holds contacts.")
        return f"{holds} {linked_words(formats, linked)}".rstrip()
    if reason:
        return reason
    if counted.error is not None and counted.count is not None:
        when = state.context.formats.day_and_clock(counted.count.counted_at)
        return _tr("{problem} Last count: {time}").format(problem=counted.error.what, time=when)
    if counted.error is not None:
        return counted.error.what
    words = kind_words(formats, segment)
    if linked is None:
        return words
    if linked.members is None:
        return _tr("{kind} · contacts not linked").format(kind=words) if segment.of is SegmentOf.ACCOUNTS else words
    return f"{words} · {formats.counted(linked.members, linked.of.value)}"


def linked_words(formats: Formats, linked: Linked | None) -> str:
    """What is behind the members: accounts behind contacts, or contacts at accounts; says so when nothing is linked."""
    if linked is None:
        return ""
    if linked.members is None:
        return said(linked.phrase, linked.reason)
    accounts, number = linked.of is SegmentOf.ACCOUNTS, linked.members
    if not number:
        return _tr("No account is linked to them") if accounts else _tr("No contact is linked to them")
    if accounts:
        one, many = _tr("1 account is behind it"), _tr("{n} accounts are behind it")
    else:
        one, many = _tr("1 contact is linked to them"), _tr("{n} contacts are linked to them")
    return one if number == 1 else many.format(n=formats.number(number))


def kind_words(formats: Formats, segment: Segment) -> str:
    """Dynamic or static, and how it is defined."""
    if segment.static:
        return _tr("Static · list")
    if segment.sql is not None:
        return _tr("Dynamic · SQL")
    if len(segment.rules) == 1:
        return _tr("Dynamic · 1 rule")
    return _tr("Dynamic · {n} rules").format(n=formats.number(len(segment.rules)))


def _note(state: SegmentState, name: str, counted: Counted) -> NoteRow:
    formats, count = state.context.formats, counted.count
    limits = state.description.limits if state.description is not None else None
    if count is not None and count.verdict is Verdict.TOO_LARGE and limits is not None and limits.maximum is not None:
        strong = _tr("Too large: {n} of {limit} allowed").format(
            n=formats.number(count.to_send), limit=formats.number(limits.maximum)
        )
        return NoteRow(NOTE + name, name, strong, _tr("— will be skipped"), _tr("Split into smaller segments"))
    if count is not None and count.verdict is Verdict.TOO_SMALL and limits is not None and limits.minimum is not None:
        strong = _tr("Too small: {n} of at least {limit}").format(
            n=formats.number(count.to_send), limit=formats.number(limits.minimum)
        )
        return NoteRow(NOTE + name, name, strong, _tr("— will be skipped"), _tr("Join with another segment"))
    return NoteRow(NOTE + name, name, counted.blocked)


class _Cells:
    """What each column shows of a line."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats

    def chosen(self, line: SegmentLine) -> Cell:
        return CheckCell(line.chosen, enabled=line.taken and not line.locked)

    def chosen_words(self, line: SegmentLine) -> str:
        return _tr("Chosen") if line.chosen else _tr("Not chosen")

    def segment(self, line: SegmentLine) -> Cell:
        ink = "danger" if line.counted.error is not None else "text2"
        return TextCell(line.key, line.detail, role="body-medium", detail_ink=ink)

    def members(self, line: SegmentLine) -> Cell:
        counted = line.counted
        if counted.count is None and counted.about is not None:
            return NumberCell(self._formats.number(counted.about), counting=_tr("about, counting"))
        if counted.count is None and counted.running:
            return NumberCell(NOTHING, counting=_tr("Counting"))
        return self._plain(counted.count.members if counted.count else None, line)

    def eligible(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        if count is None or not line.taken:
            return NumberCell(NOTHING, ink="text2")
        share = self._formats.percent(count.eligible / count.members) if count.members else ""
        return NumberCell(self._formats.number(count.eligible), detail=share, ink=_ink(line, "text"))

    def duplicates(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        return self._plain(count.duplicates if count and line.taken else None, line, "text2")

    def to_send(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        if count is None or not line.taken:
            return NumberCell(NOTHING, ink="text2")
        share = None if line.limit is None else count.to_send / line.limit
        ink = "warning" if count.verdict is Verdict.TOO_SMALL else "text"
        return NumberCell(self._formats.number(count.to_send), share=share, ink=_ink(line, ink))

    def limit_words(self, line: SegmentLine) -> str:
        count = line.counted.count
        if count is None or line.limit is None or not line.taken:
            return ""
        number, percent = self._formats.number, self._formats.percent
        return _tr("{n} of {limit} ({percent})").format(
            n=number(count.to_send), limit=number(line.limit), percent=percent(count.to_send / line.limit)
        )

    def _plain(self, value: int | None, line: SegmentLine, ink: str = "text") -> Cell:
        if value is None:
            return NumberCell(NOTHING, ink="text2")
        return NumberCell(self._formats.number(value), ink=_ink(line, ink))


def _ink(line: SegmentLine, ink: str) -> str:
    """Numbers of earlier stay, dimmed, while they are counted again."""
    return "text3" if line.counted.stale else ink


def _sort_by(field: str) -> Callable[[SegmentLine], float]:
    def value(line: SegmentLine) -> float:
        return -1.0 if line.counted.count is None else float(getattr(line.counted.count, field))

    return value


def columns(formats: Formats) -> list[Column[SegmentLine]]:
    """The columns of the segments table."""
    cells = _Cells(formats)
    valid = _tr("Those whose key identifier can be used, such as a valid e-mail address or a web domain")
    return [
        Column("chosen", "", cells.chosen, accessible=cells.chosen_words, width=60, hideable=False),
        Column(
            "segment",
            _tr("Segment"),
            cells.segment,
            sort=lambda line: line.key.casefold(),
            stretch=True,
            width=200,
            hideable=False,
        ),
        Column("members", _tr("Members"), cells.members, sort=_sort_by("members"), align="right", width=116),
        Column(
            "eligible", _tr("Eligible"), cells.eligible, sort=_sort_by("eligible"), align="right", width=108, info=valid
        ),
        Column("duplicates", _tr("Duplicates"), cells.duplicates, sort=_sort_by("duplicates"), align="right", width=88),
        Column(
            "to_send",
            _tr("To send"),
            cells.to_send,
            sort=_sort_by("to_send"),
            tooltip=cells.limit_words,
            align="right",
            width=144,
        ),
    ]
