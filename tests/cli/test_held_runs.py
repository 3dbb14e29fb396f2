"""Runs that a guard holds on the command line, and what `--approve` agrees to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.desk import GERMANY, LAKE, NEWSLETTER, PARTNER, Desk
from tests.vendors.mailchimp import MailchimpEmulator

GUARDED = NEWSLETTER.replace("sync: update", "sync: mirror\nguard: {removed_percent: 30}")


def test_a_held_run_tells_why_and_goes_when_approved(newsletter: Desk, mailchimp: MailchimpEmulator) -> None:
    newsletter.done("exports", "apply", newsletter.file("mirror.yaml", GUARDED))
    assert newsletter.told("exports", "show", "Newsletter")["export"]["guard"] == {
        "removed_percent": 30,
        "changed_percent": None,
        "empty_source": "stop",
    }
    newsletter.done("exports", "run", "Newsletter")
    some = ", ".join(f"C-{number:05}" for number in range(0, 32, 4))
    fewer = GERMANY.replace("is: DE}", f"is: DE}}\n      - {{field: Customer.CustomerId, is_one_of: [{some}]}}")
    newsletter.done("segments", "save", newsletter.file("fewer.yaml", fewer))
    sentence = "46.7% of the audience would be removed; your limit is 30%."
    planned = newsletter.told("exports", "plan", "Newsletter", "--members", "1")
    assert (planned["held"]["guard"], planned["held"]["sentence"]) == ("removed", sentence)
    assert planned["members"][0]["reason"] == "Left: does not meet the rules, which were changed since the last run"
    said = newsletter.done("exports", "plan", "Newsletter").out
    assert f"A run would be held. {sentence} Likely cause: The rules of “Germany” are other ones" in said

    said = newsletter.do("exports", "run", "Newsletter", "--json")
    (run,) = said.document["runs"]
    assert (said.status, run["status"], run["removed"], run["error"]) == (4, "held", 0, None)
    assert run["held"]["cause"] == "The rules of “Germany” are other ones than at the last run."
    assert len(mailchimp.audience.contacts) == 15
    said = newsletter.do("exports", "run", "Newsletter")
    assert "held" in said.out
    assert "--approve" in said.out
    newest = newsletter.told("runs", "list")["runs"][0]["id"]
    assert newsletter.told("runs", "cancel", newest) == {"run": newest, "status": "cancelled"}
    assert newsletter.do("runs", "cancel", newest).out == "The run is cancelled.\n"
    refused = newsletter.do("exports", "run", "Newsletter", "--approve")
    assert "No run of 'Newsletter' is held, so there was nothing to approve." in refused.err
    assert refused.status == 4, "nobody has seen what this one would do"
    assert "guard_passed" not in json.dumps(newsletter.told("audit", "list"))
    (run,) = newsletter.told("exports", "run", "Newsletter", "--approve")["runs"]
    assert (run["status"], run["removed"], run["held"]) == ("successful", 7, None)
    assert "guard_passed" in json.dumps(newsletter.told("audit", "list"))


def test_approving_on_the_command_line_covers_what_was_held_and_no_more(
    newsletter: Desk, mailchimp: MailchimpEmulator
) -> None:
    newsletter.done("exports", "apply", newsletter.file("mirror.yaml", GUARDED))
    newsletter.done("exports", "run", "Newsletter")

    def leaving(step: int) -> str:
        some = ", ".join(f"C-{number:05}" for number in range(0, 32, step))
        rule = f"is: DE}}\n      - {{field: Customer.CustomerId, is_one_of: [{some}]}}"
        return newsletter.file("fewer.yaml", GERMANY.replace("is: DE}", rule))

    newsletter.done("segments", "save", leaving(4))
    assert newsletter.do("exports", "run", "Newsletter").status == 4
    newsletter.done("segments", "save", leaving(8))
    more = newsletter.do("exports", "run", "--all", "--approve", "--json")
    (run,) = more.document["runs"]
    assert (more.status, run["status"]) == (4, "held"), "more would go than was agreed to"
    assert len(mailchimp.audience.contacts) == 15
    (run,) = newsletter.told("exports", "run", "--all", "--approve")["runs"]
    assert (run["status"], run["removed"]) == ("successful", 11)


def shrunk(shop: Desk, rows: int) -> tuple[int, Any]:
    """The table with its first rows only, and a run of it."""
    source = shop.folder / "Customer.csv"
    lines = source.read_text("utf-8").splitlines()
    source.write_text("\n".join(lines[: rows + 1]) + "\n", "utf-8")
    shop.done("tables", "refresh", "Customer")
    said = shop.do("exports", "run", "Lake", "--json")
    (run,) = said.document["runs"]
    return said.status, run


def test_tables_that_shrank_are_held_until_somebody_approves(shop: Desk) -> None:
    shop.done("exports", "apply", shop.file("lake.yaml", LAKE + "guard: {removed_percent: 40}\n"))
    shop.done("exports", "run", "Lake")
    assert shrunk(shop, 36)[1]["status"] == "successful"
    before = {path: path.read_bytes() for path in shop.drive.rglob("*.csv")}
    status, run = shrunk(shop, 20)
    assert (status, run["status"], run["held"]["guard"]) == (4, "held", "shrank")
    assert run["held"]["rows"] == [{"name": "Customer", "before": 36, "now": 20, "gone": 16}]
    assert run["held"]["cause"] == "Customer went from 36 to 20 rows since the last run."
    status, run = shrunk(shop, 0)
    sentence = "“Customer” is empty now; the last run wrote 36 rows."
    assert (status, run["status"], run["held"]["sentence"]) == (4, "held", sentence)
    said = shop.do("exports", "run", "Lake")
    assert said.out.startswith(
        f"Lake: held. {sentence} Customer went from 36 to 0 rows since the last run. Nothing was sent."
    )
    assert said.out.rstrip().endswith("Run it with --approve to send that much anyway.")
    assert {path: path.read_bytes() for path in shop.drive.rglob("*.csv")} == before
    (run,) = shop.told("exports", "run", "Lake", "--approve")["runs"]
    assert (run["status"], run["held"]) == ("successful", None)
    assert "guard_passed" in json.dumps(shop.told("audit", "list"))
    assert shop.told("exports", "run", "Lake")["runs"][0]["status"] == "successful"
    answers = [run["held"]["answer"] for run in shop.told("runs", "list")["runs"] if run["held"]]
    assert answers == ["sent", "newer", "newer"], "none of them waits any more"


@pytest.mark.parametrize("only_changes", ["true", "three-files"])
def test_tables_of_which_only_changes_go_are_held_by_their_rows(shop: Desk, only_changes: str) -> None:
    document = LAKE.replace('{table}", keep_earlier_runs: false', f'{{table}}/{{hhmm}}", only_changes: {only_changes}')
    shop.done("exports", "apply", shop.file("lake.yaml", document))
    shop.done("exports", "run", "Lake")
    status, run = shrunk(shop, 40)
    assert (status, run["status"]) == (4, "held")
    assert run["held"]["rows"] == [{"name": "Customer", "before": 60, "now": 40, "gone": 20}]


def test_a_limit_that_files_can_not_keep_is_refused(shop: Desk) -> None:
    for document in (PARTNER, LAKE):
        said = shop.do("exports", "apply", shop.file("x.yaml", document + "guard: {changed_percent: 5}\n"))
        assert said.status == 2
        assert "changed_percent holds nothing here" in said.err
    changes = LAKE.replace('{table}", keep_earlier_runs: false', '{table}/{hhmm}", only_changes: true')
    shop.done("exports", "apply", shop.file("x.yaml", changes + "guard: {changed_percent: 5}\n"))
    assert shop.told("exports", "show", "Lake")["export"]["guard"]["changed_percent"] == 5
