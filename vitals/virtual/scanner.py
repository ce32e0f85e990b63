"""bleak's scanner interface over a virtual central."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble import device as bumble_device

T = TypeVar("T")

_UUID_WIDTH = {
    core.AdvertisingData.Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    core.AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    core.AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    core.AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}


class Central:
    """One host: bumble device, one connection attempt at a time, one scan shared by all scanners.

    `notification_loss` is the probability that the operating system drops a notification on its way to the app.
    """

    def __init__(self, device: bumble_device.Device, seed: int) -> None:
        self.device = device
        self.notification_loss = 0.0
        self._random = random.Random(f"{seed} notification loss")
        self.connecting = asyncio.Lock()
        self._scanning = asyncio.Lock()
        self._scanners = 0

    def loses(self) -> bool:
        """Whether the operating system drops the next notification."""
        return self.notification_loss > 0 and self._random.random() < self.notification_loss

    async def scan(self, *, more: bool) -> None:
        """One scanner more, or one less; the radio listens while there is any."""
        async with self._scanning:
            self._scanners += 1 if more else -1
            if more and self._scanners == 1:
                await self.device.start_scanning()
            elif self._scanners == 0:
                await self.device.stop_scanning()


class VirtualScanner(BaseBleakScanner):
    """bleak's scanner interface over the central's scan."""

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None = None,
        service_uuids: list[str] | None = None,
        scanning_mode: str = "active",
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        self.central.device.on("advertisement", self._on_advertisement)
        try:
            await to_its_end(self.central.scan(more=True))
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        self.central.device.remove_listener("advertisement", self._on_advertisement)
        await to_its_end(self.central.scan(more=False))

    def _on_advertisement(self, heard: bumble_device.Advertisement) -> None:
        if heard.is_scan_response:  # bumble's controller repeats every advertisement as one
            return
        types = core.AdvertisingData.Type
        name: str | None = None
        uuids: list[str] = []
        manufacturer: dict[int, bytes] = {}
        for kind, value in heard.data.ad_structures:
            if kind in (types.COMPLETE_LOCAL_NAME, types.SHORTENED_LOCAL_NAME):
                name = value.decode(errors="replace")
            elif kind == types.MANUFACTURER_SPECIFIC_DATA:
                manufacturer[int.from_bytes(value[:2], "little")] = value[2:]
            elif width := _UUID_WIDTH.get(kind):
                uuids += [bleak_uuid(core.UUID.from_bytes(value[i : i + width])) for i in range(0, len(value), width)]
        if not self.is_allowed_uuid(uuids):
            return
        data = AdvertisementData(name, manufacturer, {}, uuids, None, heard.rssi, ())
        address = heard.address.to_string(with_type_qualifier=False)
        self.call_detection_callbacks(self.create_or_update_device(address, address, name, heard.address, data), data)


async def to_its_end(operation: Coroutine[Any, Any, T]) -> T:
    """Run HCI commands to their end even where the waiter is cancelled: half of a sequence would confuse the host."""
    task = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def bleak_uuid(uuid: core.UUID) -> str:
    """As bleak spells it: 128-bit, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))
