from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from app.core.audit import Area, AuditFilter, Deed, Subject
from app.core.connections import Access
from app.core.errors import FixData, FixSettings, NotAllowed
from app.core.roles import Role
from app.core.runs import Status, Trigger
from app.services.audit import _ENDS, AuditService
from tests.services.conftest import KEY
from tests.store import samples


@pytest.fixture
def audit(house):
    return AuditService(house.store, house.roles, clock=house.clock)


def entries(house, **wanted):
    return house.store.audit.page(AuditFilter(**wanted), 100).entries


def test_an_export_leaves_what_changed_and_who_did_it(house):
    house.connect()
    schedule = {"every": "day", "at": "05:35", "time_zone": "Europe/Berlin"}
    made = house.exports.apply(house.document(schedule=schedule))
    house.exports.apply(house.document(schedule={**schedule, "at": "06:00"}))
    house.exports.apply(house.document(schedule={**schedule, "at": "06:00"}))  # nothing new: no entry
    house.exports.detach("Newsletter")
    house.exports.put_back(house.exports.remove("Newsletter"))
    told = entries(house, area=Area.EXPORTS)
    assert [entry.deed for entry in told] == [
        Deed.EXPORT_PUT_BACK,
        Deed.EXPORT_REMOVED,
        Deed.EXPORT_CHANGED,
        Deed.EXPORT_CHANGED,
        Deed.EXPORT_ADDED,
    ]
    moved = told[3]
    assert (moved.name, moved.subject_id, moved.person, moved.role) == ("Newsletter", made.id, "somebody", Role.ADMIN)
    assert moved.at == house.clock.now
    assert (moved.before["schedule.at"], moved.after["schedule.at"]) == ("05:35", "06:00")
    assert moved.after["schedule.time_zone"] == "Europe/Berlin"
    assert "match.email" not in moved.after
    assert told[2].before["connection"] == "Tiny one"


def test_a_connection_leaves_no_secret(house):
    house.connect()
    house.connections.edit("Tiny one", secrets={"key": f"{KEY}-two"})
    house.connections.share("Tiny one", Access.ADMINS)
    house.connections.put_back(house.connections.remove("Tiny one"))
    told = entries(house, area=Area.CONNECTIONS)
    assert [entry.deed for entry in told[::-1]] == [
        Deed.CONNECTION_ADDED,
        Deed.CONNECTION_CHANGED,
        Deed.CONNECTION_CHANGED,
        Deed.CONNECTION_REMOVED,
        Deed.CONNECTION_PUT_BACK,
    ]
    assert told[3].after["secret.key"] == "replaced"
    assert told[2].after["access"] == "admins"
    assert "Secr3t" not in str(told)


def test_secrets_and_people_that_slip_into_a_text_are_hidden(house):
    audit = AuditService(house.store, house.roles, redact=lambda text: text.replace("hunter2", "•••"))
    audit.record(
        Deed.SETTING_CHANGED, Subject.WORKSPACE, "nora@example.com", note="hunter2", former='{"to": "nora@example.com"}'
    )
    (entry,) = entries(house)
    assert (entry.name, entry.note, entry.former) == ("…", "•••", "")


def test_contributors_do_not_see_security_and_viewers_nothing(house, audit):
    audit.record(Deed.WRONG_PASSPHRASE, Subject.COMPUTER, note="1 of 3 tries")
    audit.record(Deed.SEGMENT_ADDED, Subject.SEGMENT, "Gold")
    assert audit.numbers().total == 2
    secret = audit.page(AuditFilter(area=Area.SECURITY)).entries[0]
    assert audit.get(secret.id) == secret
    house.role(Role.CONTRIBUTOR)
    assert [entry.deed for entry in audit.page().entries] == [Deed.SEGMENT_ADDED]
    assert Area.SECURITY not in audit.numbers().by_area
    with pytest.raises(FixData):
        audit.get(secret.id)
    house.role(Role.VIEWER)
    for look in (audit.page, audit.numbers, audit.people):
        with pytest.raises(NotAllowed):
            look()


def test_each_end_of_a_run_has_a_deed():
    assert {status for status in Status if status.ended} == set(_ENDS)


def test_the_same_look_at_values_is_one_entry(house, audit):
    for seconds in (0, 19, 1):
        house.clock.forward(seconds=seconds)
        audit.values_shown(Subject.SEGMENT, "Gold", subject_id="s", note="8 members")
    audit.values_shown(Subject.SEGMENT, "Silver", subject_id="s2")
    assert [entry.name for entry in entries(house)] == ["Silver", "Gold", "Gold"]


def test_a_run_that_ended_names_who_set_up_its_schedule(house, audit):
    house.connect()
    export = house.exports.apply(house.document(schedule={"every": "day", "at": "05:35", "time_zone": "UTC"}))
    run = samples.run(export_id=export.id, trigger=Trigger.SCHEDULE, status=Status.FAILED)
    audit.run_ended(run)
    audit.run_ended(replace(run, status=Status.SUCCESSFUL, error=None, trigger=Trigger.PERSON))
    by_hand, scheduled = entries(house, area=Area.RUNS)
    assert (scheduled.deed, scheduled.person, scheduled.by_schedule) == (Deed.RUN_FAILED, "somebody", True)
    assert scheduled.note == "It stopped."
    assert (by_hand.deed, by_hand.person, by_hand.by_schedule) == (Deed.RUN_FINISHED, house.roles.person(), False)
    assert by_hand.note == "5 added"


def test_what_is_saved_is_what_the_filter_finds(house, audit, tmp_path):
    for number in range(450):
        audit.record(Deed.SEGMENT_ADDED, Subject.SEGMENT, f"=S{number}", after={"of": "customers"})
    audit.record(Deed.RUN_FAILED, Subject.RUN, "Newsletter", note="Sign-in expired")
    wanted = AuditFilter(area=Area.DATA)
    assert audit.save(tmp_path / "trail.json", wanted) == 450
    told = json.loads((tmp_path / "trail.json").read_text("utf-8"))
    assert len(told) == 450
    assert told[0]["name"] == "=S449"
    assert told[0]["time"] == house.clock.now.isoformat()
    assert audit.save(tmp_path / "trail.csv", wanted) == 450
    with (tmp_path / "trail.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 450
    assert rows[0]["name"] == "'=S449"
    assert json.loads(rows[0]["after"]) == {"of": "customers"}
    assert audit.save(tmp_path / "none.json", AuditFilter(text="nothing like it")) == 0
    assert json.loads((tmp_path / "none.json").read_text("utf-8")) == []
    assert not [*tmp_path.glob(".*.part")]
    with pytest.raises(FixSettings):
        audit.save(tmp_path / "nowhere" / "trail.csv")
