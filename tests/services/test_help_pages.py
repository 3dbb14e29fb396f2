from __future__ import annotations

import pytest

from app.core.errors import FixSettings
from app.destinations.registry import descriptions
from app.services.help_pages import help_page, help_pages

PAGES = {"exports", "segments", "tables", "connections", "runs", "settings"}


def test_every_page_of_the_window_and_every_destination_has_help() -> None:
    pages = {page.topic: page for page in help_pages()}
    assert pages.keys() >= {*PAGES, *(each.id for each in descriptions()), "files", "faults"}
    assert len({page.title for page in pages.values()}) == len(pages)
    for page in pages.values():
        assert page.text.startswith(f"# {page.title}\n")


def test_a_page_is_found_by_its_topic() -> None:
    assert help_page("Mailchimp").title == "Mailchimp"
    with pytest.raises(FixSettings, match="no help about"):
        help_page("../secrets")
