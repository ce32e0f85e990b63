"""Virtual devices as the SDK's own: what `vitals.connect` gives for hardware, these give without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from vitals.device import LinkedDevice, connect
from vitals.virtual.body import Body
from vitals.virtual.chest_strap import DEFAULT_INFO, Strap
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.radio import VirtualRadio
from vitals.virtual.within_reach import scene
from vitals.virtual.wristwatch import Watch


@asynccontextmanager
async def connected(
    device: GattDevice, *, zero_utc_us: int | None = None, seed: int = 1, radio: VirtualRadio | None = None
) -> AsyncIterator[LinkedDevice]:
    """A connection to a virtual device of any kind; its streams end when it has played all that it had.

    `zero_utc_us` is the UTC of now (None: from the system clock). Run it with `vitals.virtual.run` in virtual time.
    """
    async with scene(device, seed=seed, radio=radio) as near:
        now_us = round(asyncio.get_running_loop().time() * 1e6)
        zero = (time.time_ns() // 1000 if zero_utc_us is None else zero_utc_us) - now_us
        async with connect(
            near.name, backend=near.backend, source="virtual", zero_utc_us=zero, ended=device.finished
        ) as linked:
            yield linked


def strap(
    beats_s: Iterable[float],
    *,
    name: str = DEFAULT_INFO.name,
    zero_utc_us: int | None = None,
    seed: int = 1,
    radio: VirtualRadio | None = None,
    **options: Any,
) -> AbstractAsyncContextManager[LinkedDevice]:
    """A connected virtual chest strap that wears the heart `beats_s` (increasing beat times in seconds).

    `options` are those of `Strap` (battery, contact, mtu, ecg_mv, drift_ppm, ...), the rest those of `connected`.
    """
    device = Strap(beats_s, info=replace(DEFAULT_INFO, name=name), **options)
    return connected(device, zero_utc_us=zero_utc_us, seed=seed, radio=radio)


def watch(
    body: Body, *, zero_utc_us: int | None = None, seed: int = 1, radio: VirtualRadio | None = None, **options: Any
) -> AbstractAsyncContextManager[LinkedDevice]:
    """A connected virtual watch on the wrist of `body`; `options` are those of `Watch`."""
    return connected(Watch(body, **options), zero_utc_us=zero_utc_us, seed=seed, radio=radio)
