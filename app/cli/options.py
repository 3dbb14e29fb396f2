"""The options every command takes; light, because the window's start reads them too."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options every command takes, wherever they stand."""

    workspace: str | None = None
    json: bool = False
    quiet: bool = False
    debug: bool = False


def split_options(arguments: list[str]) -> tuple[Options, list[str]]:
    """Take `--workspace`, `--json`, `--quiet` and `--debug` out of the arguments, wherever they stand before a `--`.

    A `--workspace` without a folder is left for the parser, which says what is missing.
    """
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
