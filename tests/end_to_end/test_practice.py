"""Rehearsals on the practice destination: refusals, an outage, lost answers, replace, as people meet them in runs."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from app.core.exports import SyncMode
from app.core.runs import Status, Trigger
from app.destinations.batches import Member
from app.destinations.contract import Settings
from app.destinations.practice import rules
from app.destinations.practice.destination import create
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop

PEOPLE = 60


@pytest.fixture
def rehearsal(shop: Workshop) -> Workshop:
    shop.customers(PEOPLE)
    shop.segment("Everybody")
    shop.segment("Alps", "AT", "CH")
    return shop


def practise(shop: Workshop, **settings: str) -> None:
    values = {"folder": str(shop.outside / "account"), "mood": "own", "batch_size": "10", **settings}
    shop.connect("Practice", "practice", values)
    shop.newsletter("Everybody", connection="Practice", target={})


def again(shop: Workshop, **settings: str) -> None:
    """Let the vendor behave in another way from now on."""
    values = {"folder": str(shop.outside / "account"), "mood": "own", "batch_size": "10", **settings}
    shop.services.connections.edit("Practice", settings=values)


def held(shop: Workshop, audience: str = "Everybody") -> set[str]:
    """The addresses in the file that anybody can look at."""
    path = shop.outside / "account" / f"{audience} (people).csv"
    with path.open(newline="", encoding="utf-8") as file:
        return {row["email"] for row in csv.DictReader(file)}


def addresses(*numbers: int) -> set[str]:
    return {f"p{number}@example.com" for number in numbers}


def test_refused_members_are_told_and_tried_again(rehearsal: Workshop) -> None:
    practise(rehearsal, rejected_percent="20")
    (run,) = rehearsal.run("Newsletter")
    assert run.status is Status.COMPLETED_WITH_REJECTS
    assert 4 <= run.totals.rejected <= 22
    assert run.totals.added == PEOPLE - run.totals.rejected == len(held(rehearsal))
    page = rehearsal.services.runs.rejects(run.id, 0, 100)
    assert page.total == run.totals.rejected
    assert all(each.by_target and each.reason and each.fix for each in page.rejects)
    again(rehearsal)
    (second,) = rehearsal.run("Newsletter")
    assert (second.status, second.totals.added) == (Status.SUCCESSFUL, run.totals.rejected)
    assert held(rehearsal) == addresses(*range(PEOPLE))


def test_a_batch_that_is_refused_whole_is_halved(rehearsal: Workshop) -> None:
    practise(rehearsal, rejected_percent="5", bad_members="batch")
    (run,) = rehearsal.run("Newsletter")
    assert run.status is Status.COMPLETED_WITH_REJECTS
    assert run.totals.added == PEOPLE - run.totals.rejected == len(held(rehearsal))


def test_an_outage_fails_the_run_and_the_next_one_goes_on(rehearsal: Workshop) -> None:
    practise(rehearsal, outage="down", outage_after="2", outage_seconds="3600", requests_per_second="1000")
    (run,) = rehearsal.run("Newsletter")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.what == "Stopped after 20 of 60 members."
    again(rehearsal)
    (second,) = rehearsal.run("Newsletter")
    assert (second.status, second.totals.added, second.totals.unchanged) == (Status.SUCCESSFUL, 40, 20)
    assert held(rehearsal) == addresses(*range(PEOPLE))


def test_lost_answers_leave_members_in_doubt_who_are_sent_again(rehearsal: Workshop) -> None:
    practise(rehearsal, outage="lost", outage_after="2", outage_seconds="3600", requests_per_second="1000")
    (run,) = rehearsal.run("Newsletter")
    assert run.status is Status.FAILED
    again(rehearsal)
    plan = rehearsal.services.plans.plan("Newsletter", JobContext())
    doubt = plan.changes.in_doubt
    assert doubt in {10, 20, 30, 40}  # as many batches as were on their way when the first one was given up
    assert (plan.changes.added, plan.changes.unchanged) == (40, 20)
    (second,) = rehearsal.run("Newsletter")
    assert (second.totals.added, second.totals.updated, second.totals.unchanged) == (40 - doubt, doubt, 20)
    assert held(rehearsal) == addresses(*range(PEOPLE))


def test_a_busy_vendor_is_waited_for(rehearsal: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = {"delay_ms": "5", "slow_down_every": "4", "slow_down_seconds": "1", "results": "job"}
    monkeypatch.setattr(rules, "MOODS", {"busy": busy})
    practise(rehearsal)
    again(rehearsal, mood="busy")
    (run,) = rehearsal.run("Newsletter")
    assert (run.status, run.totals.added) == (Status.SUCCESSFUL, PEOPLE)
    assert "asked to slow down" in rehearsal.log(run)
    assert run.hosts == ("practice (this computer)",)


def test_a_limit_of_the_connection_skips_the_segment(rehearsal: Workshop) -> None:
    practise(rehearsal, maximum="50")
    (run,) = rehearsal.run("Newsletter")
    assert run.status is Status.SKIPPED_TOO_LARGE
    count = rehearsal.services.counts.count("Everybody", "Practice", JobContext())
    assert "60 of 50 allowed" in count.reason
    assert rehearsal.services.exports.get("Newsletter").limit == 50


def test_replace_takes_out_strangers_and_mirror_does_not(rehearsal: Workshop) -> None:
    everybody = addresses(*range(PEOPLE))
    practise(rehearsal)
    account = create(Settings({"folder": str(rehearsal.outside / "account")}, {}))
    with account.session({}, "Everybody", SyncMode.UPDATE) as somebody_else:
        somebody_else.send([Member("", {"email": address}) for address in sorted(everybody)], JobContext())
    rehearsal.newsletter("Alps", connection="Practice", target={"audience": "Everybody"}, sync="mirror")
    rehearsal.run("Newsletter")
    assert held(rehearsal) == everybody
    free = {"removed_percent": None}
    rehearsal.newsletter("Alps", connection="Practice", target={"audience": "Everybody"}, sync="replace", guard=free)
    plan = rehearsal.services.plans.plan("Newsletter", JobContext())
    assert (plan.changes.removed, plan.changes.strangers, plan.changes.unchanged) == (30, 30, 30)
    (run,) = rehearsal.run("Newsletter")
    assert (run.status, run.totals.removed) == (Status.SUCCESSFUL, 30)
    assert held(rehearsal) == {f"p{n}@example.com" for n in range(PEOPLE) if n % 4 in {1, 2}}
    # Taken back, they are there again: only what identifies them is known of people Sendoff never sent.
    undo = rehearsal.services.undo
    assert undo.plan(run.id, JobContext()).changes.added == 30
    (back,) = rehearsal.services.runs.wait([undo.start(run.id, Trigger.PERSON).id], JobContext())
    assert (back.status, back.totals.added) == (Status.SUCCESSFUL, 30)
    assert held(rehearsal) == everybody


def test_an_account_that_is_removed_is_filled_anew(rehearsal: Workshop) -> None:
    practise(rehearsal)
    rehearsal.run("Newsletter")
    shutil.rmtree(rehearsal.outside / "account")
    (run,) = rehearsal.run("Newsletter")
    assert run.totals.added == PEOPLE
    assert Path(rehearsal.outside / "account" / "practice.sqlite").exists()
