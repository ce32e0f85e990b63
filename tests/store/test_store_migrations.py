"""The schema and its steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vitals.errors import StoreError, StoreTooNew
from vitals.store import Key, Store
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
