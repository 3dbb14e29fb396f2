"""`sendoff workspace`: make one, look at one."""

from __future__ import annotations

from pathlib import Path

import typer

from app.cli.output import of
from app.cli.session import session_of
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
