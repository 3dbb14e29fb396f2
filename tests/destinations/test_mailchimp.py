from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import FixSettings, SendoffError, SignInAgain, TryAgain
from app.core.exports import SyncMode
from app.destinations import http
from app.destinations.batches import Member, OutcomeKind
from app.destinations.calls import Retry
from app.destinations.contract import (
    AskingSession,
    Confirmation,
    Place,
    ReadingDestination,
    SegmentDestination,
    Settings,
)
from app.destinations.mailchimp.answers import ContactError, refusal
from app.destinations.mailchimp.destination import create
from app.destinations.registry import description
from app.jobs import JobContext
from tests.destinations.benches import AudienceBench, send
from tests.destinations.conformance import SegmentDestinationSuite
from tests.vendors.emulator import Reply
from tests.vendors.mailchimp import KEY, Audience, MailchimpEmulator, Tag
from tests.vendors.mailchimp import MergeField as TheirField

AUDIENCE = "a1b2c3d4e5"


class Bench(AudienceBench):
    emulator: MailchimpEmulator
    secrets = (KEY, KEY[:32])
    description = description("mailchimp")
    batch_size = description.batch_size

    def __init__(self, emulator: MailchimpEmulator) -> None:
        super().__init__(emulator, audience_id=AUDIENCE)

    def destination(self, *, key: str = KEY, **changes: Any) -> SegmentDestination:
        return create(self.settings({"api_url": self.emulator.url}, {"api_key": key}, changes))

    def wrong_secret(self) -> SegmentDestination:
        return self.destination(key="f" * 32 + "-us21")

    def gone_audience(self) -> dict[str, str]:
        return {"audience_id": "gone"}

    def member(self, number: int, **values: str | None) -> Member:
        return Member(str(number), {"email": f"Person{number}@shop.example", "first_name": f"P{number}", **values})

    def refused_member(self, number: int) -> Member:
        return Member(str(number), {"email": f"person{number}@fake.example"})

    def delivered(self, segment: str) -> set[str]:
        tag = self.emulator.audience.tag(segment)
        return {self.emulator.audience.contacts[each].email for each in tag.members} if tag else set()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with MailchimpEmulator() as emulator:
        yield Bench(emulator)


@pytest.fixture
def audience(bench: Bench) -> Audience:
    return bench.emulator.audience


def person(email: str, **values: str | None) -> Member:
    return Member(email, {"email": email, **values})


def test_who_opted_out_or_bounced_is_told_page_by_page(bench: Bench, audience: Audience) -> None:
    for number in range(1001):
        audience.put(f"gone{number}@shop.example", "unsubscribed")
    audience.put("Bounced@shop.example", "cleaned")
    audience.put("here@shop.example")
    pages = list(bench.destination().unsubscribed(bench.target, JobContext()))
    assert [len(page) for page in pages] == [1000, 1, 1]
    assert pages[-1] == ["Bounced@shop.example"]
    with pytest.raises(FixSettings):
        list(bench.destination().unsubscribed(bench.gone_audience(), JobContext()))


class TestConformance(SegmentDestinationSuite):
    numbers_of_the_vendor = ("/TAG-ID",)
    previews_who_is_there = True

    @pytest.mark.skipif(not os.environ.get("SENDOFF_VENDOR_SPECS"), reason="SENDOFF_VENDOR_SPECS names no descriptions")
    def test_requests_fit_the_vendors_description(self, bench: Bench) -> None:
        bench.destination().test(JobContext())
        assert list(bench.destination().unsubscribed(bench.target, JobContext())) == []
        bench.destination().choices("audience_id", JobContext())
        bench.destination().choices("tag_id", JobContext())
        bench.destination().fields(bench.target, JobContext())
        with bench.destination().session(
            {**bench.target, "skip_merge_validation": "yes"}, "VIP", SyncMode.UPDATE
        ) as it:
            it.send([bench.member(1), bench.refused_member(2)], JobContext())
            it.send([bench.member(1, **{"POINTS:number": "7", "ADDRESS:city": "Oslo"})], JobContext())
            it.confirm(JobContext())
        tag_id = bench.destination().choices("tag_id", JobContext())[0].id
        with bench.destination().session(
            {**bench.target, "tag_id": tag_id, "status": "pending"}, "VIP", SyncMode.UPDATE
        ) as it:
            it.send([bench.member(3)], JobContext())
            it.remove([bench.member(3)], JobContext())
            it.holds([bench.member(3)], JobContext())
            it.confirm(JobContext())
        assert bench.emulator.validated > 20
        assert bench.emulator.violations == []


class TestNobodyIsSubscribedAgain:
    @pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "transactional", "pending", "subscribed"])
    @pytest.mark.parametrize("mode", [SyncMode.UPDATE, SyncMode.ADD])
    def test_status_of_existing_contacts_stays(
        self, bench: Bench, audience: Audience, status: str, mode: SyncMode
    ) -> None:
        audience.put("old@shop.example", status)
        outcome = send(bench, person("Old@shop.example", first_name="New"), mode=mode)[0]
        expected = OutcomeKind.UPDATED if mode is SyncMode.UPDATE else OutcomeKind.UNCHANGED
        assert outcome.kind is expected
        assert audience.contacts["old@shop.example"].status == status
        named = audience.contacts["old@shop.example"].merge_fields.get("FNAME")
        assert named == ("New" if mode is SyncMode.UPDATE else None)

    def test_no_request_updates_with_a_status(self, bench: Bench, audience: Audience) -> None:
        audience.put("old@shop.example", "unsubscribed")
        send(bench, person("old@shop.example"), person("new@shop.example"))
        batches = [each.body for each in bench.emulator.requests if each.method == "POST" and "members" in each.body]
        assert len(batches) == 2
        for body in batches:
            has_status = ["status" in member for member in body["members"]]
            assert not any(has_status) if body["update_existing"] else all(has_status)

    def test_compliance_state(self, bench: Bench, audience: Audience) -> None:
        audience.compliance.add("gone@shop.example")
        outcome = send(bench, person("gone@shop.example"))[0]
        assert outcome.kind is OutcomeKind.REJECTED
        assert "unsubscribed, bounced or complained" in outcome.reason

    def test_status_of_new_contacts(self, bench: Bench, audience: Audience) -> None:
        send(bench, person("a@shop.example"), status="transactional")
        send(bench, person("b@shop.example"))
        send(bench, person("c@shop.example"), status="pending")
        assert audience.contacts["a@shop.example"].status == "transactional"
        assert audience.contacts["b@shop.example"].status == "subscribed"
        assert audience.contacts["c@shop.example"].status == "pending"

    def test_who_confirmed_stays_so_when_new_contacts_are_asked_to(self, bench: Bench, audience: Audience) -> None:
        audience.put("old@shop.example")
        send(bench, person("old@shop.example", first_name="New"), status="pending")
        assert audience.contacts["old@shop.example"].status == "subscribed"


class TestTags:
    def test_a_tag_is_made_once(self, bench: Bench, audience: Audience) -> None:
        send(bench, person("a@shop.example"))
        send(bench, person("b@shop.example"))
        assert [tag.name for tag in audience.tags] == ["VIP"]
        assert len(bench.delivered("VIP")) == 2

    def test_a_tag_on_a_later_page_is_found(self, bench: Bench, audience: Audience) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.ADD):
            pass
        for number in range(700):
            audience.tags.insert(0, type(audience.tags[0])(number, f"Tag {number}"))
        send(bench, person("a@shop.example"))
        assert len(audience.tags) == 701

    def test_another_name_for_the_tag(self, bench: Bench) -> None:
        send(bench, person("a@shop.example"), tag="Sendoff: {segment}")
        assert bench.delivered("Sendoff: VIP") == {"a@shop.example"}

    def test_answer_lost_after_the_tag_was_made(self, bench: Bench, audience: Audience) -> None:
        bench.emulator.fail("lost", method="POST", path="/segments", times=1)
        send(bench, person("a@shop.example"))
        assert [tag.name for tag in audience.tags] == ["VIP"]

    def test_everybody_with_the_tag_is_read_whatever_their_status(self, bench: Bench, audience: Audience) -> None:
        with bench.destination().session(bench.target, "VIP", SyncMode.ADD):
            pass
        tag = audience.tag("VIP")
        assert tag is not None
        for number in range(2300):
            status = ("subscribed", "unsubscribed", "cleaned", "transactional")[number % 4]
            audience.put(f"P{number}@Shop.example", status)
            tag.members.add(f"p{number}@shop.example")
        destination = bench.destination()
        assert isinstance(destination, ReadingDestination)
        pages = list(destination.read_members(bench.target, "VIP", JobContext()))
        assert [len(page) for page in pages] == [1000, 1000, 300]
        assert {each["email"] for page in pages for each in page} == {f"p{n}@shop.example" for n in range(2300)}

    def test_refused_members_are_not_tagged(self, bench: Bench) -> None:
        send(bench, person("a@fake.example"), person("b@shop.example"))
        assert bench.delivered("VIP") == {"b@shop.example"}

    @pytest.mark.parametrize(
        ("words", "kind"),
        [("x is gone from the list", OutcomeKind.REJECTED), ("x is already in this segment", OutcomeKind.ADDED)],
    )
    def test_what_the_tagging_refuses(self, bench: Bench, words: str, kind: OutcomeKind) -> None:
        errors = [{"email_addresses": ["B@shop.example"], "error": words}]
        reply = Reply(200, {"members_added": [], "errors": errors})
        with bench.destination().session(bench.target, "VIP", SyncMode.UPDATE) as session:
            bench.emulator.fail("reply", path="/segments/", times=1, reply=reply)
            outcomes = session.send([person("a@shop.example"), person("b@shop.example")], JobContext())
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ADDED, kind]
        assert outcomes[1].reason == (
            "" if kind is OutcomeKind.ADDED else f"The contact is in the audience, but was not tagged: {words}"
        )

    @pytest.mark.parametrize("status", ["subscribed", "transactional"])
    def test_confirm_counts_whoever_has_the_tag(self, bench: Bench, audience: Audience, status: str) -> None:
        audience.put("old@shop.example", "unsubscribed")
        with bench.destination().session({**bench.target, "status": status}, "VIP", SyncMode.UPDATE) as session:
            session.send([person("old@shop.example"), person("new@shop.example")], JobContext())
            told = session.confirm(JobContext())
            assert told == Confirmation("Mailchimp counts 2 contacts with the tag “VIP”.", 2)

    def test_who_has_not_confirmed_yet_is_not_counted(self, bench: Bench) -> None:
        with bench.destination().session({**bench.target, "status": "pending"}, "VIP", SyncMode.UPDATE) as session:
            session.send([person("new@shop.example")], JobContext())
            told = session.confirm(JobContext())
        assert told.members is None
        assert "Who has not confirmed yet is not among them." in told.sentence

    def test_tags_of_all_audiences_are_offered(self, bench: Bench, audience: Audience) -> None:
        send(bench, person("a@shop.example"))
        audience.tags.append(Tag(9, "Germans", type="saved"))
        other = bench.emulator.add_audience("f6a7b8c9d0", "Customers DE")
        other.tags.append(Tag(12, "Gold"))
        found = bench.destination().choices("tag_id", JobContext())
        assert [(each.id, each.name, each.detail, each.members) for each in found] == [
            (str(audience.tags[0].id), "VIP", "Newsletter", 1),
            ("12", "Gold", "Customers DE", 0),
        ]

    def test_a_chosen_tag_is_given(self, bench: Bench, audience: Audience) -> None:
        audience.tags.append(Tag(12, "Gold"))
        target = {**bench.target, "tag_id": "12"}
        assert bench.destination().place(target, "VIP", JobContext()) == Place(f"{AUDIENCE} Gold", there=True)
        shown = bench.destination().preview(target, "VIP", SyncMode.ADD, [person("a@shop.example")])
        assert shown[-1].url.endswith("/segments/12")
        send(bench, person("a@shop.example"), tag_id="12")
        assert bench.delivered("Gold") == {"a@shop.example"}
        assert [tag.name for tag in audience.tags] == ["Gold"]

    @pytest.mark.parametrize(
        ("tag_id", "code"), [("13", "no_audience"), ("9", "wrong_audience"), ("../ping", "no_audience")]
    )
    def test_a_tag_nobody_can_be_given_is_refused_before_anything_is_sent(
        self, bench: Bench, audience: Audience, tag_id: str, code: str
    ) -> None:
        audience.tags.append(Tag(9, "Germans", type="saved"))
        bench.emulator.add_audience("f6a7b8c9d0", "Customers DE").tags.append(Tag(13, "Elsewhere"))
        with pytest.raises(FixSettings) as caught:
            send(bench, person("a@shop.example"), tag_id=tag_id)
        assert caught.value.code == code
        assert audience.contacts == {}


class TestRejects:
    @pytest.mark.parametrize(
        ("email", "words"),
        [
            ("no-at-sign", "does not accept this e-mail address"),
            ("x@fake.example", "invented"),
            ("abuse@shop.example", "role"),
            ("deleted@shop.example", "deleted for good"),
        ],
    )
    def test_addresses(self, bench: Bench, audience: Audience, email: str, words: str) -> None:
        audience.deleted.add("deleted@shop.example")
        outcome = send(bench, person(email))[0]
        assert outcome.kind is OutcomeKind.REJECTED
        assert outcome.field == "email"
        assert words in outcome.reason
        assert email not in outcome.reason

    def test_required_field(self, bench: Bench, audience: Audience) -> None:
        audience.merge_fields.append(TheirField("SHOP", "Shop", required=True))
        refused = send(bench, person("a@shop.example"))[0]
        assert (refused.kind, refused.field) == (OutcomeKind.REJECTED, "SHOP")
        accepted = send(bench, person("a@shop.example"), skip_merge_validation="yes")[0]
        assert accepted.kind is OutcomeKind.ADDED

    def test_value_mailchimp_refuses(self, bench: Bench) -> None:
        outcome = send(bench, person("a@shop.example", **{"ADDRESS:city": "Oslo"}))[0]
        assert outcome.field == "ADDRESS"
        assert "complete address" in outcome.reason

    def test_value_we_refuse_ourselves(self, bench: Bench) -> None:
        outcomes = send(bench, person("a@shop.example", **{"BIRTHDAY:birthday": "soon"}), person("b@shop.example"))
        assert [outcome.kind for outcome in outcomes] == [OutcomeKind.INVALID, OutcomeKind.ADDED]
        assert outcomes[0].field == "BIRTHDAY:birthday"

    def test_a_plan_that_is_used_up(self, bench: Bench, audience: Audience) -> None:
        audience.most = 1
        first, second = send(bench, person("a@shop.example"), person("b@shop.example"))
        assert (first.kind, second.kind) == (OutcomeKind.ADDED, OutcomeKind.REJECTED)
        assert second.reason == (
            "The Mailchimp account holds as many contacts as its plan allows. "
            "Mailchimp says: You've reached your contact limit. Upgrade your plan to add more contacts."
        )

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("a@b.example has signed up to a lot of lists very recently; we're not allowing more signups", "blocks it"),
            ("a@b.example has bounced and cannot be resubscribed.", "unsubscribed, bounced or complained"),
            ("Duplicate items found for a@b.example", "has this address"),
            ("a@b.example is an invalid email address and cannot be imported.", "as valid"),
            ("The domain portion of the email address is invalid (the portion after the @: b)", "as valid"),
        ],
    )
    def test_what_mailchimp_is_reported_to_say(self, said: str, words: str) -> None:
        why = refusal(ContactError("a@b.example", said, "ERROR_GENERIC"))
        assert words in why.reason
        assert "a@b.example" not in why.reason
        assert why.fix

    def test_unknown_error_is_shown_in_the_vendors_words(self) -> None:
        why = refusal(ContactError("a@b.example", "a@b.example  has three heads", "ERROR_GENERIC"))
        assert why.reason == "Mailchimp says: the address has three heads"

    def test_an_error_that_names_nobody_explains_whom_nothing_else_was_said_of(self, bench: Bench) -> None:
        error = {"error": "This contact has three heads", "error_code": "ERROR_GENERIC"}
        known = {"new_members": [{"email_address": "a@shop.example"}], "errors": [error]}
        bench.emulator.fail(
            "reply", method="POST", path=f"/lists/{AUDIENCE}", after=1, times=1, reply=Reply(200, known)
        )
        bench.emulator.fail("reply", method="POST", path="/segments/", reply=Reply(200, {"errors": []}))
        outcomes = send(bench, person("a@shop.example"), person("b@shop.example"))
        assert [each.kind for each in outcomes] == [OutcomeKind.ADDED, OutcomeKind.REJECTED]
        assert "three heads" in outcomes[1].reason

    def test_a_member_nobody_spoke_of_is_a_reject(self, bench: Bench) -> None:
        bench.emulator.fail(
            "reply", method="POST", path=f"/lists/{AUDIENCE}", after=1, reply=Reply(200, {"errors": []})
        )
        outcome = send(bench, person("a@shop.example"))[0]
        assert outcome.kind is OutcomeKind.REJECTED
        assert "did not say" in outcome.reason


class TestMergeFields:
    def test_all_types_arrive(self, bench: Bench, audience: Audience) -> None:
        values = {
            "first_name": "Zoë",
            "last_name": "Ng",
            "BIRTHDAY:birthday": "1990-05-17",
            "SINCE:date": "2024-02-29T10:00:00",
            "POINTS:number": "12.5",
            "PHONE:phone": "+4791234567",
            "LEVEL:dropdown": "Gold",
            "CODE:us_zip": "30318",
            "ADDRESS:addr1": "Storgata 1",
            "ADDRESS:city": "Oslo",
            "ADDRESS:state": "Oslo",
            "ADDRESS:zip": "0155",
            "ADDRESS:country": "NO",
        }
        assert send(bench, person("a@shop.example", **values))[0].kind is OutcomeKind.ADDED
        assert audience.contacts["a@shop.example"].merge_fields == {
            "FNAME": "Zoë",
            "LNAME": "Ng",
            "BIRTHDAY": "05/17",
            "SINCE": "2024-02-29",
            "POINTS": 12.5,
            "PHONE": "+4791234567",
            "LEVEL": "Gold",
            "CODE": "30318",
            "ADDRESS": {"addr1": "Storgata 1", "city": "Oslo", "state": "Oslo", "zip": "0155", "country": "NO"},
        }

    def test_a_preview_has_all_types_as_they_are_sent(self, bench: Bench, audience: Audience) -> None:
        """Nobody is asked for the types: the ids of the fields tell them."""
        audience.merge_fields.append(TheirField("CALL", "Call", "phone", options={"phone_format": "US"}))
        values = {"BIRTHDAY:birthday": "1990-05-17", "POINTS:number": "12.5", "ADDRESS:addr1": "Storgata 1"}
        values |= {"ADDRESS:city": "Oslo", "ADDRESS:state": "Oslo", "ADDRESS:zip": "0155", "CODE:us_zip": "30318-1234"}
        member = person("Ann@shop.example", **values, **{"CALL:us_phone": "+14045550100"})
        offered = {each.id for each in bench.destination().fields(bench.target, JobContext())}
        assert values.keys() | {"CALL:us_phone"} <= offered
        [shown, _update, tagging] = bench.destination().preview(bench.target, "VIP", SyncMode.UPDATE, [member])
        send(bench, member)
        sent = [each for each in bench.emulator.requests if each.method == "POST"][-2:]
        assert [shown.body, tagging.body] == [each.raw.decode() for each in sent]
        assert '"CALL":"404-555-0100"' in shown.body

    def test_empty_values_change_nothing(self, bench: Bench, audience: Audience) -> None:
        audience.put("a@shop.example", FNAME="Before")
        send(bench, person("a@shop.example", first_name=None))
        assert audience.contacts["a@shop.example"].merge_fields["FNAME"] == "Before"

    def test_fields_are_discovered(self, bench: Bench, audience: Audience) -> None:
        audience.merge_fields += [TheirField(f"X{n}", f"Extra {n}", required=n == 0) for n in range(30)]
        found = {each.id: each for each in bench.destination().fields(bench.target, JobContext())}
        assert found["email"].required
        assert found["BIRTHDAY:birthday"].meaning == "birth_date"
        assert found["ADDRESS:zip"].meaning == "postal_code"
        assert found["X0"].required
        assert "X29" in found
        assert "FNAME" not in found
        assert found["CODE:us_zip"].meaning == "postal_code"
        address = next(each for each in audience.merge_fields if each.tag == "ADDRESS")
        address.required = True
        again = bench.destination().fields(bench.target, JobContext())
        needed = {each.id.partition(":")[2] for each in again if each.id.startswith("ADDRESS:") and each.required}
        assert needed == {"addr1", "city", "state", "zip"}
        relaxed = bench.destination().fields({**bench.target, "skip_merge_validation": "yes"}, JobContext())
        assert not next(each for each in relaxed if each.id == "X0").required

    def test_a_field_that_is_gone(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            send(bench, person("a@shop.example", GONE="1"))
        assert caught.value.code == "no_such_field"


class TestTraffic:
    def test_audiences_are_paged(self, bench: Bench) -> None:
        for number in range(1200):
            bench.emulator.add_audience(f"id{number}", f"Audience {number}")
        bench.emulator.audience.put("a@shop.example")
        found = bench.destination().choices("audience_id", JobContext())
        assert len(found) == 1201
        assert (found[0].name, found[0].members) == ("Newsletter", 1)
        assert bench.destination().choices("status", JobContext()) == []

    def test_an_audience_with_double_opt_in_says_so(self, bench: Bench, audience: Audience) -> None:
        audience.double_optin = True
        (found,) = bench.destination().choices("audience_id", JobContext())
        assert found.detail == f"{AUDIENCE}, double opt-in"

    def test_403_without_json_means_slow_down(self, bench: Bench, quick: None) -> None:
        page = Reply(403, raw=b"<html>Forbidden</html>", content_type="text/html")
        bench.emulator.fail("reply", method="POST", times=2, reply=page)
        assert send(bench, person("a@shop.example"))[0].kind is OutcomeKind.ADDED
        assert len(bench.slowed) == 2

    @pytest.mark.parametrize("html", [False, True])
    def test_too_many_connections_are_survived(self, bench: Bench, quick: None, html: bool) -> None:
        bench.emulator.simultaneous_allowed = 2
        bench.emulator.crowded_with_html = html
        bench.emulator.fail("latency", method="POST", seconds=0.02)
        results: list[OutcomeKind] = []

        def work(number: int) -> None:
            results.append(send(bench, person(f"p{number}@shop.example"))[0].kind)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [OutcomeKind.ADDED] * 4
        assert len(bench.emulator.audience.tags) == 1

    def test_a_viewer_may_not_write(self, bench: Bench) -> None:
        bench.emulator.role = "viewer"
        assert bench.destination().test(JobContext()).missing_rights == ("add and update members",)

    def test_key_of_another_data_centre(self, bench: Bench) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination(key="f" * 32 + "-us1").test(JobContext())
        assert caught.value.code == "data_centre"

    @pytest.mark.parametrize(
        ("status", "title", "detail", "code"),
        [
            (403, "User Disabled", "This account has been disabled.", "disabled"),
            (503, "Compliance Related", "This method has been disabled.", "under_review"),
            (403, "Forbidden", "You have reached your contact limit.", "plan_limit"),
            (403, "Forbidden", "You don't have permission to access this resource.", "http_403"),
        ],
    )
    def test_errors_a_person_can_mend(
        self, bench: Bench, quick: None, status: int, title: str, detail: str, code: str
    ) -> None:
        document = {"type": "", "title": title, "status": status, "detail": detail, "instance": ""}
        bench.emulator.fail("reply", method="POST", reply=Reply(status, document))
        with pytest.raises(SendoffError) as caught:
            send(bench, person("a@shop.example"))
        assert caught.value.code == code
        assert detail in caught.value.why

    def test_the_key_names_the_server(self, monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
        asked: list[str] = []

        def resolve(host: str, *_args: object, **_kwargs: object) -> None:
            asked.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "no")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setenv("NO_PROXY", "*")
        with pytest.raises(TryAgain) as caught:
            create(Settings({}, {"api_key": KEY})).test(JobContext())
        assert caught.value.code == "dns"
        assert set(asked) == {"us21.api.mailchimp.com"}

    @pytest.mark.parametrize(
        ("url", "key", "kind"),
        [
            ("", "", SignInAgain),
            ("", "0123", FixSettings),
            ("", "0123-../evil", FixSettings),
            ("http://api.mailchimp.example", KEY, FixSettings),
            ("ftp://x", KEY, FixSettings),
            ("https://user@x", KEY, FixSettings),
        ],
    )
    def test_bad_settings(self, url: str, key: str, kind: type[Exception]) -> None:
        with pytest.raises(kind):
            create(Settings({"api_url": url}, {"api_key": key})).test(JobContext())

    @pytest.mark.parametrize("audience_id", ["", " ", "a/../../ping", "a?count=1", "ä"])
    def test_no_audience_chosen(self, bench: Bench, audience_id: str) -> None:
        with pytest.raises(FixSettings) as caught:
            bench.destination().session({"audience_id": audience_id}, "VIP", SyncMode.ADD)
        assert caught.value.code == "no_audience"


class TestPreview:
    def test_equals_what_is_sent(self, bench: Bench, audience: Audience) -> None:
        member = person("a@shop.example", first_name="Zoë", **{"BIRTHDAY:birthday": "1990-05-17"})
        shown = bench.destination().preview(bench.target, "VIP", SyncMode.ADD, [member])
        send(bench, member, mode=SyncMode.ADD)
        posts = [
            each for each in bench.emulator.requests if each.method == "POST" and not each.path.endswith("/segments")
        ]
        assert [each.url.rpartition("/3.0")[2] for each in shown] == [
            each.path.removeprefix("/3.0").replace(str(audience.tags[0].id), "TAG-ID") for each in posts
        ]
        assert [json.loads(each.body) for each in shown] == [each.body for each in posts]
        assert all(each.headers["Authorization"] == "Basic ••••" for each in shown)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RETRY", Retry(attempts=30, first=0.01, longest=0.1))


class TestAsking:
    """Who is there as they would be sent; tests/destinations/conformance.py knows nothing of it, as few vendors can be asked."""

    def holds(self, bench: Bench, *members: Member, mode: SyncMode = SyncMode.UPDATE) -> list[bool]:
        with bench.destination().session(bench.target, "VIP", mode) as session:
            assert isinstance(session, AskingSession)
            return list(session.holds(members, JobContext()))

    def test_who_has_the_tag_and_the_values(self, bench: Bench, audience: Audience) -> None:
        ann, eve = person("Ann@shop.example", first_name="Ann"), person("eve@shop.example", first_name="Eve")
        send(bench, ann, eve)
        audience.put("zoe@shop.example", FNAME="Zoe")  # there, but without the tag
        changed = person("eve@shop.example", first_name="Eva")
        asked = (ann, changed, person("zoe@shop.example", first_name="Zoe"), person("gone@shop.example"), person(""))
        assert self.holds(bench, *asked) == [True, False, False, False, False]
        assert self.holds(bench, changed, mode=SyncMode.ADD) == [True]  # whoever is there is left as they are

    def test_an_address_is_compared_by_the_parts_that_are_sent(self, bench: Bench) -> None:
        parts = {"addr1": "1 High St", "city": "Oslo", "state": "Oslo", "zip": "0150"}
        home = person("a@shop.example", **{f"ADDRESS:{name}": value for name, value in parts.items()})
        send(bench, home)
        assert self.holds(bench, home) == [True]
        moved = person(
            "a@shop.example", **{f"ADDRESS:{name}": value for name, value in {**parts, "city": "Bergen"}.items()}
        )
        assert self.holds(bench, moved) == [False]

    def test_more_than_a_page(self, bench: Bench, audience: Audience) -> None:
        for start in range(0, 1_200, 400):
            send(bench, *(person(f"p{i}@shop.example") for i in range(start, start + 400)))
        assert all(self.holds(bench, *(person(f"p{i}@shop.example") for i in range(1_200))))
