"""What each destination declares to ask is what it asks its emulator; the help pages tell what follows from that.

A question for a job that ends at once is included. Minutes follow from the pace of the description alone: how long a vendor
works is its own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from app.core.exports import SyncMode
from app.core.plans import Changes
from app.destinations.contract import MeteredDestination, RemovingSession
from app.destinations.description import Description
from app.destinations.registry import description, descriptions
from app.jobs import CancelToken, JobContext
from tests.destinations import (
    test_brevo,
    test_criteo,
    test_google_ads,
    test_hubspot,
    test_iterable,
    test_klaviyo,
    test_linkedin,
    test_mailchimp,
    test_marketo,
    test_meta_ads,
    test_microsoft_advertising,
    test_practice,
    test_sendgrid,
    test_webhook,
)
from tests.vendors.brevo import BrevoEmulator
from tests.vendors.criteo import CriteoEmulator
from tests.vendors.google_ads import GoogleAdsEmulator
from tests.vendors.hubspot import HubSpotEmulator
from tests.vendors.iterable import IterableEmulator
from tests.vendors.klaviyo import KlaviyoEmulator
from tests.vendors.linkedin import LinkedInEmulator
from tests.vendors.mailchimp import MailchimpEmulator
from tests.vendors.marketo import MarketoEmulator
from tests.vendors.meta import MetaEmulator
from tests.vendors.microsoft_advertising import MicrosoftEmulator
from tests.vendors.sendgrid import SendGridEmulator
from tests.vendors.webhook import WebhookEmulator

HELP = Path(__file__).parents[2] / "resources/help"
TITLE = "## Calls and minutes"
MOST = 1_000_000

pytestmark = pytest.mark.usefixtures("unpaced")


@dataclass(frozen=True)
class Case:
    """One destination; `stated` is how long the same export takes in Dynamics 365 Customer Insights, by its own pages."""

    id: str
    emulator: Callable[[], AbstractContextManager[Any]]
    bench: Callable[[Any], Any]
    stated: str = ""


CASES = [
    Case("brevo", BrevoEmulator, test_brevo.Bench, "up to 90 minutes"),
    Case("criteo", CriteoEmulator, test_criteo.Bench, "up to 30 minutes"),
    Case("google-ads", GoogleAdsEmulator, test_google_ads.Bench, "up to 30 minutes"),
    Case("hubspot", HubSpotEmulator, test_hubspot.Bench, "up to 15 minutes"),
    Case("iterable", IterableEmulator, test_iterable.Bench, "up to 30 minutes"),
    Case("klaviyo", KlaviyoEmulator, test_klaviyo.Bench, "up to 20 minutes"),
    Case("linkedin-ads", LinkedInEmulator, test_linkedin.Bench, "up to 10 minutes"),
    Case("mailchimp", MailchimpEmulator, test_mailchimp.Bench, "up to three hours"),
    Case("marketo", MarketoEmulator, test_marketo.Bench, "up to three hours"),
    Case("meta-ads", MetaEmulator, test_meta_ads.Bench, "up to 90 minutes"),
    Case("microsoft-advertising", MicrosoftEmulator, test_microsoft_advertising.Bench, "up to 10 minutes"),
    Case("sendgrid", SendGridEmulator, test_sendgrid.Bench, "up to a few hours"),
    Case("practice", TemporaryDirectory, lambda folder: test_practice.Bench(Path(folder))),
    Case("webhook", WebhookEmulator, test_webhook.Bench),
]


def test_every_destination_of_segments_declares_its_calls() -> None:
    declaring = {each.id for each in descriptions() if each.calls is not None}
    assert declaring == {each.id for each in descriptions() if not each.any_field} == {case.id for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=[each.id for each in CASES])
def test_it_asks_what_it_declares(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CancelToken, "sleep", lambda token, _seconds: token.check())
    with case.emulator() as emulator:
        bench = case.bench(emulator)
        calls, size = bench.description.calls, bench.description.batch_size
        bench.emulator.working = 0  # where it works on after its answer: the first question finds the end
        if hasattr(bench.emulator, "skips_checks"):
            bench.emulator.skips_checks()
        asked = Asked(bench.emulator.requests)
        destination, ctx = bench.destination(), JobContext()

        beginning = asked.by(lambda: destination.fields(bench.target, ctx))
        if isinstance(destination, MeteredDestination):
            beginning += asked.by(lambda: destination.quota(ctx))
        assert beginning == calls.beginning

        place = asked.by(lambda: destination.place(bench.target, "VIP", ctx))
        session = destination.session(bench.target, "VIP", SyncMode.MIRROR)
        opening = place + asked.by(session.__enter__)
        with destination.session(bench.target, "VIP", SyncMode.MIRROR):
            pass
        assert opening == calls.opening

        assert isinstance(session, RemovingSession)
        for number in (1, min(301, size), size):
            members = [bench.member(each) for each in range(number)]
            sent = [asked.by(lambda members=members: session.send(members, ctx)) for _new_then_known in range(2)]
            removed = asked.by(lambda members=members: session.remove(members, ctx))
            ends = calls.beginning + calls.opening + calls.closing
            assert max(sent) == calls.number([Changes(added=number)], size) - ends
            assert removed == calls.number([Changes(removed=number)], size) - ends

        assert asked.by(lambda: session.confirm(ctx)) == calls.closing
        session.__exit__(None, None, None)


@pytest.mark.parametrize("case", [each for each in CASES if each.stated], ids=lambda each: each.id)
def test_the_help_page_tells_calls_and_minutes(case: Case) -> None:
    _before, _title, rest = (HELP / f"{case.id}.md").read_text("utf-8").partition(f"{TITLE}\n\n")
    told = [line for line in rest.partition("\n##")[0].splitlines() if line.startswith("|")]
    assert told == table(case, description(case.id))


class Asked:
    """Counts the requests that reach an emulator."""

    def __init__(self, requests: list[Any]) -> None:
        self._requests = requests

    def by(self, act: Callable[[], Any]) -> int:
        before = len(self._requests)
        act()
        return len(self._requests) - before


def table(case: Case, of: Description) -> list[str]:
    """The lines of the table of a help page. A day with 1 % changes: half of them came or have other values, half left."""
    first = min(MOST, of.limits.maximum or MOST)
    half = first // 200
    return [
        "| | Members | Requests | Minutes | Customer Insights states |",
        "| --- | ---: | ---: | ---: | --- |",
        f"| First run | {first:,} | {cost(of, Changes(added=first))} | {case.stated} |",
        f"| A day with 1 % changes | {2 * half:,} | {cost(of, Changes(added=half, removed=half))} | not told |",
    ]


def cost(of: Description, changes: Changes) -> str:
    """Requests and minutes, these with a decimal under ten."""
    forecast = of.forecast([changes])
    assert forecast is not None
    minutes = forecast.seconds / 60
    return f"{forecast.calls:,} | " + (
        f"{math.ceil(minutes * 10) / 10:.1f}" if minutes < 10 else f"{math.ceil(minutes):,}"
    )
