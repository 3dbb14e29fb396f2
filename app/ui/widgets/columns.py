"""What a table shows, without painting: columns, cells, note rows. Plain frozen dataclasses, no Qt objects.

A page turns its rows into words here, and nowhere else: what is painted, sorted, shown as tooltip and read aloud comes from
the same `Column`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

R = TypeVar("R")

Tone = Literal["neutral", "accent", "success", "warning", "danger"]


@dataclass(frozen=True)
class TextCell:
    """One or two lines: what (13 px) and detail (12 px). `role` and `ink` override the first line's font and colour.

    `required` puts the star of a required field after the first line.
    """

    text: str
    detail: str = ""
    role: str = "body"
    ink: str = "text"
    detail_ink: str = "text2"
    icon: str = ""
    icon_role: str = "text2"
    required: bool = False


@dataclass(frozen=True)
class BadgeCell:
    """A destination's monogram and its name; `color` is `#RRGGBB` of the destination's description."""

    letters: str
    color: str
    text: str
    detail: str = ""


@dataclass(frozen=True)
class NumberCell:
    """A number as shown, right-aligned, over a bar of its share of a limit.

    `share` None: no bar, the number alone. Above 1: over the limit. `counting` shows a spinner and "so far" under the
    number instead of the bar. `detail` is a second line, e.g. "98.2%".
    """

    text: str
    share: float | None = None
    detail: str = ""
    counting: str = ""
    ink: str = "text"


@dataclass(frozen=True)
class ShareCell:
    """A short bar and its percent, for how much of something is covered; below `low` the bar warns. None: not known.

    `fill` gives the bar another colour, for parts that are neither good nor bad.
    """

    text: str
    share: float | None
    low: float = 0.8
    fill: str = ""
    ink: str = "text"


@dataclass(frozen=True)
class PartsCell:
    """Up to three small lines: a word, a bar, and its part of the whole (0 to 1) as shown."""

    parts: tuple[tuple[str, float, str], ...]

    @property
    def text(self) -> str:
        """All lines as one."""
        return ", ".join(f"{word} {shown}" for word, _share, shown in self.parts)


@dataclass(frozen=True)
class StatusCell:
    """A status: icon and word, below the reason or result; running with bar and percent.

    `fraction` (0 to 1) paints the bar, `running` turns the spinner in place of the icon.
    """

    icon: str
    role: str
    word: str
    detail: str = ""
    running: bool = False
    fraction: float | None = None
    percent: str = ""
    ink: str = "text"


@dataclass(frozen=True)
class PillCell:
    """A pill with an optional icon."""

    text: str
    tone: Tone = "neutral"
    icon: str = ""


@dataclass(frozen=True)
class ActionCell:
    """A link, button or picker look; a click on it emits `cell_action(row key, column key)`.

    `look`: "link" (accent words), "button" (secondary button), "picker" (a select look with a caret), "plain" (words with
    `icon` and a warning `pill`, or a caret at the end). A picker that is `hollow` shows a placeholder, plain words are then
    quieter; `error` gives a picker the danger edge.
    """

    text: str
    look: Literal["link", "button", "picker", "plain"] = "link"
    enabled: bool = True
    tooltip: str = ""
    hollow: bool = False
    error: bool = False
    icon: str = ""
    pill: str = ""


@dataclass(frozen=True)
class CheckCell:
    """A check box: True, False, or None for partly."""

    checked: bool | None
    enabled: bool = True


Cell = TextCell | BadgeCell | NumberCell | ShareCell | PartsCell | StatusCell | PillCell | ActionCell | CheckCell


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column of a table of rows `R`.

    Args:
        key: stable name, used to save widths and in `cell_action`.
        title: header text.
        cell: what the row shows here.
        sort: what the column sorts by (numbers, dates, text); None cannot be sorted.
        tooltip: full text on hover; without it an elided text shows itself.
        accessible: the whole cell in words; without it "title: text, detail".
        align: "right" for numbers.
        width: px at start.
        stretch: takes the width that is left; several share it.
        menu: shows `...` on hover and selection.
        middle: elides in the middle (file names).
        hideable: may be hidden by the person.
        info: tooltip of a small info mark before the header text.
    """

    key: str
    title: str
    cell: Callable[[R], Cell]
    sort: Callable[[R], Any] | None = None
    tooltip: Callable[[R], str] | None = None
    accessible: Callable[[R], str] | None = None
    align: Literal["left", "right"] = "left"
    width: int = 120
    stretch: bool = False
    menu: bool = False
    middle: bool = False
    hideable: bool = True
    info: str = ""


@dataclass(frozen=True)
class NoteRow:
    """A row that spans the table under its parent: a warning with an optional link.

    Stands right after its parent in the tuple of rows. A click on the link emits `cell_action(key, "note")`. The tone
    "plain" paints an explanation without a box.
    """

    key: str
    parent_key: str
    strong: str
    text: str = ""
    link: str = ""
    tone: Literal["info", "success", "warning", "danger", "plain"] = "warning"


@dataclass(frozen=True)
class GroupRow:
    """A heading that spans the table before the rows of a group; it goes when none of them is shown.

    A table with headings is not sortable: its order is the page's.
    """

    key: str
    text: str
    members: tuple[str, ...]


SpanRow = NoteRow | GroupRow
"""Rows that are no entries: they span the table and can't be selected."""


def cell_text(cell: Cell) -> str:
    """Return the first line of a cell in words."""
    if isinstance(cell, StatusCell):
        return cell.word
    if isinstance(cell, CheckCell):
        return ""
    return cell.text


def cell_detail(cell: Cell) -> str:
    """Return the second line of a cell in words."""
    if isinstance(cell, StatusCell):
        return cell.detail or cell.percent
    if isinstance(cell, NumberCell):
        return cell.detail or cell.counting
    if isinstance(cell, TextCell | BadgeCell):
        return cell.detail
    return ""
