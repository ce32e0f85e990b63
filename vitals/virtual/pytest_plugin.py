"""pytest fixtures for apps that talk to wearables; docs/virtual-devices.md shows them at work.

virtual_time    runs a coroutine in virtual time and sees that it leaves nothing behind
radio           the air of this test, to break links on: a `VirtualRadio` of seed 1
virtual_strap   puts a strap that wears given beats on that radio
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vitals.virtual import VirtualRadio, VirtualStrap

_WATCHED = ("asyncio", "bumble")


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.complaints: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("pairing failure"):  # a wrong passkey is a scenario, not a defect
            self.complaints.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture
def virtual_time() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """`virtual_time(main())` runs a coroutine to its end in virtual time and returns its result.

    The test fails where a task is left running, an exception was never retrieved, or asyncio or the Bluetooth stack
    warned of something.
    """
    from vitals.virtual import run

    listener = _Listener()

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        def complain(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            listener.complaints.append(str(context))

        asyncio.get_running_loop().set_exception_handler(complain)
        result = await main
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left: {left}"
        gc.collect()
        return result

    for name in _WATCHED:
        logging.getLogger(name).addHandler(listener)
    try:
        yield lambda main: run(watched(main))
        gc.collect()
    finally:
        for name in _WATCHED:
            logging.getLogger(name).removeHandler(listener)
    assert not listener.complaints, listener.complaints


@pytest.fixture
def radio() -> VirtualRadio:
    """The air of this test; pass it to `vitals.virtual.scene`, and set its attributes to make it worse."""
    from vitals.virtual import VirtualRadio

    return VirtualRadio(seed=1)


@pytest.fixture
def virtual_strap(radio: VirtualRadio) -> Callable[..., AbstractAsyncContextManager[VirtualStrap]]:
    """`async with virtual_strap(beats_s, ...) as near`: as `vitals.virtual.virtual_strap`, on `radio`."""
    from vitals.virtual import virtual_strap

    return partial(virtual_strap, radio=radio)
