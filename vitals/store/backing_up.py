"""A second copy of a store, under a data key of its own, proven to be whole before it counts.

Laws of this file:
1. A backup is a store: a folder with database and key file. It is made beside its place, verified, and moved there.
2. It has its own data key: who gets the backup's keys has not the store's, and erasing in one does not reach the other.
3. It is one consistent state of the store, whoever writes meanwhile.
4. It has anchors of its own (see anchor.py): it is older than the store, and that is no rollback.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from vitals.errors import StoreDamaged
from vitals.store import anchor, header, integrity, rotation
from vitals.store.building import built
from vitals.store.connection import Connection, connect, reworded, transaction
from vitals.store.integrity import Report
from vitals.store.keys import KdfParams, Key


def back_up(
    source: Connection,
    out: Path,
    names: tuple[str, str],
    opened: tuple[bytes, int],
    keys: Sequence[Key],
    kdf: KdfParams,
) -> Report:
    """Copy the database behind `source` into the new folder `out`, opened by `keys`; `names` of database and key file,
    `opened`: store id and epoch. Raises StoreExists, StoreDamaged (the source is not whole), StoreError, InputError."""
    with built(out, "the backup") as partial:
        fresh = header.new(keys, kdf, opened[0], opened[1] + 1)
        header.write(partial / names[1], fresh)
        report = _copy(source, partial / names[0], fresh)
        if not report.ok:
            raise StoreDamaged(f"the store is damaged, so the backup was not made ({report.problems[0]})")
        fresh.forget()
    return report


def _copy(source: Connection, path: Path, fresh: header.Opened) -> Report:
    target = connect(path, fresh.database_key(), create=True)
    try:
        try:
            source.backup(target)
        except sqlite3.Error as error:
            raise reworded(error) from error
    finally:
        target.close()
    again = connect(path, fresh.database_key())
    try:
        with transaction(again):
            rotation.remember(again, fresh.epoch)
            anchor.name_copy(again)
        return integrity.verify(again)
    finally:
        again.close()
