"""Locking what nobody uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vitals.errors import InputError


class IdleLock:
    """Calls `lock` once nobody has touched it for a while, again where it says no; a thread of its own waits, and ends
    with the program."""

    def __init__(self, seconds: float, lock: Callable[[], bool]) -> None:
        if not seconds > 0:
            raise InputError(f"idle_lock_s is {seconds}; it must be above 0, or None never to lock")
        self._seconds = seconds
        self._lock = lock
        self._touched = time.monotonic()
        self._timer: threading.Timer | None = None
        self.start()

    def touch(self) -> None:
        """It is being used."""
        self._touched = time.monotonic()

    def start(self) -> None:
        """Count from now."""
        self.stop()
        self.touch()
        self._wait(self._seconds)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        left = self._touched + self._seconds - time.monotonic()
        if left > 0:
            self._wait(left)
        else:
            self._timer = None
            if not self._lock():
                self.start()
