"""The rows of the segments step: what each segment shows, in words and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from app.core.counts import Verdict
from app.core.segments import Segment
from app.ui.formats import NOTHING, Formats
from app.ui.widgets.columns import Cell, CheckCell, Column, NoteRow, NumberCell, TextCell
from app.ui.wizards.counting import Counted
from app.ui.wizards.segment_state import SegmentState

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


def lines(state: SegmentState) -> list[SegmentLine | NoteRow]:
    """All segments in the workspace's order: what can be chosen first, each with its note, then what can't."""
    chosen = set(state.draft.segments)
    limit = state.description.limits.maximum if state.description is not None else None
    reasons = {segment.name: state.why_not(segment) for segment in state.facts.segments}
    ordered = sorted(state.facts.segments, key=lambda segment: bool(reasons[segment.name]))
    result: list[SegmentLine | NoteRow] = []
    for segment in ordered:
        reason, counted = reasons[segment.name], state.counts.of(segment.name)
        detail = reason or (
            counted.error.what if counted.error is not None else kind_words(state.context.formats, segment)
        )
        result.append(
            SegmentLine(
                segment.name,
                detail,
                segment.name in chosen,
                not reason,
                counted,
                limit,
                locked=state.read_only,
            )
        )
        if not reason and counted.blocked:
            result.append(_note(state, segment.name, counted))
    return result


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
        strong = _tr("Too small: {n}, at least {limit} needed").format(
            n=formats.number(count.to_send), limit=formats.number(limits.minimum)
        )
        return NoteRow(NOTE + name, name, strong, _tr("— will be skipped"))
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
        return self._plain(line, counted.count.members if counted.count else None)

    def eligible(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        if count is None:
            return NumberCell(NOTHING, ink="text2")
        share = self._formats.percent(count.eligible / count.members) if count.members else ""
        return NumberCell(self._formats.number(count.eligible), detail=share, ink=_ink(line, "text"))

    def duplicates(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        return self._plain(line, count.duplicates if count else None, "text2")

    def to_send(self, line: SegmentLine) -> Cell:
        count = line.counted.count
        if count is None:
            return NumberCell(NOTHING, ink="text2")
        share = None if line.limit is None else count.to_send / line.limit
        return NumberCell(self._formats.number(count.to_send), share=share, ink=_ink(line, "text"))

    def limit_words(self, line: SegmentLine) -> str:
        count = line.counted.count
        if count is None or line.limit is None:
            return ""
        number, percent = self._formats.number, self._formats.percent
        return _tr("{n} of {limit} ({percent})").format(
            n=number(count.to_send), limit=number(line.limit), percent=percent(count.to_send / line.limit)
        )

    def _plain(self, line: SegmentLine, value: int | None, ink: str = "text") -> Cell:
        if value is None or not line.taken:
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
    valid = _tr("Members whose key identifier can be used, such as a valid e-mail address")
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
