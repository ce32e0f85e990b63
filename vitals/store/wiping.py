"""Overwriting a secret where it lies in memory.

Python's bytes and texts cannot be changed, and are freed without being overwritten; a core dump would hold them. So a
secret of our own making is overwritten in place when nobody needs it any more (CPython; elsewhere nothing happens).
Copies that libraries made on the way are theirs.
"""

from __future__ import annotations

import ctypes
import sys


def wipe(secret: bytes | str) -> None:
    """Overwrite bytes or an ASCII text in place; it must not be used afterwards, nor be a constant."""
    if sys.implementation.name == "cpython" and len(secret) > 1:
        ctypes.memset(id(secret) + sys.getsizeof(secret) - len(secret) - 1, 0, len(secret))
