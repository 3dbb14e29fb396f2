"""Several faults at once, faults of the computer itself, and two exports that share an account."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from app.core.batches import numbers_of
from app.core.errors import SignInAgain
from app.core.runs import Status, Trigger
from app.destinations import http
from app.destinations.browser_signin import sign_in
from app.destinations.budgets import Budget, Budgets
from app.destinations.registry import description
from app.jobs import JobContext
from tests.benchmarks.crash_run import run_export
from tests.end_to_end.faults import AUDIENCE, MEMBERS, RETRY, ROWS, Post, assert_everybody, newsletter, send, tagged
from tests.end_to_end.workshop import Workshop
from tests.vendors.emulator import Fault, Reply, Request
from tests.vendors.hubspot import HubSpotEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree

RUNS = 6


@pytest.fixture
def post() -> Iterator[Post]:
    with Post() as emulator:
        yield emulator


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: Post) -> Iterator[Workshop]:
    with newsletter(tmp_path, monkeypatch, post) as shop:
        yield shop


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sync", ["update", "mirror"])
def test_whatever_goes_wrong_at_once_nobody_is_lost_and_nobody_comes_again(
    desk: Workshop, post: Post, sync: str, seed: int
) -> None:
    """Two of five requests are struck, each by another fault, run after run; each run tells the truth about itself."""
    post.chance, sizes = random.Random(seed), random.Random(seed)
    post.skips_checks()
    desk.newsletter("Everybody", sync=sync, guard={"removed_percent": None, "empty_source": "allow"})
    members = MEMBERS
    for _ in range(RUNS):
        run = send(desk, post)
        assert (run.status, run.error is None) in {(Status.SUCCESSFUL, True), (Status.FAILED, False)}, desk.log(run)
        numbers = numbers_of(desk.services.resuming.batches(run.id))
        assert numbers.answered == run.done
        assert post.sent_again == set()
        assert post.answered_for <= tagged(post)
        members = members + 700 if sync == "update" else sizes.randint(600, 2_400)
        desk.customers(members)
    print(f"{Counter(post.struck)} struck {post.batches} batches and what follows them")
    assert len(set(post.struck)) >= 4
    post.chance = None
    ended = send(desk, post)
    assert ended.status is Status.SUCCESSFUL, desk.log(ended)
    assert_everybody(desk, post, ended, members)


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix knows them")
def test_a_program_that_stands_still_while_all_its_connections_break(desk: Workshop, post: Post) -> None:
    """As a computer does that sleeps: the program itself is stopped in the middle of a batch, and goes on."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    program = context.Process(target=run_export, args=(str(desk.folder), "Newsletter", False, theirs))

    def sleep(number: int) -> None:
        if number == 2:
            assert program.pid is not None
            os.kill(program.pid, signal.SIGSTOP)
            time.sleep(1.5)
            post.break_all()
            os.kill(program.pid, signal.SIGCONT)

    post.on_batch = sleep
    program.start()
    theirs.close()
    with closing(ours):
        assert ours.poll(60)
        assert ours.recv() == "ready"
        assert ours.poll(60)
        run_id, status, totals, error = ours.recv()
    program.join(30)
    assert (status, error, totals.added + totals.updated) == (Status.SUCCESSFUL, None, MEMBERS)
    assert ROWS["The computer sleeps and wakes while it sends"].seen == "The run goes on."
    assert "did not answer a request to the end" in desk.log(desk.services.runs.get(run_id))
    assert_everybody(desk, post, desk.services.runs.get(run_id))


def meet(post: Post, number: int) -> Callable[[Request], tuple[Fault | None, Reply]]:
    """How to answer so that so many runs begin to send at the same time: each makes its tag, then it sends."""
    all_of_them, handle = threading.Barrier(number), post.handle

    def answer(request: Request) -> tuple[Fault | None, Reply]:
        if request.method == "POST" and request.path.endswith("/segments"):
            all_of_them.wait(60)
        return handle(request)

    return answer


def test_two_connections_to_one_account_share_what_it_allows(
    desk: Workshop, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their exports run at the same time; each alone would take all of it."""
    allowed = description("mailchimp").pace.simultaneous
    desk.mailchimp(post.url, "The same account")
    desk.newsletter(
        "Everybody", name="Other", connection="The same account", target={"audience_id": "a1b2c3d4e5", "tag": "T"}
    )
    desk.customers(12_000)
    post.skips_checks()
    full = post.fail("latency", method="POST", path=AUDIENCE, after=2, seconds=60)  # but for their tags
    handle = meet(post, 2)

    def hold(request: Request) -> tuple[Fault | None, Reply]:
        """Nobody is answered before more wait than one of them could send alone, and then slowly."""
        if post.most_simultaneous > allowed // 2 and not full.over.is_set():
            full.times = 0
            post.fail("latency", method="POST", path=AUDIENCE, seconds=0.15)
            full.over.set()
        return handle(request)

    monkeypatch.setattr(post, "handle", hold)
    started = desk.services.runs.start(["Newsletter", "Other"], Trigger.PERSON)
    ended = desk.services.runs.wait([run.id for run in started], JobContext())
    assert [run.status for run in ended] == [Status.SUCCESSFUL] * 2
    began = [run.started_at for run in ended if run.started_at is not None]
    over = [run.ended_at for run in ended if run.ended_at is not None]
    assert max(began) < min(over)  # at the same time
    assert allowed // 2 < post.most_simultaneous <= allowed
    assert not any("slow down" in desk.log(run) for run in ended)


def test_a_wait_that_one_run_is_asked_for_is_told_once_by_each_that_waits(
    desk: Workshop, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine requests may be on their way: the log is told of one wait, not of nine."""
    desk.mailchimp(post.url, "The same account")
    desk.newsletter(
        "Everybody", name="Other", connection="The same account", target={"audience_id": "a1b2c3d4e5", "tag": "T"}
    )
    desk.customers(12_000)
    post.skips_checks()
    post.fail("reply", method="POST", path=AUDIENCE, after=6, times=1, reply=Reply(429, headers={"Retry-After": "2"}))
    monkeypatch.setattr(post, "handle", meet(post, 2))
    started = desk.services.runs.start(["Newsletter", "Other"], Trigger.PERSON)
    ended = desk.services.runs.wait([run.id for run in started], JobContext())
    assert [run.status for run in ended] == [Status.SUCCESSFUL] * 2
    assert [desk.log(run).count("asked to slow down") for run in ended] == [1, 1]


def signed_in(hub: HubSpotEmulator) -> tuple[dict[str, str], dict[str, str]]:
    """What makes a connection of a person who has just signed in, whose access ends and is renewed."""
    values = {"api_url": hub.url, "sign_in_by": "browser", "client_id": CLIENT_ID}
    values |= {"authorize_url": f"{hub.url}/oauth/authorize", "token_url": f"{hub.url}/oauth/v3/token"}
    secrets = {"client_secret": CLIENT_SECRET}
    secrets["sign_in"] = sign_in(description("hubspot"), values, secrets, agree, JobContext()).written()
    return values, secrets


def over_hubspot(shop: Workshop, hub: HubSpotEmulator) -> None:
    """An export of 1,200 people over such a connection."""
    shop.customers(MEMBERS)
    shop.segment("Everybody")
    shop.connect("Hub", "hubspot", *signed_in(hub))
    shop.newsletter("Everybody", connection="Hub", target={}, match={"email": "Customer.Email"})


def at_write(hub: HubSpotEmulator, number: int, happens: Callable[[], object]) -> None:
    """Let something happen just before the emulator acts on so many writes."""
    answer, writes = hub.answer, count(1)

    def answering(request: Request) -> Reply:
        if "upsert" in request.path and next(writes) == number:
            happens()
        return answer(request)

    hub.answer = answering


def test_access_that_ends_in_the_middle_of_a_run(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _secrets, simultaneous, _rate: Budget(simultaneous, None))
    monkeypatch.setattr(http, "RETRY", RETRY)
    row = ROWS["The sign-in runs out while it sends, and can be renewed"]
    with HubSpotEmulator() as hub:
        over_hubspot(shop, hub)
        at_write(hub, 3, hub.sign_in.end_access)
        (run,) = shop.run("Newsletter")
        assert row.seen == "The run goes on."
        assert (run.status, run.totals.added) == (Status.SUCCESSFUL, MEMBERS), shop.log(run)
        assert hub.sign_in.renewals == 1  # by whichever of those on their way saw it first
        (again,) = shop.run("Newsletter")
        assert again.totals.unchanged == MEMBERS


def test_access_that_the_person_took_away_in_the_middle_of_a_run(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Budgets, "of", lambda _self, _host, _secrets, simultaneous, _rate: Budget(simultaneous, None))
    monkeypatch.setattr(http, "RETRY", RETRY)
    with HubSpotEmulator() as hub:
        over_hubspot(shop, hub)
        answer = hub.answer
        at_write(hub, 5, hub.sign_in.end_all)
        (run,) = shop.run("Newsletter")
        assert run.status is Status.FAILED
        assert run.error is not None
        assert run.error.action == SignInAgain.action
        there = hub.addresses("Everybody")
        assert 0 < run.totals.added <= len(there) < MEMBERS
        hub.answer = answer
        hub.requests.clear()
        settings, secrets = signed_in(hub)
        shop.services.connections.edit("Hub", settings=settings, secrets=secrets, agreed=True)
        (after,) = shop.run("Newsletter")
        assert after.status is Status.SUCCESSFUL, shop.log(after)
        assert len(hub.addresses("Everybody")) == MEMBERS
        came = {each["id"] for r in hub.requests if "upsert" in r.path for each in r.body["inputs"]}
        assert len(came) == MEMBERS - run.totals.added
