"""What tests of faults share: the table people read, a Mailchimp to be struck, and a look at what a run left behind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.batches import numbers_of
from app.core.runs import Run, Status
from app.destinations import http
from app.destinations.calls import Retry
from tests.end_to_end.workshop import Workshop, workshop
from tests.vendors.emulator import Fault, Reply, Request
from tests.vendors.mailchimp import MailchimpEmulator

MEMBERS = 1_200
HELP = Path(__file__).parents[2] / "resources/help/faults.md"
GOES_ON = "The run goes on."
AUDIENCE = "/lists/a1b2c3d4e5"
RETRY = Retry(attempts=3, first=0.01, longest=0.05)


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
    """Calls `on_batch` with the number of each batch before it acts on it; knows whom it answered for to the end.

    With `chance` every request that is to change something may be struck by any of several faults.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0
        self.on_batch: Callable[[int], None] = lambda _number: None
        self.chance: random.Random | None = None
        self.struck: list[str] = []
        self.answered_for: set[str] = set()
        self.sent_again: set[str] = set()
        """Who came again in a later run although we had told that they are there."""
        self._answered_before: set[str] = set()

    def begin(self) -> None:
        """A run begins: whoever was answered for until now must not come again."""
        self._answered_before = set(self.answered_for)

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        batch = request.method == "POST" and request.path.endswith(AUDIENCE)
        if batch:
            with self._lock:
                self.batches += 1
                number = self.batches
                came = {member["email_address"].lower() for member in request.body["members"]}
                self.sent_again |= came & self._answered_before
            self.on_batch(number)
        if request.method != "GET" and (fault := self._by_chance()) is not None:
            self.faults.insert(0, fault)
        fault, reply = super().handle(request)
        if request.method == "POST" and "/segments/" in request.path and reply.status == 200:
            added, removed = (
                {each.lower() for each in request.body.get(f"members_to_{what}", ())} for what in ("add", "remove")
            )
            with self._lock:
                self.answered_for -= removed  # acted on or not: whoever comes back may come again
                if fault is None:
                    self.answered_for |= added
        return fault, reply

    def _by_chance(self) -> Fault | None:
        if self.chance is None or self.chance.random() > 0.4:
            return None
        kind, details = self.chance.choice(
            [
                ("reset", {}),
                ("lost", {}),
                ("cut", {}),
                ("malformed", {}),
                ("latency", {"seconds": 0.05}),
                ("reply", {"reply": Reply(429)}),
                ("reply", {"reply": Reply(429, headers={"Retry-After": "0"})}),
                ("reply", {"reply": Reply(503, raw=b"")}),
                ("reply", {"reply": Reply(500, {"detail": "We are sorry."})}),
                ("reply", {"reply": Reply(401, {"detail": "Expired."})}),
                ("reply", {"reply": Reply(200, raw=b"<html>Guest network</html>", content_type="text/html")}),
            ]
        )
        self.struck.append(kind if kind != "reply" else str(details["reply"].status))
        return Fault(kind, times=1, **details)


@contextmanager
def newsletter(folder: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> Iterator[Workshop]:
    """A workspace whose export “Newsletter” sends 1,200 people to that Mailchimp."""
    monkeypatch.setattr(http, "RETRY", RETRY)
    with workshop(folder, monkeypatch) as shop:
        shop.customers(MEMBERS)
        shop.segment("Everybody")
        shop.mailchimp(post.url)
        shop.newsletter("Everybody")
        yield shop


def send(shop: Workshop, post: Post) -> Run:
    post.begin()
    (run,) = shop.run("Newsletter")
    return run


def check(shop: Workshop, post: Post, run: Run, fault: str) -> None:
    """The run says what the table says and kept what it says; the next run sends only what is missing."""
    row = ROWS[fault]
    log = shop.log(run)
    if row.seen == GOES_ON:
        assert (run.status, run.error) == (Status.SUCCESSFUL, None), (run, log)
        assert row.kept.startswith("Everybody arrives")
        assert_everybody(shop, post, run)
        return
    assert run.status is Status.FAILED, (run, log)
    assert run.error is not None
    assert row.seen in f"{run.error.what} {run.error.why}", run.error
    assert all((run.error.what, run.error.why, run.error.fix)), run.error
    there = tagged(post)
    numbers = numbers_of(shop.services.resuming.batches(run.id))
    assert numbers.answered == run.done == run.totals.added <= len(there)
    if run.total is not None:
        assert numbers.answered + numbers.in_doubt + numbers.not_sent == MEMBERS == run.total
    assert len(there) <= numbers.answered + numbers.in_doubt
    if row.kept.startswith("Nothing was sent") or not post.batches:
        assert (post.batches, there, numbers.answered, numbers.in_doubt) == (0, set(), 0, 0)
    else:
        assert row.kept == "Every batch that was answered for; those on their way are in doubt."
        assert numbers.in_doubt > 0
    post.faults.clear()
    post.on_batch = lambda _number: None
    before = dict(post.audience.received)
    after = send(shop, post)
    assert after.status is Status.SUCCESSFUL, (after, shop.log(after))
    again = {address for address, times in post.audience.received.items() if times > before.get(address, 0)}
    assert again & there == set()  # who had arrived is not sent again
    if "everybody is sent once" in row.next:
        assert set(post.audience.received.values()) == {1}
    assert_everybody(shop, post, after)


def tagged(post: Post) -> set[str]:
    tag = post.audience.tag("Everybody")
    return set() if tag is None else set(tag.members)


def assert_everybody(shop: Workshop, post: Post, run: Run, members: int = MEMBERS) -> None:
    assert tagged(post) == {f"p{number}@example.com" for number in range(members)}
    assert numbers_of(shop.services.resuming.batches(run.id)).in_doubt == 0
    assert send(shop, post).totals.unchanged == members
    assert post.sent_again == set()
