"""A receipt on paper: A4 as PDF, black on white whatever the window looks like, with page numbers and its sum on every page.

A page is filled with blocks that are never cut: a heading with what it is about, a line of a table with its sum. A table that
goes on has its heads again. Only a block higher than a page is continued on the next one.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument, QTextOption

from app.core.batches import BatchState
from app.core.receipts import Receipt
from app.services.receipts import KeptReceipt
from app.ui.formats import Formats
from app.ui.pages.receipt import words
from app.ui.pages.receipt.words import Figure, Line
from app.ui.phrase_words import said
from app.ui.theme.fonts import build_font
from app.ui.theme.tokens import MODES
from app.ui.widgets.facts import Fact

DOTS_PER_INCH, MARGIN_MM, FOOT = 96, 16, 34
PRINTED_BATCHES = 200
INKS = MODES["light"]
_HOST_WIDTHS, _BATCH_WIDTHS, _FILE_WIDTHS = (48, 16, 12, 12, 12), (12, 32, 18, 18, 20), (74, 13, 13)
_FACT_WIDTHS, _COUNT_WIDTHS = (26, 74), (80, 20)


@dataclass(frozen=True)
class Block:
    """Rich text that stays together, with room `above` it in px except at the top of a page.

    `head` is put before it where it begins a page; `with_next` keeps it by the next one.
    """

    html: str
    head: str = ""
    with_next: bool = False
    above: int = 0


@dataclass(frozen=True)
class Placed:
    """Rich text on a page, from `top` on in px; of text higher than a page the part that begins at `skipped`."""

    html: str
    top: float
    skipped: float = 0.0


def tr(text: str) -> str:
    """Translate a sentence of this module."""
    return QCoreApplication.translate("ReceiptPaper", text)


def receipt_pdf(kept: KeptReceipt, formats: Formats) -> bytes:
    """The file; blocks, for a job."""
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(content)
    writer.setResolution(DOTS_PER_INCH)
    writer.setTitle(tr("Receipt for {export}").format(export=kept.receipt.export))
    writer.setCreator("Sendoff")
    margins = QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM)
    size = QPageSize(QPageSize.PageSizeId.A4)
    writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter))
    room = QSizeF(writer.width(), writer.height() - FOOT)
    pages = list(paginated(receipt_blocks(kept, formats), room))
    painter = QPainter(writer)
    for number, page in enumerate(pages, 1):
        if number > 1:
            writer.newPage()
        _print(painter, page, room)
        _print_foot(painter, room, kept.sha256, number, len(pages))
    painter.end()
    return bytes(content.data().data())


def receipt_blocks(kept: KeptReceipt, formats: Formats) -> list[Block]:
    """The receipt as what is printed, from top to bottom."""
    receipt = kept.receipt
    told = receipt.configuration
    return [
        *_beginning(kept, formats),
        *_titled(tr("Read back from {name}").format(name=told.destination), _answers(receipt, formats)),
        *_titled(tr("Times"), _facts(words.times(receipt, formats))),
        *_titled(tr("Configuration"), _facts(words.configuration(receipt, formats))),
        *_titled(tr("Hosts contacted"), _hosts(receipt, formats), words.hosts_remark(receipt)),
        *_titled(tr("Batches"), _batches(receipt, formats), words.batches_remark(receipt, formats)),
        *_titled(tr("Files"), _table(words.file_columns(), words.files(receipt, formats), "lrr", _FILE_WIDTHS)),
        *_titled(tr("Rejects"), _counts(words.rejects(receipt, formats))),
    ]


def paginated(blocks: Sequence[Block], room: QSizeF) -> Iterator[list[Placed]]:
    """The blocks on pages of that size in px."""
    heights: dict[str, float] = {}

    def height(text: str) -> float:
        if text not in heights:
            heights[text] = _document(text, room).size().height()
        return heights[text]

    page: list[Placed] = []
    top, full = 0.0, room.height()
    for at, block in enumerate(blocks):
        own, together, last = height(block.html), height(block.html), at
        while blocks[last].with_next and last + 1 < len(blocks):
            last += 1
            together += blocks[last].above + height(blocks[last].html)
        top += block.above if page else 0
        if page and top + (together if together <= full else own) > full:
            yield page
            page, top = [], 0.0
            if block.head:
                page, top = [Placed(block.head, 0.0)], height(block.head)
        if own <= full - top:
            page.append(Placed(block.html, top))
            top += own
            continue
        if page:
            yield page
        whole = ceil(own / full) - 1
        yield from ([Placed(block.html, 0.0, number * full)] for number in range(whole))
        page, top = [Placed(block.html, 0.0, whole * full)], own - whole * full
    if page:
        yield page


def _beginning(kept: KeptReceipt, formats: Formats) -> Iterator[Block]:
    receipt = kept.receipt
    title = tr("Receipt for {export}").format(export=receipt.export)
    run = tr("Run {id}. What left this computer, where it went, and what came back.").format(id=receipt.run)
    yield Block(f'<p class="title">{html.escape(title)}</p><p class="quiet">{html.escape(run)}</p>')
    yield Block(f'<p class="strong">{html.escape(formats.status(receipt.status).word)}</p>', above=8)
    yield Block(_figures(words.figures(receipt, formats)), above=8)
    if not kept.whole:
        yield Block(
            f'<p class="strong">{html.escape(tr("This receipt was changed after it was written."))}</p>', above=8
        )
    if receipt.error is not None:
        error = receipt.error
        yield Block(f"<p>{html.escape(' '.join(filter(None, (error.what, error.why, error.fix))))}</p>", above=8)
    for each in receipt.skipped:
        yield Block(f"<p>{html.escape(each.segment)}: {html.escape(said(each.phrase, each.sentence))}</p>", above=8)


def _answers(receipt: Receipt, formats: Formats) -> list[Block]:
    return [
        Block(f'<p><span class="strong">{html.escape(each.sentence)}</span><br>{html.escape(each.detail)}</p>', above=4)
        for each in words.answers(receipt, formats)
    ]


def _hosts(receipt: Receipt, formats: Formats) -> list[Block]:
    return _table(words.host_columns(), words.hosts(receipt, formats), "llrrr", _HOST_WIDTHS)


def _batches(receipt: Receipt, formats: Formats) -> list[Block]:
    """The batches, of very many those that somebody reads: 20,000 would fill five hundred pages."""
    every = receipt.batches
    chosen = every[:PRINTED_BATCHES]
    chosen += tuple(each for each in every[PRINTED_BATCHES:] if each.in_doubt or each.state is BatchState.REFUSED)[
        :PRINTED_BATCHES
    ]
    lines = words.batches(replace(receipt, batches=chosen), formats)
    table = _table(words.batch_columns(), lines, "llrrr", _BATCH_WIDTHS)
    if len(chosen) == len(every):
        return table
    told = tr(
        "The first {n} of {all} and those that need a look are printed; saved as JSON the receipt has all of them."
    ).format(n=formats.number(PRINTED_BATCHES), all=formats.number(len(every)))
    return [Block(f"<p>{html.escape(told)}</p>", with_next=True), *table]


def _titled(title: str, content: Sequence[Block], remark: str = "") -> list[Block]:
    """A heading, with what is said of all below it, kept by the first of it; nothing without content."""
    if not content:
        return []
    told = f'<p class="quiet">{html.escape(remark)}</p>' if remark else ""
    return [Block(f'<p class="heading">{html.escape(title)}</p>{told}', with_next=True, above=20), *content]


def _figures(figures: Sequence[Figure]) -> str:
    numbers = "".join(f'<td class="number">{html.escape(each.number)}</td>' for each in figures)
    names = "".join(f'<td class="quiet">{html.escape(each.words)}</td>' for each in figures)
    return f'<table width="100%" cellspacing="0" cellpadding="0"><tr>{numbers}</tr><tr>{names}</tr></table>'


def _table(columns: Sequence[str], lines: Sequence[Line], sides: str, widths: Sequence[int]) -> list[Block]:
    """A head and a block a line. `sides` has l or r a column, `widths` are percents.

    Sums stand in full below their line, without a column: on paper nobody can hover.
    """
    if not lines:
        return []
    head = _row([html.escape(each) for each in columns[: len(sides)]], sides, widths, "quiet")
    blocks = [Block(head, with_next=True)]
    for line in lines:
        cells = [html.escape(cell) for cell in line.cells[: len(sides)]]
        blocks.append(Block(_row(cells, sides, widths, under=line.sum), head))
    return blocks


def _facts(facts: Sequence[Fact]) -> list[Block]:
    return [
        Block(
            _row(
                [
                    f'<span class="quiet">{html.escape(fact.label)}</span>',
                    f'<span class="{"mono" if fact.tip else ""}">{html.escape(fact.tip or fact.value)}</span>',
                ],
                "ll",
                _FACT_WIDTHS,
            )
        )
        for fact in facts
    ]


def _counts(facts: Sequence[Fact]) -> list[Block]:
    """Facts whose labels are sentences and whose values are numbers; a sum among them stands as a fact."""
    return [
        Block(_row([html.escape(fact.label), html.escape(fact.value)], "lr", _COUNT_WIDTHS))
        for fact in facts
        if not fact.tip
    ] + _facts([fact for fact in facts if fact.tip])


def _row(cells: Sequence[str], sides: str, widths: Sequence[int], look: str = "", *, under: str = "") -> str:
    """One line of a table, with a hairline below it; `under` is code below its cells."""
    edge = "" if under else " under"
    made = "".join(
        f'<td width="{width}%" align="{"right" if side == "r" else "left"}" class="{side}{edge} {look}">{cell}</td>'
        for cell, side, width in zip(cells, sides, widths, strict=True)
    )
    below = f'<tr><td colspan="{len(cells)}" class="l under mono quiet">{under}</td></tr>' if under else ""
    return f'<table class="line" width="100%" cellspacing="0" cellpadding="0"><tr>{made}</tr>{below}</table>'


def _document(text: str, room: QSizeF) -> QTextDocument:
    document = QTextDocument()
    document.setDocumentMargin(0)
    document.setUndoRedoEnabled(False)
    document.setDefaultFont(build_font("body"))
    option = document.defaultTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # a path may be one long word
    document.setDefaultTextOption(option)
    document.setDefaultStyleSheet(_style())
    document.setPageSize(room)  # so that of what is higher than a page no line is cut
    document.setHtml(text)
    return document


@cache
def _style() -> str:
    mono = ", ".join(f"'{family}'" for family in build_font("mono").families())
    return (
        f"body, p, td {{ color: {INKS['text']}; }}"
        ".title { font-size: 22px; font-weight: 600; } .heading { font-size: 14px; font-weight: 600; }"
        "p { margin: 0 0 2px 0; }"
        ".strong { font-weight: 600; }"
        f".quiet {{ color: {INKS['text2']}; }}"
        f".line {{ border-collapse: collapse; }} .under {{ border-bottom: 1px solid {INKS['line']}; }}"
        ".l { padding: 4px 12px 4px 0; } .r { padding: 4px 2px 4px 8px; }"
        f".mono {{ font-family: {mono}; font-size: 11px; }}"
        ".number { font-size: 18px; font-weight: 600; }"
    )


def _print(painter: QPainter, page: Sequence[Placed], room: QSizeF) -> None:
    for placed in page:
        document = _document(placed.html, room)
        painter.save()
        painter.translate(0, placed.top - placed.skipped)
        document.drawContents(painter, QRectF(0, placed.skipped, room.width(), room.height() - placed.top))
        painter.restore()


def _print_foot(painter: QPainter, room: QSizeF, digest: str, number: int, total: int) -> None:
    painter.setFont(build_font("caption"))
    painter.setPen(QColor(INKS["text2"]))
    foot = QRectF(0, room.height() + 14, room.width(), FOOT - 14)
    painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, tr("SHA-256 {sum}").format(sum=digest))
    painter.drawText(foot, Qt.AlignmentFlag.AlignRight, tr("Page {n} of {total}").format(n=number, total=total))
