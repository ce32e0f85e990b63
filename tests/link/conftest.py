"""`play`: run a coroutine in virtual time and see that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from vitals.virtual import run

Play = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def play() -> Iterator[Play]:
    """Runs in virtual time; fails on a task left, an exception nobody retrieved, or a warning of bumble or asyncio."""
    complaints: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(f"{record.name}: {record.getMessage()}")

    listener = Listener(logging.WARNING)

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
        result = await main
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left: {left}"
        gc.collect()
        return result

    for name in ("bumble", "asyncio"):
        logging.getLogger(name).addHandler(listener)
    try:
        yield lambda main: run(watched(main))
        gc.collect()
    finally:
        for name in ("bumble", "asyncio"):
            logging.getLogger(name).removeHandler(listener)
    assert not complaints
