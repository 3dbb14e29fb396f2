"""`suppression`, and what it does to counts and exports."""

from __future__ import annotations

import io
import json

import pytest

from tests.cli.desk import LAKE, PARTNER, Desk


def test_added_asked_taken_off_and_removed(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop.file("optouts.csv", "Mail\nP0@Example.com\np4@example.com\nnobody\n")
    looked = shop.told("suppression", "preview", file)
    assert (looked["column"], looked["kind"], looked["values"][0]) == ("Mail", "email", "P•••@E•••.com")
    assert "p4@example.com" not in shop.done("suppression", "preview", file).out
    added = shop.told("suppression", "add", file)
    assert (added["new"], added["known"], added["unreadable"]) == (2, 0, 1)
    monkeypatch.setattr("sys.stdin", io.StringIO("+49 30 123456\np4@example.com"))
    assert "1 new, 0 known, 1 not readable" in shop.done("suppression", "add", "-", "--kind", "phone").out
    assert shop.told("suppression", "show") == {"entries": 3, "emails": 2, "phones": 1, "recent": 3}
    assert "3 entries" in shop.done("suppression", "show").out

    sources = shop.told("suppression", "sources")["sources"]
    assert [(s["name"], s["entries"]) for s in sources] == [("Pasted values", 1), ("optouts.csv", 2)]
    assert shop.told("suppression", "check", "p0@example.com")["source"] == "optouts.csv"
    monkeypatch.setattr("sys.stdin", io.StringIO(" 0049 30 123456\n"))
    assert shop.told("suppression", "check", "-")["listed"] is True
    assert shop.told("suppression", "check", "p1@example.com") == {"listed": False}

    shop.done("suppression", "take-off", "p0@example.com", "--reason", "asked for it")
    assert shop.told("suppression", "show")["entries"] == 2
    identity = str(sources[1]["id"])
    shop.done("suppression", "remove", identity)
    assert shop.told("suppression", "show")["entries"] == 1
    shop.done("suppression", "put-back", identity)
    history = shop.told("suppression", "history")["changes"]
    assert [(c["what"], c["entries"]) for c in history] == [
        ("source_put_back", 1), ("source_removed", -1), ("taken_off", -1), ("imported", 1), ("imported", 2),
    ]  # fmt: skip
    assert "1 e-mail address taken off: asked for it" in shop.done("suppression", "history").out


def test_counts_runs_and_files_leave_them_out(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("partner.yaml", PARTNER), "--json")
    shop.done("exports", "apply", shop.file("lake.yaml", LAKE))
    whole = LAKE.replace("name: Lake", "name: Lake without") + "leave_out_suppressed: true\n"
    shop.done("exports", "apply", shop.file("whole.yaml", whole))
    shop.done("suppression", "add", shop.file("optouts.csv", "p0@example.com\np4@example.com\np1@example.com\n"))
    counted = shop.told("segments", "count", "Germany", "--for", "Drive")
    assert (counted["members"], counted["suppressed"], counted["to_send"]) == (15, 2, 13)
    assert "2 suppressed, 13 to send" in shop.done("segments", "count", "Germany", "--for", "Drive").out
    assert "15 members. 2 of them suppressed." in shop.done("segments", "count", "Germany").out
    (effect,) = shop.told("suppression", "effect")["exports"]
    assert effect == {"export": "Partner", "suppressed": 2, "removed_next_run": None, "skipped": False, "reason": ""}
    runs = {run["export"]: run for run in shop.told("exports", "run", "--all")["runs"]}
    assert {name: (run["rows"], run["suppressed"]) for name, run in runs.items()} == {
        "Partner": (13, 2),
        "Lake": (60, 0),
        "Lake without": (57, 3),
    }
    lines = [line for file in (shop.drive / "Partner").glob("*.csv") for line in file.read_text("utf-8").splitlines()]
    assert len(lines) == 14
    assert not any(line.startswith(("p0@", "p4@")) for line in lines)
    rows = [
        row for file in (shop.drive / "Lake without").rglob("*.csv") for row in file.read_text("utf-8").splitlines()
    ]
    assert not any(row.startswith(("C-00000,", "C-00001,", "C-00004,")) for row in rows)
    document = json.loads(shop.done("exports", "show", "Lake without", "--json").out)
    assert document["export"]["leave_out_suppressed"] is True


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["add", "nowhere.csv"], 2, "no such file"),
        (["check", "nobody"], 2, "can't be compared"),
        (["remove", "77"], 2, "gone from it"),
        (["take-off", "a@x.de", "--reason", " "], 2, "no reason"),
        (["take-off", "a@x.de"], 2, "--reason"),
    ],
)
def test_what_can_not_be_done_is_said(shop: Desk, arguments: list[str], status: int, words: str) -> None:
    said = shop.do("suppression", *arguments)
    assert said.status == status
    assert words in said.err


def test_only_an_admin_changes_it(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop.file("optouts.csv", "p0@example.com\n")
    monkeypatch.setenv("SENDOFF_ROLE", "contributor")
    assert shop.do("suppression", "add", file).status == 6
    assert shop.do("suppression", "sources").status == 0
    monkeypatch.setenv("SENDOFF_ROLE", "viewer")
    assert shop.do("suppression", "sources").status == 6
    assert shop.told("suppression", "show")["entries"] == 0


def test_a_person_is_erased(shop: Desk) -> None:
    looked = shop.told("suppression", "erase", "p4@example.com", "--look")
    assert (looked["erased"], looked["tables"], looked["suppressed"]) == (False, ["Customer"], False)
    said = shop.done("suppression", "erase", "p4@example.com").out
    assert "Still in the table Customer" in said
    assert "On the suppression list now" in said
    assert shop.told("suppression", "check", "p4@example.com")["listed"]
    assert shop.do("suppression", "erase", " ").status == 2
