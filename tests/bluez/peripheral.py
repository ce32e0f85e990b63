"""What a peripheral is to the fake `org.bluez`: its GATT table, and the faults that a test sets."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from dbus_fast import Message


def long_uuid(uuid: str) -> str:
    """The 128-bit form that BlueZ gives, of a 16-bit UUID."""
    return uuid if len(uuid) == 36 else f"0000{uuid}-0000-1000-8000-00805f9b34fb"


@dataclass(eq=False)
class Characteristic:
    """One characteristic; `path` is given when its service is exported."""

    uuid: str  # 16-bit or 128-bit
    flags: Sequence[str]
    value: bytes = b""
    is_encrypted: bool = False  # answers only when paired
    is_mute: bool = False  # never answers a read
    refuses: int = 0  # ATT error of every write
    written: list[tuple[bytes, str]] = field(default_factory=list)  # value, "request" or "command"
    unsent: int = 0  # notifications that a full AcquireNotify socket did not take
    path: str = ""
    sessions: set[str] = field(default_factory=set)  # D-Bus clients that called StartNotify
    acquired: socket.socket | None = None
    reading: list[Message] = field(default_factory=list)  # ReadValue calls without an answer yet

    @property
    def can_notify(self) -> bool:
        return "notify" in self.flags or "indicate" in self.flags


@dataclass(eq=False)
class Peripheral:
    """A device in the air."""

    address: str
    name: str
    services: dict[str, list[Characteristic]]
    mtu: int = 247
    rssi: int = -58
    is_advertising: bool = True
    is_in_reach: bool = True  # answers a connection attempt
    aborts: int = 0  # connections that fail to be established (0x3E) before one is
    drops: int = 0  # connections that are lost before the services are resolved
    pairs: bool = True  # an agent confirms; else pairing fails
    connecting: list[Message] = field(default_factory=list)  # Connect calls without an answer yet
    has_gatt: bool = False  # the ATT bearer is up

    @property
    def characteristics(self) -> dict[str, Characteristic]:
        return {one.uuid: one for characteristics in self.services.values() for one in characteristics}


def chest_strap(address: str = "F0:0A:1B:2C:3D:4E", name: str = "Polar H10 0A1B2C3D") -> Peripheral:
    """A heart-rate strap with battery, device information and a characteristic behind pairing."""
    texts = {"2a24": b"H10", "2a25": b"0A1B2C3D", "2a26": b"3.1.1", "2a27": b"00760690.03", "2a29": b"Polar Electro Oy"}
    return Peripheral(
        address,
        name,
        {
            "180d": [
                Characteristic("2a37", ["notify"]),
                Characteristic("2a38", ["read"], b"\x01"),
                Characteristic("2a39", ["write"]),
            ],
            "180f": [Characteristic("2a19", ["read", "notify"], b"\x5a")],
            "180a": [Characteristic(uuid, ["read"], text) for uuid, text in texts.items()],
            "fb005c80-02e7-f387-1cad-8acd2d8df0c8": [
                Characteristic(
                    "fb005c81-02e7-f387-1cad-8acd2d8df0c8",
                    ["read", "write", "indicate"],
                    b"\x0f\x05",
                    is_encrypted=True,
                ),
            ],
        },
    )
