"""The Bluetooth link: the only room that knows bleak.

Laws of this room:
1. Every failure of the stack below becomes one of BluetoothUnavailable, DeviceNotFound, LinkLost or LinkError.
2. Callbacks are plain functions that stamp, copy and queue; queues are bounded and count what they drop.
3. What arrived before the link was lost is delivered before LinkLost is raised.
4. bleak is imported inside functions: importing this room costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitals.link.adapter import Adapter, Backend, Found, discover, to_its_end
from vitals.link.connection import Link, open_link
from vitals.link.inbox import Inbox
from vitals.link.unavailable import WITHOUT_HARDWARE

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

__all__ = [
    "WITHOUT_HARDWARE",
    "Adapter",
    "AdvertisementData",
    "BLEDevice",
    "Backend",
    "Found",
    "Inbox",
    "Link",
    "discover",
    "open_link",
    "to_its_end",
]
