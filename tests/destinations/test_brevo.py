from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixSettings, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.destinations import http
from app.destinations.batches import Member, OutcomeKind
from app.destinations.brevo import session as brevo_session
from app.destinations.brevo.answers import typed
from app.destinations.brevo.destination import create
from app.destinations.calls import Retry
from app.destinations.contract import ReadingDestination, SegmentDestination, Settings
from app.destinations.jobs import Patience
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentBench, SegmentDestinationSuite
from tests.vendors.brevo import KEY, BrevoEmulator
from tests.vendors.emulator import Reply


class Bench(AudienceBench):
    emulator: BrevoEmulator
    description = description("brevo")
    batch_size = 1_000  # of an account that takes fewer than fit into 8 MB, so that whole batches are quick
    secrets = (KEY,)

    def destination(self, *, key: str = KEY, **changes: Any) -> SegmentDestination:
        return create(self.settings({"api_url": self.emulator.url}, {"api_key": key}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(key=f"xkeysib-{'f' * 64}-xxxxxxxxxxxxxxxx")

    def member(self, number: int, **values: str | None) -> Member:
        details = {"FIRSTNAME" if name == "first_name" else name: value for name, value in values.items()}
        return Member(str(number), {"email": f"person{number}@shop.example", "FIRSTNAME": "P", **details})

    def delivered(self, segment: str) -> set[str]:
        return self.emulator.addresses(segment)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with BrevoEmulator() as emulator:
        emulator.most = Bench.batch_size
        yield Bench(emulator)
        assert emulator.violations == []


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brevo_session, "PATIENCE", Patience(0.01, 0.02, 5.0))
    monkeypatch.setattr(http, "RETRY", Retry(attempts=4, first=0.01, longest=0.05))


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ('"listIds":[0]', "/lists/0/")
    tells_new = False

    def test_part_fails(self, bench: SegmentBench) -> None:
        """Brevo does not say whom it did not take: only its number tells that somebody is missing."""
        members = [bench.member(1), bench.refused_member(2), bench.member(3)]
        assert self.send(bench, members) == [OutcomeKind.ADDED] * 3
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            assert session.confirm(JobContext()).members == 2

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        destination = bench.destination()
        destination.test(JobContext())
        for field_id in ("audience_id", "folder_id"):
            destination.choices(field_id, JobContext())
        destination.fields({}, JobContext())
        send(bench, bench.member(1, POINTS="7", CLUB="yes"), bench.refused_member(2))
        with destination.session({}, "VIP", SyncMode.MIRROR) as session:
            for _ in range(2):
                session.remove([bench.member(1), bench.member(4)], JobContext())
            session.confirm(JobContext())
        assert isinstance(destination, ReadingDestination)
        list(destination.read_members({}, "VIP", JobContext()))
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 20
        assert bench.emulator.violations == []


class TestContacts:
    def test_an_import_as_brevo_wants_it(self, bench: Bench) -> None:
        send(bench, bench.member(1, LASTNAME=None, POINTS="7.0", CLUB="No"), report="mail")
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("/import")]
        found = bench.emulator.named("VIP")
        assert found is not None
        assert posted == {
            "jsonBody": [
                {"email": "person1@shop.example", "attributes": {"FIRSTNAME": "P", "POINTS": 7, "CLUB": False}}
            ],
            "listIds": [found.id],
            "updateExistingContacts": True,
            "emptyContactsAttributes": False,
            "disableNotification": False,
        }

    def test_values_that_brevo_would_drop_are_told(self, bench: Bench) -> None:
        outcomes = send(bench, bench.member(1, POINTS="many"), bench.member(2, CLUB="perhaps"), bench.member(3))
        assert [each.kind for each in outcomes] == [OutcomeKind.INVALID, OutcomeKind.INVALID, OutcomeKind.TAKEN]
        assert [each.field for each in outcomes[:2]] == ["POINTS", "CLUB"]
        assert bench.delivered("VIP") == {"person3@shop.example"}

    @pytest.mark.parametrize("name", ["ORDERS", "SHOESIZE"])
    def test_attributes_brevo_would_ignore_are_refused_before_anything_is_sent(self, bench: Bench, name: str) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1, **{name: "7"}))
        assert raised.value.code == "no_attribute"
        assert bench.emulator.contacts == {}

    def test_attributes_of_the_account(self, bench: Bench) -> None:
        found = [each.id for each in bench.destination().fields({}, JobContext())]
        assert found == ["email", "FIRSTNAME", "LASTNAME", "SMS", "BIRTHDAY", "CLUB", "POINTS"]

    def test_nobody_is_deleted_or_blocklisted(self, bench: Bench) -> None:
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.send([bench.member(1)], JobContext())
            session.remove([bench.member(1)], JobContext())
        assert bench.emulator.contacts.keys() == {"person1@shop.example"}
        sent = [r.body for r in bench.emulator.requests if r.body]
        assert "lacklist" not in repr(sent)

    @pytest.mark.parametrize(
        ("kind", "text", "value"), [("float", "7.5", 7.5), ("boolean", "1", True), ("date", "x", "x")]
    )
    def test_types(self, kind: str, text: str, value: object) -> None:
        assert typed(kind, text) == value

    @pytest.mark.parametrize("text", ["nan", "inf", "7,5", "many"])
    def test_numbers_that_are_none(self, text: str) -> None:
        with pytest.raises(ValueError, match=text):
            typed("float", text)

    def test_being_asked_too_often_does_not_end_the_wait(self, bench: Bench) -> None:
        bench.emulator.fail("reply", path="/processes/", times=6, reply=Reply(429, raw=b""))
        assert [each.kind for each in send(bench, bench.member(1))] == [OutcomeKind.TAKEN]

    def test_an_import_without_an_end(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(brevo_session, "PATIENCE", Patience(0.01, 0.02, 0.1))
        bench.emulator.working = 10_000
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "job_not_done"


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter")
        send(bench, bench.member(1), audience_id=str(chosen.id))
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        assert bench.destination().place({"audience_id": str(chosen.id)}, "VIP", JobContext()).name == "Newsletter"

    def test_a_dynamic_list_is_refused_before_anything_is_sent(self, bench: Bench) -> None:
        bench.emulator.make("VIP", dynamic=True)
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "wrong_audience"

    def test_pickers_read_all_pages(self, bench: Bench) -> None:
        for number in range(123):
            bench.emulator.make(f"List {number}")
        assert len(bench.destination().choices("audience_id", JobContext())) == 123
        assert [each.name for each in bench.destination().choices("folder_id", JobContext())] == ["Your first folder"]

    def test_a_new_list_lies_in_the_chosen_folder(self, bench: Bench) -> None:
        bench.emulator.folders[7] = "Segments"
        send(bench, bench.member(1), folder_id="7")
        assert [each.folder for each in bench.emulator.lists.values()] == [7]

    def test_without_a_folder(self, bench: Bench) -> None:
        bench.emulator.folders.clear()
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "no_folder"

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/contacts/lists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_many_are_taken_off_and_all_are_read(self, bench: Bench) -> None:
        members = [bench.member(number) for number in range(900)]
        send(bench, *members)
        destination = bench.destination()
        assert isinstance(destination, ReadingDestination)
        pages = list(destination.read_members({}, "VIP", JobContext()))
        assert [len(page) for page in pages] == [500, 400]
        with destination.session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove(members[50:], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(each) for each in members[:50]}
        assert sum(r.path.endswith("/remove") for r in bench.emulator.requests) == 6

    @pytest.mark.parametrize("target", [{"audience_id": "x"}, {"folder_id": "../1"}])
    def test_lists_and_folders_are_numbers(self, bench: Bench, target: dict[str, str]) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), **target)


def test_without_a_key() -> None:
    with pytest.raises(SignInAgain):
        create(Settings({}, {}))
