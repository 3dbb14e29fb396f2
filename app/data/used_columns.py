"""Which columns of its own table and which linked tables a segment looks at, and whether rules alone make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.names import fold
from app.core.segments import Condition, Group, Segment, SegmentRef
from app.core.tables import Catalog, Table
from app.data.links import paths
from app.data.workspace_rows import Scope


def only_rules(segment: Segment, scope: Scope) -> bool:
    """Whether neither the segment nor one it is built on is a list or a query."""
    return all(one.rules for one in _with_named(segment, {fold(other.name): other for other in scope.segments}))


def _with_named(segment: Segment, by_name: Mapping[str, Segment]) -> Iterator[Segment]:
    yield segment
    for rule in segment.rules:
        if isinstance(rule.body, SegmentRef) and (other := by_name.get(fold(rule.body.name))) is not None:
            yield from _with_named(other, by_name)


def used_columns(segment: Segment, scope: Scope) -> frozenset[str]:
    """The columns of the segment's own table that its rules, and those of the segments it names, look at."""
    table = scope.catalog.by_role(segment.of.role)
    by_name = {fold(other.name): other for other in scope.segments}
    return frozenset() if table is None else _used(segment, table, scope.catalog, by_name)


def linked_tables(segment: Segment, scope: Scope) -> frozenset[str]:
    """The ids of the other tables that the conditions look at, also those of segments it is built on.

    None at all where one of these is of another table, or made otherwise than by rules: then more is looked at than is told.
    """
    by_name = {fold(other.name): other for other in scope.segments}
    found: set[str] = set()
    for one in _with_named(segment, by_name):
        if one.of is not segment.of or not one.rules:
            return frozenset()
        conditions = [c for rule in one.rules if isinstance(rule.body, Group) for c in _conditions(rule.body)]
        tables = (scope.catalog.table(condition.field.table) for condition in conditions)
        found |= {table.id for table in tables if table is not None and table.role is not segment.of.role}
    return frozenset(found)


def _used(segment: Segment, table: Table, catalog: Catalog, by_name: Mapping[str, Segment]) -> frozenset[str]:
    if not segment.rules:
        return frozenset({table.key or ""})
    found: frozenset[str] = frozenset()
    for rule in segment.rules:
        if isinstance(rule.body, SegmentRef):
            other = by_name.get(fold(rule.body.name))
            other_table = None if other is None else catalog.by_role(other.of.role)
            if other is None or other_table is None:
                continue
            if other_table.id == table.id:
                found |= _used(other, table, catalog, by_name)
            else:
                found |= {way[0].from_column for way in paths(catalog, table.name, other_table.name)}
        else:
            found |= {column for condition in _conditions(rule.body) for column in _own(condition, table, catalog)}
    return found


def _own(condition: Condition, table: Table, catalog: Catalog) -> list[str]:
    if condition.field.table.casefold() == table.name.casefold():
        return [condition.field.column]
    return [way[0].from_column for way in paths(catalog, table.name, condition.field.table)]


def _conditions(group: Group) -> list[Condition]:
    found: list[Condition] = []
    for item in group.items:
        found += _conditions(item) if isinstance(item, Group) else [item]
    return found
