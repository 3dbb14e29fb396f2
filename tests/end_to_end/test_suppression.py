"""Who is on the suppression list is in nothing that was sent; every number counted again by other means."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from app.core.runs import Run, Status
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop
from tests.vendors.mailchimp import MailchimpEmulator

NUMBER = 1300
LISTED = {f"p{i}@example.com" for i in range(0, NUMBER, 13)}


def rows_of(folder: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(encoding="utf-8", newline="") as text:
            found += csv.DictReader(text)
    return found


def test_nobody_on_the_list_is_sent(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(NUMBER, without_address=10, twice=3)  # p0, who is listed, stands in four rows
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    shop.connect("Lake", "local-folder", {"folder": str(shop.outside / "lake")})
    layout = {"folder": "{export}", "file": "{segment}_{part}", "keep_earlier_runs": False}
    files = {"target": {}, "layout": layout, "sync": "replace"}
    files["match"] = {"id": "Customer.CustomerId", "mail": "Customer.Email"}
    shop.newsletter("Everybody", name="Partner", connection="Lake", **files)
    shop.data_out("Whole")
    shop.data_out("Less", leave_out_suppressed=True)

    usable = {f"p{i}@example.com" for i in range(NUMBER - 13)}
    gone = usable & LISTED
    before = shop.services.counts.count("Everybody", "Mail", JobContext())
    assert (before.suppressed, before.to_send) == (0, len(usable))

    half = sorted(LISTED)[::2]
    plain = shop.outside / "optouts.csv"
    plain.write_text("address\n" + "\n".join(f" {each.upper()}" for each in LISTED.difference(half)), "utf-8")
    hashed = shop.outside / "hashed.txt"
    hashed.write_text("\n".join(hashlib.sha256(each.encode()).hexdigest() for each in half), "utf-8")
    suppression = shop.services.suppression
    done = [suppression.import_file(file, JobContext()) for file in (plain, hashed)]
    assert sum(one.new for one in done) == suppression.numbers().entries == len(LISTED)

    count = shop.services.counts.count("Everybody", "Mail", JobContext())
    assert (count.members, count.suppressed, count.to_send) == (NUMBER, len(gone), len(usable - LISTED))

    runs = {run.export_name: run for run in shop.run("Newsletter", "Partner", "Whole", "Less")}
    assert {run.status for run in runs.values()} == {Status.SUCCESSFUL}
    assert set(mailchimp.audience.contacts) == usable - LISTED
    newsletter = runs["Newsletter"].totals
    assert (newsletter.delivered, newsletter.suppressed) == (len(usable - LISTED), len(gone))
    assert newsletter.delivered + newsletter.left_out == NUMBER
    assert f"{len(gone):,} suppressed" in shop.log(runs["Newsletter"])

    # In files everybody is known by our own key: all four rows of p0 are left out, and nobody without an address is.
    partner = [row["mail"] for row in rows_of(shop.outside / "lake" / "Partner")]
    assert len(partner) == runs["Partner"].totals.rows == NUMBER - len(gone) - 3
    assert not {mail.strip().lower() for mail in partner} & LISTED
    assert runs["Partner"].totals.suppressed == len(gone) + 3

    assert len(rows_of(shop.outside / "lake" / "Whole")) == runs["Whole"].totals.rows == NUMBER
    less = rows_of(shop.outside / "lake" / "Less")
    assert len(less) == runs["Less"].totals.rows == NUMBER - len(gone) - 3
    assert not {row["Email"].strip().lower() for row in less} & LISTED
    assert _left_out(runs["Less"]) == len(gone) + 3
    assert _left_out(runs["Whole"]) == 0


def _left_out(run: Run) -> int:
    assert run.totals.left_out == run.totals.suppressed
    return run.totals.suppressed
