"""The schema and its steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns.store_power_cut import store_of_schema_1
from vitals import sync
from vitals.errors import StoreError, StoreFull, StoreTooNew
from vitals.store import Key, Store, header, new_recovery_code, recovery
from vitals.store.connection import Connection, OperationalError, connect
from vitals.store.migrations import STEPS, migrate, version


def test_a_new_store_has_the_last_version_and_strict_tables(store: Store) -> None:
    connection = store.fresh()
    assert version(connection) == len(STEPS)
    tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    assert len(tables) > 15
    assert [name for name, sql in tables if "STRICT" not in sql] == []
    connection.close()


def test_a_step_that_fails_leaves_the_version_before_it(store: Store, fill: Callable[..., int]) -> None:
    n = fill(store)
    connection = store.fresh()
    good = ("CREATE TABLE extra(a INTEGER) STRICT", "ALTER TABLE device ADD COLUMN colour TEXT")
    bad = (*good, "INSERT INTO nothing VALUES(1)")
    with pytest.raises(StoreError):
        migrate(connection, (*STEPS, bad))
    assert version(connection) == len(STEPS)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone() == (0,)
    migrate(connection, (*STEPS, good, ("DROP TABLE extra",)))
    assert version(connection) == len(STEPS) + 2
    migrate(connection, (*STEPS, good, ("DROP TABLE extra",)))
    connection.close()
    assert len(store.read("rr")) == n


def test_a_later_store_is_refused_untouched(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        connection = store.fresh()
        connection.execute(f"PRAGMA user_version={len(STEPS) + 1}")
        connection.close()
    before = (tmp_path / "s" / "vitals.db").read_bytes()
    with pytest.raises(StoreTooNew, match="later version of vitals"):
        Store.open(tmp_path / "s", key)
    assert (tmp_path / "s" / "vitals.db").read_bytes() == before


def test_no_schema_changes_before_a_copy_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, code = tmp_path / "s", new_recovery_code()
    store_of_schema_1(path, code)
    key = recovery(code)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "backup", lambda *_, **__: (_ for _ in ()).throw(OperationalError("disk is full")))
        with pytest.raises(StoreFull, match="no room for the copy"):
            Store.open(path, key)
    assert sorted(one.name for one in path.glob("vitals.db*")) == ["vitals.db"]
    with Store.open(path, key):
        pass
    kept = path / "vitals.db.schema-1"
    assert kept.stat().st_mode & 0o077 == 0
    raw = header.read(path / "vitals.key", key).database_key()
    connection = connect(kept, raw)
    assert version(connection) == 1
    assert connection.execute("SELECT n FROM chunk").fetchall() == [(50,)]
    connection.close()
    shutil.copy(kept, path / "vitals.db")  # the way back, and forth again
    with Store.open(path, key) as store:
        assert store.streams("ppg")[0].n == 50
        assert kept.exists()
        assert store.verify().ok
    assert not kept.exists()
    shutil.copy(path / "vitals.db", kept)
    with Store.open(path, key) as store:
        store.keys.rekey([key], proof=key)
    assert not kept.exists()


def test_a_store_of_schema_1_opens_verifies_reads_and_syncs(tmp_path: Path) -> None:
    pyrage = pytest.importorskip("pyrage")
    assert pyrage
    code = new_recovery_code()
    store_of_schema_1(tmp_path / "old", code)
    with (
        Store.open(tmp_path / "old", recovery(code)) as store,
        Store.create(tmp_path / "new", recovery(new_recovery_code())) as other,
    ):
        connection = store.fresh()
        assert version(connection) == len(STEPS)
        connection.close()
        assert store.verify().rows["chunk"] == 1
        done = store.compact()  # packed as it is chained: it stays as it is, its pyramid is made
        assert (done.merged, done.tiles) == (0, 3)
        sync.bundle(store, sync.identity(other), tmp_path / "b")
        sync.apply(other, tmp_path / "b")
        for one in (store, other):
            report = one.verify()
            assert report.ok, report.problems
            assert report.samples == 50
            (samples,) = one.arrays("ppg")
            assert samples.values.tolist() == [float(k % 7) for k in range(50)]
        db = store.db
        db.execute("UPDATE chunk SET n = n + 1")
        db.conn.commit()
        assert any("chunk 1 was altered" in problem for problem in store.verify().problems)
