"""What commands do stands in the audit trail, without anybody's values."""

from __future__ import annotations

import json

import pytest

from tests.cli.desk import PARTNER, Desk


@pytest.fixture
def used(shop: Desk) -> Desk:
    shop.done("exports", "apply", shop.file("partner.yaml", PARTNER))
    shop.done("segments", "members", "Germany", "--limit", "2")
    shop.done("exports", "run", "Partner")
    return shop


def test_the_trail_tells_what_the_commands_did(used: Desk) -> None:
    told = used.told("audit", "list")["entries"]
    assert [(entry["deed"], entry["name"]) for entry in told[:3]] == [
        ("run_finished", "Partner"),
        ("values_shown", "Germany"),
        ("export_added", "Partner"),
    ]
    deeds = [entry["deed"] for entry in told]
    assert deeds[-1] == "table_added"
    assert {"table_changed", "segment_added", "connection_added"} <= set(deeds)
    assert {entry["seat"] for entry in told} == {"command_line"}
    assert "@example.com" not in str(told)
    assert [e["deed"] for e in used.told("audit", "list", "--area", "security")["entries"]] == ["values_shown"]
    assert used.told("audit", "list", "--until", "2020-01-01")["entries"] == []


def test_one_entry_shows_before_and_after(used: Desk) -> None:
    used.done("exports", "schedule", "Partner", "--every", "day", "--at", "05:30", "--time-zone", "UTC")
    (entry, *_) = used.told("audit", "list", "--search", "partner")["entries"]
    shown = used.done("audit", "show", str(entry["id"])).out
    assert "Export changed" in shown
    assert "schedule.at" in shown
    assert "05:30" in shown
    assert used.told("audit", "show", str(entry["id"]))["after"]["schedule.every"] == "day"
    assert used.do("audit", "show", "999").status == 2


def test_an_export_of_the_trail_holds_what_the_options_name(used: Desk) -> None:
    file = used.folder / "trail.json"
    assert used.told("audit", "export", file, "--area", "exports")["entries"] == 1
    assert [entry["deed"] for entry in json.loads(file.read_text("utf-8"))] == ["export_added"]


def test_a_viewer_may_not_look(used: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDOFF_ROLE", "viewer")
    assert used.do("audit", "list").status == 6
    assert used.do("audit", "export", used.folder / "trail.csv").status == 6
    assert not (used.folder / "trail.csv").exists()
