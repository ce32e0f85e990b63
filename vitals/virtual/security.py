"""Pairing and encryption of virtual links; the Security Manager is bumble's own and runs in full.

What a payload looks like on the air is not simulated: an encrypted link differs from a plain one in what the device
allows, as an app sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bumble import att, gatt
from bumble import device as bumble_device
from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

_Permission = att.Attribute.Permissions
_CLOSED = {
    "just works": (_Permission.READ_REQUIRES_ENCRYPTION, _Permission.WRITE_REQUIRES_ENCRYPTION),
    "passkey": (_Permission.READ_REQUIRES_AUTHENTICATION, _Permission.WRITE_REQUIRES_AUTHENTICATION),
}


@dataclass(frozen=True, slots=True)
class Security:
    """What a device asks for before it tells anything: an encrypted link, or one that was paired with its passkey.

    A read, write or subscription before that fails with ATT error 0x0F (encryption) or 0x05 (authentication).
    """

    pairing: Literal["just works", "passkey"] = "just works"
    passkey: int = 123456  # that the device shows

    def of_device(self, _: bumble_device.Connection) -> PairingConfig:
        """bumble's pairing configuration for the peripheral."""
        if self.pairing == "just works":
            return PairingConfig(mitm=False)
        return PairingConfig(delegate=_Display(self.passkey))

    def protect(self, attributes: Iterable[att.Attribute[bytes]]) -> None:
        """Close characteristic values and subscriptions to links without security; the table itself stays visible."""
        read, write = _CLOSED[self.pairing]
        for attribute in attributes:
            if isinstance(attribute, gatt.Characteristic):
                attribute.permissions |= read | write
            elif attribute.type == gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR:
                attribute.permissions |= write

    def watch(self, device: bumble_device.Device, connection: bumble_device.Connection) -> None:
        """Keep `connection.authenticated` true to the keys; bumble takes every encrypted LE link for authenticated."""

        def with_keys(keys: PairingKeys | None) -> None:
            connection.authenticated = bool(keys and keys.ltk and keys.ltk.authenticated)

        def encrypted() -> None:
            bonds = device.keystore
            assert isinstance(bonds, MemoryKeyStore)
            with_keys(bonds.all_keys.get(str(connection.peer_address)))

        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, encrypted)
        connection.on(connection.EVENT_PAIRING, with_keys)


def of_central(typed: int | None) -> PairingConfig:
    """bumble's pairing configuration for the host: its user types the passkey `typed`, or it has no keyboard (None)."""
    return PairingConfig(mitm=False) if typed is None else PairingConfig(delegate=_Keyboard(typed))


class _Display(PairingDelegate):
    def __init__(self, passkey: int) -> None:
        super().__init__(PairingDelegate.DISPLAY_OUTPUT_ONLY)
        self._passkey = passkey

    async def generate_passkey(self) -> int:
        return self._passkey


class _Keyboard(PairingDelegate):
    def __init__(self, passkey: int) -> None:
        super().__init__(PairingDelegate.KEYBOARD_INPUT_ONLY)
        self._passkey = passkey

    async def get_number(self) -> int | None:
        return self._passkey
