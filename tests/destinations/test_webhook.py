from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import FixData, FixSettings, SignInAgain
from app.core.exports import SyncMode
from app.destinations.batches import Member, OutcomeKind
from app.destinations.contract import SegmentDestination, Settings
from app.destinations.registry import description
from app.destinations.webhook.body import filled, read_template
from app.destinations.webhook.destination import SIGNATURE, Webhook, create
from app.jobs import Cancelled, CancelToken, JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.webhook import PATH, SECRET, WebhookEmulator

KNOWN = "cce3ba7ee130be6275519bafceae0b2257bce7c367e6cb026ebfb93ab9b6a05b"


class Bench(AudienceBench):
    emulator: WebhookEmulator
    description = description("webhook")
    batch_size = description.batch_size
    secrets = (SECRET,)

    def destination(self, *, secret: str = SECRET, **changes: Any) -> SegmentDestination:
        values = {"url": f"{self.emulator.url}{PATH}", **changes.pop("values", {})}
        secrets = {"signing_secret": secret, **changes.pop("secrets", {})}
        return create(self.settings(values, secrets, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(secret="another-secret-0123")

    def gone_audience(self) -> dict[str, str]:
        return {"fields": "name"}

    def member(self, number: int, **values: str | None) -> Member:
        details = {"id": f"C-{number}", "email": f"person{number}@shop.example", "first_name": "P", **values}
        return Member(str(number), details)

    def refused_member(self, number: int) -> Member:
        member = self.member(number)
        self.emulator.refused.add(member.values["email"] or "")
        return member

    def delivered(self, segment: str) -> set[str]:
        return set(self.emulator.members.get(segment, {}))

    def identifier(self, member: Member) -> str:
        return member.values["id"] or ""


@pytest.fixture
def bench() -> Iterator[Bench]:
    with WebhookEmulator() as emulator:
        yield Bench(emulator)


class TestContract(SegmentDestinationSuite):
    says_what_it_did = False
    tells_new = False
    of_the_moment = (SIGNATURE.lower(),)

    def test_the_place_is_only_asked_for(self, bench: Bench) -> None:
        """It can't be asked: what we know of it counts."""
        place = bench.destination().place(bench.target, "VIP", JobContext())
        assert place.there
        assert place.name != bench.destination().place(bench.target, "Other", JobContext()).name
        assert bench.emulator.requests == []

    def test_confirm_says_something(self, bench: Bench) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            assert session.confirm(JobContext()).sentence == ""

    def test_cancel_ends_a_wait_at_once(self, bench: Bench) -> None:
        reply = Reply(429, raw=b"", headers={"Retry-After": "600"})
        bench.emulator.fail("reply", reply=reply)
        token = CancelToken()
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            threading.Timer(0.3, token.cancel).start()
            began = time.monotonic()
            with pytest.raises(Cancelled):
                session.send([bench.member(1)], JobContext(token))
        assert time.monotonic() - began < 60  # not 600

    def test_answer_of_something_else(self, bench: Bench) -> None:
        """A page is an answer too: receivers may say what they like when they took everybody."""
        page = Reply(200, raw=b"<html>Thank you</html>", content_type="text/html")
        bench.emulator.fail("reply", reply=page)
        assert self.send(bench, [bench.member(1)]) == [OutcomeKind.ADDED]


class TestRequests:
    def test_the_body_is_as_the_person_wrote_it(self, bench: Bench) -> None:
        body = (
            '{"source": "Sendoff, {segment}", "segment": "{segment}", "event": "{event}",'
            ' "rows": ["{members}", 1], "members": "{members}"}'
        )
        send(bench, bench.member(1, first_name=None), body=body)
        (request,) = bench.emulator.requests
        assert request.body == {
            "source": "Sendoff, VIP",
            "segment": "VIP",
            "event": "members.sent",
            "rows": [[{"id": "C-1", "email": "person1@shop.example"}], 1],
            "members": [{"id": "C-1", "email": "person1@shop.example"}],
        }

    def test_a_batch_sent_again_has_the_same_key(self, bench: Bench) -> None:
        bench.emulator.fail("lost", times=1)
        send(bench, bench.member(1))
        send(bench, bench.member(2))
        first, again, other = bench.emulator.seen
        assert first == again != other

    def test_a_key_of_the_receiver_goes_along_and_is_never_shown(self, bench: Bench) -> None:
        bench.emulator.wanted_header = ("X-Api-Key", "letmein-0123456789")
        values, secrets = {"header_name": "X-Api-Key"}, {"header_value": "letmein-0123456789"}
        destination = bench.destination(values=values, secrets=secrets)
        assert destination.test(JobContext()).reached == "127.0.0.1"
        (shown,) = destination.preview({}, "VIP", SyncMode.UPDATE, [bench.member(1)])
        assert "letmein" not in repr(shown)
        assert shown.headers["Sendoff-Signature"].startswith("t=")

    def test_a_query_in_the_address_is_kept(self, bench: Bench) -> None:
        url = f"{bench.emulator.url}{PATH}?tenant=7&sig=a%2Bb"
        bench.destination(values={"url": url}).test(JobContext())
        assert bench.emulator.requests[0].query == {"tenant": "7", "sig": "a+b"}

    def test_the_signature_is_that_of_a_known_answer(self) -> None:
        webhook = Webhook(
            Settings({"url": "https://a.example/"}, {"signing_secret": SECRET}), clock=lambda: 1_764_172_800.5
        )
        sealed = webhook._seal(b'{"a":1}')["Sendoff-Signature"]
        # printf '1764172800.{"a":1}' | openssl dgst -sha256 -hmac whsec-0123456789abcdef
        assert sealed == "t=1764172800,v1=" + KNOWN

    @pytest.mark.parametrize("by", ["email", "index"])
    def test_rejected_members_may_be_named_in_two_ways(self, bench: Bench, by: str) -> None:
        bench.emulator.names_by = by
        nobody = Member("n", {"id": None, "email": "", "phone": None})
        outcomes = send(bench, nobody, bench.member(1), bench.refused_member(2))
        assert [each.kind for each in outcomes] == [OutcomeKind.INVALID, OutcomeKind.TAKEN, OutcomeKind.REJECTED]
        assert outcomes[2].reason == (
            "They may not be written to any more there. The receiver says: It is on our block list."
        )


class TestFields:
    @pytest.mark.parametrize("document", [[], [{"id": 1}], "ok", 7, {"status": "success"}, {"rejected": None}])
    def test_an_answer_that_rejects_nobody_takes_everybody(self, bench: Bench, document: Any) -> None:
        """Flows answer with whatever their last step gave."""
        bench.emulator.fail("reply", reply=Reply(200, document))
        outcomes = send(bench, bench.member(1), bench.member(2))
        assert {each.kind for each in outcomes} == {OutcomeKind.TAKEN}

    @pytest.mark.parametrize("named", [{"email": " Person2@Shop.example"}, {"id": "C-2"}, {"index": 1}])
    def test_names_are_understood_as_receivers_write_them(self, bench: Bench, named: dict[str, Any]) -> None:
        bench.emulator.fail("reply", reply=Reply(200, {"rejected": [{**named, "reason": "no"}]}))
        outcomes = send(bench, bench.member(1), bench.member(2))
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.REJECTED]

    def test_an_id_that_became_a_number(self, bench: Bench) -> None:
        bench.emulator.fail("reply", reply=Reply(200, {"rejected": [{"id": 42}]}))
        outcomes = send(bench, Member("1", {"id": "41"}), Member("2", {"id": "42"}))
        assert [each.kind for each in outcomes] == [OutcomeKind.TAKEN, OutcomeKind.REJECTED]

    def test_somebody_rejected_whom_nobody_knows_is_not_passed_over(self, bench: Bench) -> None:
        bench.emulator.fail("reply", reply=Reply(200, {"rejected": [{"id": "somebody", "reason": "Not here."}]}))
        with pytest.raises(FixData) as raised:
            send(bench, bench.member(1), bench.member(2))
        assert raised.value.code == "unnamed_rejects"
        (outcome,) = send(bench, bench.member(1))
        assert outcome.kind is OutcomeKind.REJECTED
        assert "Not here." in outcome.reason

    def test_those_named_in_the_export(self, bench: Bench) -> None:
        found = bench.destination().fields({"fields": "id, email,points , id"}, JobContext())
        assert [(each.id, each.normalise) for each in found] == [("id", "trim"), ("email", "email"), ("points", "trim")]

    @pytest.mark.parametrize(
        ("target", "code"),
        [
            ({"fields": "name, city"}, "no_key"),
            ({"body": "{"}, "body_not_json"),
            ({"body": '{"a": 1}'}, "body_without_members"),
        ],
    )
    def test_what_can_not_be_sent(self, bench: Bench, target: dict[str, str], code: str) -> None:
        with pytest.raises(FixSettings) as raised:
            bench.destination().fields(target, JobContext())
        assert raised.value.code == code
        assert bench.emulator.requests == []

    def test_without_a_secret(self, bench: Bench) -> None:
        with pytest.raises(SignInAgain):
            create(Settings({"url": bench.emulator.url}, {}))


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("{members}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(documents, st.text(), st.lists(st.dictionaries(st.text(max_size=3), st.text(), max_size=2), max_size=2))
def test_what_is_filled_in_never_changes_the_shape(template: Any, segment: str, members: list[dict[str, str]]) -> None:
    whole = {"t": template, "m": "{members}"}
    assert read_template(json.dumps(whole)) == whole
    found = filled(whole, {"segment": segment}, members)
    _same_shape(whole, found, members)


def _same_shape(template: Any, found: Any, members: Any) -> None:
    if template == "{members}":
        assert found == members
    elif isinstance(template, dict):
        assert template.keys() == found.keys()
        for key, each in template.items():
            _same_shape(each, found[key], members)
    elif isinstance(template, list):
        assert len(template) == len(found)
        for each, other in zip(template, found, strict=True):
            _same_shape(each, other, members)
    else:
        assert type(found) is type(template)
