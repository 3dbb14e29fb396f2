"""`sendoff roles`: which role this operating-system account has in the workspace."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.session import session_of
from app.core.roles import Role

commands = typer.Typer(help="Roles of the workspace.", no_args_is_help=True)


@commands.command()
def show(context: typer.Context) -> None:
    """The role in force."""
    session = session_of(context)
    role, person = session.services.roles.role(), session.services.roles.person()
    session.output.result({"role": role, "person": person}, f"{person} is {role}.")


@commands.command("set")
def set_role(context: typer.Context, role: Annotated[Role, typer.Argument()]) -> None:
    """Change the workspace's role."""
    session = session_of(context)
    session.services.roles.set_role(role)
    session.output.result({"role": role}, f"The role is now {role}.")
