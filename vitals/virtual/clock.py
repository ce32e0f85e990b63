"""An asyncio event loop in virtual time: the clock jumps to the next timer when nothing is ready.

Laws of this file:
1. Time passes only when every task waits. Two runs of the same coroutine see the same times.
2. Work outside the loop (executor jobs; sockets, where no timer is set) is waited for in real time; meanwhile the
   virtual clock stands still.
3. When nothing can ever become ready, the loop says so ("virtual time deadlock") instead of hanging: a forgotten await
   or a missing event is found at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
_Ts = TypeVarTuple("_Ts")


def run(main: Coroutine[Any, Any, T], *, real_time: bool = False) -> T:
    """Run `main` to its end on a loop of its own and return its result.

    In virtual time (the default) an hour of sleeping costs nothing and `loop.time()` starts at 0 s; with `real_time`
    this is `asyncio.run`.

    Raises RuntimeError ("virtual time deadlock") when every task waits for something that cannot happen any more.
    """
    with asyncio.Runner(loop_factory=None if real_time else VirtualTimeLoop) as runner:
        return runner.run(main)


class _JumpingSelector(selectors.DefaultSelector):
    """Polls what is registered; where asyncio would wait, moves `now` instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.outside = 0  # jobs under way in threads, which will wake the loop
        self.own_fds = 0  # descriptors that the loop registered for itself (its wake-up pipe)
        self.deadlock: Callable[[], str] = str

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A loop that was woken by call_soon only needs no system call unless something outside can report.
        sockets = len(self.get_map()) > self.own_fds
        if timeout is not None and timeout <= 0:
            return super().select(0) if sockets or self.outside else []
        if self.outside:
            return super().select(None)
        ready = super().select(0)
        if ready:
            return ready
        if timeout is not None:
            self.now += timeout
            return []
        if sockets:
            return super().select(None)
        raise RuntimeError(self.deadlock())


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the laws of this file."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._jumping.own_fds = len(self._jumping.get_map())
        self._jumping.deadlock = self._describe_deadlock

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], T], *args: *_Ts) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1
        future.add_done_callback(self._came_back)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._jumping.outside += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self._jumping.outside -= 1

    def _came_back(self, _: asyncio.Future[Any]) -> None:
        self._jumping.outside -= 1

    def _describe_deadlock(self) -> str:
        tasks = sorted(f"{task.get_name()} in {_place(task)}" for task in asyncio.all_tasks(self))
        return (
            f"virtual time deadlock at {self.time():.6f} s: no timer is set and every task waits for something that "
            f"cannot happen any more ({'; '.join(tasks) or 'no task is left'})"
        )


def _place(task: asyncio.Task[Any]) -> str:
    """Where the innermost coroutine of `task` waits: function and line."""
    waiting: Any = task.get_coro()
    while getattr(waiting, "cr_await", None) is not None and hasattr(waiting.cr_await, "cr_frame"):
        waiting = waiting.cr_await
    frame = getattr(waiting, "cr_frame", None)
    return f"{waiting.__qualname__}, line {frame.f_lineno}" if frame else str(waiting)
