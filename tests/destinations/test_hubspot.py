from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.destinations.batches import Member, OutcomeKind
from app.destinations.browser_signin import sign_in
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.hubspot.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.hubspot import TOKEN, HubSpotEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree


class Bench(AudienceBench):
    emulator: HubSpotEmulator
    description = description("hubspot")
    batch_size = description.batch_size
    secrets = (TOKEN,)

    def destination(self, *, token: str = TOKEN, **changes: Any) -> SegmentDestination:
        return create(self.settings({"api_url": self.emulator.url}, {"access_token": token}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(token="pat-eu1-ffffffff-ffff-ffff-ffff-ffffffffffff")

    def member(self, number: int, **values: str | None) -> Member:
        details = {"firstname" if name == "first_name" else name: value for name, value in values.items()}
        return Member(str(number), {"email": f"person{number}@shop.example", "firstname": "P", **details})

    def delivered(self, segment: str) -> set[str]:
        return self.emulator.addresses(segment)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with HubSpotEmulator() as emulator:
        yield Bench(emulator)
        assert emulator.violations == []


pytestmark = pytest.mark.usefixtures("unpaced")


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/LIST-ID/", '"CONTACT-ID"')

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        bench.destination().choices("audience_id", JobContext())
        bench.destination().fields({}, JobContext())
        whole = {field.id: "x" for field in bench.description.fields} | {"email": "a@shop.example"}
        send(bench, Member("1", whole), bench.refused_member(2))
        send(bench, bench.member(3), mode=SyncMode.ADD, audience_id=bench.emulator.make("Newsletter").id)
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([Member("1", {"email": "a@shop.example"}), bench.member(4)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 16
        assert bench.emulator.violations == []


class TestContacts:
    def test_a_contact_as_hubspot_wants_it(self, bench: Bench) -> None:
        send(bench, bench.member(1, city="Berlin", zip=None, state=""))
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("/batch/upsert")]
        assert posted["inputs"] == [
            {
                "id": "person1@shop.example",
                "idProperty": "email",
                "objectWriteTraceId": "0",
                "properties": {"email": "person1@shop.example", "firstname": "P", "city": "Berlin"},
            }
        ]

    def test_contacts_known_already_are_added_to_the_list(self, bench: Bench) -> None:
        bench.emulator.add("person1@shop.example", firstname="Zoë")
        assert [each.kind for each in send(bench, bench.member(1))] == [OutcomeKind.ADDED]
        assert [each.kind for each in send(bench, bench.member(1))] == [OutcomeKind.UPDATED]

    def test_add_leaves_the_values_of_known_contacts_alone(self, bench: Bench) -> None:
        number = bench.emulator.add("old@shop.example", firstname="Zoë", hs_additional_emails="person1@shop.example")
        outcomes = send(bench, bench.member(1), bench.member(2), mode=SyncMode.ADD)
        assert [each.kind for each in outcomes] == [OutcomeKind.ADDED, OutcomeKind.ADDED]
        assert bench.emulator.contacts[number]["firstname"] == "Zoë"
        assert bench.delivered("VIP") == {"old@shop.example", "person2@shop.example"}

    def test_who_is_known_by_another_address_is_taken_off(self, bench: Bench) -> None:
        number = bench.emulator.add("old@shop.example", hs_additional_emails="person1@shop.example")
        bench.emulator.make("VIP").members.add(number)
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
        assert bench.delivered("VIP") == set()
        assert number in bench.emulator.contacts

    def test_nobody_is_deleted_or_unsubscribed(self, bench: Bench) -> None:
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.send([bench.member(1)], JobContext())
            session.remove([bench.member(1)], JobContext())
        asked = {(r.method, r.path.rsplit("/", 1)[-1]) for r in bench.emulator.requests if r.method != "GET"}
        assert asked == {("POST", "lists"), ("POST", "upsert"), ("POST", "read"), ("PUT", "add"), ("PUT", "remove")}

    def test_reasons_are_told(self, bench: Bench) -> None:
        nobody = Member("n", {"email": "", "firstname": "N"})
        outcomes = send(bench, nobody, bench.refused_member(1), Member("x", {"email": "x"}), bench.member(2))
        kinds = [OutcomeKind.INVALID, OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.ADDED]
        assert [each.kind for each in outcomes] == kinds
        assert outcomes[1].reason == (
            "The e-mail address is not valid there. HubSpot says: Email address person1@shop.example is invalid."
        )
        assert outcomes[2].reason == (
            "The e-mail address is not valid there. HubSpot says: Email address x is invalid."
        )

    def test_a_request_refused_as_a_whole_can_be_halved(self, bench: Bench) -> None:
        bench.emulator.traces = False
        with pytest.raises(FixData):
            send(bench, bench.member(1), bench.refused_member(2))
        assert bench.delivered("VIP") == set()

    def test_a_property_that_is_gone(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1, gone="x"))
        assert raised.value.code == "no_property"

    def test_an_answer_that_leaves_somebody_out(self, bench: Bench) -> None:
        moment = "2026-11-26T12:00:00Z"
        empty = {"status": "COMPLETE", "results": [], "startedAt": moment, "completedAt": moment}
        bench.emulator.fail("reply", path="/batch/upsert", reply=Reply(document=empty))
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "unnamed_rejects"

    def test_a_list_that_does_not_know_a_new_contact_yet(self, bench: Bench) -> None:
        late = {"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["102"]}
        bench.emulator.fail("reply", path="/memberships/add", reply=Reply(document=late))
        (outcome,) = send(bench, bench.member(1))
        assert outcome.kind is OutcomeKind.REJECTED
        assert "do not know it yet" in outcome.reason

    def test_properties_that_can_be_filled(self, bench: Bench) -> None:
        found = [each.id for each in bench.destination().fields({}, JobContext())]
        assert {"favourite_shop", "points"} <= set(found)
        assert not set(found) & {"hs_lead_source", "full_name"}
        assert len(found) == len(set(found))


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter", "SNAPSHOT")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        assert bench.destination().place({"audience_id": chosen.id}, "VIP", JobContext()).name == "Newsletter"

    @pytest.mark.parametrize("kind", [("DYNAMIC", "0-1"), ("MANUAL", "0-2")])
    def test_other_lists_are_refused_before_anything_is_sent(self, bench: Bench, kind: tuple[str, str]) -> None:
        bench.emulator.make("VIP", *kind)
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "wrong_audience"
        assert bench.destination().choices("audience_id", JobContext()) == []
        assert bench.emulator.contacts == {}

    def test_the_picker_reads_all_pages_and_counts(self, bench: Bench) -> None:
        for number in range(123):
            bench.emulator.make(f"List {number}")
        found = bench.destination().choices("audience_id", JobContext())
        assert len(found) == 123
        assert found[0].members == 0

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/crm/v3/lists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_names_with_signs(self, bench: Bench) -> None:
        name = "Café / “VIP” 100 %?"
        with bench.destination().session({}, name, SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
        assert bench.destination().place({}, name, JobContext()).there

    def test_a_list_of_letters(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), audience_id="../x")


class TestAccount:
    def test_the_account_its_rights_and_the_requests_left(self, bench: Bench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached == "HubSpot account 4242424"
        assert result.rights == ("see lists", "see contacts", "make 649,996 more requests today")

    def test_the_requests_left_are_those_of_the_private_app(self, bench: Bench) -> None:
        bench.emulator.left = 1_001
        assert bench.destination().quota(JobContext()) == Quota(1_000, 650_000)
        bench.emulator.scopes.clear()
        usage = {"results": [{"usageLimit": 0, "currentUsage": 0, "fetchStatus": "TIMEOUT"}]}
        bench.emulator.fail("reply", reply=Reply(200, usage))
        assert bench.destination().quota(JobContext()) is None

    def test_a_right_that_lacks(self, bench: Bench) -> None:
        bench.emulator.scopes.remove("crm.lists.read")
        assert bench.destination().test(JobContext()).missing_rights == ("see lists",)
        bench.emulator.scopes.add("crm.lists.read")
        bench.emulator.scopes.remove("crm.objects.contacts.write")
        with pytest.raises(NotAllowed) as raised:
            send(bench, bench.member(1))
        assert "It lacks crm.objects.contacts.write." in raised.value.why

    def test_requests_of_a_day_that_are_used_up_are_not_waited_for(self, bench: Bench) -> None:
        bench.emulator.left = 2
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "daily_limit"
        assert bench.slowed == []

    def test_a_plan_with_more_requests(self) -> None:
        assert description("hubspot").pace.requests_per_second == 10
        assert description("hubspot").for_connection({"requests_per_second": "19"}).pace.requests_per_second == 19

    def test_without_a_token(self) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({}, {}))


class TestBrowser:
    """A sign-in by the browser in place of the token."""

    def signed_in(self, bench: Bench) -> SegmentDestination:
        root = bench.emulator.url
        values = {"api_url": root, "sign_in_by": "browser", "client_id": CLIENT_ID}
        values |= {"authorize_url": f"{root}/oauth/authorize", "token_url": f"{root}/oauth/v3/token"}
        secrets = {"client_secret": CLIENT_SECRET}

        def browse(page: str) -> None:
            threading.Thread(target=agree, args=(page,), daemon=True).start()

        secrets["sign_in"] = sign_in(bench.description, values, secrets, browse, JobContext()).written()
        return create(Settings(values, secrets))

    def test_access_that_ends_in_the_middle_of_a_run_is_renewed(self, bench: Bench) -> None:
        destination = self.signed_in(bench)
        members = [bench.member(number) for number in range(20)]
        with destination.session({}, "Gold", SyncMode.UPDATE) as session:
            first = session.send(members[:10], JobContext())
            bench.emulator.sign_in.end_access()
            second = session.send(members[10:], JobContext())
        assert {each.kind for each in [*first, *second]} == {OutcomeKind.ADDED}
        assert bench.delivered("Gold") == {bench.identifier(each) for each in members}
        assert bench.emulator.sign_in.renewals == 1

    def test_it_tells_no_requests_left(self, bench: Bench) -> None:
        assert self.signed_in(bench).test(JobContext()).rights == ("see lists", "see contacts")

    def test_without_a_sign_in_the_person_is_sent_there(self) -> None:
        with pytest.raises(SignInAgain) as raised:
            create(Settings({"sign_in_by": "browser", "client_id": CLIENT_ID}, {"client_secret": CLIENT_SECRET}))
        assert raised.value.code == "secret_missing"
