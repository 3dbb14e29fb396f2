"""`sendoff tables`: bring data in and say what it means."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.session import session_of
from app.core.errors import FixData
from app.core.segments import FieldRef
from app.core.tables import Meaning, Table, TableRole

commands = typer.Typer(help="Tables of customer data.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="TABLE")]


def _document(table: Table) -> dict[str, Any]:
    return asdict(table)


@commands.command()
def add(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...")],
    name: Annotated[str, typer.Option(help="Name of the table; else the file's.")] = "",
) -> None:
    """Import CSV, Parquet, JSON lines, Excel, DuckDB or SQLite files, a folder of parts, or a Common Data Model folder."""
    session = session_of(context)
    with session.output.progress() as progress:
        added = session.services.tables.add(paths, name or None, progress.context())
    session.output.rows(
        "tables",
        ("Table", "Rows", "Columns", "Role", "Key"),
        [(t.name, t.rows, len(t.columns), t.role, t.key) for t in added],
        map(_document, added),
    )


@commands.command("list")
def list_tables(context: typer.Context) -> None:
    """All tables."""
    session = session_of(context)
    tables = session.services.tables.all()
    session.output.rows(
        "tables",
        ("Table", "Role", "Rows", "Columns", "Key", "Refreshed"),
        [(t.name, t.role, t.rows, len(t.columns), t.key, t.refreshed_at) for t in tables],
        map(_document, tables),
    )


@commands.command()
def show(context: typer.Context, name: Name) -> None:
    """The columns of a table with their types and meanings, and its links."""
    session = session_of(context)
    table = session.services.tables.get(name)
    links = [k for k in session.services.tables.links() if table.name in {k.one_table, k.many_table}]
    if session.options.json:
        session.output.document({"table": _document(table), "links": links})
        return
    session.output.rows(
        "columns",
        ("Column", "Type", "Meaning", "Confirmed"),
        [(c.name, c.type, "" if c.meaning is Meaning.NONE else c.meaning, c.confirmed) for c in table.columns],
        (),
    )
    for link in links:
        session.output.text(f"{link.one_table}.{link.one_column} has many {link.many_table}.{link.many_column}")


@commands.command()
def refresh(context: typer.Context, name: Name) -> None:
    """Read the table's source again; the old rows stay until the new ones are whole."""
    session = session_of(context)
    with session.output.progress() as progress:
        table = session.services.tables.refresh(name, progress.context())
    session.output.result({"table": _document(table)}, f"{table.name} now has {table.rows:,} rows.")


@commands.command()
def remove(context: typer.Context, name: Name) -> None:
    """Take a table out of the workspace; its source stays."""
    session = session_of(context)
    table = session.services.tables.remove(name)
    session.output.result({"removed": table.name}, f"Removed the table '{table.name}'.")


@commands.command("set")
def set_role(
    context: typer.Context,
    name: Name,
    role: Annotated[TableRole | None, typer.Option(help="What one row is.")] = None,
    key: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that identifies a row.")] = None,
) -> None:
    """Say what one row of the table is, and which column identifies it."""
    session = session_of(context)
    table = session.services.tables.get(name)
    table = session.services.tables.set_role(name, role or table.role, key or table.key)
    session.output.result({"table": _document(table)}, f"{table.name}: {table.role}, key {table.key or 'none'}.")


@commands.command()
def meaning(
    context: typer.Context,
    name: Name,
    column: Annotated[str, typer.Argument()],
    meaning: Annotated[Meaning, typer.Argument()],
) -> None:
    """Say what a column holds."""
    session = session_of(context)
    table = session.services.tables.set_meaning(name, column, meaning)
    session.output.result({"table": _document(table)}, f"{table.name}.{column} is {meaning}.")


@commands.command()
def link(
    context: typer.Context,
    one: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
    many: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
) -> None:
    """Say that each row of the first table may have many rows of the second."""
    session = session_of(context)
    made = session.services.tables.link(_field(one), _field(many))
    session.output.result({"link": made}, f"{one} has many {many}.")


def _field(text: str) -> FieldRef:
    try:
        return FieldRef.parse(text)
    except ValueError:
        raise FixData(
            f"'{text}' is not a field.",
            "A field is written Table.Column.",
            "Write it so and try again.",
            code="invalid_field",
        ) from None
