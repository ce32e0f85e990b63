"""A strap within reach: radio, central and strap, put together and switched off again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from vitals.virtual.backend import VirtualBackend, backends
from vitals.virtual.chest_strap import DEFAULT_INFO, Strap
from vitals.virtual.radio import VirtualRadio


@dataclass(frozen=True)
class VirtualStrap:
    """A strap within reach: `backend` is what `vitals.link.open_link` takes."""

    backend: VirtualBackend
    strap: Strap
    radio: VirtualRadio

    @property
    def name(self) -> str:
        """The name it advertises."""
        return self.strap.info.name

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        return self.strap.address


@asynccontextmanager
async def virtual_strap(
    beats_s: Iterable[float],
    *,
    name: str = "Virtual H10",
    seed: int = 1,
    battery: int = 100,
    contact: bool | None = True,
    energy_kj: int | None = None,
    wide_rate: bool = False,
    mtu: int = 247,
) -> AsyncIterator[VirtualStrap]:
    """A radio, a central and a `Strap` that wears `beats_s` (increasing times in seconds), switched off on leaving.

    Same seed, same beats, same calls: byte-identical notifications at identical virtual times.
    """
    radio = VirtualRadio(seed=seed)
    central = await radio.make_device("central")
    info = replace(DEFAULT_INFO, name=name)
    strap = Strap(
        beats_s, info=info, battery=battery, contact=contact, energy_kj=energy_kj, wide_rate=wide_rate, mtu=mtu
    )
    await strap.start(radio)
    try:
        yield VirtualStrap(backends(central), strap, radio)
    finally:
        await strap.stop()
        await central.power_off()
