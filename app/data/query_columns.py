"""Which columns of a table a person's query names, and the same query with other columns in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.core.names import fold
from app.core.tables import Catalog, Table


def columns_of_query(sql: str, catalog: Catalog, table: Table, dialect: str) -> frozenset[str]:
    """The columns of the table that the query names, spelled as the table's; one that the table lacks as it is written."""
    spelled = {fold(column.name): column.name for column in table.columns}
    return frozenset(spelled.get(fold(node.name), node.name) for node in _named(_parsed(sql, dialect), catalog, table))


def query_with(sql: str, catalog: Catalog, table: Table, renamed: Mapping[str, str], dialect: str) -> str:
    """The query with columns of the table called otherwise; all else stays as it is written, comments and lines too.

    What a query inside gives keeps its name, so that those around it find it. A query that can't be read stays as it is.
    """
    new = {fold(old): name for old, name in renamed.items()}
    places: list[tuple[int, int, str]] = []
    query = _parsed(sql, dialect)
    for node in _named(query, catalog, table):
        name, meta = new.get(fold(node.name)), node.this.meta
        if name is None:
            continue
        if "start" not in meta or "end" not in meta:
            return sql
        words = exp.to_identifier(name, quoted=True).sql(dialect)
        if isinstance(node.parent, exp.Query) and node.parent is not query and node.arg_key == "expressions":
            words += " AS " + exp.to_identifier(node.name, quoted=True).sql(dialect)
        places.append((int(meta["start"]), int(meta["end"]) + 1, words))
    for start, end, words in sorted(places, reverse=True):
        sql = sql[:start] + words + sql[end:]
    return sql


def _parsed(sql: str, dialect: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return None


def _named(query: exp.Expr | None, catalog: Catalog, table: Table) -> Iterator[exp.Column]:
    if query is None:
        return
    common = {fold(one.alias) for one in query.find_all(exp.CTE)}
    for node in query.find_all(exp.Column):
        owner = _owner(node, catalog, common, table)
        if owner is not None and fold(owner) == fold(table.name):
            yield node


def _owner(node: exp.Column, catalog: Catalog, common: set[str], table: Table) -> str | None:
    """The table whose column it is: looked for where the column stands, then in the queries around; None for no table."""
    nobody_elses = None
    inside = node.find_ancestor(exp.Select)
    while isinstance(inside, exp.Select):
        sources = list(_sources(inside))
        if node.table:
            named = [one for one in sources if fold(one.alias_or_name) == fold(node.table)]
            if named:
                return _table_name(named[0], common)
        else:
            found = {_table_name(one, common) for one in sources}
            having = [name for name in found if name is not None and _has(catalog.table(name), node.name)]
            if having or None in found:  # a query inside may give it
                return having[0] if len(having) == 1 else None
            if nobody_elses is None and [fold(name or "") for name in found] == [fold(table.name)]:
                nobody_elses = table.name
        inside = inside.find_ancestor(exp.Select)
    return nobody_elses


def _sources(select: exp.Select) -> Iterator[Any]:
    beginning = select.args.get("from_")
    if beginning is not None:
        yield beginning.this
    for join in select.args.get("joins") or ():
        yield join.this


def _table_name(source: exp.Expr, common: set[str]) -> str | None:
    return source.name if isinstance(source, exp.Table) and fold(source.name) not in common else None


def _has(table: Table | None, column: str) -> bool:
    return table is not None and any(fold(one.name) == fold(column) for one in table.columns)
