from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, SignInAgain
from app.core.exports import SyncMode
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.iterable.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.iterable import KEY, IterableEmulator


class Bench(AudienceBench):
    emulator: IterableEmulator
    description = description("iterable")
    batch_size = description.batch_size
    secrets = (KEY,)

    def destination(self, *, key: str = KEY, **changes: Any) -> SegmentDestination:
        return create(self.settings({"api_url": self.emulator.url}, {"api_key": key}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(key="f" * 32)

    def member(self, number: int, **values: str | None) -> Member:
        details = {"firstName" if name == "first_name" else name: value for name, value in values.items()}
        return Member(str(number), {"email": f"person{number}@shop.example", "firstName": "P", **details})

    def refused_member(self, number: int) -> Member:
        member = self.member(number)
        self.emulator.forgotten.add(member.values["email"] or "")
        return member

    def delivered(self, segment: str) -> set[str]:
        found = self.emulator.named(segment)
        return found.members if found else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with IterableEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ('"listId":0',)
    tells_new = False

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        bench.destination().fields({}, JobContext())
        send(bench, bench.member(1), bench.refused_member(2), Member("u", {"userId": "C-1", "firstName": "Zoë"}))
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 8
        assert bench.emulator.violations == []


class TestUsers:
    def test_a_user_as_iterable_wants_it(self, bench: Bench) -> None:
        send(bench, bench.member(1), Member("u", {"email": None, "userId": "C-1", "firstName": ""}))
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("/subscribe")]
        assert posted["subscribers"] == [
            {"email": "person1@shop.example", "dataFields": {"firstName": "P"}},
            {"userId": "C-1", "preferUserId": True},
        ]

    def test_nobody_is_unsubscribed_from_a_channel(self, bench: Bench) -> None:
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.send([bench.member(1)], JobContext())
            session.remove([bench.member(1)], JobContext())
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("/unsubscribe")]
        assert posted["channelUnsubscribe"] is False

    def test_reasons_are_told(self, bench: Bench) -> None:
        nobody = Member("n", {"email": "", "userId": None})
        outcomes = send(bench, nobody, bench.refused_member(1), Member("x", {"email": "x"}), bench.member(2))
        kinds = [OutcomeKind.INVALID, OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.TAKEN]
        assert [each.kind for each in outcomes] == kinds
        assert "forgotten" in outcomes[1].reason
        assert "e-mail address" in outcomes[2].reason

    def test_refused_users_that_are_not_named_are_not_passed_over(self, bench: Bench) -> None:
        bench.emulator.names_refused = False
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.what == "Iterable did not take 1 of 2 members."

    def test_user_ids_that_differ_only_in_case_are_two_users(self, bench: Bench) -> None:
        refused = {"successCount": 1, "failCount": 1, "failedUpdates": {"invalidDataUserIds": ["ab"]}}
        bench.emulator.fail("reply", path="/lists/subscribe", reply=Reply(document=refused))
        outcomes = send(bench, *(Member(name, {"userId": name}) for name in ("ab", "AB")))
        assert [each.kind for each in outcomes] == [OutcomeKind.REJECTED, OutcomeKind.TAKEN]

    def test_who_could_not_be_taken_off_is_told(self, bench: Bench) -> None:
        """Whoever is not known there is on no list; somebody in conflict may still be."""
        failed = {"notFoundEmails": ["person1@shop.example"], "conflictEmails": ["Person2@shop.example"]}
        reply = Reply(document={"successCount": 1, "failCount": 2, "failedUpdates": failed})
        members = [bench.member(number) for number in range(3)]
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.send(members, JobContext())
            bench.emulator.fail("reply", path="/lists/unsubscribe", reply=reply)
            outcomes = session.remove(members, JobContext())
        assert [each.kind for each in outcomes] == [OutcomeKind.REMOVED, OutcomeKind.REMOVED, OutcomeKind.REJECTED]
        assert "conflictEmails" in outcomes[2].reason

    def test_fields_of_the_project_that_hold_text(self, bench: Bench) -> None:
        found = {each.id for each in bench.destination().fields({}, JobContext())}
        assert "favouriteShop" in found
        assert not found & {"points", "a.b"}


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter")
        send(bench, bench.member(1), audience_id=str(chosen.id))
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None

    def test_a_dynamic_list_is_refused_before_anything_is_sent(self, bench: Bench) -> None:
        dynamic = bench.emulator.make("Active", "Dynamic")
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=str(dynamic.id))
        assert raised.value.code == "wrong_audience"
        assert [each.name for each in bench.destination().choices("audience_id", JobContext())] == []

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/api/lists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_a_list_of_letters(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), audience_id="x")


def test_data_centres_and_keys() -> None:
    shown = create(Settings({"region": "eu"}, {"api_key": KEY})).preview(
        {}, "VIP", SyncMode.UPDATE, [Member("1", {"email": "a@shop.example"})]
    )
    assert shown[0].url == "https://api.eu.iterable.com/api/lists/subscribe"
    with pytest.raises(SignInAgain):
        create(Settings({}, {}))
