"""`sendoff scheduler`: run what is due."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.cli.exports import exit_of, run_document, run_sentence, wait_for
from app.cli.session import Session, session_of
from app.core.runs import Run
from app.jobs import JobContext

commands = typer.Typer(help="Scheduled runs.", no_args_is_help=True)


@commands.command()
def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, wait, and end.")] = False,
) -> None:
    """Run what is due; without --once until Ctrl+C."""
    session = session_of(context)
    ended = _run_once(session) if once else _run_on(session)
    if session.options.json:
        session.output.document({"runs": [run_document(r) for r in ended]})
    elif once:
        session.output.text("\n".join(map(run_sentence, ended)) or "Nothing is due.")
    session.status = exit_of(ended)


def _run_once(session: Session) -> list[Run]:
    session.services.tidy()
    return wait_for(session, session.services.schedules.tick(datetime.now(UTC)))


def _run_on(session: Session) -> list[Run]:
    """Tick until Ctrl+C and tell of each run when it ends; those it cuts short are cancelled after the batch in flight."""
    services = session.services
    going: dict[str, Run] = {}

    def follow(run: Run) -> None:
        if run.status.ended:
            going.pop(run.id, None)
            session.output.say(run_sentence(run))
        else:
            going[run.id] = run

    stop = services.runs.subscribe(follow)
    services.tidying.start()
    services.schedules.start_ticking()
    session.output.say("Running what is due. Ctrl+C ends it.")
    try:
        while True:
            time.sleep(0.5)
    except KeyboardInterrupt:
        services.schedules.stop()
        cut_short = list(going)
        for identifier in cut_short:
            services.runs.cancel(identifier)
        return services.runs.wait(cut_short, JobContext())
    finally:
        services.schedules.stop()
        stop()
