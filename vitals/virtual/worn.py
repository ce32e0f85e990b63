"""Virtual devices as the SDK's own: what `vitals.connect` gives for hardware, these give without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from vitals.device import LinkedDevice, connect
from vitals.virtual.scene import virtual_strap


@asynccontextmanager
async def strap(
    beats_s: Iterable[float], *, zero_utc_us: int | None = None, **options: Any
) -> AsyncIterator[LinkedDevice]:
    """A connected virtual chest strap that wears the heart `beats_s` (increasing beat times in seconds).

    Its streams end when the last beat was sent. `zero_utc_us` is the UTC of beat time 0 (None: now). `options` are
    those of `virtual_strap` (name, battery, contact, mtu, seed, ...). Run it with `vitals.virtual.run` in virtual time.
    """
    async with virtual_strap(beats_s, **options) as scene:
        now_us = round(asyncio.get_running_loop().time() * 1e6)
        zero = (time.time_ns() // 1000 if zero_utc_us is None else zero_utc_us) - now_us
        ended = scene.strap.finished
        async with connect(
            scene.name, backend=scene.backend, source="virtual", zero_utc_us=zero, ended=ended
        ) as device:
            yield device
