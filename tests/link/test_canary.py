"""What the virtual link relies on inside bleak and bumble: when one fails, the upgrade that broke it needs a look."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bumble import controller, device, gatt_client, gatt_server, hci, host, link

from vitals.virtual import run


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (BaseBleakClient.__init__, ["self", "address_or_ble_device", "disconnected_callback", "timeout", "kwargs"]),
        (BaseBleakClient.connect, ["self", "pair", "kwargs"]),
        (BaseBleakClient.start_notify, ["self", "characteristic", "callback", "kwargs"]),
        (BaseBleakClient.write_gatt_char, ["self", "characteristic", "data", "response"]),
        (BaseBleakScanner.__init__, ["self", "detection_callback", "service_uuids"]),
        (BaseBleakScanner.create_or_update_device, ["self", "key", "address", "name", "details", "adv"]),
        (BaseBleakAdapter.get_connected_devices, ["self", "service_uuids"]),
        (controller.Controller.__init__, ["self", "name", "host_source", "host_sink", "link", "public_address"]),
        (controller.Controller.on_hci_packet, ["self", "packet"]),
        (controller.Controller.on_hci_command_packet, ["self", "command"]),
        (controller.Controller.send_hci_packet, ["self", "packet"]),
        (controller.Controller.on_le_disconnected, ["self", "connection", "reason"]),
        (controller.Controller.on_link_acl_data, ["self", "sender_address", "transport", "data"]),
        (controller.Controller.on_ll_control_pdu, ["self", "sender_address", "packet"]),
        (controller.AdvertisingSet.send_extended_advertising_data, ["self"]),
        (link.LocalLink.send_acl_data, ["self", "sender_controller", "destination_address", "transport", "data"]),
        (link.LocalLink.send_ll_control_pdu, ["self", "sender_address", "receiver_address", "packet"]),
        (link.LocalLink.send_advertising_pdu, ["self", "sender_controller", "packet"]),
        (host.Host.send_hci_packet, ["self", "packet"]),
        (host.Host.on_hci_packet, ["self", "packet"]),
        (host.Host.send_acl_sdu, ["self", "connection_handle", "sdu"]),
        (gatt_client.Client.on_gatt_pdu, ["self", "att_pdu"]),
        (gatt_client.Client.subscribe, ["self", "characteristic", "subscriber", "prefer_notify"]),
        (gatt_server.Server.send_gatt_pdu, ["self", "bearer", "pdu"]),
    ],
)
def test_signatures_are_the_ones_we_override_and_call(function: Any, expected: list[str]) -> None:
    assert parameters(function) == expected


def test_bleak_asks_of_a_backend_what_ours_gives() -> None:
    assert sorted(BaseBleakClient.__abstractmethods__) == [
        "connect",
        "disconnect",
        "is_connected",
        "mtu_size",
        "pair",
        "read_gatt_char",
        "read_gatt_descriptor",
        "start_notify",
        "stop_notify",
        "unpair",
        "write_gatt_char",
        "write_gatt_descriptor",
    ]
    assert BaseBleakScanner.__abstractmethods__ == {"start", "stop"}
    assert AdvertisementData._fields == (
        "local_name",
        "manufacturer_data",
        "service_data",
        "service_uuids",
        "tx_power",
        "rssi",
        "platform_data",
    )


def test_bumble_still_forgets_to_end_a_cancelled_connection_attempt() -> None:
    """When this fails, `VirtualController.on_hci_le_create_connection_cancel_command` may go."""

    async def main() -> None:
        plain = controller.Controller("plain", link=link.LocalLink())  # type: ignore[no-untyped-call]
        central = device.Device(
            config=device.DeviceConfiguration(address=hci.Address("C0:00:00:00:00:01")), host=host.Host(plain, plain)
        )
        await central.power_on()
        attempt = asyncio.ensure_future(central.connect_le(hci.Address("F0:00:00:00:00:99"), timeout=1))
        await asyncio.sleep(1000)
        assert not attempt.done()
        assert plain.pending_le_connection is not None
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)

    run(main())
