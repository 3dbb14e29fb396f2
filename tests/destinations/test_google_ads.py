from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.core.identifiers import HASHES
from app.core.tokens import secrets_in
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.google_ads import session as google_session
from app.destinations.google_ads.answers import reason_words, refused_members
from app.destinations.google_ads.destination import create
from app.destinations.jobs import Patience
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, hashed, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.google_ads import CUSTOMER, GoogleAdsEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET


class Bench(AudienceBench):
    emulator: GoogleAdsEmulator
    description = description("google-ads").audience_type("contact")
    batch_size = description.batch_size

    def __init__(self, emulator: GoogleAdsEmulator) -> None:
        super().__init__(emulator)
        root = emulator.url
        self.values = {
            "customer_id": "123-456-7890",
            "client_id": CLIENT_ID,
            "api_url": f"{root}/v1",
            "authorize_url": f"{root}/o/oauth2/v2/auth",
            "token_url": f"{root}/token",
        }
        self.sign_in = self.signed_in(self.values, {"client_secret": CLIENT_SECRET})
        self.secrets = (CLIENT_SECRET, *secrets_in(self.sign_in))
        emulator.requests.clear()

    def destination(self, **changes: Any) -> SegmentDestination:
        values = {**self.values, **changes.pop("values", {})}
        return create(self.settings(values, {"client_secret": CLIENT_SECRET, "sign_in": self.sign_in}, changes))

    def wrong_secret(self) -> SegmentDestination:
        self.emulator.sign_in.end_all()
        return self.destination()

    def member(self, number: int, **values: str | None) -> Member:
        first = values.get("first_name")
        return Member(
            str(number),
            {
                "email": hashed(f"person{number}@shop.example"),
                "first_name": hashed(first) if first else first,
            },
        )

    def delivered(self, segment: str) -> set[str]:
        found = self.emulator.named(segment)
        return found.members if found else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with GoogleAdsEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_session, "PATIENCE", Patience(0.01, 0.02, 5.0))


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ('"LIST-ID"',)
    tells_new = False

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination(values={"manager_id": "111-222-3333"}).test(JobContext())
        bench.destination().choices("audience_id", JobContext())
        whole = Member("1", {**bench.member(1).values, **ADDRESS, "phone": hashed("+4930123456")})
        consent = {"ad_user_data": "granted", "ad_personalization": "denied", "terms": "accepted"}
        send(bench, whole, bench.refused_member(2), **consent)
        send(bench, Member("m", {"mobile_id": "A-B"}), list_kind="mobile", audience="Phones", app_id="com.shop")
        send(bench, Member("u", {"user_id": "C-1"}), list_kind="user", audience="Users")
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 15
        assert bench.emulator.violations == []


ADDRESS = {"first_name": hashed("zoe"), "last_name": hashed("doe"), "country": "DE", "postal_code": "10117"}


class TestMembers:
    def test_everything_that_identifies_a_person_is_hashed(self) -> None:
        fields = {field.id: field.normalise for field in description("google-ads").audience_type("contact").fields}
        assert {name for name, rule in fields.items() if rule in HASHES} == {
            "email",
            "phone",
            "first_name",
            "last_name",
        }

    def test_a_whole_address_goes_along(self, bench: Bench) -> None:
        send(bench, Member("1", {**bench.member(1).values, **ADDRESS, "phone": hashed("+4930123456")}))
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith(":ingest")]
        assert posted["encoding"] == "HEX"
        identifiers = posted["audienceMembers"][0]["userData"]["userIdentifiers"]
        assert [next(iter(each)) for each in identifiers] == ["emailAddress", "phoneNumber", "address"]
        assert identifiers[2]["address"] == {
            "givenName": ADDRESS["first_name"],
            "familyName": ADDRESS["last_name"],
            "regionCode": "DE",
            "postalCode": "10117",
        }

    @pytest.mark.parametrize("lacking", ADDRESS)
    def test_part_of_an_address_does_not(self, bench: Bench, lacking: str) -> None:
        send(bench, Member("1", {**bench.member(1).values, **ADDRESS, lacking: None}))
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith(":ingest")]
        assert len(posted["audienceMembers"][0]["userData"]["userIdentifiers"]) == 1

    def test_a_phone_is_enough_and_nothing_is_not(self, bench: Bench) -> None:
        phone, nobody = Member("p", {"phone": hashed("+1")}), Member("n", {"email": None, "phone": ""})
        assert [each.kind for each in send(bench, phone, nobody)] == [OutcomeKind.TAKEN, OutcomeKind.INVALID]

    def test_members_a_refused_request_names_are_set_aside(self, bench: Bench) -> None:
        plain = Member("2", {"email": "not-hashed@shop.example"})
        outcomes = send(bench, bench.member(1), plain, bench.member(3))
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.REJECTED, OutcomeKind.TAKEN]
        assert outcomes[1].reason == (
            "Google can't read this member's values. Google says: The value is not a SHA-256 in hexadecimal."
        )
        assert len(bench.delivered("VIP")) == 2

    def test_consent_and_terms_go_along_when_they_are_said(self, bench: Bench) -> None:
        send(bench, bench.member(1))
        send(bench, bench.member(1), ad_user_data="granted", ad_personalization="denied", terms="accepted")
        plain, said = (r.body for r in bench.emulator.requests if r.path.endswith(":ingest"))
        assert plain.keys() == {"destinations", "audienceMembers", "encoding"}
        assert said["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"}
        assert said["termsOfService"] == {"customerMatchTermsOfServiceStatus": "ACCEPTED"}

    def test_a_manager_account_is_named(self, bench: Bench) -> None:
        (shown,) = bench.destination(values={"manager_id": "111-222-3333"}).preview(
            {}, "VIP", SyncMode.UPDATE, [bench.member(1)]
        )
        assert '"loginAccount":{"accountType":"GOOGLE_ADS","accountId":"1112223333"}' in shown.body


class TestResults:
    def test_work_is_asked_for_until_it_is_done(self, bench: Bench) -> None:
        bench.emulator.working = 4
        assert [each.kind for each in send(bench, bench.member(1))] == [OutcomeKind.TAKEN]
        assert sum(r.path == "/v1/requestStatus:retrieve" for r in bench.emulator.requests) == 5

    def test_work_that_does_not_end(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(google_session, "PATIENCE", Patience(0.01, 0.01, 0.1))
        bench.emulator.working = 1_000_000
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "job_not_done"

    def test_all_fail(self, bench: Bench) -> None:
        outcomes = send(bench, bench.refused_member(1), bench.refused_member(2))
        assert {each.kind for each in outcomes} == {OutcomeKind.REJECTED}
        assert outcomes[0].reason == "Google can't read this member's values. Google says: INVALID_FORMAT."

    def test_failures_without_names_are_not_passed_over(self, bench: Bench) -> None:
        bench.emulator.unnamed = True
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.what == "Google Ads did not take 1 of 2 members."

    def test_failures_of_which_only_some_are_named_are_not_passed_over(self, bench: Bench) -> None:
        count = {"reason": "PROCESSING_ERROR_REASON_INVALID_FORMAT", "recordCount": "2", "recordIndices": [0]}
        status = {"requestStatus": "PARTIAL_SUCCESS", "errorInfo": {"errorCounts": [count]}}
        bench.emulator.fail(
            "reply", path="requestStatus", reply=Reply(document={"requestStatusPerDestination": [status]})
        )
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.member(2), bench.member(3))
        assert raised.value.what == "Google Ads did not take 2 of 3 members."
        outcomes = send(bench, bench.member(1), bench.member(2))  # who is alone with them is one of them
        assert {each.kind for each in outcomes} == {OutcomeKind.REJECTED}

    def test_a_request_google_does_not_know_any_more(self, bench: Bench) -> None:
        problem = {"error": {"code": 400, "message": "The request ID is not valid.", "status": "INVALID_ARGUMENT"}}
        bench.emulator.fail("reply", path="requestStatus", reply=Reply(400, problem))
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1), bench.member(2))
        assert raised.value.code == "job_lost"
        assert "The request ID is not valid." in raised.value.why

    def test_an_unknown_reason_is_repeated(self) -> None:
        assert reason_words("PROCESSING_ERROR_REASON_SOME_NEW_THING")[0] == "Google says: SOME_NEW_THING."

    @pytest.mark.parametrize(
        "document", [None, [], {}, {"error": {"details": [{"fieldViolations": [{"field": "x"}]}]}}]
    )
    def test_answers_that_name_nobody(self, document: object) -> None:
        assert refused_members(document) == {}


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Old customers")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        place = bench.destination().place({"audience_id": chosen.id}, "VIP", JobContext())
        assert place.name == f"{CUSTOMER} contact Old customers"

    def test_a_list_of_another_kind_is_refused_before_anything_is_sent(self, bench: Bench) -> None:
        phones = bench.emulator.make("Phones", "MOBILE_ID")
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=phones.id)
        assert raised.value.why == "It takes mobile advertising IDs; this export sends contact data."
        assert not [r for r in bench.emulator.requests if r.method == "POST"]

    def test_the_picker_shows_what_can_be_filled(self, bench: Bench) -> None:
        bench.emulator.make("Old customers").members.update(str(i) for i in range(1_250))
        bench.emulator.make("Phones", "MOBILE_ID")
        bench.emulator.make("Seed", "PSEUDONYMOUS_ID")
        choices = bench.destination().choices("audience_id", JobContext())
        assert [(each.name, each.detail, each.members) for each in choices] == [
            ("Old customers", "contact data", 1_200),
            ("Phones", "mobile IDs", 0),
        ]

    def test_many_lists_are_read_page_by_page(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(google_session, "_PAGE", 2)
        for number in range(5):
            bench.emulator.make(f"List {number}")
        assert len(bench.destination().choices("audience_id", JobContext())) == 5

    def test_a_new_list_of_mobile_ids_needs_its_app(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, Member("m", {"mobile_id": "A-B"}), list_kind="mobile")
        assert raised.value.code == "no_app"
        send(bench, Member("m", {"mobile_id": "A-B"}), list_kind="mobile", app_id="com.shop", key_space="IOS")
        assert bench.delivered("VIP") == {"A-B"}

    def test_each_segment_has_a_list_of_its_own(self, bench: Bench) -> None:
        send(bench, bench.member(1), audience="Shop {segment}")
        assert bench.emulator.named("Shop VIP") is not None


class TestTrouble:
    def test_terms_nobody_accepted(self, bench: Bench) -> None:
        bench.emulator.terms_accepted = False
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "terms"
        assert send(bench, bench.member(1), terms="accepted")[0].kind is OutcomeKind.TAKEN

    def test_an_account_without_customer_match(self, bench: Bench) -> None:
        error = {
            "code": 403,
            "status": "PERMISSION_DENIED",
            "message": "No.",
            "details": [{"reason": "NOT_ALLOWLISTED"}],
        }
        bench.emulator.fail("reply", path=":ingest", reply=Reply(403, {"error": error}))
        with pytest.raises(NotAllowed) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "not_allowlisted"

    def test_access_that_ends_while_google_works_is_renewed(self, bench: Bench) -> None:
        with bench.destination().session({}, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            bench.emulator.sign_in.end_access()
            session.send([bench.member(2)], JobContext())
        assert len(bench.delivered("VIP")) == 2

    def test_nobody_signed_in(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain):
            create(Settings(bench.values, {"client_secret": CLIENT_SECRET}))

    def test_a_list_of_letters(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), audience_id="../x")
