"""Tables of customer data: columns, what they mean, and how tables hang together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class ColumnType(StrEnum):
    """The types a segment rule and a file format tell apart; every engine's types map onto these."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    BINARY = "binary"
    NESTED = "nested"


def is_zoned(native_type: str) -> bool:
    """Whether timestamps of an engine's type name moments rather than what a clock on the wall shows."""
    return "TIME ZONE" in native_type.upper() or native_type.upper().startswith("TIMESTAMPTZ")


class Meaning(StrEnum):
    """What a column holds, so that it can be matched to a target's field and protected where it is personal."""

    NONE = "none"
    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    BIRTH_DATE = "birth_date"
    GENDER = "gender"
    STREET = "street"
    CITY = "city"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    LANGUAGE = "language"
    COMPANY = "company"
    JOB_TITLE = "job_title"
    WEBSITE = "website"
    CONSENT = "consent"
    MOBILE_AD_ID = "mobile_ad_id"

    @property
    def personal(self) -> bool:
        """Whether the values point at a person and are masked until asked for."""
        return self in _PERSONAL


_PERSONAL = frozenset(
    {
        Meaning.EMAIL,
        Meaning.PHONE,
        Meaning.FIRST_NAME,
        Meaning.LAST_NAME,
        Meaning.FULL_NAME,
        Meaning.BIRTH_DATE,
        Meaning.STREET,
        Meaning.POSTAL_CODE,
        Meaning.MOBILE_AD_ID,
    }
)


class TableRole(StrEnum):
    """What one row of the table is."""

    CUSTOMER = "customer"
    CONTACT = "contact"
    ACCOUNT = "account"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `meaning` is a guess until `confirmed`. `native_type` is the engine's own name of the type.

    `means` are values with what a person said they mean (see core/value_mapping.py), the values as that compares them.
    """

    name: str
    type: ColumnType
    meaning: Meaning = Meaning.NONE
    confirmed: bool = False
    native_type: str = ""
    means: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerTable:
    """Where a table lies on the workspace's server, by the server's own names."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the workspace, pointing at one immutable generation of its rows.

    `generation` grows by one with each refresh and names the folder below `data/` in the workspace; `source` is where
    the rows came from, as a person would name it. `revision` is the one that was read from the store; a save on an older
    one is refused. With `server` the rows stay on the workspace's server; rows and columns are those of `refreshed_at`.
    """

    id: str
    name: str
    role: TableRole
    columns: tuple[Column, ...]
    key: str | None
    rows: int
    generation: int
    source: str
    refreshed_at: datetime
    revision: int = field(default=0, compare=False)
    server: ServerTable | None = None

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def first_meaning(self, meaning: Meaning) -> Column | None:
        """The first column with that meaning, or None."""
        return next((c for c in self.columns if c.meaning is meaning), None)

    def with_column(self, column: Column) -> Table:
        """The same table with the column of that name replaced."""
        return replace(self, columns=tuple(column if c.name == column.name else c for c in self.columns))


@dataclass(frozen=True, slots=True)
class Link:
    """One-to-many: each row of the `one` side may have many rows on the `many` side; names of tables and columns."""

    one_table: str
    one_column: str
    many_table: str
    many_column: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables and links of a workspace at one moment, looked up by name."""

    tables: tuple[Table, ...]
    links: tuple[Link, ...] = ()

    def table(self, name: str) -> Table | None:
        """The table of that name; names are unique regardless of case."""
        wanted = name.casefold()
        return next((t for t in self.tables if t.name.casefold() == wanted), None)

    def by_role(self, role: TableRole) -> Table | None:
        """The table whose rows are customers, contacts or accounts, or None."""
        return next((t for t in self.tables if t.role is role), None)
