"""`sendoff destinations`: what Sendoff can send to."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import plain
from app.cli.session import session_of

commands = typer.Typer(help="Destinations: the places Sendoff sends to.", no_args_is_help=True)


@commands.command("list")
def list_destinations(
    context: typer.Context, category: Annotated[str, typer.Option(help="Only this category.")] = ""
) -> None:
    """All destinations."""
    session = session_of(context)
    found = [
        d for d in session.services.destinations.all() if not category or d.category.casefold() == category.casefold()
    ]
    session.output.rows(
        "destinations",
        ("Destination", "Name", "Category", "Signs in with", "Takes"),
        [(d.id, d.name, d.category, d.signs_in_with, ", ".join(sorted(d.kinds))) for d in found],
        found,
    )


@commands.command()
def show(context: typer.Context, destination: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """A destination's fields, limits, sync modes and address."""
    session = session_of(context)
    description = session.services.destinations.get(destination)
    if session.options.json:
        session.output.document(plain(description))
        return
    out = session.output
    out.text(f"{description.name}: {description.summary}")
    out.text(f"Limit: {description.limits.maximum or 'none'} per {description.limits.scope}")
    for audience in description.audience_types:
        out.text(
            f"{audience.name}: takes {' and '.join(sorted(audience.takes))} ({description.audience_field}={audience.id})"
        )
    out.text(f"Address: {description.api_host or '–'}")
    out.rows(
        "fields",
        ("Connection field", "Label", "Kind", "Required"),
        [(f.id, f.label, f.kind, f.required) for f in description.connection_fields],
        (),
    )
    out.rows(
        "fields",
        ("Export field", "Label", "Kind", "Required"),
        [(f.id, f.label, f.kind, f.required) for f in description.export_fields],
        (),
    )
    out.rows(
        "fields",
        ("Match field", "Name", "Type", "Required"),
        [(f.id, f.name, f.type, f.required) for f in description.fields],
        (),
    )
