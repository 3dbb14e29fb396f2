"""Which tables and fields a data-out export takes: chosen one by one, without personal fields, never without a link's keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core.exports import TableChoice
from app.core.names import fold
from app.core.tables import Catalog, Table

Choices = tuple[TableChoice, ...]


@dataclass(frozen=True, slots=True)
class ChoiceTotals:
    """What a choice adds up to."""

    tables: int
    fields: int
    rows: int


def chosen_fields(choices: Choices, table: Table) -> frozenset[str]:
    """The chosen fields of a table that it has; none when the table is not chosen."""
    choice = _find(choices, table.name)
    if choice is None:
        return frozenset()
    names = frozenset(column.name for column in table.columns)
    return names if choice.fields is None else names & frozenset(choice.fields)


def locked_fields(choices: Choices, catalog: Catalog) -> Mapping[str, Mapping[str, str]]:
    """Fields that can't be left out: the keys of links between two chosen tables, with the reason, by table."""
    chosen = {fold(choice.name) for choice in choices}
    locked: dict[str, dict[str, str]] = {}
    for link in catalog.links:
        if fold(link.one_table) in chosen and fold(link.many_table) in chosen:
            reason = f"Needed by the link between {link.one_table} and {link.many_table}."
            locked.setdefault(link.one_table, {})[link.one_column] = reason
            locked.setdefault(link.many_table, {})[link.many_column] = reason
    return locked


def with_table(choices: Choices, table: Table, catalog: Catalog) -> Choices:
    """The table chosen with all its fields, also those that appear later."""
    rest = without_table(choices, table)
    return _with_keys(_in_order((*rest, TableChoice(table.name)), catalog), catalog)


def without_table(choices: Choices, table: Table) -> Choices:
    """The table not chosen."""
    return tuple(choice for choice in choices if fold(choice.name) != fold(table.name))


def with_fields(choices: Choices, table: Table, fields: Iterable[str], catalog: Catalog) -> Choices:
    """Exactly these fields of the table, and those a link locks; no field at all takes the table out.

    All of the fields are kept as a list: a field that appears later was never agreed on.
    """
    wanted = frozenset(fields)
    rest = without_table(choices, table)
    if not wanted:
        return rest
    return _with_keys(_in_order((*rest, TableChoice(table.name, _ordered(table, wanted))), catalog), catalog)


def without_personal(choices: Choices, catalog: Catalog) -> tuple[Choices, int]:
    """The same choice without personal fields, as far as no link locks them, and how many were taken out."""
    locked = locked_fields(choices, catalog)
    taken, result = 0, choices
    for choice in choices:
        table = catalog.table(choice.name)
        if table is None:
            continue
        fields = chosen_fields(choices, table)
        personal = {c.name for c in table.columns if c.meaning.personal} & fields - set(locked.get(table.name, {}))
        if personal:
            taken += len(personal)
            result = with_fields(result, table, fields - personal, catalog)
    return result, taken


def totals(choices: Choices, catalog: Catalog) -> ChoiceTotals:
    """How many tables, fields and rows; tables that are gone count as nothing."""
    tables = [table for choice in choices if (table := catalog.table(choice.name)) is not None]
    fields = sum(len(chosen_fields(choices, table)) for table in tables)
    return ChoiceTotals(len(tables), fields, sum(table.rows for table in tables))


def _with_keys(choices: Choices, catalog: Catalog) -> Choices:
    """The same choice with the keys of its links, in every table that a choice has linked."""
    locked = locked_fields(choices, catalog)
    result = []
    for choice in choices:
        table = catalog.table(choice.name)
        if choice.fields is not None and table is not None:
            keys = frozenset(locked.get(table.name, {}))
            choice = TableChoice(choice.name, _ordered(table, keys | frozenset(choice.fields)))
        result.append(choice)
    return tuple(result)


def _find(choices: Choices, name: str) -> TableChoice | None:
    return next((choice for choice in choices if fold(choice.name) == fold(name)), None)


def _ordered(table: Table, fields: frozenset[str]) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name in fields)


def _in_order(choices: Choices, catalog: Catalog) -> Choices:
    places = {fold(table.name): number for number, table in enumerate(catalog.tables)}
    return tuple(sorted(choices, key=lambda choice: places.get(fold(choice.name), len(places))))
