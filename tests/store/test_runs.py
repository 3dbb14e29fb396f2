from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec

from app.core.evidence import Cause
from app.core.guards import GuardKind, Held
from app.core.phrases import Phrase
from app.core.plans import Changes
from app.core.runs import Run, SkippedSegment, Status
from app.store import Store
from app.store.codec import plain
from tests.store import samples
from tests.store.samples import NOON


def test_a_run_comes_back_equal(store):
    run = samples.run()
    store.runs.add(run)
    assert store.runs.by_id(run.id) == run
    changed = replace(run, status=Status.RUNNING, done=7)
    store.runs.save(changed)
    assert store.runs.by_id(run.id) == changed
    assert store.runs.by_id("unknown") is None


def test_a_held_run_comes_back_with_why_in_words_and_as_phrases(store):
    cause = Cause.of("other_consent", "Customer.OptIn", Phrase("none"))
    run = samples.run(held=Held(GuardKind.REMOVED, "34.0% of the audience.", Changes(removed=34), 100, cause=cause))
    store.runs.add(run)
    assert store.runs.by_id(run.id) == run


def test_what_an_earlier_version_kept_of_a_run_in_english_alone_is_read():
    kept = msgspec.json.decode(msgspec.json.encode(samples.run(held=Held(GuardKind.EMPTY, "Empty.", Changes(), 0))))
    kept["skipped"] = [{"segment": "Gold", "sentence": "Too large: 9 of 5 allowed."}]
    kept["held"]["cause"] = {"what": "the rules were changed", "detail": "They are other ones.", "table": ""}
    run = plain(Run).decode(msgspec.json.encode(kept).decode())
    assert run.skipped == (SkippedSegment("Gold", "Too large: 9 of 5 allowed."),)
    assert run.held.cause == Cause("the rules were changed", "They are other ones.")
    assert run.held.cause.phrases is None


def test_lists_are_newest_first_and_continue_before_a_moment(store):
    runs = [samples.run(export_id=f"e{n % 2}", queued_at=NOON + timedelta(minutes=n)) for n in range(6)]
    for run in runs:
        store.runs.add(run)
    assert store.runs.list() == runs[::-1]
    assert store.runs.list(limit=2) == [runs[5], runs[4]]
    assert store.runs.list(limit=2, before=runs[4].queued_at) == [runs[3], runs[2]]
    assert store.runs.list(export_id="e1") == [runs[5], runs[3], runs[1]]
    assert store.runs.latest_per_export() == {"e0": runs[4], "e1": runs[5]}


def test_a_connection_is_held_by_one_run_until_it_ends(store):
    first, second, elsewhere = samples.run(), samples.run(), samples.run(connection_id="c2")
    for run in (first, second, elsewhere):
        store.runs.add(run)
    assert store.runs.claim(first.id, "c1", "here:1:1")
    assert store.runs.claim(first.id, "c1", "here:1:1")
    assert not store.runs.claim(second.id, "c1", "here:2:2")
    assert store.runs.claim(elsewhere.id, "c2", "here:2:2")
    held = store.runs.by_id(first.id)
    assert (held.status, held.owner) == (Status.RUNNING, "here:1:1")
    assert held.started_at is not None
    store.runs.save(replace(held, status=Status.FAILED))
    assert store.runs.claim(second.id, "c1", "here:2:2")


def test_an_ended_or_unknown_run_claims_nothing(store):
    run = samples.run(status=Status.CANCELLED)
    store.runs.add(run)
    assert not store.runs.claim(run.id, "c1", "here:1:1")
    assert not store.runs.claim("unknown", "c1", "here:1:1")
    assert store.runs.by_id(run.id).status is Status.CANCELLED


def interrupted_at_noon(run):
    return replace(run, status=Status.INTERRUPTED, ended_at=NOON)


def test_runs_of_dead_processes_are_interrupted_and_free_their_connection(store):
    dead, alive, waiting, done = (
        samples.run(owner="here:1:1"),
        samples.run(owner="here:2:2", connection_id="c2"),
        samples.run(owner="here:1:1"),
        samples.run(owner="here:1:1", status=Status.SUCCESSFUL),
    )
    for run in (dead, alive, waiting, done):
        store.runs.add(run)
    store.runs.claim(dead.id, "c1", "here:1:1")
    store.runs.claim(alive.id, "c2", "here:2:2")
    ended = store.runs.interrupt_orphans(lambda owner: owner == "here:2:2", interrupted_at_noon)
    assert {run.id for run in ended} == {dead.id, waiting.id}
    assert store.runs.by_id(dead.id).status is Status.INTERRUPTED
    assert store.runs.by_id(dead.id).ended_at is not None
    assert store.runs.by_id(done.id).status is Status.SUCCESSFUL
    assert [run.id for run in store.runs.running()] == [alive.id]
    fresh = samples.run()
    store.runs.add(fresh)
    assert store.runs.claim(fresh.id, "c1", "here:2:2")
    assert store.runs.interrupt_orphans(lambda owner: owner in {"here:2:2", fresh.owner}, interrupted_at_noon) == []


def test_a_cancel_is_seen_by_the_process_that_runs(store, folder):
    run = samples.run(status=Status.RUNNING)
    store.runs.add(run)
    other = Store.open(folder)
    assert not store.runs.cancel_requested(run.id)
    assert other.runs.request_cancel(run.id)
    assert store.runs.cancel_requested(run.id)
    store.runs.save(replace(run, done=3))  # saving progress does not forget the request
    assert store.runs.cancel_requested(run.id)
    store.runs.save(replace(run, status=Status.CANCELLED))
    assert not other.runs.request_cancel(run.id)
    assert not other.runs.request_cancel("unknown")
    other.close()


def test_purge_keeps_what_is_new_or_still_runs(store):
    old, live, new = (
        samples.run(status=Status.FAILED),
        samples.run(status=Status.RUNNING),
        samples.run(status=Status.FAILED, queued_at=NOON + timedelta(days=2)),
    )
    for run in (old, live, new):
        store.runs.add(run)
    assert store.runs.purge(NOON + timedelta(days=1)) == [old.id]
    assert {run.id for run in store.runs.list()} == {live.id, new.id}


def test_a_sign_of_life_is_kept_while_its_owner_has_runs(store):
    noon = samples.NOON
    run = samples.run(owner="there:1:1")
    store.runs.add(run)
    store.runs.beat("there:1:1", noon)
    store.runs.beat("idle:1:1", noon)
    assert store.runs.beats() == {"there:1:1": noon}
    store.runs.beat("there:1:1", noon + timedelta(seconds=10))
    assert store.runs.beats() == {"there:1:1": noon + timedelta(seconds=10)}
    store.runs.save(replace(run, status=Status.CANCELLED))
    assert store.runs.beats() == {}


def test_a_run_that_was_given_up_is_told_to_stop_and_one_that_goes_on_is_not(store):
    run = samples.run(owner="there:1:1", status=Status.RUNNING)
    store.runs.add(run)
    (ended,) = store.runs.interrupt_orphans(lambda _owner: False, interrupted_at_noon)
    assert store.runs.cancel_requested(run.id)  # a computer that was only asleep must not go on with it
    store.runs.reopen(replace(ended, status=Status.QUEUED))
    assert not store.runs.cancel_requested(run.id)
    assert [each.id for each in store.runs.running()] == [run.id]
