"""What a first run and a usual day cost at each destination, counted against its emulator; the help pages hold these tables.

Requests are those that the destination's own session makes, one whole batch and one rest of each kind, a question for a job
that ends at once included. Minutes follow from the pace of its description alone: how long a vendor works is its own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core.exports import SyncMode
from app.destinations.budgets import MARGIN
from app.destinations.contract import Member, RemovingSession
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
    test_sendgrid,
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

HELP = Path(__file__).parents[2] / "resources/help"
TITLE = "## Calls and minutes"
MOST = 1_000_000

pytestmark = pytest.mark.usefixtures("unpaced")


@dataclass(frozen=True)
class Case:
    """One destination; `stated` is how long the same export takes in Dynamics 365 Customer Insights, by its own pages.

    A vendor that only limits requests at the same time is counted with `seconds` an answer.
    """

    id: str
    emulator: Callable[[], AbstractContextManager[Any]]
    bench: Callable[[Any], Any]
    stated: str
    seconds: float = 0.0


CASES = [
    Case("brevo", BrevoEmulator, test_brevo.Bench, "up to 90 minutes"),
    Case("criteo", CriteoEmulator, test_criteo.Bench, "up to 30 minutes"),
    Case("google-ads", GoogleAdsEmulator, test_google_ads.Bench, "up to 30 minutes"),
    Case("hubspot", HubSpotEmulator, test_hubspot.Bench, "up to 15 minutes"),
    Case("iterable", IterableEmulator, test_iterable.Bench, "up to 30 minutes"),
    Case("klaviyo", KlaviyoEmulator, test_klaviyo.Bench, "up to 20 minutes"),
    Case("linkedin-ads", LinkedInEmulator, test_linkedin.Bench, "up to 10 minutes"),
    Case("mailchimp", MailchimpEmulator, test_mailchimp.Bench, "up to three hours", seconds=1.0),
    Case("marketo", MarketoEmulator, test_marketo.Bench, "up to three hours"),
    Case("meta-ads", MetaEmulator, test_meta_ads.Bench, "up to 90 minutes"),
    Case("microsoft-advertising", MicrosoftEmulator, test_microsoft_advertising.Bench, "up to 10 minutes"),
    Case("sendgrid", SendGridEmulator, test_sendgrid.Bench, "up to a few hours"),
]


@pytest.mark.parametrize("case", CASES, ids=[each.id for each in CASES])
def test_the_help_page_tells_calls_and_minutes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CancelToken, "sleep", lambda token, _seconds: token.check())
    _before, _title, rest = (HELP / f"{case.id}.md").read_text("utf-8").partition(f"{TITLE}\n\n")
    told = [line for line in rest.partition("\n##")[0].splitlines() if line.startswith("|")]
    with case.emulator() as emulator:
        assert told == table(case, case.bench(emulator))


def table(case: Case, bench: Any) -> list[str]:
    """The lines of the table of a help page. A day with 1 % changes: half of them came or have other values, half left."""
    kept = bench.description
    first = min(MOST, kept.limits.maximum or MOST)
    half = first // 200
    bench.emulator.working = 0  # where it works on after its answer: the first question finds the end
    bench.emulator.skips_checks()
    session = bench.destination().session(bench.target, "VIP", SyncMode.MIRROR)
    assert isinstance(session, RemovingSession)
    asked = bench.emulator.requests
    with session:
        opening = len(asked)
        sending = Cost(asked, kept.batch_size, lambda members: session.send(members, JobContext()), bench.member)
        removing = Cost(asked, kept.batch_size, lambda members: session.remove(members, JobContext()), bench.member)
        runs = (opening + sending.of(first), opening + sending.of(half) + removing.of(half))
        assert kept.effort([first]).requests == runs[0] - opening  # what people are told before a run
    return [
        "| | Members | Requests | Minutes | Customer Insights states |",
        "| --- | ---: | ---: | ---: | --- |",
        f"| First run | {first:,} | {runs[0]:,} | {minutes(case, kept.pace, runs[0])} | {case.stated} |",
        f"| A day with 1 % changes | {2 * half:,} | {runs[1]:,} | {minutes(case, kept.pace, runs[1])} | not told |",
    ]


class Cost:
    """The requests for so many members, from those for a batch."""

    def __init__(
        self, asked: list[Any], batch: int, act: Callable[[list[Member]], Any], member: Callable[[int], Member]
    ) -> None:
        self._asked, self._batch, self._act, self._member = asked, batch, act, member

    def of(self, members: int) -> int:
        whole, rest = divmod(members, self._batch)
        return (whole * self._one(self._batch) if whole else 0) + (self._one(rest) if rest else 0)

    def _one(self, members: int) -> int:
        before = len(self._asked)
        self._act([self._member(number) for number in range(members)])
        return len(self._asked) - before


def minutes(case: Case, pace: Any, requests: int) -> str:
    """How long these requests take at the destination's pace: in minutes, under ten with a decimal."""
    per_second = pace.requests_per_second or pace.simultaneous / case.seconds
    found = requests * (1 + MARGIN) / per_second / 60
    return f"{math.ceil(found * 10) / 10:.1f}" if found < 10 else f"{math.ceil(found):,}"
