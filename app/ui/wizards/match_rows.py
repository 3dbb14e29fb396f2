"""The rows of the data matching step: each target field, what fills it, how sure that is, and how many members have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.core.identifiers import HASHES
from app.core.matching import MatchGuess, MatchKind
from app.core.tables import Catalog, ColumnType, Table
from app.ui.formats import NOTHING, Formats
from app.ui.widgets.columns import ActionCell, Cell, Column, NoteRow, PillCell, ShareCell, TextCell
from app.ui.widgets.pick_list import PickItem

if TYPE_CHECKING:
    from app.destinations.contract import TargetField

NOTE = "note:"
PICK, TARGET = "source", "target"


def _tr(words: str) -> str:
    return QCoreApplication.translate("MatchRows", words)


@dataclass(frozen=True)
class MatchLine:
    """One target field; `key` is its id. `source` is `Table.Column`, empty when nothing fills it."""

    key: str
    name: str
    detail: str
    required: bool
    source: str
    guess: MatchGuess | None
    rule: str
    coverage: float | None
    free: bool = False
    locked: bool = False


def lines(
    fields: Mapping[str, TargetField],
    shown: list[str],
    match: Mapping[str, str],
    guesses: Mapping[str, MatchGuess],
    coverage: Mapping[str, float],
    *,
    free: bool,
    locked: bool,
) -> list[MatchLine | NoteRow]:
    """A line for each field shown, those to check followed by the reason; with `free` people name those the target has not."""
    result: list[MatchLine | NoteRow] = []
    for field_id in shown:
        field = fields.get(field_id)
        source = match.get(field_id, "")
        line = MatchLine(
            key=field_id,
            name=field.name if field is not None else field_id,
            detail=_type_words(field) if field is not None else _tr("Column"),
            required=field is not None and field.required,
            source=source,
            guess=guesses.get(field_id),
            rule=field.normalise if field is not None else "",
            coverage=coverage.get(field_id),
            free=free and field is None,
            locked=locked,
        )
        result.append(line)
        if line.guess is not None and line.guess.kind is MatchKind.CHECK and str(line.guess.field) == source:
            result.append(NoteRow(NOTE + field_id, field_id, "", line.guess.note, _tr("Keep it"), tone="plain"))
    return result


def _type_words(field: TargetField) -> str:
    return {
        "text": _tr("Text"),
        "email": _tr("E-mail address"),
        "phone": _tr("Phone number"),
        "number": _tr("Number"),
        "integer": _tr("Whole number"),
        "date": _tr("Date"),
        "timestamp": _tr("Date and time"),
        "boolean": _tr("Yes or no"),
        "url": _tr("Web address"),
    }.get(field.type, field.type)


def rule_words(rule: str) -> str:
    """What a normalising rule makes of a value, in few words."""
    if rule in HASHES:
        return _tr("SHA-256 hash")
    return {
        "": _tr("As is"),
        "trim": _tr("Trimmed"),
        "lower": _tr("Lower case"),
        "upper": _tr("Upper case"),
        "email": _tr("Trim and lower case"),
        "phone_e164": _tr("International number"),
        "country_iso": _tr("Country code"),
        "language": _tr("Language code"),
        "postal_code": _tr("Postal code"),
        "date_iso": _tr("Date as 2026-03-12"),
        "domain": _tr("Domain alone"),
        "gender": _tr("f or m"),
    }.get(rule, rule.replace("_", " "))


def column_type_words(kind: ColumnType) -> str:
    """The type of one of our columns."""
    return {
        ColumnType.TEXT: _tr("Text"),
        ColumnType.INTEGER: _tr("Whole number"),
        ColumnType.DECIMAL: _tr("Decimal"),
        ColumnType.NUMBER: _tr("Number"),
        ColumnType.BOOLEAN: _tr("Yes/No"),
        ColumnType.DATE: _tr("Date"),
        ColumnType.TIME: _tr("Time"),
        ColumnType.TIMESTAMP: _tr("Date and time"),
        ColumnType.BINARY: _tr("Binary"),
        ColumnType.NESTED: _tr("Nested"),
    }[kind]


class _Cells:
    """What each column shows of a line."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats

    def target(self, line: MatchLine) -> Cell:
        if line.free and not line.locked:
            return ActionCell(line.name, "link", tooltip=_tr("Give this column another name"))
        return TextCell(line.name, line.detail, role="body-medium", required=line.required)

    def arrow(self, _line: MatchLine) -> Cell:
        return TextCell("", icon="arrow-left")

    def source(self, line: MatchLine) -> Cell:
        empty = _tr("Choose a field") if line.required else _tr("Not sent")
        return ActionCell(
            line.source or empty,
            "picker",
            enabled=not line.locked,
            tooltip=line.source,
            hollow=not line.source,
            error=line.required and not line.source,
        )

    def match(self, line: MatchLine) -> Cell:
        guess = line.guess
        if not line.source:
            if line.required:
                return PillCell(_tr("Required"), "danger", "warning-circle")
            return PillCell(_tr("Optional"))
        if guess is None or str(guess.field) != line.source:
            return PillCell(_tr("Chosen by you"), "accent")
        if guess.kind is MatchKind.EXACT:
            return PillCell(_tr("Exact"), "success", "check")
        if guess.kind is MatchKind.LIKELY:
            percent = self._formats.percent(guess.percent / 100, 0)
            return PillCell(_tr("Likely {percent}").format(percent=percent), "success", "check")
        return PillCell(_tr("Check this"), "warning", "question")

    def sent_as(self, line: MatchLine) -> Cell:
        # That a value is hashed is worth knowing before a field is chosen for it.
        if not line.rule or (not line.source and line.rule not in HASHES):
            return TextCell(_tr("As is"), ink="text2")
        return PillCell(rule_words(line.rule), "neutral", "hash" if line.rule in HASHES else "swap")

    def coverage(self, line: MatchLine) -> Cell:
        if line.coverage is None or not line.source:
            return ShareCell(NOTHING, None)
        return ShareCell(self._formats.percent(line.coverage), line.coverage)


def columns(formats: Formats) -> list[Column[MatchLine]]:
    """The columns of the match table."""
    cells = _Cells(formats)
    return [
        Column(TARGET, _tr("Target field"), cells.target, width=158, hideable=False),
        Column("arrow", "", cells.arrow, accessible=lambda _line: "", width=36),
        Column(PICK, _tr("Your field"), cells.source, stretch=True, width=176, hideable=False),
        Column("match", _tr("Match"), cells.match, width=122),
        Column("sent_as", _tr("Sent as"), cells.sent_as, width=166),
        Column("coverage", _tr("Coverage"), cells.coverage, width=132),
    ]


def pick_items(catalog: Catalog, table: Table | None, samples: Mapping[str, str], *, optional: bool) -> list[PickItem]:
    """Our fields that can fill a target field: those of the members' table, then those of tables linked to it once."""
    items = [PickItem("", _tr("Not sent"))] if optional else []
    if table is None:
        return items
    for source in (table, *_linked(catalog, table)):
        for column in source.columns:
            ref = f"{source.name}.{column.name}"
            usable = column.type not in {ColumnType.BINARY, ColumnType.NESTED}
            items.append(PickItem(ref, ref, column_type_words(column.type), samples.get(ref, ""), enabled=usable))
    return items


def _linked(catalog: Catalog, table: Table) -> list[Table]:
    """Tables with exactly one link to that table: more would leave open which value is meant."""
    partners = [
        link.many_table if link.one_table == table.name else link.one_table
        for link in catalog.links
        if table.name in {link.one_table, link.many_table}
    ]
    names = [name for name in dict.fromkeys(partners) if partners.count(name) == 1]
    return [found for name in names if (found := catalog.table(name)) is not None]
