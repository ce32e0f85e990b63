"""`computer`: a machine with Bluetooth, once on our own message bus and once on dbus-daemon where that is installed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # dbus-fast is there on Linux only
    from .bluetoothd import Bluetoothd
    from .message_bus import Policy
    from .peripheral import Peripheral

MakeComputer = Callable[..., AbstractAsyncContextManager["Computer"]]


@dataclass
class Computer:
    """A D-Bus, a bluetoothd on it, and a heart-rate strap in the air."""

    bus: Any  # MessageBus or DBusDaemon
    daemon: Bluetoothd
    strap: Peripheral

    async def settle(self) -> None:
        """Let what is under way arrive."""
        await asyncio.sleep(0.05)


@pytest.fixture(params=["own bus", "dbus-daemon"])
def make_computer(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> MakeComputer:
    """Makes the system bus that bleak sees; fails on a task, a descriptor or an exception that is left behind."""
    if sys.platform != "linux":
        pytest.skip("BlueZ is the Bluetooth stack of Linux")
    binary = shutil.which("dbus-daemon")
    if request.param == "dbus-daemon" and binary is None:
        pytest.skip("dbus-daemon is not installed (package dbus); the same test ran on our own message bus")

    @asynccontextmanager
    async def make(policy: Policy = "open") -> AsyncIterator[Computer]:
        from .bluetoothd import Bluetoothd
        from .dbus_daemon import DBusDaemon
        from .message_bus import MessageBus
        from .peripheral import chest_strap

        before = _descriptors()
        bus = MessageBus(policy) if request.param == "own bus" else DBusDaemon(str(binary), tmp_path, policy)
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        strap = chest_strap()
        daemon = Bluetoothd(bus.address, [strap])
        if policy != "no connections":
            await daemon.start()
        try:
            yield Computer(bus, daemon, strap)
        finally:
            await _forget_bleak()
            if policy != "no connections":
                await daemon.die()
            bus.stop()
        await asyncio.sleep(0)
        gc.collect()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left: {left}"
        assert _descriptors() == before, "descriptors left open"
        loud = [one.getMessage() for one in caplog.records if one.name.startswith(("asyncio", "dbus_fast"))]
        assert not loud

    caplog.set_level(logging.WARNING)
    return make


@pytest.fixture
async def computer(make_computer: MakeComputer) -> AsyncIterator[Computer]:
    """A computer whose Bluetooth is on and whose strap advertises."""
    async with make_computer() as one:
        yield one


async def _forget_bleak() -> None:
    """bleak keeps one connection for each event loop, and closes it only when the next loop opens one."""
    from bleak.backends.bluezdbus import manager

    one = manager._global_instances.pop(asyncio.get_running_loop(), None)
    if one and one._bus:
        one._bus.disconnect()
        if one._bus_watcher_task:
            await asyncio.wait({one._bus_watcher_task})


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
