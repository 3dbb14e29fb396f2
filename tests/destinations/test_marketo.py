from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import FixData, FixSettings, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.core.forecasts import Quota
from app.core.tokens import Tokens
from app.destinations.answers import Answer
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import Exchange, SegmentDestination, Settings
from app.destinations.jobs import Patience
from app.destinations.marketo import session as marketo_session
from app.destinations.marketo.answers import failed_rows, meaning
from app.destinations.marketo.destination import create
from app.destinations.marketo.session import ExportTarget
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.marketo import FOLDER, MarketoEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET


class Bench(AudienceBench):
    emulator: MarketoEmulator
    description = description("marketo")
    batch_size = 1_000  # of a Marketo that takes fewer rows than fit into 10 MB, so that whole batches are quick

    def __init__(self, emulator: MarketoEmulator) -> None:
        super().__init__(emulator, folder_id=f"Folder {FOLDER}")
        self._token = self._signed_in()
        self.secrets = (CLIENT_SECRET, self._token)

    def _signed_in(self) -> str:
        """A token that was given before, so that faults strike what is asked with it."""
        form = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET.replace('+', '%2B')}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = HttpRequest(f"{self.emulator.url}/identity/oauth/token", form.encode(), headers)
        with urlopen(asked, timeout=10) as answer:
            token: str = msgspec.json.decode(answer.read())["access_token"]
        self.emulator.requests.clear()
        return token

    def destination(
        self, *, secret: str = CLIENT_SECRET, token: str | None = None, **changes: Any
    ) -> SegmentDestination:
        url = self.emulator.url
        values = {"host": "123-abc-456.mktorest.com", "client_id": CLIENT_ID, "api_url": url}
        values |= {"token_url": f"{url}/identity/oauth/token", **changes.pop("values", {})}
        given = self._token if token is None else token
        secrets = {"client_secret": secret, **({"sign_in": Tokens(given).written()} if given else {})}
        return create(self.settings(values, secrets, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(secret="another-secret-0123", token="")

    def member(self, number: int, **values: str | None) -> Member:
        details = {"firstName" if name == "first_name" else name: value for name, value in values.items()}
        return Member(str(number), {"email": f"person{number}@shop.example", "firstName": "P", **details})

    def delivered(self, segment: str) -> set[str]:
        return self.emulator.addresses(segment)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with MarketoEmulator() as emulator:
        emulator.most = Bench.batch_size
        yield Bench(emulator)
        assert emulator.violations == []


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketo_session, "PATIENCE", Patience(0.01, 0.02, 5.0))


def files(bench: Bench) -> list[tuple[str, str]]:
    """What each import was found by, and its file."""
    sent = [r for r in bench.emulator.requests if r.path.startswith("/bulk/") and r.method == "POST"]
    return [
        (r.query["lookupField"], r.raw.decode().partition("\r\n\r\n")[2].partition("\r\n--sendoff-")[0]) for r in sent
    ]


class TestContract(SegmentDestinationSuite):
    numbers_of_the_vendor = ("listId=0", "/lists/0/", "id=0")
    tells_new = False

    def test_preview_shows_what_is_removed(self, bench: Bench) -> None:
        """Their numbers are asked for first; in a preview nobody is asked."""
        asked, taken = bench.destination().preview({}, "VIP", SyncMode.MIRROR, [bench.member(1)], removed=True)
        assert (asked.method, taken.method) == ("GET", "DELETE")
        assert "person1%40shop.example" in asked.url
        assert bench.emulator.requests == []

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        destination = bench.destination()
        destination.test(JobContext())
        for field_id in ("audience_id", "folder_id"):
            destination.choices(field_id, JobContext())
        destination.fields({}, JobContext())
        destination.quota(JobContext())
        known = Member("k", {"id": str(bench.emulator.add("known@shop.example")), "city": "Berlin"})
        send(bench, bench.member(1), bench.refused_member(2), known, partition="Europe")
        with destination.session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1), known], JobContext())
            session.confirm(JobContext())
        print(f"{bench.emulator.validated} requests validated")
        assert bench.emulator.validated >= 20
        assert bench.emulator.violations == []


class TestPeople:
    def test_a_file_as_marketo_wants_it(self, bench: Bench) -> None:
        odd = Member("2", {"email": "zoe@shop.example", "firstName": 'Zoë "Z", 日本', "lastName": None})
        send(bench, bench.member(1, lastName="Null"), odd)
        assert files(bench) == [
            (
                "email",
                'email,firstName,lastName\nperson1@shop.example,P,\nzoe@shop.example,"Zoë ""Z"", 日本",\n',
            )
        ]

    def test_who_has_a_marketo_id_goes_in_a_file_of_its_own(self, bench: Bench) -> None:
        number = bench.emulator.add("old@shop.example", firstName="Zoë")
        known = Member("k", {"id": str(number), "email": "new@shop.example"})
        gone = Member("g", {"id": "999", "email": None})
        outcomes = send(bench, bench.member(1), known, gone)
        assert files(bench) == [
            ("id", f"id,email,firstName\n{number},new@shop.example,\n999,,\n"),
            ("email", "email,firstName\nperson1@shop.example,P\n"),
        ]
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.TAKEN, OutcomeKind.REJECTED]
        assert outcomes[2].reason == "It is not known there. Marketo says: Lead not found."
        assert bench.emulator.people[number] == {"email": "new@shop.example", "firstName": "Zoë"}

    def test_all_people_of_an_address_are_taken_off(self, bench: Bench) -> None:
        send(bench, bench.member(1), bench.member(2))
        found = bench.emulator.named("VIP")
        assert found is not None
        twin = bench.emulator.add("person1@shop.example")
        known = bench.emulator.add("known@shop.example")
        found.members |= {twin, known}
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove([bench.member(1), Member("k", {"id": str(known)}), bench.member(9)], JobContext())
        assert bench.delivered("VIP") == {"person2@shop.example"}
        assert {twin, known} <= bench.emulator.people.keys()

    def test_many_are_taken_off(self, bench: Bench) -> None:
        members = [bench.member(number) for number in range(700)]
        send(bench, *members)
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            session.remove(members[50:], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(each) for each in members[:50]}
        assert sum(r.method == "DELETE" for r in bench.emulator.requests) == 3

    def test_reasons_are_told(self, bench: Bench) -> None:
        nobody = Member("n", {"email": "", "id": None})
        outcomes = send(bench, nobody, bench.refused_member(1), Member("x", {"email": "x"}), bench.member(2))
        kinds = [OutcomeKind.INVALID, OutcomeKind.REJECTED, OutcomeKind.REJECTED, OutcomeKind.TAKEN]
        assert [each.kind for each in outcomes] == kinds
        assert outcomes[1].reason == "They may not be written to any more there. Marketo says: Lead is blocked."
        assert outcomes[2].reason == "The e-mail address is not valid there. Marketo says: Invalid email address."

    def test_refused_people_that_are_not_named_are_not_passed_over(self, bench: Bench) -> None:
        bench.emulator.names_refused = False
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.refused_member(2))
        assert raised.value.code == "unnamed_rejects"

    def test_an_import_that_failed(self, bench: Bench) -> None:
        bench.emulator.fails = "The file could not be read"
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.why == "Marketo says: The file could not be read"

    def test_an_import_without_a_number(self, bench: Bench) -> None:
        nothing = Reply(document={"requestId": "x", "success": True, "result": []})
        bench.emulator.fail("reply", path="/bulk/", reply=nothing)
        with pytest.raises(TellUs):
            send(bench, bench.member(1))

    def test_a_queue_that_is_full_is_waited_for(self, bench: Bench) -> None:
        full = {"requestId": "x", "success": False, "errors": [{"code": "1016", "message": "Too many imports"}]}
        bench.emulator.fail("reply", path="/bulk/", times=1, reply=Reply(document=full))
        assert [each.kind for each in send(bench, bench.member(1))] == [OutcomeKind.TAKEN]
        assert len(bench.slowed) == 1

    def test_a_field_that_is_gone(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1, gone="x"))
        assert raised.value.code == "no_field"

    def test_files_stay_below_the_bytes_marketo_takes(self, bench: Bench) -> None:
        bench.emulator.most = 1_000_000
        long = {field.id: "x" * 60 for field in bench.description.fields if field.id not in {"id", "email"}}
        with pytest.raises(FixData) as raised:
            send(bench, *(bench.member(number, **long) for number in range(bench.description.batch_size)))
        assert raised.value.code == "body_too_large"
        assert files(bench) == []

    def test_a_repeated_file_is_the_same_to_the_byte(self, bench: Bench) -> None:
        bench.emulator.fail("lost", path="/bulk/", method="POST", times=1)
        told: list[Exchange] = []
        with bench.destination(ledger=told.append).session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
        bodies = [each.body for each in told if b"sendoff-" in each.body]
        assert len(bodies) == 2
        assert bodies[0] == bodies[1]

    @given(some.lists(some.lists(some.text(max_size=9), min_size=1, max_size=4), max_size=4), some.text(max_size=50))
    def test_any_file_of_failures_can_be_read(self, rows: list[list[str]], junk: str) -> None:
        for text in ("\n".join(",".join(row) for row in rows), junk):
            assert all(len(each) == 2 for each in failed_rows(text))

    def test_fields_that_can_be_changed(self, bench: Bench) -> None:
        found = [each.id for each in bench.destination().fields({}, JobContext())]
        assert found[-1] == "favouriteShop"
        assert "leadScore" not in found


class TestLists:
    def test_a_list_is_chosen_instead_of_made(self, bench: Bench) -> None:
        chosen = bench.emulator.make("Newsletter")
        send(bench, bench.member(1), audience_id=f"ST{chosen.id}A7")
        assert len(chosen.members) == 1
        assert bench.emulator.named("VIP") is None
        place = bench.destination().place({"audience_id": str(chosen.id)}, "VIP", JobContext())
        assert (place.name, place.there) == ("Newsletter", True)

    def test_without_a_folder_nothing_is_made(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as raised:
            send(bench, bench.member(1), folder_id="")
        assert raised.value.code == "no_folder"

    def test_pickers_read_all_pages(self, bench: Bench) -> None:
        for number in range(323):
            bench.emulator.make(f"List {number}")
        assert len(bench.destination().choices("audience_id", JobContext())) == 323
        (folder,) = bench.destination().choices("folder_id", JobContext())
        assert (folder.id, folder.name) == (f"Folder {FOLDER}", "Segments")

    def test_a_list_whose_making_was_not_answered_is_not_made_twice(self, bench: Bench) -> None:
        bench.emulator.fail("lost", method="POST", path="/staticLists", times=1)
        send(bench, bench.member(1))
        assert [each.name for each in bench.emulator.lists.values()] == ["VIP"]

    @pytest.mark.parametrize(("text", "number"), [("12345", 12345), ("ST12345A7", 12345), ("", 0)])
    def test_numbers_of_lists(self, text: str, number: int) -> None:
        assert ExportTarget.read({"audience_id": text}, "VIP").list_id == number

    @pytest.mark.parametrize("target", [{"audience_id": "../1"}, {"folder_id": "42"}, {"folder_id": "Zone 42"}])
    def test_what_is_no_list_or_folder(self, target: dict[str, str]) -> None:
        with pytest.raises(FixSettings):
            ExportTarget.read(target, "VIP")


class TestAccount:
    def test_rights_and_the_requests_left(self, bench: Bench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached == "Marketo 123-abc-456"
        assert result.rights == ("see people and their lists", "make lists", "make 49,999 more requests today")

    def test_rights_that_lack(self, bench: Bench) -> None:
        bench.emulator.may_see = bench.emulator.may_make = False
        result = bench.destination().test(JobContext())
        assert result.missing_rights == ("see people and their lists",)
        assert result.rights == ("make 49,999 more requests today",)

    def test_the_requests_left_are_those_of_the_contract(self, bench: Bench) -> None:
        bench.emulator.used = 49_995
        assert bench.destination().quota(JobContext()) == Quota(4, 50_000)
        bench.emulator.used = bench.emulator.daily = 60_000
        bench.emulator.used -= 1
        assert bench.destination().quota(JobContext()) == Quota(0, 50_000)

    def test_a_day_that_ends_in_the_middle_is_not_waited_for(self, bench: Bench) -> None:
        bench.emulator.daily = 2
        with pytest.raises(TryAgain) as raised:
            send(bench, bench.member(1))
        assert raised.value.code == "daily_limit"
        assert bench.slowed == []

    def test_access_that_ends_in_the_middle_of_a_run_is_renewed(self, bench: Bench) -> None:
        members = [bench.member(number) for number in range(20)]
        with bench.destination().session(bench.target, "Gold", SyncMode.UPDATE) as session:
            session.send(members[:10], JobContext())
            bench.emulator.sign_in.end_access()
            session.send(members[10:], JobContext())
        assert bench.delivered("Gold") == {bench.identifier(each) for each in members}
        assert sum(r.path.endswith("/token") for r in bench.emulator.requests) == 1

    @pytest.mark.parametrize(
        ("code", "status"), [("601", 401), ("606", 429), ("1013", 404), ("611", 500), ("9999", 400)]
    )
    def test_what_codes_mean(self, code: str, status: int) -> None:
        body = msgspec.json.encode({"success": False, "errors": [{"code": code, "message": "no"}]})
        headers = {"content-type": "application/json"}
        assert meaning(Answer(200, headers, body)) == status
        assert meaning(Answer(503, headers, body)) == 503
        assert meaning(Answer(200, headers, b'{"success":')) == 200

    def test_without_a_secret_or_a_host(self) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({"host": "x.mktorest.com"}, {}))
        with pytest.raises(FixSettings):
            create(Settings({}, {"client_secret": "secret"}))


def test_who_could_not_be_taken_off_is_told_one_by_one(bench: Bench) -> None:
    """Marketo says 200 and “success”, and tells of each person by itself; who was not there is off the list."""
    members = [bench.member(number) for number in range(4)]
    reasons = {"1004": "Lead not found", "1008": "Access to partition denied", "1015": "Lead not in list"}
    with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
        session.send(members, JobContext())
        numbers = {person["email"]: number for number, person in bench.emulator.people.items()}
        told: list[dict[str, Any]] = [{"id": numbers["person3@shop.example"], "status": "removed"}]
        for member, (code, message) in zip(members, reasons.items(), strict=False):
            reason = [{"code": code, "message": message}]
            told.append({"id": numbers[member.values["email"] or ""], "status": "skipped", "reasons": reason})
        reply = Reply(document={"requestId": "r", "success": True, "result": told, "errors": [], "warnings": []})
        bench.emulator.fail("reply", method="DELETE", reply=reply)
        outcomes = session.remove(members, JobContext())
        stranger = Reply(document={**reply.document, "result": [{**told[2], "id": 987_654}]})
        bench.emulator.faults.clear()
        bench.emulator.fail("reply", method="DELETE", reply=stranger)
        with pytest.raises(FixData):
            session.remove(members, JobContext())
    refused = [(each.key, each.reason) for each in outcomes if each.kind is not OutcomeKind.REMOVED]
    assert refused == [("1", "Marketo says: Access to partition denied")]
