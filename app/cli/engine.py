"""`sendoff engine`: where tables live beside this computer."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from app.cli.output import of
from app.cli.secret_sources import HELP, read_secrets
from app.cli.session import Session, session_of
from app.core.errors import FixSettings
from app.core.servers import ServerAddress, ServerTest, ServerUrl

commands = typer.Typer(
    help="The data engine: DuckDB on this computer, and a server: PostgreSQL or Spark.", no_args_is_help=True
)
SecretOption = Annotated[list[str], typer.Option("--secret", metavar="NAME=SOURCE", help=HELP)]


@commands.command()
def show(context: typer.Context) -> None:
    """Which engines this workspace uses."""
    session = session_of(context)
    address = session.services.servers.address()
    there = [table.name for table in session.services.tables.all() if table.server is not None]
    words = "Tables live on this computer, in DuckDB."
    if address is not None:
        reader = f", read as {address.user}" if address.user else ""
        server = f"The {address.kind.label} server is {address}{reader}"
        words = f"{words} {server}; {of(len(there), 'table')} of this workspace there."
    session.output.result({"engine": _engine(address), "server": _document(address), "tables": there}, words)


@commands.command()
def limits(
    context: typer.Context,
    memory: Annotated[int | None, typer.Option("--memory", metavar="GB", min=1, help="Kept in memory at most.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="So many threads work at once.")] = None,
) -> None:
    """How much of this computer DuckDB may use; with options it is changed, for every workspace here."""
    session = session_of(context)
    service = session.services.engine_limits
    found = service.limits()
    if memory is not None or threads is not None:
        found = service.set(memory_gb=memory, threads=threads)
    computer = service.computer()
    words = f"{found.memory_gb} GB of {computer.gigabytes} GB, {of(found.threads, 'thread')} on {of(computer.cores, 'core')}."
    there = {"gigabytes": computer.gigabytes, "cores": computer.cores}
    session.output.result(asdict(found) | {"computer": there}, words)


@commands.command("set")
def set_engine(
    context: typer.Context,
    engine: Annotated[
        str,
        typer.Argument(metavar="URL|duckdb", help="postgresql://user@host:port/database or spark://host:port/catalog"),
    ],
    secrets: SecretOption = [],
    seconds: Annotated[int | None, typer.Option(min=1, help="How long a question may take there.")] = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Save without testing.")] = False,
) -> None:
    """Use a PostgreSQL server or a Spark cluster beside this computer, after a test of it; or DuckDB alone.

    The address may end in ?sslmode=disable, require or verify-full (the default) and &sslrootcert=FILE. PostgreSQL's secret is
    its password, Spark's its token.
    """
    session = session_of(context)
    servers = session.services.servers
    if engine == "duckdb":
        servers.remove()
        session.output.result({"engine": "duckdb", "server": None}, "Tables live on this computer.")
        return
    address = ServerUrl.parse(engine, servers.address()).address
    if seconds is not None:
        address = replace(address, seconds=seconds)
    tested = use_server(session, address, secrets, test=not no_test)
    words = f"Using {address}." if tested is None else f"Using {address}. {_sentence(address, tested)}"
    session.output.result(
        {"engine": _engine(address), "server": _document(address), "test": tested and asdict(tested)}, words
    )


@commands.command()
def test(context: typer.Context) -> None:
    """Reach the server and look around."""
    session = session_of(context)
    if session.services.servers.address() is None:
        from app.services.computer import check_engine

        session.output.result({"engine": "duckdb", "ok": True}, f"{check_engine()} answers on this computer.")
        return
    with session.output.progress() as progress:
        tested = session.services.servers.test(progress.context())
    address = session.services.servers.address()
    assert address is not None
    session.output.result({"engine": address.kind, "ok": True, **asdict(tested)}, _sentence(address, tested))


@commands.command()
def tables(context: typer.Context) -> None:
    """What may be read on the server, and what of it is in the workspace."""
    session = session_of(context)
    with session.output.progress() as progress:
        offered = session.services.tables.server.offered(progress.context())
    session.output.rows(
        "tables",
        ("Schema", "Table", "Rows, about", "In the workspace as"),
        [(o.place.schema, o.place.name, o.rows, o.added) for o in offered],
        map(asdict, offered),
    )


def use_server(session: Session, address: ServerAddress, secrets: list[str], *, test: bool) -> ServerTest | None:
    """Keep the address and its secret, after a test unless told otherwise."""
    given = read_secrets(secrets)
    name = address.kind.secret
    unknown = sorted(given.keys() - {name})
    if unknown:
        raise FixSettings(
            f"{address.kind.label} has no secret “{unknown[0]}”.",
            f"It has a {name} only.",
            f"Write --secret {name}=SOURCE.",
            code="invalid_option",
        )
    tested = None
    servers = session.services.servers
    if test:
        with session.output.progress() as progress:
            tested = servers.test(progress.context(), address, given.get(name))
    servers.set(address, given.get(name))
    return tested


def _engine(address: ServerAddress | None) -> str:
    return "duckdb" if address is None else address.kind


def _document(address: ServerAddress | None) -> dict[str, Any] | None:
    return None if address is None else asdict(address)


def _sentence(address: ServerAddress, tested: ServerTest) -> str:
    way = "encrypted" if tested.encrypted else "not encrypted"
    sentence = (
        f"{address.kind.label} {tested.version} answered in {tested.milliseconds:,} ms, {way}; "
        f"{of(tested.tables, 'table')} can be read."
    )
    if tested.writes:
        sentence += " This role may also write there: one that only reads is enough."
    return sentence
