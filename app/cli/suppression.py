"""`sendoff suppression`: who is never sent to a destination."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import of, plain
from app.cli.session import session_of
from app.core.erasing import Erasure, Trace
from app.core.errors import FixData, SendoffError
from app.core.exports import ExportKind
from app.core.suppression import Change, ChangeKind, ContactKind, Effect

commands = typer.Typer(help="The suppression list: who is never sent to a destination.", no_args_is_help=True)
STDIN = "-"

File = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV, text, Excel, Parquet or JSON lines; - reads lines of stdin.")
]
Column = Annotated[str | None, typer.Option("--column", help="The column with the values; else it is guessed.")]
Kind = Annotated[ContactKind | None, typer.Option("--kind", help="What stands in it; else it is guessed.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="Address, phone number or SHA-256; - reads it from stdin.")]
SourceId = Annotated[int, typer.Argument(metavar="ID", help="As 'suppression sources' shows it.")]


@commands.command()
def show(context: typer.Context) -> None:
    """How many entries the list has."""
    session = session_of(context)
    numbers = session.services.suppression.numbers()
    kinds = f"{numbers.emails:,} by e-mail, {numbers.phones:,} by phone number"
    sentence = f"{of_entries(numbers.entries)}: {kinds}; {numbers.recent:,} new in the last 7 days."
    session.output.result(plain(numbers), sentence)


@commands.command()
def preview(context: typer.Context, file: File, column: Column = None, kind: Kind = None) -> None:
    """What `add` would take from a file: the column, what stands in it, and its first values, masked."""
    session = session_of(context)
    service = session.services.suppression
    with session.output.progress() as progress:
        ctx = progress.context()
        if file == STDIN:
            found = service.preview_text(sys.stdin.read(), ctx, kind=kind)
        else:
            found = service.preview(Path(file), ctx, column=column, kind=kind)
    values = ", ".join(found.values)
    hashed = ", already hashed" if found.hashed else ""
    sentence = f"{found.name}: {of(found.rows, 'row')}, column {found.column} ({found.kind}{hashed}): {values}"
    session.output.result(plain(found), sentence)


@commands.command()
def add(
    context: typer.Context,
    file: File,
    column: Column = None,
    kind: Kind = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the source is called, for values from stdin.")
    ] = None,
) -> None:
    """Put the values of a file, or of stdin, on the list, plain or as SHA-256; those known are counted, not doubled."""
    session = session_of(context)
    service = session.services.suppression
    with session.output.progress() as progress:
        ctx = progress.context()
        if file == STDIN:
            named = {} if name is None else {"name": name}
            done = service.import_text(sys.stdin.read(), ctx, kind=kind, **named)
        else:
            done = service.import_file(Path(file), ctx, column=column, kind=kind)
    sentence = f"{done.name}: {done.new:,} new, {done.known:,} known, {done.unreadable:,} not readable."
    session.output.result(plain(done), sentence)


@commands.command()
def sources(context: typer.Context) -> None:
    """Where the entries come from; one that came from two sources counts once in the list."""
    session = session_of(context)
    found = session.services.suppression.sources()
    session.output.rows(
        "sources",
        ("Id", "Source", "Kind", "Entries", "Added", "By"),
        [(str(s.id), s.name, s.kind, s.entries, s.added_at, s.added_by) for s in found],
        [plain(s) for s in found],
    )


@commands.command()
def history(
    context: typer.Context, limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many changes at most.")] = 50
) -> None:
    """What changed the list, the newest first."""
    session = session_of(context)
    found = session.services.suppression.changes(limit)
    session.output.rows(
        "changes",
        ("When", "What", "Entries", "By"),
        [(c.at, sentence_of(c), f"{c.entries:+,}", c.by) for c in found],
        [plain(c) for c in found],
    )


@commands.command()
def check(context: typer.Context, value: Value) -> None:
    """Whether a value is on the list; it is hashed and compared, and not kept."""
    session = session_of(context)
    listing = session.services.suppression.check(_given(value))
    found = plain(listing) if listing is not None else {}
    sentence = "It is not on the list."
    if listing is not None:
        sentence = f"It has been on the list since {listing.since:%Y-%m-%d}, from {listing.source}."
    session.output.result({"listed": listing is not None, **found}, sentence)


@commands.command("take-off")
def take_off(
    context: typer.Context, value: Value, reason: Annotated[str, typer.Option("--reason", help="Kept in the history.")]
) -> None:
    """Take one value off the list, whatever source it came from."""
    session = session_of(context)
    taken = session.services.suppression.take_off(_given(value), reason)
    session.output.result({"taken_off": 1, "kind": taken.kind}, "It is off the list.")


@commands.command()
def remove(context: typer.Context, source: SourceId) -> None:
    """Remove a source, and the entries that came from nowhere else."""
    session = session_of(context)
    session.services.suppression.remove_source(source)
    session.output.result({"removed": source}, f"Removed source {source}; 'suppression put-back {source}' undoes it.")


@commands.command("put-back")
def put_back(context: typer.Context, source: SourceId) -> None:
    """Put a source back that was removed within the last day."""
    session = session_of(context)
    session.services.suppression.put_back_source(source)
    session.output.result({"put_back": source}, f"Source {source} is on the list again.")


@commands.command("read-back")
def read_back(
    context: typer.Context,
    connection: Annotated[str | None, typer.Argument(metavar="CONNECTION", help="Only this one; else all.")] = None,
    after_runs: Annotated[
        bool | None, typer.Option("--after-runs/--not-after-runs", help="Do it after each run from now on, or not.")
    ] = None,
) -> None:
    """Put who unsubscribed at a destination on the list, where the destination can be asked."""
    session = session_of(context)
    service = session.services.unsubscribes
    if after_runs is not None:
        service.set_after_runs(on=after_runs)
    names = [connection] if connection is not None else [each.name for each in service.readable()]
    with session.output.progress() as progress:
        done = [service.read_back(name, progress.context()) for name in names]
    session.output.rows(
        "read_back",
        ("Connection", "Told", "New"),
        [(each.connection, each.told, each.new) for each in done],
        [plain(each) for each in done],
    )


@commands.command()
def erase(
    context: typer.Context,
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="Address, phone number or key of the table; - reads it from stdin.")
    ],
    look: Annotated[bool, typer.Option("--look", help="Only show where the person stands; changes nothing.")] = False,
    suppress: Annotated[
        bool,
        typer.Option("--suppress/--no-suppress", help="Put an address or number on the list, so that nobody sends it."),
    ] = True,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Also drop the note by which a mirrored export would take the person out.")
    ] = False,
) -> None:
    """Erase a person from what runs and exports left behind in the workspace, and put them on the list.

    Notes of what destinations hold keep an address in clear where the destination takes addresses, because taking somebody out
    needs it: those stay until the export's next run took the person out, unless --at-once. Tables are copies of their source:
    erase the person there and refresh. Receipts name nobody; counts stay as they were.
    """
    session = session_of(context)
    service, given = session.services.erasing, _given(value)
    with session.output.progress() as progress:
        ctx = progress.context()
        done = service.look(given, ctx) if look else service.erase(given, ctx, suppress=suppress, at_once=at_once)
    session.output.result({"erased": not look, **plain(done)}, "\n".join(erasure_lines(done, looked=look)))


@commands.command()
def effect(context: typer.Context) -> None:
    """How many members of each segment export the list leaves out, and how many the next run removes for it."""
    session = session_of(context)
    services = session.services
    found: list[tuple[str, Effect | None, str]] = []
    with session.output.progress() as progress:
        for row in services.exports.all():
            if row.export.kind is not ExportKind.SEGMENT:
                continue
            try:
                found.append((row.export.name, services.suppression_effect.of(row.export, progress.context()), ""))
            except SendoffError as error:  # its segment is gone, say: the others still have their number
                found.append((row.export.name, None, error.what))
    session.output.rows(
        "exports",
        ("Export", "Left out", "Next run removes", "Why not counted"),
        [
            (name, None if effect is None else effect.left_out, _next_run(effect), reason)
            for name, effect, reason in found
        ],
        [
            {
                "export": name,
                "suppressed": None if effect is None else effect.left_out,
                "removed_next_run": None if effect is None else effect.removed,
                "skipped": effect is not None and effect.skipped,
                "reason": reason,
            }
            for name, effect, reason in found
        ],
    )


def _next_run(effect: Effect | None) -> str | int | None:
    if effect is None:
        return None
    return "skipped" if effect.skipped else effect.removed


def sentence_of(change: Change) -> str:
    """A change in words."""
    noun = "e-mail address" if change.kind is ContactKind.EMAIL else "phone number"
    match change.what:
        case ChangeKind.IMPORTED:
            known = f", {change.known:,} were known" if change.known else ""
            unreadable = f", {change.unreadable:,} not readable" if change.unreadable else ""
            return f"{change.source} imported{known}{unreadable}"
        case ChangeKind.IMPORT_UNDONE:
            return f"Import of {change.source} undone"
        case ChangeKind.SOURCE_REMOVED:
            return f"{change.source} removed"
        case ChangeKind.SOURCE_PUT_BACK:
            return f"{change.source} put back"
        case ChangeKind.TAKEN_OFF:
            return f"1 {noun} taken off: {change.reason}"
        case ChangeKind.PUT_BACK:
            return f"1 {noun} put back"
        case ChangeKind.READ_BACK:
            return f"{change.source}: {of_entries(change.entries)}"


_TRACES = {
    Trace.SENT: "in the notes of what destinations hold",
    Trace.CHANGES: "in the changes of runs",
    Trace.REJECTS: "among the rejects of runs",
    Trace.LEFT_OUT: "among those runs left out",
    Trace.FIXED_LIST: "on the fixed list",
    Trace.NOTED_RULES: "in rules as runs noted them",
    Trace.REMOVED: "in what was removed or replaced",
}


def erasure_lines(done: Erasure, *, looked: bool) -> list[str]:
    """What was found where, and what is left."""
    lines = [f"{each.number:,} {_TRACES[each.trace]}: {each.name or 'an export that is gone'}" for each in done.found]
    lines = lines or ["Nothing of this person was found."]
    for each in done.remains:
        how = "its next run takes the person out" if each.removed_by_run else "take the person out there by hand"
        lines.append(f"Still at {each.connection or 'a destination'}, by the export {each.export}: {how}.")
    lines += [f"Still in the table {name}: erase the row at its source and refresh." for name in done.tables]
    lines += [
        f"Still in the plan of the export {name}, which was interrupted: resume it or run it again, then erase them again."
        for name in done.interrupted
    ]
    lines += [f"The rules of the segment {name} name the value: edit them." for name in done.rules]
    if done.suppressed:
        lines.append("On the suppression list now, as a salted hash.")
    lines.append("Nothing was changed." if looked else f"Erased {done.number:,} entries as far as told above.")
    return lines


def of_entries(number: int) -> str:
    """1 entry, 2,000 entries."""
    return "1 entry" if number == 1 else f"{number:,} entries"


def _given(value: str) -> str:
    """The value itself, or what stands on stdin, so that it needs not be in the list of running programs."""
    given = sys.stdin.readline() if value == STDIN else value
    if not given.strip():
        raise FixData("There is no value.", "Nothing was given.", "Give an address or number.", code="no_value")
    return given
