"""The engine: encrypted, durable, and as the standard library's sqlite3 to whoever uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as engine

from vitals.errors import StoreDamaged, StoreError
from vitals.store import Key, Store
from vitals.store.connection import Connection, connect, transaction

RAW = bytes(range(32))


@pytest.fixture
def connection(tmp_path: Path) -> Any:
    """A keyed connection to a new file."""
    connection = connect(tmp_path / "x.db", RAW, create=True)
    yield connection
    connection.close()


def test_errors_are_of_both_families(connection: Connection) -> None:
    connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY) STRICT")
    connection.execute("INSERT INTO t VALUES(1)")
    for sql, name in (
        ("SELECT * FROM nothing", "OperationalError"),
        ("INSERT INTO t VALUES(1)", "IntegrityError"),
        ("INSERT INTO t VALUES('x')", "IntegrityError"),
        ("SELECT ?", "ProgrammingError"),
        ("SELECT 1; SELECT 2", "Warning"),
    ):
        for family in (sqlite3, engine):
            with pytest.raises(getattr(family, name)):
                connection.execute(sql)


def test_a_statement_that_fails_to_prepare_says_so_every_time(connection: Connection) -> None:
    # With sqlcipher3 0.6.4 alone the second failure is no error: it finds the statement in its cache, still in use,
    # and gives no rows.
    connection.execute("CREATE TABLE t(a)")
    connection.execute("INSERT INTO t VALUES(1)")
    reading = connection.execute("SELECT * FROM t")
    reading.fetchone()
    connection.execute("DROP TABLE t")
    for cursor in (reading, connection.cursor(), connection.cursor()):
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            cursor.execute("SELECT * FROM t")


def test_stored_sql_is_as_it_was_written(connection: Connection) -> None:
    connection.execute("CREATE TABLE t(a INTEGER) STRICT")
    connection.execute("CREATE TABLE u(a INTEGER) STRICT;\n")
    connection.execute("SELECT 1 -- a comment at the end")
    stored = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()]
    assert stored == ["CREATE TABLE t(a INTEGER) STRICT", "CREATE TABLE u(a INTEGER) STRICT"]


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "ATTACH 'other.db' AS other KEY ''",
        "SELECT load_extension('x')",
        "PRAGMA temp_store=FILE",
        "PRAGMA temp_store=0",
        "PRAGMA cipher_use_hmac=OFF",
        "PRAGMA cipher_plaintext_header_size=32",
        "PRAGMA cipher_page_size=8192",
        "PRAGMA cipher_memory_security=OFF",
        "PRAGMA cipher_log='log.txt'",
        "PRAGMA cipher_profile='log.txt'",
        "PRAGMA cipher_migrate",
        "PRAGMA key='x'",
        "PRAGMA rekey='x'",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA journal_mode=MEMORY",
        "PRAGMA synchronous=OFF",
        "PRAGMA writable_schema=ON",
    ],
)
def test_what_could_undo_the_encryption_or_the_durability_is_denied(connection: Connection, sql: str) -> None:
    with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
        connection.execute(sql).fetchall()


def test_settings(connection: Connection) -> None:
    def pragma(name: str) -> Any:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert pragma("cipher_version").startswith("4.")
    assert (pragma("journal_mode"), pragma("synchronous"), pragma("temp_store")) == ("wal", 2, 2)
    assert (pragma("foreign_keys"), pragma("secure_delete"), pragma("trusted_schema")) == (1, 2, 0)
    connection.execute("VACUUM")


def test_a_wrong_key_and_a_plain_file_are_refused_before_anything_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.db"
    connect(path, RAW, create=True).close()
    with connect(path, RAW) as connection:
        connection.execute("CREATE TABLE t(a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="changed or replaced"):
        connect(path, bytes(32))
    with pytest.raises(StoreDamaged):
        connect(path, bytes([RAW[0] ^ 1]) + RAW[1:])
    assert path.read_bytes() == before
    plain = tmp_path / "plain.db"
    with sqlite3.connect(plain) as foreign:
        foreign.execute("CREATE TABLE t(a)")
    foreign.close()
    before = plain.read_bytes()
    with pytest.raises(StoreDamaged):
        connect(plain, RAW)
    assert plain.read_bytes() == before
    assert capfd.readouterr().err == ""


def test_the_file_is_not_a_plain_database(tmp_path: Path) -> None:
    connect(tmp_path / "x.db", RAW, create=True).close()
    with connect(tmp_path / "x.db", RAW) as connection:
        connection.execute("CREATE TABLE t(a)")
    connection.close()
    assert not (tmp_path / "x.db").read_bytes().startswith(b"SQLite format 3")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"), sqlite3.connect(tmp_path / "x.db") as plain:
        plain.execute("SELECT * FROM sqlite_master")
    plain.close()


def test_a_transaction_is_all_or_nothing(connection: Connection) -> None:
    connection.execute("CREATE TABLE t(a)")

    def write(then: Callable[[], object]) -> None:
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES(1)")
            then()

    with pytest.raises(KeyError):
        write(lambda: {"a": 1}["b"])
    with pytest.raises(StoreError):
        write(lambda: connection.execute("INSERT INTO nothing VALUES(1)"))
    with transaction(connection):
        connection.execute("INSERT INTO t VALUES(2)")
    assert connection.execute("SELECT a FROM t").fetchall() == [(2,)]


def test_no_key_is_left_in_a_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str] = []
    connect(tmp_path / "x.db", RAW, create=True).close()

    class Spy(Connection):
        def set_key(self, text: str) -> None:
            seen.append(text)
            assert text == f"x'{RAW.hex()}'"
            super().set_key(text)

    monkeypatch.setattr("vitals.store.connection.Connection", Spy)
    connect(tmp_path / "x.db", RAW).close()
    (text,) = seen
    assert set(text) == {"\0"}


def test_sqlite_utils_works(store: Store) -> None:
    # Each of these relies on catching an error of sqlite3's family, or on what sqlcipher3 lacks.
    db = store.db
    table = db.table("notes")
    table.insert_all([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}], pk="id")
    table.insert({"id": 3, "text": "c", "more": 1.5}, alter=True)
    table.upsert({"id": 1, "text": "z"}, pk="id")
    with pytest.raises(sqlite3.IntegrityError):
        table.insert({"id": 1, "text": "again"})
    table.insert({"id": 1, "text": "ignored"}, ignore=True)
    table.transform(rename={"text": "words"}, drop={"more"})
    table.enable_fts(["words"])
    assert [row["id"] for row in table.search("z")] == [1]
    assert list(table.rows_where("id < 3", select="id, words")) == [{"id": 1, "words": "z"}, {"id": 2, "words": "b"}]
    table.create_index(["words"])
    table.create_index(["words"], if_not_exists=True)
    db.create_view("v", "select id from notes")
    db.create_view("v", "select words from notes", replace=True)
    db.view("v").drop()
    assert any("CREATE TABLE" in line for line in db.iterdump())
    table.disable_fts()
    table.drop()
    db.table("notes").drop(ignore=True)
    assert "notes" not in db.table_names()
    assert store.verify().ok


def test_sqlite_utils_is_given_no_plugins(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite_utils.db

    def load(*_: object, **__: object) -> None:
        raise AssertionError("a plugin was handed the keyed connection")

    monkeypatch.setattr(sqlite_utils.db, "ensure_plugins_loaded", load, raising=False)
    assert "chunk" in store.db.table_names()


def test_a_closed_store_says_so(store: Store, key: Key) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.streams()
    assert set(store._key) == {0}
