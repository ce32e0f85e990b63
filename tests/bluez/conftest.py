"""`computer`: a machine with Bluetooth, once on our own message bus and once on dbus-daemon where that is installed."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vitals.link import Backend

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


@pytest.fixture(scope="module")
def young_garbage() -> Iterator[None]:
    """Keeps what was there before out of the garbage collections below: each takes 1 ms in place of 50."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=["own bus", "dbus-daemon"])
def make_computer(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    young_garbage: None,
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
        assert _descriptors() <= before, "descriptors left open"
        heard = [one for one in caplog.records if one.name.startswith(("asyncio", "dbus_fast"))]
        loud = [one.getMessage() for one in heard if not _is_dbus_fast_s_own(one)]
        assert not loud

    caplog.set_level(logging.WARNING)
    return make


def _is_dbus_fast_s_own(record: logging.LogRecord) -> bool:
    """dbus-fast drops the future of a write when it calls on a dead connection; the call itself raises as it should."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, OSError) and any(
        Path(frame.filename).parts[-3:] == ("dbus_fast", "aio", "message_bus.py")
        for frame in traceback.extract_tb(error.__traceback__)
    )


@pytest.fixture
async def computer(make_computer: MakeComputer) -> AsyncIterator[Computer]:
    """A computer whose Bluetooth is on and whose strap advertises."""
    async with make_computer() as one:
        yield one


@pytest.fixture(params=["StartNotify", "AcquireNotify"])
def backend(request: pytest.FixtureRequest) -> Backend | None:
    """bleak's BlueZ backend: as it is (StartNotify), or told to take notifications from a socket (AcquireNotify)."""
    if request.param == "StartNotify":
        return None
    from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
    from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus

    class Acquiring(BleakClientBlueZDBus):
        async def start_notify(self, characteristic: Any, callback: Any, **kwargs: Any) -> None:
            await super().start_notify(characteristic, callback, **kwargs | {"bluez": {"use_start_notify": False}})

    return Backend(scanner=BleakScannerBlueZDBus, client=Acquiring)


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
