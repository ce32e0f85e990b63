"""How a store comes to be, is let in, and is destroyed.

Laws of this file:
1. Whoever opens a store has a key; there is no default. The cipher is proven active and the key right before anything
   is written.
2. What is let in is the store that its key file names, not older than that says, nor than its anchor.
3. Destroying begins with the key file, and takes only files that are a store's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from vitals.errors import StoreDamaged, StoreError
from vitals.store import anchor, ballast, before, chain, header, migrations, query, rotation, sealed
from vitals.store.connection import Connection, alone, connect, transaction
from vitals.store.keys import KdfParams, Key

DATABASE: Final = "vitals.db"
HEADER: Final = "vitals.key"


def fill(folder: Path, keys: Sequence[Key], kdf: KdfParams) -> header.Opened:
    """Make a new store in an empty folder. Raises InputError, OSError, StoreError."""
    opened = header.write_new(folder / HEADER, keys, kdf)
    connection = connect(folder / DATABASE, opened.database_key(), create=True)
    try:
        migrations.migrate(connection)
        with transaction(connection):
            chain.add_origin(connection, opened.store_id)
    finally:
        connection.close()
    if _is_plain(folder / DATABASE):
        raise StoreError("the database was not encrypted: reinstall the package sqlcipher3")
    return opened


def _is_plain(path: Path) -> bool:
    with path.open("rb") as file:  # safe only here, where no connection exists
        return file.read(16) == b"SQLite format 3\x00"


def admit(folder: Path, connection: Connection, opened: header.Opened, key: Key | None) -> None:
    """Let an open database in. Raises StoreDamaged, StoreTooNew, StoreFull, StoreError."""
    before.keep(folder, connection, opened.database_key())
    migrations.migrate(connection)
    ours = query.fetch(connection, "SELECT uid FROM origin WHERE id = ?", (chain.OURS,))
    if not ours or bytes(ours[0][0]) != opened.store_id:
        raise StoreDamaged(f"{HEADER} and {DATABASE} are of different stores: restore the folder from a backup")
    rotation.check_epoch(connection, opened)
    notebook = None if key is None else key.notebook()
    if notebook is not None:
        anchor.check(notebook, connection, opened.store_id)
    if os.access(folder, os.W_OK):
        ballast.take(folder)
        if not sealed.inbox_stands(folder, connection) or rotation.has_next(folder / HEADER):
            with transaction(connection):
                rotation.drop_next(folder / HEADER)
                sealed.begin_inbox(connection)
            with transaction(connection):
                sealed.open_inbox(folder, connection)


def close_to_others(folder: Path) -> None:
    """Take a store's files from everybody but their owner, where they are ours to take."""
    if os.name == "posix":
        with suppress(OSError):  # of another owner, or read-only: then its modes are not ours to set
            for path, mode in ((folder, 0o700), (folder / HEADER, 0o600), (folder / DATABASE, 0o600)):
                if path.stat().st_mode & 0o077:
                    path.chmod(mode)


def destroy(folder: Path, key: Key) -> None:
    """Erase a whole store: first the key file, without which nothing can be read, then the rest.

    Raises WrongKey, StoreError (somebody has it open, a file cannot be removed).
    """
    opened = rotation.unlock(folder, DATABASE, HEADER, key)
    connection = connect(folder / DATABASE, opened.database_key())
    try:
        with alone(connection):
            for name in (HEADER, HEADER + rotation.NEXT):
                if (folder / name).exists():
                    header.overwrite(folder / name)
                    (folder / name).unlink()
            header.sync_folder(folder)
        opened.forget()
    except OSError as error:
        raise StoreError(f"the key file cannot be destroyed ({error.strerror}): check owner and permissions") from None
    finally:
        connection.close()
    try:
        for path in [*folder.glob("vitals.*"), *(folder / sealed.FOLDER).glob("*.sealed")]:
            path.unlink(missing_ok=True)
        for left in (folder / sealed.FOLDER, folder):
            if left.is_dir() and not left.is_symlink() and not any(left.iterdir()):  # others' files are not ours
                left.rmdir()
    except OSError as error:
        raise StoreError(
            f"the key file is destroyed, so nothing can be read; what is left cannot be removed ({error.strerror})"
        ) from None
