from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixSettings, NotAllowed, SignInAgain, TellUs
from app.core.exports import SyncMode
from app.core.identifiers import normalise
from app.core.segments import SegmentOf
from app.destinations.batches import Member, OutcomeKind
from app.destinations.browser_signin import sign_in
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.linkedin_ads import session as linkedin_session
from app.destinations.linkedin_ads.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.linkedin import TOKEN, LinkedInEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree

ACCOUNT = "516848833"


def hashed(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


class Bench(AudienceBench):
    emulator: LinkedInEmulator
    secrets = (TOKEN,)
    description = description("linkedin-ads")
    batch_size = description.batch_size

    def __init__(self, emulator: LinkedInEmulator) -> None:
        super().__init__(emulator, account_id=ACCOUNT)

    def destination(self, *, token: str = TOKEN, version: str = "202604", **changes: Any) -> SegmentDestination:
        values = {"api_url": self.emulator.url, "version": version}
        return create(self.settings(values, {"access_token": token}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(token="no-such-token")

    def gone_audience(self) -> dict[str, str]:
        return {"account_id": "404"}

    def member(self, number: int, **values: str | None) -> Member:
        return Member(str(number), {"email": hashed(f"person{number}@shop.example"), "first_name": "P", **values})

    def refused_member(self, number: int) -> Member:
        return Member(str(number), {"google_aid": "not-an-id"})

    def delivered(self, segment: str) -> set[str]:
        audience = self.emulator.named(segment)
        return set(audience.entries) if audience else set()


class CompanyBench(Bench):
    def __init__(self, emulator: LinkedInEmulator) -> None:
        super().__init__(emulator)
        self.target = {"account_id": ACCOUNT, "targeting": "company"}
        self.description = self.description.for_target(self.target)

    def member(self, number: int, **values: str | None) -> Member:
        return Member(str(number), {"website_domain": f"firm{number}.example", "company_name": "Firm", **values})

    def refused_member(self, number: int) -> Member:
        self.emulator.refused.add(f"firm{number}.example")
        return self.member(number)

    def identifier(self, member: Member) -> str:
        return member.values["website_domain"] or ""


@pytest.fixture
def bench() -> Iterator[Bench]:
    with LinkedInEmulator() as emulator:
        yield Bench(emulator)


@pytest.fixture
def companies() -> Iterator[CompanyBench]:
    with LinkedInEmulator() as emulator:
        yield CompanyBench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linkedin_session, "READY_AFTER", 0.0)
    monkeypatch.setattr(linkedin_session, "UNKNOWN_WAITS", (0.1, 0.2))


class TestContacts(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/AUDIENCE-ID/",)

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        bench.destination().choices("account_id", JobContext())
        for targeting, member in (("contact", bench.member(1)), ("company", CompanyBench(bench.emulator).member(2))):
            target = {**bench.target, "targeting": targeting}
            with bench.destination().session(target, "VIP", SyncMode.UPDATE) as session:
                session.send([member, bench.refused_member(3)], JobContext())
                session.confirm(JobContext())
        assert bench.emulator.validated >= 8
        assert bench.emulator.violations == []


class TestCompanies(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/AUDIENCE-ID/",)

    @pytest.fixture
    def bench(self, companies: CompanyBench) -> CompanyBench:
        return companies


class TestChosenAudiences:
    def test_one_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Old customers")
        send(bench, bench.member(1), audience_id=str(chosen.id))
        assert len(chosen.entries) == 1
        assert bench.emulator.named("VIP") is None
        place = bench.destination().place({**bench.target, "audience_id": str(chosen.id)}, "VIP", JobContext())
        assert (place.name, place.there) == (f"{ACCOUNT} USER {chosen.id}", True)

    @pytest.mark.parametrize(
        ("kind", "why"),
        [
            ("COMPANY", "It holds companies; this export sends people."),
            ("RETARGETING", "It holds retargeting; this export sends people."),
        ],
    )
    def test_another_type_is_refused_before_anything_is_sent(self, bench: Bench, kind: str, why: str) -> None:
        wrong = bench.emulator.make("Others", kind)
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=str(wrong.id))
        assert (raised.value.code, raised.value.why) == ("wrong_audience", why)
        assert not [r for r in bench.emulator.requests if r.method == "POST"]

    def test_one_that_is_archived(self, bench: Bench) -> None:
        old = bench.emulator.make("Old customers")
        old.status = "ARCHIVED"
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=str(old.id))
        assert raised.value.why == "LinkedIn says that it is archived."

    @pytest.mark.parametrize("audience", ["404", "../x"])
    def test_one_that_is_none(self, bench: Bench, audience: str) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=audience)
        assert raised.value.code == "no_audience"

    def test_the_picker_shows_what_can_be_filled_in_all_accounts(self, bench: Bench) -> None:
        bench.emulator.make("Old customers").entries.update({str(n): {} for n in range(400)})
        bench.emulator.make("Firms", "COMPANY_STREAMING")
        bench.emulator.make("Visitors", "RETARGETING")
        bench.emulator.make("Tests", account="506333826")
        choices = bench.destination().choices("audience_id", JobContext())
        assert [(each.name, each.detail, each.members) for each in choices] == [
            ("Old customers", "people, Northwind NW", 400),
            ("Firms", "companies, Northwind NW", 0),
            ("Tests", "people, Northwind tests", 0),
        ]


class TestAudiences:
    def test_one_audience_per_segment_and_type(self, bench: Bench) -> None:
        send(bench, bench.member(1))
        send(bench, bench.member(2))
        send(bench, Member("c", {"company_name": "Firm"}), targeting="company")
        assert [(each.name, each.type, len(each.entries)) for each in bench.emulator.audiences.values()] == [
            ("VIP", "USER", 2),
            ("VIP", "COMPANY", 1),
        ]

    def test_an_audience_on_a_later_page_is_found(self, bench: Bench) -> None:
        send(bench, bench.member(1))
        first = bench.emulator.audiences.pop(10_000_001)
        for number in range(150):
            bench.emulator.audiences[number] = type(first)(number, f"Audience {number}", first.account, "USER")
        bench.emulator.audiences[first.id] = first
        send(bench, bench.member(2))
        assert len(first.entries) == 2

    def test_an_audience_of_another_account_is_not_taken(self, bench: Bench) -> None:
        send(bench, bench.member(1), account_id="506333826")
        send(bench, bench.member(1))
        assert len(bench.emulator.audiences) == 2

    def test_another_name(self, bench: Bench) -> None:
        send(bench, bench.member(1), audience="Sendoff: {segment}")
        assert len(bench.delivered("Sendoff: VIP")) == 1

    @pytest.mark.parametrize("times", [1, 2])
    def test_answer_lost_after_it_was_made(self, bench: Bench, times: int) -> None:
        bench.emulator.fail("lost", method="POST", path="/dmpSegments", times=times)
        send(bench, bench.member(1))
        assert len(bench.emulator.audiences) == 1
        assert len(bench.delivered("VIP")) == 1

    def test_a_new_audience_is_waited_for(self, bench: Bench) -> None:
        bench.emulator.delay = 0.15
        assert send(bench, bench.member(1))[0].kind is OutcomeKind.ADDED
        tried = [each for each in bench.emulator.requests if each.path.endswith("/users")]
        assert len(tried) > 1

    def test_further_sessions_know_a_new_audience_though_it_is_not_listed_yet(self, bench: Bench) -> None:
        """A run opens more of them while the first batch is on its way: they would make it again, or find no place to send to."""
        bench.emulator.delay = 0.25
        destination = bench.destination()
        with destination.session(bench.target, "VIP", SyncMode.UPDATE) as first:
            with destination.session(bench.target, "VIP", SyncMode.UPDATE) as second:
                (outcome,) = second.send([bench.member(2)], JobContext())
                assert outcome.kind is OutcomeKind.ADDED
            first.send([bench.member(1)], JobContext())
        with destination.session(bench.target, "Other", SyncMode.UPDATE) as other:
            other.send([bench.member(3)], JobContext())
        assert [each.name for each in bench.emulator.audiences.values()] == ["VIP", "Other"]
        assert len(bench.delivered("VIP")) == 2

    def test_five_seconds_pass_before_it_is_filled(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(linkedin_session, "READY_AFTER", 0.4)
        bench.emulator.delay = 0.35
        send(bench, bench.member(1))
        assert len([each for each in bench.emulator.requests if each.path.endswith("/users")]) == 1

    def test_an_audience_removed_meanwhile_is_not_waited_for(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            bench.emulator.audiences.clear()
            with pytest.raises(FixSettings):
                session.send([bench.member(2)], JobContext())

    @pytest.mark.parametrize("header", ["x-restli-id", "X-LinkedIn-Id", "x-other"])
    def test_where_the_number_stands(self, bench: Bench, header: str) -> None:
        bench.emulator.id_header = header
        assert send(bench, bench.member(1))[0].kind is OutcomeKind.ADDED

    def test_confirm_says_how_many_are_reached(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(number) for number in range(299)], JobContext())
            assert "is building and has not matched anybody yet" in session.confirm(JobContext()).sentence
            session.send([bench.member(299)], JobContext())
            assert "is ready and reaches 300 members" in session.confirm(JobContext()).sentence

    def test_batches_arrive_whole(self, bench: Bench) -> None:
        reply = Reply(200, {"elements": [{"status": 201}]})
        bench.emulator.fail("reply", method="POST", path="/users", reply=reply)
        with pytest.raises(TellUs) as caught:
            send(bench, bench.member(1), bench.member(2))
        assert "2 entries were sent, the answer tells of 1" in caught.value.why


class TestEntries:
    def test_a_person(self, bench: Bench) -> None:
        values = {
            "google_aid": "00000000-0000-4000-8000-000000000001",
            "last_name": "Ng",
            "title": "CEO",
            "company": "Firm",
            "country": "NO",
        }
        send(bench, bench.member(1, **values))
        (entry,) = bench.emulator.audiences[10_000_001].entries.values()
        assert entry == {
            "action": "ADD",
            "userIds": [
                {"idType": "SHA256_EMAIL", "idValue": hashed("person1@shop.example")},
                {"idType": "GOOGLE_AID", "idValue": values["google_aid"]},
            ],
            "firstName": "P",
            "lastName": "Ng",
            "title": "CEO",
            "company": "Firm",
            "country": "NO",
        }

    def test_a_company(self, companies: CompanyBench) -> None:
        values = {
            "email_domain": "mail.example",
            "page_url": "linkedin.com/company/1",
            "stock_symbol": "FRM",
            "city": "Oslo",
            "state": None,
            "postal_code": "0155",
            "country": "NO",
        }
        send(companies, companies.member(1, **values))
        (entry,) = companies.emulator.audiences[10_000_001].entries.values()
        assert entry == {
            "action": "ADD",
            "companyWebsiteDomain": "firm1.example",
            "companyName": "Firm",
            "companyEmailDomain": "mail.example",
            "companyPageUrl": "linkedin.com/company/1",
            "stockSymbol": "FRM",
            "city": "Oslo",
            "postalCode": "0155",
            "country": "NO",
        }

    @pytest.mark.parametrize("address", ["ada@shop.example", " ", "0" * 63, "G" * 64, hashed("a").upper()])
    def test_what_is_not_hashed_never_leaves(self, bench: Bench, address: str) -> None:
        outcome = send(bench, Member("1", {"email": address, "google_aid": "x"}), bench.member(2))[0]
        assert outcome.kind is OutcomeKind.INVALID
        assert outcome.field == "email"
        sent = json.dumps([each.body for each in bench.emulator.requests])
        assert address.strip() == "" or address not in sent

    def test_every_address_is_described_as_hashed(self) -> None:
        fields = {field.id: field for field in description("linkedin-ads").fields}
        assert fields["email"].normalise == "email_sha256"
        assert normalise("email_sha256", "Ada@Shop.example") == hashed("ada@shop.example")

    def test_nobody_without_an_identifier(self, bench: Bench, companies: CompanyBench) -> None:
        outcomes = [*send(bench, Member("1", {"first_name": "Zoë"})), *send(companies, Member("1", {"city": "Oslo"}))]
        assert [outcome.field for outcome in outcomes] == ["email", "website_domain"]
        assert bench.emulator.audiences[10_000_001].entries == {}

    def test_refusals_are_shown_in_the_vendors_words(self, companies: CompanyBench) -> None:
        outcome = send(companies, companies.refused_member(1))[0]
        assert outcome.reason == "LinkedIn says: This entry is not accepted."


class TestSignIn:
    def test_the_test_names_account_and_rights(self, bench: Bench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached == "Northwind NW"
        assert result.rights == ("see 2 ad accounts", "manage their audiences")

    def test_a_token_without_the_right_to_audiences(self, bench: Bench) -> None:
        bench.emulator.may_manage = False
        assert bench.destination().test(JobContext()).missing_rights == ("manage their audiences (rw_dmp_segments)",)
        with pytest.raises(NotAllowed) as caught:
            send(bench, bench.member(1))
        assert "rw_dmp_segments" in caught.value.fix

    def test_nobody_let_it_see_an_account(self, bench: Bench) -> None:
        bench.emulator.accounts.clear()
        assert bench.destination().test(JobContext()).missing_rights == ("see ad accounts", "manage their audiences")

    @pytest.mark.parametrize("by_token", [False, True])
    def test_accounts_are_paged(self, bench: Bench, by_token: bool) -> None:
        bench.emulator.by_token = by_token
        bench.emulator.accounts |= {number: f"Account {number}" for number in range(1, 250)}
        found = bench.destination().choices("account_id", JobContext())
        assert len(found) == 251
        assert (found[0].id, found[0].name, found[1].detail) == (ACCOUNT, "Northwind NW", "506333826, for tests")
        assert bench.destination().choices("targeting", JobContext()) == []

    def test_a_retired_version(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(version="202401").test(JobContext())
        assert caught.value.code == "http_426"
        assert "202401" in caught.value.why

    def test_no_token(self) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({}, {"access_token": " "}))

    @pytest.mark.parametrize("account", ["", " ", "urn:li:sponsoredAccount:1", "1/..", "١"])
    def test_no_account_chosen(self, bench: Bench, account: str) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination().session({"account_id": account}, "VIP", SyncMode.ADD)
        assert caught.value.code == "no_account"

    def test_preview_shows_version_and_masks_the_token(self, bench: Bench) -> None:
        (shown,) = bench.destination().preview(bench.target, "VIP", SyncMode.ADD, [bench.member(1)])
        assert shown.headers["Authorization"] == "Bearer ••••"
        assert shown.headers["Linkedin-Version"] == "202604"
        assert shown.headers["X-Restli-Method"] == "BATCH_CREATE"


class TestDescription:
    def test_together_it_takes_everybody(self) -> None:
        whole = description("linkedin-ads")
        assert whole.takes == set(SegmentOf)
        assert {"email", "company_name", "country"} <= {field.id for field in whole.fields}

    @pytest.mark.parametrize(
        ("target", "takes"),
        [
            ({}, {SegmentOf.CUSTOMERS, SegmentOf.CONTACTS}),
            ({"targeting": "company"}, {SegmentOf.ACCOUNTS}),
            ({"targeting": "no such"}, set(SegmentOf)),
        ],
    )
    def test_an_export_has_one_type(self, target: dict[str, str], takes: set[SegmentOf]) -> None:
        assert description("linkedin-ads").for_target(target).takes == takes

    def test_a_workspace_offers_what_fits(self) -> None:
        whole = description("linkedin-ads")
        consumers = whole.offered_for(frozenset({SegmentOf.CUSTOMERS}))
        assert list(consumers.export_fields[0].choices or {}) == ["contact"]
        businesses = frozenset({SegmentOf.CONTACTS, SegmentOf.ACCOUNTS})
        assert whole.offered_for(businesses) == whole
        assert whole.offered_for(frozenset({SegmentOf.ACCOUNTS})).for_target({}).audience_id == "company"

    def test_which_type_takes_a_segment(self) -> None:
        assert description("linkedin-ads").for_members(SegmentOf.ACCOUNTS).audience_id == "company"
        assert description("mailchimp").for_members(SegmentOf.ACCOUNTS) == description("mailchimp")


class TestBrowser:
    """A sign-in by the browser in place of the token."""

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        with LinkedInEmulator() as emulator:
            yield Bench(emulator)
            assert emulator.violations == []

    def signed_in(self, bench: Bench) -> SegmentDestination:
        root = bench.emulator.url.removesuffix("/rest")
        values = {
            "api_url": bench.emulator.url,
            "sign_in_by": "browser",
            "client_id": CLIENT_ID,
            "authorize_url": f"{root}/oauth/v2/authorization",
            "token_url": f"{root}/oauth/v2/accessToken",
        }
        secrets = {"client_secret": CLIENT_SECRET}

        def browse(page: str) -> None:
            threading.Thread(target=agree, args=(page,), daemon=True).start()

        secrets["sign_in"] = sign_in(bench.description, values, secrets, browse, JobContext()).written()
        return create(Settings(values, secrets))

    def test_access_that_ends_in_the_middle_of_a_run_is_renewed(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(linkedin_session, "READY_AFTER", 0.0)
        destination = self.signed_in(bench)
        members = [bench.member(number) for number in range(20)]
        with destination.session(bench.target, "Gold", SyncMode.UPDATE) as session:
            first = session.send(members[:10], JobContext())
            bench.emulator.sign_in.end_access()
            second = session.send(members[10:], JobContext())
        assert {each.kind for each in [*first, *second]} == {OutcomeKind.ADDED}
        assert bench.delivered("Gold") == {bench.identifier(each) for each in members}
        assert bench.emulator.sign_in.renewals == 1

    def test_without_a_sign_in_the_person_is_sent_there(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain) as raised:
            create(Settings({"sign_in_by": "browser", "client_id": CLIENT_ID}, {"client_secret": CLIENT_SECRET}))
        assert raised.value.code == "secret_missing"
