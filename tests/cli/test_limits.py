"""Segments that a destination does not take: told beforehand, skipped as a whole, told afterwards."""

from __future__ import annotations

from tests.cli.desk import GERMANY, Desk

REHEARSAL = """
name: Rehearsal
kind: segment
connection: Practice
segments: [Germany, Everybody]
match: {email: Customer.Email}
sync: update
consent: {agreed: true}
"""


def test_a_segment_that_is_too_large_is_skipped_and_the_other_one_goes(shop: Desk) -> None:
    own = ("--set", "mood=own", "--set", "maximum=20", "--set", f"folder={shop.folder / 'practice'}")
    shop.done("connections", "add", "--name", "Practice", "--destination", "practice", *own, "--agree")
    everybody = GERMANY.replace("Germany", "Everybody").replace("is: DE", "is_not_empty: true")
    shop.done("segments", "save", shop.file("everybody.yaml", everybody))
    reason = "Too large: 60 of 20 allowed."
    counted = shop.done("segments", "count", "Everybody", "--for", "Practice").out
    assert counted.rstrip().endswith(f"{reason} It would be skipped.")
    shop.done("exports", "apply", shop.file("rehearsal.yaml", REHEARSAL))
    assert f"Everybody would be skipped. {reason}" in shop.done("exports", "plan", "Rehearsal").out
    said = shop.do("exports", "run", "Rehearsal", "--json")
    (run,) = said.document["runs"]
    assert (said.status, run["status"], run["added"]) == (4, "skipped_too_large", 15)
    assert run["skipped"] == [{"segment": "Everybody", "sentence": reason}]

    (both,) = (e for e in shop.told("exports", "list")["exports"] if e["name"] == "Rehearsal")
    assert both["limit"] is None, "the limit is one of each segment: the sum of both has none"
    shop.done("exports", "apply", shop.file("one.yaml", REHEARSAL.replace("[Germany, Everybody]", "[Everybody]")))
    (one,) = (e for e in shop.told("exports", "list")["exports"] if e["name"] == "Rehearsal")
    assert one["limit"] == 20
    said = shop.do("exports", "run", "Rehearsal")
    assert said.status == 4
    assert f"Everybody: {reason}" in said.out
