from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.core.identifiers import HASHES
from app.core.tokens import Tokens, secrets_in
from app.destinations.answers import Answer
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.meta_ads import session as meta_session
from app.destinations.meta_ads.answers import Taken, meaning
from app.destinations.meta_ads.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, hashed, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.meta import APP_ID, SYSTEM_TOKEN, VERSION, MetaEmulator
from tests.vendors.oauth import CLIENT_SECRET


class Bench(AudienceBench):
    emulator: MetaEmulator
    description = description("meta-ads").audience_type("email")
    batch_size = description.batch_size

    def __init__(self, emulator: MetaEmulator) -> None:
        super().__init__(emulator, account_id="700100200")
        self.values = {
            "client_id": APP_ID,
            "api_url": emulator.url.removesuffix(f"/{VERSION}"),
            "authorize_url": f"{emulator.url}/dialog/oauth",
            "token_url": f"{emulator.url}/oauth/access_token",
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
            {"email": hashed(f"person{number}@shop.example"), "first_name": hashed(first) if first else first},
        )

    def delivered(self, segment: str) -> set[str]:
        found = self.emulator.named(segment)
        return set(found.members) if found else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with MetaEmulator() as emulator:
        yield Bench(emulator)


pytestmark = pytest.mark.usefixtures("unpaced")


ADDRESS = {
    "external_id": hashed("C-1"),
    "first_name": hashed("zoe"),
    "last_name": hashed("doe"),
    "postal_code": hashed("10117"),
    "country": hashed("de"),
}


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/AUDIENCE-ID/",)
    tells_new = False

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        for picker in ("account_id", "audience_id"):
            bench.destination().choices(picker, JobContext())
        send(bench, bench.member(1), bench.refused_member(2))
        send(bench, Member("p", {"phone": hashed("491701234567")}), key_identifier="phone")
        send(bench, Member("a", ADDRESS), key_identifier="name_address", source="both", audience="By address")
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1)], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 15
        assert bench.emulator.violations == []


class TestNothingPersonalLeaves:
    def test_every_field_that_is_sent_is_hashed(self) -> None:
        for kind in description("meta-ads").audience_types:
            assert {field.id for field in kind.fields} == set(meta_session.COLUMNS)
            assert all(field.normalise in HASHES for field in kind.fields)

    def test_values_that_are_not_hashed_are_kept_here(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        plain = Member("2", {"email": "zoe@shop.example"})
        named = Member("3", {**bench.member(3).values, "last_name": "Doe-Personal"})
        kinds = [each.kind for each in send(bench, bench.member(1), plain, named)]
        assert kinds == [OutcomeKind.TAKEN, OutcomeKind.INVALID, OutcomeKind.INVALID]
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1), plain], JobContext())
        everything = b"".join(request.raw for request in bench.emulator.requests)
        for value in ("zoe@shop.example", "Doe-Personal"):
            assert value.encode() not in everything
            assert value not in caplog.text
        assert len(bench.emulator.requests) >= 4


class TestMembers:
    def test_only_headings_that_are_filled_are_sent(self, bench: Bench) -> None:
        send(bench, bench.member(1, first_name="zoe"), bench.member(2))
        (posted,) = [r.body for r in bench.emulator.requests if r.path.endswith("/users")]
        assert posted["payload"] == {
            "schema": ["EMAIL", "FN"],
            "data": [[hashed("person1@shop.example"), hashed("zoe")], [hashed("person2@shop.example"), ""]],
        }

    def test_by_name_and_address(self, bench: Bench) -> None:
        twin = {**ADDRESS, "external_id": hashed("C-2")}
        outcomes = send(
            bench, Member("a", ADDRESS), Member("b", twin), Member("c", ADDRESS), key_identifier="name_address"
        )
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.TAKEN, OutcomeKind.INVALID]
        assert bench.delivered("VIP") == {hashed("C-1"), hashed("C-2")}

    def test_by_phone(self, bench: Bench) -> None:
        phone, nobody = Member("p", {"phone": hashed("4930")}), Member("n", {"email": hashed("x"), "phone": None})
        outcomes = send(bench, phone, nobody, key_identifier="phone")
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.INVALID]

    def test_all_are_unreadable(self, bench: Bench) -> None:
        bench.emulator.names = 0
        outcomes = send(bench, bench.refused_member(1), bench.refused_member(2))
        assert {each.kind for each in outcomes} == {OutcomeKind.REJECTED}

    def test_unreadable_ones_without_names_ask_for_halves(self, bench: Bench) -> None:
        bench.emulator.names = 0
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2), bench.member(3))
        assert raised.value.code == "unnamed_rejects"

    @pytest.mark.parametrize(
        ("samples", "found"),
        [
            (None, set()),
            ([], set()),
            ({"0": f"{'a' * 64},{'b' * 64}"}, {"a" * 64, "b" * 64}),
            ([["a" * 64]], {"a" * 64}),
        ],
    )
    def test_samples_of_any_shape(self, samples: object, found: set[str]) -> None:
        assert Taken(1, invalid_entry_samples=samples).sampled == found


class TestAudiences:
    def test_an_audience_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Old customers")
        send(bench, bench.member(1), audience_id=chosen.id)
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        place = bench.destination().place({**bench.target, "audience_id": chosen.id}, "VIP", JobContext())
        assert place.name == f"700100200 {chosen.id}"

    def test_other_types_are_refused_before_anything_is_sent(self, bench: Bench) -> None:
        visitors = bench.emulator.make("Visitors", "WEBSITE")
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=visitors.id)
        assert raised.value.why == "It is of the type website; only customer lists take members."
        assert not [r for r in bench.emulator.requests if r.method == "POST"]

    def test_an_audience_of_another_account_is_refused(self, bench: Bench) -> None:
        other = bench.emulator.make("Outlet", account="700100201")
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), audience_id=other.id)
        assert raised.value.code == "wrong_account"

    def test_an_audience_meta_holds_back(self, bench: Bench) -> None:
        send(bench, bench.member(1))
        audience = bench.emulator.named("VIP")
        assert audience is not None
        audience.status = 471
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(2))
        assert raised.value.code == "flagged"
        assert len(audience.members) == 1

    def test_one_that_is_flagged_in_the_middle_of_a_run(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            audience = bench.emulator.named("VIP")
            assert audience is not None
            audience.status = 471
            with pytest.raises(FixSettings) as raised:
                session.send([bench.member(1)], JobContext())
        assert raised.value.why == "Meta says: Audience Upload Blocked"

    def test_the_pickers(self, bench: Bench) -> None:
        bench.emulator.make("Old customers").members.update({str(i): {} for i in range(250)})
        bench.emulator.make("Visitors", "WEBSITE")
        bench.emulator.make("Outlet", account="700100201")
        accounts = bench.destination().choices("account_id", JobContext())
        assert [(each.id, each.name) for each in accounts] == [
            ("700100200", "Northwind shop"),
            ("700100201", "Northwind outlet"),
        ]
        audiences = bench.destination().choices("audience_id", JobContext())
        assert [(each.name, each.detail, each.members) for each in audiences] == [
            ("Old customers", "Northwind shop", 300),
            ("Outlet", "Northwind outlet", None),
        ]
        assert bench.destination().choices("other", JobContext()) == []

    def test_many_audiences_are_read_page_by_page(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(meta_session, "_PAGE", "2")
        for number in range(5):
            bench.emulator.make(f"Audience {number}")
        send(bench, bench.member(1), audience="Audience 4")
        assert len(bench.emulator.audiences) == 5

    def test_one_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="customaudiences", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.audiences.values()] == ["VIP"]

    @pytest.mark.parametrize("target", [{}, {"account_id": "x"}, {"account_id": "1", "audience_id": "../x"}])
    def test_numbers_that_are_none(self, bench: Bench, target: dict[str, str]) -> None:
        with pytest.raises(FixSettings):
            bench.destination().session(target, "VIP", SyncMode.UPDATE)

    def test_an_account_that_is_gone(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), account_id="act_999")
        assert raised.value.code == "no_account"


class TestSignIn:
    def test_a_code_is_exchanged_for_sixty_days(self, bench: Bench) -> None:
        tokens = Tokens.read(bench.sign_in)
        assert tokens is not None
        assert tokens.access.startswith("EAAGlasting")
        assert tokens.ends_at is not None
        assert timedelta(days=59) < tokens.ends_at - datetime.now(UTC) < timedelta(days=61)

    def test_a_sign_in_that_ended_in_the_middle_of_a_run(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            bench.emulator.sign_in.end_all()
            with pytest.raises(SignInAgain) as raised:
                session.send([bench.member(2)], JobContext())
        assert "60 days" in raised.value.why

    def test_the_token_of_a_system_user(self, bench: Bench) -> None:
        values = {"api_url": bench.values["api_url"], "sign_in_by": "token"}
        destination = create(Settings(values, {"client_secret": CLIENT_SECRET, "access_token": SYSTEM_TOKEN}))
        assert destination.test(JobContext()).reached == "Ada Byron"

    def test_the_proof_goes_along_and_is_never_shown(self, bench: Bench) -> None:
        (shown,) = bench.destination().preview(bench.target, "VIP", SyncMode.UPDATE, [bench.member(1)])
        bench.destination().test(JobContext())
        proof = bench.emulator.requests[-1].query["appsecret_proof"]
        assert proof not in shown.url
        assert "appsecret_proof=" in shown.url

    @pytest.mark.parametrize("lacking", ["client_secret", "sign_in"])
    def test_secrets_that_are_missing(self, bench: Bench, lacking: str) -> None:
        secrets = {"client_secret": CLIENT_SECRET, "sign_in": bench.sign_in}
        with pytest.raises(SignInAgain):
            create(Settings(bench.values, {name: value for name, value in secrets.items() if name != lacking}))

    def test_a_right_nobody_gave(self, bench: Bench) -> None:
        bench.emulator.granted = False
        assert bench.destination().test(JobContext()).missing_rights == ("manage their audiences (ads_management)",)
        with pytest.raises(NotAllowed):
            send(bench, bench.member(1))


class TestTrouble:
    def test_terms_nobody_accepted(self, bench: Bench) -> None:
        bench.emulator.terms_accepted = False
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "terms"

    def test_too_many_calls_wait_as_long_as_meta_says(self, bench: Bench) -> None:
        usage = '{"700100200":[{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":40}]}'
        error = {"message": "There have been too many calls", "code": 80_003}
        reply = Reply(400, {"error": error}, headers={"X-Business-Use-Case-Usage": usage})
        bench.emulator.fail("reply", path="/users", reply=reply)
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.retry_after == 2_400

    @pytest.mark.parametrize(
        ("code", "subcode", "status"),
        [(17, 0, 429), (2, 0, 503), (190, 463, 401), (275, 0, 403), (803, 0, 404), (100, 33, 404), (100, 0, 400)],
    )
    def test_what_codes_mean(self, code: int, subcode: int, status: int) -> None:
        body = f'{{"error":{{"message":"No","code":{code},"error_subcode":{subcode}}}}}'.encode()
        assert meaning(Answer(400, {"content-type": "application/json"}, body)) == status

    @pytest.mark.parametrize("body", [b"{}", b"[]", b"{", b'{"error":"no"}'])
    def test_other_failures_keep_their_status(self, body: bytes) -> None:
        assert meaning(Answer(400, {"content-type": "application/json"}, body)) == 400

    def test_a_block_for_a_while(self, bench: Bench) -> None:
        bench.emulator.fail("reply", path="/users", reply=Reply(400, {"error": {"message": "Blocked", "code": 368}}))
        with pytest.raises(NotAllowed) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "blocked"


@pytest.mark.parametrize(("code", "kind"), [(190, SignInAgain), (200, NotAllowed), (100, FixData), (17, TryAgain)])
def test_an_error_that_comes_with_200(bench: Bench, code: int, kind: type[Exception]) -> None:
    with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
        error = {"message": "It failed.", "type": "OAuthException", "code": code}
        bench.emulator.fail("reply", path="/users", reply=Reply(200, {"error": error}))
        with pytest.raises(kind):
            session.send([bench.member(1)], JobContext())
