from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.core.tokens import Tokens, secrets_in
from app.destinations import http
from app.destinations.answers import Answer
from app.destinations.batches import Member, OutcomeKind
from app.destinations.calls import Retry
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.criteo import session as criteo_session
from app.destinations.criteo.answers import meaning
from app.destinations.criteo.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, hashed, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.criteo import CriteoEmulator
from tests.vendors.emulator import Reply
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET


class Bench(AudienceBench):
    emulator: CriteoEmulator
    description = description("criteo")
    batch_size = description.batch_size

    def __init__(self, emulator: CriteoEmulator) -> None:
        super().__init__(emulator, account_id="57001")
        # Signed in, so that what goes wrong on purpose strikes the API and not the sign-in before it.
        self.sign_in = Tokens(emulator.sign_in.access()).written()
        self.secrets = (CLIENT_SECRET, *secrets_in(self.sign_in))

    def destination(self, **changes: Any) -> SegmentDestination:
        root = self.emulator.url
        values = {"client_id": CLIENT_ID, "api_url": root, "token_url": f"{root}/oauth2/token"}
        secrets = {"client_secret": CLIENT_SECRET, "sign_in": self.sign_in, **changes.pop("secrets", {})}
        return create(self.settings(values, secrets, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(secrets={"client_secret": "no-such-secret", "sign_in": ""})

    def member(self, number: int, **values: str | None) -> Member:
        del values  # only the address is sent
        return Member(str(number), {"email": hashed(f"person{number}@shop.example")})

    def delivered(self, segment: str) -> set[str]:
        found = self.emulator.named(segment)
        return found.members if found else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with CriteoEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/SEGMENT-ID/",)
    writes = "PATCH"
    tells_new = False
    writes_to_open = 0

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        for picker in ("account_id", "audience_id"):
            bench.destination().choices(picker, JobContext())
        send(bench, bench.member(1), bench.refused_member(2))
        chosen = bench.emulator.named("VIP")
        assert chosen is not None
        send(bench, bench.member(3), audience_id=chosen.id)
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 12
        assert bench.emulator.violations == []


class TestNothingPersonalLeaves:
    def test_addresses_that_are_not_hashed_are_kept_here(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        assert [field.normalise for field in bench.description.fields] == ["email_sha256"]
        plain = Member("2", {"email": "zoe@shop.example"})
        kinds = [each.kind for each in send(bench, bench.member(1), plain)]
        assert kinds == [OutcomeKind.TAKEN, OutcomeKind.INVALID]
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1), plain], JobContext())
        assert b"zoe@shop.example" not in b"".join(request.raw for request in bench.emulator.requests)
        assert "zoe@shop.example" not in caplog.text
        assert len(bench.emulator.requests) >= 4


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Old customers")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None

    def test_segments_of_other_types_are_refused_before_anything_is_sent(self, bench: Bench) -> None:
        alike = bench.emulator.make("Alike", "Lookalike")
        locked = bench.emulator.make("Locked")
        locked.read_only = True
        reasons = []
        for wrong in (alike, locked):
            with pytest.raises(FixSettings) as raised:
                send(bench, bench.member(1), audience_id=wrong.id)
            assert raised.value.code == "wrong_audience"
            reasons.append(raised.value.why)
        assert reasons[0] == "It is of the type Lookalike; only contact lists take members."
        assert not [r for r in bench.emulator.requests if r.method == "PATCH"]

    def test_a_list_of_another_advertiser(self, bench: Bench) -> None:
        other = bench.emulator.make("Outlet", advertiser="57002")
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=other.id)
        assert raised.value.code == "no_audience"

    def test_the_pickers(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(criteo_session, "_PAGE", 1)
        bench.emulator.make("Old customers")
        bench.emulator.make("Alike", "Lookalike")
        bench.emulator.make("Locked").read_only = True
        bench.emulator.make("Outlet", advertiser="57002")
        advertisers = bench.destination().choices("account_id", JobContext())
        assert [(each.id, each.name) for each in advertisers] == [
            ("57001", "Northwind shop"),
            ("57002", "Northwind outlet"),
        ]
        lists = bench.destination().choices("audience_id", JobContext())
        assert [(each.name, each.detail) for each in lists] == [
            ("Old customers", "Northwind shop"),
            ("Outlet", "Northwind outlet"),
        ]
        assert bench.destination().choices("other", JobContext()) == []

    def test_one_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", path="/create", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.segments.values()] == ["VIP"]

    def test_a_name_criteo_does_not_take(self, bench: Bench) -> None:
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), segment="x" * 300)
        assert raised.value.why == "Criteo says: The name is too long."

    def test_a_list_without_a_number(self, bench: Bench) -> None:
        bench.emulator.fail("reply", path="/create", reply=Reply(200, {"data": []}))
        with pytest.raises(TellUs):
            send(bench, bench.member(1))

    @pytest.mark.parametrize("target", [{}, {"account_id": "x"}, {"account_id": "1", "audience_id": "../x"}])
    def test_numbers_that_are_none(self, bench: Bench, target: dict[str, str]) -> None:
        with pytest.raises(FixSettings):
            bench.destination().session(target, "VIP", SyncMode.UPDATE)


class TestResults:
    def test_all_are_invalid(self, bench: Bench) -> None:
        bench.emulator.names = 0
        outcomes = send(bench, bench.refused_member(1), bench.refused_member(2))
        assert {each.kind for each in outcomes} == {OutcomeKind.REJECTED}

    def test_invalid_ones_without_names_ask_for_halves(self, bench: Bench) -> None:
        bench.emulator.names = 0
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2), bench.member(3))
        assert raised.value.code == "unnamed_rejects"

    def test_what_criteo_counts(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(n) for n in range(4)], JobContext())
            assert session.confirm(JobContext()).sentence == (
                "Criteo counts 4 addresses on the contact list and knows 2 of them; its numbers may be behind."
            )
            bench.emulator.counted = False
            assert session.confirm(JobContext()).sentence == "Criteo has not counted the contact list yet."


class TestTrouble:
    def test_an_advertiser_that_did_not_let_the_app_in(self, bench: Bench) -> None:
        bench.emulator.consent = False
        assert bench.destination().test(JobContext()).missing_rights == ("see their contact lists",)
        with pytest.raises(NotAllowed) as raised:
            send(bench, bench.member(1))
        assert "consent link" in raised.value.fix

    def test_no_advertiser(self, bench: Bench) -> None:
        bench.emulator.advertisers.clear()
        assert bench.destination().test(JobContext()).missing_rights[0] == "see advertisers"
        assert bench.destination().choices("audience_id", JobContext()) == []

    def test_access_that_ends_in_the_middle_of_a_run_is_renewed(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            bench.emulator.sign_in.end_access()
            session.send([bench.member(2)], JobContext())
        assert len(bench.delivered("VIP")) == 2

    @pytest.mark.parametrize(
        ("written", "wait"), [("1000", 1_000), ("moment", 1_000), ("theirs", 1_000), ("soon", None)]
    )
    def test_the_end_of_a_limit(
        self, bench: Bench, written: str, wait: float | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A moment is one of Criteo's clock, which may differ from ours by hours."""
        date = {}
        reset = str(int(time.time()) + 1_001) if written == "moment" else written
        if written == "theirs":
            reset, date = str(int(time.time()) + 10_001), {"Date": formatdate(time.time() + 9_000, usegmt=True)}
        monkeypatch.setattr(http, "RETRY", Retry(attempts=2, first=0.01))
        reply = Reply(429, {"errors": [{"type": "quota"}]}, headers={"x-ratelimit-reset": reset, **date})
        bench.emulator.fail("reply", path="contact-list", reply=reply)
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.retry_after == (None if wait is None else pytest.approx(wait, abs=15))

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b'{"errors":[{"type":"authorization"}]}', 403),
            (b'{"errors":[{"type":"availability"}]}', 503),
            (b'{"errors":[{"type":"new"}]}', 400),
            (b'{"errors":[]}', 200),
            (b'{"errors":null}', 200),
            (b"[]", 200),
            (b"{", 200),
        ],
    )
    def test_errors_that_come_with_200(self, body: bytes, status: int) -> None:
        assert meaning(Answer(200, {"content-type": "application/json"}, body)) == status

    def test_the_app_signs_in_by_itself(self, bench: Bench) -> None:
        result = bench.destination(secrets={"sign_in": ""}).test(JobContext())
        assert (result.reached, result.rights) == ("Northwind shop", ("see 2 advertisers", "see their contact lists"))

    def test_without_a_secret(self) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({"client_id": CLIENT_ID}, {}))
