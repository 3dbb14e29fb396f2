"""Members from a messy table into Mailchimp: everybody is accounted for, whatever happens on the way."""

from __future__ import annotations

import threading

import pytest

from app.core.errors import FixData, TryAgain
from app.core.runs import PhaseState, Run, Status
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop
from tests.tools.planted_secret import search
from tests.vendors.emulator import Reply
from tests.vendors.mailchimp import KEY, MailchimpEmulator

BATCH = 500


def tagged(mailchimp: MailchimpEmulator, name: str) -> set[str]:
    tag = mailchimp.audience.tag(name)
    return set() if tag is None else set(tag.members)


def test_everybody_is_accounted_for(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(1300, without_address=20, broken=7, twice=3)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    (run,) = shop.run("Newsletter")
    assert run.status is Status.SUCCESSFUL, shop.log(run)
    totals = run.totals
    assert (totals.added, totals.left_out, totals.rejected) == (1270, 30, 0)
    assert totals.delivered + totals.rejected + totals.left_out == 1300
    assert tagged(mailchimp, "Everybody") == {f"p{i}@example.com" for i in range(1270)}
    assert mailchimp.audience.contacts["p1@example.com"].merge_fields["FNAME"] == "Zoë 1"
    assert all(p.state is PhaseState.DONE for p in run.phases)
    left_out = shop.services.runs.left_out(run.id)
    assert left_out.total == 27
    assert run.hosts == ("127.0.0.1",)

    (again,) = shop.run("Newsletter")
    assert again.status is Status.SUCCESSFUL
    assert (again.totals.added, again.totals.delivered, again.totals.unchanged) == (0, 0, 1270)
    assert len(mailchimp.audience.contacts) == 1270


def test_the_targets_rejects_are_listed_with_field_and_reason(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(40)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.audience.compliance.update({"p3@example.com", "p4@example.com"})
    (run,) = shop.run("Newsletter")
    assert run.status is Status.COMPLETED_WITH_REJECTS
    assert (run.totals.added, run.totals.rejected) == (38, 2)
    page = shop.services.runs.rejects(run.id, masked=False)
    assert {r.value for r in page.rejects} == {"p3@example.com", "p4@example.com"}
    assert all(r.member.startswith("C-") and r.by_target and r.reason for r in page.rejects)
    csv = shop.outside / "rejects.csv"
    assert shop.services.runs.save_rejects(run.id, csv) == 2
    assert "p3@example.com" in csv.read_text("utf-8-sig")


def test_cancel_finishes_the_batch_in_flight(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(6000)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    held = mailchimp.fail("latency", method="POST", path="/segments/", after=1, seconds=60)
    cancelled = threading.Event()

    def cancel_once(run: Run) -> None:
        if run.done >= BATCH and not cancelled.is_set():
            cancelled.set()
            shop.services.runs.cancel(run.id)
            held.over.set()

    shop.services.runs.subscribe(cancel_once)
    (run,) = shop.run("Newsletter")
    assert run.status is Status.CANCELLED
    assert BATCH <= run.totals.added < 6000
    assert len(mailchimp.audience.contacts) == len(tagged(mailchimp, "Everybody")) == run.totals.added
    mailchimp.faults.clear()
    (rest,) = shop.run("Newsletter")
    assert rest.status is Status.SUCCESSFUL
    assert len(mailchimp.audience.contacts) == 6000


def test_a_network_that_breaks_stops_the_run_with_the_truth(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(4000)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.fail("reset", method="POST", after=6)
    (run,) = shop.run("Newsletter")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.what == f"Stopped after {run.totals.added:,} of 4,000 members."
    assert run.error.action == "try_again"
    assert 0 < run.totals.added < 4000
    # What was counted is there; what was in flight may be.
    assert run.totals.added <= len(mailchimp.audience.contacts)
    assert "some of it may have arrived" in shop.log(run)
    mailchimp.faults.clear()
    (again,) = shop.run("Newsletter")
    assert again.status is Status.SUCCESSFUL
    assert len(tagged(mailchimp, "Everybody")) == 4000


def test_answers_that_get_lost_double_nobody(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(2000)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.fail("lost", method="POST", after=3, times=2)
    (run,) = shop.run("Newsletter")
    assert run.status is Status.SUCCESSFUL, shop.log(run)
    assert (run.totals.delivered, run.totals.unchanged) == (2000, 0)
    assert len(mailchimp.audience.contacts) == 2000


def test_a_target_that_asks_to_slow_down_is_obeyed_and_shown(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(1200)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.fail("reply", method="POST", times=1, after=2, reply=Reply(429, headers={"Retry-After": "1"}))
    (run,) = shop.run("Newsletter")
    assert run.status is Status.SUCCESSFUL
    assert run.phases[4].state is PhaseState.SLOWED
    assert "asked to slow down" in shop.log(run)


def test_a_wrong_key_is_said_before_anybody_is_sent(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(10)
    shop.segment("Everybody")
    wrong = KEY.replace("0123", "3210")
    shop.connect("Mail", "mailchimp", {"api_url": mailchimp.url}, {"api_key": wrong})
    shop.newsletter("Everybody")
    (run,) = shop.run("Newsletter")
    assert run.status is Status.FAILED
    assert run.error is not None
    assert run.error.action == "sign_in"
    assert mailchimp.audience.contacts == {}


def test_a_mirror_takes_the_tag_off_who_left_and_nothing_else(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(1400)
    shop.segment("Alps", "AT", "CH")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Alps", sync="mirror")
    mailchimp.audience.put("stranger@example.com")
    (run,) = shop.run("Newsletter")
    assert run.totals.added == 700
    tag = mailchimp.audience.tag("Alps")
    assert tag is not None
    tag.members.add("stranger@example.com")
    mailchimp.audience.contacts["p1@example.com"].status = "unsubscribed"
    shop.segment("Alps", "CH")
    plan = shop.services.plans.plan("Newsletter", JobContext(), 1)
    assert (plan.changes.removed, plan.changes.unchanged, plan.changes.added) == (350, 350, 0)
    [member] = plan.members
    assert (member.member, dict(member.values)) == ("C-0000001", {"email": "p•••@e•••.com"})
    before = {email: contact.status for email, contact in mailchimp.audience.contacts.items()}
    (held,) = shop.run("Newsletter")
    assert (held.status, held.held) == (Status.HELD, plan.held)
    assert held.held is not None
    assert held.held.sentence == "50.0% of the audience would be removed; your limit is 20%."
    assert held.held.cause is not None
    assert held.held.cause.detail == "The rules of “Alps” are other ones than at the last run."
    assert len(tagged(mailchimp, "Alps")) == 701
    with pytest.raises(FixData, match="does not match"):
        shop.services.held_runs.send_anyway(held.id, "349")
    started = shop.services.held_runs.send_anyway(held.id, "350")
    (run,) = shop.services.runs.wait([started.id], JobContext())
    assert run.status is Status.SUCCESSFUL, shop.log(run)
    assert (run.totals.removed, run.totals.unchanged, run.total) == (350, 350, 350)
    with pytest.raises(TryAgain, match="does not wait any more"):
        shop.services.held_runs.cancel(held.id)
    assert tagged(mailchimp, "Alps") == {f"p{i}@example.com" for i in range(2, 1400, 4)} | {"stranger@example.com"}
    assert {email: contact.status for email, contact in mailchimp.audience.contacts.items()} == before

    audience = mailchimp.audience
    audience.tags.clear()  # somebody deleted the tag there
    (run,) = shop.run("Newsletter")
    assert tagged(mailchimp, "Alps") == {f"p{i}@example.com" for i in range(2, 1400, 4)}
    shop.services.exports.remove("Newsletter")
    assert (shop.folder / "sent").exists()


def test_two_segments_each_get_their_tag_and_an_empty_one_is_skipped(
    shop: Workshop, mailchimp: MailchimpEmulator
) -> None:
    shop.customers(80)
    shop.segment("Germany", "DE")
    shop.segment("Alps", "AT", "CH")
    shop.segment("Moon", "LUNA")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Germany", "Alps", "Moon")
    (run,) = shop.run("Newsletter")
    assert run.status is Status.SKIPPED_TOO_SMALL
    assert [s.segment for s in run.skipped] == ["Moon"]
    assert run.totals.added == 60
    assert (len(tagged(mailchimp, "Germany")), len(tagged(mailchimp, "Alps"))) == (20, 40)


def test_a_table_refreshed_meanwhile_changes_nothing_in_a_run(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(3000)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.fail("latency", method="POST", seconds=0.05)
    (run,) = shop.start("Newsletter")
    source = shop.outside / "Customer.csv"
    source.write_text("\n".join(source.read_text("utf-8").splitlines()[:101]) + "\n", "utf-8")
    shop.services.tables.refresh("Customer", JobContext())
    (run,) = shop.services.runs.wait([run.id], JobContext())
    assert run.status is Status.SUCCESSFUL
    assert run.totals.added in {100, 3000}
    assert run.done == run.total == run.totals.added


def test_the_secret_stands_nowhere_in_the_workspace(shop: Workshop, mailchimp: MailchimpEmulator) -> None:
    shop.customers(30)
    shop.segment("Everybody")
    shop.mailchimp(mailchimp.url)
    shop.newsletter("Everybody")
    mailchimp.fail("reply", method="POST", reply=Reply(500, {"detail": f"the key {KEY} broke"}))
    (run,) = shop.run("Newsletter")
    assert run.status is Status.FAILED
    mailchimp.faults.clear()
    (run,) = shop.run("Newsletter")
    assert run.status is Status.SUCCESSFUL
    assert search([shop.folder], KEY) == []
