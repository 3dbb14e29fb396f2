"""`sendoff roles`: which role this operating-system account has in the workspace."""

from __future__ import annotations

import typer

from app.cli.session import session_of

commands = typer.Typer(help="Roles of the workspace.", no_args_is_help=True)


@commands.command()
def show(context: typer.Context) -> None:
    """The role in force."""
    session = session_of(context)
    role, person = session.services.roles.role(), session.services.roles.person()
    session.output.result({"role": role, "person": person}, f"{person} is {role}.")
