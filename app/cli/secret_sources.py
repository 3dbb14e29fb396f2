"""Where a secret comes from on the command line: never from the argument list itself."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from app.core.errors import FixSettings

HELP = "NAME=env:VAR, NAME=file:PATH, NAME=stdin or NAME=prompt"


def read_secrets(entries: Iterable[str]) -> dict[str, str]:
    """The secrets named by `--secret NAME=SOURCE`; raises FixSettings for a plain value or an unknown source."""
    named = [_split(entry, HELP) for entry in entries]
    if [source for _, source in named].count("stdin") > 1:
        raise FixSettings(
            "Only one secret can come from the standard input.",
            "It is read to its end.",
            "Take the other one from a file or a variable.",
            code="invalid_option",
        )
    return {name: _read(name, source) for name, source in named}


def read_settings(entries: Iterable[str]) -> dict[str, str]:
    """The plain settings named by `--set NAME=VALUE`."""
    return dict(_split(entry, "NAME=VALUE") for entry in entries)


def _split(entry: str, form: str) -> tuple[str, str]:
    name, equals, value = entry.partition("=")
    if not equals or not name:
        # What stands there may be a secret: it is not repeated.
        raise FixSettings(
            "An option is not complete.", f"It is written {form}.", "Write it so and try again.", code="invalid_option"
        )
    return name.strip(), value


def _read(name: str, source: str) -> str:
    kind, _, rest = source.partition(":")
    if kind == "env" and rest:
        value = os.environ.get(rest)
        if value is None:
            raise FixSettings(
                f"The environment variable {rest} is not set.",
                f"It should hold the secret '{name}'.",
                "Set it and try again.",
                code="missing_secret",
            )
        return value
    if kind == "file" and rest:
        try:
            return Path(rest).expanduser().read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError):
            raise FixSettings(
                f"The file '{rest}' can't be read.",
                f"It should hold the secret '{name}'.",
                "Check the path and try again.",
                code="missing_secret",
            ) from None
    if source == "stdin":
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if source == "prompt":
        if not sys.stdin.isatty():
            raise FixSettings(
                f"Nobody can be asked for the secret '{name}'.",
                "This command does not run in a terminal.",
                "Use NAME=env:VAR, NAME=file:PATH or NAME=stdin.",
                code="missing_secret",
            )
        return getpass.getpass(f"{name}: ")
    raise FixSettings(
        f"The secret '{name}' is given in a way that others could see.",
        "A secret in the argument list stands in the process list and in the shell's history.",
        f"Use {HELP}.",
        code="invalid_option",
    )
