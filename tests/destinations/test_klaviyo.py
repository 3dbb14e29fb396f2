from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.jobs import Patience
from app.destinations.klaviyo import session as klaviyo_session
from app.destinations.klaviyo.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.klaviyo import KEY, KlaviyoEmulator


class Bench(AudienceBench):
    emulator: KlaviyoEmulator
    description = description("klaviyo")
    batch_size = 10_000  # what Klaviyo takes; a run sends less at once, because of the bytes
    secrets = (KEY,)

    def destination(self, *, key: str = KEY, **changes: Any) -> SegmentDestination:
        values = {"api_url": self.emulator.url, **changes.pop("values", {})}
        return create(self.settings(values, {"api_key": key}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(key="pk_wrong_wrong_wrong_wrong")

    def gone_audience(self) -> dict[str, str]:
        return {"audience_id": "GONE42"}

    def delivered(self, segment: str) -> set[str]:
        return self.emulator.known_by(segment, "email")


@pytest.fixture
def bench() -> Iterator[Bench]:
    with KlaviyoEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(klaviyo_session, "PATIENCE", Patience(0.01, 0.02, 5.0))


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/LIST-ID/", '"LIST-ID"', '"PROFILE-ID"')
    tells_new = False

    def test_preview_shows_what_is_removed(self, bench: Bench) -> None:
        """Their numbers are asked for first; in a preview nobody is asked."""
        member = bench.member(1)
        asked, taken = bench.destination().preview({}, "VIP", SyncMode.MIRROR, [member], removed=True)
        assert (asked.method, taken.method) == ("GET", "DELETE")
        assert "person1%40shop.example" in asked.url
        assert "PROFILE-ID" in taken.body
        assert bench.emulator.requests == []

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        bench.destination().choices("audience_id", JobContext())
        whole = {field.id: "x" for field in bench.description.fields} | {"email": "a@shop.example"}
        whole |= {"phone_number": "+4930123456", "properties.Points": "7"}
        send(bench, Member("1", whole), bench.refused_member(2), properties="Points")
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1), Member("p", {"phone_number": "+4930123456"})], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 12
        assert bench.emulator.violations == []


class TestProfiles:
    def test_a_profile_as_klaviyo_wants_it(self, bench: Bench) -> None:
        values = {
            "email": "zoe@shop.example",
            "phone_number": "+4930123456",
            "location.city": "Berlin",
            "location.zip": None,
            "properties.Points": "7",
        }
        send(bench, Member("1", values), properties="Points, Points")
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("import-jobs") and r.method == "POST"]
        (profile,) = posted["data"]["attributes"]["profiles"]["data"]
        assert profile["attributes"] == {
            "email": "zoe@shop.example",
            "phone_number": "+4930123456",
            "location": {"city": "Berlin"},
            "properties": {"Points": "7"},
        }

    def test_properties_named_in_the_export_can_be_matched(self, bench: Bench) -> None:
        found = bench.destination().fields({"properties": "Points, Last shop"}, JobContext())
        assert [each.id for each in found][-2:] == ["properties.Points", "properties.Last shop"]

    def test_nobody_is_subscribed_or_unsubscribed(self, bench: Bench) -> None:
        send(bench, bench.member(1))
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
        assert not [r for r in bench.emulator.requests if "subscription" in r.path or "suppression" in r.path]

    @pytest.mark.parametrize("by", ["payload", "pointer"])
    def test_refused_profiles_are_found(self, bench: Bench, by: str) -> None:
        bench.emulator.names_by = by
        nobody = Member("n", {"email": None, "phone_number": ""})
        outcomes = send(bench, nobody, bench.member(1), bench.refused_member(2), Member("x", {"email": "x"}))
        kinds = [OutcomeKind.INVALID, OutcomeKind.TAKEN, OutcomeKind.REJECTED, OutcomeKind.REJECTED]
        assert [each.kind for each in outcomes] == kinds
        assert outcomes[3].reason == "The e-mail address is not valid there. Klaviyo says: Invalid email address."

    def test_refused_profiles_that_are_not_named_are_not_passed_over(self, bench: Bench) -> None:
        bench.emulator.names_by = "nothing"
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.what == "Klaviyo did not take 1 of 2 members."

    @pytest.mark.parametrize("path", ["-jobs/J", "/import-errors"])
    def test_an_import_klaviyo_does_not_know_any_more(self, bench: Bench, path: str) -> None:
        """Neither halves nor another list help: what it took is sent again."""
        missing = Reply(
            404, {"errors": [{"id": "1", "code": "not_found", "title": "Gone", "detail": "There is no job."}]}
        )
        bench.emulator.fail("reply", method="GET", path=path, reply=missing)
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.code == "job_lost"
        assert "There is no job." in raised.value.why

    def test_one_alone_whom_klaviyo_does_not_name_is_refused(self, bench: Bench) -> None:
        bench.emulator.names_by = "nothing"
        (outcome,) = send(bench, bench.refused_member(2))
        assert outcome.kind is OutcomeKind.REJECTED
        assert "This profile is not allowed." in outcome.reason

    def test_an_import_somebody_cancels(self, bench: Bench) -> None:
        bench.emulator.cancels = True
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "job_cancelled"

    def test_a_real_batch_stays_below_the_bytes_klaviyo_takes(self, bench: Bench) -> None:
        long = {field.id: "x" * 60 for field in bench.description.fields if field.id not in klaviyo_session.KEYS}
        members = [bench.member(number, **long) for number in range(bench.description.batch_size)]
        assert {each.kind for each in send(bench, *members)} == {OutcomeKind.TAKEN}


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        assert bench.destination().place({"audience_id": chosen.id}, "VIP", JobContext()).name == "Newsletter"

    def test_the_picker_reads_all_pages_from_the_same_host(self, bench: Bench) -> None:
        for number in range(23):
            bench.emulator.make(f"List {number}")
        assert len(bench.destination().choices("audience_id", JobContext())) == 23

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/api/lists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_names_with_quotes(self, bench: Bench) -> None:
        with bench.destination().session({}, 'He said "hi", (Zoë)', SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
        assert bench.destination().place({}, 'He said "hi", (Zoë)', JobContext()).there

    def test_many_are_taken_off(self, bench: Bench) -> None:
        members = [bench.member(number) for number in range(1_250)]
        send(bench, *members)
        with bench.destination().session({}, "VIP", SyncMode.MIRROR) as session:
            session.remove(members[50:], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(each) for each in members[:50]}
        assert sum(r.method == "DELETE" for r in bench.emulator.requests) == 2

    def test_a_list_of_slashes(self, bench: Bench) -> None:
        with pytest.raises(FixSettings):
            send(bench, bench.member(1), audience_id="../x")


def test_without_a_key() -> None:
    with pytest.raises(SignInAgain):
        create(Settings({}, {}))
