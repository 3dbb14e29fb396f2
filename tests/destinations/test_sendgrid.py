from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import FixData, FixSettings, SignInAgain, TellUs
from app.core.exports import SyncMode
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import Exchange, SegmentDestination, Settings
from app.destinations.jobs import Patience
from app.destinations.registry import description
from app.destinations.sendgrid import session as sendgrid_session
from app.destinations.sendgrid.answers import lines_naming, refused_places
from app.destinations.sendgrid.destination import create
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.sendgrid import KEY, SendGridEmulator


class Bench(AudienceBench):
    emulator: SendGridEmulator
    description = description("sendgrid")
    batch_size = (
        1_000  # of an account that takes fewer than the 30,000 of the real one, so that whole batches are quick
    )
    secrets = (KEY,)

    def destination(self, *, key: str = KEY, **changes: Any) -> SegmentDestination:
        return create(self.settings({"api_url": self.emulator.url}, {"api_key": key}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(key=f"SG.{'x' * 22}.{'y' * 43}")

    def gone_audience(self) -> dict[str, str]:
        return {"audience_id": str(uuid4())}

    def delivered(self, segment: str) -> set[str]:
        return self.emulator.addresses(segment)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with SendGridEmulator() as emulator:
        emulator.most = Bench.batch_size
        yield Bench(emulator)
        assert emulator.violations == []


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendgrid_session, "PATIENCE", Patience(0.01, 0.02, 5.0))


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/LIST-ID/", '"LIST-ID"', "=CONTACT-ID")
    writes = "PUT"
    writes_to_open = 0
    tells_new = False

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        bench.destination().choices("audience_id", JobContext())
        bench.destination().fields({}, JobContext())
        whole = {field.id: "x" for field in bench.description.fields} | {"email": "a@shop.example", "custom.w1": "7"}
        send(bench, Member("1", whole), bench.refused_member(2))
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([Member("1", {"email": "a@shop.example"}), bench.member(4)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 13
        assert bench.emulator.violations == []


class TestContacts:
    def test_a_contact_as_sendgrid_wants_it(self, bench: Bench) -> None:
        send(bench, Member("1", {"email": "a@shop.example", "city": "Berlin", "country": None, "custom.w1": "Mitte"}))
        (posted,) = [r.body for r in bench.emulator.requests if r.method == "PUT"]
        found = bench.emulator.named("VIP")
        assert found is not None
        contact = {"email": "a@shop.example", "city": "Berlin", "custom_fields": {"w1": "Mitte"}}
        assert posted == {"list_ids": [found.id], "contacts": [contact]}

    def test_custom_fields_can_be_matched(self, bench: Bench) -> None:
        found = {each.id: each.name for each in bench.destination().fields({}, JobContext())}
        assert found["custom.w1"] == "Favourite shop"

    def test_nobody_is_deleted(self, bench: Bench) -> None:
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.send([bench.member(1)], JobContext())
            session.remove([bench.member(1)], JobContext())
        assert bench.emulator.contacts.keys() == {"person1@shop.example"}
        (deleted,) = [r.path for r in bench.emulator.requests if r.method == "DELETE"]
        assert deleted.startswith("/v3/marketing/lists/")

    def test_reasons_are_told(self, bench: Bench) -> None:
        nobody = Member("n", {"email": ""})
        outcomes = send(bench, nobody, bench.refused_member(1), Member("x", {"email": "x"}), bench.member(2))
        kinds = [OutcomeKind.INVALID, OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.TAKEN]
        assert [each.kind for each in outcomes] == kinds
        assert outcomes[1].reason == "SendGrid says: address is on no account."
        assert outcomes[2].reason == "The e-mail address is not valid there. SendGrid says: email is not valid."

    def test_the_file_of_errors_is_read_without_the_key(self, bench: Bench) -> None:
        send(bench, bench.member(1), bench.refused_member(2))
        (file,) = [r for r in bench.emulator.requests if r.path.startswith("/files/")]
        assert "authorization" not in file.headers

    @pytest.mark.parametrize("how", ["nameless", "gone", "elsewhere"])
    def test_whom_the_file_does_not_name_is_asked_for(self, bench: Bench, how: str) -> None:
        bench.emulator.names_refused = False
        if how != "nameless":
            bench.emulator.fail("reply", path="/files/", reply=Reply(404 if how == "gone" else 302, raw=b""))
        outcomes = send(bench, bench.member(1), bench.refused_member(2), bench.member(3))
        kinds = [OutcomeKind.TAKEN, OutcomeKind.REJECTED, OutcomeKind.TAKEN]
        assert [each.kind for each in outcomes] == kinds
        assert "does not say why" in outcomes[1].reason

    def test_refused_contacts_that_are_on_the_list_are_not_passed_over(self, bench: Bench) -> None:
        send(bench, bench.member(1), bench.member(2))
        bench.emulator.names_refused = False
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.code == "unnamed_rejects"

    def test_a_job_without_a_number(self, bench: Bench) -> None:
        bench.emulator.fail("reply", method="PUT", reply=Reply(202, {"job_id": "../scopes"}))
        with pytest.raises(TellUs):
            send(bench, bench.member(1))

    def test_bodies_stay_below_the_bytes_sendgrid_takes(self, bench: Bench) -> None:
        bench.emulator.most = 30_000
        long = {field.id: "x" * 50 for field in bench.description.fields if field.id != "email"}
        with pytest.raises(FixData) as raised:
            send(bench, *(bench.member(number, **long) for number in range(bench.description.batch_size)))
        assert raised.value.code == "body_too_large"
        assert not [r for r in bench.emulator.requests if r.method == "PUT"]

    def test_the_ledger_tells_where_the_file_was_read(self, bench: Bench) -> None:
        told: list[Exchange] = []
        destination = bench.destination(ledger=told.append)
        with destination.session({}, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1), bench.refused_member(2)], JobContext())
        assert len(told) == len(bench.emulator.requests)

    def test_an_error_that_names_a_contact(self) -> None:
        told = {"errors": [{"field": "contacts[7].email", "message": "no"}, {"field": "contacts[9]", "message": "no"}]}
        assert refused_places(told, 8) == {7: "no"}
        assert refused_places({"errors": "x"}, 8) == refused_places(None, 8) == {}

    @given(some.text(max_size=200))
    def test_any_file_of_errors_can_be_read(self, text: str) -> None:
        told = [*lines_naming(f"{text}\n3;Zoe@shop.example ; not valid\n", {"zoe@shop.example"})]
        assert ("zoe@shop.example", "3, not valid") in told


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        assert bench.destination().place({"audience_id": chosen.id}, "VIP", JobContext()).name == "Newsletter"

    def test_the_picker_reads_all_pages(self, bench: Bench) -> None:
        for number in range(1_001):
            bench.emulator.make(f"List {number}")
        assert len(bench.destination().choices("audience_id", JobContext())) == 1_001

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/marketing/lists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_many_are_taken_off(self, bench: Bench) -> None:
        members = [bench.member(number) for number in range(250)]
        send(bench, *members)
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([*members[50:], bench.member(999)], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(each) for each in members[:50]}
        assert sum(r.method == "DELETE" for r in bench.emulator.requests) == 2

    def test_a_list_of_slashes(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), audience_id="../x")


class TestAccount:
    def test_the_company_and_its_contacts(self, bench: Bench) -> None:
        result = bench.destination().test(JobContext())
        assert (result.reached, result.rights) == ("Northwind Retail", ("use marketing contacts", "see 0 contacts"))

    def test_a_key_without_marketing(self, bench: Bench) -> None:
        bench.emulator.scopes = {"mail.send"}
        result = bench.destination().test(JobContext())
        assert (result.reached, result.missing_rights) == ("Twilio SendGrid", ("use marketing contacts",))

    def test_without_a_key(self) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({}, {}))


def test_a_job_with_errors_that_does_not_count_them(bench: Bench) -> None:
    """Whoever is not on the list was not taken, whatever the numbers say."""
    members = [bench.member(1), bench.refused_member(2)]
    bench.emulator.names_refused = False
    answered = bench.emulator._job

    def without_numbers(job_id: str) -> Reply:
        reply = answered(job_id)
        return Reply(document={**reply.document, "results": {"requested_count": 2}})

    bench.emulator._job = without_numbers  # type: ignore[method-assign]  # what its description does not forbid
    with pytest.raises(FixData) as caught:
        send(bench, *members)
    assert caught.value.code == "unnamed_rejects"
