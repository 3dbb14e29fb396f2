"""Accounts and contacts into LinkedIn, and what is behind whom: every number checked by plain SQL over the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from app.bootstrap import Services, create_workspace
from app.core.counts import Count, Linked, Verdict
from app.core.errors import FixSettings
from app.core.phrases import Phrase
from app.core.runs import Run, Status, Trigger
from app.core.segments import FieldRef, SegmentOf
from app.destinations.linkedin_ads import session
from app.jobs import JobContext
from tests.end_to_end.businesses import ACCOUNT, ask, connect, fill
from tests.fakes.secret_store import MemoryStore
from tests.vendors.linkedin import LinkedInEmulator

DOMAIN = "regexp_extract(lower(Website), '^(?:https?://)?(?:www[.])?([^/]+)', 1)"


@pytest.fixture
def linkedin() -> Iterator[LinkedInEmulator]:
    with LinkedInEmulator() as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
def firm(tmp_path: Path, linkedin: LinkedInEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("SENDOFF_ROLE", raising=False)
    monkeypatch.setattr(session, "READY_AFTER", 0.0)
    made = create_workspace(tmp_path / "ws", "Firm", "businesses", country_code="DE", secrets=MemoryStore())
    with closing(made) as services:
        fill(services, tmp_path / "source")
        connect(services, linkedin.url)
        yield services


def export(services: Services, *segments: str, targeting: str, **changes: Any) -> None:
    matches = {
        "company": {"website_domain": "Account.Website", "company_name": "Account.Name", "country": "Account.Country"},
        "contact": {"email": "Contact.Email", "last_name": "Contact.LastName"},
    }
    services.exports.apply(
        {
            "name": "Target accounts",
            "kind": "segment",
            "connection": "LinkedIn NW",
            "segments": list(segments),
            "target": {"account_id": ACCOUNT, "targeting": targeting},
            "match": matches[targeting],
            "sync": "update",
            "consent": {"agreed": True},
            **changes,
        }
    )


def run(services: Services) -> Run:
    (started,) = services.runs.start(["Target accounts"], Trigger.PERSON)
    (ended,) = services.runs.wait([started.id], JobContext())
    return ended


def counted(services: Services, name: str, **options: Any) -> Count:
    return services.counts.count(name, "LinkedIn NW", JobContext(), **options)


class TestCompanies:
    def test_accounts_arrive_once_and_as_plain_sql_says(
        self, firm: Services, linkedin: LinkedInEmulator, tmp_path: Path
    ) -> None:
        export(firm, "Large firms", targeting="company")
        ended = run(firm)
        members, known, unique, nameless = ask(
            tmp_path / "source",
            f"""WITH large AS (SELECT *, coalesce('d:' || {DOMAIN}, 'n:' || Name) AS identity FROM Account
                               WHERE Employees::INT >= 200)
                SELECT count(*), count(identity), count(DISTINCT identity), count(*) FILTER (identity IS NULL) FROM large""",
        )
        assert (members, nameless) != (unique, 0)
        assert ended.status is Status.SUCCESSFUL
        assert (ended.totals.added, ended.totals.left_out) == (unique, members - unique)
        audience = linkedin.named("Large firms")
        assert audience is not None
        assert (audience.type, len(audience.entries)) == ("COMPANY", unique)
        assert {entry.get("country") for entry in audience.entries.values()} == {"DE", "AT"}
        assert not any("www" in domain or "/" in domain for domain in audience.entries)
        count = counted(firm, "Large firms")
        assert (count.members, count.eligible, count.to_send) == (members, known, unique)

        again = run(firm)
        assert (again.totals.added, again.totals.updated, again.totals.unchanged) == (0, 0, unique)

    def test_what_is_too_small_is_skipped(self, firm: Services, linkedin: LinkedInEmulator) -> None:
        export(firm, "Large firms", "Giants", targeting="company")
        ended = run(firm)
        assert ended.status is Status.SKIPPED_TOO_SMALL
        assert [each.name for each in linkedin.audiences.values()] == ["Large firms"]
        assert counted(firm, "Giants").verdict is Verdict.TOO_SMALL

    def test_contacts_are_for_another_target(self, firm: Services) -> None:
        with pytest.raises(FixSettings) as caught:
            export(firm, "Buyers", targeting="company")
        assert "Holds contacts, not business accounts." in str(caught.value)
        export(firm, "Large firms", "Buyers", targeting="company")
        assert firm.exports.problems("Target accounts") == [
            "“Buyers” is left out. Holds contacts, not business accounts."
        ]
        refused = counted(firm, "Buyers", audience="company")
        assert (refused.verdict, refused.to_send) == (Verdict.NOT_ELIGIBLE, 0)
        assert counted(firm, "Buyers").verdict is Verdict.OK

    def test_other_modes_are_refused_with_a_sentence(self, firm: Services) -> None:
        with pytest.raises(FixSettings) as caught:
            export(firm, "Large firms", targeting="company", sync="replace")
        assert "LinkedIn Ads can't do the sync mode “replace”; it can do update, add, mirror." in str(caught.value)

    def test_fields_of_the_other_type_are_refused(self, firm: Services) -> None:
        with pytest.raises(FixSettings) as caught:
            export(firm, "Large firms", targeting="company", match={"email": "Contact.Email"})
        assert "has no field “email”" in str(caught.value)
        with pytest.raises(FixSettings):
            export(firm, "Large firms", targeting="company", target={"account_id": ACCOUNT, "targeting": "everybody"})


class TestContacts:
    def test_only_hashes_of_those_who_agreed_arrive(
        self, firm: Services, linkedin: LinkedInEmulator, tmp_path: Path
    ) -> None:
        export(firm, "Buyers", targeting="contact")
        ended = run(firm)
        expected, hashes = ask(
            tmp_path / "source",
            """SELECT count(*), list(sha256(lower(trim(Email)))) FROM Contact
               WHERE Title = 'Buyer' AND Email LIKE '%@%' AND EmailOptIn IS DISTINCT FROM 'false'""",
        )
        audience = linkedin.named("Buyers")
        assert audience is not None
        assert set(audience.entries) == set(hashes)
        assert ended.totals.added == expected == counted(firm, "Buyers").to_send
        assert "@" not in repr([each.body for each in linkedin.requests])

    def test_suppressed_contacts_stay_behind(self, firm: Services, linkedin: LinkedInEmulator, tmp_path: Path) -> None:
        listed = tmp_path / "stop.csv"
        listed.write_text("email\np1@example.com\np2@example.com\n", "utf-8")
        before = counted(firm, "Buyers").to_send
        firm.suppression.import_file(listed, JobContext())
        count = counted(firm, "Buyers")
        assert (count.suppressed, count.to_send) == (2, before - 2)

    def test_a_dead_token_stops_the_run_before_anybody_is_sent(
        self, firm: Services, linkedin: LinkedInEmulator
    ) -> None:
        export(firm, "Buyers", targeting="contact")
        linkedin.may_manage = False
        ended = run(firm)
        assert ended.status is Status.FAILED
        assert ended.error is not None
        assert "rw_dmp_segments" in ended.error.fix
        assert linkedin.audiences == {}


class TestLinks:
    def test_accounts_behind_contacts_and_contacts_of_accounts(self, firm: Services, tmp_path: Path) -> None:
        source, ctx = tmp_path / "source", JobContext()
        (behind,) = ask(source, "SELECT count(DISTINCT AccountId) FROM Contact WHERE Title = 'Buyer'")
        (projected,) = ask(
            source,
            """SELECT count(*) FROM Contact WHERE AccountId IN
               (SELECT AccountId FROM Account WHERE Employees::INT >= 200)""",
        )
        assert firm.counts.count("Buyers", None, ctx).linked == Linked(SegmentOf.ACCOUNTS, behind)
        assert firm.counts.count("Large firms", None, ctx).linked == Linked(SegmentOf.CONTACTS, projected)
        assert firm.counts.count("On their own", None, ctx).linked == Linked(SegmentOf.ACCOUNTS, 0)
        assert counted(firm, "Buyers", audience="company").linked == Linked(SegmentOf.ACCOUNTS, behind)
        rows = {row.segment.name: row.count for row in firm.segments.all()}
        assert rows["Buyers"] is not None
        assert rows["Buyers"].linked == Linked(SegmentOf.ACCOUNTS, behind)

    def test_without_a_link_it_says_so(self, firm: Services) -> None:
        for link in firm.tables.links.all():
            firm.tables.links.remove(
                FieldRef(link.one_table, link.one_column), FieldRef(link.many_table, link.many_column)
            )
        linked = firm.counts.count("Buyers", None, JobContext()).linked
        phrase = Phrase("not_linked", ("Contact", "Account"))
        assert linked == Linked(SegmentOf.ACCOUNTS, None, "Contact and Account are not linked.", phrase)

    def test_accounts_out_of_reach_leave_the_contacts_counted(self, firm: Services, tmp_path: Path) -> None:
        for rows in (tmp_path / "ws" / "data").rglob("*.parquet"):
            if "Employees" in pq.read_schema(rows).names:
                rows.unlink()
        count = firm.counts.count("Buyers", None, JobContext())
        assert count.members > 0
        assert count.linked is not None
        assert count.linked.members is None
        assert count.linked.reason

    def test_a_missing_account_is_no_choice(self, firm: Services) -> None:
        with pytest.raises(FixSettings) as caught:
            export(firm, "Large firms", targeting="company", target={"targeting": "company"})
        assert "“Ad account” is not filled in." in str(caught.value)
        with pytest.raises(FixSettings):
            firm.connections.target_fields("LinkedIn NW", {"targeting": "company"}, JobContext())
