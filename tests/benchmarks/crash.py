"""Runs that are killed at random moments, and what the destination holds after they were resumed or run again.

A Mailchimp in this process keeps account of every address it receives; the runs are processes of their own that get SIGKILL,
some at a random moment, some just before or just after the vendor acted on a request, whose answer is lost then. Other
answers are lost without a kill. Exports with each sync mode send changing people to a tag of their own.

With `power_loss` the workspace lies on a drive of its own (tests/drives.py) that loses its power with each kill, and also at
the moment a run says that it has ended: what was not brought onto the drive is gone then.

`lost` counts members who are not there as they should be after the last run, or are still there though they left, `doubled`
those who were received more often than the rule allows: once, and once more for each time they were on their way when
the process died or the answer was lost, unless they were there by then, for Mailchimp can be asked. Where a journal or a
record tells something else than what happened this ends in an AssertionError.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import duckdb

from app.bootstrap import create_workspace
from app.core.batches import BatchNumbers, numbers_of
from app.core.connections import Access
from app.core.runs import Status, Totals
from app.core.tables import Meaning, TableRole
from app.delivery.files import RunFolder
from app.delivery.journal import read_journal
from app.jobs import JobContext
from tests.benchmarks.crash_run import run_export
from tests.drives import Drive
from tests.fakes.secret_store import MemoryStore
from tests.vendors.emulator import Fault, Reply, Request
from tests.vendors.mailchimp import KEY, MailchimpEmulator

MODES = {"update": "a1b2c3d4e5", "add": "b2c3d4e5f6", "mirror": "c3d4e5f6a7", "replace": "d4e5f6a7b8"}
"""An audience for each: contacts are shared by the tags of one."""
MEMBERS = 100_000
KILLS = 200
PATIENCE_SECONDS = 600.0
KILLS_IN_A_ROW = 6
MOST_ON_THE_WAY = 16 * 500
ENDED = (EOFError, BrokenPipeError)
"""What a pipe says whose other end died; Windows says the second where somebody asks whether anything came."""
STRANGERS = 700
"""So many get the tag from somebody else before each run; only "replace" may take it from them, and must."""


def run(
    rows: int | None = None, kills: int | None = None, seed: int | None = None, power_loss: str | None = None
) -> dict[str, float | int]:
    """So many kills over runs of that many members, and more until runs of each sync mode were killed.

    With `power_loss`, the file system of the drive, losses of power in place of kills.
    """
    began = time.perf_counter()
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    print(f"  seed {seed}", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        folder, mail = Path(stack.enter_context(tempfile.TemporaryDirectory())), stack.enter_context(Mail())
        drive = None if power_loss is None else stack.enter_context(Drive(folder / "drive", power_loss))
        os.environ["SENDOFF_CONFIG_DIR"] = str((folder if drive is None else drive.folder) / "config")
        bench = CrashBench(folder, mail, rows or MEMBERS, random.Random(seed), drive)
        while bench.kills < (kills or KILLS) or bench.killed != MODES.keys():
            bench.scenario()
            print(f"  {bench.kills} kills, {bench.lost} lost, {bench.doubled} doubled", file=sys.stderr, flush=True)
        return {
            "seed": seed,
            "kills": bench.kills,
            "modes": len(bench.killed),
            "lost": bench.lost,
            "doubled": bench.doubled,
            "in_doubt": bench.in_doubt,
            "seconds": round(time.perf_counter() - began, 1),
            "resumed": bench.resumed,
            "lost_answers": mail.lost_answers,
        }


class Mail(MailchimpEmulator):
    """Quick, counts what it receives, and can kill whoever sends: before or after it acts on a request."""

    def __init__(self) -> None:
        super().__init__()
        self._description = None
        for mode, audience_id in MODES.items():
            self.add_audience(audience_id, mode)
        self.kill_at = 0
        self.kill_after = False
        self.lose_every = 0
        self.lost_answers = 0
        self.end: Callable[[], None] | None = None
        self.lost: Counter[str] = Counter()
        self._arrived = 0

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        with self._lock:
            self._arrived += 1
            strikes = self.kill_at and self._arrived == self.kill_at
            loses = request.method == "POST" and self.lose_every and self._arrived % self.lose_every == 0
        if strikes and not self.kill_after:
            self._kill()
        fault, reply = super().handle(request)
        if strikes and self.kill_after:
            self._kill()
        if loses:
            with self._lock:
                self.lost_answers += 1
                self.lost.update(_addresses(request))
            return Fault("lost"), reply
        return fault, reply

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        self.requests.clear()  # the bodies of many runs would fill the memory
        return reply

    def arm(self, kill_at: int, lose_every: int, *, kill_after: bool) -> None:
        """Begin to count requests anew."""
        with self._lock:
            self._arrived = 0
            self.kill_at, self.kill_after, self.lose_every = kill_at, kill_after, lose_every

    def wait_until_idle(self) -> None:
        """What the dead process sent last has been acted on when this returns."""
        quiet = 0
        while quiet < 3:
            with self._lock:
                quiet = quiet + 1 if self._now == 0 else 0
            time.sleep(0.01)

    def _kill(self) -> None:
        if self.end is not None:
            self.end()


def _addresses(request: Request) -> list[str]:
    members = request.body.get("members", []) if isinstance(request.body, dict) else []
    return [member["email_address"].lower() for member in members]


class CrashBench:
    """A workspace with one export for each sync mode, whose people change between scenarios."""

    def __init__(
        self, folder: Path, mail: Mail, members: int, chance: random.Random, drive: Drive | None = None
    ) -> None:
        self._drive = drive
        self._folder = (folder if drive is None else drive.folder) / "workspace"
        self._mail = mail
        self._members = members
        self._chance = chance
        self._context = multiprocessing.get_context(
            "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        )
        with suppress(AttributeError):
            self._context.set_forkserver_preload(["tests.benchmarks.crash_run"])
        self._source = folder / "Customer.csv"
        self._people: dict[str, str] = {}
        self._held: dict[str, dict[str, str]] = {mode: {} for mode in MODES}
        self._strangers: dict[str, set[str]] = {mode: set() for mode in MODES}
        self._done = 0
        self.killed: set[str] = set()
        self.kills = self.lost = self.doubled = self.in_doubt = self.resumed = 0
        self._change_people()
        self._make_workspace()

    def scenario(self) -> None:
        """Change the people, run one export through several kills to its end, and look at what the destination holds."""
        mode = list(MODES)[self._done % len(MODES)]
        if self._done:
            self._change_people()
            self._refresh()
        self._done += 1
        mail = self._mail
        mail.audiences[MODES[mode]].received.clear()
        mail.lost.clear()
        allowed: Counter[str] = Counter()
        before = dict(self._held[mode])
        self._let_strangers_in(mode)
        loses = self._chance.choice((0, 0, 17, 29))
        for _ in range(self._chance.randint(1, KILLS_IN_A_ROW)):
            if self._attempt(mode, allowed, loses, kill=True) is not None:
                break
        ended = self._attempt(mode, allowed, 0, kill=False)
        assert ended is not None
        run_id, status, totals, error = ended
        assert status == Status.SUCCESSFUL, f"{status}: {error}"
        self._check_account(run_id, totals)
        self._judge(mode, allowed, before)

    def _let_strangers_in(self, mode: str) -> None:
        """Give the tag to contacts that are not ours, once there is a tag."""
        audience = self._mail.audiences[MODES[mode]]
        tag = audience.tag(f"Everybody {mode}")
        if tag is None:
            return
        addresses = [f"s{self._done}.{i}@elsewhere.example" for i in range(STRANGERS)]
        for address in addresses:
            audience.put(address)
        tag.members.update(addresses)
        self._strangers[mode].update(addresses)

    def _attempt(
        self, mode: str, allowed: Counter[str], loses: int, *, kill: bool
    ) -> tuple[str, str, Totals, object] | None:
        """Run or resume; None when it was killed."""
        expected = max(self._members // 500 * 2, 4)
        by_request = kill and self._chance.random() < 0.6
        at = self._chance.randint(1, expected) if by_request else 0
        self._mail.arm(at, loses, kill_after=self._chance.random() < 0.6)
        resume = self._chance.random() < 0.7
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=run_export, args=(str(self._folder), f"Crash {mode}", resume, theirs))
        process.start()
        theirs.close()
        self._mail.end = partial(self._end, process)
        timer = None
        try:
            assert ours.poll(PATIENCE_SECONDS)
            assert ours.recv() == "ready"
            if kill and not by_request:
                timer = threading.Timer(self._chance.uniform(0.0, self._members / 40_000), self._mail.end)
                timer.start()
            ended = None
            with suppress(*ENDED):
                assert ours.poll(PATIENCE_SECONDS), "the run does not end"
                ended = ours.recv()
        except ENDED:  # killed before it was ready
            ended = None
        finally:
            if timer is not None:
                timer.cancel()
            if ended is not None:
                self._end(process)
            process.join(PATIENCE_SECONDS)
            self._mail.end = None
            ours.close()
        self._mail.wait_until_idle()
        if self._drive is not None:
            self._drive.revive()
        if ended is not None:
            return ended
        self.kills += 1
        self.killed.add(mode)
        self.resumed += resume
        self._note_doubts(mode, allowed)
        return None

    def _end(self, process: multiprocessing.process.BaseProcess) -> None:
        process.kill()
        if self._drive is not None:
            self._drive.cut()

    def _note_doubts(self, mode: str, allowed: Counter[str]) -> None:
        """Whoever is on the way as the dead process noted it may be received again, unless they are there already."""
        audience = self._mail.audiences[MODES[mode]]
        tag = audience.tag(f"Everybody {mode}")
        there = tag.members if tag is not None else set()
        doubtful = _doubtful(self._folder, mode)
        self.in_doubt += len(doubtful)
        contacts = audience.contacts
        for address in doubtful:
            as_sent = mode == "add" or (
                address in contacts and contacts[address].merge_fields.get("FNAME") == self._people.get(address)
            )
            if not (address in there and as_sent):
                allowed[address] += 1

    def _check_account(self, run_id: str, totals: Totals) -> None:
        """The journal of the last run tells of everybody, as the run does."""
        batches = read_journal(RunFolder(self._folder, run_id), ended=True)
        numbers = numbers_of(batches)
        assert (numbers.in_doubt, numbers.not_sent) == (0, 0), numbers
        assert numbers.answered == totals.added + totals.updated + totals.removed + sum(
            b.totals.unchanged for b in batches
        )
        assert numbers == BatchNumbers(numbers.answered)

    def _judge(self, mode: str, allowed: Counter[str], before: dict[str, str]) -> None:
        audience = self._mail.audiences[MODES[mode]]
        tag = audience.tag(f"Everybody {mode}")
        assert tag is not None
        wanted = dict(self._people)
        if mode in {"update", "add"}:
            wanted = {**before, **wanted}
        if mode == "add":
            wanted |= before  # who is there already is left as it is
        if mode != "replace":
            wanted |= dict.fromkeys(self._strangers[mode], "")
        held = {address: audience.contacts[address].merge_fields.get("FNAME", "") for address in tag.members}
        lost = {address for address, name in wanted.items() if held.get(address) != name}
        left_behind = held.keys() - wanted.keys()
        self.lost += len(lost) + len(left_behind)
        for address, times in audience.received.items():
            if times > 1 + allowed[address] + self._mail.lost[address]:
                self.doubled += 1
        self._held[mode] = held

    def _change_people(self) -> None:
        """Most stay, some get another name, some leave, others come; addresses are those of every mode's own people."""
        chance, people = self._chance, self._people
        if not people:
            self._people = {f"p{i}@example.com": f"N{i}" for i in range(self._members)}
        else:
            kept = {address: name for address, name in people.items() if chance.random() > 0.3}
            self._people = {a: (f"M{chance.random():.6f}" if chance.random() < 0.4 else n) for a, n in kept.items()}
            while len(self._people) < self._members:
                self._people[f"p{chance.randrange(3 * self._members)}@example.com"] = f"N{chance.random():.6f}"
        lines = [f"C-{address},{address},{name}" for address, name in self._people.items()]
        self._source.write_text("CustomerId,Email,FirstName\n" + "\n".join(lines) + "\n", "utf-8")

    def _make_workspace(self) -> None:
        services = create_workspace(self._folder, "Crash", "consumers", secrets=MemoryStore())
        services.tables.add([self._source], "Customer", JobContext())
        services.tables.set_role("Customer", TableRole.CUSTOMER, "CustomerId")
        services.tables.set_meaning("Customer", "Email", Meaning.EMAIL)
        rule = {"field": "Customer.FirstName", "is_not_empty": True}
        for mode in MODES:
            services.segments.save({"name": f"Everybody {mode}", "of": "customers", "rules": [{"all": [rule]}]}, None)
            # A connection of its own each, or a run that is set aside late would make the next one wait.
            settings = {"api_url": self._mail.url}
            services.connections.add(
                f"Mail {mode}", "mailchimp", settings, {"api_key": KEY}, Access.CONTRIBUTORS, agreed=True
            )
            services.exports.apply(
                {
                    "name": f"Crash {mode}",
                    "kind": "segment",
                    "connection": f"Mail {mode}",
                    "segments": [f"Everybody {mode}"],
                    "target": {"audience_id": MODES[mode]},
                    "match": {"email": "Customer.Email", "first_name": "Customer.FirstName"},
                    "sync": mode,
                    "guard": {"removed_percent": None, "changed_percent": None},
                    "consent": {"agreed": True},
                }
            )
        services.close()

    def _refresh(self) -> None:
        from app.bootstrap import open_workspace

        services = open_workspace(self._folder, secrets=MemoryStore())
        services.tables.refresh("Customer", JobContext())
        services.close()


def _doubtful(folder: Path, mode: str) -> set[str]:
    """The addresses that the notes of the run that died tell to be on their way; its journal must know of as many at least."""
    found: set[str] = set()
    for plan in (folder / "sent").glob("*/*/*/plan.parquet"):
        told = plan.with_name("told.csv")
        with duckdb.connect() as connection:
            query = "SELECT decode(key), decode(value) FROM parquet_kv_metadata(?)"
            known = dict(connection.execute(query, [str(plan)]).fetchall())
            if not told.exists() or known["segment"] != f"Everybody {mode}":
                continue
            rows = connection.execute(f"SELECT identifier, change FROM read_parquet('{plan}')").fetchall()
        going = _going(told.read_text("utf-8"))
        doubtful = {rows[row][0].removeprefix("email:") for row, on_its_way in going.items() if on_its_way}
        numbers = numbers_of(read_journal(RunFolder(folder, known["run"]), ended=True))
        # A batch is noted in the journal before it is in the notes, and is settled there after it is in them.
        assert len(doubtful) <= numbers.in_doubt <= len(doubtful) + MOST_ON_THE_WAY, (len(doubtful), numbers)
        # What is certain, in doubt and not sent adds up to the plan, once the journal has begun.
        planned = numbers.answered + numbers.in_doubt + numbers.not_sent
        assert planned in {0, sum(change != "released" for _identifier, change in rows)}, (numbers, len(rows))
        found |= doubtful
    return found


def _going(told: str) -> dict[int, bool]:
    """For each row of a plan that was told of whether it is on its way."""
    going: dict[int, bool] = {}
    for line in told.splitlines():
        parts = line.split(",")
        if len(parts) == 3 and parts[2] in _WORDS:  # the last one may be torn
            going.update(dict.fromkeys(range(int(parts[0]), int(parts[1]) + 1), parts[2] == "sending"))
    return going


_WORDS = frozenset({"sending", "added", "updated", "unchanged", "removed", "rejected", "invalid", "there"})
