"""`sendoff segments`: define, count and look at segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import of, plain
from app.cli.session import session_of
from app.core.counts import Count, Linked, Verdict
from app.core.segments import Segment
from app.jobs import JobContext
from app.services.documents import read_documents, write_document

if TYPE_CHECKING:  # the engine is loaded only when something is counted
    from app.services.segment_builder import SegmentBuilder

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
    rules: Annotated[
        bool, typer.Option("--rules", help="Also what each rule gives, and what is left after it.")
    ] = False,
) -> None:
    """Count a segment's members and, for a connection, how many of them would be sent."""
    session = session_of(context)
    services = session.services
    with session.output.progress() as progress:
        counted = services.counts.count(name, connection or None, progress.context())
        steps = _steps(services.segment_builder, services.segments.get(name), progress.context()) if rules else []
    limits = services.connections.get(connection).description.limits if connection else None
    document = _count_document(counted, limits.maximum if limits else None, limits.minimum if limits else None)
    if rules:
        document["rules"] = [{"rule": i + 1, "members": alone, "left": left} for i, (alone, left) in enumerate(steps)]
    sentences = [f"Rule {i + 1}: {of(alone, 'member')}, {left:,} left." for i, (alone, left) in enumerate(steps)]
    session.output.result(document, "\n".join([*sentences, _count_sentence(counted, sent=bool(connection))]))


def _steps(builder: SegmentBuilder, segment: Segment, ctx: JobContext) -> list[tuple[int, int]]:
    """Members of each rule alone, and those left after it; a saved segment has no unfinished rule."""
    look = builder.look(segment, ctx)
    return [(alone or 0, left or 0) for alone, left in zip(look.rules, look.running, strict=True)]


@commands.command()
def reach(context: typer.Context, name: Name) -> None:
    """How many members have a usable e-mail address, a usable phone number, and have agreed."""
    session = session_of(context)
    services = session.services
    with session.output.progress() as progress:
        found = services.segment_builder.reach(services.segments.get(name), progress.context())
    parts = {"usable e-mail": found.email, "usable phone": found.phone, "consent": found.consent}
    told = [f"{number:,} with {words}" for words, number in parts.items() if number is not None]
    told += [f"{found.suppressed:,} on the suppression list"] if found.suppressed else []
    session.output.result(plain(found), f"{name}: {', '.join(told) if told else 'no column says how to reach them'}.")


@commands.command()
def overlap(context: typer.Context, name: Name, other: Annotated[str, typer.Argument(metavar="OTHER_SEGMENT")]) -> None:
    """How many members two segments share."""
    session = session_of(context)
    services = session.services
    with session.output.progress() as progress:
        with_name = services.segments.get(other).name
        found = services.segment_builder.overlap(services.segments.get(name), with_name, progress.context())
    session.output.result(
        plain(found), f"{found.both:,} in both: of {found.members:,} in {name}, and of {found.others:,} in {with_name}."
    )


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
    skipped = " It would be skipped." if count.verdict in {Verdict.TOO_LARGE, Verdict.TOO_SMALL} else ""
    between = "".join(f"{number:,} {words}, " for words, number in parts.items() if number)
    numbers = f"{count.segment}: {of(count.members, 'member')}, {between}{count.to_send:,} to send."
    return f"{numbers} {count.reason}{skipped}".rstrip()


@commands.command()
def members(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="So many members at most.")] = 100,
) -> None:
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
