"""A sign-in by the browser in place of the key."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.core.errors import SignInAgain, TellUs
from app.core.exports import SyncMode
from app.destinations.batches import OutcomeKind
from app.destinations.browser_signin import sign_in
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.mailchimp.destination import create
from app.jobs import JobContext
from tests.destinations.test_mailchimp import Bench
from tests.vendors.mailchimp import MailchimpEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET, agree


@pytest.fixture
def bench() -> Iterator[Bench]:
    with MailchimpEmulator() as emulator:
        yield Bench(emulator)


def signed_in(bench: Bench, **changes: str) -> SegmentDestination:
    root = bench.emulator.url
    values = {
        "sign_in_by": "browser",
        "client_id": CLIENT_ID,
        "api_url": root,
        "metadata_url": f"{root}/oauth2/metadata",
    }
    values |= {"authorize_url": f"{root}/oauth2/authorize", "token_url": f"{root}/oauth2/token", **changes}
    secrets = {"client_secret": CLIENT_SECRET}

    def browse(page: str) -> None:
        threading.Thread(target=agree, args=(page,), daemon=True).start()

    secrets["sign_in"] = sign_in(bench.description, values, secrets, browse, JobContext()).written()
    return create(Settings(values, secrets))


def test_members_go_there(bench: Bench) -> None:
    destination = signed_in(bench)
    assert destination.test(JobContext()).reached == bench.emulator.account_name
    with destination.session(bench.target, "VIP", SyncMode.UPDATE) as session:
        told = session.send([bench.member(number) for number in range(3)], JobContext())
    assert [each.kind for each in told] == [OutcomeKind.ADDED] * 3
    assert len(bench.delivered("VIP")) == 3


def test_mailchimp_is_asked_once_where_the_account_lies(bench: Bench) -> None:
    destination = signed_in(bench, api_url=bench.emulator.url.replace("127.0.0.1", "local{dc}"))
    bench.emulator.data_centre = "host"
    for _ in range(2):
        assert destination.choices("audience_id", JobContext())
    asked = [request for request in bench.emulator.requests if request.path.endswith("/oauth2/metadata")]
    assert len(asked) == 1


def test_a_preview_asks_nobody(bench: Bench) -> None:
    destination = signed_in(bench, api_url="https://{dc}.api.mailchimp.com/3.0")
    before = len(bench.emulator.requests)
    shown = destination.preview(bench.target, "VIP", SyncMode.UPDATE, [bench.member(1)])
    assert shown[0].url.startswith("https://dc.api.mailchimp.com/3.0/lists/")
    assert len(bench.emulator.requests) == before


@pytest.mark.parametrize("told", ["", "us21.evil.example/", "ü"])
def test_an_answer_that_names_none_is_told(bench: Bench, told: str) -> None:
    destination = signed_in(bench, api_url="https://{dc}.api.mailchimp.com/3.0")
    bench.emulator.data_centre = told
    with pytest.raises(TellUs) as raised:
        destination.choices("audience_id", JobContext())
    assert raised.value.code == "no_data_centre"


def test_a_sign_in_that_was_taken_back_is_told(bench: Bench) -> None:
    destination = signed_in(bench)
    bench.emulator.desk.end_all()
    with pytest.raises(SignInAgain):
        destination.test(JobContext())


def test_without_a_sign_in_the_person_is_sent_there() -> None:
    with pytest.raises(SignInAgain) as raised:
        create(Settings({"sign_in_by": "browser", "client_id": CLIENT_ID}, {"client_secret": CLIENT_SECRET}))
    assert raised.value.code == "secret_missing"
