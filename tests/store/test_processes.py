"""Two real processes at work on one workspace: nothing is lost and nobody sees "database is locked"."""

from __future__ import annotations

import json
import subprocess
import sys

from app.store import Store
from tests.store import samples

ROUNDS = 60

WORKER = """
import json, sys
from dataclasses import replace
from pathlib import Path
from threading import Thread
from app.core.errors import TryAgain
from app.core.runs import Status
from app.store import Store
from tests.store import samples

folder, me, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = Store.open(folder)
failures, overlaps, conflicts = [], [], [0]

def count_up():
    for _ in range(rounds):
        while True:
            export = store.exports.get("Shared")
            try:
                store.exports.save(replace(export, target={"n": str(int(export.target["n"]) + 1)}))
                break
            except TryAgain as error:
                if error.code != "changed_elsewhere":
                    raise
                conflicts[0] += 1

def take_turns():
    for _ in range(rounds // 4):
        run = samples.run(owner=me)
        store.runs.add(run)
        while not store.runs.claim(run.id, "c1", me):
            pass
        live = [r.owner for r in store.runs.running() if r.status is Status.RUNNING]
        if live != [me]:
            overlaps.append(live)
        store.runs.save(replace(store.runs.by_id(run.id), status=Status.SUCCESSFUL))

def guarded(work):
    try:
        work()
    except BaseException as error:
        failures.append(repr(error))

print("ready", flush=True)
sys.stdin.readline()
threads = [Thread(target=guarded, args=(work,)) for work in (count_up, take_turns)]
for thread in threads: thread.start()
for thread in threads: thread.join()
due = [store.schedule_marks.claim_due("e1", samples.NOON.replace(minute=n)) for n in range(60)]
store.close()
print(json.dumps({"failures": failures, "overlaps": overlaps, "due": due, "conflicts": conflicts[0]}))
"""


def test_two_processes_lose_nothing(store, folder):
    store.exports.save(samples.export("Shared", target={"n": "0"}))
    store.close()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), f"worker{n}", str(ROUNDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    answers = []
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        out, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        answers.append(json.loads(out))
    assert [answer["failures"] for answer in answers] == [[], []]
    assert [answer["overlaps"] for answer in answers] == [[], []]
    assert sum(map(sum, (answer["due"] for answer in answers))) <= 60
    assert not any(first and second for first, second in zip(answers[0]["due"], answers[1]["due"], strict=True))
    again = Store.open(folder)
    assert again.exports.get("Shared").target == {"n": str(2 * ROUNDS)}
    assert len(again.runs.list(limit=1000)) == 2 * (ROUNDS // 4)
    again.close()


def test_opening_and_closing_in_several_processes_at_once(store, folder):
    store.close()
    script = (
        "import sys; from pathlib import Path; from app.store import Store\n"
        "for n in range(40):\n"
        "    s = Store.open(Path(sys.argv[1])); s.workspace.set_setting(sys.argv[2], str(n)); s.close()\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(folder), name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    assert [worker.communicate(timeout=120)[1] for worker in workers] == ["", "", ""]
    again = Store.open(folder)
    assert [again.workspace.setting(name) for name in ("a", "b", "c")] == ["39", "39", "39"]
    again.close()
