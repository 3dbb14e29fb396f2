from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.core.tokens import secrets_in
from app.destinations.answers import Answer
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.microsoft_advertising.answers import asked_wait, meaning
from app.destinations.microsoft_advertising.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, hashed, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.microsoft_advertising import (
    CAMPAIGNS,
    CUSTOMER,
    CUSTOMERS,
    DEVELOPER_TOKEN,
    MicrosoftEmulator,
)
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET


class Bench(AudienceBench):
    emulator: MicrosoftEmulator
    description = description("microsoft-advertising")
    batch_size = description.batch_size

    def __init__(self, emulator: MicrosoftEmulator) -> None:
        super().__init__(emulator, account_id="141000001")
        root = emulator.url
        self.values = {
            "customer_id": CUSTOMER,
            "client_id": CLIENT_ID,
            "api_url": root + CAMPAIGNS,
            "accounts_url": root + CUSTOMERS,
            "authorize_url": f"{root}/oauth2/v2.0/authorize",
            "token_url": f"{root}/oauth2/v2.0/token",
        }
        self.app = {"client_secret": CLIENT_SECRET, "developer_token": DEVELOPER_TOKEN}
        self.sign_in = self.signed_in(self.values, self.app)
        self.secrets = (CLIENT_SECRET, DEVELOPER_TOKEN, *secrets_in(self.sign_in))
        emulator.requests.clear()

    def destination(self, **changes: Any) -> SegmentDestination:
        values = {**self.values, **changes.pop("values", {})}
        return create(self.settings(values, {**self.app, "sign_in": self.sign_in}, changes))

    def wrong_secret(self) -> SegmentDestination:
        self.emulator.sign_in.end_all()
        return self.destination()

    def member(self, number: int, **values: str | None) -> Member:
        del values  # only the address is sent
        return Member(str(number), {"email": hashed(f"person{number}@shop.example")})

    def delivered(self, segment: str) -> set[str]:
        found = self.emulator.named(segment)
        return found.members if found else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with MicrosoftEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


class TestContract(SegmentDestinationSuite):
    says_what_it_did = False
    numbers_of_the_vendor = ('"LIST-ID"',)
    tells_new = False
    writes_to_open = 2  # it asks by POST as well

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        for picker in ("account_id", "audience_id"):
            bench.destination().choices(picker, JobContext())
        send(bench, bench.member(1), bench.refused_member(2), terms="accepted")
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 10
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

    @pytest.mark.parametrize("other", [{"type_": "RemarketingList"}, {"account": "141000002"}])
    def test_other_audiences_are_refused_before_anything_is_sent(self, bench: Bench, other: dict[str, str]) -> None:
        wrong = bench.emulator.make("Visitors", **other)
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=wrong.id)
        assert raised.value.code == "no_audience"
        assert not [r for r in bench.emulator.requests if r.path.endswith("/Apply")]

    def test_the_pickers(self, bench: Bench) -> None:
        bench.emulator.make("Old customers").members.update(str(i) for i in range(1_250))
        bench.emulator.make("Visitors", "RemarketingList")
        bench.emulator.make("Outlet", account="141000002")
        accounts = bench.destination().choices("account_id", JobContext())
        assert [(each.id, each.name, each.detail) for each in accounts] == [
            ("141000001", "Northwind shop", "F1001"),
            ("141000002", "Northwind outlet", "F1002"),
        ]
        lists = bench.destination().choices("audience_id", JobContext())
        assert [(each.name, each.detail, each.members) for each in lists] == [
            ("Old customers", "Northwind shop", 1_200),
            ("Outlet", "Northwind outlet", None),
        ]
        assert bench.destination().choices("other", JobContext()) == []

    def test_one_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/v13/Audiences", after=1, times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    def test_a_name_microsoft_does_not_take(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), segment="x" * 200)
        assert raised.value.why == "Microsoft says: The name is too long."

    def test_a_list_without_a_number(self, bench: Bench) -> None:
        answer = Reply(200, {"AudienceIds": [], "PartialErrors": None})
        bench.emulator.fail("reply", path="/v13/Audiences", after=1, reply=answer)
        with pytest.raises(TellUs):
            send(bench, bench.member(1))

    @pytest.mark.parametrize("target", [{}, {"account_id": "x"}, {"account_id": "1", "audience_id": "../x"}])
    def test_numbers_that_are_none(self, bench: Bench, target: dict[str, str]) -> None:
        with pytest.raises(FixSettings):
            bench.destination().session(target, "VIP", SyncMode.UPDATE)


class TestTrouble:
    def test_terms_nobody_accepted(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Old customers")
        bench.emulator.terms_accepted = False
        for target in ({}, {"audience_id": chosen.id}):
            with pytest.raises(FixSettings) as raised:
                send(bench, bench.member(1), **target)
            assert raised.value.code == "terms"
        outcomes = send(bench, bench.member(1), audience_id=chosen.id, terms="accepted")
        assert outcomes[0].kind is OutcomeKind.TAKEN

    def test_a_sign_in_that_may_not(self, bench: Bench) -> None:
        bench.emulator.may_manage = False
        assert bench.destination().test(JobContext()).missing_rights == ("manage their customer lists",)
        with pytest.raises(NotAllowed):
            send(bench, bench.member(1))

    def test_nobody_has_accounts(self, bench: Bench) -> None:
        bench.emulator.accounts.clear()
        assert bench.destination().test(JobContext()).missing_rights[0] == "see accounts"

    def test_access_that_ends_in_the_middle_of_a_run_is_renewed(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            bench.emulator.sign_in.end_access()
            session.send([bench.member(2)], JobContext())
        assert len(bench.delivered("VIP")) == 2
        assert bench.emulator.sign_in.renewals == 1

    def test_calls_of_a_minute_that_are_used_up(self) -> None:
        assert (meaning(fault(117)), asked_wait(fault(117))) == (429, 60)

    @pytest.mark.parametrize(("code", "status"), [(105, 401), (109, 401), (106, 403), (0, 503), (1001, 400)])
    def test_what_codes_mean(self, code: int, status: int) -> None:
        assert meaning(fault(code)) == status
        assert asked_wait(fault(code)) is None

    @pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b'{"Errors":"no"}'])
    def test_other_failures_keep_their_status(self, body: bytes) -> None:
        assert meaning(Answer(400, {"content-type": "application/json"}, body)) == 400

    def test_too_fast_for_good(self, bench: Bench) -> None:
        reply = Reply(429, {"Errors": [{"Code": 117}]}, headers={"Retry-After": "0"})
        bench.emulator.fail("reply", path="/Apply", reply=reply)
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "http_429"

    @pytest.mark.parametrize("lacking", ["developer_token", "sign_in"])
    def test_secrets_that_are_missing(self, bench: Bench, lacking: str) -> None:
        secrets = {**bench.app, "sign_in": bench.sign_in}
        with pytest.raises(SignInAgain):
            create(Settings(bench.values, {name: value for name, value in secrets.items() if name != lacking}))

    def test_a_pace_of_its_own(self, bench: Bench) -> None:
        own = bench.description.for_connection({"requests_per_second": "9"})
        assert (own.pace.requests_per_second, bench.description.pace.requests_per_second) == (9, 4)


def fault(code: int) -> Answer:
    body = f'{{"Errors":[{{"Code":{code},"ErrorCode":"X","Message":"No"}}],"TrackingId":"t"}}'.encode()
    return Answer(400, {"content-type": "application/json"}, body)


@pytest.mark.parametrize("place", ["Errors", "OperationErrors", "BatchErrors"])
@pytest.mark.parametrize(("code", "kind"), [(105, SignInAgain), (106, NotAllowed), (0, TryAgain), (4_321, FixData)])
def test_a_fault_that_comes_with_200(bench: Bench, place: str, code: int, kind: type[Exception]) -> None:
    with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
        fault = {"TrackingId": "t", place: [{"Code": code, "Message": "It failed."}]}
        bench.emulator.fail("reply", path="Apply", reply=Reply(200, fault))
        with pytest.raises(kind):
            session.send([bench.member(1)], JobContext())


@pytest.mark.parametrize("index", [-1, 2, 999])
def test_an_error_about_nobody_is_halved_until_it_is_about_somebody(bench: Bench, index: int) -> None:
    errors = [{"Code": 4_321, "Message": "Not valid.", "Index": index}]
    with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
        bench.emulator.fail("reply", path="Apply", reply=Reply(200, {"PartialErrors": errors}))
        with pytest.raises(FixData) as caught:
            session.send([bench.member(1), bench.member(2)], JobContext())
    assert caught.value.code == "unnamed_rejects"
