"""A workspace with a real store and queue, and a target in memory; also a program, to be one of several processes.

`python -m tests.services.run_bench FOLDER EXPORT SECONDS_PER_BATCH` runs the export and prints its status.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from app.core.connections import Access, Connection, Consent
from app.core.counts import Limits
from app.core.exports import Export
from app.core.roles import Role
from app.core.runs import Run, Trigger
from app.core.workspaces import Audience
from app.delivery.run_state import utc_now
from app.destinations.batches import Member
from app.jobs import JobContext, Pools
from app.services.dead_runs import DeadRuns
from app.services.reaching import Reach
from app.services.runs import RunService
from app.store.store import Store
from tests.delivery.fakes import FakeMembers, FakeTarget, deps, description, export
from tests.services.auditing import audit_of

NOW = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


class FixedRole:
    def __init__(self, role: Role = Role.ADMIN) -> None:
        self.now = role

    def role(self) -> Role:
        return self.now


def connection(name: str, access: Access = Access.CONTRIBUTORS) -> Connection:
    return Connection(
        id=f"c-{name}",
        name=name,
        destination="practice",
        settings={},
        secrets=frozenset(),
        access=access,
        consent=Consent("ann", NOW),
        created_at=NOW,
        created_by="ann",
    )


class Bench:
    """`members` is the size of the segment VIP; a batch has ten."""

    def __init__(
        self, folder: Path, members: int = 30, at_once: int = 4, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.folder = folder
        new = not (folder / "workspace.db").exists()
        self.store = Store.create(folder, "Shop", Audience.CONSUMERS) if new else Store.open(folder)
        self.role = FixedRole()
        self.targets: dict[str, FakeTarget] = {}
        self.members = FakeMembers({"VIP": members}, Limits())
        self.pools = Pools({"exports": at_once})
        self.runs = RunService(
            folder,
            self.store,
            self.role,
            Reach(lambda _id: description(), lambda opened, _slow, _ledger: self.target(opened.name)),
            lambda: nullcontext(deps(folder, self.members)),
            self.pools,
            audit_of(self.store, clock),
            DeadRuns(folder, self.store, audit_of(self.store, clock), clock),
            clock=clock,
            at_once=at_once,
            poll_seconds=0.1,
        )
        self.seen: list[Run] = []
        self.runs.subscribe(self.seen.append)

    def target(self, connection_name: str) -> FakeTarget:
        return self.targets.setdefault(connection_name, FakeTarget())

    def add(self, export_name: str, connection_name: str | None, **changes: object) -> Export:
        if connection_name is not None and self.store.connections.get(connection_name) is None:
            self.store.connections.save(connection(connection_name))
        id_ = f"e-{export_name}"
        where = f"c-{connection_name}" if connection_name else None
        return self.store.exports.save(export("VIP", id=id_, name=export_name, connection=where, **changes))

    def run(self, *names: str, trigger: Trigger = Trigger.PERSON) -> list[Run]:
        return self.wait(self.runs.start(names, trigger))

    def wait(self, runs: Sequence[Run]) -> list[Run]:
        """Until they ended and, where they ran here, were told: listeners hear of it after the store."""
        ended = self.runs.wait([r.id for r in runs], JobContext())
        until(lambda: not self._untold(ended))
        return ended

    def _untold(self, ended: Sequence[Run]) -> bool:
        here, told = {r.id for r in self.seen}, {r.id for r in self.seen if r.status.ended}
        return any(r.id in here - told for r in ended)

    def close(self, timeout: float = 5) -> None:
        self.runs.close(timeout)
        self.pools.close()
        self.store.close()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def main(folder: str, export_name: str, at: str, awaited: str) -> None:
    """Run the export, and hold the batch of that number until it is killed, told by a line, or cancelled."""
    bench = Bench(Path(folder))
    waits: dict[str, Callable[[], object]] = {
        "kill": lambda: time.sleep(120),
        "line": sys.stdin.readline,
        "cancel": lambda: until(lambda: all(each.token.cancelled for each in bench.runs._queue._active.values())),
    }

    def hold(number: int, _members: Sequence[Member]) -> None:
        print(f"batch {number}", flush=True)
        if number == int(at):
            waits[awaited]()

    for each in bench.store.connections.all():
        bench.target(each.name).on_send = hold
    (run,) = bench.run(export_name)
    print(run.status.value, flush=True)
    bench.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
