"""Every error that vitals raises on purpose, in one tree.

    VitalsError
    ├── DecodeError (ValueError)         a payload does not follow its specification; carries uuid, payload, offset
    ├── InputError (ValueError)          an argument, file or option is wrong; names field, value, remedy
    │   └── FormatError                  a file is not what it claims to be
    ├── LinkError                        the Bluetooth side
    │   ├── BluetoothUnavailable         no adapter, switched off, denied: the virtual watch is the way on
    │   ├── DeviceNotFound               nobody of that name or address advertises
    │   └── LinkLost                     the connection ended
    ├── StoreError                       the encrypted store
    │   ├── WrongKey                     the passphrase or key does not open this store
    │   ├── StoreMissing / StoreExists   nothing there to open, or something where a new one should go
    │   ├── StoreDamaged                 bytes changed outside of vitals; nothing is returned from them
    │   ├── StoreLocked                  nobody used it for a while: unlock it with a key
    │   ├── StoreFull                    the disk took no more; what was acknowledged is safe
    │   └── StoreTooNew                  written by a later version
    ├── SyncError                        a bundle is damaged, not for us, or does not continue what we hold
    ├── ModelError                       a model file, its card or its runtime is unusable
    └── MissingExtra (ImportError)       an optional dependency is absent; says how to install it

The message says whose fault it is and what to do next. No message holds health data or a key.
"""

from __future__ import annotations


class VitalsError(Exception):
    """Base of all errors raised on purpose; never raised itself."""


class DecodeError(VitalsError, ValueError):
    """A payload does not follow its specification.

    `uuid` names the characteristic, `payload` the bytes, `offset` where reading stopped.
    """

    def __init__(self, message: str, *, uuid: str, payload: bytes, offset: int) -> None:
        super().__init__(f"{message} (characteristic {uuid}, offset {offset}, payload {payload.hex() or 'empty'})")
        self.uuid = uuid
        self.payload = payload
        self.offset = offset


class InputError(VitalsError, ValueError):
    """An argument, a file or an option is wrong."""


class FormatError(InputError):
    """A file is not what it claims to be, or holds what we cannot read."""


class LinkError(VitalsError):
    """The Bluetooth side failed."""


class BluetoothUnavailable(LinkError):
    """No adapter, switched off, or access denied."""


class DeviceNotFound(LinkError):
    """Nobody of that name or address advertises."""


class LinkLost(LinkError):
    """The connection ended while it was in use."""


class StoreError(VitalsError):
    """The encrypted store failed."""


class WrongKey(StoreError):
    """The passphrase or key does not open this store."""


class StoreMissing(StoreError):
    """There is no store at that path."""


class StoreExists(StoreError):
    """There is a store (or something else) where a new one should go."""


class StoreDamaged(StoreError):
    """Bytes of the store changed outside of vitals."""


class StoreLocked(StoreError):
    """The store locked itself, or was locked, and its key is wiped."""


class StoreFull(StoreError):
    """The disk took no more."""


class StoreTooNew(StoreError):
    """The store was written by a later version of vitals."""


class SyncError(VitalsError):
    """A bundle is damaged, is not for this store, or does not continue what it holds."""


class ModelError(VitalsError):
    """A model file, its card or its runtime cannot be used."""


class MissingExtra(VitalsError, ImportError):
    """An optional dependency is absent."""

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(f'{what} is not installed; install it with: pip install "vitals[{extra}]"')
        self.extra = extra
