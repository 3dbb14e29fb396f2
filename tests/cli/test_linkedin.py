"""A workspace of businesses on the command line, from the tables to a run into LinkedIn, with a real keyring."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations.linkedin_ads import session
from tests.cli.desk import Desk
from tests.end_to_end.businesses import ACCOUNT, ask, write_tables
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search
from tests.vendors.linkedin import TOKEN, LinkedInEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree

SEGMENTS = """
name: Large firms
of: accounts
rules:
  - all:
      - {field: Account.Employees, at_least: 200}
---
name: Buyers
of: contacts
rules:
  - all:
      - {field: Contact.Title, is: Buyer}
"""
EXPORT = f"""
name: Target accounts
kind: segment
connection: LinkedIn
segments: [Large firms]
target: {{account_id: "{ACCOUNT}", targeting: company}}
match: {{website_domain: Account.Website, company_name: Account.Name}}
sync: add
consent: {{agreed: true}}
"""


@pytest.fixture
def linkedin(monkeypatch: pytest.MonkeyPatch) -> Iterator[LinkedInEmulator]:
    monkeypatch.setattr(session, "READY_AFTER", 0.0)
    with LinkedInEmulator() as emulator:
        yield emulator
        assert emulator.violations == []


def test_from_tables_to_a_run(
    desk: Desk, linkedin: LinkedInEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, source = desk.folder / "firm", desk.folder / "source"
    desk.done("workspace", "create", place, "--audience", "businesses", "--name", "Firm")
    files: list[Path] = write_tables(source)
    at = ("--workspace", place)
    desk.done(*at, "tables", "add", *files)
    desk.done(*at, "segments", "save", desk.file("segments.yaml", SEGMENTS))
    monkeypatch.setenv("LINKEDIN_TOKEN", TOKEN)
    add = ("connections", "add", "--name", "LinkedIn", "--destination", "linkedin-ads", "--agree")
    desk.done(*at, *add, "--set", f"api_url={linkedin.url}", "--secret", "access_token=env:LINKEDIN_TOKEN")

    tested = desk.told(*at, "connections", "test", "LinkedIn")
    assert (tested["ok"], tested["reached"]) == (True, "Northwind NW")
    assert tested["rights"] == ["see 2 ad accounts", "manage their audiences"]

    (members, unique) = ask(
        source,
        """SELECT count(*), count(DISTINCT coalesce(regexp_extract(lower(Website), '([^/.]+[.]example)', 1), Name))
           FROM Account WHERE Employees::INT >= 200""",
    )
    (buyers, behind) = ask(source, "SELECT count(*), count(DISTINCT AccountId) FROM Contact WHERE Title = 'Buyer'")
    large = desk.told(*at, "segments", "count", "Large firms", "--for", "LinkedIn")
    assert (large["members"], large["to_send"], large["verdict"]) == (members, unique, "ok")
    assert (large["minimum"], large["limit"]) == (300, 300_000)
    people = desk.told(*at, "segments", "count", "Buyers")
    assert (people["members"], people["linked"]["members"]) == (buyers, behind)

    desk.done(*at, "exports", "apply", desk.file("export.yaml", EXPORT))
    (request,) = desk.told(*at, "exports", "preview", "Target accounts")["requests"]
    assert request["headers"]["Authorization"] == "Bearer ••••"
    assert request["url"].endswith("/dmpSegments/AUDIENCE-ID/companies")
    (run,) = desk.told(*at, "exports", "run", "Target accounts")["runs"]
    assert (run["status"], run["added"]) == ("successful", unique)
    audience = linkedin.named("Large firms")
    assert audience is not None
    assert len(audience.entries) == unique
    again = desk.told(*at, "exports", "run", "Target accounts")["runs"][0]
    assert (again["added"], again["unchanged"]) == (0, unique)
    assert search([place], TOKEN) == []


def test_signing_in_with_the_browser(
    desk: Desk, linkedin: LinkedInEmulator, secret_service_here: SecretServiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk.folder / "firm"
    desk.done("workspace", "create", place, "--audience", "businesses", "--name", "Firm")
    at = ("--workspace", place)
    pages: list[str] = []

    def browse(page: str) -> bool:
        pages.append(page)
        threading.Thread(target=agree, args=(page,), daemon=True).start()
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    monkeypatch.setenv("APP_SECRET", CLIENT_SECRET)
    root = linkedin.url.removesuffix("/rest")
    settings = {
        "api_url": linkedin.url,
        "sign_in_by": "browser",
        "client_id": CLIENT_ID,
        "authorize_url": f"{root}/oauth/v2/authorization",
        "token_url": f"{root}/oauth/v2/accessToken",
    }
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    add = ("connections", "add", "--name", "LinkedIn", "--destination", "linkedin-ads", "--agree", *given)
    said = desk.told(*at, *add, "--secret", "client_secret=env:APP_SECRET")
    assert said["test"]["reached"] == "Northwind NW"
    assert len(pages) == 1

    linkedin.sign_in.end_access()
    assert desk.told(*at, "connections", "test", "LinkedIn")["ok"] is True
    assert linkedin.sign_in.renewals == 1
    assert desk.told(*at, "connections", "test", "LinkedIn")["ok"] is True
    assert linkedin.sign_in.renewals == 1  # the renewed one was kept

    linkedin.sign_in.end_all()
    ended = desk.do(*at, "--json", "connections", "test", "LinkedIn")
    assert (ended.status, ended.document["error"]["what"]) == (1, "The sign-in at LinkedIn Ads has ended.")
    assert desk.told(*at, "connections", "sign-in", "LinkedIn")["sign_in_ends"] is not None
    assert desk.told(*at, "connections", "test", "LinkedIn")["ok"] is True
    for secret in ("access-token-", "refresh-token-", CLIENT_SECRET):
        assert search([place], secret) == []
