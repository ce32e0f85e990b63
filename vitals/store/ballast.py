"""A little room on the disk that is given back when it is full, so that something can still be erased.

Taking rows out of a database needs room first: the log is written before the pages are free.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

NAME: Final = "vitals.ballast"
BYTES: Final = 1 << 20
_LEAVE: Final = 64 << 20  # where less than this is free, none is taken


def take(folder: Path) -> None:
    """Keep the room, if there is enough of it and none is kept yet; without a word where that fails."""
    path = folder / NAME
    with suppress(OSError):
        if path.exists() or not hasattr(os, "statvfs"):
            return
        there = os.statvfs(folder)
        if there.f_bavail * there.f_frsize < _LEAVE:
            return
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(bytes(BYTES))


def give_back(folder: Path) -> bool:
    """Free the room; whether there was any."""
    try:
        (folder / NAME).unlink()
    except OSError:
        return False
    return True
