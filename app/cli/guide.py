"""`sendoff help`: the help pages that the window shows with F1."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.session import session_of
from app.services.help_pages import help_page, help_pages


def show_help(context: typer.Context, topic: Annotated[str, typer.Argument(metavar="TOPIC")] = "") -> None:
    """Read a help page: of a destination (its ID), or of exports, segments, tables, connections, runs, files, faults ..."""
    output = session_of(context).output
    if topic:
        page = help_page(topic)
        output.result({"topic": page.topic, "title": page.title, "text": page.text}, page.text.rstrip())
        return
    pages = help_pages()
    documents = [{"topic": page.topic, "title": page.title} for page in pages]
    output.rows("pages", ("Topic", "Title"), [(page.topic, page.title) for page in pages], documents)
