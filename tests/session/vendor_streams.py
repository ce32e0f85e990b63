"""What the tests of vendors' devices share: a connection to a virtual device, and what came of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vitals
from vitals.device import Item
from vitals.values import Block, Gap
from vitals.virtual import GattDevice, Scene, VirtualRadio, scene

ZERO_US = 1_750_000_000_000_000  # UTC of the event loop's time 0


def connected(near: Scene, **options: Any) -> Any:
    options = {"zero_utc_us": ZERO_US, **options}
    return vitals.connect(near.name, backend=near.backend, rng=random.Random(1), **options)


async def collected(device: Any, seconds: float, **wanted: Any) -> list[Item]:
    """What comes within `seconds`; then the stream is ended."""
    enough = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, enough.set)
    async with device.items(enough, **wanted) as items:
        return [item async for item in items]


async def streamed(
    player: GattDevice, seconds: float, *faults: tuple[float, Callable[[Scene], object]], **options: Any
) -> tuple[tuple[str, ...], list[Item]]:
    """The kinds that a virtual device offers, and everything that comes of it in `seconds`; `faults` happen then."""
    async with scene(player, radio=VirtualRadio(seed=1)) as near, connected(near, **options) as device:
        for after_s, fault in faults:
            asyncio.get_running_loop().call_later(after_s, fault, near)
        return device.kinds, await collected(device, seconds)


def of(kind: str, items: list[Item]) -> list[Block]:
    return [item for item in items if isinstance(item, Block) and item.kind == kind]


def gaps(kind: str, items: list[Item]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap) and item.kind == kind]


def events(items: list[Item]) -> list[Any]:
    return [item for item in items if not isinstance(item, Block | Gap)]


def numbers(kind: str, items: list[Item]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in seconds and physical values of a kind, over all its blocks."""
    blocks = of(kind, items)
    if not blocks:
        return np.zeros(0), np.zeros(0)
    times = np.concatenate([block.times_us() for block in blocks]) / 1e6
    return times, np.concatenate([block.physical() for block in blocks])


def lose(near: Scene) -> None:
    """The link breaks, both ends see it."""
    near.radio.drop(near.devices[0].device)


def mute(on: bool) -> Callable[[Scene], None]:
    return lambda near: setattr(near.devices[0], "muted", on)
