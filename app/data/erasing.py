"""A person's rows in the files a workspace keeps beside its tables: found, and taken out or blanked.

Files are written anew beside the old ones and then take their names, so that they are whole at any moment; what is kept with
a file stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import duckdb
from sqlglot import exp

from app.core.erasing import ERASED, Person
from app.core.suppression import ContactKind, contact_columns
from app.core.tables import Catalog, Table
from app.data.engines.duckdb import Cursor, DuckDBEngine, columns_of, generation_folder, listed, literal, quoted
from app.data.identifiers_sql import normalise
from app.data.identity import as_text
from app.data.kept_files import rewrite_parquet, write_parquet
from app.data.run_changes import KEY
from app.data.sql import key_column
from app.data.sql_values import column_value
from app.data.value_hashes import is_part


def rows_of(cursor: Cursor, file: Path, person: Person) -> int:
    """How many rows of a file about members are the person's."""
    ((number,),) = cursor.execute(f"SELECT count(*) FROM {_reading(file)} WHERE {_is(cursor, file, person)}").fetchall()  # noqa: S608 - our own names
    return int(number)


def known_as(cursor: Cursor, files: Iterable[Path], person: Person) -> Person:
    """The person with the keys found beside the values, or the values beside the key."""
    keys: set[str] = set()
    values: set[str] = set()
    for file in files:
        names = [name for name in columns_of(cursor, f"FROM {_reading(file)}") if name.startswith(KEY)]
        columns = ", ".join(["member", *map(quoted, names)])
        query = f"SELECT DISTINCT {columns} FROM {_reading(file)} WHERE {_is(cursor, file, person)}"  # noqa: S608 - our own names
        for member, *others in cursor.execute(query).fetchall():
            keys.add(member)
            values |= {other for other in others if other}
    keys.discard(ERASED)
    # A shared address leads to all who have it, but their other values are not looked for in turn.
    return person.also(keys) if person.kind is not None else person.also(values=values)


def take_out(cursor: Cursor, file: Path, person: Person) -> None:
    """Write the file without the person's rows."""
    rewrite_parquet(cursor, file, f"SELECT * FROM {_reading(file)} WHERE NOT ({_is(cursor, file, person)})")  # noqa: S608 - our own names


def blank(cursor: Cursor, file: Path, person: Person) -> None:
    """Write the file with the person's rows naming nobody, so that their number and what was done stay."""
    theirs = _is(cursor, file, person)
    named = {"member": literal(ERASED), "identifier": f"{literal(ERASED + ' ')} || uuid()"}
    replaced = [f"CASE WHEN {theirs} THEN {new} ELSE {name} END AS {name}" for name, new in named.items()]
    replaced += [
        f"CASE WHEN NOT ({theirs}) THEN {quoted(name)} END AS {quoted(name)}"
        for name in columns_of(cursor, f"FROM {_reading(file)}")
        if name.startswith(KEY) or is_part(name) or name in {"payload", "before", "reason", "fields"}
    ]
    rewrite_parquet(cursor, file, f"SELECT * REPLACE ({', '.join(replaced)}) FROM {_reading(file)}")  # noqa: S608 - our own names


def listed_keys(cursor: Cursor, file: Path, person: Person) -> int:
    """How many keys of a fixed list are the person's."""
    query = f"SELECT count(*) FROM {_reading(file)} WHERE {_one_of('member', person.keys)}"  # noqa: S608 - literals
    ((number,),) = cursor.execute(query).fetchall()
    return int(number)


def without_keys(cursor: Cursor, file: Path, to: Path, person: Person) -> None:
    """Write a fixed list without the person's keys to another file."""
    query = f"SELECT * FROM {_reading(file)} WHERE NOT ({_one_of('member', person.keys)})"  # noqa: S608 - literals
    write_parquet(cursor, query, to, {})


def keys_held(cursor: Cursor, file: Path, person: Person) -> int:
    """How many keys in what a place holds of a table of people (app/data/changed_rows.py) are the person's."""
    query = f"SELECT count(*) FROM {_reading(file)} WHERE {_one_of('key::VARCHAR', person.keys)}"  # noqa: S608 - literals
    ((number,),) = cursor.execute(query).fetchall()
    return int(number)


def without_keys_held(cursor: Cursor, file: Path, person: Person) -> None:
    """Write such a file without the person's keys."""
    rewrite_parquet(cursor, file, f"SELECT * FROM {_reading(file)} WHERE NOT ({_one_of('key::VARCHAR', person.keys)})")  # noqa: S608 - our own names


def keys_in_table(engine: DuckDBEngine, cursor: Cursor, table: Table, person: Person, country: str) -> list[str]:
    """The keys of the table's rows that are the person's; of tables in the workspace only.

    Rows that were replaced may lack a column of today: then nobody is found there. Raises FixData when rows are gone.
    """
    if table.key is None or table.server is not None:
        return []
    key = exp.cast(key_column(table, "t"), "text")  # as members are keyed
    wanted: list[exp.Expr] = []
    if person.keys:
        wanted.append(exp.In(this=key.copy(), expressions=[exp.Literal.string(each) for each in sorted(person.keys)]))
    values = [exp.Literal.string(each) for each in sorted(person.values)]
    for column, kind in contact_columns(table):
        text = as_text(column_value(column, "t"))
        rule = "lower" if kind is ContactKind.EMAIL else kind.rule
        wanted.append(exp.In(this=normalise(rule, text, country), expressions=[value.copy() for value in values]))
    if not wanted:
        return []
    rows = exp.alias_(engine.relation(table), "t", table=True)
    query = exp.select(exp.alias_(key, "member")).distinct().from_(rows).where(exp.or_(*wanted))
    try:
        found = cursor.execute(query.sql(engine.dialect)).fetchall()
    except duckdb.BinderException:
        return []
    return [member for (member,) in found if member is not None]


def earlier_rows(folder: Path, table: Table) -> list[Table]:
    """The table with rows that newer ones took the place of, in the workspace of that folder."""
    places = generation_folder(folder, table).parent.glob("*")
    numbers = sorted(int(place.name) for place in places if place.name.isdigit())
    return [replace(table, generation=number) for number in numbers if number < table.generation]


def tables_linked(
    engine: DuckDBEngine, cursor: Cursor, catalog: Catalog, tables: Iterable[str], keys: Iterable[str]
) -> list[str]:
    """The names of the tables with rows that a link leads to from those of these keys in any of `tables`."""
    found = []
    for link in catalog.links:
        one, many = catalog.table(link.one_table), catalog.table(link.many_table)
        if (
            one is None
            or many is None
            or many.server is not None
            or one.name not in tables
            or link.one_column != one.key
        ):
            continue
        named = _one_of(f"{quoted(link.many_column)}::VARCHAR", keys)
        query = f"SELECT 1 FROM {engine.relation(many).sql(engine.dialect)} WHERE {named} LIMIT 1"  # noqa: S608 - quoted names
        if cursor.execute(query).fetchone() is not None:
            found.append(many.name)
    return found


def _is(cursor: Cursor, file: Path, person: Person) -> str:
    """Whether a row is the person's: by our key, or by a value that identifies a member at a destination."""
    names = [name for name in columns_of(cursor, f"FROM {_reading(file)}") if name.startswith(KEY)]
    conditions = [_one_of("member", person.keys)]
    conditions += [_one_of(f"lower({quoted(name)})", person.values) for name in names]
    # What a member is known by stands behind the name of its field.
    conditions.append(_one_of("lower(substr(identifier, strpos(identifier, ':') + 1))", person.values))
    return " OR ".join(f"coalesce({condition}, false)" for condition in conditions)


def _one_of(column: str, values: Iterable[str]) -> str:
    wanted = sorted(values)
    return f"{column} IN ({listed(wanted)})" if wanted else "false"


def _reading(file: Path) -> str:
    return f"read_parquet({literal(file)})"
