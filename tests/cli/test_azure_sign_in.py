"""A person signs in to Microsoft from the command line for files in Azure Blob Storage."""

from __future__ import annotations

import threading

import pytest

from tests.cli.desk import Desk
from tests.destinations.test_azure_person import Place, azurite, place, servers
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search

__all__ = ["azurite", "place", "servers"]


def test_signing_in_with_the_browser(
    desk: Desk,
    place: Place,
    secret_service_here: SecretServiceServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.make_shop(20)
    pages: list[str] = []

    def browse(page: str) -> bool:
        pages.append(page)
        threading.Thread(target=place.browser, args=(page,), daemon=True).start()
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    given = [part for key, value in place.values().items() for part in ("--set", f"{key}={value}")]
    add = ("connections", "add", "--name", "Cloud", "--destination", "azure-blob", "--agree", *given)
    said = desk.told(*add)
    assert "a Microsoft account" in said["test"]["reached"]
    assert len(pages) == 1

    place.entra.refresh.clear()  # the company ended all sign-ins; access goes on for its hour
    assert desk.told("connections", "test", "Cloud")["ok"] is True
    assert desk.told("connections", "sign-in", "Cloud")["sign_in_ends"] is not None
    assert len(pages) == 2
    assert desk.told("connections", "test", "Cloud")["ok"] is True
    assert place.entra.refresh
    for secret in place.entra.refresh:
        assert search([desk.workspace], secret) == []
