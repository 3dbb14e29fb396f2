"""The practice vendor: the contract through the real client, and what each of its moods does."""

from __future__ import annotations

import csv
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import FixData, FixSettings, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.destinations import http
from app.destinations.answers import Answer
from app.destinations.batches import Member, Outcome, OutcomeKind
from app.destinations.calls import Local, LocalRequest, Retry
from app.destinations.contract import Choice, Exchange, ReadingDestination, Settings
from app.destinations.practice.destination import Practice, create
from app.destinations.practice.rules import MOODS, Outage, Rules
from app.destinations.practice.shelf import FILE, Shelf
from app.destinations.practice.vendor import HOST, Vendor
from app.destinations.registry import description
from app.jobs import CancelToken, JobContext
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Fault, Request

CODE = "open-sesame-4711"


@dataclass
class Line:
    """Stands between the client and the vendor, and lets things go wrong as an emulator does."""

    requests: list[Request] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    host: str = HOST

    def to(self, vendor: Local) -> Local:
        self._vendor = vendor
        return self

    def fail(self, kind: str, **details: Any) -> None:
        self.faults.append(Fault(kind, **details))

    def answer(self, request: LocalRequest, token: CancelToken) -> Answer:
        body = json.loads(request.body) if request.body else None
        seen = Request(request.method, request.path, {}, dict(request.headers), body, request.body)
        fault = next((each for each in self.faults if each.strikes(seen)), None)
        kind = "" if fault is None else fault.kind
        if fault is not None and kind == "latency":
            token.sleep(fault.seconds)
        if kind == "reset":
            raise ConnectionResetError
        if fault is not None and kind == "reply":
            headers = {"content-type": fault.reply.content_type} if fault.reply.body else {}
            headers |= {name.lower(): value for name, value in fault.reply.headers.items()}
            return Answer(fault.reply.status, headers, fault.reply.body)
        self.requests.append(seen)
        answer = self._vendor.answer(request, token)
        if kind in {"lost", "cut"}:
            raise ConnectionResetError
        return Answer(answer.status, answer.headers, answer.body[:5]) if kind == "malformed" else answer


class Bench:
    description = description("practice")
    batch_size = description.batch_size
    secrets = (CODE,)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.emulator = Line()
        self.target: dict[str, str] = {}
        self.slowed: list[float] = []

    def destination(self, *, code: str = CODE, **changes: Any) -> Practice:
        details = {"on_slow": lambda seconds, _words: self.slowed.append(seconds), **changes}
        values = {"folder": str(self.folder), "sign_in": "code"}
        return Practice(Settings(values, {"access_code": code}, **details), self.emulator.to)

    def wrong_secret(self) -> Practice:
        return self.destination(code="wrong-code")

    def gone_audience(self) -> dict[str, str]:
        return {"audience": "gone"}

    def member(self, number: int, **values: str | None) -> Member:
        return Member(str(number), {"email": f"person{number}@shop.example", "first_name": f"P{number}", **values})

    def refused_member(self, number: int) -> Member:
        return Member(str(number), {"email": f"reject{number}@shop.example"})

    def delivered(self, segment: str) -> set[str]:
        return {str(row["email"]) for row in held(self.folder, segment)}

    def identifier(self, member: Member) -> str:
        return member.values["email"] or ""


def held(folder: Path, audience: str, kind: str = "contact") -> list[dict[str, str]]:
    """What an audience holds, read from the vendor's own shelf."""
    with Shelf(folder).open() as shelf:
        found = [each for each in shelf.audiences() if (each.name, each.kind) == (audience, kind)]
        rows = [json.loads(fields) for each in found for _key, fields in shelf.page(each.id, "", 1_000_000)]
    assert sum(each.members for each in found) == len(rows)
    return rows


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "account")


class TestConformance(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/AUDIENCE-ID/",)

    def test_ledger_counts_bytes(self, bench: Bench) -> None:
        told: list[Exchange] = []
        bench.destination(ledger=told.append).test(JobContext())
        assert told
        assert all(each.host == HOST and each.sent > 0 and each.received > 0 for each in told)


@dataclass
class Account:
    """A practice account in the mood its fields say."""

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    slowed: list[float] = field(default_factory=list)

    def open(self, **values: str) -> Practice:
        own = {"folder": str(self.folder), "mood": "own", **self.values, **values}
        return create(Settings(own, {}, lambda seconds, _words: self.slowed.append(seconds)))

    def send(self, *members: Member, mode: SyncMode = SyncMode.UPDATE, **values: str) -> list[Outcome]:
        with self.open(**values).session({}, "VIP", mode) as session:
            return session.send(members, JobContext())


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=3, first=0.01, longest=0.02))
    return Account(tmp_path / "account")


def people(number: int, start: int = 0) -> list[Member]:
    return [Member(str(n), {"email": f"p{n}@shop.example", "city": "Oslo"}) for n in range(start, start + number)]


def kinds(outcomes: list[Outcome]) -> list[OutcomeKind]:
    return [each.kind for each in outcomes]


class TestRefusals:
    def test_the_same_members_are_refused_each_time(self, account: Account) -> None:
        first = account.send(*people(400), rejected_percent="10")
        again = account.send(*people(400), rejected_percent="10")
        refused = [each for each in first if each.kind is OutcomeKind.REJECTED]
        assert 20 <= len(refused) <= 60
        assert refused == [each for each in again if each.kind is OutcomeKind.REJECTED]
        assert len({each.reason for each in refused}) == 3
        assert all(each.field == "email" and each.fix for each in refused)

    def test_who_is_corrected_is_taken(self, account: Account) -> None:
        wrong, right = Member("1", {"email": "reject@shop.example"}), Member("1", {"email": "r.eject@shop.example"})
        assert kinds(account.send(wrong)) == [OutcomeKind.REJECTED]
        assert kinds(account.send(right)) == [OutcomeKind.ADDED]

    @pytest.mark.parametrize("percent", ["0", "100"])
    def test_nobody_and_everybody(self, account: Account, percent: str) -> None:
        expected = OutcomeKind.REJECTED if percent == "100" else OutcomeKind.ADDED
        assert set(kinds(account.send(*people(50), rejected_percent=percent))) == {expected}

    def test_a_spoiled_batch_is_refused_as_a_whole(self, account: Account) -> None:
        bad = Member("bad", {"email": "reject@shop.example"})
        with pytest.raises(FixData):
            account.send(*people(3), bad, bad_members="batch")
        assert held(account.folder, "VIP") == []
        assert kinds(account.send(*people(3), bad_members="batch")) == [OutcomeKind.ADDED] * 3

    def test_a_full_audience_takes_nobody_new(self, account: Account) -> None:
        assert kinds(account.send(*people(5), maximum="3")) == [OutcomeKind.ADDED] * 3 + [OutcomeKind.REJECTED] * 2
        assert kinds(account.send(*people(3), maximum="3")) == [OutcomeKind.UPDATED] * 3

    def test_without_a_key_nobody_is_sent(self, account: Account) -> None:
        outcomes = account.send(Member("1", {"city": "Oslo"}), Member("2", {"phone": "+4791234567"}))
        assert kinds(outcomes) == [OutcomeKind.INVALID, OutcomeKind.ADDED]


class TestWhatIsHeld:
    def test_values_are_taken_over_and_emptied(self, account: Account) -> None:
        account.send(Member("1", {"email": "a@shop.example", "city": "Oslo", "language": "no"}))
        account.send(Member("1", {"email": "a@shop.example", "city": None}))
        assert held(account.folder, "VIP") == [{"email": "a@shop.example", "language": "no"}]

    def test_add_leaves_who_is_there(self, account: Account) -> None:
        account.send(*people(1))
        changed = Member("0", {"email": "p0@shop.example", "city": "Bergen"})
        assert kinds(account.send(changed, mode=SyncMode.ADD)) == [OutcomeKind.UNCHANGED]
        assert held(account.folder, "VIP")[0]["city"] == "Oslo"

    def test_it_can_be_looked_at_in_a_file(self, account: Account) -> None:
        account.send(*people(2), Member("z", {"email": "z@shop.example", "first_name": "Zoë, “Z”"}))
        with (account.folder / "VIP (people).csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["email"] for row in rows] == ["p0@shop.example", "p1@shop.example", "z@shop.example"]
        assert rows[2]["first_name"] == "Zoë, “Z”"
        assert rows[0]["added"] == rows[0]["updated"] != ""
        assert [path.name for path in account.folder.glob(".*")] == []

    def test_companies_have_audiences_of_their_own(self, account: Account) -> None:
        shop = Member("1", {"website_domain": "shop.example", "company_name": "Shop"})
        with account.open().session({"kind": "company"}, "VIP", SyncMode.UPDATE) as session:
            assert kinds(session.send([shop], JobContext())) == [OutcomeKind.ADDED]
        assert account.open().place({"kind": "company"}, "VIP", JobContext()).there
        assert not account.open().place({}, "VIP", JobContext()).there
        assert (account.folder / "VIP (companies).csv").exists()

    def test_the_picker_tells_how_many_there_are(self, account: Account) -> None:
        account.send(*people(7))
        one, vip = account.open().choices("audience", JobContext())
        assert one.id == "{segment}"
        assert vip == Choice("VIP", "VIP", "People", 7)
        assert account.open().choices("kind", JobContext()) == []

    def test_a_chosen_audience_is_used(self, account: Account) -> None:
        account.send(*people(1))
        with account.open().session({"audience": "VIP"}, "Another", SyncMode.UPDATE) as session:
            session.send(people(1, start=5), JobContext())
        assert len(held(account.folder, "VIP")) == 2

    def test_a_chosen_audience_that_is_gone(self, account: Account) -> None:
        with pytest.raises(FixSettings) as caught:
            account.open().fields({"audience": "gone"}, JobContext())
        assert caught.value.code == "no_audience"

    def test_everybody_there_is_read_in_pages(self, account: Account) -> None:
        destination = account.open(batch_size="5000")
        assert isinstance(destination, ReadingDestination)
        assert list(destination.read_members({}, "VIP", JobContext())) == []
        account.send(*people(2500), batch_size="5000")
        pages = list(destination.read_members({}, "VIP", JobContext()))
        assert [len(page) for page in pages] == [1000, 1000, 500]
        assert {each["email"] for page in pages for each in page} == {f"p{n}@shop.example" for n in range(2500)}

    def test_too_few_members_are_told(self, account: Account) -> None:
        with account.open(minimum="300").session({}, "VIP", SyncMode.UPDATE) as session:
            session.send(people(2), JobContext())
            told = session.confirm(JobContext())
        assert told.sentence == "The practice audience “VIP” holds 2 members. It is used from 300 members on."
        assert told.members == 2

    def test_many_threads_lose_nobody(self, account: Account) -> None:
        def send(start: int) -> None:
            for at in range(start, start + 50, 10):
                account.send(*people(10, at))

        threads = [threading.Thread(target=send, args=(start,)) for start in (0, 50, 100)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(held(account.folder, "VIP")) == 150


class TestTrouble:
    def test_jobs_are_asked_for_until_they_end(self, account: Account) -> None:
        mood = {"results": "job", "job_seconds": "1"}
        with account.open(**mood).session({}, "VIP", SyncMode.MIRROR) as session:
            assert kinds(session.send(people(3), JobContext())) == [OutcomeKind.ADDED] * 3
            assert kinds(session.remove(people(1), JobContext())) == [OutcomeKind.REMOVED]
        assert len(held(account.folder, "VIP")) == 2

    def test_a_job_ends_though_nobody_asks(self, account: Account) -> None:
        now = [1000.0]
        vendor = Vendor(Shelf(account.folder), Rules(jobs=True, job_seconds=5), lambda: now[0])
        ask(vendor, "POST", "audiences", {"name": "VIP", "kind": "contact"})
        members = [{"email": "a@shop.example"}]
        assert ask(vendor, "POST", "audiences/1/members", {"mode": "update", "members": members}).status == 202
        assert held(account.folder, "VIP") == []
        now[0] += 5
        ask(vendor, "GET", "account")
        assert held(account.folder, "VIP") == members

    def test_it_asks_to_slow_down(self, account: Account) -> None:
        for _ in range(3):
            account.send(*people(1), slow_down_every="5", slow_down_seconds="1")
        assert account.slowed == [1.0]

    def test_more_requests_than_allowed_are_slowed(self, account: Account) -> None:
        vendor = Vendor(Shelf(account.folder), Rules(requests_per_second=2), lambda: 1000.5)
        assert [ask(vendor, "GET", "account").status for _ in range(3)] == [200, 200, 429]

    def test_an_outage_begins_and_ends(self, account: Account) -> None:
        now = [1000.0]
        vendor = Vendor(
            Shelf(account.folder), Rules(outage=Outage.DOWN, outage_after=2, outage_seconds=30), lambda: now[0]
        )
        ask(vendor, "POST", "audiences", {"name": "VIP", "kind": "contact"})
        batch = {"mode": "update", "members": [{"email": "a@shop.example"}]}
        statuses = [ask(vendor, "POST", "audiences/1/members", batch).status for _ in range(3)]
        assert statuses == [200, 200, 503]
        assert ask(vendor, "GET", "account").status == 503
        now[0] += 30
        assert ask(vendor, "GET", "account").status == 200
        assert ask(vendor, "POST", "audiences/1/members", batch).status == 200

    def test_a_run_meets_the_outage(self, account: Account) -> None:
        mood = {"outage": "down", "outage_after": "1", "outage_seconds": "60"}
        account.send(*people(1), **mood)
        with pytest.raises(TryAgain) as caught:
            account.send(*people(1, 1), **mood)
        assert caught.value.code == "http_503"

    @pytest.mark.parametrize(("outage", "there"), [("silent", 0), ("lost", 1)])
    def test_no_answer_comes(self, account: Account, outage: str, there: int) -> None:
        with pytest.raises(TryAgain) as caught:
            account.send(*people(1), outage=outage, outage_after="0", outage_seconds="60")
        assert caught.value.code == "reset"
        assert len(held(account.folder, "VIP")) == there

    def test_a_delay_is_waited_for(self, account: Account) -> None:
        result = account.open(delay_ms="80").test(JobContext())
        assert result.milliseconds >= 80

    def test_a_code_ends_and_another_one_begins(self, tmp_path: Path) -> None:
        values = {"folder": str(tmp_path / "account"), "sign_in": "code", "code_ends_after": "2"}

        def send(code: str) -> None:
            with create(Settings(values, {"access_code": code})).session({}, "VIP", SyncMode.UPDATE) as session:
                session.send(people(1), JobContext())

        send("first-code")
        send("first-code")
        with pytest.raises(SignInAgain) as caught:
            send("first-code")
        assert "ended" in caught.value.why
        send("second-code")

    def test_no_code_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(SignInAgain) as caught:
            create(Settings({"folder": str(tmp_path), "sign_in": "code"}, {}))
        assert caught.value.code == "secret_missing"


class TestMoods:
    def test_every_mood_is_offered(self) -> None:
        field = next(each for each in description("practice").connection_fields if each.id == "mood")
        assert set(field.choices or {}) == {*MOODS, "own"}

    def test_moods_set_fields_there_are(self) -> None:
        known = {each.id for each in description("practice").connection_fields}
        assert {name for fields in MOODS.values() for name in fields} <= known

    def test_numbers_of_another_mood_do_not_count(self) -> None:
        assert Rules.read({"mood": "strict", "rejected_percent": "90"}).rejected_percent == 5
        assert Rules.read({"mood": "own", "rejected_percent": "90"}).rejected_percent == 90
        assert Rules.read({}) == Rules.read({"mood": "calm"})


class TestFolder:
    def test_half_a_path(self) -> None:
        with pytest.raises(FixSettings) as caught:
            create(Settings({"folder": "half/a/path"}, {}))
        assert caught.value.code == "relative_folder"

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(FixSettings) as caught:
            create(Settings({"folder": str(tmp_path / "file")}, {})).test(JobContext())
        assert caught.value.code == "practice_folder"

    def test_a_damaged_account(self, tmp_path: Path) -> None:
        (tmp_path / FILE).write_bytes(b"no database" * 500)
        with pytest.raises(FixSettings) as caught:
            create(Settings({"folder": str(tmp_path)}, {})).test(JobContext())
        assert caught.value.code == "practice_file"


def ask(vendor: Vendor, method: str, path: str, body: object = None) -> Answer:
    data = b"" if body is None else json.dumps(body).encode()
    return vendor.answer(LocalRequest(method, f"/{path}", {}, data), CancelToken())
