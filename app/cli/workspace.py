"""`sendoff workspace`: make one, look at one, change what it says of itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import of
from app.cli.session import session_of
from app.core.errors import FixSettings
from app.core.workspaces import Audience

commands = typer.Typer(help="The folder all work happens in.", no_args_is_help=True)


@commands.command()
def create(
    context: typer.Context,
    folder: Path = typer.Argument(metavar="DIR"),
    audience: Audience = typer.Option(..., help="Individual consumers or business accounts."),
    name: str = typer.Option("", help="The name people see; else the folder's name."),
) -> None:
    """Make a workspace in a new or empty folder."""
    from app.bootstrap import create_workspace

    session = session_of(context)
    services = create_workspace(folder, name or folder.resolve().name, audience.value)
    session.use(services)
    info = services.workspace.info()
    session.output.result(
        {"workspace": info, "folder": folder.resolve()}, f"Made the workspace '{info.name}' in {folder.resolve()}."
    )


@commands.command()
def show(context: typer.Context) -> None:
    """What this workspace holds."""
    session = session_of(context)
    services = session.services
    info = services.workspace.info()
    numbers = {
        "tables": len(services.tables.all()),
        "segments": len(services.segments.all()),
        "connections": len(services.connections.all()),
        "exports": len(services.exports.all()),
    }
    parts = ", ".join(of(number, word.removesuffix("s")) for word, number in numbers.items())
    session.output.result(
        {"workspace": info, "folder": services.workspace.folder, "role": services.roles.role(), **numbers},
        f"{info.name} ({info.audience}) in {services.workspace.folder}: {parts}. Your role is {services.roles.role()}.",
    )


@commands.command("set")
def change(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Another name.")] = "",
    country: Annotated[
        str, typer.Option(metavar="CODE", help="Where phone numbers without a country belong: DE, AT ...")
    ] = "",
) -> None:
    """Change the workspace's name or its default country."""
    session = session_of(context)
    service = session.services.workspace
    if not name and not country:
        raise FixSettings("Say what to change: --name or --country.", code="invalid_option")
    if country:
        service.set_country(country.upper())
    if name:
        service.rename(name)
    info = service.info()
    session.output.result({"workspace": info}, f"{info.name} reads phone numbers as those of {info.country_code}.")


@commands.command()
def keep(
    context: typer.Context,
    runs: Annotated[int | None, typer.Option(metavar="DAYS", help="Runs with their numbers, phases and logs.")] = None,
    rejects: Annotated[int | None, typer.Option(metavar="DAYS", help="Who was refused or left out, by name.")] = None,
    changes: Annotated[
        int | None,
        typer.Option(metavar="DAYS", help="Who was added, changed and removed; comparing and undoing need it."),
    ] = None,
    receipts: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Receipts; they stay at least as long as their runs.")
    ] = None,
) -> None:
    """How many days is kept what runs leave behind; without options it is shown."""
    session = session_of(context)
    service = session.services.retention
    given = {"runs": runs, "rejects": rejects, "changes": changes, "receipts": receipts}
    kept = service.get() if all(days is None for days in given.values()) else service.set(**given)
    words = ", ".join(f"{name} {of(days, 'day')}" for name, days in asdict(kept).items())
    session.output.result({"keep": kept}, f"Kept: {words}.")
