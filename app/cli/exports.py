"""`sendoff exports`: define, preview, run and schedule exports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.output import Exit, of, plain
from app.cli.plans import held_document, plan_document, plan_lines
from app.cli.previews import request_lines, show_member
from app.cli.session import Session, session_of
from app.core.errors import FixData, FixSettings
from app.core.export_documents import read_schedule
from app.core.runs import Run, Status, Totals, Trigger
from app.core.schedules import Every
from app.core.undoing import kept_words
from app.jobs import Cancelled
from app.services.documents import read_documents, write_document

if TYPE_CHECKING:  # it loads the engine
    from app.services.export_views import PreviewFile

commands = typer.Typer(help="Exports: what goes where, and when.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="EXPORT")]

EXITS = (
    (Exit.FAILED, frozenset({Status.FAILED, Status.INTERRUPTED, Status.NO_CONNECTION})),
    (Exit.CANCELLED, frozenset({Status.CANCELLED})),
    (Exit.NOT_RUN, frozenset({Status.SKIPPED_TOO_LARGE, Status.SKIPPED_TOO_SMALL, Status.HELD})),
    (Exit.WITH_REJECTS, frozenset({Status.COMPLETED_WITH_REJECTS})),
)


def exit_of(runs: list[Run]) -> Exit:
    """The worst status decides."""
    found = {run.status for run in runs}
    return next((code for code, statuses in EXITS if found & statuses), Exit.DONE)


def run_document(run: Run) -> dict[str, Any]:
    """A run as the contract prints it."""
    totals = run.totals
    seconds = (run.ended_at - run.started_at).total_seconds() if run.started_at and run.ended_at else 0.0
    error = {"what": run.error.what, "why": run.error.why, "fix": run.error.fix} if run.error else None
    return {
        "id": run.id,
        "export": run.export_name,
        "status": run.status.value,
        "added": totals.added,
        "updated": totals.updated,
        "removed": totals.removed,
        "unchanged": totals.unchanged,
        "rejected": totals.rejected,
        "left_out": totals.left_out,
        "suppressed": totals.suppressed,
        "rows": totals.rows,
        "files": totals.files,
        "bytes": totals.bytes,
        "seconds": round(seconds, 3),
        "skipped": plain(run.skipped),
        "held": held_document(run.held),
        "undoes": run.undoes,
        "kept_values": run.kept_values,
        "error": error,
    }


def done_words(totals: Totals) -> str:
    """What a run did, but for what it did to nobody: "12 added, 3 updated, 40 unchanged"; files by their rows."""
    words = ("added", "updated", "removed", "unchanged", "rejected")
    numbers = ", ".join(f"{number:,} {word}" for word in words if (number := getattr(totals, word)))
    if totals.files or totals.rows:
        written = f"{of(totals.rows, 'row')} in {of(totals.files, 'file')}"
        return f"{written} ({numbers})" if numbers else written
    return numbers


def run_sentence(run: Run) -> str:
    """A run in one line for people."""
    totals = run.totals
    if totals.files or totals.rows:
        numbers = f"; {done_words(totals)}, {of(totals.bytes, 'byte')}"
    elif totals == Totals() and (run.status is Status.FAILED or run.unit == "rows"):
        numbers = ""  # it did nothing: neither to members nor to rows
    else:
        words = ("added", "updated", "removed", "unchanged", "rejected", "left out")
        numbers = "; " + ", ".join(f"{getattr(totals, word.replace(' ', '_')):,} {word}" for word in words)
    reason = f" {run.error.what} {run.error.why} {run.error.fix}".rstrip() if run.error else ""
    if run.held is not None and run.status is Status.HELD:
        look = "Run" if run.unit == "rows" else "Look at the plan, then run"
        cause = f" {run.held.cause.detail}" if run.held.cause is not None else ""
        reason = f" {run.held.sentence}{cause} Nothing was sent. {look} it with --approve to send that much anyway."
    skipped = "".join(f" {s.segment}: {s.sentence}" for s in run.skipped)
    kept = f" {kept_words(run.kept_values)}" if run.kept_values else ""
    return f"{run.export_name}: {run.status.value.replace('_', ' ')}{numbers}.{kept}{reason}{skipped}"


def wait_for(session: Session, runs: list[Run]) -> list[Run]:
    """Wait until they end, with progress; Ctrl+C cancels them after the batch in flight."""
    if not runs:
        return []
    service = session.services.runs
    ids = [run.id for run in runs]
    with session.output.progress() as progress:
        try:
            return service.wait(ids, progress.context())
        except (KeyboardInterrupt, Cancelled):
            session.output.say("Cancelling after the batch in flight …")
            for identifier in ids:
                service.cancel(identifier)
            return service.wait(ids, progress.context())


@commands.command()
def apply(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.yaml")]) -> None:
    """Create or change the exports of a file; nothing is saved when one of them is wrong."""
    session = session_of(context)
    applied = session.services.exports.apply_all(read_documents(file), file.parent)
    names = [e.name for e in applied]
    session.output.result({"exports": names}, f"Saved {', '.join(names)}.")


@commands.command("list")
def list_exports(context: typer.Context) -> None:
    """All exports with status, members, last run and next run."""
    session = session_of(context)
    rows = session.services.exports.all()
    documents = [
        {
            "name": r.export.name,
            "kind": r.export.kind,
            "destination": r.export.destination,
            "connection": r.connection.name if r.connection else None,
            "status": r.status,
            "members": r.members,
            "rows": r.rows,
            "limit": r.limit,
            "last_run": r.latest.queued_at if r.latest else None,
            "next_run": r.next_due,
            "permission": r.permission,
        }
        for r in rows
    ]
    session.output.rows(
        "exports",
        ("Export", "Kind", "Destination", "Connection", "Members or rows", "Status", "Last run", "Next run"),
        [
            (
                r.export.name,
                r.export.kind,
                r.description.name,
                r.connection.name if r.connection else "None",
                r.members if r.members is not None else r.rows,
                r.status,
                r.latest.queued_at if r.latest else None,
                r.next_due,
            )
            for r in rows
        ],
        documents,
    )


@commands.command()
def show(context: typer.Context, name: Name) -> None:
    """An export's definition, as its file would be."""
    session = session_of(context)
    document = session.services.exports.document(name)
    if session.options.json:
        session.output.document({"export": document, "problems": session.services.exports.problems(name)})
        return
    session.output.text(write_document(document))


@commands.command()
def copy(context: typer.Context, name: Name, new_name: Annotated[str, typer.Option("--name", metavar="NAME")]) -> None:
    """Copy an export under a new name, without its schedule."""
    session = session_of(context)
    made = session.services.exports.copy(name, new_name)
    session.output.result({"export": made.name}, f"Made '{made.name}'.")


@commands.command()
def rename(
    context: typer.Context, name: Name, new_name: Annotated[str, typer.Option("--name", metavar="NAME")]
) -> None:
    """Give an export another name; its folders at a storage follow with the next run."""
    session = session_of(context)
    renamed = session.services.exports.rename(name, new_name)
    session.output.result({"export": renamed.name, "before": name}, f"'{name}' is '{renamed.name}' now.")


@commands.command()
def detach(context: typer.Context, name: Name) -> None:
    """Take the connection off an export; its schedule is paused."""
    session = session_of(context)
    session.services.exports.detach(name)
    session.output.result({"export": name, "connection": None}, f"'{name}' has no connection now.")


@commands.command()
def attach(
    context: typer.Context,
    name: Name,
    connection: Annotated[str, typer.Option(metavar="CONNECTION")],
    agree: Annotated[bool, typer.Option("--agree", help="You agree that this data goes to that connection.")] = False,
) -> None:
    """Give an export a connection of the same destination; without consent to it the export does not run."""
    session = session_of(context)
    attached = session.services.exports.attach(name, connection, agreed=agree)
    text = f"'{name}' uses '{connection}' now."
    if attached.consent is None:
        text += " Nobody agreed yet that its data leaves there, so it does not run: repeat the command with --agree."
    session.output.result({"export": name, "connection": connection, "agreed": attached.consent is not None}, text)


@commands.command()
def remove(context: typer.Context, name: Name) -> None:
    """Remove an export; what the destination holds stays there."""
    session = session_of(context)
    removed = session.services.exports.remove(name)
    session.output.result(
        {"removed": removed.name}, f"Removed the export '{removed.name}'. What the destination holds stays there."
    )


@commands.command()
def preview(
    context: typer.Context,
    name: Name,
    rows: Annotated[int, typer.Option(min=1, max=100, help="So many members or rows.")] = 3,
    metadata: Annotated[
        bool, typer.Option("--metadata", help="The documents about the tables instead, model.json among them.")
    ] = False,
    member: Annotated[
        str, typer.Option(metavar="KEY", help="This member alone, by our key or the whole e-mail address there.")
    ] = "",
    values: Annotated[
        bool, typer.Option("--values", help="With personal values, not masked. It is kept in the audit trail.")
    ] = False,
) -> None:
    """Exactly what would go over the wire, made by the code that sends; sends nothing.

    Of a member also each step: the value, how it is normalised, its hash.
    """
    session = session_of(context)
    if metadata:
        _show_files(session, name, session.services.exports.metadata(name))
        return
    if member:
        show_member(session, name, member, masked=not values)
        return
    with session.output.progress() as progress:
        shown = session.services.exports.preview(name, rows, progress.context(), masked=not values)
    if session.services.exports.get(name).description.any_field:
        _show_files(session, name, shown.files)
        return
    if session.options.json:
        session.output.document({"export": name, "requests": shown.requests})
        return
    for request in shown.requests:
        session.output.text("\n".join(request_lines(request)))


def _show_files(session: Session, name: str, files: Sequence[PreviewFile]) -> None:
    if session.options.json:
        session.output.document({"export": name, "files": files})
        return
    for file in files:
        session.output.text(f"{file.path}\n" + "\n".join(file.lines) + "\n")


@commands.command()
def plan(
    context: typer.Context,
    name: Name,
    members: Annotated[int, typer.Option(min=0, max=100, help="So many of each change, with masked values.")] = 3,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write everybody with values and reasons: personal data.")
    ] = None,
) -> None:
    """Who would be added, changed and removed, who is left out and why; sends nothing."""
    session = session_of(context)
    if csv is not None:
        _save_plan(session, name, csv)
        return
    with session.output.progress() as progress:
        made = session.services.plans.plan(name, progress.context(), members)
    if session.options.json:
        session.output.document(plan_document(made))
    else:
        session.output.text("\n".join(plan_lines(made)))
    if all(each.skipped for each in made.segments):
        session.status = Exit.NOT_RUN


def _save_plan(session: Session, name: str, file: Path) -> None:
    looks = session.services.plan_looks
    with session.output.progress() as progress:
        look = looks.look(name, progress.context())
        try:
            number = looks.save_csv(look, file, progress.context())
        finally:
            looks.close(look)
    document = plan_document(look.plan) | {"file": str(file), "rows": number}
    words = f"Wrote {of(number, 'member')} to {file}. The file holds personal data."
    if session.options.json:
        session.output.document(document)
    else:
        session.output.text("\n".join([*plan_lines(look.plan), words]))


@commands.command()
def run(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="EXPORT...")] = [],
    everything: Annotated[bool, typer.Option("--all", help="Every export with a connection.")] = False,
    approve: Annotated[
        bool,
        typer.Option(
            "--approve",
            help="Agree to what the newest run of each export was held for, and to no more. It is kept in the audit trail.",
        ),
    ] = False,
) -> None:
    """Run exports and wait; Ctrl+C cancels after the batch in flight.

    A run that a guard held tells what it would have done. --approve sends that: one that would do more is held again.
    """
    session = session_of(context)
    if bool(names) == everything:
        raise FixData("Name the exports to run, or use --all.", code="invalid_option")
    service = session.services.runs
    held = session.services.held_runs.agreed() if approve else {}
    started = (
        service.run_all(Trigger.COMMAND_LINE, held=held)
        if everything
        else service.start(names, Trigger.COMMAND_LINE, held=held)
    )
    if approve:
        for one in started:
            if one.export_id not in held:
                session.output.say(f"No run of '{one.export_name}' is held, so there was nothing to approve.")
    if not started:
        session.output.say("Nothing was run. There is no export with a connection you may use.")
    ended = wait_for(session, started)
    if session.options.json:
        session.output.document({"runs": [run_document(r) for r in ended]})
    else:
        for one in ended:
            session.output.text(run_sentence(one))
    session.status = exit_of(ended) if ended else Exit.NOT_RUN


@commands.command()
def schedule(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="EXPORT...")],
    every: Annotated[Every | None, typer.Option(help="How often.")] = None,
    at: Annotated[
        str, typer.Option(metavar="HH:MM", help="The time of day, else 06:00; for hourly only the minutes count.")
    ] = "",
    on: Annotated[str, typer.Option(help="Weekdays such as mon,thu, or days of the month such as 1,15.")] = "",
    time_zone: Annotated[str, typer.Option(help="Such as Europe/Berlin; else this computer's.")] = "",
    off: Annotated[bool, typer.Option("--off", help="Run by hand only.")] = False,
) -> None:
    """Say when exports run by themselves while Sendoff is open."""
    session = session_of(context)
    if off == (every is not None):
        raise FixSettings("Say --every hour, day, week or month, or --off.", code="invalid_option")
    days = [day.strip().lower() for day in on.split(",") if day.strip()]
    zone = time_zone or session.services.schedules.local_zone()
    wanted = (
        None if every is None else {"every": every.value, "on": days, "at": at or _usual_time(every), "time_zone": zone}
    )
    session.services.schedules.set(names, read_schedule(wanted, "The command"))
    due = {name: session.services.schedules.next_due(session.services.exports.get(name).export) for name in names}
    lines = "; ".join(
        f"'{name}' runs next at {when:%Y-%m-%d %H:%M} UTC" if when else f"'{name}' runs by hand only"
        for name, when in due.items()
    )
    session.output.result({"next_due": due}, f"{lines}.")


def _usual_time(every: Every) -> str:
    return "00:00" if every is Every.HOUR else "06:00"
