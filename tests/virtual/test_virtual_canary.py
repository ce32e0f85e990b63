"""What virtual devices rely on inside bumble, beside what tests/link/test_canary.py pins for the link itself."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from bumble import controller, device, gatt, gatt_server, keys, pairing
from bumble.transport import common

from vitals import virtual


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (gatt_server.Server.on_att_handle_value_confirmation, ["self", "bearer", "confirmation"]),
        (gatt_server.Server.on_disconnection, ["self", "bearer"]),
        (gatt.CharacteristicValue.__init__, ["self", "read", "write"]),
        (pairing.PairingConfig.__init__, ["self", "sc", "mitm", "bonding", "delegate", "identity_address_type", "oob"]),
        (pairing.PairingDelegate.generate_passkey, ["self"]),
        (pairing.PairingDelegate.get_number, ["self"]),
        (common.PacketParser.__init__, ["self", "sink"]),
        (device.Device.from_config_with_hci, ["config", "hci_source", "hci_sink"]),
        (controller.AdvertisingSet.stop, ["self"]),
    ],
)
def test_signatures_are_the_ones_we_call(function: Any, expected: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == expected


def test_attributes_are_where_we_look_for_them() -> None:
    assert keys.MemoryKeyStore().all_keys == {}
    kind = device.Connection
    events = kind.EVENT_PAIRING, kind.EVENT_CONNECTION_ENCRYPTION_CHANGE, kind.EVENT_DISCONNECTION
    assert events == ("pairing", "connection_encryption_change", "disconnection")
    assert gatt.Characteristic.EVENT_SUBSCRIPTION == "subscription"


def test_every_public_name_is_there() -> None:
    for name in virtual.__all__:
        assert getattr(virtual, name) is not None
    with pytest.raises(AttributeError):
        _ = virtual.no_such_device
