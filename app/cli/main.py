"""Entry of the command line: options that stand anywhere, errors as three sentences, exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

import typer
from typer.main import get_command

from app.cli import (
    audit,
    connections,
    demo,
    destinations,
    doctor,
    engine,
    exports,
    guide,
    roles,
    runs,
    scheduler,
    segments,
    suppression,
    tables,
    workspace,
)
from app.cli.interrupts import Interrupts
from app.cli.logs import console_log
from app.cli.options import split_options
from app.cli.output import Exit, Output, exit_for
from app.cli.session import Session
from app.core.errors import FixSettings, SendoffError, as_sendoff_error
from app.jobs import Cancelled
from app.version import VERSION

app = typer.Typer(
    name="sendoff",
    help="Sends customer segments and tables where they are used. Without arguments it opens the window.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

INTERRUPTED = 130
"""What typer makes of a Ctrl+C that nobody caught."""


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
    ("engine", engine.commands),
    ("segments", segments.commands),
    ("suppression", suppression.commands),
    ("destinations", destinations.commands),
    ("connections", connections.commands),
    ("exports", exports.commands),
    ("runs", runs.commands),
    ("scheduler", scheduler.commands),
    ("roles", roles.commands),
    ("audit", audit.commands),
):
    app.add_typer(commands, name=group)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("help")(guide.show_help)


def run(arguments: list[str], open_window: Callable[[str | None], int], check_window: Callable[[], str]) -> int:
    """Run one command and return its exit status; prints no traceback unless `--debug`.

    The window is handed in, so that the command line never loads Qt by itself.
    """
    if arguments == ["--version"]:
        sys.stdout.write(f"Sendoff {VERSION}\n")
        return Exit.DONE
    options, rest = split_options(arguments)
    if not rest:
        return open_window(options.workspace)
    output = Output(options)
    session = Session(options, output, open_window, check_window)
    with console_log(options, session) as log, Interrupts() as interrupts:
        try:
            return _dispatch(rest, session)
        except (typer.Abort, KeyboardInterrupt, Cancelled):
            return _cancelled(output)
        except typer.TyperException as wrong:
            return _wrong_use(wrong, output)
        except Exception as raised:  # noqa: BLE001 - the one place where everything left over becomes three sentences
            if options.debug:
                log.traceback(raised)
            if interrupts.came and not isinstance(raised, SendoffError):
                return _cancelled(output)
            error = as_sendoff_error(raised)
            output.error(error)
            return exit_for(error)
        finally:
            session.close()


def _dispatch(arguments: list[str], session: Session) -> int:
    command = _command(arguments[0])
    result = command(args=arguments, standalone_mode=False, obj=session, prog_name="sendoff")
    if result == INTERRUPTED:
        raise KeyboardInterrupt
    return int(result) if isinstance(result, int) else int(session.status)


@cache
def _command(name: str) -> Callable[..., Any]:
    """The commands, made ready once: of the groups only the one called `name`, as all take longer than most commands work."""
    part = copy(app)
    part.registered_groups = [group for group in app.registered_groups if group.name == name] or app.registered_groups
    return get_command(part)


def _cancelled(output: Output) -> Exit:
    output.say("Cancelled.")
    if output.options.json:
        output.document({"error": {"what": "Cancelled.", "why": "", "fix": ""}})
    return Exit.CANCELLED


def _wrong_use(wrong: typer.TyperException, output: Output) -> Exit:
    """What is not understood as sentences. An argument too many is not repeated: it may be a secret."""
    what = wrong.format_message().partition("\n")[0].replace(": Value error, ", ": ")
    if not what:  # a group of commands without a command: its help was printed
        return Exit.WRONG_USE
    if "unexpected extra argument" in what:
        what = "There is an argument too many."
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context is not None else "sendoff"
    sentence = what if what.endswith((".", "?")) else f"{what}."
    fix = f"'{command} --help' shows how it is written."
    output.error(FixSettings(sentence, "", fix, code="wrong_use"))
    return Exit.WRONG_USE
