"""Two programs that ask one account at the same time: together they ask no more than it allows."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from app.bootstrap import Services, create_workspace, open_workspace
from app.core.connections import Access
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore
from tests.vendors.brevo import KEY, BrevoEmulator
from tests.vendors.emulator import Emulator, Fault, Reply, Request
from tests.vendors.webhook import PATH, SECRET, WebhookEmulator

PER_SECOND = 10
ATTEMPTS = 5
"""A computer that is very busy spoils one now and then; without a common budget each has twice as many requests in a second."""
THEIR_KEY = f"xkeysib-{'f' * 64}-northwind0000abc"


class Counting(Emulator):
    """Knows when each request came, also those that are refused; but for those to what is `left_out`."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[float] = []
        self.left_out = ""

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        with self._lock:
            if not self.left_out or not request.path.endswith(self.left_out):
                self.came.append(time.monotonic())
        return super().handle(request)

    def kept_its_pace(self) -> bool:
        """One more than allowed may come in a second: on a busy computer one comes late, and those after it are on time."""
        most = max(sum(first <= other < first + 1.0 for other in self.came) for first in self.came)
        return most <= PER_SECOND + 1


class Counter(Counting, WebhookEmulator):
    """A webhook that does."""


class CountingBrevo(Counting, BrevoEmulator):
    """Brevo, with two keys of one account."""

    def __init__(self) -> None:
        super().__init__()
        self.other_keys = {THEIR_KEY}


class _OneSecret(MemoryStore):
    """Each process has the secret: what this is about is not the keyring."""

    def get(self, connection_id: str, field: str) -> str | None:
        return SECRET if field == "signing_secret" else super().get(connection_id, field)


class _TheirKey(MemoryStore):
    """The keyring of another person, who has another key."""

    def get(self, connection_id: str, field: str) -> str | None:
        return THEIR_KEY if field == "api_key" else super().get(connection_id, field)


def ask(services: Services, times: int) -> None:
    for _number in range(times):
        services.connections.test("Hook", JobContext())


def other_program(folder: str, times: int, line: Connection) -> None:
    """Say "ready", wait for a word, ask so often by the connection of that workspace, and say "done"."""
    services = open_workspace(Path(folder), secrets=_OneSecret())
    line.send("ready")
    line.recv()
    ask(services, times)
    services.close()
    line.send("done")


def look(services: Services, times: int) -> None:
    """Ask so often for the lists of Brevo, which takes one request each time."""
    for _number in range(times):
        services.connections.choices("Mail", "audience_id", JobContext())


def another_person(folder: str, times: int, line: Connection) -> None:
    """As `other_program`, with the other key of the Brevo account."""
    services = open_workspace(Path(folder), secrets=_TheirKey())
    line.send("ready")
    line.recv()
    look(services, times)
    services.close()
    line.send("done")


def mail(folder: Path, url: str, key: str) -> Services:
    services = create_workspace(folder, "Shop", "consumers", secrets=MemoryStore())
    add = services.connections.add
    add("Mail", "brevo", {"api_url": url}, {"api_key": key}, Access.CONTRIBUTORS, agreed=True)
    return services


def workspace(folder: Path, url: str, per_second: int) -> Services:
    services = create_workspace(folder, "Shop", "consumers", secrets=_OneSecret())
    settings = {"url": f"{url}{PATH}", "requests_per_minute": str(60 * per_second)}
    services.connections.add("Hook", "webhook", settings, {"signing_secret": SECRET}, Access.CONTRIBUTORS, agreed=True)
    return services


def both(folder: Path, url: str, times: int) -> float:
    """Let this process and another one ask so often at the same time, over a workspace each; the seconds it took."""
    workspace(folder / "theirs", url, 2 * PER_SECOND).close()
    with closing(workspace(folder / "ours", url, PER_SECOND)) as services:
        return together(other_program, folder / "theirs", lambda: ask(services, times), times)


def together(
    program: Callable[[str, int, Connection], None], folder: Path, ours: Callable[[], None], times: int
) -> float:
    """Begin the other program, do ours while it does its part, and say how many seconds both took."""
    context = multiprocessing.get_context("spawn")
    line, far = context.Pipe()
    other = context.Process(target=program, args=(str(folder), times, far), daemon=True)
    other.start()
    try:
        assert line.poll(60)
        assert line.recv() == "ready"
        began = time.monotonic()
        line.send("go")
        ours()
        assert line.poll(60)
        assert line.recv() == "done"
        return time.monotonic() - began
    finally:
        other.kill()
        other.join(10)


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    with Counter() as emulator:
        yield emulator


def test_two_programs_have_one_budget(tmp_path: Path, counter: Counter) -> None:
    """Also when one of the connections is set to more: of several paces the slowest counts."""

    def kept(attempt: int) -> bool:
        counter.came.clear()
        took = both(tmp_path / str(attempt), counter.url, 15)
        assert len(counter.came) == 30
        return counter.kept_its_pace() and took <= 30 / PER_SECOND * 1.5  # they use what there is

    assert any(map(kept, range(ATTEMPTS)))
    names = {path.name for path in (tmp_path / "config/paces").rglob("*")}
    assert "moments" in names
    assert not any(word in name for name in names for word in (SECRET, "127.0.0.1"))


def test_a_wait_that_one_program_was_asked_for_holds_the_other(tmp_path: Path, counter: Counter) -> None:
    def held(attempt: int) -> bool:
        counter.came.clear()
        counter.fail("reply", after=4, times=1, reply=Reply(429, headers={"Retry-After": "2"}))
        both(tmp_path / str(attempt), counter.url, 4)
        assert len(counter.came) == 8 + 1
        told = counter.came[4]
        return not any(told < moment < told + 1.9 for moment in counter.came)

    # On a busy computer the other one's next request may leave before the first one has read that it is to wait.
    assert any(map(held, range(ATTEMPTS)))


@pytest.fixture
def brevo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingBrevo]:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    with CountingBrevo() as emulator:
        yield emulator


@pytest.mark.parametrize("tested", [True, False], ids=["told when tested", "told when used"])
def test_two_keys_of_one_account_have_one_budget_in_two_programs(
    tmp_path: Path, brevo: CountingBrevo, tested: bool
) -> None:
    """Brevo allows an account 10 a second (its description), however many keys it has and whoever asks with them."""
    brevo.left_out = "/account"  # the question whose key it is, which is counted by the key
    accounts: list[str] = []

    def kept(attempt: int) -> bool:
        folder = tmp_path / str(attempt)
        brevo.came.clear()
        brevo.requests.clear()
        with closing(mail(folder / "theirs", brevo.url, THEIR_KEY)) as theirs:
            if tested:
                theirs.connections.test("Mail", JobContext())
        with closing(mail(folder / "ours", brevo.url, KEY)) as services:
            if tested:
                services.connections.test("Mail", JobContext())
                brevo.came.clear()
            together(another_person, folder / "theirs", lambda: look(services, 15), 15)
            accounts.append(services.connections.get("Mail").connection.account)
        asked = sum(request.path.endswith("/account") for request in brevo.requests)
        assert asked == 2  # each once: in its test, or with its first request
        assert len(brevo.came) == 30
        return brevo.kept_its_pace()

    assert any(map(kept, range(ATTEMPTS)))
    assert all(accounts)
    assert "northwind" not in accounts[0]
    names = {path.name for path in (tmp_path / "config/paces").rglob("*")}
    assert not any(word in name for name in names for word in (KEY, THEIR_KEY, accounts[0], "127.0.0.1"))


def test_two_connections_with_keys_of_one_account_have_one_budget_in_one_program(
    tmp_path: Path, brevo: CountingBrevo
) -> None:
    """A wait that Brevo asks of one holds the other: nothing else comes before it is over."""
    with closing(mail(tmp_path / "ours", brevo.url, KEY)) as services:
        add = services.connections.add
        settings = {"api_url": brevo.url}
        tested = services.connections.test_draft("brevo", settings, {"api_key": THEIR_KEY}, None, JobContext())
        add("Other", "brevo", settings, {"api_key": THEIR_KEY}, Access.CONTRIBUTORS, agreed=True, tested=tested)
        assert services.connections.get("Other").connection.account
        look(services, 1)
        assert (
            services.connections.get("Other").connection.account == services.connections.get("Mail").connection.account
        )
        brevo.fail("reply", times=1, reply=Reply(429, headers={"Retry-After": "1"}))
        before = len(brevo.came)
        held = threading.Event()
        seen: list[float] = []

        def slowed(seconds: float, _words: str) -> None:
            seen.append(seconds)
            held.set()

        connection = services.connections.get("Mail").connection
        opened = services.connections.open(connection, slowed)
        asking = threading.Thread(target=opened.choices, args=("audience_id", JobContext()))
        asking.start()
        assert held.wait(30)
        services.connections.choices("Other", "audience_id", JobContext())
        asking.join(30)
        told, *others = brevo.came[before:]
        assert len(others) == 2
        assert all(moment - told >= 0.9 for moment in others)
        assert seen


def test_another_key_without_a_test_is_asked_about_anew(tmp_path: Path, brevo: CountingBrevo) -> None:
    with closing(mail(tmp_path / "ours", brevo.url, KEY)) as services:
        services.connections.test("Mail", JobContext())
        account = services.connections.get("Mail").connection.account
        assert account
        services.connections.edit("Mail", secrets={"api_key": THEIR_KEY})
        assert services.connections.get("Mail").connection.account == ""
        look(services, 1)
        assert services.connections.get("Mail").connection.account == account
        services.connections.edit("Mail", new_name="Post")
        assert services.connections.get("Post").connection.account == account
