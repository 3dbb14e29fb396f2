"""Segments: who belongs to them, as rules from top to bottom.

The document form is the segment file of the command line. Parsing checks shape only; whether tables and columns exist is
`issues`, because a segment stays readable when its tables are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.tables import TableRole

Scalar = str | int | float | bool | None

Place = tuple[int, ...]
"""Where something stands in a segment: the number of the rule, then of the item in its group, of the item in that one ..."""


class SegmentOf(StrEnum):
    """What the members are."""

    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    ACCOUNTS = "accounts"

    @property
    def role(self) -> TableRole:
        """The role of the table whose rows are the members."""
        return {
            SegmentOf.CUSTOMERS: TableRole.CUSTOMER,
            SegmentOf.CONTACTS: TableRole.CONTACT,
            SegmentOf.ACCOUNTS: TableRole.ACCOUNT,
        }[self]


class SetOperator(StrEnum):
    """How a rule changes what the rules above it gave."""

    UNION = "union"
    INTERSECT = "intersect"
    EXCEPT = "except"


class Operator(StrEnum):
    """What a condition asks of a field."""

    IS = "is"
    IS_NOT = "is_not"
    IS_ONE_OF = "is_one_of"
    IS_NOT_ONE_OF = "is_not_one_of"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    BETWEEN = "between"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"
    BEFORE = "before"
    AFTER = "after"
    LAST = "last"
    NOT_IN_LAST = "not_in_last"


class Aggregate(StrEnum):
    """What is computed over the linked rows of a member."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    LOWEST = "lowest"
    HIGHEST = "highest"
    LATEST = "latest"
    EARLIEST = "earliest"


class Mode(StrEnum):
    """How conditions of a group are joined."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A column of a table, written `Table.Column`; a column name may itself hold dots, a table name may not."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"

    @classmethod
    def parse(cls, text: str) -> FieldRef:
        """Split at the first dot; raises ValueError without one."""
        table, dot, column = text.partition(".")
        if not dot or not table or not column:
            raise ValueError(text)
        return cls(table, column)


class Unit(StrEnum):
    """Calendar units of a time window."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time such as `12 months`, counted back from now."""

    number: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


@dataclass(frozen=True, slots=True)
class Within:
    """Only linked rows whose field lies in the last span count."""

    field: FieldRef
    last: Span


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about a member; with `aggregate`, about the sum, count ... of its linked rows.

    `value` is a scalar, a tuple of scalars (`is_one_of`, `between`) or a `Span` (`last`, `not_in_last`); None for
    `is_empty` and `is_not_empty`.
    """

    field: FieldRef
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | Span = None
    aggregate: Aggregate | None = None
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups joined by all or any."""

    mode: Mode
    items: tuple[Condition | Group, ...]


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """The members of another segment, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One card: how it joins what stands above it (the first one's operator is UNION) and what it asks."""

    operator: SetOperator
    body: Group | SegmentRef


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of members: rules, or a fixed list of keys, or a read-only SQL query that yields keys.

    Exactly one of `rules`, `list_file` (name of the Parquet file with the keys in the workspace) and `sql` is used.
    `revision` is the one that was read from the store; a save on an older one is refused.
    """

    id: str
    name: str
    of: SegmentOf
    rules: tuple[Rule, ...] = ()
    list_file: str | None = None
    sql: str | None = None
    revision: int = field(default=0, compare=False)

    @property
    def static(self) -> bool:
        """Whether the members stay the same until somebody changes them."""
        return self.list_file is not None

    @property
    def described_kind(self) -> str:
        """`rules`, `list` or `sql`."""
        if self.list_file is not None:
            return "list"
        return "sql" if self.sql is not None else "rules"


@dataclass(frozen=True, slots=True)
class Issue:
    """What keeps a segment from being counted, as one sentence, and where it stands; the empty place is the whole segment."""

    place: Place
    sentence: str
