"""`sendoff segments`: define, count and look at segments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import of, plain
from app.cli.session import session_of
from app.core.counts import Count, Linked
from app.services.documents import read_documents, write_document

commands = typer.Typer(help="Segments of customers, contacts or accounts.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="SEGMENT")]


@commands.command()
def save(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.yaml")]) -> None:
    """Create or change the segments of a file; nothing is saved when one of them is wrong."""
    session = session_of(context)
    segments = session.services.segments.save_all(read_documents(file), file.resolve().parent)
    names = [s.name for s in segments]
    session.output.result({"segments": names}, f"Saved {', '.join(names)}.")


@commands.command("list")
def list_segments(context: typer.Context) -> None:
    """All segments with their last count."""
    session = session_of(context)
    rows = session.services.segments.all()
    session.output.rows(
        "segments",
        ("Segment", "Of", "Kind", "Members", "Linked", "Counted"),
        [
            (
                r.segment.name,
                r.segment.of,
                r.segment.described_kind,
                r.count.members if r.count else None,
                _linked_words(r.count.linked) if r.count else "",
                r.count.counted_at if r.count else None,
            )
            for r in rows
        ],
        [
            {
                "name": r.segment.name,
                "of": r.segment.of,
                "kind": r.segment.described_kind,
                "words": r.words,
                "members": r.count.members if r.count else None,
                "linked": plain(r.count.linked) if r.count else None,
                "counted_at": r.count.counted_at if r.count else None,
            }
            for r in rows
        ],
    )


@commands.command()
def show(context: typer.Context, name: Name) -> None:
    """A segment's definition, as its file would be."""
    session = session_of(context)
    document = session.services.segments.document(name)
    if session.options.json:
        session.output.document(
            {
                "segment": document,
                "words": session.services.segments.words(name),
                "used_by": session.services.segments.used_by(name),
            }
        )
        return
    session.output.text(write_document(document))


def _linked_words(linked: Linked | None) -> str:
    """Such as "1,204 accounts"; the reason where the links do not tell, empty where there is nothing to link."""
    if linked is None:
        return ""
    return linked.reason if linked.members is None else of(linked.members, linked.of.removesuffix("s"))


def _count_document(count: Count, limit: int | None, minimum: int | None) -> dict[str, Any]:
    document = plain(count)
    return {**document, "limit": limit, "minimum": minimum}


@commands.command()
def count(
    context: typer.Context,
    name: Name,
    connection: Annotated[
        str, typer.Option("--for", metavar="CONNECTION", help="Count for this connection's limits.")
    ] = "",
) -> None:
    """Count a segment's members and, for a connection, how many of them would be sent."""
    session = session_of(context)
    services = session.services
    with session.output.progress() as progress:
        counted = services.counts.count(name, connection or None, progress.context())
    limits = services.connections.get(connection).description.limits if connection else None
    document = _count_document(counted, limits.maximum if limits else None, limits.minimum if limits else None)
    session.output.result(document, _count_sentence(counted, sent=bool(connection)))


def _count_sentence(count: Count, *, sent: bool) -> str:
    if not sent:
        listed = f" {count.suppressed:,} of them suppressed." if count.suppressed else ""
        linked = _linked_words(count.linked).rstrip(".")
        linked = f" Linked: {linked}." if linked else ""
        return f"{count.segment}: {of(count.members, 'member')}.{listed}{linked}"
    parts = {
        "eligible": count.eligible,
        "duplicates": count.duplicates,
        "without consent": count.no_consent,
        "suppressed": count.suppressed,
    }
    between = "".join(f"{number:,} {words}, " for words, number in parts.items() if number)
    return (
        f"{count.segment}: {of(count.members, 'member')}, {between}{count.to_send:,} to send. {count.reason}".rstrip()
    )


@commands.command()
def members(context: typer.Context, name: Name, limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100) -> None:
    """The first members of a segment, by key."""
    session = session_of(context)
    with session.output.progress() as progress:
        page = session.services.segments.members(name, limit, progress.context())
    session.output.rows(
        "members", page.columns, page.rows, [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    )


@commands.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove a segment that no export uses."""
    session = session_of(context)
    removed = session.services.segments.remove(name)
    session.output.result({"removed": removed.name}, f"Removed the segment '{removed.name}'.")
