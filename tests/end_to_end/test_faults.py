"""Faults one by one: what a person sees, what is kept, and what the next run does. resources/help/faults.md tells the same."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bootstrap import Services
from app.core.batches import numbers_of
from app.core.runs import PhaseState, Run, Status, Trigger
from app.destinations import http
from app.jobs import JobContext
from app.store import Store
from tests.end_to_end.workshop import Workshop, workshop
from tests.vendors.emulator import Fault, Reply, Request
from tests.vendors.mailchimp import KEY, MailchimpEmulator

MEMBERS = 1_200
HELP = Path(__file__).parents[2] / "resources/help/faults.md"
GOES_ON = "The run goes on."
AUDIENCE = "/lists/a1b2c3d4e5"


@dataclass(frozen=True)
class Row:
    """A line of the table people read."""

    fault: str
    seen: str
    kept: str
    next: str


def table() -> list[Row]:
    lines = [line for line in HELP.read_text("utf-8").splitlines() if line.startswith("|")][2:]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


ROWS = {row.fault: row for row in table()}


class Post(MailchimpEmulator):
    """Calls `on_batch` with the number of each batch before it acts on it; counts who is received by address."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0
        self.on_batch: Callable[[int], None] = lambda _number: None

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        if request.method == "POST" and request.path.endswith(AUDIENCE):
            self.batches += 1
            self.on_batch(self.batches)
        return super().handle(request)


@pytest.fixture
def post() -> Iterator[Post]:
    with Post() as emulator:
        yield emulator


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> Iterator[Workshop]:
    monkeypatch.setattr(http, "RETRY", http.Retry(attempts=3, first=0.01, longest=0.05))
    with workshop(tmp_path, monkeypatch) as shop:
        shop.customers(MEMBERS)
        shop.segment("Everybody")
        shop.mailchimp(post.url)
        shop.newsletter("Everybody")
        yield shop


def send(shop: Workshop) -> Run:
    (run,) = shop.run("Newsletter")
    return run


def check(shop: Workshop, post: Post, run: Run, fault: str) -> None:
    """The run says what the table says; whatever it had sent is accounted for; the next run sends only what is missing."""
    row = ROWS[fault]
    log = shop.log(run)
    if row.seen == GOES_ON:
        assert (run.status, run.error) == (Status.SUCCESSFUL, None), (run, log)
        assert_everybody(shop, post, run)
        return
    assert run.status is Status.FAILED, (run, log)
    assert run.error is not None
    assert row.seen in f"{run.error.what} {run.error.why}", run.error
    assert all((run.error.what, run.error.why, run.error.fix)), run.error
    tagged = post.audience.tag("Everybody")
    there = set() if tagged is None else set(tagged.members)
    numbers = numbers_of(shop.services.resuming.batches(run.id))
    assert numbers.answered == run.done == run.totals.added <= len(there)
    if run.total is not None:
        assert numbers.answered + numbers.in_doubt + numbers.not_sent == MEMBERS == run.total
    assert len(there) <= numbers.answered + numbers.in_doubt
    post.faults.clear()
    post.on_batch = lambda _number: None
    before = dict(post.audience.received)
    after = send(shop)
    assert after.status is Status.SUCCESSFUL, (after, shop.log(after))
    again = {address for address, times in post.audience.received.items() if times > before.get(address, 0)}
    assert again & there == set()  # who had arrived is not sent again
    assert_everybody(shop, post, after)


def assert_everybody(shop: Workshop, post: Post, run: Run) -> None:
    tag = post.audience.tag("Everybody")
    assert tag is not None
    assert len(tag.members) == MEMBERS
    assert numbers_of(shop.services.resuming.batches(run.id)).in_doubt == 0
    assert send(shop).totals.unchanged == MEMBERS


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
    check(desk, post, send(desk), fault)


def test_struck_by_several_faults_one_after_another(desk: Workshop, post: Post) -> None:
    for kind in ("reset", "lost", "cut", "malformed"):
        post.fail(kind, method="POST", path=AUDIENCE, after=1, times=4)
        run = send(desk)
        assert run.status in {Status.FAILED, Status.SUCCESSFUL}
        post.faults.clear()
    ended = send(desk)
    assert ended.status is Status.SUCCESSFUL
    assert_everybody(desk, post, ended)


def test_an_answer_never_comes(desk: Workshop, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    real = http.httpx2.Timeout
    monkeypatch.setattr(http.httpx2, "Timeout", lambda _seconds, connect: real(0.4, connect=connect))
    post.fail("latency", method="POST", path=AUDIENCE, after=2, seconds=1.5)
    check(desk, post, send(desk), "An answer never comes (stall)")


def test_too_many_requests_with_a_time_to_wait(desk: Workshop, post: Post) -> None:
    post.fail("reply", method="POST", path=AUDIENCE, after=2, times=2, reply=Reply(429, headers={"Retry-After": "1"}))
    run = send(desk)
    check(desk, post, run, "Too many requests, with a time to wait (429 and Retry-After)")
    assert PhaseState.SLOWED in {phase.state for phase in run.phases}
    assert "asked to slow down" in desk.log(run)


def test_an_answer_is_lost_after_the_destination_acted(desk: Workshop, post: Post) -> None:
    """Nothing is sent twice in silence: the log tells of it, and the journal counts the requests."""
    post.fail("lost", method="POST", path=AUDIENCE, after=1, times=2)
    run = send(desk)
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
        run = send(desk)
    assert post.requests == []
    desk.services.connections.edit("Mail", settings={"api_url": post.url}, secrets=secrets, agreed=True)
    check(desk, post, run, fault)


@pytest.mark.parametrize("hours", [-30, 30])
def test_the_clock_jumps(desk: Workshop, post: Post, hours: int) -> None:
    jump = timedelta()

    def leap(number: int) -> None:
        nonlocal jump
        jump = timedelta(hours=hours) if number == 2 else jump

    post.on_batch = leap
    shop = reopened(desk, lambda: datetime.now(UTC) + jump)
    check(shop, post, send(shop), "The clock jumps while it sends")


def test_sleep_and_wake(desk: Workshop, post: Post) -> None:
    """Hours pass and every connection is broken."""
    jump = timedelta()

    def sleep(number: int) -> None:
        nonlocal jump
        if number == 2:
            jump = timedelta(hours=9)
            post.fail("reset", times=2)

    post.on_batch = sleep
    shop = reopened(desk, lambda: datetime.now(UTC) + jump)
    check(shop, post, send(shop), "The computer sleeps and wakes while it sends")


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
    run = send(desk)
    holder.join()
    check(desk, post, run, "The database of the workspace is locked for a while")


def test_the_drive_is_full(tmp_path: Path, small_drive: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> None:
    monkeypatch.setattr(http, "RETRY", http.Retry(attempts=3, first=0.01, longest=0.05))
    subprocess.run(["mount", "-o", "remount,size=24m", str(small_drive)], check=True)
    with workshop(small_drive, monkeypatch) as shop:
        shop.customers(MEMBERS)
        shop.segment("Everybody")
        shop.mailchimp(post.url)
        shop.newsletter("Everybody")
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
        run = send(shop)
        fill.unlink()
        shop.services.runs.wait([run.id], JobContext())
        assert run.status is Status.FAILED
        assert run.error is not None
        assert ROWS["The drive is full"].seen in f"{run.error.what} {run.error.why}"
        post.on_batch = lambda _number: None
        ended = send(shop)
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
    assert send(desk).status is Status.FAILED
    there = set(post.audience.tag("Everybody").members)
    assert there
    post.faults.clear()
    assert send(desk).status is Status.SUCCESSFUL
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
    run = send(desk)
    assert (run.status, run.totals.added, run.totals.rejected) == (Status.COMPLETED_WITH_REJECTS, MEMBERS - 1, 1)
    halved = [batch for batch in desk.services.resuming.batches(run.id) if batch.halved]
    assert len(halved) == 1
    post.answer = answer
    before = dict(post.audience.received)
    again = desk.services.resuming.send_rejected_again(run.id, Trigger.PERSON)
    (again,) = desk.services.runs.wait([again.id], JobContext())
    assert (again.status, again.totals.added) == (Status.SUCCESSFUL, 1)
    assert {a for a, times in post.audience.received.items() if times > before.get(a, 0)} == {bad[0].lower()}


def test_whoever_leaves_is_removed(desk: Workshop, post: Post) -> None:
    desk.newsletter("Everybody", sync="mirror", guard={"removed_percent": None})
    assert send(desk).status is Status.SUCCESSFUL
    desk.segment("Everybody", "DE", "AT")
    run = send(desk)
    assert run.totals.removed == MEMBERS // 2
    assert len(post.audience.tag("Everybody").members) == MEMBERS // 2
