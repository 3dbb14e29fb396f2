"""Each vendor says in its own way how long to wait, and when the day is used up: that is obeyed and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from app.core.errors import TryAgain
from app.destinations import http
from app.destinations.answers import Answer
from app.destinations.calls import Retry
from app.destinations.google_ads import answers as google
from app.destinations.linkedin_ads import destination as linkedin
from app.destinations.marketo import answers as marketo
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench
from tests.destinations.test_brevo import Bench as BrevoBench
from tests.destinations.test_google_ads import Bench as GoogleBench
from tests.destinations.test_hubspot import Bench as HubSpotBench
from tests.destinations.test_linkedin import Bench as LinkedInBench
from tests.destinations.test_marketo import Bench as MarketoBench
from tests.destinations.test_meta_ads import Bench as MetaBench
from tests.destinations.test_sendgrid import Bench as SendGridBench
from tests.vendors.brevo import BrevoEmulator
from tests.vendors.emulator import Emulator, Reply
from tests.vendors.google_ads import GoogleAdsEmulator
from tests.vendors.hubspot import HubSpotEmulator
from tests.vendors.linkedin import LinkedInEmulator
from tests.vendors.marketo import MarketoEmulator
from tests.vendors.meta import MetaEmulator
from tests.vendors.sendgrid import SendGridEmulator

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "7"}, 7.0),
        (503, {"retry-after": "7"}, 7.0),
        (429, {"x-ratelimit-reset": "30"}, 30.0),
        (429, {"ratelimit-reset": "3"}, 3.0),
        (429, {"x-sib-ratelimit-reset": "12"}, 12.0),
        (429, {"x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 45.0),
        (429, {"x-ratelimit-reset": str(int(NOW.timestamp()) - 45)}, 0.0),
        (429, {"x-ratelimit-reset": "soon"}, None),
        (429, {"retry-after": "2", "x-ratelimit-reset": "30"}, 2.0),
        (200, {"x-ratelimit-reset": "30"}, None),
        (503, {"x-ratelimit-reset": "30"}, None),
        (429, {}, None),
    ],
)
def test_a_limit_that_tells_when_it_begins_anew(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert Answer(status, {"date": format_datetime(NOW), **headers}, b"").asked_wait == seconds


def google_quota(unit: str, *more: dict[str, Any]) -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
    info |= {"metadata": {"quota_unit": unit, "consumer": "projects/77"}}
    message = "Quota exceeded for quota metric."
    error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [info, *more]}
    return {"error": error}


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.3s"}
MARKETO_PACE = {"requestId": "r", "success": False, "errors": [{"code": "606", "message": "Max rate limit exceeded"}]}
MARKETO_FULL = {"requestId": "r", "success": False, "errors": [{"code": "1016", "message": "Too many imports queued"}]}
LINKEDIN_PACE = {"status": 429, "code": "TOO_MANY_REQUESTS", "message": "Too many requests"}
META_SLOW = {"error": {"message": "Too many calls", "type": "OAuthException", "code": 80_003}}

WAITS: list[Any] = [
    pytest.param(BrevoEmulator, BrevoBench, Reply(429, headers={"x-sib-ratelimit-reset": "1"}), 1.0, id="brevo"),
    pytest.param(
        SendGridEmulator,
        SendGridBench,
        lambda: Reply(429, headers={"X-RateLimit-Reset": str(int(time.time()) + 2)}),
        1.5,
        id="sendgrid",
    ),
    pytest.param(
        HubSpotEmulator,
        HubSpotBench,
        Reply(
            429, {"policyName": "TEN_SECONDLY_ROLLING"}, headers={"X-HubSpot-RateLimit-Interval-Milliseconds": "400"}
        ),
        0.4,
        id="hubspot",
    ),
    pytest.param(GoogleAdsEmulator, GoogleBench, Reply(429, google_quota("", RETRY_INFO)), 0.3, id="google, told"),
    pytest.param(GoogleAdsEmulator, GoogleBench, Reply(429, google_quota("1/min/{project}")), 0.5, id="google, minute"),
    pytest.param(LinkedInEmulator, LinkedInBench, Reply(429, LINKEDIN_PACE), 0.5, id="linkedin"),
    pytest.param(MarketoEmulator, MarketoBench, Reply(200, MARKETO_PACE), 0.4, id="marketo, pace"),
    pytest.param(MarketoEmulator, MarketoBench, Reply(200, MARKETO_FULL), 0.6, id="marketo, imports"),
]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=4, first=0.01, longest=0.02))
    monkeypatch.setattr(google, "_MINUTE", 0.5)
    monkeypatch.setattr(linkedin, "_MINUTE", 0.5)
    monkeypatch.setattr(marketo, "_LASTS", {"606": 0.4, "1016": 0.6})


pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.mark.parametrize(("emulator", "bench", "reply", "seconds"), WAITS)
def test_the_vendors_own_wait_is_obeyed(
    emulator: Callable[[], Emulator],
    bench: Callable[[Any], AudienceBench],
    reply: Reply | Callable[[], Reply],
    seconds: float,
) -> None:
    """One refusal, then all is well; the wait is told to whoever looks, and is no shorter than the vendor asked for."""
    with emulator() as vendor:
        there = bench(vendor)
        vendor.fail("reply", times=1, reply=reply if isinstance(reply, Reply) else reply())
        began = time.monotonic()
        there.destination().place(there.target, "VIP", JobContext())
        assert time.monotonic() - began >= min(there.slowed)
        (slowed,) = there.slowed
        assert slowed == pytest.approx(seconds, abs=0.51 if seconds == 1.5 else 0.001)


def test_meta_tells_the_minutes_to_wait_and_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = '{"111": [{"type": "custom_audience", "estimated_time_to_regain_access": 90}]}'
    with MetaEmulator() as vendor:
        there = MetaBench(vendor)
        vendor.fail("reply", reply=Reply(400, META_SLOW, headers={"X-Business-Use-Case-Usage": usage}))
        with pytest.raises(TryAgain) as raised:
            there.destination().place(there.target, "VIP", JobContext())
        assert raised.value.retry_after == 5_400  # longer than a run waits


def test_what_meta_calls_passing_is_tried_again() -> None:
    passing = {"error": {"message": "Please retry later", "type": "OAuthException", "code": 99, "is_transient": True}}
    with MetaEmulator() as vendor:
        there = MetaBench(vendor)
        vendor.fail("reply", times=1, reply=Reply(400, passing))
        there.destination().place(there.target, "VIP", JobContext())
        assert vendor.requests


LINKEDIN_DAY = {
    "status": 429,
    "code": "TOO_MANY_REQUESTS",
    "message": "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached.",
}


@pytest.mark.parametrize(
    ("emulator", "bench", "reply"),
    [
        pytest.param(LinkedInEmulator, LinkedInBench, Reply(429, LINKEDIN_DAY), id="linkedin"),
        pytest.param(GoogleAdsEmulator, GoogleBench, Reply(429, google_quota("1/d/{project}")), id="google"),
    ],
)
def test_a_day_that_is_used_up_is_told_and_not_waited_for(
    emulator: Callable[[], Emulator], bench: Callable[[Any], AudienceBench], reply: Reply
) -> None:
    with emulator() as vendor:
        there = bench(vendor)
        vendor.fail("reply", times=1, reply=reply)
        with pytest.raises(TryAgain) as raised:
            there.destination().place(there.target, "VIP", JobContext())
        assert raised.value.code == "daily_limit"
        assert "tomorrow" in raised.value.fix
        assert there.slowed == []
        assert vendor.requests == []  # nothing came after it
