"""Wearable health monitoring that stays on the device.

    async with vitals.connect("Polar H10 8C4CAD2F") as device:
        async with vitals.monitor(device, store=store) as events:
            async for event in events: ...

Bluetooth streams -> decoded blocks with honest time -> features -> a tiny model -> events -> an encrypted store.
Nothing opens a network connection other than the Bluetooth link; nothing leaves the device but by an explicit sync.
Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vitals.errors import VitalsError

if TYPE_CHECKING:
    import vitals_models as models
    import vitals_signal as signal
    from vitals import virtual
    from vitals.device import Device, connect
    from vitals.link import Backend, Found, discover
    from vitals.monitoring import Monitoring, monitor
    from vitals.recording import replay
    from vitals.store import Store, keyring, passphrase, recovery
    from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap

__version__ = "0.1.0"

_HOMES = {
    "Backend": "vitals.link",
    "Block": "vitals.values",
    "Device": "vitals.device",
    "DeviceInfo": "vitals.values",
    "Event": "vitals.values",
    "EventState": "vitals.values",
    "Features": "vitals.values",
    "Found": "vitals.link",
    "Gap": "vitals.values",
    "Monitoring": "vitals.monitoring",
    "Store": "vitals.store",
    "connect": "vitals.device",
    "discover": "vitals.link",
    "keyring": "vitals.store",
    "monitor": "vitals.monitoring",
    "passphrase": "vitals.store",
    "recovery": "vitals.store",
    "replay": "vitals.recording",
}
_ROOMS = {"models": "vitals_models", "signal": "vitals_signal", "virtual": "vitals.virtual"}


def __getattr__(name: str) -> Any:
    """Load a room when it is first used: SciPy, TFLite, SQLCipher and bleak are slow to import."""
    if name in _ROOMS:
        return import_module(_ROOMS[name])
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_ROOMS])


__all__ = [
    "Backend",
    "Block",
    "Device",
    "DeviceInfo",
    "Event",
    "EventState",
    "Features",
    "Found",
    "Gap",
    "Monitoring",
    "Store",
    "VitalsError",
    "connect",
    "discover",
    "keyring",
    "models",
    "monitor",
    "passphrase",
    "recovery",
    "replay",
    "signal",
    "virtual",
]
