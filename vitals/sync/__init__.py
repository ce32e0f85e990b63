"""From one store to another without a network: bundles, sealed for the receiver and verified before anything is kept.

    from vitals import sync
    sync.bundle(store, "age1...", path)       what the receiver has not been sent yet
    sync.apply(store, path)                   twice is once; all of it, or none
    sync.identity(store)                      the recipient to give to the other side
    sync.restore(store, backup)               what a backup of this store holds and it does not

Rooms: `party` who a store is to others · `wire` the bundle's form · `seal` making one · `receive` taking one ·
`sound` what a row from outside must satisfy · `restoring` merging a backup.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitals.sync.party import identity
    from vitals.sync.receive import ApplyReport, apply
    from vitals.sync.restoring import RestoreReport, restore
    from vitals.sync.seal import BundleReport, bundle

__all__ = ["ApplyReport", "BundleReport", "RestoreReport", "apply", "bundle", "identity", "restore"]

_HOMES = {
    "ApplyReport": "receive",
    "BundleReport": "seal",
    "RestoreReport": "restoring",
    "apply": "receive",
    "bundle": "seal",
    "identity": "party",
    "restore": "restoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
