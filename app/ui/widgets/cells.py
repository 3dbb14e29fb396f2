"""How table cells are painted and where they can be hit: one delegate, one small function per kind of cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from app.ui.theme import Theme
from app.ui.widgets import paint
from app.ui.widgets.columns import (
    ActionCell,
    BadgeCell,
    Cell,
    CheckCell,
    Column,
    GroupRow,
    NoteRow,
    NumberCell,
    PartsCell,
    PillCell,
    ShareCell,
    SpanRow,
    StatusCell,
    TextCell,
    cell_detail,
    cell_text,
)
from app.ui.widgets.marks import TONES, paint_pill, pill_width
from app.ui.widgets.table_model import CELL_ROLE, LIVE_ROLE, ROW_ROLE

PAD = 8
TWO_LINES = 44
"""Pixels of the lowest row that has room for two lines."""
EDGE = 24
"""Margin before the first and after the last column, px: the page's margin."""

RIGHT = Qt.AlignmentFlag.AlignRight
LEFT = Qt.AlignmentFlag.AlignLeft


@dataclass(frozen=True)
class Spot:
    """Where and how a cell is painted."""

    rect: QRect
    live: bool
    align_right: bool
    middle: bool

    def lines(self, theme: Theme) -> tuple[QRect, QRect]:
        """Return the boxes of the first and second line of a two-line cell."""
        first, second = theme.line_height("body"), theme.line_height("caption")
        top = self.rect.top() + (self.rect.height() - first - second - 2) // 2 + 1
        return (
            QRect(self.rect.left(), top - 1, self.rect.width(), first),
            QRect(self.rect.left(), top + first, self.rect.width(), second),
        )


def _ink(spot: Spot, ink: str) -> str:
    return ink if spot.live else "disabled"


def paint_lines(painter: QPainter, theme: Theme, spot: Spot, cell: TextCell) -> None:
    """Paint one line centred, or two."""
    align = RIGHT if spot.align_right else LEFT
    elide = Qt.TextElideMode.ElideMiddle if spot.middle else Qt.TextElideMode.ElideRight
    if cell.icon:
        mark = QRect(spot.rect.left(), spot.rect.top() + (spot.rect.height() - 16) // 2, 16, 16)
        if cell.detail:
            mark.moveTop(spot.lines(theme)[0].top() + 2)
        paint.icon(painter, theme, mark, cell.icon, _ink(spot, cell.icon_role))
        spot = Spot(spot.rect.adjusted(24, 0, 0, 0), spot.live, spot.align_right, spot.middle)
    ink = _ink(spot, cell.ink)
    if not cell.detail:
        paint.text(painter, theme, spot.rect, cell.text, role=cell.role, ink=ink, align=align, elide=elide)
        return
    first, second = spot.lines(theme)
    room = first.adjusted(0, 0, -12 if cell.required else 0, 0)
    width = paint.text(painter, theme, room, cell.text, role=cell.role, ink=ink, align=align, elide=elide)
    if cell.required:
        star = QRect(first.left() + width + 4, first.top(), 10, first.height())
        paint.text(painter, theme, star, "*", role="body-strong", ink="danger")
    detail_ink = cell.detail_ink if spot.live else "text3"
    paint.text(painter, theme, second, cell.detail, role="caption", ink=detail_ink, align=align, elide=elide)


def paint_badge(painter: QPainter, theme: Theme, spot: Spot, cell: BadgeCell) -> None:
    """Paint monogram and name."""
    paint.badge(painter, theme, paint.badge_rect(spot.rect, 20), cell.letters, cell.color)
    rest = Spot(spot.rect.adjusted(28, 0, 0, 0), spot.live, False, spot.middle)
    paint_lines(painter, theme, rest, TextCell(cell.text, cell.detail))


def paint_number(painter: QPainter, theme: Theme, spot: Spot, cell: NumberCell) -> None:
    """Paint the number with its limit bar, its second line, or "so far" while it is counted."""
    over = cell.share is not None and cell.share > 1
    ink = _ink(spot, "warning" if over else cell.ink)
    keep = Qt.TextElideMode.ElideNone
    if cell.share is None and not cell.detail and not cell.counting:
        paint.text(painter, theme, spot.rect, cell.text, ink=ink, align=RIGHT, elide=keep)
        return
    first, second = spot.lines(theme)
    if cell.counting:
        if spot.rect.height() < TWO_LINES:
            second = spot.rect  # a row of one line has no room for a number that is not known yet
        else:
            paint.text(painter, theme, first, cell.text, ink=_ink(spot, "text2"), align=RIGHT, elide=keep)
        width = paint.text(painter, theme, second, cell.counting, role="caption", ink="text2", align=RIGHT, elide=keep)
        mark = QRect(second.right() - width - 22, second.center().y() - 6, 13, 13)
        paint.spinner(painter, theme, mark)
        return
    paint.text(painter, theme, first, cell.text, ink=ink, align=RIGHT, elide=keep)
    if cell.detail:
        detail_ink = "text2" if spot.live else "text3"
        paint.text(painter, theme, second, cell.detail, role="caption", ink=detail_ink, align=RIGHT, elide=keep)
    elif cell.share is not None:
        track = QRectF(spot.rect.left(), second.top() + 4, spot.rect.width(), 4)
        fill = "warning_fill" if ink == "warning" else paint.limit_fill(cell.share)
        paint.bar(painter, theme, track, cell.share, fill=fill)


def paint_share(painter: QPainter, theme: Theme, spot: Spot, cell: ShareCell) -> None:
    """Paint a bar of 44 px and the percent after it."""
    left, middle = spot.rect.left(), spot.rect.center().y()
    if cell.share is not None:
        fill = cell.fill or ("success_fill" if cell.share >= cell.low else "warning_fill")
        paint.bar(painter, theme, QRectF(left, middle - 1, 44, 4), cell.share, fill=fill)
        left += 50
    words = QRect(left, spot.rect.top(), spot.rect.right() - left + 1, spot.rect.height())
    keep = Qt.TextElideMode.ElideNone
    paint.text(
        painter, theme, words, cell.text, ink=_ink(spot, cell.ink if cell.share is not None else "text2"), elide=keep
    )


def paint_parts(painter: QPainter, theme: Theme, spot: Spot, cell: PartsCell) -> None:
    """Paint the words, and behind each a bar of 40 px and its percent."""
    line = theme.line_height("caption") - 1
    top = spot.rect.center().y() - line * len(cell.parts) // 2 + 1
    for word, share, shown in cell.parts:
        words = QRect(spot.rect.left(), top, spot.rect.width() - 84, line)
        paint.text(painter, theme, words, word, role="caption", ink=_ink(spot, "text2"))
        track = QRectF(words.right() + 8, top + line / 2 - 2, 40, 4)
        paint.bar(painter, theme, track, share, fill="accent_soft")
        number = QRect(spot.rect.right() - 33, top, 34, line)
        paint.text(painter, theme, number, shown, role="caption", ink=_ink(spot, "text2"), align=RIGHT)
        top += line


def paint_status(painter: QPainter, theme: Theme, spot: Spot, cell: StatusCell) -> None:
    """Paint icon, word, and the reason or the bar."""
    first, second = spot.lines(theme)
    if not cell.detail and cell.fraction is None and not cell.percent:
        first = QRect(spot.rect)
    mark = QRect(first.left(), first.center().y() - 7, 16, 16)
    if cell.running:
        paint.spinner(painter, theme, mark)
    else:
        paint.icon(painter, theme, mark, cell.icon, _ink(spot, cell.role))
    words = first.adjusted(24, 0, 0, 0)
    ink = _ink(spot, cell.ink)
    paint.text(painter, theme, words, cell.word, role="body-medium", ink=ink, elide=Qt.TextElideMode.ElideNone)
    below = second.adjusted(24, 0, 0, 0)
    if cell.fraction is not None:
        width = theme.metrics("caption").horizontalAdvance(cell.percent) if cell.percent else 0
        track = QRectF(below.left(), below.center().y() - 1, below.width() - (40 if cell.percent else 0), 4)
        paint.bar(painter, theme, track, cell.fraction)
        if width:
            paint.text(painter, theme, below, cell.percent, role="caption", ink="text2", align=RIGHT)
    elif cell.detail:
        paint.text(painter, theme, below, cell.detail, role="caption", ink="text2")


def paint_pill_cell(painter: QPainter, theme: Theme, spot: Spot, cell: PillCell) -> None:
    """Paint a pill at the column's edge."""
    width = min(pill_width(theme, cell.text, icon=bool(cell.icon)), spot.rect.width())
    left = spot.rect.right() + 1 - width if spot.align_right else spot.rect.left()
    area = QRect(left, spot.rect.top() + (spot.rect.height() - 22) // 2, width, 22)
    paint_pill(painter, theme, area, cell.text, cell.tone, cell.icon)


def action_rect(theme: Theme, spot: Spot, cell: ActionCell) -> QRect:
    """Return where a link, button or picker is painted, which is also where it can be hit."""
    words = theme.metrics("body-medium").horizontalAdvance(cell.text)
    whole = (32, spot.rect.width())
    height, width = {"link": (28, words + 2), "button": (28, words + 24)}.get(cell.look, whole)
    width = min(width, spot.rect.width())
    left = spot.rect.right() + 1 - width if spot.align_right else spot.rect.left()
    return QRect(left, spot.rect.top() + (spot.rect.height() - height) // 2, width, height)


def paint_action(painter: QPainter, theme: Theme, spot: Spot, cell: ActionCell) -> None:
    """Paint a link, a secondary button or a picker."""
    area = action_rect(theme, spot, cell)
    live = cell.enabled and spot.live
    if cell.look == "link":
        ink = "accent_text" if live else "disabled"
        paint.text(painter, theme, area, cell.text, role="body-medium", ink=ink)
        return
    if cell.look == "plain":
        _paint_plain(painter, theme, area, cell, live=live)
        return
    edge = ("border" if cell.look == "button" else "control") if live else "border"
    if cell.error and live:
        edge = "danger_fill"
    fill = theme.color("surface" if live else "neutral_subtle")
    paint.box(painter, area, 6, fill=fill, edge=theme.color(edge))
    ink = "text" if live else "disabled"
    if cell.look == "button":
        centre = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, theme, area, cell.text, role="body-medium", ink=ink, align=centre)
        return
    paint.text(painter, theme, area.adjusted(10, 0, -28, 0), cell.text, ink="text3" if cell.hollow and live else ink)
    caret = QRect(area.right() - 20, area.center().y() - 5, 12, 12)
    paint.icon(painter, theme, caret, "caret-down", "text2" if live else "disabled")


def _paint_plain(painter: QPainter, theme: Theme, area: QRect, cell: ActionCell, *, live: bool) -> None:
    """Icon and words as in a text cell; the pill behind them, or a caret at the end, tells that they can be changed."""
    ink = ("text2" if cell.hollow else "text") if live else "disabled"
    left = area.left()
    if cell.icon:
        paint.icon(painter, theme, QRect(left, area.center().y() - 8, 16, 16), cell.icon, "text2" if live else ink)
        left += 24
    pill = pill_width(theme, cell.pill, icon=False) if cell.pill else 0
    room = QRect(left, area.top(), area.right() - left - (pill + 6 if pill else 16), area.height())
    width = paint.text(painter, theme, room, cell.text, ink=ink)
    if pill:
        place = QRect(left + width + 6, area.top() + (area.height() - 20) // 2, pill, 20)
        paint_pill(painter, theme, place, cell.pill, "warning")
        return
    caret = QRect(area.right() - 11, area.center().y() - 5, 12, 12)
    paint.icon(painter, theme, caret, "caret-down", "text3" if live else "disabled")


def paint_check(painter: QPainter, theme: Theme, spot: Spot, cell: CheckCell) -> None:
    """Paint a check box at the column's left."""
    area = QRect(spot.rect.left(), spot.rect.top(), 16, spot.rect.height())
    state = {
        True: Qt.CheckState.Checked,
        False: Qt.CheckState.Unchecked,
        None: Qt.CheckState.PartiallyChecked,
    }[cell.checked]
    paint.check_mark(painter, theme, area, state, enabled=cell.enabled and spot.live)


PAINTERS: dict[type, Callable[[QPainter, Theme, Spot, Any], None]] = {
    TextCell: paint_lines,
    BadgeCell: paint_badge,
    NumberCell: paint_number,
    ShareCell: paint_share,
    PartsCell: paint_parts,
    StatusCell: paint_status,
    PillCell: paint_pill_cell,
    ActionCell: paint_action,
    CheckCell: paint_check,
}


def note_boxes(theme: Theme, row_rect: QRect, note: NoteRow) -> tuple[QRect, QRect]:
    """Return the box of a note row and, inside it, of its link (empty without one)."""
    area = row_rect.adjusted(52, 2, -16, -6)
    if note.tone == "plain":
        area = row_rect.adjusted(28, 0, -16, -8)
    if not note.link:
        return area, QRect()
    width = theme.metrics("body-medium").horizontalAdvance(note.link) + 2
    return area, QRect(area.right() - 12 - width, area.top(), width, area.height())


def paint_plain_note(painter: QPainter, theme: Theme, area: QRect, link: QRect, note: NoteRow) -> None:
    """Paint an explanation without a box: an arrow, the words, its link at the end of the row."""
    mark = QRect(area.left() + 2, area.center().y() - 7, 14, 14)
    paint.icon(painter, theme, mark, "arrow-right", "text3")
    end = link.left() - 16 if note.link else area.right()
    words = QRect(area.left() + 24, area.top(), end - area.left() - 24, area.height())
    taken = paint.text(painter, theme, words, note.strong, role="caption", ink="text2")
    paint.text(painter, theme, words.adjusted(taken + 4, 0, 0, 0), note.text, role="caption", ink="text2")
    if note.link:
        paint.text(painter, theme, link, note.link, role="body-medium", ink="accent_text")


def paint_note(painter: QPainter, theme: Theme, row_rect: QRect, note: NoteRow) -> None:
    """Paint the note under a row."""
    area, link = note_boxes(theme, row_rect, note)
    if note.tone == "plain":
        paint_plain_note(painter, theme, area, link, note)
        return
    tone = TONES[note.tone]
    paint.box(painter, area, 8, fill=theme.color(tone.fill), edge=theme.color(tone.edge) if tone.edge else None)
    mark = QRect(area.left() + 12, area.center().y() - 7, 16, 16)
    paint.icon(painter, theme, mark, tone.icon, tone.ink)
    end = link.left() - 16 if note.link else area.right() - 12
    words = QRect(area.left() + 36, area.top(), end - area.left() - 36, area.height())
    taken = paint.text(painter, theme, words, note.strong, role="body-strong")
    paint.text(painter, theme, words.adjusted(taken + 4, 0, 0, 0), note.text, ink="text2")
    if note.link:
        paint.text(painter, theme, link, note.link, role="body-medium", ink="accent_text")


def paint_group(painter: QPainter, theme: Theme, row_rect: QRect, edge: int, group: GroupRow) -> None:
    """Paint the heading of a group, at the table's edge and near the rows below."""
    area = row_rect.adjusted(edge, 6, -edge, 0)
    paint.text(painter, theme, area, group.text, role="caption-medium", ink="text2")


class CellDelegate(QStyledItemDelegate):
    """Paints every cell of a `DataTable` and tells what was hit.

    Signals: `acted(QModelIndex)` for a link, button, picker, check box or note link; `dots_hit(QModelIndex)` for `...`.
    """

    acted = Signal(QModelIndex)
    dots_hit = Signal(QModelIndex)

    def __init__(self, theme: Theme, columns: tuple[Column[Any], ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._columns = columns
        self.hovered_row = -1
        self.focus_row = -1
        self.padding: Callable[[int], tuple[int, int]] = lambda _column: (PAD, PAD)
        self.row_rect: Callable[[int], QRect] = lambda _row: QRect()
        self.first_column: Callable[[], int] = lambda: 0
        self.joined_below: Callable[[int], bool] = lambda _row: False

    def set_columns(self, columns: tuple[Column[Any], ...]) -> None:
        """Paint these instead; they have the same keys."""
        self._columns = columns

    def spot(self, rect: QRect, index: QModelIndex | QPersistentModelIndex, *, dots: bool = True) -> Spot:
        """Return where the content of a cell goes, beside `...` while it shows; the hairline below is not part of it."""
        column = self._columns[index.column()]
        left, right = self.padding(index.column())
        if column.menu and (dots or isinstance(index.data(CELL_ROLE), ActionCell)):  # what is clicked never moves
            right += 28
        live = index.data(LIVE_ROLE) is not False
        return Spot(rect.adjusted(left, 0, -right, -1), live, column.align == "right", column.middle)

    def dots_rect(self, rect: QRect, column: int) -> QRect:
        """Return the 28 px square of `...` at the end of its column."""
        right = self.padding(column)[1]
        return QRect(rect.right() - right - 27, rect.top() + (rect.height() - 28) // 2, 28, 28)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """As wide as its words, for fitting a column to its content."""
        cell = index.data(CELL_ROLE)
        if cell is None:
            return QSize(0, 40)
        words = max(
            self._theme.metrics("body-medium").horizontalAdvance(cell_text(cell)),
            self._theme.metrics("caption").horizontalAdvance(cell_detail(cell)),
        )
        extra = 28 if isinstance(cell, BadgeCell | StatusCell) else 0
        left, right = self.padding(index.column())
        return QSize(words + extra + left + right + (28 if self._columns[index.column()].menu else 0), 52)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint ground, hairline, content, accent mark, dots and focus."""
        theme = self._theme
        row = index.data(ROW_ROLE)
        if isinstance(row, SpanRow):
            painter.fillRect(option.rect, theme.color("surface"))
            whole = self.row_rect(index.row())
            if isinstance(row, GroupRow):
                paint_group(painter, theme, whole, self.padding(self.first_column())[0], row)
                return
            paint_note(painter, theme, whole, row)
            self._hairline(painter, option.rect)
            return
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = index.row() == self.hovered_row
        ground = "selected" if selected else ("hover" if hovered and index.data(LIVE_ROLE) else "surface")
        painter.fillRect(option.rect, theme.color(ground))
        if not self.joined_below(index.row()):
            self._hairline(painter, option.rect)
        cell: Cell | None = index.data(CELL_ROLE)
        if cell is not None:
            PAINTERS[type(cell)](painter, theme, self.spot(option.rect, index, dots=selected or hovered), cell)
        column = self._columns[index.column()]
        if column.menu and (selected or hovered):
            square = self.dots_rect(option.rect, index.column())
            paint.icon(painter, theme, square.adjusted(6, 6, -6, -6), "dots-three-bold", "text2")
        if selected and index.column() == self.first_column():
            self._accent_mark(painter, option.rect)
        if index.row() == self.focus_row:
            self._focus(painter, index.row())

    def editorEvent(
        self,
        event: QEvent,
        _model: QObject,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        """Tell what a click hit."""
        if not isinstance(event, QMouseEvent) or event.button() != Qt.MouseButton.LeftButton:
            return False
        if event.type() not in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            return False
        place = event.position().toPoint()
        plain = self._plain_index(index)
        if self._columns[index.column()].menu and self.dots_rect(option.rect, index.column()).contains(place):
            if event.type() == QEvent.Type.MouseButtonRelease:
                self.dots_hit.emit(plain)
            return True
        if not self.hits_action(option.rect, place, index):
            return False
        if event.type() == QEvent.Type.MouseButtonRelease:
            self.acted.emit(plain)
        return True

    def hits_action(self, rect: QRect, place: Any, index: QModelIndex | QPersistentModelIndex) -> bool:
        """Whether a point lies on something that acts."""
        row = index.data(ROW_ROLE)
        if isinstance(row, GroupRow):
            return False
        if isinstance(row, NoteRow):
            return note_boxes(self._theme, self.row_rect(index.row()), row)[1].contains(place)
        cell = index.data(CELL_ROLE)
        spot = self.spot(rect, index)
        if isinstance(cell, ActionCell):
            return cell.enabled and spot.live and action_rect(self._theme, spot, cell).contains(place)
        if isinstance(cell, CheckCell):
            target = QRect(spot.rect.left() - 6, spot.rect.top(), 28, spot.rect.height())
            return cell.enabled and spot.live and target.contains(place)
        return False

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        """Show the column's tooltip, or the whole text when it is elided."""
        if event.type() != QEvent.Type.ToolTip:
            return False
        words = index.data(Qt.ItemDataRole.ToolTipRole) or self._elided_words(option, index)
        if words:
            QToolTip.showText(event.globalPos(), words, view)
        else:
            QToolTip.hideText()
        return True

    def _elided_words(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> str:
        cell = index.data(CELL_ROLE)
        if isinstance(cell, ActionCell) and cell.tooltip:
            return cell.tooltip
        if cell is None or self.sizeHint(option, index).width() <= option.rect.width():
            return ""
        return "\n".join(filter(None, (cell_text(cell), cell_detail(cell))))

    @staticmethod
    def _plain_index(index: QModelIndex | QPersistentModelIndex) -> QModelIndex:
        return index if isinstance(index, QModelIndex) else QModelIndex(index)

    def _hairline(self, painter: QPainter, rect: QRect) -> None:
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, self._theme.color("line"))

    def _accent_mark(self, painter: QPainter, rect: QRect) -> None:
        mirrored = painter.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = rect.right() - 2 if mirrored else rect.left()
        painter.fillRect(left, rect.top(), 3, rect.height() - 1, self._theme.color("accent"))

    def _focus(self, painter: QPainter, row: int) -> None:
        whole = self.row_rect(row).adjusted(0, 0, 0, -1)
        paint.focus_ring(painter, self._theme, whole, 2)
