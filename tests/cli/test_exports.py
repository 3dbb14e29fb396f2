"""`exports` and `runs`."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import datetime
from typing import Any

import pytest

from app.core.forecasts import Quota
from app.destinations.mailchimp.destination import Mailchimp
from tests.cli.desk import GERMANY, LAKE, PARTNER, Desk
from tests.vendors.emulator import Reply
from tests.vendors.mailchimp import KEY, MailchimpEmulator

RUN_KEYS = {
    "id", "export", "status", "added", "updated", "removed", "unchanged", "rejected", "rows", "files", "bytes",
    "seconds", "error",
}  # fmt: skip


@pytest.fixture
def exports(shop: Desk) -> Desk:
    """With an export of a segment and one of a table, both into a folder."""
    shop.done("exports", "apply", shop.file("exports.yaml", f"{PARTNER}---{LAKE}"))
    return shop


def test_exports_are_listed_and_shown_as_their_file(exports: Desk) -> None:
    listed = {e["name"]: e for e in exports.told("exports", "list")["exports"]}
    assert set(listed) == {"Lake", "Partner"}
    assert listed["Partner"] | {"last_run": None} == {
        "name": "Partner",
        "kind": "segment",
        "destination": "local-folder",
        "connection": "Drive",
        "status": None,
        "members": None,
        "rows": None,
        "limit": None,
        "last_run": None,
        "next_run": None,
        "permission": "edit",
    }
    assert listed["Lake"]["rows"] == 60
    shown = exports.told("exports", "show", "partner")
    assert shown["export"]["match"] == {"mail": "Customer.Email", "name": "Customer.FirstName"}
    assert shown["problems"] == []
    text = exports.done("exports", "show", "Lake").out
    exports.done("exports", "apply", exports.file("again.yaml", text))
    assert exports.done("exports", "show", "Lake").out == text


def test_of_several_exports_all_or_none_are_saved(exports: Desk) -> None:
    good = PARTNER.replace("Partner", "Third")
    wrong = PARTNER.replace("name: Partner", "name: Fourth").replace("[Germany]", "[Nobody]")
    said = exports.do("exports", "apply", exports.file("two.yaml", f"{good}---{wrong}"))
    assert said.status == 2
    assert "Nobody" in said.err
    assert len(exports.told("exports", "list")["exports"]) == 2


def test_copy_detach_attach_remove(exports: Desk) -> None:
    assert exports.told("exports", "copy", "Lake", "--name", "Lake 3") == {"export": "Lake 3"}
    assert exports.told("exports", "rename", "lake 3", "--name", "Lake 2") == {"export": "Lake 2", "before": "lake 3"}
    assert exports.told("exports", "detach", "Lake 2") == {"export": "Lake 2", "connection": None}
    listed = {e["name"]: e for e in exports.told("exports", "list")["exports"]}
    assert listed["Lake 2"]["status"] == "no_connection"
    said = exports.do("exports", "run", "Lake 2", "--json")
    assert said.status == 1
    (run,) = said.document["runs"]
    assert run["status"] == "no_connection"
    assert set(run["error"]) == {"what", "why", "fix"}
    to_drive = ("exports", "attach", "Lake 2", "--connection", "Drive")
    assert exports.told(*to_drive) == {"export": "Lake 2", "connection": "Drive", "agreed": False}
    assert exports.do("exports", "run", "Lake 2").status == 1  # nobody agreed that it leaves there
    assert exports.told(*to_drive, "--agree")["agreed"] is True
    exports.done("exports", "run", "Lake 2")
    assert exports.told("exports", "remove", "Lake 2") == {"removed": "Lake 2"}
    assert [e["name"] for e in exports.told("exports", "list")["exports"]] == ["Lake", "Partner"]
    assert (exports.drive / "Lake 2").is_dir()


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "Nobody"],
        ["copy", "Nobody", "--name", "x"],
        ["copy", "Lake", "--name", "Partner"],
        ["rename", "Nobody", "--name", "x"],
        ["rename", "Lake", "--name", "Partner"],
        ["attach", "Lake", "--connection", "Nowhere"],
        ["remove", "Nobody"],
        ["preview", "Nobody"],
        ["run", "Nobody"],
        ["run"],
        ["run", "Lake", "--all"],
        ["schedule", "Lake"],
        ["schedule", "Lake", "--every", "day", "--off"],
        ["schedule", "Lake", "--every", "day", "--at", "25:00"],
        ["schedule", "Lake", "--every", "day", "--time-zone", "Mars/Olympus"],
        ["schedule", "Lake", "--every", "week", "--on", "someday"],
        ["schedule", "Nobody", "--off"],
    ],
)
def test_what_can_not_be_done_changes_nothing(exports: Desk, arguments: list[str]) -> None:
    before = exports.done("exports", "list", "--json").out
    said = exports.do("exports", *arguments)
    assert said.status == 2, said
    assert said.out == ""
    assert said.err.strip()
    assert exports.done("exports", "list", "--json").out == before


def test_files_are_previewed_line_by_line(exports: Desk) -> None:
    shown = exports.told("exports", "preview", "Partner", "--rows", "2")
    assert set(shown) == {"export", "files"}
    (file,) = shown["files"]
    assert file["path"] == "Partner/Germany_1.csv"
    assert file["lines"][0] == "mail,name"
    assert len(file["lines"]) == 3
    assert "p0@example.com" not in "".join(file["lines"])  # personal values are masked
    assert list(exports.drive.iterdir()) == []
    table = exports.told("exports", "preview", "Lake")["files"]
    assert table[0]["lines"][:2] == ["CustomerId,Country", "C-00000,DE"]
    assert "Partner/Germany_1.csv" in exports.done("exports", "preview", "Partner").out


def test_documents_about_tables_are_previewed_as_well(exports: Desk) -> None:
    [model] = exports.told("exports", "preview", "Lake", "--metadata")["files"]
    assert model["path"] == "Lake/model.json"
    [entity] = json.loads("\n".join(model["lines"]))["entities"]
    assert len(entity["partitions"]) > 1
    assert "Lake/model.json\n{" in exports.done("exports", "preview", "Lake", "--metadata").out
    assert exports.told("exports", "preview", "Partner", "--metadata")["files"] == []
    assert list(exports.drive.iterdir()) == []


def test_requests_are_previewed_with_the_secret_masked(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    shown = newsletter.told("exports", "preview", "Newsletter", "--rows", "2")
    request = next(r for r in shown["requests"] if r["method"] == "POST")
    assert set(request) == {"method", "url", "headers", "body"}
    assert request["url"].startswith(mailchimp.url)
    assert "authorization" in {name.lower() for name in request["headers"]}
    assert KEY not in json.dumps(shown)
    assert mailchimp.audience.contacts == {}
    assert KEY not in newsletter.done("exports", "preview", "Newsletter").out


@pytest.mark.parametrize("by", ["C-1", " {address} "])
def test_any_member_is_previewed_step_by_step(newsletter: Desk, mailchimp: MailchimpEmulator, by: str) -> None:
    """Masked until asked, and asking stands in the audit trail."""
    preview = ("exports", "preview", "Newsletter", "--member")
    plan = newsletter.file("plan.csv", "")
    newsletter.done("exports", "plan", "Newsletter", "--csv", plan)
    with plan.open(encoding="utf-8-sig", newline="") as written:
        person = next(csv.DictReader(written))
    key = person["member"] if by == "C-1" else by.format(address=person["email"].upper())
    deeds = len(newsletter.told("audit", "list", "--area", "security")["entries"])
    (masked,) = newsletter.told(*preview, key)["members"]
    assert (masked["member"], masked["change"]) == (person["member"], "added")
    assert person["email"] not in json.dumps(masked)
    assert len(newsletter.told("audit", "list", "--area", "security")["entries"]) == deeds
    (shown,) = newsletter.told(*preview, key, "--values")["members"]
    email = next(field for field in shown["fields"] if field["id"] == "email")
    assert (email["normalised"], email["hashed"]) == (person["email"], "")
    assert person["email"] in shown["requests"][0]["body"]
    assert len(newsletter.told("audit", "list", "--area", "security")["entries"]) == deeds + 1
    text = newsletter.done(*preview, key, "--values").out
    assert f"-> {person['email']}" in text
    assert "POST http://127.0.0.1" in text
    assert KEY not in text
    assert newsletter.do(*preview, "nobody@example.com").status == 2
    assert not [request for request in mailchimp.requests if request.method != "GET"]


def test_a_plan_tells_what_a_run_then_does(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    planned = newsletter.told("exports", "plan", "Newsletter", "--members", "2")
    assert {"export", "added", "changed", "removed", "unchanged", "left_out", "held", "segments"} <= set(planned)
    assert (planned["added"], planned["unchanged"], planned["held"]) == (15, 0, None)
    assert planned["forecast"] == {"requests": 9, "seconds": 0.9, "quota": None, "obstacle": None}
    assert [m["member"] for m in planned["members"]] == ["C-00000", "C-00004"]
    assert planned["members"][0]["values"]["email"] == "p•••@e•••.com"
    assert mailchimp.audience.contacts == {}
    assert mailchimp.audience.tags == []
    assert "Sending takes about 9 requests and 1 second." in newsletter.done("exports", "plan", "Newsletter").out
    (run,) = newsletter.told("exports", "run", "Newsletter")["runs"]
    assert run["added"] == planned["added"]
    again = newsletter.told("exports", "plan", "Newsletter")
    assert (again["added"], again["unchanged"], again["members"]) == (0, 15, [])
    out = newsletter.done("exports", "plan", "Newsletter").out
    assert "0 added, 0 changed, 0 removed, 15 unchanged" in out
    (run,) = newsletter.told("exports", "run", "Newsletter")["runs"]
    assert (run["added"], run["unchanged"]) == (0, 15)


def test_a_plan_tells_that_too_few_requests_are_left(newsletter: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailchimp, "quota", lambda _self, _ctx: Quota(8, 50_000), raising=False)
    forecast = newsletter.told("exports", "plan", "Newsletter")["forecast"]
    assert forecast["quota"] == {"left": 8, "limit": 50_000, "renews_at": None}
    out = newsletter.done("exports", "plan", "Newsletter").out
    assert "8 of 50,000 requests are left today." in out
    assert f"A run would stop. {forecast['obstacle']}" in out
    said = newsletter.do("exports", "run", "Newsletter", "--json")
    (run,) = said.document["runs"]
    assert (run["status"], run["error"]["why"]) == ("failed", "It needs about 9; 8 of 50,000 are left today.")


def test_a_plan_is_written_with_reasons(newsletter: Desk) -> None:
    newsletter.done("exports", "run", "Newsletter")
    others = GERMANY.replace("is: DE", "is_one_of: [DE, AT]")
    newsletter.done("segments", "save", newsletter.file("more.yaml", others))
    file = newsletter.folder / "plan.csv"
    told = newsletter.told("exports", "plan", "Newsletter", "--csv", file)
    assert (told["added"], told["unchanged"], told["rows"]) == (15, 15, 30)
    with file.open(encoding="utf-8-sig", newline="") as written:
        rows = list(csv.DictReader(written))
    assert {(row["change"], row["reason"]) for row in rows} == {
        ("added", "Joined: by rules that were changed since the last run, Country is DE or AT"),
        ("unchanged", ""),
    }
    assert "p1@example.com" in {row["email"] for row in rows}
    assert not list((newsletter.workspace / "tmp").glob("plan-*"))
    assert "personal data" in newsletter.done("exports", "plan", "Newsletter", "--csv", file).out


def test_files_have_no_plan(exports: Desk) -> None:
    said = exports.do("exports", "plan", "Partner")
    assert said.status == 2
    assert "no plan" in said.err


def test_a_run_is_reported_with_the_contracts_keys(exports: Desk) -> None:
    document = exports.told("exports", "run", "Partner", "Lake")
    partner, lake = document["runs"]
    assert set(partner) >= RUN_KEYS
    assert (partner["status"], partner["rows"], partner["error"]) == ("successful", 15, None)
    assert (lake["rows"], lake["files"]) == (60, 3)
    with (exports.drive / "Partner" / "Germany_1.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 15
    assert sum(p.stat().st_size for p in (exports.drive / "Lake").rglob("*.*")) == lake["bytes"]

    everything = exports.told("exports", "run", "--all")["runs"]
    assert {r["export"] for r in everything} == {"Lake", "Partner"}
    listed = exports.told("runs", "list")["runs"]
    assert len(listed) == 4
    assert set(listed[0]) >= RUN_KEYS | {"trigger", "started_at", "ended_at"}
    assert listed[0]["trigger"] == "command_line"
    assert len(exports.told("runs", "list", "--export", "Lake", "--limit", "1")["runs"]) == 1

    shown = exports.told("runs", "show", lake["id"])
    assert shown["rows"] == 60
    assert next(p["name"] for p in shown["phases"]) == "prepare"
    assert shown["log"]
    assert lake["export"] in exports.done("runs", "show", lake["id"]).out
    assert exports.do("runs", "show", "nothing").status == 2


def test_a_layout_with_all_it_can_ask_for(exports: Desk) -> None:
    layout = (
        "layout: {preset: customer-insights, keep_runs: 1, latest: true, sums: true, manifest: true, json_schema: true}"
    )
    text = "\n".join(layout if line.startswith("layout:") else line for line in LAKE.splitlines())
    exports.done("exports", "apply", exports.file("layout.yaml", text))
    shown = exports.done("exports", "show", "Lake").out
    assert "CustomerInsights_{id}/{export}/{table}" in shown
    exports.done("exports", "apply", exports.file("again.yaml", shown))
    assert exports.done("exports", "show", "Lake").out == shown

    for _ in range(2):
        run = exports.told("exports", "run", "Lake")["runs"][0]
    assert (run["status"], run["files"]) == ("successful", 8)
    (folder,) = exports.drive.glob("CustomerInsights_*/Lake")
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    metadata = {"model.json", "default.manifest.cdm.json", "Customer.cdm.json", "Customer.schema.json"}
    assert names == metadata | {"Customer_1.csv", "Customer_2.csv", "SHA256SUMS", "latest.json"}
    assert len(list(folder.rglob("*.csv"))) == 2
    latest = json.loads((folder / "latest.json").read_text("utf-8"))
    assert (latest["run"], latest["rows"]) == (run["id"], 60)
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, path = line.split(" *")
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    assert {path.parent for path in folder.rglob("*.csv")} == {folder / latest["tables"]["Customer"]}

    shared = text.replace("preset: customer-insights", 'folder: "{date}/{export}_{hhmm}/{table}"')
    said = exports.do("exports", "apply", exports.file("shared.yaml", shared))
    assert said.status == 2
    assert "latest.json would be shared" in said.err


def test_only_what_changed_is_written_in_three_files(exports: Desk) -> None:
    layout = 'layout: {folder: "{export}/{table}/NUMBER_{date}_{hhmm}", only_changes: three-files, manifest: true, latest: true}'
    text = "\n".join(layout if line.startswith("layout:") else line for line in LAKE.splitlines())
    exports.done("exports", "apply", exports.file("changes.yaml", text))
    shown = exports.done("exports", "show", "Lake").out
    assert "only_changes: three-files" in shown

    def run() -> dict[str, Any]:
        """Another minute each time, as far as names can tell."""
        nonlocal text
        text = text.replace("NUMBER", "NUMBER1")
        exports.done("exports", "apply", exports.file("changes.yaml", text))
        made = exports.told("exports", "run", "Lake")["runs"][0]
        assert made["error"] is None
        return made

    first = run()
    assert (first["rows"], first["added"], first["unchanged"]) == (60, 0, 0)
    assert "first run of this export" in exports.done("runs", "show", first["id"]).out

    source = exports.folder / "Customer.csv"
    lines = source.read_text("utf-8").splitlines(keepends=True)
    changed = [lines[0], *lines[2:-1], lines[-1].replace(",FR", ",DE"), "C-99999,new@example.com,New,AT\n"]
    source.write_text("".join(changed), "utf-8", newline="")
    exports.done("tables", "refresh", "Customer")
    second = run()
    numbers = {key: second[key] for key in ("rows", "added", "updated", "removed", "unchanged")}
    assert numbers == {"rows": 3, "added": 1, "updated": 1, "removed": 1, "unchanged": 58}
    assert "(1 added, 1 updated, 1 removed, 58 unchanged)" in exports.done("runs", "list").out
    folder = exports.drive / "Lake"
    latest = json.loads((folder / "latest.json").read_text("utf-8"))
    assert latest["content"] == {"Customer": ["added", "changed", "removed"]}
    here = folder / latest["tables"]["Customer"]
    assert (here / "Customer_1_added.csv").read_text() == "CustomerId,Country\nC-99999,AT\n"
    assert (here / "Customer_1_changed.csv").read_text() == "CustomerId,Country\nC-00059,DE\n"
    assert (here / "Customer_1_removed.csv").read_text() == "CustomerId\nC-00000\n"
    manifest = json.loads((folder / "default.manifest.cdm.json").read_text("utf-8"))
    parts = {each["entityName"]: len(each["dataPartitions"]) for each in manifest["entities"]}
    assert parts == {"Customer": 2, "Customer_removed": 1}

    assert run()["unchanged"] == 60
    # A minute may begin between two runs, but not between the next two as well.
    again = next(each for _ in range(2) if (each := exports.do("exports", "run", "Lake")).status)
    assert again.status == 1
    assert "in a minute" in again.out + again.err
    text = text.replace("fields: [CustomerId, Country]", "fields: [CustomerId, Email]")
    other = run()
    assert other["rows"] == 60
    assert "other fields" in exports.done("runs", "show", other["id"]).out

    for wrong, words in (
        (text.replace("fields: [CustomerId, Email]", "fields: [Email]"), "must be written"),
        (f"{PARTNER}".replace("keep_earlier_runs: false", "only_changes: true"), "only tables"),
        (text.replace("manifest: true", "keep_earlier_runs: false"), "keep earlier runs"),
    ):
        said = exports.do("exports", "apply", exports.file("wrong.yaml", wrong))
        assert said.status == 2
        assert words in said.err


def test_progress_goes_to_stderr_and_quiet_silences_it(exports: Desk) -> None:
    loud = exports.done("exports", "run", "Lake")
    assert "60 of 60 rows" in loud.err
    assert loud.out.startswith("Lake: successful; 60 rows in 3 files")
    assert exports.done("exports", "run", "Lake", "--quiet").err == ""


def test_an_empty_segment_is_not_run(newsletter: Desk) -> None:
    germany = newsletter.done("segments", "show", "Germany").out.replace("DE", "MOON")
    newsletter.done("segments", "save", newsletter.file("moon.yaml", germany))
    said = newsletter.do("exports", "run", "Newsletter", "--json")
    assert said.status == 4
    (run,) = said.document["runs"]
    assert run["status"] == "skipped_too_small"
    assert run["skipped"][0]["segment"] == "Germany"


def test_nothing_to_run_is_not_run(shop: Desk) -> None:
    said = shop.do("exports", "run", "--all")
    assert said.status == 4
    assert "no export" in said.err.lower()
    assert shop.do("exports", "run", "--all", "--json").document == {"runs": []}


def test_rejects_end_with_three_and_can_be_read(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    mailchimp.audience.compliance.add("p4@example.com")
    said = newsletter.do("exports", "run", "Newsletter", "--json")
    assert said.status == 3
    (run,) = said.document["runs"]
    assert (run["status"], run["added"], run["rejected"]) == ("completed_with_rejects", 14, 1)
    (reject,) = newsletter.told("runs", "rejects", run["id"])["rejects"]
    assert reject["member"] == "C-00004"
    assert reject["reason"]
    assert "p4@example.com" not in reject["value"]
    path = newsletter.folder / "rejects.csv"
    saved = newsletter.told("runs", "rejects", run["id"], "--to", path)
    assert saved == {"file": str(path), "rejects": 1}
    assert "p4@example.com" in path.read_text("utf-8-sig")


def test_a_target_that_fails_ends_with_one_and_says_what_to_do(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    mailchimp.fail("reply", method="POST", reply=Reply(500, {"detail": f"the key {KEY} broke"}))
    said = newsletter.do("exports", "run", "Newsletter", "--json")
    assert said.status == 1
    (run,) = said.document["runs"]
    assert run["status"] == "failed"
    assert all(run["error"][part] for part in ("what", "why", "fix"))
    assert KEY not in said.out + said.err
    assert KEY not in newsletter.do("exports", "run", "Newsletter", "--debug").err


def test_the_worst_run_decides_the_status(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    newsletter.done("exports", "apply", newsletter.file("exports.yaml", PARTNER))
    mailchimp.audience.compliance.add("p4@example.com")
    assert newsletter.do("exports", "run", "Partner", "Newsletter").status == 3
    mailchimp.fail("reply", method="POST", reply=Reply(500, {}))
    assert newsletter.do("exports", "run", "Partner", "Newsletter").status == 1


def test_a_schedule_is_set_and_taken_off(exports: Desk) -> None:
    every = ("--every", "week", "--on", "mon,thu", "--at", "05:30", "--time-zone", "Europe/Berlin")
    due = exports.told("exports", "schedule", "Lake", "Partner", *every)["next_due"]
    assert set(due) == {"Lake", "Partner"}
    assert datetime.fromisoformat(due["Lake"]).minute == 30
    schedule = exports.told("exports", "show", "Lake")["export"]["schedule"]
    assert schedule == {"every": "week", "on": ["mon", "thu"], "at": "05:30", "time_zone": "Europe/Berlin"}
    assert exports.told("exports", "list")["exports"][0]["next_run"] == due["Lake"]
    assert "runs next at" in exports.done("exports", "schedule", "Lake", "--every", "hour", "--at", "00:15").out
    assert exports.told("exports", "schedule", "Lake", "--off") == {"next_due": {"Lake": None}}


def test_later_parts_are_absent(exports: Desk) -> None:
    for command in (["roles", "unlock"],):
        said = exports.do(*command)
        assert said.status == 2
        assert "No such command" in said.err


def test_a_receipt_is_shown_and_saved(exports: Desk) -> None:
    (run,) = exports.told("exports", "run", "Lake")["runs"]
    told = exports.told("runs", "receipt", run["id"])
    assert told["whole"]
    assert (told["receipt"]["totals"]["rows"], told["receipt"]["status"]) == (60, "successful")
    lines = exports.done("runs", "receipt", run["id"]).out
    assert "60 rows" in lines
    assert told["receipt"]["files"][0]["sha256"] in lines
    saved = exports.folder / "receipt.json"
    exports.done("runs", "receipt", run["id"], "--to", saved)
    assert json.loads(saved.read_text("utf-8"))["run"] == run["id"]
    exports.done("runs", "receipt", run["id"], "--to", exports.folder / "receipt.txt")
    assert (exports.folder / "receipt.txt").read_text("utf-8") == lines
    assert exports.do("runs", "receipt", run["id"], "--to", exports.folder / "receipt.pdf").status == 2
    told = exports.told("runs", "receipt", run["id"], "--verify", "--copy", saved)
    assert told["whole"]
    assert told["checks"] == {"itself": "fits", "audit_trail": "fits", "copy": "fits", "configuration": "fits"}
    saved.write_bytes(saved.read_bytes().replace(b'"rows":60', b'"rows":61'))
    said = exports.do("runs", "receipt", run["id"], "--copy", saved)
    assert (said.status, "the copy is not the receipt" in said.out) == (1, True)
    assert exports.do("runs", "receipt", "nobody").status == 2


def test_two_runs_are_compared(newsletter: Desk) -> None:
    (first,) = newsletter.told("exports", "run", "Newsletter")["runs"]
    text = (newsletter.folder / "Customer.csv").read_text("utf-8")
    (newsletter.folder / "Customer.csv").write_text(text.replace("Zoë 4,DE", "Eve,DE"), "utf-8")
    newsletter.done("tables", "refresh", "Customer")
    (second,) = newsletter.told("exports", "run", "Newsletter")["runs"]
    told = newsletter.told("runs", "compare", second["id"], first["id"])
    assert (told["earlier"], told["joined"], told["left"], told["changed"], told["both"]) == (first["id"], 0, 0, 1, 15)
    saved = newsletter.folder / "difference.csv"
    lines = newsletter.done("runs", "compare", first["id"], second["id"], "--csv", saved).out
    assert "1 in both with changed values" in lines
    assert "Same configuration." in lines
    (row,) = list(csv.DictReader(saved.read_text("utf-8-sig").splitlines()))
    assert (row["Member"], row["Difference"]) == ("C-00004", "changed")
    assert newsletter.do("runs", "compare", first["id"], first["id"]).status == 2


def test_what_can_not_be_resumed_or_sent_again_says_why(exports: Desk) -> None:
    (run,) = exports.told("exports", "run", "Partner")["runs"]
    for command, words in (("resume", "was not interrupted"), ("retry", "nobody to send again")):
        said = exports.do("runs", command, run["id"])
        assert said.status == 2
        assert words in said.err
