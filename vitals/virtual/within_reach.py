"""Devices within reach: a radio, a central and virtual devices, put together and switched off again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bumble import device as bumble_device

from vitals.virtual.backend import VirtualBackend, backends
from vitals.virtual.chest_strap import DEFAULT_INFO, Strap
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.radio import VirtualRadio
from vitals.virtual.scanner import Central, to_its_end
from vitals.virtual.security import of_central


@dataclass(frozen=True)
class Scene:
    """What is within reach: `backend` is what `vitals.connect` takes, its classes are what bleak takes."""

    backend: VirtualBackend
    radio: VirtualRadio
    central: Central
    devices: tuple[GattDevice, ...]

    @property
    def name(self) -> str:
        """The name that the first device advertises."""
        return self.devices[0].name

    @property
    def address(self) -> str:
        """Bluetooth address of the first device."""
        return self.devices[0].address


@dataclass(frozen=True)
class VirtualStrap(Scene):
    """A strap within reach."""

    @property
    def strap(self) -> Strap:
        """The device itself."""
        strap = self.devices[0]
        assert isinstance(strap, Strap)
        return strap


@asynccontextmanager
async def scene(
    *devices: GattDevice, seed: int = 1, radio: VirtualRadio | None = None, passkey: int | None = None
) -> AsyncIterator[Scene]:
    """Put `devices` within reach of one central on `radio` (None: a perfect one of that seed); switch off on leaving.

    `passkey` is what the user of the central types when a device asks for one; None: there is no keyboard.
    Same seed, same bodies, same calls: byte-identical notifications at identical virtual times.
    """
    radio = radio or VirtualRadio(seed=seed)
    async with AsyncExitStack() as switched_on:  # HCI commands run to their end: bumble would swallow a cancellation
        central = await to_its_end(_central(radio, switched_on))
        central.pairing_config_factory = lambda _: of_central(passkey)
        backend = backends(central, seed=seed)
        for device in devices:
            await to_its_end(_start(device, radio, switched_on))
        kind = VirtualStrap if devices and isinstance(devices[0], Strap) else Scene
        yield kind(backend, radio, backend.host, devices)


async def _central(radio: VirtualRadio, switched_on: AsyncExitStack) -> bumble_device.Device:
    central = await radio.make_device("central")
    switched_on.push_async_callback(central.power_off)
    return central


async def _start(device: GattDevice, radio: VirtualRadio, switched_on: AsyncExitStack) -> None:
    await device.start(radio)
    switched_on.push_async_callback(device.stop)


@asynccontextmanager
async def virtual_strap(
    beats_s: Iterable[float],
    *,
    name: str = DEFAULT_INFO.name,
    seed: int = 1,
    radio: VirtualRadio | None = None,
    passkey: int | None = None,
    **options: Any,
) -> AsyncIterator[VirtualStrap]:
    """A `scene` of one `Strap` that wears `beats_s` (increasing times in seconds); `options` are those of `Strap`."""
    strap = Strap(beats_s, info=replace(DEFAULT_INFO, name=name), **options)
    async with scene(strap, seed=seed, radio=radio, passkey=passkey) as near:
        assert isinstance(near, VirtualStrap)
        yield near
