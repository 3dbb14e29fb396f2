"""Entry of the command line: options that stand anywhere, errors as three sentences, exit statuses."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import click
import typer

from app.cli import (
    connections,
    demo,
    destinations,
    doctor,
    exports,
    roles,
    runs,
    scheduler,
    segments,
    tables,
    workspace,
)
from app.cli.output import Exit, Options, Output, exit_for
from app.cli.session import Session
from app.core.errors import as_sendoff_error
from app.jobs import Cancelled
from app.version import VERSION

app = typer.Typer(
    name="sendoff",
    help="Sends customer segments and tables where they are used. Without arguments it opens the window.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _options(
    workspace: str = typer.Option(
        "",
        "--workspace",
        metavar="DIR",
        envvar="SENDOFF_WORKSPACE",
        help="The workspace folder; else the one opened last.",
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON document on stdout and nothing else there."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress and no sentences on stderr."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """These options may stand before or after the command; `split_options` has read them already."""


for group, commands in (
    ("workspace", workspace.commands),
    ("tables", tables.commands),
    ("segments", segments.commands),
    ("destinations", destinations.commands),
    ("connections", connections.commands),
    ("exports", exports.commands),
    ("runs", runs.commands),
    ("scheduler", scheduler.commands),
    ("roles", roles.commands),
):
    app.add_typer(commands, name=group)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def split_options(arguments: list[str]) -> tuple[Options, list[str]]:
    """Take `--workspace`, `--json`, `--quiet` and `--debug` out of the arguments, wherever they stand before a `--`."""
    workspace: str | None = os.environ.get("SENDOFF_WORKSPACE") or None
    flags = {"--json": False, "--quiet": False, "--debug": False}
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += [argument, *waiting]
            break
        if argument in flags:
            flags[argument] = True
        elif argument == "--workspace" and waiting:
            workspace = waiting.pop(0)
        elif argument.startswith("--workspace="):
            workspace = argument.partition("=")[2]
        else:
            rest.append(argument)
    return Options(workspace, flags["--json"], flags["--quiet"], flags["--debug"]), rest


def run(arguments: list[str], open_window: Callable[[str | None], int], check_window: Callable[[], str]) -> int:
    """Run one command and return its exit status; prints no traceback unless `--debug`.

    The window is handed in, so that the command line never loads Qt by itself.
    """
    if arguments == ["--version"]:
        sys.stdout.write(f"Sendoff {VERSION}\n")
        return Exit.DONE
    options, rest = split_options(arguments)
    output = Output(options)
    session = Session(options, output, open_window, check_window)
    try:
        if not rest:
            return open_window(options.workspace)
        result = app(args=rest, standalone_mode=False, obj=session, prog_name="sendoff")
        return int(result) if isinstance(result, int) else int(session.status)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.ClickException as wrong:
        wrong.show(file=sys.stderr)
        return Exit.WRONG_USE
    except (click.Abort, KeyboardInterrupt, Cancelled):
        output.say("Cancelled.")
        return Exit.CANCELLED
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.DONE
    except Exception as raised:  # noqa: BLE001 - the one place where everything left over becomes three sentences
        if options.debug:
            traceback.print_exc()
        error = as_sendoff_error(raised)
        output.error(error)
        return exit_for(error)
    finally:
        session.close()
