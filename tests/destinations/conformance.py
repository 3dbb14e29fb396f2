"""What every destination must do, run against each of them: subclass a suite and give it a `bench`.

A bench is a real or emulated target with the means to look at what arrived and to let things go wrong.
"""

from __future__ import annotations

import itertools
import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.core.connections import account_mark
from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, SignInAgain, TellUs, TryAgain
from app.core.exports import SyncMode
from app.destinations import http
from app.destinations.batches import Batch, Member, OutcomeKind, Outcomes
from app.destinations.budgets import Budgets
from app.destinations.calls import Retry
from app.destinations.contract import Exchange, ReadingDestination, RemovingSession, SegmentDestination
from app.destinations.description import Description
from app.jobs import Cancelled, CancelToken, JobContext
from tests.vendors.emulator import Emulator, Reply


class SegmentBench(Protocol):
    """An emulated marketing system with one audience."""

    emulator: Emulator
    description: Description
    secrets: tuple[str, ...]
    target: dict[str, str]
    batch_size: int
    slowed: list[float]

    def destination(self, **changes: Any) -> SegmentDestination: ...

    def wrong_secret(self) -> SegmentDestination: ...

    def gone_audience(self) -> dict[str, str]: ...

    def member(self, number: int, **values: str | None) -> Member: ...

    def refused_member(self, number: int) -> Member: ...

    def delivered(self, segment: str) -> set[str]: ...

    def identifier(self, member: Member) -> str: ...


_FAILED_AFTER_ALL = {
    "success": False,
    "status": "error",
    "error": {"code": 1, "message": "It failed."},
    "errors": [{"code": "1", "message": "It failed."}],
    "message": "It failed.",
}
"""How vendors say that they failed, all of it at once."""


class SegmentDestinationSuite:
    """The contract of `SegmentDestination`."""

    writes = "POST"
    tells_new = True
    """Whether the vendor says who was there before; else what we know decides."""
    writes_to_open = 1
    """How many requests of that method it takes to make the audience."""
    numbers_of_the_vendor: tuple[str, ...] = ()
    """Parts of previews with a word or 0 in the place of a number only the vendor knows."""
    previews_who_is_there = False
    """Whether previews show the requests for members that are there already, where those of others are fewer."""
    of_the_moment: tuple[str, ...] = ()
    """Headers that are another each second."""
    says_what_it_did = True
    """Whether an answer has to tell what was done; else 200 alone means that everybody was taken."""

    @pytest.fixture(autouse=True)
    def _quick_and_quiet(
        self, bench: SegmentBench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        monkeypatch.setattr(http, "RETRY", Retry(attempts=4, first=0.01, longest=0.05))
        caplog.set_level(logging.DEBUG)
        yield
        for secret in bench.secrets:
            assert secret not in caplog.text
        assert bench.emulator.violations == []

    def send(
        self, bench: SegmentBench, members: Sequence[Member], segment: str = "VIP", mode: SyncMode = SyncMode.UPDATE
    ) -> list[OutcomeKind]:
        with bench.destination().session(bench.target, segment, mode) as session:
            outcomes = Outcomes.of(session.send(members, JobContext()))
        assert (OutcomeKind.TAKEN in {each.kind for each in outcomes}) <= (not self.tells_new)
        outcomes = outcomes.for_batch(Batch.of(members))
        assert [outcome.key for outcome in outcomes] == [member.key for member in members]
        for outcome in outcomes:
            rejected = outcome.kind.refused
            assert bool(outcome.reason) == rejected
            assert bool(outcome.fix) == rejected
        return [outcome.kind for outcome in outcomes]

    def failed(self, bench: SegmentBench, kind: type[SendoffError]) -> SendoffError:
        """Send one member, which must fail in that way, say so in three sentences, and hold no secret."""
        with pytest.raises(kind) as caught:
            self.send(bench, [bench.member(1)])
        error = caught.value
        assert error.what
        assert error.why
        assert error.fix
        chain = itertools.takewhile(lambda each: each is not None, _causes(error))
        text = " ".join(f"{each!r} {each}" for each in chain)
        assert not any(secret in text for secret in bench.secrets)
        return error

    def test_fulfils_the_contract(self, bench: SegmentBench) -> None:
        assert isinstance(bench.destination(), SegmentDestination)

    def known(self, bench: SegmentBench, member: Member) -> Member:
        """The member as a plan knows who has left: by the key fields only."""
        keys = bench.description.key_fields
        return Member(member.key, {key: value for key, value in member.values.items() if key in keys})

    def test_who_left_is_taken_out_and_nobody_else(self, bench: SegmentBench) -> None:
        members = [bench.member(number) for number in range(5)]
        self.send(bench, members, mode=SyncMode.MIRROR)
        self.send(bench, members, "Other", SyncMode.MIRROR)
        gone = [self.known(bench, member) for member in members[:2]]
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            assert isinstance(session, RemovingSession)
            for _ in range(2):  # once more, as after a lost answer
                outcomes = session.remove(gone, JobContext())
                assert [(each.key, each.kind) for each in outcomes] == [(m.key, OutcomeKind.REMOVED) for m in gone]
            assert not session.remove([], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members[2:]}
        assert bench.delivered("Other") == {bench.identifier(member) for member in members}

    def test_it_reads_who_is_there_when_it_can_replace(self, bench: SegmentBench) -> None:
        destination, ctx = bench.destination(), JobContext()
        assert isinstance(destination, ReadingDestination) == (SyncMode.REPLACE in bench.description.sync_modes)
        if not isinstance(destination, ReadingDestination):
            return
        assert list(destination.read_members(bench.target, "VIP", ctx)) == []
        assert not destination.place(bench.target, "VIP", ctx).there
        members = [bench.member(number) for number in range(3)]
        self.send(bench, members)
        self.send(bench, [bench.member(3)], "Other")
        found = [each for page in destination.read_members(bench.target, "VIP", ctx) for each in page]
        keys = bench.description.key_fields
        expected = [{key: (member.values.get(key) or "").lower() for key in keys} for member in members]
        assert sorted(map(str, expected)) == sorted(str({key: each.get(key) or "" for key in keys}) for each in found)

    def test_a_removal_whose_answer_is_lost_is_made_again(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        self.send(bench, [member], mode=SyncMode.MIRROR)
        with bench.destination().session(bench.target, "VIP", SyncMode.MIRROR) as session:
            assert isinstance(session, RemovingSession)
            bench.emulator.fail("lost", method=self.writes, times=1)
            [outcome] = session.remove([self.known(bench, member)], JobContext())
        assert outcome.kind is OutcomeKind.REMOVED
        assert bench.delivered("VIP") == set()

    def test_the_place_is_only_asked_for(self, bench: SegmentBench) -> None:
        destination, ctx = bench.destination(), JobContext()
        before = destination.place(bench.target, "VIP", ctx)
        assert not before.there
        assert destination.place(bench.target, "VIP", ctx) == before
        assert destination.place(bench.target, "Other", ctx).name != before.name
        self.send(bench, [bench.member(1)])
        after = destination.place(bench.target, "VIP", ctx)
        assert (after.name, after.there) == (before.name, True)

    def test_test_names_the_account(self, bench: SegmentBench) -> None:
        result = bench.destination().test(JobContext())
        assert result.reached
        assert result.rights
        assert not result.missing_rights

    def test_it_asks_once_whose_requests_are_counted_where_an_account_is_what_counts(self, bench: SegmentBench) -> None:
        told: list[str] = []
        budgets = Budgets()
        for _ in range(2):
            bench.destination(budgets=budgets, on_account=told.append).place(bench.target, "VIP", JobContext())
        account = bench.destination().test(JobContext()).account
        assert bool(account) == ("account" in bench.description.pace.counted_by)
        assert told == ([account_mark(account)] if account else [])

    def test_further_sessions_of_a_destination_go_to_the_same_place(self, bench: SegmentBench) -> None:
        destination = bench.destination()
        with destination.session(bench.target, "VIP", SyncMode.UPDATE) as first:
            with destination.session(bench.target, "VIP", SyncMode.UPDATE) as second:
                second.send([bench.member(2)], JobContext())
            first.send([bench.member(1)], JobContext())
        assert bench.delivered("VIP") == {bench.identifier(bench.member(number)) for number in (1, 2)}

    def test_wrong_secret(self, bench: SegmentBench) -> None:
        with pytest.raises(SignInAgain) as caught:
            bench.wrong_secret().test(JobContext())
        assert caught.value.fix

    def test_nothing_to_send(self, bench: SegmentBench) -> None:
        assert self.send(bench, []) == []

    def test_one_member(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        assert self.send(bench, [member]) == [OutcomeKind.ADDED]
        assert bench.delivered("VIP") == {bench.identifier(member)}

    @pytest.mark.parametrize("difference", [-1, 0])
    def test_whole_batches(self, bench: SegmentBench, difference: int) -> None:
        members = [bench.member(number) for number in range(bench.batch_size + difference)]
        assert set(self.send(bench, members)) == {OutcomeKind.ADDED}
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members}

    def test_one_more_than_a_batch_goes_in_two(self, bench: SegmentBench) -> None:
        members = [bench.member(number) for number in range(bench.batch_size + 1)]
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            for start in (0, bench.batch_size):
                session.send(members[start : start + bench.batch_size], JobContext())
        assert len(bench.delivered("VIP")) == bench.batch_size + 1

    def test_more_than_a_batch_at_once_is_refused_by_the_vendor(self, bench: SegmentBench) -> None:
        with pytest.raises(FixData):
            self.send(bench, [bench.member(number) for number in range(bench.batch_size + 1)])
        assert bench.delivered("VIP") == set()

    def test_second_run_updates(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        self.send(bench, [member])
        again = self.send(bench, [member])
        assert again == [OutcomeKind.UPDATED if self.tells_new else OutcomeKind.ADDED]
        assert bench.delivered("VIP") == {bench.identifier(member)}

    def test_add_mode_changes_nobody(self, bench: SegmentBench) -> None:
        self.send(bench, [bench.member(1)])
        kinds = self.send(bench, [bench.member(1), bench.member(2)], mode=SyncMode.ADD)
        assert kinds == [OutcomeKind.UNCHANGED if self.tells_new else OutcomeKind.ADDED, OutcomeKind.ADDED]

    def test_unicode_and_empty_values(self, bench: SegmentBench) -> None:
        members = [
            bench.member(1, first_name="Zoë 日本 🎈"),
            bench.member(2, first_name=None),
            bench.member(3, first_name=""),
        ]
        assert self.send(bench, members) == [OutcomeKind.ADDED] * 3

    def test_duplicates_get_one_place(self, bench: SegmentBench) -> None:
        first = bench.member(1)
        twin = Member("twin", first.values)
        assert self.send(bench, [first, twin]) == [OutcomeKind.ADDED, OutcomeKind.INVALID]
        assert bench.delivered("VIP") == {bench.identifier(first)}

    def test_part_fails(self, bench: SegmentBench) -> None:
        members = [bench.member(1), bench.refused_member(2), bench.member(3)]
        assert self.send(bench, members) == [OutcomeKind.ADDED, OutcomeKind.REJECTED, OutcomeKind.ADDED]
        assert len(bench.delivered("VIP")) == 2

    def test_gone_audience(self, bench: SegmentBench) -> None:
        with pytest.raises(FixSettings), bench.destination().session(bench.gone_audience(), "VIP", SyncMode.UPDATE):
            pass

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, SignInAgain),
            (403, NotAllowed),
            (404, FixSettings),
            (409, TryAgain),
            (422, FixData),
            (500, TryAgain),
            (418, TellUs),
        ],
    )
    def test_failures_by_status(self, bench: SegmentBench, status: int, kind: type[SendoffError]) -> None:
        problem = Reply(status, {"title": "No", "status": status, "detail": f"reason 42 {bench.secrets[0]}"})
        bench.emulator.fail("reply", method=self.writes, reply=problem)
        assert "reason 42" in self.failed(bench, kind).why

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_passing_trouble_is_overcome(self, bench: SegmentBench, status: int) -> None:
        bench.emulator.fail("reply", method=self.writes, times=2, reply=Reply(status, raw=b""))
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]

    def test_429_with_a_wait_is_obeyed(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "1"})
        bench.emulator.fail("reply", method=self.writes, times=1, reply=reply)
        began = time.monotonic()
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]
        assert time.monotonic() - began >= 1
        assert bench.slowed == [1.0]

    def test_429_without_end(self, bench: SegmentBench) -> None:
        bench.emulator.fail("reply", method=self.writes, reply=Reply(429, raw=b""))
        assert self.failed(bench, TryAgain).code == "http_429"
        assert bench.slowed

    def test_429_with_a_wait_of_hours_is_not_waited_for(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "7200"})
        bench.emulator.fail("reply", method=self.writes, reply=reply)
        error = self.failed(bench, TryAgain)
        assert isinstance(error, TryAgain)
        assert error.retry_after == 7200

    @pytest.mark.parametrize("kind", ["reset", "cut", "lost"])
    def test_broken_connections_are_overcome(self, bench: SegmentBench, kind: str) -> None:
        bench.emulator.fail(kind, method=self.writes, times=1)
        members = [bench.member(1), bench.member(2)]
        kinds = self.send(bench, members)
        assert OutcomeKind.REJECTED not in kinds
        assert bench.delivered("VIP") == {bench.identifier(member) for member in members}

    @pytest.mark.parametrize("kind", ["reset", "cut"])
    def test_broken_connections_without_end(self, bench: SegmentBench, kind: str) -> None:
        bench.emulator.fail(kind, method=self.writes)
        assert self.failed(bench, TryAgain).code == "reset"

    def test_malformed_answer(self, bench: SegmentBench) -> None:
        bench.emulator.fail("malformed", method=self.writes)
        assert self.failed(bench, TellUs).code == "malformed_answer"

    @pytest.mark.parametrize("removing", [False, True])
    @pytest.mark.parametrize("said", [{}, _FAILED_AFTER_ALL])
    def test_200_that_does_not_say_it_was_done(
        self, bench: SegmentBench, said: dict[str, Any], *, removing: bool
    ) -> None:
        """Nobody counts as sent or removed on the strength of a status."""
        if not self.says_what_it_did:
            return
        members = [bench.member(number) for number in range(2)]
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            assert isinstance(session, RemovingSession)
            session.send(members, JobContext())
            bench.emulator.fail("reply", reply=Reply(200, said))
            act = session.remove if removing else session.send
            try:
                outcomes = act([self.known(bench, each) for each in members] if removing else members, JobContext())
            except SendoffError:
                return
        assert [each.kind for each in outcomes] == [OutcomeKind.REJECTED] * 2

    def test_answer_of_something_else(self, bench: SegmentBench) -> None:
        page = Reply(200, raw=b"<html>Sign in to the hotel</html>", content_type="text/html")
        bench.emulator.fail("reply", reply=page)
        assert self.failed(bench, TellUs).code == "wrong_content_type"

    def test_redirects_are_not_followed(self, bench: SegmentBench) -> None:
        away = Reply(302, raw=b"", headers={"Location": "http://127.0.0.1:9/"})
        bench.emulator.fail("reply", reply=away)
        assert self.failed(bench, FixSettings).code == "redirect"

    def test_slow_answers_are_waited_for(self, bench: SegmentBench) -> None:
        bench.emulator.fail("latency", times=1, seconds=0.5)
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]

    def test_cancel_before_the_request(self, bench: SegmentBench) -> None:
        token = CancelToken()
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            token.cancel()
            with pytest.raises(Cancelled):
                session.send([bench.member(1)], JobContext(token))
        assert bench.delivered("VIP") == set()

    def test_cancel_ends_a_wait_at_once(self, bench: SegmentBench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "600"})
        bench.emulator.fail("reply", method=self.writes, after=self.writes_to_open, reply=reply)
        token = CancelToken()
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            threading.Timer(0.3, token.cancel).start()
            began = time.monotonic()
            with pytest.raises(Cancelled):
                session.send([bench.member(1)], JobContext(token))
        assert time.monotonic() - began < 60  # not 600

    def test_cancel_ends_a_read_at_once(self, bench: SegmentBench) -> None:
        bench.emulator.fail("latency", seconds=120)
        token = CancelToken()
        threading.Timer(0.4, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            bench.destination().test(JobContext(token))
        assert time.monotonic() - began < 40  # else it is waited for until the vendor's time is over

    def test_confirm_says_something(self, bench: SegmentBench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            session.send([bench.member(1)], JobContext())
            assert session.confirm(JobContext()).sentence

    def test_preview_shows_what_is_sent(self, bench: SegmentBench) -> None:
        member = bench.member(1)
        shown = bench.destination().preview(bench.target, "VIP", SyncMode.UPDATE, [member])
        assert bench.emulator.requests == []
        assert any(bench.identifier(member) in request.body for request in shown)
        text = repr(shown)
        assert not any(secret in text for secret in bench.secrets)

    @pytest.mark.parametrize("mode", [SyncMode.UPDATE, SyncMode.ADD])
    @pytest.mark.parametrize("removed", [False, True])
    def test_preview_is_what_leaves_byte_for_byte(self, bench: SegmentBench, mode: SyncMode, removed: bool) -> None:
        """Of a place that is there; only numbers the vendor gives, and its own bookkeeping afterwards, are not known."""
        member = bench.member(1, first_name="Zoë 日本")
        self.send(bench, [bench.member(9), *([member] if removed or self.previews_who_is_there else [])], mode=mode)
        member = self.known(bench, member) if removed else member
        with bench.destination().session(bench.target, "VIP", mode) as session:
            bench.emulator.requests.clear()
            if removed:
                assert isinstance(session, RemovingSession)
                session.remove([member], JobContext())
            else:
                session.send([member], JobContext())
            sent = list(bench.emulator.requests)
        bench.emulator.requests.clear()
        shown = bench.destination().preview(bench.target, "VIP", mode, [member], removed=removed)
        assert bench.emulator.requests == []
        assert shown
        assert all(each.method == "GET" for each in sent[len(shown) :])
        for there, here in zip(sent, shown, strict=False):
            assert (there.method, True) == (here.method, bool(re.fullmatch(self._like(here.body), there.raw.decode())))
            url = urlsplit(here.url)
            assert re.fullmatch(self._like(url.path), there.path), (url.path, there.path)
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            assert query.keys() == there.query.keys()
            for name, value in query.items():
                assert value == "••••" or re.fullmatch(self._like(f"{name}={value}"), f"{name}={there.query[name]}")
            headers = {name.lower(): value for name, value in here.headers.items()}
            assert headers.keys() == there.headers.keys()
            numbered = self._like(here.body) != re.escape(here.body)
            for name, value in headers.items():
                if (
                    "••••" not in value
                    and not (name == "content-length" and numbered)
                    and name not in self.of_the_moment
                ):
                    assert value == there.headers[name]

    def _like(self, shown: str) -> str:
        """A pattern for what is shown, in which the numbers that only the vendor gives may be any."""
        pattern = re.escape(shown)
        for part in self.numbers_of_the_vendor:
            pattern = pattern.replace(re.escape(part), re.sub(r"[A-Z]+\\-ID|0", r"[^\"/,&]+", re.escape(part)))
        return pattern

    def test_preview_shows_what_is_removed(self, bench: SegmentBench) -> None:
        destination = bench.destination()
        member = bench.member(1)
        with destination.session(bench.target, "VIP", SyncMode.UPDATE) as session:
            if not isinstance(session, RemovingSession):
                return
            session.send([member], JobContext())
            bench.emulator.requests.clear()
            session.remove([member], JobContext())
        sent = [each for each in bench.emulator.requests if each.method in {"POST", "PUT", "PATCH", "DELETE"}]
        bench.emulator.requests.clear()
        shown = destination.preview(bench.target, "VIP", SyncMode.UPDATE, [member], removed=True)
        assert bench.emulator.requests == []
        assert [request.method for request in shown] == [request.method for request in sent]
        assert any(bench.identifier(member) in request.body for request in shown)
        assert shown != destination.preview(bench.target, "VIP", SyncMode.UPDATE, [member])

    def test_ledger_counts_bytes(self, bench: SegmentBench) -> None:
        told: list[Exchange] = []
        bench.destination(ledger=told.append).test(JobContext())
        assert told
        assert all(each.host == "127.0.0.1" and each.sent > 0 and each.received > 0 for each in told)


def _causes(error: BaseException | None) -> Iterator[BaseException | None]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
