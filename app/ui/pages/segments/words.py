"""Operators, computed values, units and fields of rules in words, and the fields that can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.core.segment_questions import aggregates_for
from app.core.segments import Aggregate, FieldRef, Operator, SegmentOf, SetOperator, Unit
from app.core.tables import Column, ColumnType, Table
from app.ui.pages.tables.words import type_word
from app.ui.widgets.pick_list import PickItem

if TYPE_CHECKING:
    from app.services.segment_builder import Ground

SET_ICONS = {
    SetOperator.UNION: "mdi6.set-all",
    SetOperator.INTERSECT: "mdi6.set-center",
    SetOperator.EXCEPT: "mdi6.set-left",
}


def tr(text: str) -> str:
    """Translate a word of this module."""
    return QCoreApplication.translate("SegmentWords", text)


def operator_word(operator: Operator) -> str:
    """What a condition asks, as it stands between field and value."""
    return {
        Operator.IS: tr("is"),
        Operator.IS_NOT: tr("is not"),
        Operator.IS_ONE_OF: tr("is one of"),
        Operator.IS_NOT_ONE_OF: tr("is not one of"),
        Operator.CONTAINS: tr("contains"),
        Operator.STARTS_WITH: tr("starts with"),
        Operator.ENDS_WITH: tr("ends with"),
        Operator.AT_LEAST: tr("at least"),
        Operator.AT_MOST: tr("at most"),
        Operator.MORE_THAN: tr("more than"),
        Operator.LESS_THAN: tr("less than"),
        Operator.BETWEEN: tr("between"),
        Operator.IS_EMPTY: tr("is empty"),
        Operator.IS_NOT_EMPTY: tr("is not empty"),
        Operator.BEFORE: tr("is before"),
        Operator.AFTER: tr("is after"),
        Operator.LAST: tr("in the last"),
        Operator.NOT_IN_LAST: tr("not in the last"),
    }[operator]


def set_word(operator: SetOperator) -> str:
    """How rules are joined."""
    return {
        SetOperator.UNION: tr("Union"),
        SetOperator.INTERSECT: tr("Intersect"),
        SetOperator.EXCEPT: tr("Except"),
    }[operator]


def joined_words(operator: SetOperator, number: int) -> str:
    """A rule as a step from top to bottom."""
    return {
        SetOperator.UNION: tr("or in Rule {n}"),
        SetOperator.INTERSECT: tr("and in Rule {n}"),
        SetOperator.EXCEPT: tr("not in Rule {n}"),
    }[operator].format(n=number)


def unit_word(unit: Unit) -> str:
    """A unit of time."""
    return {
        Unit.HOURS: tr("hours"),
        Unit.DAYS: tr("days"),
        Unit.WEEKS: tr("weeks"),
        Unit.MONTHS: tr("months"),
        Unit.YEARS: tr("years"),
    }[unit]


def of_word(of: SegmentOf) -> str:
    """What the members are."""
    return {
        SegmentOf.CUSTOMERS: tr("customers"),
        SegmentOf.CONTACTS: tr("contacts"),
        SegmentOf.ACCOUNTS: tr("accounts"),
    }[of]


def aggregate_words(aggregate: Aggregate, field: FieldRef, key: str | None, *, short: bool = False) -> str:
    """What is computed, in words; `short` leaves the table's name out, where it stands above."""
    if aggregate is Aggregate.COUNT and field.column == key:
        return tr("{table} count").format(table=field.table)
    subject = field.column if short else str(field)
    return {
        Aggregate.COUNT: tr("Number of {field}"),
        Aggregate.SUM: tr("Sum of {field}"),
        Aggregate.AVERAGE: tr("Average of {field}"),
        Aggregate.LOWEST: tr("Lowest {field}"),
        Aggregate.HIGHEST: tr("Highest {field}"),
        Aggregate.LATEST: tr("Latest {field}"),
        Aggregate.EARLIEST: tr("Earliest {field}"),
    }[aggregate].format(field=subject)


def field_key(field: FieldRef, aggregate: Aggregate | None) -> str:
    """A field, and what is computed of it, as the key of a picker; empty while none is chosen."""
    return f"{aggregate or ''}:{field}" if field.table else ""


def field_of(key: str) -> tuple[FieldRef, Aggregate | None]:
    """What a picker's key stands for."""
    aggregate, _, field = key.partition(":")
    return FieldRef.parse(field), Aggregate(aggregate) if aggregate else None


class FieldChoices:
    """The fields rules about one kind of member can ask about; made once, as wide tables have hundreds."""

    def __init__(self, ground: Ground, of: SegmentOf) -> None:
        self.own = ground.catalog.by_role(of.role)
        self.linked = ground.linked(self.own) if self.own is not None else ()
        self._catalog = ground.catalog
        own = self.own.columns if self.own is not None else ()
        self.plain = tuple(self._item(self.own, column, None) for column in own if self.own is not None)
        self.all = self.plain + tuple(item for table in self.linked for item in self._items(table))
        self.computed = {table.name: tuple(self._computed(table)) for table in self.linked}

    def column(self, field: FieldRef) -> Column | None:
        """The column, or None when it is gone or none is chosen."""
        table = self._catalog.table(field.table)
        return None if table is None else table.column(field.column)

    def column_type(self, field: FieldRef) -> ColumnType:
        """Its type; that of a text for one that is gone."""
        column = self.column(field)
        return ColumnType.TEXT if column is None else column.type

    def is_own(self, field: FieldRef) -> bool:
        """Whether it stands in the members' own table."""
        return self.own is not None and field.table.casefold() == self.own.name.casefold()

    def words(self, field: FieldRef, aggregate: Aggregate | None, *, short: bool = False) -> str:
        """A field as it stands in a condition."""
        if not field.table:
            return ""
        if aggregate is None:
            return field.column if short or self.is_own(field) else str(field)
        table = self._catalog.table(field.table)
        return aggregate_words(aggregate, field, None if table is None else table.key, short=short)

    def dates(self, table: str) -> tuple[str, ...]:
        """The columns of a table that say when."""
        found = self._catalog.table(table)
        columns = () if found is None else found.columns
        return tuple(c.name for c in columns if c.type in {ColumnType.DATE, ColumnType.TIMESTAMP})

    def _items(self, table: Table) -> list[PickItem]:
        plain = [self._item(table, column, None) for column in table.columns]
        return [*self._computed(table, short=False), *plain]

    def _computed(self, table: Table, *, short: bool = True) -> list[PickItem]:
        key_first = sorted(table.columns, key=lambda column: column.name != table.key)
        return [
            self._item(table, column, aggregate, short=short)
            for column in key_first
            for aggregate in aggregates_for(column.type)
        ]

    def _item(
        self, table: Table | None, column: Column, aggregate: Aggregate | None, *, short: bool = False
    ) -> PickItem:
        field = FieldRef("" if table is None else table.name, column.name)
        detail = type_word(column.type) if aggregate is None else tr("Computed")
        return PickItem(field_key(field, aggregate), self.words(field, aggregate, short=short), detail)
