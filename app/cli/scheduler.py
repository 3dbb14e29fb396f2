"""`sendoff scheduler`: run what is due."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.cli.exports import exit_of, run_document, run_sentence, wait_for
from app.cli.session import session_of

commands = typer.Typer(help="Scheduled runs.", no_args_is_help=True)


@commands.command()
def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, wait, and end.")] = False,
) -> None:
    """Run what is due; without --once until Ctrl+C."""
    session = session_of(context)
    services = session.services
    if once:
        ended = wait_for(session, services.schedules.tick(datetime.now(UTC)))
        if session.options.json:
            session.output.document({"runs": [run_document(r) for r in ended]})
        else:
            session.output.text("\n".join(map(run_sentence, ended)) or "Nothing is due.")
        session.status = exit_of(ended)
        return
    services.schedules.start_ticking()
    session.output.say("Running what is due. Ctrl+C ends it.")
    try:
        while True:
            time.sleep(0.5)
    finally:
        services.schedules.stop()
