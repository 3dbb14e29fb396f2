from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from app.core.errors import FixSettings, TryAgain
from app.store import Store, database
from tests.store import samples


def _sentences(error) -> bool:
    return bool(error.what and error.why and error.fix)


def test_a_folder_without_workspace(tmp_path):
    with pytest.raises(FixSettings) as raised:
        Store.open(tmp_path)
    assert raised.value.code == "no_workspace"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database at all " * 500, b"SQLite format 3\x00" + b"\x07" * 5000])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "workspace.db").write_bytes(content)
    with pytest.raises(FixSettings) as raised:
        Store.open(tmp_path)
    assert raised.value.code == "workspace_damaged"
    assert _sentences(raised.value)
    assert (tmp_path / "workspace.db").read_bytes() == content


def test_damage_met_later_is_told_in_the_same_words(store, folder):
    for n in range(200):
        store.exports.save(samples.export(f"Export {n}"))
    store.close()
    with (folder / "workspace.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size // 2)
        file.write(b"\xff" * (size // 2))
    again = Store.open(folder)
    with pytest.raises(FixSettings) as raised:
        again.exports.all()
    assert raised.value.code == "workspace_damaged"
    again.close()


def test_a_database_of_a_newer_version(store, folder):
    store.close()
    with closing(sqlite3.connect(folder / "workspace.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(FixSettings) as raised:
        Store.open(folder)
    assert raised.value.code == "workspace_newer"
    assert "9999" in raised.value.why
    assert not (folder / "backups").exists()


def test_a_full_drive_loses_only_the_change_that_did_not_fit(store):
    kept = store.exports.save(samples.export("Kept"))
    with store._database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with store._database._engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # a real SQLITE_FULL on this one connection
    with pytest.raises(TryAgain) as raised:
        store.exports.save(samples.export(match={f"field {n}": "Customer.Email" for n in range(5000)}))
    assert raised.value.code == "disk_full"
    assert _sentences(raised.value)
    assert store.exports.by_id(kept.id) == kept


READ_ONLY = """
import os, sys
from pathlib import Path
from app.core.errors import SendoffError
from app.core.workspaces import Audience
from app.store import Store
if os.getuid() == 0:  # root may write everywhere: ask as somebody else then
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    if sys.argv[1] != "create":
        Store.open(Path(sys.argv[2]))
    else:
        Store.create(Path(sys.argv[2]), "A", Audience.CONSUMERS)
except SendoffError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in lists, which a mode does not change")
@pytest.mark.parametrize("what", ["open", "create", "look into"])
def test_a_folder_that_may_not_be_written(store, folder, tmp_path, what):
    store.close()
    target = tmp_path / "locked" / "new" if what == "create" else folder
    if what == "create":
        (tmp_path / "locked").mkdir()
        (tmp_path / "locked").chmod(0o555)
    else:
        (folder / "workspace.db").chmod(0o444)
        folder.chmod(0o555 if what == "open" else 0o400)
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.getuid() and parent.name.startswith("pytest"):
            parent.chmod(0o755)
    answer = subprocess.run(
        [sys.executable, "-c", READ_ONLY, what, str(target)], capture_output=True, text=True, check=False
    )
    folder.chmod(0o755)
    assert (answer.stdout.strip(), answer.stderr) == ("workspace_read_only", "")


@pytest.mark.skipif(sys.platform != "win32", reason="a file that is read-only as Windows knows it")
def test_a_database_that_is_read_only_on_windows(store, folder):
    store.close()
    (folder / "workspace.db").chmod(0o444)
    with pytest.raises(FixSettings) as raised:
        Store.open(folder)
    (folder / "workspace.db").chmod(0o644)
    assert raised.value.code == "workspace_read_only"
    Store.open(folder).close()


def test_what_is_saved_outlives_a_loss_of_power_on_each_system(store):
    with store._database.read() as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("synchronous", "fullfsync")]
    assert told == [2, 1]  # FULL; what SQLite takes for macOS is kept everywhere


def test_a_database_held_for_too_long_is_busy_not_locked(store, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
    holding, release = threading.Event(), threading.Event()

    def hold():
        with store._database.write():
            holding.set()
            release.wait(120)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(60)
    try:
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        assert store.exports.all() == ()  # readers never wait
        with pytest.raises(TryAgain) as raised:
            store.workspace.set_setting("a", "b")
        assert raised.value.code == "workspace_busy"
    finally:
        release.set()
        thread.join()
    store.workspace.set_setting("a", "b")
