"""Virtual Bluetooth devices over a real host stack, in virtual time: the same door as hardware, without hardware.

    async def main():
        async with vitals.virtual.strap(beats_s) as device, vitals.monitor(device) as events:
            async for event in events: ...

    vitals.virtual.run(main())          # an hour passes in a second

`run` needs nothing; everything else needs bumble (extra "sim").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vitals.errors import MissingExtra
from vitals.virtual.clock import run

if TYPE_CHECKING:
    from vitals.virtual.chest_strap import Strap
    from vitals.virtual.radio import VirtualRadio
    from vitals.virtual.scene import VirtualStrap, virtual_strap
    from vitals.virtual.worn import strap

__all__ = ["Strap", "VirtualRadio", "VirtualStrap", "run", "strap", "virtual_strap"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from vitals.virtual import scene, worn
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "bumble":
            raise
        raise MissingExtra("The virtual Bluetooth link (bumble)", extra="sim") from error
    return worn.strap if name == "strap" else getattr(scene, name)
