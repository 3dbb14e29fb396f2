"""The workspace one command works on, opened when first needed and closed at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app.cli.options import Options
from app.cli.output import Exit, Output
from app.core.errors import FixSettings

if TYPE_CHECKING:
    from app.bootstrap import Services
    from app.secrets.redaction import Redactor


class Session:
    """Options, output and, on first use, the services of the chosen workspace."""

    def __init__(
        self,
        options: Options,
        output: Output,
        open_window: Callable[[str | None], int],
        check_window: Callable[[], str],
    ) -> None:
        self.open_window = open_window
        self.check_window = check_window
        self.options = options
        self.output = output
        self.status = Exit.DONE
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        """The services; raises FixSettings when no workspace is chosen."""
        if self._services is None:
            from app.bootstrap import open_workspace  # it loads the database, which help does not need

            folder = self.folder
            if folder is None:
                raise FixSettings(
                    "No workspace is open.",
                    "Neither --workspace nor SENDOFF_WORKSPACE names one, and none was opened before.",
                    "Make one with 'sendoff workspace create DIR --audience consumers', or try 'sendoff demo'.",
                    code="no_workspace",
                )
            self._services = open_workspace(folder)
        return self._services

    @property
    def folder(self) -> Path | None:
        """The folder of the chosen workspace, or None when none is chosen."""
        from app.bootstrap import default_workspace

        return Path(self.options.workspace) if self.options.workspace else default_workspace()

    @property
    def redactor(self) -> Redactor | None:
        """What masks the secrets of the open workspace; None while none is open."""
        return None if self._services is None else self._services.redactor

    def use(self, services: Services) -> None:
        """Work on these services, which the session closes at its end."""
        self._services = services

    def close(self) -> None:
        """Close what was opened."""
        if self._services is not None:
            self._services.close()
            self._services = None


def session_of(context: typer.Context) -> Session:
    """The session of a command."""
    session = context.find_object(Session)
    assert session is not None
    return session
