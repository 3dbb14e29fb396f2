"""A receipt on paper: A4 as PDF, black on white whatever the window looks like, with page numbers and its sum on every page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument

from app.core.batches import BatchState
from app.core.receipts import Receipt
from app.services.receipts import KeptReceipt
from app.ui.formats import Formats
from app.ui.pages.receipt import words
from app.ui.pages.receipt.words import Figure, Line
from app.ui.theme.fonts import build_font
from app.ui.theme.tokens import MODES
from app.ui.widgets.facts import Fact

DOTS_PER_INCH, MARGIN_MM, FOOT = 96, 16, 28
PRINTED_BATCHES = 200
INKS = MODES["light"]


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
    page = QRectF(0, 0, writer.width(), writer.height())
    document = _document(kept, formats, QSizeF(page.width(), page.height() - FOOT))
    painter = QPainter(writer)
    _print(painter, document, page, kept, writer)
    painter.end()
    return bytes(content.data().data())


def receipt_html(kept: KeptReceipt, formats: Formats) -> str:
    """The receipt as the rich text that is printed."""
    receipt = kept.receipt
    title = html.escape(tr("Receipt for {export}").format(export=receipt.export))
    status = html.escape(formats.status(receipt.status).word)
    run = html.escape(
        tr("Run {id}. What left this computer, where it went, and what came back.").format(id=receipt.run)
    )
    parts = [
        f'<p class="title">{title}</p><p class="quiet">{run}</p><p class="strong">{status}</p>',
        _figures(words.figures(receipt, formats)),
    ]
    if not kept.whole:
        parts.append(f'<p class="strong">{html.escape(tr("This receipt was changed after it was written."))}</p>')
    if receipt.error is not None:
        error = receipt.error
        parts.append(f"<p>{html.escape(' '.join(filter(None, (error.what, error.why, error.fix))))}</p>")
    parts += [f"<p>{html.escape(each.segment)}: {html.escape(each.sentence)}</p>" for each in receipt.skipped]
    answers = [
        f'<p><span class="strong">{html.escape(each.sentence)}</span><br>{html.escape(each.detail)}</p>'
        for each in words.answers(receipt, formats)
    ]
    parts += [_titled(tr("Read back from {name}").format(name=receipt.configuration.destination), answers)]
    parts += [
        _titled(tr("Times"), _facts(words.times(receipt, formats))),
        _titled(tr("Configuration"), _facts(words.configuration(receipt, formats))),
        _titled(tr("Hosts contacted"), _table(words.host_columns(), words.hosts(receipt, formats), "llrrr")),
        _titled(tr("Batches"), _batches(receipt, formats)),
        _titled(tr("Files"), _table(words.file_columns(), words.files(receipt, formats), "lrrr")),
        _titled(tr("Rejects"), _facts(words.rejects(receipt, formats))),
    ]
    return "".join(parts)


def _batches(receipt: Receipt, formats: Formats) -> str:
    """The batches, of very many those that somebody reads: a thousand take seconds to print, 20,000 more than an hour."""
    every = receipt.batches
    chosen = every[:PRINTED_BATCHES]
    chosen += tuple(each for each in every[PRINTED_BATCHES:] if each.in_doubt or each.state is BatchState.REFUSED)[
        :PRINTED_BATCHES
    ]
    table = _table(words.batch_columns(), words.batches(replace(receipt, batches=chosen), formats), "llrrrr")
    if len(chosen) == len(every):
        return table
    told = tr(
        "The first {n} of {all} and those that need a look are printed; saved as JSON the receipt has all of them."
    )
    return (
        f"<p>{html.escape(told.format(n=formats.number(PRINTED_BATCHES), all=formats.number(len(every))))}</p>{table}"
    )


def _document(kept: KeptReceipt, formats: Formats, size: QSizeF) -> QTextDocument:
    document = QTextDocument()
    document.setDocumentMargin(0)
    document.setDefaultFont(build_font("body"))
    mono = ", ".join(f"'{family}'" for family in build_font("mono").families())
    document.setDefaultStyleSheet(
        f"body, p, td, th {{ color: {INKS['text']}; }}"
        ".title { font-size: 22px; font-weight: 600; margin: 0 0 2px 0; }"
        ".heading { font-size: 14px; font-weight: 600; margin: 20px 0 4px 0; }"
        "p { margin: 0 0 8px 0; }"
        ".strong { font-weight: 600; }"
        f".quiet, th {{ color: {INKS['text2']}; font-weight: 400; }}"
        f".lines {{ border-collapse: collapse; }} .under {{ border-bottom: 1px solid {INKS['line']}; }}"
        f".mono {{ font-family: {mono}; font-size: 11px; }}"
        ".number { font-size: 18px; font-weight: 600; }"
    )
    document.setPageSize(size)
    document.setHtml(receipt_html(kept, formats))
    return document


def _print(painter: QPainter, document: QTextDocument, page: QRectF, kept: KeptReceipt, writer: QPdfWriter) -> None:
    height = page.height() - FOOT
    total = document.pageCount()
    for number in range(total):
        if number:
            writer.newPage()
        painter.save()
        painter.translate(0, -number * height)
        document.drawContents(painter, QRectF(0, number * height, page.width(), height))
        painter.restore()
        painter.setFont(build_font("caption"))
        painter.setPen(QColor(INKS["text2"]))
        foot = QRectF(0, height + 8, page.width(), FOOT - 8)
        words_left = tr("SHA-256 {sum}").format(sum=kept.sha256)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, words_left)
        words_right = tr("Page {n} of {total}").format(n=number + 1, total=total)
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, words_right)


def _titled(title: str, content: str | Iterable[str]) -> str:
    inside = content if isinstance(content, str) else "".join(content)
    return f'<p class="heading">{html.escape(title)}</p>{inside}' if inside else ""


def _figures(figures: Sequence[Figure]) -> str:
    numbers = "".join(f'<td class="number">{html.escape(each.number)}</td>' for each in figures)
    names = "".join(f'<td class="quiet">{html.escape(each.words)}</td>' for each in figures)
    return f'<table width="100%" cellspacing="0" cellpadding="2"><tr>{numbers}</tr><tr>{names}</tr></table>'


def _table(columns: Sequence[str], lines: Sequence[Line], sides: str) -> str:
    """Sums stand in full below their line: on paper nobody can hover."""
    if not lines:
        return ""
    align = [("left", "right")[side == "r"] for side in sides]
    shown = len(columns) - (1 if any(line.sum for line in lines) else 0)
    head = "".join(f'<th class="under" align="{align[at]}">{html.escape(columns[at])}</th>' for at in range(shown))
    rows = []
    for line in lines:
        under = "" if line.sum else "under"
        cells = "".join(
            f'<td class="{under}" align="{align[at]}">{html.escape(line.cells[at])}</td>' for at in range(shown)
        )
        rows.append(f"<tr>{cells}</tr>")
        if line.sum:
            rows.append(f'<tr><td colspan="{shown}" class="mono quiet under">{line.sum}</td></tr>')
    return f'<table class="lines" width="100%" cellspacing="0" cellpadding="4"><thead><tr>{head}</tr></thead>{"".join(rows)}</table>'


def _facts(facts: Sequence[Fact]) -> str:
    rows = "".join(
        f'<tr><td width="30%" class="quiet under">{html.escape(fact.label)}</td>'
        f'<td class="under {"mono" if fact.tip else ""}">{html.escape(fact.tip or fact.value)}</td></tr>'
        for fact in facts
    )
    return f'<table class="lines" width="100%" cellspacing="0" cellpadding="4">{rows}</table>' if rows else ""
