"""A rehearsal on the command line, from the connection to what the account holds."""

from __future__ import annotations

from dataclasses import replace

from app.core.runs import PhaseName, Status, Totals
from app.store import Store
from tests.cli.desk import Desk

REHEARSAL = """
name: Rehearsal
kind: segment
connection: Trial
segments: [Germany]
match: {email: Customer.Email, first_name: Customer.FirstName}
sync: replace
consent: {agreed: true}
"""


def test_a_rehearsal(shop: Desk) -> None:
    (segment,) = shop.told("segments", "list")["segments"]
    recipe = shop.file("rehearsal.yaml", REHEARSAL.replace("Germany", segment["name"]))
    add = ("connections", "add", "--name", "Trial", "--destination", "practice", "--agree")
    shop.done(*add, "--set", f"folder={shop.folder / 'account'}", "--set", "mood=own", "--set", "batch_size=4")
    shop.done("exports", "apply", recipe)
    (run,) = shop.told("exports", "run", "Rehearsal")["runs"]
    assert (run["status"], run["added"]) == ("successful", 15)
    listed = shop.told("connections", "choices", "Trial")["choices"]
    assert [(each["id"], each["members"]) for each in listed] == [("{segment}", None), (segment["name"], 15)]
    (again,) = shop.told("exports", "run", "Rehearsal")["runs"]
    assert (again["added"], again["unchanged"]) == (0, 15)
    assert "15 unchanged" in shop.done("runs", "list").out


def test_a_storage_has_nothing_to_choose(shop: Desk) -> None:
    said = shop.do("connections", "choices", "Drive")
    assert said.status == 2
    assert "Local folder has nothing to choose." in said.err


def test_a_field_without_a_list(shop: Desk) -> None:
    shop.done(
        "connections",
        "add",
        "--name",
        "Trial",
        "--destination",
        "practice",
        "--agree",
        "--set",
        f"folder={shop.folder}",
    )
    said = shop.do("connections", "choices", "Trial", "--field", "kind")
    assert said.status == 2
    assert "Its fields with a list are: audience." in said.err


def test_a_run_that_died_before_it_sent_counts_whom_it_leaves_out_once(shop: Desk) -> None:
    """It begins anew when it is resumed: what its first part had counted and listed must not stand there twice."""
    add = ("connections", "add", "--name", "Trial", "--destination", "practice", "--agree")
    shop.done(*add, "--set", f"folder={shop.folder / 'account'}", "--set", "mood=own")
    shop.done("exports", "apply", shop.file("rehearsal.yaml", REHEARSAL))
    shop.done("suppression", "add", shop.file("out.csv", "email\np0@example.com\np4@example.com\n"))
    (ran,) = shop.told("exports", "run", "Rehearsal")["runs"]
    assert (ran["added"], ran["left_out"], ran["suppressed"]) == (13, 2, 2)
    store = Store.open(shop.workspace)
    run = store.runs.by_id(ran["id"])
    assert run is not None
    planned = tuple(phase for phase in run.phases if phase.name not in {PhaseName.SEND, PhaseName.CONFIRM})
    store.runs.save(replace(run, status=Status.INTERRUPTED, phases=planned, totals=Totals(left_out=2, suppressed=2)))
    store.close()
    (resumed,) = shop.told("runs", "resume", ran["id"])["runs"]
    assert (resumed["status"], resumed["left_out"], resumed["suppressed"]) == ("successful", 2, 2)
