"""The segment wizard in a workspace of consumers, clicked through to a customer list of Google Ads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.bootstrap import Services
from app.core.connections import Access
from app.core.drafts import Step
from app.core.runs import Status
from app.core.tokens import Tokens
from app.destinations.google_ads import session
from app.destinations.jobs import Patience
from app.jobs import JobContext
from app.ui.runner import JobRunner
from app.ui.theme import Theme
from app.ui.wizards.segment_export import SegmentExportWizard
from tests.ui.checks import nameless
from tests.ui.wizard_bench import Bench, make_bench
from tests.ui.workspace import CUSTOMERS
from tests.vendors.google_ads import GoogleAdsEmulator
from tests.vendors.oauth import CLIENT_ID, CLIENT_SECRET


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleAdsEmulator]:
    monkeypatch.setattr(session, "PATIENCE", Patience(0.01, 0.02, 5.0))
    with GoogleAdsEmulator() as running:
        yield running


@pytest.fixture
def bench(
    qtbot: Any,
    small_services: Services,
    runner: JobRunner,
    theme: Theme,
    google: GoogleAdsEmulator,
) -> Iterator[Bench]:
    values = {
        "customer_id": "123-456-7890",
        "client_id": CLIENT_ID,
        "api_url": f"{google.url}/v1",
        "token_url": f"{google.url}/token",
    }
    secrets = {"client_secret": CLIENT_SECRET, "sign_in": Tokens(google.sign_in.access()).written()}
    small_services.connections.add("Google NW", "google-ads", values, secrets, Access.CONTRIBUTORS, agreed=True)
    made = make_bench(qtbot, small_services, runner, theme)
    yield made
    made.close()


def press(bench: Bench, widget: Any) -> None:
    bench.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.rect().center())


def to_matching(bench: Bench, *segments: str, kind: str = "contact") -> Any:
    """Click the connection and what members are known by, choose segments, and go on to the match."""
    wizard = bench.open(SegmentExportWizard)
    first = wizard.steps[0]
    (connection,) = (row for row in wizard.state.facts.connections if row.connection.name == "Google NW")
    press(bench, first._cards[connection.connection.id])
    press(bench, first._audience.cards[kind])
    bench.settle()
    bench.picture("google-1-destination")
    press(bench, wizard.shell.primary)
    wizard.steps[1]._choose(segments)
    bench.qtbot.waitUntil(lambda: not wizard.state.counts.running())
    bench.settle()
    bench.picture("google-2-segments")
    press(bench, wizard.shell.primary)
    bench.settle()
    assert wizard.shell.step() == 2
    return wizard


def test_from_click_to_click_to_a_customer_list(bench: Bench, google: GoogleAdsEmulator) -> None:
    wizard = to_matching(bench, "Everyone", "Germany")
    assert wizard.kind_words() == "Contact data"
    matching = wizard.steps[2]
    assert {"audience_id", "ad_user_data", "ad_personalization", "terms"} <= set(matching.target.controls)
    assert "list_kind" not in matching.target.controls
    assert not matching.target._frames["audience_id"].error()  # there is no list yet, and none is needed
    assert wizard.state.draft.match["email"] == "Customer.Email"
    (sent_as,) = (column for column in matching.table.columns if column.key == "sent_as")
    assert [sent_as.cell(matching.table.row(field)).text for field in ("email", "phone", "postal_code")] == [
        "SHA-256 hash",
        "SHA-256 hash",  # also before a field is chosen for it
        "As is",
    ]
    for field in ("ad_user_data", "ad_personalization"):
        picker = matching.target.controls[field]
        picker.set_current_key("granted")
        picker.chosen.emit("granted")
    bench.settle()
    assert nameless(wizard) == []
    bench.picture("google-3-matching")

    press(bench, wizard.shell.primary)
    bench.settle()
    facts = {fact.label: fact.value for fact in wizard.steps[3].side_panel()._facts.facts()}
    assert facts["Consent to send data for advertising"] == "They agreed"
    assert facts["Key identifier"] == "E-mail address"
    assert facts["Requests"] == "About 12"
    press(bench, wizard.steps[3].consent)
    bench.picture("google-4-review")
    name = wizard.state.draft.name
    press(bench, wizard.shell.primary)
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    assert not bench.navigator.errors

    services = bench.context.services
    services.runs.wait([run.id for run in services.runs.list(name)], JobContext())
    run = services.runs.list(name)[0]
    assert run.status is Status.SUCCESSFUL, run.error
    everyone, germany = google.named("Everyone"), google.named("Germany")
    assert everyone is not None
    assert germany is not None
    assert (len(everyone.members), len(germany.members)) == (CUSTOMERS, 50)
    assert hashlib.sha256(b"ann7@example.com").hexdigest() in everyone.members
    sent = [request for request in google.requests if request.path.endswith(":ingest")]
    assert all(request.body["consent"]["adUserData"] == "CONSENT_GRANTED" for request in sent)
    assert not any(b"example.com" in request.raw for request in google.requests)


def test_user_ids_are_likely_the_key_of_the_table(bench: Bench, google: GoogleAdsEmulator) -> None:
    wizard = to_matching(bench, "Germany", kind="user")
    assert wizard.state.draft.match == {"user_id": "Customer.CustomerId"}
    assert wizard.state.counts.total.to_send == 50


def test_a_key_nobody_could_guess_is_chosen_in_the_step_after_the_segments(bench: Bench) -> None:
    wizard = to_matching(bench, "Germany", kind="mobile")
    assert not wizard.steps[1]._panel._spinner.isVisibleTo(wizard.steps[1]._panel)
    assert wizard.state.issues(Step.SHAPE)
    wizard.steps[2].choose("mobile_id", "Customer.CustomerId")
    bench.settle()
    assert not wizard.state.issues(Step.SHAPE)
    assert wizard.state.counts.total.to_send == 50


def test_a_list_of_other_identifiers_is_refused_in_the_plan(bench: Bench, google: GoogleAdsEmulator) -> None:
    phones = google.make("Phones", "MOBILE_ID")
    wizard = to_matching(bench, "Germany")
    picker = wizard.steps[2].target.controls["audience_id"]
    bench.qtbot.waitUntil(lambda: len(picker._items) == 2)
    assert [(each.text, each.detail, each.sample) for each in picker._items] == [
        ("None", "", ""),
        ("Phones", "mobile IDs", "0 members"),
    ]
    assert "audience_id" not in wizard.state.draft.target  # a list is there, and nobody chose it
    press(bench, picker)
    bench.picture("google-5-picker", picker.popup)
    typed = picker.popup.search
    bench.qtbot.keyClick(typed, Qt.Key.Key_Down)
    bench.qtbot.keyClick(typed, Qt.Key.Key_Return)
    assert wizard.state.draft.target["audience_id"] == phones.id
    bench.settle()
    wizard.shell.go_on()
    wizard.steps[3].consent.click()
    name = wizard.state.draft.name
    wizard.shell.go_on()
    bench.qtbot.waitUntil(lambda: bench.navigator.left)
    services = bench.context.services
    services.runs.wait([run.id for run in services.runs.list(name)], JobContext())
    run = services.runs.list(name)[0]
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "takes other identifiers" in str(run.error)
    assert phones.members == set()
