"""A keyed SQLCipher connection that is proven to be encrypted before anything is written through it.

Laws of this file:
1. No statement holds a key, a passphrase or a value; the key goes in through `set_key` and the text that carried it
   is wiped.
2. WAL with synchronous=FULL: an acknowledged transaction survives a power cut (journal_mode=DELETE with FULL does not).
3. Temporary tables and sorters stay in memory. An authorizer holds this, and denies what could undo the encryption:
   cipher pragmas, ATTACH of a file, load_extension, another journal mode or a weaker synchronous.
4. A connection raises errors of both families, sqlcipher3's and the standard library's, because sqlite-utils catches
   only the latter.
5. The database file is never opened by anything but SQLite while a connection exists: closing a second descriptor would
   drop SQLite's POSIX locks (sqlite.org/howtocorrupt.html, section 2.2).
"""

from __future__ import annotations

import importlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as engine

from vitals.errors import StoreDamaged, StoreError, StoreFull, StoreMissing
from vitals.store.wiping import wipe

BUSY_SECONDS = 30.0
ALONE_MS = 2000  # a transaction of somebody else may be under way
JOURNAL_LIMIT_BYTES = 16 << 20
CHECKPOINT_PAGES = 3000  # 12 MiB: most pages of small chunks are free again before they are copied to the database


class Error(engine.Error, sqlite3.Error):  # type: ignore[misc]
    """Any failure of the engine."""


class InterfaceError(engine.InterfaceError, sqlite3.InterfaceError):  # type: ignore[misc]
    """The call itself was wrong."""


class DatabaseError(engine.DatabaseError, sqlite3.DatabaseError):  # type: ignore[misc]
    """The database refused, or is damaged."""


class DataError(engine.DataError, sqlite3.DataError):  # type: ignore[misc]
    """A value does not fit."""


class OperationalError(engine.OperationalError, sqlite3.OperationalError):  # type: ignore[misc]
    """Locked, full, no such table, not authorised."""


class IntegrityError(engine.IntegrityError, sqlite3.IntegrityError):  # type: ignore[misc]
    """A constraint was violated."""


class InternalError(engine.InternalError, sqlite3.InternalError):  # type: ignore[misc]
    """The engine found itself inconsistent."""


class ProgrammingError(engine.ProgrammingError, sqlite3.ProgrammingError):  # type: ignore[misc]
    """A closed connection, or the wrong number of parameters."""


class NotSupportedError(engine.NotSupportedError, sqlite3.NotSupportedError):  # type: ignore[misc]
    """The engine was built without it."""


class Warning(engine.Warning, sqlite3.Warning):  # type: ignore[misc]  # noqa: A001  (the name that the DB-API gives it)
    """More than one statement in one call."""


_BOTH: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        Error, InterfaceError, DatabaseError, DataError, OperationalError,
        IntegrityError, InternalError, ProgrammingError, NotSupportedError, Warning,
    )
}  # fmt: skip

_serial = itertools.count(1)


def _unique(sql: str) -> str:
    """The same statement as a text never seen before.

    sqlcipher3 0.6.4 (src/cursor.c) returns success where preparing fails, if the cached statement of the same text is
    still in use; a text that is never repeated is never found in that cache.
    """
    text = sql.rstrip("; \t\r\n")
    open_comment = "\n" if "--" in text.rpartition("\n")[2] else ""  # a comment would swallow the semicolon
    return f"{text}{open_comment};/*{next(_serial)}*/"


@contextmanager
def _both_families() -> Iterator[None]:
    try:
        yield
    except (engine.Error, engine.Warning) as error:
        name = type(error).__name__
        if isinstance(error, (sqlite3.Error, sqlite3.Warning)) or name not in _BOTH:
            raise
        raise _BOTH[name](*error.args) from None


class Cursor(engine.Cursor):  # type: ignore[misc]
    """A cursor whose errors belong to both families."""

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Run one statement."""
        with _both_families():
            super().execute(_unique(sql), parameters)
        return self

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        """Run one statement for each set of parameters."""
        with _both_families():
            super().executemany(_unique(sql), parameters)
        return self

    def executescript(self, sql: str) -> Cursor:
        """Run several statements; commits first, as sqlite3 does."""
        with _both_families():
            super().executescript(sql)
        return self

    def fetchone(self) -> Any:
        """The next row, or None."""
        with _both_families():
            return super().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next `size` rows."""
        with _both_families():
            return list(super().fetchmany(self.arraysize if size is None else size))

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        with _both_families():
            return list(super().fetchall())

    def __next__(self) -> Any:
        with _both_families():
            return super().__next__()


class Connection(engine.Connection):  # type: ignore[misc]
    """A connection whose errors belong to both families; otherwise as `sqlite3.Connection`."""

    def cursor(self, factory: Callable[..., Any] = Cursor) -> Any:
        """A cursor of this connection."""
        with _both_families():
            return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """Run one statement on a new cursor."""
        cursor: Cursor = self.cursor()
        return cursor.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        """Run one statement for each set of parameters, on a new cursor."""
        cursor: Cursor = self.cursor()
        return cursor.executemany(sql, parameters)

    def executescript(self, sql: str) -> Cursor:
        """Run several statements on a new cursor."""
        cursor: Cursor = self.cursor()
        return cursor.executescript(sql)

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        with _both_families():
            super().commit()

    def rollback(self) -> None:
        """Roll the open transaction back, if there is one."""
        with _both_families():
            super().rollback()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        with _both_families():
            return bool(super().in_transaction)

    def backup(self, *args: Any, **options: Any) -> None:
        """As `sqlite3.Connection.backup`; the target needs a key of its own."""
        with _both_families():
            super().backup(*args, **options)

    def iterdump(self) -> Iterator[str]:
        """The database as SQL text, line by line (plaintext: for the caller's eyes only)."""
        dump = importlib.import_module("sqlite3.dump")
        return iter(dump._iterdump(self))


Access = Callable[[], AbstractContextManager[Connection]]  # a connection for the length of a `with`


# Statements of the journal and of temporary storage are decided here, once; nobody may decide otherwise later.
_SETTINGS = (
    "PRAGMA temp_store=MEMORY",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=FAST",
    "PRAGMA trusted_schema=OFF",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit={JOURNAL_LIMIT_BYTES}",
)
_READABLE_CIPHER_PRAGMAS = {"cipher_version", "cipher_integrity_check"}
_FIXED_PRAGMAS = {
    "temp_store", "temp_store_directory", "data_store_directory", "synchronous", "writable_schema",
    "key", "hexkey", "textkey", "rekey", "hexrekey", "textrekey",
}  # fmt: skip


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    denied = False
    if action == engine.SQLITE_ATTACH:
        denied = bool(first)  # VACUUM attaches '' (a temporary database, in memory)
    elif action == engine.SQLITE_FUNCTION:
        denied = (second or "").lower() == "load_extension"
    elif action == engine.SQLITE_PRAGMA:
        name = (first or "").lower()
        if name.startswith("cipher"):
            denied = name not in _READABLE_CIPHER_PRAGMAS or second is not None
        elif name in _FIXED_PRAGMAS:
            denied = second is not None or "key" in name
        elif name == "journal_mode":
            denied = second is not None and second.lower() != "wal"
    return int(engine.SQLITE_DENY if denied else engine.SQLITE_OK)


def _give_key(connection: Connection, raw_key: bytes | bytearray) -> None:
    digits = raw_key.hex()
    text = f"x'{digits}'"
    connection.set_key(text)
    wipe(digits)
    wipe(text)


def give_new_key(connection: Connection, raw_key: bytes | bytearray) -> None:
    """Encrypt every page anew, in one transaction; the connection goes on with the new key. Raises StoreError."""
    digits = raw_key.hex()
    text = f"x'{digits}'"
    try:
        with _both_families():
            connection.reset_key(text)
    except sqlite3.Error as error:
        raise reworded(error) from None
    finally:
        wipe(digits)
        wipe(text)


def connect(path: Path, raw_key: bytes | bytearray, *, create: bool = False, autocommit: bool = True) -> Connection:
    """Open `path` with a raw 256-bit key, and prove that the cipher is active and the key right.

    With `create` the file must not exist; it is made with mode 0600, which -wal and -shm inherit. `autocommit=False`
    gives the implicit transactions of the DB-API (for sqlite-utils). Raises StoreMissing, StoreDamaged (also where
    the key is not the one of this file) and StoreError.
    """
    if create:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    else:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise StoreMissing(f"the store has no file {path.name}: restore the whole folder from a backup") from None
        if size == 0:
            raise StoreDamaged(f"{path.name} is empty (0 bytes): restore the whole folder from a backup")
    connection: Connection | None = None
    try:
        written = os.access(path.parent, os.W_OK)
        with _both_families():
            connection = engine.connect(
                str(path) if written else _unchanging(path),
                uri=not written,
                timeout=BUSY_SECONDS,
                isolation_level=None if autocommit else "",
                factory=Connection,
                check_same_thread=False,
            )
        assert connection is not None
        _prepare(connection, raw_key, written=written)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise reworded(error) from None
        raise
    return connection


def _unchanging(path: Path) -> str:
    """The database on a medium that nobody can write to, e.g. a backup on a read-only disk."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        raise StoreError(
            f"{path.parent} cannot be written, and holds changes that were never brought into {path.name}: "
            "copy the folder to a disk that can be written, and open it there"
        )
    return f"{path.resolve().as_uri()}?mode=ro&immutable=1"


def _prepare(connection: Connection, raw_key: bytes | bytearray, *, written: bool) -> None:
    connection.execute("PRAGMA cipher_log_level=NONE")
    _give_key(connection, raw_key)
    version = connection.execute("PRAGMA cipher_version").fetchone()
    if not version or not version[0]:
        raise StoreError("the SQLite library at hand has no cipher: reinstall the package sqlcipher3")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # fails unless the key is right
    for setting in _SETTINGS:
        connection.execute(setting)
    if written and connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise StoreError("the file system does not support the write-ahead log: put the store on a local disk")
    if connection.execute("PRAGMA temp_store").fetchone()[0] != 2:
        raise StoreError("temporary storage cannot be kept in memory: reinstall the package sqlcipher3")
    connection.set_authorizer(_authorize)


def reworded(error: sqlite3.Error) -> StoreError:
    """What the engine says, as the error of the store that says what to do."""
    text = str(error).lower()
    if "not a database" in text or "malformed" in text:
        return StoreDamaged("the store's file was changed or replaced outside of vitals: restore it from a backup")
    if "full" in text or "disk i/o" in text:
        return StoreFull(
            f"the disk took no more ({text}): free some space and flush again; what was acknowledged is safe, "
            "what was not is still held in memory"
        )
    if "locked" in text or "busy" in text:
        return StoreError(f"another process held the store for more than {BUSY_SECONDS:.0f} s: close it and try again")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"the store's folder cannot be written ({text}): check owner and permissions")
    return StoreError(f"the database engine failed: {error}")


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """One write transaction, taken at once (BEGIN IMMEDIATE) and durable on return; nothing of it stays if the body
    raises."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise reworded(error) from error


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Keep everybody else out of the database: whoever has it open would go on with a key that is about to change.

    Raises StoreError where another connection, of this process or another, has it open. A connection that is opened
    meanwhile waits.
    """
    try:
        connection.execute(f"PRAGMA busy_timeout={ALONE_MS}").fetchall()
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        _nothing(connection)
    except sqlite3.Error as error:
        _with_others(connection)
        if "locked" not in str(error).lower():
            raise reworded(error) from None
        raise StoreError(
            "the store is open elsewhere, in another program or a second connection of this one: "
            "end what records or reads there, and try again"
        ) from None
    try:
        yield
    finally:
        _with_others(connection)


def _with_others(connection: Connection) -> None:
    with suppress(sqlite3.Error):  # it may have been closed where something failed
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}").fetchall()
        connection.execute("PRAGMA locking_mode=NORMAL").fetchall()
        _nothing(connection)  # SQLite gives the lock back at the end of the next transaction


def _nothing(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """One consistent view for several reads."""
    try:
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise reworded(error) from error
