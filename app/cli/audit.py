"""`sendoff audit`: who did what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import session_of
from app.core.audit import Area, AuditEntry, AuditFilter, as_document

commands = typer.Typer(help="The audit trail: who did what, and when.", no_args_is_help=True)

AreaChoice = Annotated[Area | None, typer.Option("--area", help="Only this area.")]
PersonChoice = Annotated[str | None, typer.Option("--person", help="Only what this system account did.")]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="From this local time on.")
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Before this local time.")
]
Search = Annotated[str, typer.Option("--search", help="Only entries with this text in name, account or what was done.")]


@commands.command("list")
def list_(
    context: typer.Context,
    area: AreaChoice = None,
    person: PersonChoice = None,
    since: Since = None,
    until: Until = None,
    search: Search = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many entries at most.")] = 50,
) -> None:
    """The entries, the newest first; a contributor sees none of security."""
    session = session_of(context)
    page = session.services.audit.page(_filter(area, person, since, until, search), limit)
    _print(context, page.entries)


@commands.command()
def show(
    context: typer.Context, entry: Annotated[int, typer.Argument(metavar="ID", help="As 'audit list' shows it.")]
) -> None:
    """One entry with what was before and after."""
    session = session_of(context)
    found = session.services.audit.get(entry)
    if session.output.options.json:
        session.output.document(as_document(found))
        return
    _print(context, [found])
    changes = [name for name in found.after if found.before.get(name, "") != found.after[name]]
    changes += [name for name in found.before if name not in found.after]
    rows = [(name, found.before.get(name, ""), found.after.get(name, "")) for name in changes]
    session.output.rows("changes", ("Setting", "Before", "After"), rows, ())


@commands.command("put-back")
def put_back(
    context: typer.Context, entry: Annotated[int, typer.Argument(metavar="ID", help="As 'audit list' shows it.")]
) -> None:
    """Make it as it was before that entry; this is a new change with its own entry."""
    session = session_of(context)
    done = session.services.putting_back.put_back(entry)
    session.output.result({"put_back": as_document(done)}, f"“{done.name}” is as before.")


@commands.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Becomes JSON when its name ends so, else CSV.")],
    area: AreaChoice = None,
    person: PersonChoice = None,
    since: Since = None,
    until: Until = None,
    search: Search = "",
) -> None:
    """Write the entries into a file, all of them or those the options name."""
    session = session_of(context)
    number = session.services.audit.save(file, _filter(area, person, since, until, search))
    entries = "1 entry" if number == 1 else f"{number:,} entries"
    session.output.result({"file": str(file), "entries": number}, f"{entries} in {file}.")


def _filter(
    area: Area | None, person: str | None, since: datetime | None, until: datetime | None, search: str
) -> AuditFilter:
    local = [None if each is None else each.astimezone(UTC) for each in (since, until)]
    return replace(AuditFilter(area, person, text=search), since=local[0], until=local[1])


def _print(context: typer.Context, entries: Sequence[AuditEntry]) -> None:
    session_of(context).output.rows(
        "entries",
        ("Id", "When", "Who", "What", "On", "Note"),
        [(str(e.id), e.at, _who(e), words(e), e.name, e.note) for e in entries],
        [as_document(e) for e in entries],
    )


def words(entry: AuditEntry) -> str:
    """What was done, as a person reads it: Export changed."""
    return entry.deed.value.replace("_", " ").capitalize()


def _who(entry: AuditEntry) -> str:
    return f"Schedule, set up by {entry.person}" if entry.by_schedule else f"{entry.person} ({entry.role.value})"
