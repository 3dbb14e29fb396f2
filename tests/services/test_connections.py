from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.connections import Access, Connection, HealthState, TestResult, UnknownHostKey
from app.core.errors import FixData, FixSettings, NotAllowed, SignInAgain, TryAgain
from app.core.roles import Role
from app.core.runs import Status
from app.jobs import Cancelled
from app.services.connection_forms import InvalidSettings
from tests.fakes import tiny
from tests.services.conftest import KEY
from tests.store import samples

AT_ONCE = timedelta(days=-36_500)
"""Whatever was removed until now was removed before that; the house has a clock of its own, the store the real one."""


def test_a_connection_is_saved_and_its_secret_lies_in_the_keyring_only(house):
    connection = house.connect()
    assert house.secrets.kept == {(connection.id, "key"): KEY}
    assert connection.settings == {"host": "tiny.example"}
    assert connection.secrets == {"key"}
    assert connection.consent.by == house.roles.person()
    assert connection.health.state is HealthState.NOT_TESTED
    house.store.close()
    files = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
    assert b"tiny.example" in files  # the scan would find it
    for spelling in (KEY, "Secr3t", KEY.encode("unicode_escape").decode()):
        assert spelling.encode() not in files
    with closing(sqlite3.connect(house.folder / "workspace.db")) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = str([database.execute(f"SELECT * FROM {table}").fetchall() for table in tables])
    assert "Secr3t" not in rows
    assert house.masked == [KEY]


@pytest.mark.parametrize(
    ("settings", "secrets", "wrong"),
    [
        ({}, {}, {"host": "Host is needed.", "key": "Key is needed."}),
        ({"host": "A1"}, {"key": KEY}, {"host": "2 characters; only a–z and dots."}),
        ({"host": "a", "port": "x"}, {"key": KEY}, {"port": "Port must be a whole number."}),
        ({"host": "a", "sign_in": "pin"}, {}, {"sign_in": "Signs in with must be one of: key, token."}),
        ({"host": "a", "sign_in": "token"}, {}, {"token": "Token is needed."}),
        ({"host": "a", "sign_in": "token"}, {"token": "t", "key": "no check, not shown"}, {}),
        ({"host": " a "}, {"key": "abcd-1"}, {}),
        ({"host": "a"}, {"key": "ab"}, {"key": "Keys have four letters and a dash; this one has 2 characters."}),
        ({"host": "a", "nope": "1"}, {"key": KEY}, {"nope": "Tiny has no setting “nope”."}),
        ({"host": "a", "key": KEY}, {}, {"key": "Key is a secret and is entered as one."}),
        ({}, {"key": KEY, "host": "a"}, {"host": "Host is a setting, not a secret."}),
    ],
)
def test_the_form_is_checked_from_the_description(house, settings, secrets, wrong):
    assert house.connections.validate("tiny", settings, secrets) == wrong


def test_an_invalid_form_is_neither_tested_nor_saved(house):
    with pytest.raises(InvalidSettings) as raised:
        house.connections.add("A", "tiny", {}, {}, Access.ADMINS, agreed=True)
    assert set(raised.value.fields) == {"host", "key"}
    with pytest.raises(InvalidSettings):
        house.connections.test_draft("tiny", {}, {}, None, house.ctx)
    assert tiny.script.seen == []
    assert house.connections.all() == []


def test_a_draft_is_tested_with_defaults_and_nothing_is_kept(house):
    result = house.connections.test_draft("tiny", {"host": " a.b "}, {"key": KEY}, None, house.ctx)
    assert result.reached == "Tiny at a.b:99"
    assert house.secrets.kept == {}
    assert house.connections.all() == []
    assert tiny.script.seen[0].secrets == {"key": KEY}
    assert KEY not in repr(tiny.script.seen[0])
    assert house.masked == [KEY]


def test_a_draft_of_an_edit_uses_stored_secrets_that_are_not_typed(house):
    connection = house.connect()
    house.connections.test_draft("tiny", {"host": "b"}, {}, connection.id, house.ctx)
    house.connections.test_draft("tiny", {"host": "b"}, {"key": "abcd-new"}, connection.id, house.ctx)
    house.connections.test_draft("tiny", {"host": "b", "sign_in": "token"}, {"token": "t"}, connection.id, house.ctx)
    assert [dict(seen.secrets) for seen in tiny.script.seen] == [{"key": KEY}, {"key": "abcd-new"}, {"token": "t"}]


def test_an_unknown_server_passes_through_untouched(house):
    house.connect()
    unknown = UnknownHostKey("tiny.example", "ssh-ed25519", "SHA256:abc", "ssh-ed25519 AAAA")
    tiny.script.error = unknown
    with pytest.raises(UnknownHostKey) as raised:
        house.connections.test_draft("tiny", {"host": "a"}, {"key": KEY}, None, house.ctx)
    assert raised.value is unknown
    with pytest.raises(UnknownHostKey) as raised:
        house.connections.test("Tiny one", house.ctx)
    assert raised.value is unknown
    assert (unknown.host, unknown.fingerprint, unknown.key) == ("tiny.example", "SHA256:abc", "ssh-ed25519 AAAA")


def test_consent_is_required(house):
    with pytest.raises(FixSettings) as raised:
        house.connections.add("A", "tiny", {"host": "a"}, {"key": KEY}, Access.ADMINS, agreed=False)
    assert raised.value.code == "consent"
    assert house.secrets.kept == {}


def test_without_a_keyring_nothing_is_saved_but_what_needs_no_secret_is(house, tmp_path):
    house.secrets.works = False
    with pytest.raises(FixSettings) as raised:
        house.connect()
    assert raised.value.code == "keyring_missing"
    assert house.connections.all() == []
    folder = {"folder": str(tmp_path)}
    house.connections.add("Folder", "local-folder", folder, {}, Access.ADMINS, agreed=True)
    house.connections.edit("Folder", new_name="Folder two")
    house.connections.purge(house.connections.remove("Folder two"))
    assert house.store.connections.removed() == ()


def test_when_the_row_can_not_be_saved_the_secret_is_taken_out_again(house, monkeypatch):
    def full(_connection):
        raise TryAgain("The drive is full.", code="disk_full")

    monkeypatch.setattr(house.store.connections, "save", full)
    with pytest.raises(TryAgain):
        house.connect()
    assert house.secrets.kept == {}


def test_when_a_secret_can_not_be_kept_no_row_and_no_other_secret_stay(house):
    house.secrets.refuse_after = 0
    with pytest.raises(TryAgain):
        house.connect()
    assert house.secrets.kept == {}
    assert house.store.connections.all() == ()


def test_a_failed_edit_puts_the_old_secret_back(house, monkeypatch):
    connection = house.connect()
    house.connect("Tiny two")
    with pytest.raises(FixSettings) as raised:
        house.connections.edit("Tiny one", new_name="TINY TWO", secrets={"key": "abcd-new"})
    assert raised.value.code == "name_taken"
    assert house.secrets.kept[connection.id, "key"] == KEY


def test_a_second_name_is_refused_before_the_keyring_is_touched(house):
    house.connect()
    probes = house.secrets.probes
    with pytest.raises(FixSettings) as raised:
        house.connect("TINY ONE")
    assert raised.value.code == "name_taken"
    assert house.secrets.probes == probes


def test_editing_keeps_replaces_and_drops_secrets(house):
    connection = house.connect()
    edited = house.connections.edit("Tiny one", new_name="Renamed", settings={"host": "b"}, access=Access.ADMINS)
    assert (edited.id, edited.name, edited.settings) == (connection.id, "Renamed", {"host": "b"})
    assert edited.access is Access.ADMINS
    assert house.secrets.kept == {(connection.id, "key"): KEY}
    house.connections.edit("Renamed", secrets={"key": "abcd-new"})
    assert house.secrets.kept == {(connection.id, "key"): "abcd-new"}
    switched = house.connections.edit("Renamed", settings={"host": "b", "sign_in": "token"}, secrets={"token": "t"})
    assert switched.secrets == {"token"}
    assert house.secrets.kept == {(connection.id, "token"): "t"}


def test_health_follows_tests_and_changes(house):
    house.connect()
    tested = TestResult("Tiny", 3)
    assert house.connections.edit("Tiny one", tested=tested).health.state is HealthState.HEALTHY
    assert house.connections.edit("Tiny one", new_name="Tiny two").health.state is HealthState.HEALTHY
    assert house.connections.edit("Tiny two", settings={"host": "b"}).health.state is HealthState.NOT_TESTED
    assert house.connections.test("Tiny two", house.ctx).reached == "Tiny at b:99"
    health = house.connections.get("Tiny two").health
    assert (health.state, health.tested_at, health.sentence) == (HealthState.HEALTHY, house.clock.now, "")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SignInAgain("Refused."), HealthState.SIGN_IN_EXPIRED),
        (TryAgain("Offline."), HealthState.FAILED),
        (ValueError(KEY), HealthState.FAILED),
    ],
)
def test_a_failed_test_is_remembered_without_its_details(house, error, state):
    house.connect()
    tiny.script.error = error
    with pytest.raises(type(error)):
        house.connections.test("Tiny one", house.ctx)
    health = house.connections.get("Tiny one").health
    assert health.state is state
    assert health.sentence
    assert KEY not in health.sentence


def test_a_cancelled_test_changes_nothing(house):
    house.connect()
    tiny.script.error = Cancelled()
    with pytest.raises(Cancelled):
        house.connections.test("Tiny one", house.ctx)
    assert house.connections.get("Tiny one").health.state is HealthState.NOT_TESTED


def test_a_secret_that_is_not_on_this_computer(house):
    house.connect()
    house.secrets.kept.clear()
    assert house.connections.secrets_missing("Tiny one") == ["key"]
    with pytest.raises(SignInAgain) as raised:
        house.connections.test("Tiny one", house.ctx)
    assert raised.value.code == "secret_missing"
    assert house.connections.get("Tiny one").health.state is HealthState.SECRET_MISSING
    house.connections.edit("Tiny one", secrets={"key": KEY})
    assert house.connections.secrets_missing("tiny ONE") == []


def test_choices_and_fields_are_asked_of_the_target(house):
    house.connect()
    assert house.connections.choices("Tiny one", "list", house.ctx)[0].name == "list one"
    assert house.connections.target_fields("Tiny one", {"list": "l1"}, house.ctx)[-1].name == "Extra of l1"


def test_an_unused_connection_goes_at_once_and_comes_back_with_its_secret(house):
    connection = house.connect()
    removed = house.connections.remove("Tiny one")
    assert house.connections.all() == []
    assert house.secrets.kept
    house.connections.purge_removed(timedelta(hours=24))
    assert house.connections.put_back(removed) == connection
    assert house.connections.test("Tiny one", house.ctx)
    house.connections.remove("Tiny one")
    house.connections.purge_removed(AT_ONCE)
    assert house.secrets.kept == {}
    assert house.store.connections.removed() == ()


def test_deleting_one_for_good_leaves_what_can_still_be_put_back(house):
    house.connect()
    removed = house.connections.remove("Tiny one")
    other = house.connections.add("Folder", "local-folder", {"folder": "/tmp"}, {}, Access.ADMINS, agreed=True)
    house.connections.purge(house.connections.remove(other.name))
    assert house.connections.put_back(removed).name == "Tiny one"
    assert house.connections.test("Tiny one", house.ctx)


def test_a_connection_stays_for_the_next_time_when_the_keyring_can_not_forget(house):
    house.connect()
    house.connections.remove("Tiny one")
    house.secrets.works = False
    with pytest.raises(FixSettings):
        house.connections.purge_removed(AT_ONCE)
    house.secrets.works = True
    house.connections.purge_removed(AT_ONCE)
    assert house.secrets.kept == {}
    assert house.store.connections.removed() == ()


def test_a_used_connection_names_its_exports(house):
    house.connect()
    house.exports.apply(house.document())
    assert house.connections.get("Tiny one").used_by == ("Newsletter",)
    with pytest.raises(FixSettings) as raised:
        house.connections.remove("Tiny one")
    assert raised.value.code == "in_use"
    assert "Newsletter" in raised.value.why


@pytest.mark.parametrize("how", ["detach", "remove"])
def test_removing_with_exports_and_putting_all_back(house, how):
    connection = house.connect()
    export = house.exports.apply(house.document())
    removed = house.connections.remove_with("Tiny one", how)
    assert not house.connections.exists("Tiny one")
    left = house.store.exports.get("Newsletter")
    assert left is None if how == "remove" else left.connection is None
    assert house.connections.put_back(removed) == connection
    assert house.store.exports.get("Newsletter") == export


@pytest.mark.parametrize(("how", "gone"), [("detach", {"Launch"}), ("remove", {"Newsletter"})])
def test_removing_with_exports_treated_differently(house, how, gone):
    house.connect()
    exports = [house.exports.apply(house.document(name=name)) for name in ("Newsletter", "Launch")]
    removed = house.connections.remove_with("Tiny one", how, other_way=["Launch"])
    left = {export.name: export for export in house.store.exports.all()}
    assert {export.name for export in exports} - left.keys() == gone
    assert all(export.connection is None for export in left.values())
    house.connections.put_back(removed)
    assert [house.store.exports.get(export.name) for export in exports] == exports


def test_a_connection_at_work_is_not_removed(house):
    connection = house.connect()
    export = house.exports.apply(house.document())
    run = samples.run(connection_id=connection.id, export_id=export.id, status=Status.RUNNING)
    house.store.runs.add(run)
    with pytest.raises(FixSettings) as raised:
        house.connections.remove_with("Tiny one", "detach")
    assert raised.value.code == "running"
    with pytest.raises(FixSettings):
        house.exports.detach("Newsletter")
    house.store.runs.save(replace(run, status=Status.FAILED))
    house.connections.remove_with("Tiny one", "detach")


def test_contributors_see_shared_connections_without_details_and_viewers_none(house):
    house.connect("Shared")
    house.connect("Private", Access.ADMINS)
    house.role(Role.CONTRIBUTOR)
    [row] = house.connections.all()
    assert row.connection.name == "Shared"
    assert (row.connection.settings, row.connection.secrets) == ({}, frozenset())
    assert [usable.connection.name for usable in house.connections.usable()] == ["Shared"]
    with pytest.raises(FixData):
        house.connections.get("Private")
    with pytest.raises(NotAllowed):
        house.connections.choices("Private", "list", house.ctx)
    assert house.connections.choices("Shared", "list", house.ctx)
    house.role(Role.VIEWER)
    assert house.connections.all() == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CONTRIBUTOR])
def test_only_admins_change_connections(house, role):
    connection: Connection = house.connect()
    house.role(role)
    tries = [
        lambda: house.connect("Other"),
        lambda: house.connections.edit("Tiny one", new_name="B"),
        lambda: house.connections.share("Tiny one", Access.ADMINS),
        lambda: house.connections.test("Tiny one", house.ctx),
        lambda: house.connections.test_draft("tiny", {"host": "a"}, {"key": KEY}, None, house.ctx),
        lambda: house.connections.remove("Tiny one"),
        lambda: house.connections.remove_with("Tiny one", "remove"),
        lambda: house.connections.put_back(connection),
    ]
    for attempt in tries:
        with pytest.raises(NotAllowed):
            attempt()
    house.role(Role.ADMIN)
    assert house.connections.get("Tiny one").connection == connection


def test_sharing(house):
    house.connect("A", Access.ADMINS)
    assert house.connections.share("A", Access.CONTRIBUTORS).access is Access.CONTRIBUTORS


def test_a_connection_of_a_destination_that_is_gone_is_still_listed(house):
    house.store.connections.save(samples.connection("Old", destination="gone"))
    [row] = house.connections.all()
    assert row.description.name == "gone"
    with pytest.raises(FixSettings) as raised:
        house.connections.test("Old", house.ctx)
    assert raised.value.code == "unknown_destination"
