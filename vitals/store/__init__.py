"""The encrypted store: raw streams, gaps, features, events and who made them, in one folder that only a key opens.

    from vitals.store import Store, passphrase
    with Store.open(path, key=passphrase("...")) as store: ...

Rooms: `folder` the door · `opening`, `building` how a store comes to be · `connection` the engine · `keys`,
`os_keyring`, `header`, `rotation` who may open · `wiping` secrets · `migrations`, `before` the schema · `rows`,
`chain` the tamper-evident log · `codec`, `pco`, `chunks` samples as bytes · `samples` samples as the log knows them ·
`pending`, `session` writing · `merge`, `pyramid`, `settle` what follows · `query`, `spans`, `arrays`, `frames`
reading · `clock` what is known of device clocks · `integrity` verify · `erasing`, `places`, `receipt` what goes ·
`backing_up` a second copy · `sealed` recording without a key · `idle`, `anchor`, `ballast` guards · `audit`,
`consent` what was done and allowed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitals.store.arrays import Samples, Summary
    from vitals.store.audit import AuditEntry
    from vitals.store.clock import ClockFit
    from vitals.store.consent import Consent
    from vitals.store.folder import Compacted, Store
    from vitals.store.integrity import Report
    from vitals.store.keys import KdfParams, Key, new_recovery_code, passphrase, recovery
    from vitals.store.os_keyring import keyring
    from vitals.store.query import DeviceSeen, EventRow, FeatureRow, SessionInfo, StreamInfo
    from vitals.store.receipt import Receipt
    from vitals.store.rotation import KeySlot, KeySlots
    from vitals.store.session import Analysis, Session

__all__ = [
    "Analysis", "AuditEntry", "ClockFit", "Compacted", "Consent", "DeviceSeen", "EventRow", "FeatureRow", "KdfParams",
    "Key", "KeySlot", "KeySlots", "Receipt", "Report", "Samples", "Session", "SessionInfo", "Store", "StreamInfo",
    "Summary", "keyring", "new_recovery_code", "passphrase", "recovery",
]  # fmt: skip

_HOMES = {
    "AuditEntry": "audit",
    "ClockFit": "clock",
    "Receipt": "receipt",
    "Compacted": "folder",
    "Consent": "consent",
    "DeviceSeen": "query",
    "Samples": "arrays",
    "Store": "folder",
    "Summary": "arrays",
    "Report": "integrity",
    "KdfParams": "keys",
    "Key": "keys",
    "KeySlot": "rotation",
    "KeySlots": "rotation",
    "keyring": "os_keyring",
    "new_recovery_code": "keys",
    "passphrase": "keys",
    "recovery": "keys",
    "EventRow": "query",
    "FeatureRow": "query",
    "SessionInfo": "query",
    "StreamInfo": "query",
    "Analysis": "session",
    "Session": "session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
