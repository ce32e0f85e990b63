"""Virtual Bluetooth devices over a real host stack, in virtual time: the same door as hardware, without hardware.

    async def main():
        async with vitals.virtual.strap(beats_s) as device, vitals.monitor(device) as events:
            async for event in events: ...

    vitals.virtual.run(main())          # an hour passes in a second

`scene` puts any devices within reach of plain bleak; `FaultScript` and `play` break what real radios break;
docs/virtual-devices.md shows them in an app's own tests. `run` and fault scripts need nothing; everything else needs
bumble (extra "sim").
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vitals.errors import MissingExtra
from vitals.virtual.clock import run
from vitals.virtual.faults import Fault, FaultScript, play

if TYPE_CHECKING:
    from vitals.virtual.bangle_watch import BangleWatch
    from vitals.virtual.body import Body
    from vitals.virtual.chest_strap import Strap
    from vitals.virtual.colmi_ring import ColmiRing
    from vitals.virtual.gatt_device import GattDevice, Profile
    from vitals.virtual.gatt_table import Characteristic, Service
    from vitals.virtual.glucose_devices import GlucoseMeter, GlucoseMonitor
    from vitals.virtual.hci_link import HciMedium, hci_backend, hci_server
    from vitals.virtual.huami_band import HuamiBand
    from vitals.virtual.movesense_sensor import MovesenseSensor
    from vitals.virtual.optical_band import OpticalBand
    from vitals.virtual.oxygen_ring import OxygenRing
    from vitals.virtual.pinetime import PineTime
    from vitals.virtual.radio import VirtualRadio
    from vitals.virtual.security import Security
    from vitals.virtual.shown_clock import ShownClock
    from vitals.virtual.spot_devices import Cuff, Oximeter, Scale, Thermometer
    from vitals.virtual.waveform import Computed, Recording, Waveform
    from vitals.virtual.within_reach import Scene, VirtualStrap, scene, virtual_strap
    from vitals.virtual.worn import connected, strap, watch
    from vitals.virtual.wristwatch import Watch

_ROOMS = {
    "bangle_watch": ("BangleWatch",),
    "body": ("Body",),
    "chest_strap": ("Strap",),
    "colmi_ring": ("ColmiRing",),
    "gatt_device": ("GattDevice", "Profile"),
    "gatt_table": ("Characteristic", "Service"),
    "glucose_devices": ("GlucoseMeter", "GlucoseMonitor"),
    "hci_link": ("HciMedium", "hci_backend", "hci_server"),
    "huami_band": ("HuamiBand",),
    "movesense_sensor": ("MovesenseSensor",),
    "optical_band": ("OpticalBand",),
    "oxygen_ring": ("OxygenRing",),
    "pinetime": ("PineTime",),
    "radio": ("VirtualRadio",),
    "within_reach": ("Scene", "VirtualStrap", "scene", "virtual_strap"),
    "security": ("Security",),
    "shown_clock": ("ShownClock",),
    "spot_devices": ("Cuff", "Oximeter", "Scale", "Thermometer"),
    "wristwatch": ("Watch",),
    "waveform": ("Computed", "Recording", "Waveform"),
    "worn": ("connected", "strap", "watch"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "BangleWatch",
    "Body",
    "Characteristic",
    "ColmiRing",
    "Computed",
    "Cuff",
    "Fault",
    "FaultScript",
    "GattDevice",
    "GlucoseMeter",
    "GlucoseMonitor",
    "HciMedium",
    "HuamiBand",
    "MovesenseSensor",
    "OpticalBand",
    "Oximeter",
    "OxygenRing",
    "PineTime",
    "Profile",
    "Recording",
    "Scale",
    "Scene",
    "Security",
    "Service",
    "ShownClock",
    "Strap",
    "Thermometer",
    "VirtualRadio",
    "VirtualStrap",
    "Watch",
    "Waveform",
    "connected",
    "hci_backend",
    "hci_server",
    "play",
    "run",
    "scene",
    "strap",
    "virtual_strap",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        room = importlib.import_module(f"{__name__}.{_ROOM_OF[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "bumble":
            raise
        raise MissingExtra("The virtual Bluetooth link (bumble)", extra="sim") from error
    return getattr(room, name)
