"""Waiting for a device that was lost.

While the computer can scan, an advertisement says that the device is back; a small jitter keeps several hosts (or
several devices of one host) from rushing at the same moment. A device that is heard but does not let itself be used is
asked ever more rarely. While the computer cannot scan, attempts are made blindly after a capped
full-jitter backoff: each pause is drawn evenly between 0 and a ceiling that doubles with every failure.

A device is known by its address. One that changes it every few minutes (a resolvable private address, which only the
system of a bonded host can resolve) is also known by its name, and proves by what it says of itself that it is the one.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from vitals.errors import LinkError
from vitals.link import Adapter

if TYPE_CHECKING:
    from vitals.link import AdvertisementData, BLEDevice

JITTER_S = 0.25
LISTEN_S = 7.0  # then the scan is renewed: one that died makes no sound; Android allows 5 starts in 30 s
CEILING_S = 30.0  # of a pause
FREE_ATTEMPTS = 6  # at a device that is heard: connection requests are easily lost, and cost little


class Comeback:
    """The way back to one device. `failed` is told of attempts that failed, `succeeded` of those that did not; `disown`
    of an address that turned out to be another device's."""

    def __init__(self, adapter: Adapter, rng: random.Random) -> None:
        self._adapter = adapter
        self._rng = rng
        self._failures = 0
        self._strangers: set[str] = set()

    def disown(self, address: str) -> None:
        self._strangers.add(address)

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1

    async def wait(self, lost: BLEDevice) -> BLEDevice:
        """Return when `lost` is worth an attempt: heard again, or after a pause where nobody can listen."""

        def is_it(device: BLEDevice, data: AdvertisementData) -> bool:
            if device.address == lost.address:
                return True
            renamed = rotates(lost.address) and rotates(device.address) and device.address not in self._strangers
            return renamed and bool(lost.name) and lost.name in (data.local_name, device.name)

        while True:
            try:
                heard = await self._adapter.hear(is_it, LISTEN_S)
            except LinkError:  # also BluetoothUnavailable: switched off, or its service restarts
                await self._pause(self._failures + 1)
                return lost
            if heard is not None:
                await asyncio.sleep(self._rng.uniform(0, JITTER_S))
                if self._failures >= FREE_ATTEMPTS:
                    await self._pause(self._failures - FREE_ATTEMPTS + 1)
                return heard

    async def _pause(self, doublings: int) -> None:
        await asyncio.sleep(self._rng.uniform(0, min(CEILING_S, 0.5 * 2.0 ** min(doublings, 10))))


def rotates(address: str) -> bool:
    """Whether an address may be a resolvable private one: its two most significant bits are 01 (Core 5.4, Vol 6, Part
    B, 1.3.2.2). Some public addresses look the same; identifiers of macOS never do."""
    octets = address.split(":")
    return len(octets) == 6 and octets[0][:1] in "4567"
