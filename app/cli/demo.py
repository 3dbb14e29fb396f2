"""`sendoff demo`: a workspace with sample data, segments and exports."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from app.cli.exports import exit_of, run_document, run_sentence, wait_for
from app.cli.session import Session, session_of
from app.core.errors import FixSettings
from app.core.runs import Trigger
from app.core.workspaces import Audience
from app.services.samples import FIRST_RUNS


def has_display() -> bool:
    """Whether a window can be shown: always on Windows and macOS, on Linux with an X or Wayland display."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where; else among your application data.")
    ] = None,
    window: Annotated[
        bool | None, typer.Option("--window/--no-window", help="Open the window, or run two exports and end.")
    ] = None,
    audience: Annotated[Audience, typer.Option(help="Individual consumers or business accounts.")] = Audience.CONSUMERS,
) -> None:
    """Make a workspace with sample data on first use; open it, or without a window run two exports into a folder."""
    session = session_of(context)
    place = folder or Path(platformdirs.user_data_dir("Sendoff", appauthor=False)) / f"demo-{audience.value}"
    _open(session, place.resolve(), audience)
    if has_display() if window is None else window:
        session.close()
        session.status = type(session.status)(session.open_window(str(place)))
        return
    _run_two(session, audience, place.resolve())


def _open(session: Session, place: Path, audience: Audience) -> None:
    from app.bootstrap import create_workspace, open_workspace

    if (place / "workspace.db").exists():
        session.use(open_workspace(place))
        return
    if place.exists() and any(place.iterdir()):
        raise FixSettings(
            f"'{place}' holds other files.",
            "The demo makes a workspace in a new or empty folder.",
            "Name another folder.",
            code="folder_not_empty",
        )
    session.output.say(f"Making the sample workspace in {place} …")
    name = "Northwind Retail" if audience is Audience.CONSUMERS else "Northwind Trade"
    with session.output.progress() as progress:
        session.use(create_workspace(place, name, audience.value, sample=True, ctx=progress.context()))


def _run_two(session: Session, audience: Audience, place: Path) -> None:
    services = session.services
    ended = wait_for(session, services.runs.start(list(FIRST_RUNS[audience]), Trigger.COMMAND_LINE))
    session.status = exit_of(ended)
    delivered = place / "delivered"
    if session.options.json:
        session.output.document({"workspace": place, "delivered": delivered, "runs": [run_document(r) for r in ended]})
        return
    out = session.output
    for run in ended:
        out.text(run_sentence(run))
    out.text(f"\nDelivered into {delivered}:")
    for file in sorted(p for p in delivered.rglob("*") if p.is_file()):
        out.text(f"  {file.relative_to(delivered)}  {file.stat().st_size:,} bytes")
    out.text(f'\nTo open the window on a computer with a display: sendoff --workspace "{place}"')
