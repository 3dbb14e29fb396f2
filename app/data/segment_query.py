"""Segments written as SQL by a person: one query that only reads tables of the workspace, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.core.tables import Catalog, Table

_FORBIDDEN = (
    exp.DML,
    exp.DDL,
    exp.Command,
    exp.Into,
    exp.ReadCSV,
    exp.ReadParquet,
    exp.Copy,
    exp.Attach,
    exp.Detach,
    exp.Set,
    exp.Pragma,
    exp.Use,
    exp.Placeholder,
    exp.Parameter,
    exp.SessionParameter,
)
"""What no query may hold at any depth, beside functions that are not known to be harmless."""

_HARMLESS = frozenset(
    {"len", "strip_accents", "list_contains", "printf", "format", "regexp_full_match", "prefix", "suffix", "isfinite"}
)
"""Functions sqlglot has no class for that compute from their arguments alone."""


def query_problem(sql: str, catalog: Catalog, dialect: str) -> str:
    """Why the query can't be used, as one sentence; empty when it can."""
    return query_refusal(sql, dialect) or _tables_problem(sqlglot.parse_one(sql, dialect=dialect), catalog)


def query_refusal(sql: str, dialect: str) -> str:
    """Why it is no query that only reads and gives keys, whatever tables there are; empty when it is one."""
    try:
        statements = sqlglot.parse(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return "The query can't be read: check its spelling."
    if len(statements) != 1:
        return "The query must be exactly one SELECT."
    query = statements[0]
    if not isinstance(query, exp.Query) or isinstance(query, exp.Table):
        return "The query must be a SELECT: segments only read."
    return _contents_problem(query) or _column_problem(query)


def query_of(sql: str, catalog: Catalog, relation: Callable[[Table], exp.Expr], dialect: str) -> exp.Query:
    """The query with tables replaced by their rows; `query_problem` must have found nothing."""
    query = sqlglot.parse_one(sql, dialect=dialect)
    assert isinstance(query, exp.Query)
    shadowed = _common_names(query)
    _spell_exactly(query, catalog, shadowed)
    for node in list(query.find_all(exp.Table)):
        if node.name.casefold() in shadowed:
            continue
        table = catalog.table(node.name)
        assert table is not None
        rows = exp.alias_(relation(table), node.alias or node.name, table=True, quoted=True)
        for part in ("joins", "laterals", "pivots", "sample"):
            if node.args.get(part):
                rows.set(part, node.args[part])
        node.replace(rows)
    return query


def _spell_exactly(query: exp.Query, catalog: Catalog, shadowed: set[str]) -> None:
    """Write columns as their tables do: names are found regardless of case, and not every engine does that by itself."""
    spelled: dict[str, str] = {}
    owners: dict[str, dict[str, str]] = {}
    for source in query.find_all(exp.Table):
        table = None if source.name.casefold() in shadowed else catalog.table(source.name)
        if table is not None:
            columns = {column.name.casefold(): column.name for column in table.columns}
            owners[(source.alias or source.name).casefold()] = columns
            spelled = columns | spelled
    named: list[tuple[exp.Expr | None, dict[str, str]]] = []
    for node in query.walk():
        if isinstance(node, exp.Column):
            named.append((node.this, owners.get(node.table.casefold(), spelled)))
        elif isinstance(node, exp.Alias):
            named.append((node.args.get("alias"), spelled))
        elif isinstance(node, exp.TableAlias):
            named += [(column, spelled) for column in node.columns]
    for name, known in named:
        if isinstance(name, exp.Identifier) and not name.quoted and name.name.casefold() in known:
            name.replace(exp.to_identifier(known[name.name.casefold()], quoted=True))


def _contents_problem(query: exp.Query) -> str:
    for node in query.walk():
        if isinstance(node, _FORBIDDEN) and not isinstance(node, exp.Query):
            return f"The query may only read tables of this workspace, and {node.key} does more than that."
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
            return "The query may read tables only, not files or functions."
        if isinstance(node, exp.Anonymous) and node.name.casefold() not in _HARMLESS:
            return f"The function {node.name} is not allowed in a segment."
    return ""


def _tables_problem(query: exp.Expr, catalog: Catalog) -> str:
    names = _common_names(query)
    shadowing = next((name for name in sorted(names) if catalog.table(name) is not None), None)
    if shadowing is not None:
        return f"WITH {shadowing} has the name of a table: give it another name."
    for node in query.find_all(exp.Table):
        if words := _table_problem(node, names, catalog):
            return words
    return ""


def _table_problem(node: exp.Table, common: set[str], catalog: Catalog) -> str:
    if node.args.get("db") is not None or node.args.get("catalog") is not None:
        return f"“{node.sql()}” is not a table of this workspace: write its name alone."
    if node.name.casefold() not in common and catalog.table(node.name) is None:
        return f"There is no table “{node.name}” in this workspace."
    return ""


def _column_problem(query: exp.Query) -> str:
    columns = query.selects
    if len(columns) != 1 or columns[0].is_star or isinstance(columns[0].unalias(), exp.Star):
        return "The query must select exactly one column: the key of the members."
    return ""


def _common_names(query: exp.Expr) -> set[str]:
    return {expression.alias.casefold() for expression in query.find_all(exp.CTE)}


def finds_its_columns(sql: str, catalog: Catalog, dialect: str) -> bool:
    """Whether every column the query names is one of the tables it reads."""
    # Loaded here, because it is asked only when a table's columns changed.
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    schema = MappingSchema(dialect=dialect)
    for table in catalog.tables:
        schema.add_table(table.name, {column.name: "TEXT" for column in table.columns})
    try:
        qualify(sqlglot.parse_one(sql, dialect=dialect), dialect=dialect, schema=schema)
    except (SqlglotError, RecursionError):
        return False
    return True
