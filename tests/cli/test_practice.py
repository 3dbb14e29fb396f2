"""A rehearsal on the command line, from the connection to what the account holds."""

from __future__ import annotations

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
