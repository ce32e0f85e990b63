"""Making a folder complete or not at all: it is built beside its place and moved there.

Laws of this file:
1. Who builds holds a lock on the folder that is built, where the system has such locks (POSIX). What a crash left
   behind has none, and is removed by who builds in the same place next.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vitals.errors import StoreError, StoreExists
from vitals.store.header import sync_folder

try:
    import fcntl
except ImportError:  # not of Windows
    fcntl = None  # type: ignore[assignment]


def hold(handle: int) -> bool:
    """Lock an open file or folder for this process until it is closed; False where somebody else has."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def built(folder: Path, what: str) -> Iterator[Path]:
    """An empty folder (0700) to be filled; where the body ends without an error it is moved to `folder`.

    `what`: "the store", "the backup". Raises StoreExists where `folder` exists and is not empty, StoreError.
    """
    if folder.is_symlink() or folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StoreExists(f"{folder} exists and is not empty: choose another path for {what}")
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    held: int | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(folder)
        partial.mkdir(mode=0o700)
        if fcntl is not None:
            held = os.open(partial, os.O_RDONLY)
            hold(held)
        yield partial
        sync_folder(partial)
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"{what} cannot be made at {folder} ({error.strerror}): choose another place") from None
    finally:
        if held is not None:
            os.close(held)
        if partial.exists():
            shutil.rmtree(partial, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    """Remove what crashes left of earlier buildings in this place."""
    if fcntl is None:  # who still builds cannot be told from who crashed
        return
    for left in folder.parent.glob(f".{folder.name}.????????.partial"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if hold(handle):
                    shutil.rmtree(left)
            finally:
                os.close(handle)
