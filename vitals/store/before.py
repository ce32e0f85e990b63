"""A copy of the database as it was before its schema changed, in case that goes wrong in a way that no test foresaw.

Laws of this file:
1. No schema changes before the copy is whole and on the disk; where there is no room for it, the store does not open.
2. It has the key of the store, lies in its folder, and goes when `verify` finds the changed store sound, and at every
   rekey and erasure.

To go back: close the store, put the copy in the place of `vitals.db`, remove `vitals.db-wal`, open it with the
vitals of then.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vitals.errors import StoreDamaged, StoreFull
from vitals.store import migrations
from vitals.store.connection import Connection, connect, reworded
from vitals.store.header import sync_folder


def keep(folder: Path, connection: Connection, raw_key: bytes | bytearray) -> None:
    """Copy the database if its schema is about to change. Raises StoreFull, StoreDamaged, StoreError."""
    version = migrations.version(connection)
    if not 0 < version < len(migrations.STEPS):
        return
    kept = folder / f"vitals.db.schema-{version}"
    partial = kept.with_name(kept.name + ".partial")
    _remove(partial)
    try:
        copy = connect(partial, raw_key, create=True)
        try:
            connection.backup(copy)
            if copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StoreDamaged("the copy of the store before its schema changes was not finished: open it again")
            wrong = copy.execute("PRAGMA cipher_integrity_check").fetchall()
        finally:
            copy.close()
        if wrong:
            raise StoreDamaged("the store is damaged, so its schema was not changed: restore it from a backup")
        partial.replace(kept)
        sync_folder(folder)
    except sqlite3.Error as error:
        said = reworded(error)
        if isinstance(said, StoreFull):
            raise StoreFull(
                "there is no room for the copy that is made before the schema of the store changes: free as much "
                "space as the store takes, and open it again"
            ) from None
        raise said from None
    finally:
        _remove(partial)


def left(folder: Path) -> Iterator[Path]:
    """The copies that are there."""
    return folder.glob("vitals.db.schema-*")


def drop(folder: Path) -> None:
    """Remove them."""
    for path in left(folder):
        with suppress(OSError):
            path.unlink()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
