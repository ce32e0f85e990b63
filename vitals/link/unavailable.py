"""What the Bluetooth stack of the computer raises, in words that say what to do.

bleak on Linux passes D-Bus errors and operating system errors through; on macOS and Windows it names reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vitals.errors import BluetoothUnavailable, DeviceNotFound, LinkError

WITHOUT_HARDWARE = (
    "To go on without hardware, `vitals demo` plays a virtual watch and `vitals.virtual.strap()` "
    "gives one to your code."
)
# D-Bus says that there is no Bluetooth service, or that we may not talk to it.
DBUS_UNAVAILABLE = (
    "org.bluez.Error.NotReady",
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.Spawn",
)
_MISSING = "this computer has no Bluetooth that can be used: plug in an adapter, or start its service (bluetoothd)"
_OFF = "Bluetooth is switched off: switch it on in the settings of the computer (Linux: `bluetoothctl power on`)"
_DENIED = (
    "Bluetooth is denied to this program: allow it for your terminal or app in the privacy settings (Linux: join the "
    "group `bluetooth`)"
)
SILENT = "the Bluetooth service of this computer does not answer: restart it (Linux: `systemctl restart bluetooth`)"
_BY_REASON = {  # names of bleak's BleakBluetoothNotAvailableReason
    "NO_BLUETOOTH": _MISSING,
    "NO_BLE_CENTRAL_ROLE": "this Bluetooth adapter cannot connect to low-energy devices: plug in another one",
    "POWERED_OFF": _OFF,
    "DENIED_BY_USER": _DENIED,
    "DENIED_BY_SYSTEM": "a policy of this computer denies Bluetooth: ask who administers it",
    "DENIED_BY_UNKNOWN": _DENIED,
}
_BY_DBUS_ERROR = {
    "org.bluez.Error.NotReady": _OFF,
    "org.bluez.Error.NotAuthorized": _DENIED,
    "org.bluez.Error.NotPermitted": _DENIED,
    "org.freedesktop.DBus.Error.AccessDenied": _DENIED,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _MISSING,
    "org.freedesktop.DBus.Error.NoReply": SILENT,
    "org.freedesktop.DBus.Error.ServiceUnknown": _MISSING,
}


def unavailable(words: str, said: object) -> BluetoothUnavailable:
    """The error for `words`, with what the stack `said`."""
    return BluetoothUnavailable(f"{words}. ({said}) {WITHOUT_HARDWARE}")


@contextmanager
def opening(name: str = "the device") -> Iterator[None]:
    """Translate what scanning for `name` and connecting to it raise."""
    from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakDeviceNotFoundError, BleakError

    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        words = _BY_REASON.get(error.reason.name, "Bluetooth is not available")
        raise unavailable(words, error.args[0]) from error
    except BleakDeviceNotFoundError as error:
        raise DeviceNotFound(f"{name} is not known to this computer's Bluetooth; scan for it again") from error
    except TimeoutError as error:
        raise DeviceNotFound(f"{name} does not answer; wake it, bring it near, and try again") from error
    except BleakDBusError as error:
        if error.dbus_error.startswith(DBUS_UNAVAILABLE) or error.dbus_error in _BY_DBUS_ERROR:
            raise unavailable(_BY_DBUS_ERROR.get(error.dbus_error, _MISSING), error) from error
        raise LinkError(f"connecting to {name} failed: {error}") from error
    except BleakError as error:
        raise LinkError(f"connecting to {name} failed: {error}") from error
    except PermissionError as error:  # of the D-Bus socket
        raise unavailable(_DENIED, error) from error
    except (OSError, EOFError) as error:  # FileNotFoundError, ConnectionRefusedError of the D-Bus socket
        raise unavailable(_MISSING, error) from error
