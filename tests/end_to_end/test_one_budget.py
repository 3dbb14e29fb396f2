"""Two programs that ask one account at the same time: together they ask no more than it allows."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from app.bootstrap import Services, create_workspace, open_workspace
from app.core.connections import Access
from app.jobs import JobContext
from tests.fakes.secret_store import MemoryStore
from tests.vendors.emulator import Fault, Reply, Request
from tests.vendors.webhook import PATH, SECRET, WebhookEmulator

PER_SECOND = 10


class Counter(WebhookEmulator):
    """Knows when each request came, also those that are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[float] = []

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        with self._lock:
            self.came.append(time.monotonic())
        return super().handle(request)

    def most_in_a_second(self) -> int:
        return max(sum(first <= other < first + 1.0 for other in self.came) for first in self.came)


class _OneSecret(MemoryStore):
    """Each process has the secret: what this is about is not the keyring."""

    def get(self, connection_id: str, field: str) -> str | None:
        return SECRET if field == "signing_secret" else super().get(connection_id, field)


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


def workspace(folder: Path, url: str, per_second: int) -> Services:
    services = create_workspace(folder, "Shop", "consumers", secrets=_OneSecret())
    settings = {"url": f"{url}{PATH}", "requests_per_minute": str(60 * per_second)}
    services.connections.add("Hook", "webhook", settings, {"signing_secret": SECRET}, Access.CONTRIBUTORS, agreed=True)
    return services


def both(folder: Path, url: str, times: int) -> float:
    """Let this process and another one ask so often at the same time, over a workspace each; the seconds it took."""
    context = multiprocessing.get_context("spawn")
    workspace(folder / "theirs", url, 2 * PER_SECOND).close()
    with closing(workspace(folder / "ours", url, PER_SECOND)) as services:
        line, far = context.Pipe()
        other = context.Process(target=other_program, args=(str(folder / "theirs"), times, far), daemon=True)
        other.start()
        try:
            assert line.poll(60)
            assert line.recv() == "ready"
            began = time.monotonic()
            line.send("go")
            ask(services, times)
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
    took = both(tmp_path, counter.url, 15)
    # One more than allowed: on a busy computer one comes late, and those after it are on time.
    assert counter.most_in_a_second() <= PER_SECOND + 1
    assert len(counter.came) == 30
    assert took <= 30 / PER_SECOND * 1.5  # they use what there is
    names = {path.name for path in (tmp_path / "config/paces").rglob("*")}
    assert "moments" in names
    assert not any(word in name for name in names for word in (SECRET, "127.0.0.1"))


def test_a_wait_that_one_program_was_asked_for_holds_the_other(tmp_path: Path, counter: Counter) -> None:
    counter.fail("reply", after=4, times=1, reply=Reply(429, headers={"Retry-After": "2"}))
    both(tmp_path, counter.url, 4)
    told = counter.came[4]
    assert [moment - told for moment in counter.came if told < moment < told + 1.9] == []
    assert len(counter.came) == 8 + 1
