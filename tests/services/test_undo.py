from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli.exports import run_document, run_sentence
from app.cli.receipts import receipt_lines
from app.core.connections import Access
from app.core.errors import FixSettings, NotAllowed, TryAgain
from app.core.exports import SyncMode
from app.core.roles import Role
from app.core.runs import Run, Status, Trigger
from app.destinations.batches import Batch, Outcome, OutcomeKind, Outcomes
from app.destinations.mailchimp.session import MailchimpSession
from app.destinations.registry import description
from app.jobs import JobContext
from tests.services.history import History, history_in
from tests.services.run_bench import until
from tests.vendors.emulator import Reply

CTX = JobContext()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with history_in(tmp_path) as made:
        yield made


def addresses(*numbers: int) -> set[str]:
    return {f"p{i}@example.com" for i in numbers}


def undo(history: History, run: Run) -> Run:
    history.now = history.now.replace(microsecond=(history.now.microsecond + 1) % 1_000_000)
    started = history.services.undo.start(run.id, Trigger.PERSON)
    history.services.runs.wait([started.id], CTX)
    return history.kept(started.id)


def test_added_are_removed_removed_are_put_back_and_changed_stay(history: History) -> None:
    history.run()
    history.customers({0: ("DE", "Eve"), 1: ("AT", "Ann"), 2: ("DE", "Ann"), 3: ("DE", "Ann"), 4: ("DE", "Ann")})
    done = history.run()
    assert history.tagged() == addresses(0, 2, 3, 4)
    state = history.services.undo.state(done.id)
    assert (state.what.added, state.what.removed, state.what.changed, state.why_not) == (2, 1, 1, "")
    plan = history.services.undo.plan(done.id, CTX)
    planned = plan.changes
    assert (planned.added, planned.removed, planned.changed, plan.kept_values) == (1, 2, 0, 1)
    assert history.tagged() == addresses(0, 2, 3, 4)
    taken_back = undo(history, done)
    assert taken_back.status is Status.SUCCESSFUL
    assert (taken_back.totals.removed, taken_back.totals.updated, taken_back.undoes) == (2, 1, done.id)
    assert history.tagged() == addresses(0, 1, 2)
    assert history.emulator.audience.contacts["p0@example.com"].merge_fields["FNAME"] == "Eve"
    assert "p3@example.com" in history.emulator.audience.contacts  # nobody is unsubscribed or deleted
    assert history.emulator.audience.contacts["p3@example.com"].status == "subscribed"
    receipt = history.services.receipts.get(taken_back.id).receipt
    assert (receipt.totals.removed, receipt.held) == (2, 3)
    assert (receipt.undoes, receipt.kept_values, taken_back.kept_values) == (done.id, 1, 1)
    kept = "1 member keeps the new values: the earlier ones are not kept."
    assert f"Takes back the run {done.id}. {kept}" in receipt_lines(history.services.receipts.get(taken_back.id))
    assert kept in history.services.runs.log(taken_back.id)[1].text
    assert kept in run_sentence(taken_back)
    assert run_document(taken_back)["kept_values"] == 1
    again = history.services.runs.get(taken_back.id)
    assert again.audience == 3


def test_the_next_run_starts_from_what_is_there_after_an_undo(history: History) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    undo(history, done)
    assert history.tagged() == addresses(0, 1, 2)
    after = history.run()
    assert (after.totals.added + after.totals.updated, after.totals.unchanged) == (2, 3)
    assert history.tagged() == addresses(0, 1, 2, 3, 4)


def test_an_undone_run_can_be_done_again_by_undoing_the_undo(history: History) -> None:
    history.run()
    history.customers({**dict.fromkeys(range(5), ("DE", "Ann")), 1: ("AT", "Ann")})
    done = history.run()
    back = undo(history, done)
    assert history.tagged() == addresses(0, 1, 2)
    assert history.services.undo.state(done.id).why_not == "It was undone already."
    undo(history, back)
    assert history.tagged() == addresses(0, 2, 3, 4)


def test_whom_another_export_sends_there_too_is_not_taken_out(history: History) -> None:
    history.add("Other")
    history.run()
    history.run("Other")
    history.customers(dict.fromkeys(range(4), ("DE", "Ann")))
    history.run("Other")
    history.now = datetime.now(UTC)  # when files were written counts too
    done = history.run()
    assert history.tagged() == addresses(0, 1, 2, 3)
    assert history.services.undo.plan(done.id, CTX).changes.removed == 0
    undo(history, done)
    assert history.tagged() == addresses(0, 1, 2, 3)


def test_who_is_suppressed_or_gone_by_now_is_not_put_back(history: History) -> None:
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    history.run()
    history.customers({0: ("DE", "Ann"), 1: ("AT", "Ann"), 2: ("AT", "Ann"), 3: ("AT", "Ann")})
    done = history.run()
    assert done.totals.removed == 4
    history.services.suppression.import_text("p1@example.com", CTX)
    assert history.services.undo.plan(done.id, CTX).changes.added == 2
    undo(history, done)
    assert history.tagged() == addresses(0, 2, 3)


def test_a_later_run_stands_against_it(history: History) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    first = history.run()
    history.customers(dict.fromkeys(range(6), ("DE", "Ann")))
    history.run()
    assert history.services.undo.state(first.id).why_not == "A later run has changed the same audience."


def test_one_that_was_cut_short_is_taken_up_by_undoing_again(history: History) -> None:
    history.customers(dict.fromkeys(range(600), ("DE", "Ann")))
    history.run()
    history.customers({i: ("AT" if i < 300 else "DE", "Ann") for i in range(1200)})
    done = history.run()
    assert (done.totals.added, done.totals.removed) == (600, 300)
    refused = history.emulator.fail("reply", reply=Reply(403, {"detail": "No."}), after=1, path="/segments/")
    cut = undo(history, done)
    assert cut.status is Status.FAILED
    left = history.services.undo.plan(done.id, CTX).changes
    assert 0 < left.removed < 600
    history.emulator.faults.remove(refused)
    again = undo(history, done)
    assert again.status is Status.SUCCESSFUL
    assert history.tagged() == addresses(*range(600))
    assert history.services.undo.state(done.id).why_not == "It was undone already."


def test_another_export_into_the_same_audience_stands_against_it(history: History) -> None:
    history.add("Other")
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    history.run("Other")
    assert history.services.undo.state(done.id).why_not == "Another export has changed the same audience since."


def test_another_export_that_did_not_come_to_its_end_stands_against_it_too(history: History) -> None:
    history.add("Other")
    history.run()
    history.customers({i: ("DE", "Eve" if i < 5 else "Ann") for i in range(3_000)})
    done = history.run()
    broken = history.emulator.fail("reset", after=3, path="/segments/")
    assert history.run("Other").status is Status.FAILED
    history.emulator.faults.remove(broken)
    assert history.services.undo.state(done.id).why_not == "Another export has changed the same audience since."


def test_other_targets_roles_and_unknown_runs_are_refused(history: History) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    history.add("Letter", target={"audience_id": history.emulator.audience.id, "tag": "Elsewhere"})
    with pytest.raises(FixSettings) as caught:
        history.services.undo.plan(done.id, CTX)
    assert caught.value.code == "other_place"
    history.services.roles.set_role(Role.VIEWER)
    with pytest.raises(NotAllowed):
        history.services.undo.start(done.id, Trigger.PERSON)


def test_a_run_that_stopped_half_way_is_taken_back(history: History) -> None:
    """With those who were on their way: some of them may be there."""
    history.customers(dict.fromkeys(range(600), ("DE", "Ann")))
    history.run()
    history.customers({i: ("AT" if i < 100 else "DE", "Ann") for i in range(4_000)})
    broken = history.emulator.fail("reset", after=5, path="/segments/")
    stopped = history.run()
    assert stopped.status is Status.FAILED
    assert stopped.totals.removed == 100
    assert 0 < stopped.totals.added < 3_400
    history.emulator.faults.remove(broken)
    state = history.services.undo.state(stopped.id)
    assert state.why_not == ""
    assert state.what.added >= stopped.totals.added
    assert undo(history, stopped).status is Status.SUCCESSFUL
    assert history.tagged() == addresses(*range(600))
    ended = history.run()
    assert ended.status is Status.SUCCESSFUL
    assert history.tagged() == addresses(*range(100, 4_000))


def test_whose_removal_was_never_answered_is_put_back(history: History) -> None:
    """They may be gone there: an answer that is lost says nothing of what was done."""
    history.customers(dict.fromkeys(range(10), ("DE", "Ann")))
    history.run()
    history.customers({i: ("AT" if i < 4 else "DE", "Ann") for i in range(10)})
    lost = history.emulator.fail("lost", method="POST", path="/segments/")
    stopped = history.run()
    history.emulator.faults.remove(lost)
    assert (stopped.status, stopped.totals.removed) == (Status.FAILED, 0)
    assert history.tagged() == addresses(*range(4, 10))
    state = history.services.undo.state(stopped.id)
    assert (state.why_not, state.what.removed) == ("", 4)
    assert undo(history, stopped).status is Status.SUCCESSFUL
    assert history.tagged() == addresses(*range(10))


def test_who_could_not_be_taken_out_is_tried_again_by_undoing_again(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    remove = MailchimpSession.remove

    def refuses_one(session: MailchimpSession, members: Batch, ctx: JobContext) -> Outcomes:
        remove(session, members, ctx)
        history.emulator.audience.tag("Germany").members.add("p3@example.com")  # it was not taken out after all
        outcomes = [
            Outcome(key, OutcomeKind.REJECTED if email == "p3@example.com" else OutcomeKind.REMOVED, reason="No.")
            for key, email in zip(members.keys, members.column("email"), strict=True)
        ]
        return Outcomes.of(outcomes)

    monkeypatch.setattr(MailchimpSession, "remove", refuses_one)
    assert undo(history, done).status is Status.COMPLETED_WITH_REJECTS
    monkeypatch.undo()
    assert history.services.undo.state(done.id).why_not == ""
    assert undo(history, done).totals.removed == 1
    assert history.tagged() == addresses(0, 1, 2)


def test_a_segment_that_has_another_name_by_now_stands_against_it(history: History) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    history.services.segments.rename("Germany", "Deutschland")
    assert history.services.undo.state(done.id).why_not == "The segment “Germany” was removed or renamed since then."


def test_a_run_that_only_changed_members_says_how_many_keep_their_new_values(history: History) -> None:
    history.run()
    history.customers({0: ("DE", "Eve"), 1: ("DE", "Eve"), 2: ("DE", "Ann")})
    done = history.run()
    assert history.services.undo.state(done.id).why_not == (
        "It added and removed nobody. 2 members keep their new values: the earlier ones are not kept."
    )


@pytest.mark.parametrize("cut", [Status.FAILED, Status.CANCELLED])
def test_the_very_first_run_is_taken_back_also_when_it_was_cut_short(history: History, cut: Status) -> None:
    """Nothing is settled yet of what it sent; there are more batches than leave at once."""
    history.customers(dict.fromkeys(range(10_000), ("DE", "Ann")))
    if cut is Status.FAILED:
        broken = history.emulator.fail("reset", after=3, path="/segments/")
        stopped = history.run()
        history.emulator.faults.remove(broken)
    else:
        latency = history.emulator.fail("latency", path="/segments/", after=4, seconds=60)
        history.now += timedelta(days=1)
        (started,) = history.services.runs.start(["Letter"], Trigger.PERSON)
        until(history.tagged)
        history.services.runs.cancel(started.id)
        latency.over.set()
        history.services.runs.wait([started.id], CTX)
        history.emulator.faults.remove(latency)
        stopped = history.kept(started.id)
    assert stopped.status is cut
    there = len(history.tagged())
    assert 0 < there < 10_000
    planned = history.services.undo.plan(stopped.id, CTX).changes
    assert planned.removed >= there
    look = history.services.undo.look(stopped.id, CTX)
    history.services.plan_looks.close(look)
    assert undo(history, stopped).status is Status.SUCCESSFUL
    assert history.tagged() == set()


def test_a_run_killed_just_after_it_had_failed_is_resumed_to_its_end(history: History) -> None:
    """What it noted for an undo must not be taken for the end of its work."""
    history.customers(dict.fromkeys(range(4_000), ("DE", "Ann")))
    broken = history.emulator.fail("reset", after=3, path="/segments/")
    stopped = history.run()
    assert (stopped.status, 0 < stopped.totals.added < 4_000) == (Status.FAILED, True)
    history.emulator.faults.remove(broken)
    history.store.runs.save(replace(stopped, status=Status.INTERRUPTED, error=None))
    resumed = history.services.resuming.resume(stopped.id, Trigger.PERSON)
    history.services.runs.wait([resumed.id], CTX)
    ended = history.kept(resumed.id)
    assert (ended.status, ended.done) == (Status.SUCCESSFUL, 4_000)
    assert history.tagged() == addresses(*range(4_000))


def test_where_it_can_not_be_done_a_sentence_says_why(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    added = history.run()
    undo_service = history.services.undo
    only_adds = replace(description("mailchimp"), sync_modes=(SyncMode.ADD,))
    reach = replace(undo_service._reach, describe=lambda _id: only_adds)
    monkeypatch.setattr(undo_service, "_reach", reach)
    assert undo_service.state(added.id).why_not == "Mailchimp can’t take members out."
    with pytest.raises(FixSettings) as caught:
        undo_service.start(added.id, Trigger.PERSON)
    assert "Mailchimp can’t take members out." in str(caught.value)
    monkeypatch.undo()
    history.services.connections.add(
        "Drive", "local-folder", {"folder": str(history.folder)}, {}, Access.CONTRIBUTORS, agreed=True
    )
    history.add("File", connection="Drive", sync="update", target={}, match={"mail": "Customer.Email"}, guard={})
    assert undo_service.state(history.run("File").id).why_not == "It wrote files; the earlier ones are not kept."


def test_undoing_stands_in_the_audit_trail(history: History) -> None:
    history.run()
    done = history.run()
    assert history.services.undo.state(done.id).why_not.startswith("It added and removed nobody")
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    later = history.run()
    undo(history, later)
    deeds = [entry.deed for entry in history.services.audit.page().entries]
    assert "run_undone" in deeds


def test_only_one_run_of_an_export_at_a_time(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    history.run()
    history.customers(dict.fromkeys(range(5), ("DE", "Ann")))
    done = history.run()
    monkeypatch.setattr(history.services.runs, "active", lambda: [done])
    with pytest.raises(TryAgain):
        history.services.undo.start(done.id, Trigger.PERSON)


people = st.dictionaries(st.integers(0, 6), st.sampled_from(["DE", "AT"]), min_size=7, max_size=7)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=people, after=people)
def test_whatever_changed_the_audience_is_as_before(
    tmp_path_factory: pytest.TempPathFactory, before: dict[int, str], after: dict[int, str]
) -> None:
    with history_in(tmp_path_factory.mktemp("undo")) as history:
        # Nobody is ever gone from the table, and somebody stays, so that no run is skipped.
        history.customers({i: (country, "Ann") for i, country in {**before, 9: "DE"}.items()})
        history.run()
        there = history.tagged()
        history.customers({i: (country, "Ann") for i, country in {**after, 9: "DE"}.items()})
        done = history.run()
        if not history.services.undo.state(done.id).why_not:
            undo(history, done)
        assert history.tagged() == there
