"""Virtual time: it jumps, it waits for threads, it says when nothing can happen any more."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from vitals.virtual import run


def test_a_day_of_sleep_costs_nothing_and_ends_at_its_time() -> None:
    async def main() -> float:
        for _ in range(24):
            await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.perf_counter()
    assert run(main()) == 86400.0
    assert time.perf_counter() - began < 1


def test_timers_fire_in_order_of_their_deadlines() -> None:
    async def sleeper(seconds: float, log: list[float]) -> None:
        await asyncio.sleep(seconds)
        log.append(asyncio.get_running_loop().time())

    async def main() -> list[float]:
        log: list[float] = []
        await asyncio.gather(*(sleeper(seconds, log) for seconds in (3.0, 0.5, 100.0, 2.0)))
        return log

    assert run(main()) == [0.5, 2.0, 3.0, 100.0]


def test_what_can_never_happen_is_called_a_deadlock_and_names_who_waits() -> None:
    async def forgotten() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match=r"virtual time deadlock at 7\.000000 s.*Event\.wait"):
        run(_after(7, forgotten()))


async def _after(seconds: float, then: object) -> None:
    await asyncio.sleep(seconds)
    await then  # type: ignore[misc]


def _slow_answer() -> str:
    time.sleep(0.05)
    return "done"


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> tuple[str, float]:
        ticker = asyncio.create_task(asyncio.sleep(10))
        answer = await asyncio.to_thread(_slow_answer)
        at = asyncio.get_running_loop().time()
        await ticker
        return answer, at

    assert run(main()) == ("done", 0.0)


def test_a_socket_is_waited_for_when_no_timer_is_set() -> None:
    async def main() -> bytes:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            asyncio.get_running_loop().call_later(5, theirs.send, b"pulse")
            return await asyncio.get_running_loop().sock_recv(ours, 16)

    assert run(main()) == b"pulse"


def test_real_time_is_real() -> None:
    async def main() -> None:
        await asyncio.sleep(0.05)

    began = time.perf_counter()
    run(main(), real_time=True)
    assert time.perf_counter() - began >= 0.05


def test_an_exception_of_the_coroutine_comes_out() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        raise KeyError("from inside")

    with pytest.raises(KeyError, match="from inside"):
        run(main())
