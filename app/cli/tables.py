"""`sendoff tables`: bring data in and say what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.engine import SecretOption, use_server
from app.cli.output import Exit, of, plain
from app.cli.session import Session, session_of
from app.core.errors import FixData, FixSettings
from app.core.segments import FieldRef
from app.core.servers import ServerUrl, is_server_url
from app.core.table_changes import TableChange, UserKind
from app.core.tables import Meaning, Table, TableRole
from app.jobs import JobContext

if TYPE_CHECKING:  # it loads the engine
    from app.services.table_refresh import HeldRefresh, Refreshed

commands = typer.Typer(help="Tables of customer data.", no_args_is_help=True)
NOTHING: Mapping[str, str] = MappingProxyType({})
Name = Annotated[str, typer.Argument(metavar="TABLE")]


def _document(table: Table) -> dict[str, Any]:
    return asdict(table)


@commands.command()
def add(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...|URL")],
    name: Annotated[str, typer.Option(help="Name of the table; else the file's.")] = "",
    secrets: SecretOption = [],
) -> None:
    """Import CSV, Parquet, JSON lines, Excel, DuckDB or SQLite files, a folder of parts, or a Common Data Model folder.

    postgresql://user@host/database/schema/table and spark://host/catalog/schema/table add tables that stay on a server;
    schema and table may be left out.
    """
    session = session_of(context)
    if any(is_server_url(path) for path in paths):
        added = _add_from_server(session, paths, name or None, secrets)
    else:
        with session.output.progress() as progress:
            added = session.services.tables.add(list(map(Path, paths)), name or None, progress.context())
    session.output.rows(
        "tables",
        ("Table", "Rows", "Columns", "Role", "Key"),
        [(t.name, t.rows, len(t.columns), t.role, t.key) for t in added],
        map(_document, added),
    )


def _add_from_server(session: Session, urls: list[str], name: str | None, secrets: list[str]) -> list[Table]:
    """The tables that the addresses name; the first one sets the server when the workspace has none."""
    servers, tables = session.services.servers, session.services.tables.server
    known = servers.address()
    parsed = [ServerUrl.parse(url, known) for url in urls]
    if known is None or secrets:
        use_server(session, parsed[0].address, secrets, test=True)
        known = parsed[0].address
    elif any(url.address != known for url in parsed):
        raise FixSettings(
            f"This workspace reads from {known}.",
            "It has one server, and the address names another, or another way to it.",
            "Leave user and sslmode out of the address, or change the server with 'sendoff engine set URL'.",
            code="other_server",
        )
    with session.output.progress() as progress:
        ctx = progress.context()
        places = [place for url in parsed for place in tables.chosen(url.schema, url.table, ctx)]
        return tables.add(places, name, ctx)


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
def show(
    context: typer.Context,
    name: Name,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also how empty and distinct the columns are, and their frequent values.")
    ] = False,
    rows: Annotated[int, typer.Option(metavar="N", min=0, help="Also the first rows, personal values masked.")] = 0,
) -> None:
    """The columns of a table with their types and meanings, its links, and who uses it."""
    session = session_of(context)
    table = session.services.tables.get(name)
    links = [k for k in session.services.tables.links.all() if table.name in {k.one_table, k.many_table}]
    change, held = session.services.tables.last_change(name), session.services.tables.held(name)
    missing = session.services.tables.missing(name)
    if session.options.json:
        document: dict[str, Any] = {"table": _document(table), "links": links, "change": change}
        document["held"] = _held_document(held)
        document["missing"] = missing
        document["used_by"] = session.services.tables.used_by(name)
        if profile:
            document["profile"] = session.services.tables.profile(name, JobContext())
        if rows:
            document["rows"] = session.services.tables.sample(name, rows, JobContext()).rows
        session.output.document(document)
        return
    session.output.rows(
        "columns",
        ("Column", "Type", "Meaning", "Confirmed"),
        [(c.name, c.type, "" if c.meaning is Meaning.NONE else c.meaning, c.confirmed) for c in table.columns],
        (),
    )
    if profile:
        _print_profile(session, name)
    if rows:
        sample = session.services.tables.sample(name, rows, JobContext())
        session.output.rows("rows", [c.name for c in sample.columns], sample.rows, ())
    for link in links:
        session.output.text(f"{link.one_table}.{link.one_column} has many {link.many_table}.{link.many_column}")
    for line in [] if change is None else change_lines(change):
        session.output.text(line)
    for line in [] if held is None else held_lines(table.name, held):
        session.output.text(line)
    if missing is not None:
        needing = ", ".join(broken.name for broken in missing.broken)
        session.output.text(f"Missing columns: {', '.join(missing.columns)}, needed by {needing}.")
    users = session.services.tables.used_by(name)
    session.output.text(f"Used by: {', '.join(users) or 'nothing yet'}")


def _print_profile(session: Session, name: str) -> None:
    profiles = session.services.tables.profile(name, JobContext())
    session.output.rows(
        "profile",
        ("Column", "Empty", "Distinct", "Most frequent", "Lowest", "Highest"),
        [
            (
                column.name,
                f"{column.empty:.1%}",
                f"about {column.distinct:,}",
                ", ".join(f"{value} {share:.0%}" for value, share in column.frequent),
                column.lowest,
                column.highest,
            )
            for column in profiles
        ],
        (),
    )


@commands.command()
def refresh(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[TABLE]")] = "",
    all_tables: Annotated[bool, typer.Option("--all", help="All tables, one after another.")] = False,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Use another column in place of one that is gone, wherever it is needed."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Take the columns as they are, also when something stops working.")
    ] = False,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Let the refresh that waits go; read nothing.")] = False,
) -> None:
    """Read the source of a table again, or of --all; the old rows stay until the new ones are whole.

    When segments, exports, links or the key would stop working, nothing is replaced and the exit status is 4. With --keep-old
    nothing is read: a refresh that waits is let go.
    """
    session = session_of(context)
    if bool(name) == all_tables or (all_tables and (rename or anyway or keep_old)):
        raise FixData("It is not clear what to refresh.", "", "Name one table, or say --all alone.", code="which_table")
    if all_tables:
        _refresh_all(session)
        return
    if keep_old:
        session.services.tables.keep_old(name)
        table = session.services.tables.get(name)
        session.output.result({"table": _document(table)}, f"{table.name} stays as it is.")
        return
    renamed = dict(_renaming(text) for text in rename or ())
    _tell_queries(session, name, renamed)
    with session.output.progress() as progress:
        done = session.services.tables.refresh(name, progress.context(), renamed=renamed, anyway=anyway)
    if done.held is not None:
        session.status = Exit.NOT_RUN
    session.output.result(_refreshed_document(done), "\n".join(_refreshed_lines(done, renamed)))


def _tell_queries(session: Session, name: str, renamed: Mapping[str, str]) -> None:
    """Before they are saved: which queries of segments name other columns then."""
    for one in session.services.tables.requeried(name, renamed) if renamed else ():
        session.output.say(f"The query of {one.segment} is rewritten:\n  {one.before}\n  {one.after}")


def _refresh_all(session: Session) -> None:
    with session.output.progress() as progress:
        end = session.services.tables.refresh_all(progress.context())
    if end.failed:
        session.status = Exit.FAILED
    elif end.waiting:
        session.status = Exit.NOT_RUN
    document = {"refreshed": [_refreshed_document(done) for done in end.done]}
    lines = [line for done in end.done for line in _refreshed_lines(done)]
    lines += [str(error) for error in end.failed.values()]
    errors = {name: error.as_dict() for name, error in end.failed.items()}
    session.output.result(document | {"failed": errors}, "\n".join(lines))


def _refreshed_document(done: Refreshed) -> dict[str, Any]:
    return {"table": _document(done.table), "change": done.change, "held": _held_document(done.held)}


def _refreshed_lines(done: Refreshed, renamed: Mapping[str, str] = NOTHING) -> list[str]:
    if done.held is not None:
        return held_lines(done.table.name, done.held, renamed)
    lines = [f"{done.table.name} now has {done.table.rows:,} rows."]
    return lines if done.change is None else lines + change_lines(done.change)


@commands.command()
def replace(
    context: typer.Context,
    name: Name,
    columns: Annotated[list[str], typer.Argument(metavar="OLD=NEW...", help="A missing column, and one of the table.")],
) -> None:
    """Put columns of the table in place of missing ones, in every segment, export and link that needs them."""
    session = session_of(context)
    renamed = dict(_renaming(text) for text in columns)
    _tell_queries(session, name, renamed)
    with session.output.progress() as progress:
        table = session.services.tables.use_columns(name, renamed, progress.context())
    words = ", ".join(f"{new} stands for {old}" for old, new in renamed.items())
    session.output.result({"table": _document(table), "replaced": renamed}, f"{words} now.")


@commands.command()
def remove(context: typer.Context, name: Name) -> None:
    """Take a table out of the workspace; its source stays."""
    session = session_of(context)
    users = session.services.tables.used_by(name)
    table = session.services.tables.remove(name)
    needed = f" It is needed by {', '.join(users)}." if users else ""
    session.output.result({"removed": table.name, "used_by": users}, f"Removed the table '{table.name}'.{needed}")


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
    column: Annotated[str, typer.Argument(metavar="COLUMN")],
    meaning: Annotated[Meaning, typer.Argument(metavar="MEANING")],
) -> None:
    """Say what a column holds."""
    session = session_of(context)
    table = session.services.tables.set_meaning(name, column, meaning)
    session.output.result({"table": _document(table)}, f"{table.name}.{column} is {meaning}.")


@commands.command()
def values(context: typer.Context, name: Name, column: Annotated[str, typer.Argument(metavar="COLUMN")]) -> None:
    """The values of a column of countries, languages or consent, and what they mean; unknown ones first."""
    session = session_of(context)
    with session.output.progress() as progress:
        found = session.services.tables.values.values(name, column, progress.context())
    session.output.rows(
        "values",
        ("Value", "Rows", "Means", "Said"),
        [(each.value, each.rows, each.means, each.said) for each in found],
        [plain(each) for each in found],
    )


@commands.command("map")
def map_(
    context: typer.Context,
    name: Name,
    column: Annotated[str, typer.Argument(metavar="COLUMN")],
    said: Annotated[
        list[str], typer.Argument(metavar="VALUE=MEANING...", help="As Holland=NL or jawohl=yes; VALUE= forgets.")
    ],
) -> None:
    """Say what values of a column mean where they are matched, sent or read as consent."""
    session = session_of(context)
    pairs = [each.rpartition("=") for each in said]
    wrong = next((each for each, (value, _, _meant) in zip(said, pairs, strict=True) if not value), None)
    if wrong is not None:
        raise FixData(f"“{wrong}” says nothing.", "A value and what it means are needed.", "Write VALUE=MEANING.")
    table = session.services.tables.values.map(name, column, {value: meant for value, _, meant in pairs})
    session.output.result({"table": _document(table)}, f"{table.name}.{column} is mapped.")


@commands.command()
def confirm(context: typer.Context, name: Name) -> None:
    """Say that the guessed meanings of all columns are right."""
    session = session_of(context)
    table = session.services.tables.confirm_meanings(name)
    session.output.result({"table": _document(table)}, f"The meanings of {table.name} are confirmed.")


@commands.command()
def link(
    context: typer.Context,
    one: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
    many: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
) -> None:
    """Say that each row of the first table may have many rows of the second."""
    session = session_of(context)
    made = session.services.tables.links.add(_field(one), _field(many))
    session.output.result({"link": made}, f"{one} has many {many}.")


@commands.command()
def unlink(
    context: typer.Context,
    one: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
    many: Annotated[str, typer.Argument(metavar="TABLE.COLUMN")],
) -> None:
    """Remove a link."""
    session = session_of(context)
    removed = session.services.tables.links.remove(_field(one), _field(many))
    session.output.result({"unlinked": removed}, f"{one} and {many} are not linked any more.")


def change_lines(change: TableChange) -> list[str]:
    """What a refresh changed, in sentences."""
    lines = []
    if change.rows_added is not None and change.rows_removed is not None:
        lines.append(f"{of(change.rows_added, 'row')} came and {change.rows_removed:,} went.")
    lines += [f"{link.one_table} is linked to {link.many_table} as the source says." for link in change.links]
    if change.key is not None:
        lines.append(f"{change.key} is the key, as the source says.")
    columns = change.columns
    if columns.added:
        lines.append(f"New columns: {', '.join(columns.added)}.")
    if columns.removed:
        lines.append(f"Columns that are gone: {', '.join(columns.removed)}.")
    lines += [f"{column.name} was {column.before} and is {column.now}." for column in columns.retyped]
    return lines


def held_lines(table: str, held: HeldRefresh, renamed: Mapping[str, str] = NOTHING) -> list[str]:
    """Why a refresh waits, what needs the columns, and what can be done, in sentences; `renamed` was said already."""
    lines = [f"{table} was not refreshed: its columns changed, and something would stop working. The old rows stay."]
    lines += [f"{column.name} is gone." for column in held.gone]
    lines += [f"{column.name} was {column.before} and is {column.now}." for column in held.changed.retyped]
    for kind, words in (
        (UserKind.KEY, "The key of"),
        (UserKind.LINK, "Links"),
        (UserKind.SEGMENT, "Segments"),
        (UserKind.EXPORT, "Exports"),
    ):
        found = [broken.name for broken in held.broken if broken.kind is kind]
        if found:
            lines.append(f"{words}: {', '.join(found)}.")
    gone = [column.name for column in held.gone]
    for offer in held.offers:
        if offer.gone in gone and offer.alike:
            lines.append(f"{offer.column} holds {offer.alike:.0%} of the values of {offer.gone}.")
    wanted = dict(renamed) | {name: held.chosen.get(name, "COLUMN") for name in gone}
    if gone:
        said = "".join(f" --rename {old}={new}" for old, new in wanted.items())
        lines.append(f"Use other columns in their place:{said}")
    if all(broken.kind is not UserKind.KEY for broken in held.broken):
        lines.append("Or take the columns as they are: --anyway")
    return lines


def _held_document(held: HeldRefresh | None) -> dict[str, Any] | None:
    return None if held is None else asdict(held) | {"chosen": held.chosen}


def _renaming(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals or not old or not new:
        raise FixData(
            f"'{text}' says no new name.", "It is written OLD=NEW.", "Write it so and try again.", code="invalid_rename"
        )
    return old, new


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
