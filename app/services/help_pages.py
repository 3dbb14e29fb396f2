"""The help that comes with Sendoff: a page in Markdown for each part of the window and for each destination."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.errors import FixSettings

_FOLDER = Path(__file__).resolve().parents[2] / "resources" / "help"


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page: `topic` is the name of its file, `title` its first heading, `text` the Markdown with it."""

    topic: str
    title: str
    text: str


def help_pages() -> list[HelpPage]:
    """All pages by title; reads files, so not for the window's thread."""
    pages = [_read(path) for path in _FOLDER.glob("*.md")]
    return sorted(pages, key=lambda page: page.title.casefold())


def help_page(topic: str) -> HelpPage:
    """The page about a destination (its id), or a part of the window such as "exports"; raises FixSettings for no such page."""
    for path in _FOLDER.glob("*.md"):
        if path.stem == topic.casefold():
            return _read(path)
    raise FixSettings(
        f"There is no help about “{topic}”.",
        "Its name is spelled differently, or a plug-in brought no help page.",
        "Choose one of the list of help pages.",
    )


def _read(path: Path) -> HelpPage:
    text = path.read_text("utf-8")
    return HelpPage(path.stem, text.partition("\n")[0].removeprefix("# ").strip(), text)
