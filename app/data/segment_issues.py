"""What stands in the way of a segment: sentences for people, judged against the tables and segments there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.names import fold
from app.core.segment_questions import COMPUTED, DATES, NUMBERS, asked_type
from app.core.segment_references import circle, circle_words
from app.core.segments import Aggregate, Condition, FieldRef, Group, Issue, Operator, Place, Segment, SegmentRef
from app.core.tables import Catalog, Column, ColumnType, Table
from app.data.links import paths
from app.data.segment_query import query_problem
from app.data.sql_values import TYPE_WORDS, decimal, is_blank, misfit


def issues(
    segment: Segment, catalog: Catalog, segments: Mapping[str, Segment], *, dialect: str = "duckdb"
) -> list[str]:
    """Every problem as one sentence, in the order of the rules; an empty list means that it can be counted."""
    return list(dict.fromkeys(issue.sentence for issue in placed_issues(segment, catalog, segments, dialect=dialect)))


def placed_issues(
    segment: Segment, catalog: Catalog, segments: Mapping[str, Segment], *, dialect: str = "duckdb"
) -> list[Issue]:
    """Every problem with the place where it stands, in the order of the rules."""
    by_name = {fold(other.name): other for other in segments.values()}
    by_name[fold(segment.name)] = segment
    found = circle(segment, by_name)
    if found:
        return [Issue((), circle_words(found))]
    return list(_issues(segment, catalog, by_name, dialect))


def _issues(segment: Segment, catalog: Catalog, by_name: Mapping[str, Segment], dialect: str) -> Iterator[Issue]:
    table = catalog.by_role(segment.of.role)
    if table is None:
        yield Issue((), f"No table of this workspace holds {segment.of}: give one the role {segment.of.role}.")
        return
    if table.key is None or table.column(table.key) is None:
        yield Issue((), f"The table {table.name} has no key: choose the column that tells its rows apart.")
        return
    if segment.sql is not None:
        words = query_problem(segment.sql, catalog, dialect)
        if words:
            yield Issue((), words)
        return
    if segment.list_file is None and not segment.rules:
        yield Issue((), "There are no rules yet: add a condition.")
    for number, rule in enumerate(segment.rules):
        if isinstance(rule.body, Group):
            yield from _group_issues(rule.body, (number,), table, catalog)
        else:
            for sentence in _reference_issues(rule.body, table, catalog, by_name, dialect):
                yield Issue((number,), sentence)


def _reference_issues(
    reference: SegmentRef, table: Table, catalog: Catalog, by_name: Mapping[str, Segment], dialect: str
) -> Iterator[str]:
    other = by_name.get(fold(reference.name))
    if other is None:
        yield f"There is no segment “{reference.name}”."
        return
    inner = next(_issues(other, catalog, by_name, dialect), None)
    if inner is not None:
        yield f"The segment {other.name} has a problem: {inner.sentence}"
        return
    other_table = catalog.by_role(other.of.role)
    if other_table is not None and other_table.id != table.id:
        yield from _way_issues(table, other_table, catalog)


def _group_issues(group: Group, place: Place, table: Table, catalog: Catalog) -> Iterator[Issue]:
    if not group.items:
        yield Issue(place, "A group is empty: add a condition or remove the group.")
    for number, item in enumerate(group.items):
        here = (*place, number)
        if isinstance(item, Group):
            yield from _group_issues(item, here, table, catalog)
        else:
            for sentence in _condition_issues(item, table, catalog):
                yield Issue(here, sentence)


def _condition_issues(condition: Condition, table: Table, catalog: Catalog) -> Iterator[str]:
    found = _find(condition.field, catalog)
    if isinstance(found, str):
        yield found
        return
    target, column = found
    if condition.aggregate is not None and target.id == table.id:
        yield f"{condition.field} stands in {table.name} itself, so there is no {condition.aggregate} of it."
        return
    if target.id != table.id:
        yield from _way_issues(table, target, catalog)
    kind = column.type
    if condition.aggregate is not None and kind not in COMPUTED[condition.aggregate]:
        yield f"{condition.field} holds {TYPE_WORDS[kind]}, so there is no {condition.aggregate} of it."
        return
    yield from _value_issues(condition, asked_type(kind, condition.aggregate))
    yield from _within_issues(condition, target, catalog)


def _value_issues(condition: Condition, kind: ColumnType) -> Iterator[str]:
    subject = str(condition.field)
    if condition.aggregate is not None:
        subject = f"The {condition.aggregate} of {subject}"
    words = misfit(kind, condition.operator, condition.value)
    if words:
        yield f"{subject} {words}."
        return
    if condition.operator is Operator.BETWEEN and isinstance(condition.value, tuple):
        low, high = condition.value
        if (kind in NUMBERS and decimal(low) > decimal(high)) or (kind not in NUMBERS and str(low) > str(high)):
            yield f"{subject} can't be between {low} and {high}: the first is the greater one."
    if condition.aggregate in {Aggregate.COUNT, Aggregate.SUM}:
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        asks_empty = condition.operator in {Operator.IS_EMPTY, Operator.IS_NOT_EMPTY}
        if asks_empty or any(is_blank(v) for v in values if v is None or isinstance(v, str)):
            yield f"{subject} is never empty: it is 0 without any row."


def _within_issues(condition: Condition, target: Table, catalog: Catalog) -> Iterator[str]:
    if condition.within is None:
        return
    found = _find(condition.within.field, catalog)
    if isinstance(found, str):
        yield found
    elif found[0].id != target.id:
        yield f"{condition.within.field} must be a field of {target.name}, as {condition.field} is."
    elif found[1].type not in DATES:
        yield f"{condition.within.field} holds {TYPE_WORDS[found[1].type]}, but within needs a date."


def _find(field: FieldRef, catalog: Catalog) -> tuple[Table, Column] | str:
    table = catalog.table(field.table)
    if table is None:
        return f"There is no table “{field.table}” for {field}."
    column = table.column(field.column)
    if column is None:
        return f"The table {table.name} has no field “{field.column}”."
    return table, column


def _way_issues(start: Table, target: Table, catalog: Catalog) -> Iterator[str]:
    found = paths(catalog, start.name, target.name)
    if not found:
        yield f"{target.name} is not linked to {start.name}: link the two tables."
    elif len(found) > 1:
        yield f"{target.name} is linked to {start.name} in {len(found)} ways: keep one of the links."
    for way in found:
        for step in way:
            for name, column in ((step.from_table, step.from_column), (step.to_table, step.to_column)):
                table = catalog.table(name)
                if table is None or table.column(column) is None:
                    yield f"The link between {start.name} and {target.name} needs {name}.{column}, which is gone."
