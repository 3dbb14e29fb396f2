"""Faults one by one: what a person sees, what is kept, and what the next run does. resources/help/faults.md tells the same."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bootstrap import Services
from app.core.batches import numbers_of
from app.core.runs import PhaseState, Status, Trigger
from app.destinations import http
from app.destinations.description import Pace
from app.jobs import JobContext
from app.store import Store
from tests.end_to_end.faults import AUDIENCE, MEMBERS, ROWS, Post, assert_everybody, check, newsletter, send, tagged
from tests.end_to_end.workshop import Workshop
from tests.servers.tls import TlsServer
from tests.vendors.emulator import Reply, Request
from tests.vendors.mailchimp import KEY


@pytest.fixture
def post() -> Iterator[Post]:
    with Post() as emulator:
        yield emulator


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> Iterator[Workshop]:
    with newsletter(tmp_path, monkeypatch, post) as shop:
        yield shop


STRUCK = {
    "The connection breaks before an answer": ("reset", {}),
    "The connection breaks in the middle of an answer": ("cut", {}),
    "Too many requests, again and again (429)": ("reply", {"reply": Reply(429)}),
    "The destination has a problem of its own (500)": ("reply", {"reply": Reply(500, {"detail": "We are sorry."})}),
    "The sign-in is refused or expires while it sends (401)": ("reply", {"reply": Reply(401, {"detail": "Expired."})}),
    "An answer is no JSON": ("malformed", {}),
    "A page in place of an answer (a proxy, a wrong content type)": (
        "reply",
        {"reply": Reply(200, raw=b"<html>Sign in to the guest network</html>", content_type="text/html")},
    ),
}


@pytest.mark.parametrize("fault", STRUCK)
@pytest.mark.parametrize("after", [0, 3])
def test_struck_while_sending(desk: Workshop, post: Post, fault: str, after: int) -> None:
    """From the first request for members on, or once some of them have arrived."""
    kind, details = STRUCK[fault]
    post.fail(kind, method="POST", path=AUDIENCE, after=after, **details)
    check(desk, post, send(desk, post), fault)


def test_an_answer_never_comes(desk: Workshop, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    real = http.httpx2.Timeout
    monkeypatch.setattr(http.httpx2, "Timeout", lambda _seconds, connect: real(0.4, connect=connect))
    post.fail("latency", method="POST", path=AUDIENCE, after=2, seconds=1.5)
    check(desk, post, send(desk, post), "An answer never comes (stall)")


def test_an_answer_does_not_end(desk: Workshop, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "deadline_seconds", 0.6)
    post.fail("drip", method="POST", path=AUDIENCE, after=2)
    run = send(desk, post)
    monkeypatch.undo()
    check(desk, post, run, "An answer comes byte by byte and does not end")


def test_too_many_requests_with_a_time_to_wait(desk: Workshop, post: Post) -> None:
    post.fail("reply", method="POST", path=AUDIENCE, after=2, times=2, reply=Reply(429, headers={"Retry-After": "1"}))
    run = send(desk, post)
    check(desk, post, run, "Too many requests, with a time to wait (429 and Retry-After)")
    assert PhaseState.SLOWED in {phase.state for phase in run.phases}
    assert "asked to slow down" in desk.log(run)


def test_an_answer_is_lost_after_the_destination_acted(desk: Workshop, post: Post) -> None:
    """Nothing is sent twice in silence: the log tells of it, and the journal counts the requests."""
    post.fail("lost", method="POST", path=AUDIENCE, after=1, times=2)
    run = send(desk, post)
    check(desk, post, run, "An answer is lost after the destination acted")
    assert "did not answer a request to the end" in desk.log(run)
    assert max(post.audience.received.values()) <= 3
    assert sum(batch.requests for batch in desk.services.resuming.batches(run.id)) >= 6 + 2


@pytest.mark.parametrize(
    ("fault", "address"),
    [
        ("The name of the destination is not found (DNS)", "https://nobody.invalid/3.0"),
        ("The connection is refused", "http://127.0.0.1:{closed}/3.0"),
        ("The certificate or the encryption is not right (TLS)", "https://127.0.0.1:{open}/3.0"),
    ],
)
def test_not_reached_at_all(desk: Workshop, post: Post, fault: str, address: str) -> None:
    with closing(socket.socket()) as deaf:  # bound, but nobody listens
        deaf.bind(("127.0.0.1", 0))
        wrong = address.format(closed=deaf.getsockname()[1], open=post.port)
        settings, secrets = {"api_url": wrong}, {"api_key": KEY}
        desk.services.connections.edit("Mail", settings=settings, secrets=secrets, agreed=True)
        run = send(desk, post)
    assert post.requests == []
    desk.services.connections.edit("Mail", settings={"api_url": post.url}, secrets=secrets, agreed=True)
    check(desk, post, run, fault)


def test_a_certificate_nobody_trusts(desk: Workshop, post: Post, tmp_path: Path) -> None:
    with TlsServer(tmp_path) as server:
        settings, secrets = {"api_url": f"https://127.0.0.1:{server.port}/3.0"}, {"api_key": KEY}
        desk.services.connections.edit("Mail", settings=settings, secrets=secrets, agreed=True)
        run = send(desk, post)
        assert server.read == b""  # no key, no member
    desk.services.connections.edit("Mail", settings={"api_url": post.url}, secrets=secrets, agreed=True)
    check(desk, post, run, "The certificate is not one this computer trusts")


@pytest.mark.parametrize("hours", [-30, 30])
def test_the_clock_jumps(desk: Workshop, post: Post, hours: int) -> None:
    jump = timedelta()

    def leap(number: int) -> None:
        nonlocal jump
        jump = timedelta(hours=hours) if number == 2 else jump

    post.on_batch = leap
    shop = reopened(desk, lambda: datetime.now(UTC) + jump)
    check(shop, post, send(shop, post), "The clock jumps while it sends")


def test_sleep_and_wake(desk: Workshop, post: Post) -> None:
    """Hours pass and every connection is broken."""
    jump = timedelta()

    def sleep(number: int) -> None:
        nonlocal jump
        if number == 2:
            jump = timedelta(hours=9)
            post.break_all()

    post.on_batch = sleep
    shop = reopened(desk, lambda: datetime.now(UTC) + jump)
    check(shop, post, send(shop, post), "The computer sleeps and wakes while it sends")


def test_the_database_is_locked(desk: Workshop, post: Post) -> None:
    held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(desk.folder / "workspace.db", timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(2.0)
            other.execute("ROLLBACK")

    holder = threading.Thread(target=hold)

    def lock(number: int) -> None:
        if number == 2:
            holder.start()
            held.wait(20)

    post.on_batch = lock
    run = send(desk, post)
    holder.join()
    check(desk, post, run, "The database of the workspace is locked for a while")


def test_the_drive_is_full(tmp_path: Path, small_drive: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> None:
    subprocess.run(["mount", "-o", "remount,size=24m", str(small_drive)], check=True)
    with newsletter(small_drive, monkeypatch, post) as shop:
        fill = small_drive / "fill"

        def filled(number: int) -> None:
            if number == 2:
                with fill.open("wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(b"x" * 65_536)
                    except OSError:
                        pass
                    try:
                        while True:
                            file.write(b"x")
                    except OSError:
                        pass

        post.on_batch = filled
        run = send(shop, post)
        fill.unlink()
        shop.services.runs.wait([run.id], JobContext())
        assert run.status is Status.FAILED
        assert run.error is not None
        row = ROWS["The drive is full"]
        assert row.seen in f"{run.error.what} {run.error.why}"
        assert row.kept == "Every batch that was noted before it left."
        numbers = numbers_of(shop.services.resuming.batches(run.id))
        assert len(tagged(post)) <= numbers.answered + numbers.in_doubt
        post.on_batch = lambda _number: None
        ended = send(shop, post)
        assert ended.status is Status.SUCCESSFUL
        assert_everybody(shop, post, ended)


def test_the_table_people_read_has_a_test_for_every_line() -> None:
    tested = {
        *STRUCK,
        "An answer never comes (stall)",
        "Too many requests, with a time to wait (429 and Retry-After)",
        "An answer is lost after the destination acted",
        "The name of the destination is not found (DNS)",
        "The connection is refused",
        "The certificate or the encryption is not right (TLS)",
        "The clock jumps while it sends",
        "The computer sleeps and wakes while it sends",
        "The database of the workspace is locked for a while",
        "The drive is full",
        "The certificate is not one this computer trusts",
        "An answer comes byte by byte and does not end",
        "The sign-in runs out while it sends, and can be renewed",
    }
    assert set(ROWS) == tested


def reopened(shop: Workshop, clock: Callable[[], datetime]) -> Workshop:
    """The same workspace with a clock of the test's own."""
    shop.services.close()
    shop.services = Services(shop.folder, Store.open(shop.folder), secrets=shop.secrets, clock=clock)
    return shop


# What other programs get wrong


def test_killed_half_way_and_run_again_sends_nobody_twice_who_had_arrived(desk: Workshop, post: Post) -> None:
    """As far as a run in one process can show it; tests/end_to_end/test_crash.py kills real ones."""
    post.fail("reset", method="POST", path=AUDIENCE, after=4)
    assert send(desk, post).status is Status.FAILED
    there = set(post.audience.tag("Everybody").members)
    assert there
    post.faults.clear()
    assert send(desk, post).status is Status.SUCCESSFUL
    assert all(post.audience.received[address] == 1 for address in there)


@pytest.mark.parametrize("place", [0, 499])
def test_one_bad_row_in_a_batch_of_500_leaves_nobody_else_unsent(desk: Workshop, post: Post, place: int) -> None:
    """A vendor that refuses the whole batch without saying why; the first or the last of it is bad."""
    bad: list[str] = []
    answer = post.answer

    def refusing(request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith(AUDIENCE):
            addresses = [member["email_address"] for member in request.body["members"]]
            bad[:] = bad or [addresses[place]]
            if bad[0] in addresses:
                return Reply(400, {"detail": "One of them is bad."})
        return answer(request)

    post.answer = refusing
    run = send(desk, post)
    assert (run.status, run.totals.added, run.totals.rejected) == (Status.COMPLETED_WITH_REJECTS, MEMBERS - 1, 1)
    halved = [batch for batch in desk.services.resuming.batches(run.id) if batch.halved]
    assert len(halved) == 1
    assert post.batches <= 3 + 2 * 9  # nine halvings of 500, not 500 requests
    post.answer = answer
    before = dict(post.audience.received)
    again = desk.services.resuming.send_rejected_again(run.id, Trigger.PERSON)
    (again,) = desk.services.runs.wait([again.id], JobContext())
    assert (again.status, again.totals.added) == (Status.SUCCESSFUL, 1)
    assert {a for a, times in post.audience.received.items() if times > before.get(a, 0)} == {bad[0].lower()}


def test_whoever_leaves_is_removed(desk: Workshop, post: Post) -> None:
    desk.newsletter("Everybody", sync="mirror", guard={"removed_percent": None})
    assert send(desk, post).status is Status.SUCCESSFUL
    desk.segment("Everybody", "DE", "AT")
    run = send(desk, post)
    assert run.totals.removed == MEMBERS // 2
    assert len(post.audience.tag("Everybody").members) == MEMBERS // 2
