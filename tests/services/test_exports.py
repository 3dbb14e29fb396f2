from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.connections import Access, Consent
from app.core.errors import FixData, FixSettings, NotAllowed, SendoffError, TryAgain
from app.core.export_documents import read_schedule
from app.core.exports import ExportKind, SyncMode
from app.core.matching import MatchKind
from app.core.roles import Role
from app.core.runs import Status
from app.core.segments import SegmentOf
from app.services.exports import ExportService
from tests.fakes import tiny
from tests.services.auditing import trail_of
from tests.store import samples

DATA_OUT = {
    "name": "Customer 360",
    "kind": "data-out",
    "connection": "Folder",
    "tables": [{"name": "Customer", "fields": ["Email"]}],
    "consent": {"agreed": True},
}


@pytest.fixture
def ready(house, tmp_path):
    house.connect()
    house.connect("Private", Access.ADMINS)
    folder = {"folder": str(tmp_path)}
    house.connections.add("Folder", "local-folder", folder, {}, Access.CONTRIBUTORS, agreed=True)
    return house


def test_apply_makes_then_changes(ready):
    made = ready.exports.apply(ready.document())
    assert (made.destination, made.sync) == ("tiny", SyncMode.ADD)  # the mode its destination prefers
    assert made.consent.by == ready.roles.person()
    ready.clock.forward(days=1)
    changed = ready.exports.apply(ready.document(name="NEWSLETTER", sync="update"))
    assert (changed.id, changed.name, changed.sync) == (made.id, "NEWSLETTER", SyncMode.UPDATE)
    assert (changed.consent, changed.created_at) == (made.consent, made.created_at)
    assert len(ready.exports.all()) == 1


def test_a_document_of_an_export_applies_to_the_same(ready):
    for document in (ready.document(), DATA_OUT):
        made = ready.exports.apply(document)
        assert ready.exports.apply(ready.exports.document(made.name)) == made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connection": "Nowhere"}, "no connection named “Nowhere”"),
        ({"connection": None}, "names no connection"),
        ({"connection": None, "destination": "nowhere"}, "“nowhere” is not known"),
        ({"destination": "local-folder"}, "not a connection to local-folder"),
        ({"segments": []}, "no segment"),
        ({"segments": ["Gold", "Silver"]}, "no segment named “Silver”"),
        ({"target": {}}, "“List” is not filled in"),
        ({"target": {"list": "l1", "x": "y"}}, "no export field “x”"),
        ({"match": {}}, "“E-mail address” has no field"),
        ({"match": {"email": "Nope.Email"}}, "no table named “Nope”"),
        ({"match": {"email": "Customer.Nope"}}, "no column “Nope”"),
        ({"match": {"email": "Customer.Email", "nope": "Customer.Email"}}, "no field “nope”"),
        ({"sync": "mirror"}, "sync mode “mirror”"),
        ({"connection": "Folder", "target": {}, "sync": "mirror"}, "its files are written whole with each run"),
        ({"consent": {"agreed": False}}, "Nobody agreed"),
        ({"connection": "Folder", "target": {}, "match": {}}, "No field is chosen"),
        ({"connection": "Folder", "target": {}, "layout": {"folder": "{nope}"}}, "{nope}"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_saved(ready, change, words):
    with pytest.raises(SendoffError) as raised:
        ready.exports.apply(ready.document(**change))
    assert words in str(raised.value)
    assert ready.exports.all() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connection": "Tiny one"}, "takes no tables"),
        ({"tables": []}, "no table"),
        ({"tables": ["Nope"]}, "no table named “Nope”"),
        ({"tables": [{"name": "customer", "fields": ["Nope"]}]}, "no column “Nope”"),
    ],
)
def test_what_is_wrong_with_tables(ready, change, words):
    with pytest.raises(FixSettings) as raised:
        ready.exports.apply(DATA_OUT | change)
    assert words in raised.value.why


def test_several_documents_are_all_or_nothing(ready):
    with pytest.raises(FixSettings):
        ready.exports.apply_all([ready.document(), DATA_OUT | {"tables": ["Nope"]}])
    with pytest.raises(FixData):
        ready.exports.apply_all([ready.document(), ready.document(name="newsletter")])
    assert ready.exports.all() == []
    assert len(ready.exports.apply_all([ready.document(), DATA_OUT])) == 2


def test_a_segment_that_is_not_eligible_is_told_and_only_alone_refused(ready):
    ready.store.segments.save(samples.segment("Firms", of=SegmentOf.ACCOUNTS))
    with pytest.raises(FixSettings) as raised:
        ready.exports.apply(ready.document(segments=["Firms"]))
    assert "business accounts" in raised.value.why
    made = ready.exports.apply(ready.document(segments=["Gold", "Firms"]))
    assert ready.exports.problems(made) == ["“Firms” is left out. Holds business accounts, not individual consumers."]


def test_problems_of_an_export_whose_world_changed(ready):
    ready.exports.apply(ready.document())
    assert ready.exports.problems("newsletter") == []
    ready.store.segments.remove(ready.store.segments.get("Gold").id)
    assert ready.exports.problems("Newsletter") == ["There is no segment named “Gold”."]
    renamed = ready.exports.rename("Newsletter", "Still mine")  # a broken export can still be renamed and removed
    assert renamed.name == "Still mine"
    ready.store.exports.save(replace(renamed, destination="gone"))
    assert "not known here" in ready.exports.problems("Still mine")[0]
    assert ready.exports.get("Still mine").description.name == "gone"


def test_rows_show_what_is_known(ready):
    export = ready.exports.apply(
        ready.document(schedule={"every": "day", "at": "13:00", "time_zone": "UTC"}, segments=["Gold"])
    )
    ready.exports.apply(DATA_OUT)
    [table_row, segment_row] = ready.exports.all()
    assert (table_row.rows, table_row.members, table_row.limit) == (1234, None, None)
    assert (segment_row.rows, segment_row.members, segment_row.limit) == (None, None, 1000)
    assert segment_row.next_due == datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert (segment_row.status, segment_row.latest, segment_row.permission) == (None, None, "edit")
    run = samples.run(export_id=export.id, status=Status.FAILED)
    ready.store.runs.add(run)
    assert ready.exports.get("Newsletter").status is Status.FAILED
    assert ready.exports.get("Newsletter").latest == run


def test_members_are_those_of_the_newest_counts(ready):
    ready.exports.apply(ready.document())
    asked = []

    def cached(segment, destination, audience, _keys):
        asked.append((segment, destination, audience))
        return samples.count(to_send=61_240)

    service = ExportService(
        ready.store,
        ready.roles,
        ready.exports._destinations,
        trail_of(ready.store),
        cached_count=cached,
        clock=ready.clock,
    )
    assert service.get("Newsletter").members == 61_240
    assert asked == [("Gold", "tiny", "")]


def test_copy_goes_by_hand_only(ready):
    made = ready.exports.apply(ready.document(schedule={"every": "day", "at": "13:00", "time_zone": "UTC"}))
    copied = ready.exports.copy("Newsletter", "Newsletter two")
    assert copied.id != made.id
    assert copied.schedule is None
    assert (copied.match, copied.connection, copied.consent) == (made.match, made.connection, made.consent)
    with pytest.raises(FixSettings) as raised:
        ready.exports.copy("Newsletter", "newsletter TWO")
    assert raised.value.code == "name_taken"


def test_detach_pauses_and_attach_brings_back(ready):
    ready.exports.apply(ready.document(schedule={"every": "day", "at": "13:00", "time_zone": "UTC"}))
    ready.exports.detach("Newsletter")
    row = ready.exports.get("Newsletter")
    assert (row.connection, row.status, row.next_due) == (None, Status.NO_CONNECTION, None)
    assert row.export.schedule is not None
    document = ready.exports.document("Newsletter")
    assert (document["connection"], document["destination"]) == (None, "tiny")
    assert ready.exports.apply(document).connection is None
    with pytest.raises(FixSettings) as raised:
        ready.exports.attach("Newsletter", "Folder")
    assert raised.value.code == "other_destination"
    ready.exports.attach("Newsletter", "tiny ONE", agreed=True)
    assert ready.exports.get("Newsletter").connection.name == "Tiny one"
    assert ready.exports.problems("Newsletter") == []


def test_a_consent_counts_for_the_connection_it_was_given_for(ready):
    first = ready.exports.apply(ready.document()).consent
    ready.connect("Tiny two")
    assert ready.exports.attach("Newsletter", "Tiny one").consent == first
    ready.clock.forward(days=3)
    assert ready.exports.attach("Newsletter", "Tiny two").consent is None
    assert any("agreed" in problem for problem in ready.exports.problems("Newsletter"))
    agreed = ready.exports.attach("Newsletter", "Tiny two", agreed=True).consent
    assert agreed == Consent(ready.roles.person(), ready.clock.now)
    assert ready.exports.attach("Newsletter", "Tiny two", agreed=True).consent == agreed
    assert ready.exports.problems("Newsletter") == []
    ready.exports.detach("Newsletter")
    assert ready.exports.attach("Newsletter", "Tiny one").consent is None


def test_undoing_a_detach_brings_the_consent_back(ready):
    made = ready.exports.apply(ready.document())
    detached = ready.exports.detach("Newsletter")
    assert ready.exports.save(replace(detached, connection=made.connection)) == made


DAILY = {"every": "day", "at": "08:00", "time_zone": "UTC"}


def apply_schedule(house):
    return house.exports.apply(house.document(schedule=DAILY))


def save_schedule(house):
    return house.exports.save(replace(house.exports.get("Newsletter").export, schedule=read_schedule(DAILY, "It")))


def attach_again(house):
    apply_schedule(house)
    house.exports.detach("Newsletter")
    house.clock.forward(hours=24)
    return house.exports.attach("Newsletter", "Tiny one", agreed=True)


def put_back_later(house):
    apply_schedule(house)
    removed = house.exports.remove("Newsletter")
    house.clock.forward(hours=24)
    return house.exports.put_back(removed)


@pytest.mark.parametrize("begin", [apply_schedule, save_schedule, attach_again, put_back_later])
def test_no_due_time_from_before_a_schedule_began_is_caught_up(ready, begin):
    made = ready.exports.apply(ready.document())
    ready.store.schedule_marks.set(made.id, ready.clock.now - timedelta(days=2))  # somebody looked two days ago
    export = begin(ready)
    assert ready.store.schedule_marks.get(export.id) == ready.clock.now


def test_a_change_of_something_else_still_catches_up(ready):
    made = apply_schedule(ready)
    looked = ready.store.schedule_marks.get(made.id)
    ready.clock.forward(days=2)
    ready.exports.apply(ready.document(schedule=DAILY, sync="update", target={"list": "l2"}))
    ready.exports.rename("Newsletter", "Weekly")
    assert ready.store.schedule_marks.get(made.id) == looked


def test_remove_and_put_back(ready):
    made = ready.exports.apply(ready.document())
    removed = ready.exports.remove("Newsletter")
    with pytest.raises(FixData) as raised:
        ready.exports.get("Newsletter")
    assert raised.value.code == "no_export"
    assert ready.exports.put_back(removed) == made


def test_a_running_export_is_not_removed(ready):
    made = ready.exports.apply(ready.document())
    ready.store.runs.add(samples.run(export_id=made.id, status=Status.QUEUED))
    with pytest.raises(FixSettings) as raised:
        ready.exports.remove("Newsletter")
    assert raised.value.code == "running"


def test_saving_from_a_wizard_keeps_the_consent_given_before(ready):
    made = ready.exports.apply(ready.document())
    ready.clock.forward(days=3)
    edited = replace(made, consent=replace(made.consent, by="somebody", at=ready.clock.now), sync=SyncMode.UPDATE)
    assert ready.exports.save(edited).consent == made.consent
    with pytest.raises(TryAgain) as raised:
        ready.exports.save(edited)  # made from the revision before
    assert raised.value.code == "changed_elsewhere"


def test_saving_on_a_connection_that_is_gone(ready):
    made = ready.exports.apply(ready.document())
    with pytest.raises(FixSettings):
        ready.exports.save(replace(made, connection="gone"))


def test_guessing_the_match(ready):
    fields = tiny.description().fields
    guesses = ready.exports.auto_match(["gold"], fields)
    assert (str(guesses["email"].field), guesses["email"].kind) == ("Customer.Email", MatchKind.EXACT)
    assert (str(guesses["first_name"].field), guesses["first_name"].kind) == ("Customer.Vorname", MatchKind.LIKELY)
    ready.store.segments.save(samples.segment("Firms", of=SegmentOf.ACCOUNTS))
    assert ready.exports.auto_match(["Firms"], fields) == {}


def test_contributors_work_on_shared_connections_only(ready):
    shared = ready.exports.apply(ready.document())
    private = ready.exports.apply(ready.document(name="Private export", connection="Private"))
    ready.role(Role.CONTRIBUTOR)
    rows = {row.export.name: row for row in ready.exports.all()}
    assert rows["Newsletter"].permission == "edit"
    assert rows["Private export"].permission == "view"
    assert rows["Private export"].connection.settings == {}
    assert ready.exports.apply(ready.document(sync="update")).id == shared.id
    for attempt in (
        lambda: ready.exports.apply(ready.document(name="Private export")),
        lambda: ready.exports.save(replace(private, sync=SyncMode.UPDATE)),
        lambda: ready.exports.save(replace(private, connection=shared.connection)),
        lambda: ready.exports.copy("Private export", "Mine"),
        lambda: ready.exports.rename("Private export", "Mine"),
        lambda: ready.exports.detach("Private export"),
        lambda: ready.exports.remove("Private export"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    with pytest.raises(FixData) as raised:  # it may not even know that there is one
        ready.exports.apply(ready.document(name="New", connection="Privat"))
    assert "Private" not in str(raised.value)
    with pytest.raises(FixData, match="There is no connection named"):
        ready.exports.apply(ready.document(name="New", connection="Private"))
    assert ready.store.exports.by_id(private.id) == private


def test_viewers_change_nothing(ready):
    made = ready.exports.apply(ready.document())
    ready.role(Role.VIEWER)
    assert [row.permission for row in ready.exports.all()] == ["view"]
    for attempt in (
        lambda: ready.exports.apply(ready.document()),
        lambda: ready.exports.apply(ready.document(name="New")),
        lambda: ready.exports.save(made),
        lambda: ready.exports.copy("Newsletter", "Mine"),
        lambda: ready.exports.detach("Newsletter"),
        lambda: ready.exports.remove("Newsletter"),
        lambda: ready.exports.put_back(made),
    ):
        with pytest.raises(SendoffError):
            attempt()
    assert ready.store.exports.all() == (made,)


def test_kinds_are_told_apart(ready):
    ready.exports.apply(DATA_OUT)
    assert ready.exports.get("Customer 360").export.kind is ExportKind.DATA_OUT
