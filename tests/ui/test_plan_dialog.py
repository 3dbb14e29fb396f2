"""The plan of an export: the numbers a run then makes true, members masked, sent from where it is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.bootstrap import Services
from app.core.connections import Access
from app.core.runs import Status
from app.jobs import JobContext
from app.ui.dialogs.plan import PlanDialog
from app.ui.pages.exports.commands import ExportCommands
from app.ui.pages.exports.page import ExportsPage
from app.ui.preferences import Preferences
from tests.ui.checks import nameless
from tests.ui.page_bench import PageBench, page_bench
from tests.ui.test_exports_page import line, run
from tests.ui.workspace import small_services  # noqa: F401 - a fixture
from tests.vendors.mailchimp import KEY, MailchimpEmulator, Tag


@pytest.fixture
def mailchimp() -> Iterator[MailchimpEmulator]:
    with MailchimpEmulator() as emulator:
        yield emulator


@pytest.fixture
def bench(small_services: Services, mailchimp: MailchimpEmulator, theme, runner) -> Iterator[PageBench]:  # noqa: F811
    small_services.connections.add(
        "News", "mailchimp", {"api_url": mailchimp.url}, {"api_key": KEY}, Access.ADMINS, agreed=True
    )
    small_services.exports.apply(
        {
            "name": "Letter",
            "kind": "segment",
            "connection": "News",
            "segments": ["Everyone"],
            "target": {"audience_id": mailchimp.audience.id},
            "match": {"email": "Customer.Email"},
            "sync": "mirror",
            "consent": {"agreed": True},
        }
    )
    with page_bench(small_services, theme, runner) as made:
        yield made


def numbers(dialog: PlanDialog) -> dict[str, str]:
    return {caption.words(): number.words() for number, caption in dialog._numbers}


def open_plan(bench: PageBench, page: ExportsPage) -> PlanDialog:
    page._do("plan")
    bench.settle()
    dialog = bench.dialog()
    assert isinstance(dialog, PlanDialog)
    return dialog


def test_the_plan_is_seen_sent_and_true(bench: PageBench, mailchimp: MailchimpEmulator, tmp_path) -> None:
    page = bench.show(ExportsPage(bench.context, Preferences(tmp_path / "window.json")))
    page.activate("Letter")
    bench.settle()
    dialog = open_plan(bench, page)
    planned = numbers(dialog)
    assert planned["Added"].startswith("+")
    assert planned["Removed"] == planned["Unchanged"] == "0"
    assert nameless(dialog) == []
    assert mailchimp.audience.contacts == {}
    dialog.send.click()
    bench.settle()
    started = bench.services.runs.list("Letter")
    [ended] = bench.services.runs.wait([each.id for each in started], JobContext())
    assert f"+{ended.totals.added}" == planned["Added"]
    page.refresh()
    bench.wait(lambda: page.settled() and not page.selected()[0].active)

    dialog = open_plan(bench, page)
    assert numbers(dialog)["Unchanged"] == f"{ended.totals.added}"
    assert "A run sends nobody" in dialog._notes.words()
    mailchimp.fail("reset")
    dialog.again.click()
    bench.settle()
    assert dialog.problem.isVisible()
    assert not dialog.send.isEnabled()


def test_who_was_never_sent_is_told_of_before_an_audience_is_replaced(
    bench: PageBench, mailchimp: MailchimpEmulator, tmp_path
) -> None:
    audience = mailchimp.audience
    audience.tags.append(Tag(7, "Everyone", {"zoe@example.com"}))
    audience.put("zoe@example.com")
    document = bench.services.exports.document("Letter")
    bench.services.exports.apply({**document, "sync": "replace"})
    page = bench.show(ExportsPage(bench.context, Preferences(tmp_path / "window.json")))
    page.activate("Letter")
    bench.settle()
    dialog = open_plan(bench, page)
    assert numbers(dialog)["Removed"] == "−1"
    assert "Also removes 1 member Sendoff never sent." in dialog._notes.words()


def test_when_there_is_a_plan(qapp: object) -> None:
    commands = ExportCommands(lambda _key: None)
    assert commands.states([line()], [])["plan"].enabled
    assert not commands.states([line(), line()], [])["plan"].enabled
    for other in (line(attached=False), line(run(Status.RUNNING))):
        assert commands.states([other], [])["plan"].reason
