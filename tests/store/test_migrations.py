from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from app.core.workspaces import Audience
from app.store import Store, migrate, schema
from tests.store import samples


def _schema(path: Path) -> dict[str, list[tuple]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, list[tuple]] = {}
        for table in sorted(set(tables) - {"alembic_version"}):
            found[table] = [
                *connection.execute(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}')"),
                *sorted(connection.execute(f"SELECT * FROM pragma_foreign_key_list('{table}')")),
                *sorted(
                    connection.execute(
                        "SELECT name, replace(replace(sql, '\n', ''), '\t', '') FROM sqlite_master "
                        "WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
                        (table,),
                    )
                ),
            ]
    return found


def _rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def _fill(store: Store) -> None:
    store.tables.save(samples.table())
    store.tables.save(samples.table("Orders"))
    store.connections.save(samples.connection())
    store.exports.save(samples.export())
    store.counts.save(store.segments.save(samples.segment()).id, "a", samples.count())
    run = samples.run()
    store.runs.add(run)
    store.runs.claim(run.id, "c1", "here:1:1")
    store.runs.beat("here:1:1", samples.NOON)
    store.drafts.save("d", "segment", "{}")
    store.schedule_marks.set("e1", samples.NOON)
    store.workspace.set_setting("a", "b")
    store.audit.add(samples.audit_entry())
    store.suppression.add(samples.imported(), [[b"x" * 32]], hashed=False)


def test_the_migrations_give_the_schema_of_the_code(store, folder, tmp_path):
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    schema.metadata.create_all(engine)
    engine.dispose()
    assert _schema(folder / "workspace.db") == _schema(made)
    assert len(_schema(made)) == len(schema.metadata.tables)


def test_the_newest_revision_is_the_one_the_code_names():
    assert migrate.known_revisions()[-1] == schema.HEAD


def test_every_migration_goes_down_and_up_again_with_data(store, folder):
    _fill(store)
    store.close()
    path = folder / "workspace.db"
    full, whole = _schema(path), _rows(path)
    below = ["base", *migrate.known_revisions()][:-1]
    for revision in reversed(below):
        migrate.downgrade(path, revision)
        kept = _rows(path)
        migrate.upgrade(path)
        assert _schema(path) == full
        again = _rows(path)
        assert {table: again[table] for table in kept if table != "alembic_version"} == {
            table: whole[table] for table in kept if table != "alembic_version"
        }
    migrate.upgrade(path)  # nothing to do is harmless
    assert _schema(path) == full


def test_an_older_database_is_copied_aside_then_migrated(store, folder, monkeypatch):
    _fill(store)
    store.close()
    path = folder / "workspace.db"
    monkeypatch.setattr(migrate, "HEAD", "future")  # whatever the file holds is older now
    for _ in range(7):
        migrate.bring_up_to_date(path)
    copies = sorted((folder / "backups").iterdir())
    assert len(copies) == migrate.KEPT_COPIES
    assert _rows(copies[-1]) == _rows(path)
    assert all(copy.name.endswith(f"-{schema.HEAD}.db") for copy in copies)


def test_a_current_database_is_not_copied(store, folder):
    store.close()
    Store.open(folder).close()
    assert not (folder / "backups").exists()


def test_a_migration_that_fails_changes_nothing(store, folder, monkeypatch):
    _fill(store)
    store.close()
    path = folder / "workspace.db"
    before = _rows(path)

    def breaks(config):
        config.attributes["connection"].exec_driver_sql("DROP TABLE exports")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        migrate._run(path, breaks)
    assert _rows(path) == before


def test_the_connections_row_and_schema_hold_no_place_for_a_secret(store, folder):
    columns = {row[0] for row in _schema(folder / "workspace.db")["connections"] if len(row) == 4}
    assert columns == {"id", "name", "folded", "revision", "removed_at", "body"}
    fields = {"id", "name", "destination", "settings", "secrets", "access", "consent", "created_at", "created_by"}
    connection = samples.connection()
    assert set(connection.__dataclass_fields__) == fields | {"health", "revision", "sign_in_ends", "account"}
    assert connection.__dataclass_fields__["secrets"].type == "frozenset[str]"  # names only


def test_a_new_workspace_is_in_wal_mode(tmp_path):
    Store.create(tmp_path / "ws", "A", Audience.CONSUMERS).close()
    with closing(sqlite3.connect(tmp_path / "ws" / "workspace.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
