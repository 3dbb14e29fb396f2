from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import bootstrap
from app.core.connections import Access
from app.core.errors import FixSettings, NotAllowed
from app.core.roles import Role
from app.core.runs import Status
from app.jobs import JobContext
from app.services.places import config_folder
from app.services.workspaces import RecentWorkspaces, WorkspaceService
from app.store.owners import this_process
from tests.fakes.secret_store import MemoryStore
from tests.services.auditing import audit_of
from tests.store import samples


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SENDOFF_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("SENDOFF_ROLE", raising=False)
    return tmp_path / "config"


def test_settings_of_the_workspace_are_the_admins_and_of_the_window_everyones(house):
    workspace = WorkspaceService(house.store, house.roles, house.folder, audit_of(house.store))
    workspace.set_setting("engine", "duckdb")
    house.role(Role.VIEWER)
    workspace.set_setting("ui.theme", "dark")
    assert (workspace.setting("engine"), workspace.setting("ui.theme")) == ("duckdb", "dark")
    with pytest.raises(NotAllowed):
        workspace.set_setting("engine", "spark")
    with pytest.raises(NotAllowed):
        workspace.rename("Other")
    house.role(Role.ADMIN)
    before = workspace.changes()
    assert workspace.rename(" Other ").name == "Other"
    assert workspace.changes() != before


def test_the_configuration_lies_where_the_environment_says(tmp_path):
    assert config_folder({"SENDOFF_CONFIG_DIR": str(tmp_path)}) == tmp_path
    assert "endoff" in str(config_folder({}))


def test_recent_workspaces(tmp_path):
    recent = RecentWorkspaces(tmp_path / "config")
    assert recent.all() == []
    folders = [tmp_path / name for name in ("a", "b", "ü")]
    for folder in folders:
        folder.mkdir()
        (folder / "workspace.db").touch()
        recent.opened(folder)
    recent.opened(folders[0])
    assert recent.all() == [folders[0], folders[2], folders[1]]
    (folders[2] / "workspace.db").unlink()
    assert recent.all() == [folders[0], folders[1]]
    recent.forget(folders[0])
    assert recent.all() == [folders[1]]


@pytest.mark.parametrize("content", ["", "{", "[1, null]", '{"a": 1}'])
def test_a_damaged_list_is_only_forgotten(tmp_path, content):
    recent = RecentWorkspaces(tmp_path)
    (tmp_path / "workspaces.json").write_text(content)
    assert recent.all() == []
    (tmp_path / "workspace.db").touch()
    recent.opened(tmp_path)
    assert recent.all() == [tmp_path]


def test_a_list_that_can_not_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").touch()
    RecentWorkspaces(tmp_path / "file" / "config").opened(tmp_path)


def test_create_then_open_and_the_last_one_is_the_default(tmp_path, config):
    assert bootstrap.default_workspace() is None
    for name in ("one", "two"):
        bootstrap.create_workspace(tmp_path / name, name, "consumers").close()
    services = bootstrap.open_workspace(tmp_path / "one")
    assert services.workspace.info().name == "one"
    assert services.workspace.folder == tmp_path / "one"
    assert bootstrap.default_workspace() == tmp_path / "one"
    assert len(services.workspace.info().country_code) == 2
    services.close()
    with pytest.raises(FixSettings):
        bootstrap.open_workspace(tmp_path / "three")
    with pytest.raises(FixSettings):
        bootstrap.create_workspace(tmp_path / "one", "again", "consumers")
    assert bootstrap.recent().all() == [tmp_path / "one", tmp_path / "two"]


def test_secrets_that_were_read_are_masked_in_the_log(tmp_path):
    services = bootstrap.create_workspace(tmp_path / "ws", "A", "consumers", secrets=MemoryStore())
    folder = {"folder": str(tmp_path)}
    services.connections.add("Folder", "local-folder", folder, {}, Access.ADMINS, agreed=True)
    services._mask("p4ssw0rd")
    assert "p4ssw0rd" not in services.redactor.redact("the password is p4ssw0rd")
    services.close()


def test_what_can_not_be_put_back_any_more_is_tidied_away(tmp_path):
    secrets = MemoryStore()
    services = bootstrap.create_workspace(tmp_path / "ws", "A", "consumers", secrets=secrets)
    store = services._store
    kept = store.connections.save(samples.connection("Kept", secrets=frozenset({"key"})))
    secrets.put(kept.id, "key", "x")
    for repository, item in ((store.connections, kept), (store.exports, store.exports.save(samples.export()))):
        repository.remove(item.id)
    services.tidy()
    assert (len(store.connections.removed()), len(store.exports.removed())) == (1, 1)
    services.close()
    later = bootstrap.Services(
        tmp_path / "ws", bootstrap.Store.open(tmp_path / "ws"), secrets=secrets, clock=_later(timedelta(hours=25))
    )
    running = samples.run(status=Status.RUNNING, owner=this_process())
    later._store.runs.add(running)
    assert not later.tidy()  # it may use what goes
    assert len(later._store.exports.removed()) == 1
    later._store.runs.save(replace(running, status=Status.CANCELLED, ended_at=running.queued_at))
    assert later.tidy()
    assert (later._store.connections.removed(), later._store.exports.removed()) == ((), ())
    assert secrets.kept == {}
    later.close()


def test_opening_sets_the_runs_of_dead_processes_aside(tmp_path):
    """Before anything is asked of it: lists of exports and whoever waits for runs to end go by what the store says."""
    secrets = MemoryStore()
    services = bootstrap.create_workspace(tmp_path / "ws", "A", "consumers", secrets=secrets)
    export = services._store.exports.save(samples.export())
    dead = samples.run(export_id=export.id, status=Status.RUNNING, owner=f"{this_process()}0")
    services._store.runs.add(dead)
    services.close()
    again = bootstrap.open_workspace(tmp_path / "ws", secrets=secrets)
    (row,) = again.exports.all()
    assert row.latest.status is Status.INTERRUPTED
    assert not again.erasing.erase("nobody@example.com", JobContext(), suppress=False).found
    again.close()


def _later(by):
    return lambda: datetime.now(UTC) + by
