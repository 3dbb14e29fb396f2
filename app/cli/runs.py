"""`sendoff runs`: what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.comparing import difference_document, difference_lines
from app.cli.exports import done_words, exit_of, run_document, run_sentence, wait_for
from app.cli.output import Exit, of, plain
from app.cli.receipts import check_lines, receipt_lines
from app.cli.session import Session, session_of
from app.core.errors import FixSettings
from app.core.interruptions import DoubtRoad, Interruption
from app.core.receipts import Finding
from app.core.runs import Run, Status, Trigger
from app.core.undoing import kept_words

commands = typer.Typer(help="The history of runs.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="RUN")]


@commands.command("list")
def list_runs(
    context: typer.Context,
    export: Annotated[str, typer.Option(help="Only this export's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many runs at most.")] = 50,
) -> None:
    """Runs, newest first."""
    session = session_of(context)
    runs = session.services.runs.list(export or None, limit)
    session.output.rows(
        "runs",
        ("Run", "Export", "Status", "What was done", "Began", "Ended"),
        [
            (
                r.id,
                r.export_name,
                r.status.value.replace("_", " "),
                done_words(r.totals),
                r.started_at,
                r.ended_at,
            )
            for r in runs
        ],
        [
            {
                **run_document(r),
                "trigger": r.trigger,
                "queued_at": r.queued_at,
                "started_at": r.started_at,
                "ended_at": r.ended_at,
            }
            for r in runs
        ],
    )


@commands.command()
def cancel(context: typer.Context, run: RunId) -> None:
    """Stop a run after the batch in flight, take it out of the queue, or end a held one; what was sent stays."""
    session = session_of(context)
    service = session.services.runs
    if service.get(run).status is Status.HELD:
        session.services.held_runs.cancel(run)
    else:
        service.cancel(run)
        with session.output.progress() as progress:
            service.wait([run], progress.context())
    status = service.get(run).status
    session.output.result({"run": run, "status": status.value}, f"The run is {status.value.replace('_', ' ')}.")


@commands.command()
def show(context: typer.Context, run: RunId) -> None:
    """One run: numbers, phases, log."""
    session = session_of(context)
    found = session.services.runs.get(run)
    log = session.services.runs.log(run)
    if session.options.json:
        session.output.document(
            {**run_document(found), "phases": plain(found.phases), "hosts": list(found.hosts), "log": plain(log)}
        )
        return
    session.output.text(run_sentence(found))
    for line in log:
        session.output.text(f"{line.at:%H:%M:%S}  {line.phase:8} {line.text}")


@commands.command()
def resume(
    context: typer.Context,
    run: RunId,
    send_again: Annotated[
        bool, typer.Option("--send-again", help="Send members in doubt also where that may reach them twice.")
    ] = False,
) -> None:
    """Go on with a run that was interrupted, with its plan, and wait for its end."""
    session = session_of(context)
    found = session.services.resuming.look(run)
    session.output.say(interruption_sentence(found))
    _wait(session, session.services.resuming.resume(run, Trigger.COMMAND_LINE, send_again=send_again))


@commands.command()
def retry(context: typer.Context, run: RunId) -> None:
    """Send the rejected members of a run again with their newest values, nobody else, and wait for the end."""
    session = session_of(context)
    _wait(session, session.services.resuming.send_rejected_again(run, Trigger.COMMAND_LINE))


def _wait(session: Session, run: Run) -> None:
    (ended,) = wait_for(session, [run])
    if session.options.json:
        session.output.document({"runs": [run_document(ended)]})
    else:
        session.output.text(run_sentence(ended))
    session.status = exit_of([ended])


def interruption_sentence(found: Interruption) -> str:
    """What is certain of an interrupted run and what resuming does, for people."""
    numbers = found.numbers
    text = (
        f"{numbers.answered:,} of {found.planned:,} members were answered for, {numbers.in_doubt:,} are in doubt, "
        f"{numbers.not_sent:,} were not sent."
    )
    if not numbers.in_doubt:
        return text
    ways = {
        DoubtRoad.ASK: f"{found.destination} is asked who of them arrived.",
        DoubtRoad.SEND_AGAIN: "They are sent again, which does no harm there.",
        DoubtRoad.LEAVE: f"{found.destination} can't be asked, and sending them again may reach them twice.",
    }
    return f"{text} {ways[found.road]}"


@commands.command()
def rejects(
    context: typer.Context,
    run: RunId,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Save all as CSV; the file holds personal data.")
    ] = None,
) -> None:
    """Who was rejected, and why; values are masked unless saved to a file."""
    session = session_of(context)
    if to is not None:
        number = session.services.runs.save_rejects(run, to)
        session.output.result(
            {"file": to.resolve(), "rejects": number},
            f"Saved {number:,} rejects to {to}. The file holds personal data.",
        )
        return
    page = session.services.runs.rejects(run)
    session.output.rows(
        "rejects",
        ("Member", "Segment", "Field", "Value", "Reason", "Fix"),
        [(r.member, r.segment, r.field, r.value, r.reason, r.fix) for r in page.rejects],
        page.rejects,
    )


@commands.command()
def receipt(
    context: typer.Context,
    run: RunId,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Save it as it was written, or as text to FILE.txt.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nobody changed it since the run closed.")
    ] = False,
    copy: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="With --verify: is this saved copy the same?")
    ] = None,
) -> None:
    """What left this computer in a run, where it went and what came back; holds no personal value."""
    session = session_of(context)
    if verify or copy is not None:
        _verify(session, run, copy)
        return
    kept = session.services.receipts.get(run)
    if to is None:
        if session.options.json:
            session.output.document({"receipt": kept.receipt, "sha256": kept.sha256, "whole": kept.whole})
        else:
            session.output.text("\n".join(receipt_lines(kept)))
        return
    if to.suffix.casefold() not in {".json", ".txt"}:
        raise FixSettings(
            f"“{to.name}” can't be written here.",
            "The command line saves receipts as JSON or as text; the window also saves them as PDF.",
            "Give the file the ending .json or .txt.",
            code="receipt_type",
        )
    text = None if to.suffix.casefold() == ".json" else ("\n".join(receipt_lines(kept)) + "\n").encode()
    session.services.receipts.save(run, to, text)
    session.output.result({"file": to.resolve(), "receipt": kept.receipt.run}, f"Saved the receipt to {to}.")


def _verify(session: Session, run: str, copy: Path | None) -> None:
    found = session.services.receipts.check(run, copy)
    changed = Finding.DIFFERS in found.values()
    if session.options.json:
        session.output.document({"run": run, "whole": not changed, "checks": plain(found)})
    else:
        session.output.text("\n".join(check_lines(found)))
    session.status = Exit.FAILED if changed else Exit.DONE


@commands.command()
def compare(
    context: typer.Context,
    one: Annotated[str, typer.Argument(metavar="RUN")],
    other: Annotated[str, typer.Argument(metavar="RUN")],
    to: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Save who differs; the file names people.")
    ] = None,
) -> None:
    """Who is in one run's audience and not in the other's, and why: two runs of one export."""
    session = session_of(context)
    services = session.services
    with session.output.progress() as progress:
        ctx = progress.context()
        found = services.comparing.compare(one, other, ctx)
        saved = None if to is None else services.comparing.save(one, other, to, ctx)
    runs = sorted((services.runs.get(one), services.runs.get(other)), key=lambda run: run.queued_at)
    if to is not None:
        session.output.say(f"Saved {saved:,} members to {to}. The file names people.")
    if session.options.json:
        session.output.document(
            {"earlier": runs[0].id, "later": runs[1].id, **difference_document(found), "both": found.both}
        )
    else:
        session.output.text("\n".join(difference_lines(runs[0], runs[1], found)))


@commands.command()
def undo(
    context: typer.Context,
    run: RunId,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done; sends nothing.")] = False,
) -> None:
    """Take back the last run of an audience: whom it added is removed, whom it removed is added with the values of now.

    Changed members keep their new values, the earlier ones are not kept. Who is no longer in the tables, gave no consent or is
    on the suppression list is not put back. It is a run of its own, with a receipt of its own.
    """
    session = session_of(context)
    service = session.services.undo
    if plan:
        with session.output.progress() as progress:
            made = service.plan(run, progress.context())
        changes = made.changes
        numbers = {"to_remove": changes.removed, "to_add": changes.added, "kept_values": made.kept_values}
        lost = service.state(run).what.removed - changes.added
        sentences = [
            f"{changes.removed:,} would be removed, {changes.added:,} put back. Nothing has been sent.",
            f"{of(lost, 'member')} can't be put back." if lost > 0 else "",
            kept_words(made.kept_values),
        ]
        said = " ".join(filter(None, sentences))
        session.output.result({"run": run, **numbers, "not_put_back": max(0, lost)}, said)
        return
    ended = wait_for(session, [service.start(run, Trigger.COMMAND_LINE)])
    if session.options.json:
        session.output.document({"runs": [run_document(r) for r in ended]})
    else:
        session.output.text("\n".join(map(run_sentence, ended)))
    session.status = exit_of(ended)
