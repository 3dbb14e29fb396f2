"""Loads the code of pages, wizards and dialogs beside the window, so that none of them stalls it when it is first opened.

Measured on 2 cores: importing takes 25 to 140 ms each, and PySide6 reads the source of every module on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from app.jobs import JobContext

FIRST: Final = ("app.ui.pages.exports.page",)
"""What a workspace is shown with."""
LATER: Final = (
    "app.ui.wizards.segment_export",
    "app.ui.dialogs.connection",
    "app.ui.pages.segments.page",
    "app.ui.pages.connections.page",
    "app.ui.wizards.data_out",
    "app.ui.pages.runs.page",
    "app.ui.pages.tables.page",
    "app.ui.pages.suppression.page",
    "app.ui.pages.settings",
    "app.ui.pages.audit.page",
)
"""What people open from there, the likeliest first."""


def load_later(ctx: JobContext) -> None:
    """Load `LATER` and what its forms list; for a worker thread as well."""
    load(LATER, ctx)
    from app.ui.dialogs.schedule import zone_names

    zone_names()


def load(modules: Sequence[str], ctx: JobContext) -> None:
    """Import the modules; for a worker thread, which shares the interpreter fairly with the window's."""
    for module in modules:
        ctx.check()
        import_module(module)
