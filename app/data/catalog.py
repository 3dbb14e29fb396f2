"""What a new table is about, guessed from names and values: meanings of columns, key, role and links.

Guesses are offered, never final: a person confirms or changes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core.identifiers import COUNTRY_CODES, LANGUAGE_CODES
from app.core.tables import Catalog, Column, ColumnType, Link, Meaning, Table, TableRole
from app.data.engines.duckdb import quoted
from app.data.engines.protocol import Cursor
from app.data.meanings import meaning_of_name

_SAMPLE_ROWS: Final = 2000
_KEY_CANDIDATES: Final = 6
_LINK_SAMPLE: Final = 5000

# Which column types can hold a meaning; meanings not named here are texts.
_TYPES: Final[Mapping[Meaning, frozenset[ColumnType]]] = {
    Meaning.PHONE: frozenset({ColumnType.TEXT, ColumnType.INTEGER}),
    Meaning.POSTAL_CODE: frozenset({ColumnType.TEXT, ColumnType.INTEGER}),
    Meaning.BIRTH_DATE: frozenset({ColumnType.TEXT, ColumnType.DATE, ColumnType.TIMESTAMP}),
    Meaning.CONSENT: frozenset({ColumnType.TEXT, ColumnType.BOOLEAN, ColumnType.INTEGER}),
}
_TEXTS: Final = frozenset({ColumnType.TEXT})
_EMAIL: Final = re.compile(r"\s*[^@\s]+@[^@\s]+\.[^@\s.]+\s*")
_PHONE: Final = re.compile(r"\s*(\+|00|\(|0\d)[\d\s().\-/]{6,20}\s*")
_WEBSITE: Final = re.compile(r"\s*(https?://|www\.)[^\s@]+\s*", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*")
_GENDERS: Final = frozenset(
    {"m", "f", "w", "d", "x", "male", "female", "man", "woman", "männlich", "weiblich", "divers", "other", "h"}
)
_CONSENT_WORDS: Final = re.compile(r"opt_?-?\s?(in|out)|consent|subscri|einwillig|newsletter", re.IGNORECASE)
# A name alone is not enough for these: the values have to look the part, or the guess is dropped.
_PROOF: Final[Mapping[Meaning, float]] = {
    Meaning.EMAIL: 0.3,
    Meaning.COUNTRY: 0.3,
    Meaning.LANGUAGE: 0.3,
    Meaning.GENDER: 0.5,
}
_KEY_NAME: Final = re.compile(r"(id|key|guid|uuid|number|nummer|nr|no|code)$", re.IGNORECASE)

_ROLE_WORDS: Final[Mapping[TableRole, re.Pattern[str]]] = {
    TableRole.CONTACT: re.compile(r"contact|kontakt|ansprechpartner|lead", re.IGNORECASE),
    TableRole.ACCOUNT: re.compile(r"account|compan|firm|organi[sz]ation|unternehmen|supplier|business", re.IGNORECASE),
    TableRole.CUSTOMER: re.compile(
        r"customer|consumer|client|kunde|member|subscriber|person|people|user|profile|guest|shopper|cliente",
        re.IGNORECASE,
    ),
}
_PEOPLE: Final = frozenset({Meaning.EMAIL, Meaning.PHONE, Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.FULL_NAME})


@dataclass(frozen=True, slots=True)
class Understood:
    """What was guessed about a table."""

    columns: tuple[Column, ...]
    key: str | None
    role: TableRole


def understand(
    cursor: Cursor,
    name: str,
    columns: Sequence[Column],
    source: str,
    rows: int,
    catalog: Catalog,
    *,
    declared_key: str | None = None,
) -> Understood:
    """Guess meanings from the first rows, the key by counting, and the role beside the tables that are there.

    `source` is what stands after FROM in the cursor's SQL. Meanings and a key that the source itself declares are kept; the
    key only where it is one.
    """
    meant = tuple(_meant(cursor, columns, source))
    key = declared_key
    if key is None or all(c.name != key for c in columns) or not is_unique(cursor, source, key):
        key = find_key(cursor, name, meant, source, rows)
    return Understood(meant, key, _role(name, meant, key, catalog))


def is_unique(cursor: Cursor, source: str, column: str) -> bool:
    """Whether every row has a value in the column and no value stands twice."""
    name = quoted(column)
    query = f"SELECT count(*) = count({name}) AND count({name}) = count(DISTINCT {name}) FROM {source} AS s"  # noqa: S608 - quoted
    cursor.execute(query)
    row = cursor.fetchone()
    return bool(row and row[0])


def find_key(cursor: Cursor, name: str, columns: Sequence[Column], source: str, rows: int) -> str | None:
    """The likeliest column that identifies a row, or None.

    Columns named like a key come first, then the table's first column, then e-mail addresses: a plain list of subscribers
    has nothing else.
    """
    if rows == 0:
        return None
    ranked: list[tuple[int, int, str]] = []
    for place, column in enumerate(columns):
        rank = _key_rank(name, place, column)
        if rank is not None:
            ranked.append((rank, place, column.name))
    tried = [column for _rank, _place, column in sorted(ranked)[:_KEY_CANDIDATES]]
    return next((column for column in tried if is_unique(cursor, source, column)), None)


def _key_rank(table: str, place: int, column: Column) -> int | None:
    """How soon the column is tried as a key, 0 first; None when it can't be one."""
    if column.type not in (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.DECIMAL):
        return None
    if column.meaning in _PEOPLE:
        return 3 if column.meaning is Meaning.EMAIL else None
    own = _plain(table)
    if _plain(column.name) in {"id", own + "id", own.rstrip("s") + "id", own + "key"}:
        return 0
    if _KEY_NAME.search(column.name):
        return 1
    return 2 if place == 0 else None


def _meant(cursor: Cursor, columns: Sequence[Column], source: str) -> list[Column]:
    looked_at = [column for column in columns if column.type is ColumnType.TEXT]
    samples: dict[str, list[str]] = {}
    if looked_at:
        names = ", ".join(quoted(column.name) for column in looked_at)
        query = f"SELECT {names} FROM {source} AS s LIMIT {_SAMPLE_ROWS}"  # noqa: S608 - names are quoted
        cursor.execute(query)
        found = cursor.fetchall()
        for place, column in enumerate(looked_at):
            samples[column.name] = [row[place] for row in found if row[place] and row[place].strip()]
    return [
        column
        if column.meaning is not Meaning.NONE
        else replace(column, meaning=meaning_of(column, samples.get(column.name, [])))
        for column in columns
    ]


def meaning_of(column: Column, sample: Sequence[str]) -> Meaning:
    """The meaning of a column by its name, checked against a sample of its filled values, else by the values alone."""
    named = meaning_of_name(column.name)
    if named is not Meaning.NONE and column.type in _TYPES.get(named, _TEXTS):
        needed = _PROOF.get(named, 0.0)
        if not sample or column.type is not ColumnType.TEXT or _share(named, sample) >= needed:
            return named
    if column.type is ColumnType.BOOLEAN and _CONSENT_WORDS.search(column.name):
        return Meaning.CONSENT
    if column.type is not ColumnType.TEXT or len(sample) < 3:
        return Meaning.NONE
    for meaning, needed in (
        (Meaning.EMAIL, 0.6),
        (Meaning.WEBSITE, 0.7),
        (Meaning.PHONE, 0.7),
        (Meaning.GENDER, 1.0),
        (Meaning.COUNTRY, 0.8),
    ):
        if _share(meaning, sample) >= needed and not (meaning is Meaning.COUNTRY and len(set(sample)) < 3):
            return meaning
    return Meaning.NONE


def _share(meaning: Meaning, sample: Sequence[str]) -> float:
    """The part of filled values that look like the meaning; 1.0 for meanings whose values can be anything."""
    checks: Mapping[Meaning, Callable[[str], bool]] = {
        Meaning.EMAIL: lambda value: _EMAIL.fullmatch(value) is not None,
        Meaning.WEBSITE: lambda value: _WEBSITE.fullmatch(value) is not None,
        Meaning.PHONE: lambda value: _PHONE.fullmatch(value) is not None and not _DATE.fullmatch(value),
        Meaning.GENDER: lambda value: value.strip().casefold() in _GENDERS,
        Meaning.COUNTRY: lambda value: value.strip().lower() in COUNTRY_CODES,
        Meaning.LANGUAGE: _is_language,
    }
    check = checks.get(meaning)
    if check is None:
        return 1.0
    return sum(map(check, sample)) / len(sample)


def _is_language(value: str) -> bool:
    word = value.strip().lower()
    return word in LANGUAGE_CODES or re.fullmatch(r"[a-z]{2}([-_][a-z0-9]{2,8})*", word) is not None


def _role(name: str, columns: Sequence[Column], key: str | None, catalog: Catalog) -> TableRole:
    if key is None:
        return TableRole.OTHER
    people = {column.meaning for column in columns} & _PEOPLE
    reachable = people & {Meaning.EMAIL, Meaning.PHONE}
    for role, words in _ROLE_WORDS.items():
        fits = words.search(name) and (people if role is not TableRole.ACCOUNT else True)
        if fits and catalog.by_role(role) is None:
            return role
    nobody_yet = all(catalog.by_role(role) is None for role in _ROLE_WORDS)
    return TableRole.CUSTOMER if nobody_yet and reachable and len(people) > 1 else TableRole.OTHER


def find_links(cursor: Cursor, table: Table, catalog: Catalog, source_of: Callable[[Table], str]) -> list[Link]:
    """Links between the table and the others in its place: a column named like the other's key, with values found there."""
    found: list[Link] = []
    for other in catalog.tables:
        if other.id == table.id or (other.server is None) is not (table.server is None):
            continue
        for one, many in ((other, table), (table, other)):
            column = _refers_to(one, many)
            if column is not None and not any({k.one_table, k.many_table} == {one.name, many.name} for k in found):
                link = Link(one.name, one.key or "", many.name, column)
                if share_found(cursor, link, source_of(one), source_of(many)) >= 0.5:
                    found.append(link)
    return found


def share_found(cursor: Cursor, link: Link, one_source: str, many_source: str) -> float:
    """The part of a sample of the many side's filled values that the one side has; 0.0 when none is filled."""
    one, many = quoted(link.one_column), quoted(link.many_column)
    # In words that mean the same to every engine: adding an empty text makes a text of any value.
    referring = f"SELECT DISTINCT concat({many}, '') AS value FROM {many_source} AS m WHERE {many} IS NOT NULL LIMIT {_LINK_SAMPLE}"  # noqa: S608 - quoted
    query = (
        f"SELECT count(*) FILTER (WHERE value IN (SELECT concat({one}, '') FROM {one_source} AS o)), count(*) "  # noqa: S608 - quoted
        f"FROM ({referring}) AS referring"
    )
    cursor.execute(query)
    known, looked_at = cursor.fetchone() or (0, 0)
    return float(known / looked_at) if looked_at else 0.0


def rows_found(cursor: Cursor, link: Link, one_source: str, many_source: str) -> float | None:
    """The part of the many side's filled rows whose value the one side has; None when no row is filled."""
    one, many = quoted(link.one_column), quoted(link.many_column)
    query = (
        f"SELECT count(*) FILTER (WHERE m.{many} IN (SELECT o.{one} FROM {one_source} AS o)), count(m.{many}) "  # noqa: S608 - quoted
        f"FROM {many_source} AS m"
    )
    cursor.execute(query)
    known, filled = cursor.fetchone() or (0, 0)
    return known / filled if filled else None


def _refers_to(one: Table, many: Table) -> str | None:
    """The column of `many` that is named for the key of `one`, or None."""
    key = None if one.key is None else one.column(one.key)
    if key is None:
        return None
    plain_key, table = _plain(key.name), _plain(one.name)
    own = {table + plain_key, table.rstrip("s") + plain_key, table + "id", table.rstrip("s") + "id"}
    if plain_key not in {"id", "key", "guid", "uuid", "no", "number", "code", "name"} and not plain_key.startswith(
        "column"
    ):
        own.add(plain_key)
    for column in many.columns:
        if _plain(column.name) in own and column.type is key.type and column.name != many.key:
            return column.name
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
