"""Rows of a sheet of Excel as XML, finished by the engine, and the parts of a workbook around them.

Excel counts in double precision and shows 15 digits: numbers with more stay texts, so that no digit is lost. Days before
March 1900, which Excel miscounts, and moments with parts of a millisecond are ISO texts; what has no type there (times of
day, binary, nested values) is text as in CSV. NULL is an empty cell, an empty text is a cell of text.

Format: ECMA-376, part 1, SpreadsheetML; signs that XML has not are written `_xHHHH_` (its type ST_Xstring).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from sqlglot import exp

from app.core.tables import ColumnType
from app.data.formats.values import call, case, column_text, moment_of
from app.data.identifiers_sql import text
from app.data.sql_values import Value

MOST_SIGNS = 32_767
"""What a cell holds at most (Microsoft, “Excel specifications and limits”)."""

_DIGITS = 15
_ILLEGAL = [chr(n) for n in range(32) if n not in {9, 10, 13}] + ["\ufffe", "\uffff"]
_ILLEGAL_ANY = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x{FFFE}\\x{FFFF}]"
_LIKE_ESCAPED = "_x[0-9A-Fa-f]{4}_"
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.NUMBER})
_DAY_STYLE, _MOMENT_STYLE, _HEAD_STYLE = 1, 2, 3
_DAY_MS = 86_400_000

_TEXT_BEFORE = '<c t="inlineStr"><is><t xml:space="preserve">'
_TEXT_AFTER = "</t></is></c>"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET = "xl/worksheets/sheet1.xml"
SHEET_BEGINS = f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'
SHEET_ENDS = "</sheetData></worksheet>"

AROUND = MappingProxyType(
    {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET}" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
        '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
)
"""The parts of every workbook, by their names, but for the one that names its sheet."""


def workbook(sheet: str) -> tuple[str, str]:
    """The name and the text of the part that names the sheet; as much of the name as Excel takes."""
    name = re.sub(r"[\x00-\x1f\[\]:*?/\\\ufffe\uffff]", "_", sheet)[:31].strip("' ") or "Data"
    sheets = f'<sheets><sheet name={quoteattr(name)} sheetId="1" r:id="rId1"/></sheets>'
    return "xl/workbook.xml", f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{sheets}</workbook>'


def header(names: Sequence[str]) -> str:
    """The row of the fields' names."""
    cells = (
        f'<c s="{_HEAD_STYLE}" t="inlineStr"><is><t xml:space="preserve">{_escaped(name)}</t></is></c>'
        for name in names
    )
    return f"<row>{''.join(cells)}</row>"


def row(values: Sequence[Value]) -> exp.Expr:
    """A row of the sheet."""
    return call("concat", text("<row>"), *(_cell(value) for value in values), text("</row>"))


def longest(values: Sequence[Value]) -> exp.Expr:
    """How long the longest text of a row is, to be held against `MOST_SIGNS`."""
    texts = [value for value in values if value.type in {ColumnType.TEXT, ColumnType.NESTED, ColumnType.BINARY}]
    lengths = [exp.Coalesce(this=exp.Length(this=column_text(v)), expressions=[exp.Literal.number(0)]) for v in texts]
    return call("greatest", exp.Literal.number(0), *lengths)


def _escaped(name: str) -> str:
    marked = name.replace("_x", "_x005F_x") if re.search(_LIKE_ESCAPED, name) else name
    return escape("".join(f"_x{ord(c):04X}_" if c in _ILLEGAL else c for c in marked), {"\r": "&#13;"})


def _cell(value: Value) -> exp.Expr:
    nothing = exp.Is(this=value.expression.copy(), expression=exp.Null())
    return exp.Case().when(nothing, text("<c/>"), copy=False).else_(_filled(value), copy=False)


def _filled(value: Value) -> exp.Expr:
    plain = column_text(value)
    if value.type is ColumnType.BOOLEAN:
        return case(value.expression.copy(), text('<c t="b"><v>1</v></c>'), text('<c t="b"><v>0</v></c>'))
    if value.type in _NUMBERS:
        return case(
            _is_exact(value, plain), call("concat", text("<c><v>"), plain.copy(), text("</v></c>")), _text(plain)
        )
    if value.type is ColumnType.DATE:
        return case(_is_counted(value.expression), _serial(_DAY_STYLE, _days(value.expression)), _text(plain))
    if value.type is ColumnType.TIMESTAMP:
        moment = exp.cast(value.expression.copy(), "timestamp")
        whole = exp.EQ(this=call("date_trunc", text("millisecond"), moment.copy()), expression=moment_of(value))
        day = call("date_trunc", text("day"), moment.copy())
        part = exp.paren(exp.Sub(this=call("epoch_ms", moment.copy()), expression=call("epoch_ms", day)))
        share = exp.Div(this=exp.cast(part, "double"), expression=exp.Literal.number(_DAY_MS))
        days = exp.Add(this=_days(moment), expression=share)
        counted = exp.and_(_is_counted(moment), whole)
        return case(counted, _serial(_MOMENT_STYLE, days), _text(plain))
    return _text(plain)


def _is_exact(value: Value, plain: exp.Expr) -> exp.Expr:
    """Whether Excel keeps the number as it is; NaN and infinity are none."""
    if value.type is ColumnType.NUMBER:
        return call("isfinite", value.expression.copy())
    digits = call("ltrim", call("regexp_replace", plain.copy(), text("[^0-9]"), text(""), text("g")), text("0"))
    return exp.LTE(this=exp.Length(this=digits), expression=exp.Literal.number(_DIGITS))


def _is_counted(day: exp.Expr) -> exp.Expr:
    """Whether Excel has a number for the day."""
    return exp.Between(this=exp.cast(day.copy(), "date"), low=_day("1900-03-01"), high=_day("9999-12-31"))


def _days(day: exp.Expr) -> exp.Expr:
    return exp.paren(exp.Sub(this=exp.cast(day.copy(), "date"), expression=_day("1899-12-30")))


def _day(iso: str) -> exp.Expr:
    return exp.cast(text(iso), "date")


def _serial(style: int, number: exp.Expr) -> exp.Expr:
    return call("concat", text(f'<c s="{style}"><v>'), exp.cast(number, "text"), text("</v></c>"))


def _text(plain: exp.Expr) -> exp.Expr:
    alike = call("regexp_matches", plain.copy(), text(_LIKE_ESCAPED))
    marked: exp.Expr = case(alike, call("replace", plain.copy(), text("_x"), text("_x005F_x")), plain.copy())
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        marked = call("replace", marked, text(sign), text(written))
    legal = marked
    for sign in _ILLEGAL[1:]:
        legal = call("replace", legal, text(sign), text(f"_x{ord(sign):04X}_"))
    unusual = call("regexp_matches", plain.copy(), text(_ILLEGAL_ANY))
    return call("concat", text(_TEXT_BEFORE), case(unusual, legal, marked.copy()), text(_TEXT_AFTER))
