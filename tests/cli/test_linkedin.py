"""A workspace of businesses on the command line, from the tables to a run into LinkedIn, with a real keyring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations.linkedin_ads import session
from tests.cli.desk import Desk
from tests.end_to_end.businesses import ACCOUNT, ask, write_tables
from tests.servers.secret_service import SecretServiceServer
from tests.tools.planted_secret import search
from tests.vendors.linkedin import TOKEN, LinkedInEmulator

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
