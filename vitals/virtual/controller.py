"""bumble's controller and host, corrected where they do not behave like a real one, and made quiet.

Laws of this file:
1. Everything above the link layer stays bumble's own: HCI, ACL, L2CAP, ATT, GATT, SMP.
2. Every override names the defect that it corrects; tests/link/test_canary.py pins what they rely on.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from bumble import controller as bumble_controller
from bumble import device, hci, host

if TYPE_CHECKING:
    from vitals.virtual.radio import VirtualRadio

ACL_BYTES = 251  # the most one data channel PDU holds; bumble's default of 27 costs 4.5 times the CPU for large values


class VirtualController(bumble_controller.Controller):
    """bumble's controller without the defects named below, and without its log, which formats every packet unread."""

    le_acl_data_packet_length = ACL_BYTES

    def __init__(self, name: str, radio: VirtualRadio) -> None:
        super().__init__(name, link=radio)
        self.radio = radio
        self.device: device.Device | None = None
        self.absences = 0

    @property
    def listens(self) -> bool:
        """Scanning or trying to connect."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if isinstance(packet, hci.HCI_AclDataPacket):
            # Data for a link that was lost a moment ago is normal; bumble warns of it.
            if connection := self.find_le_connection_by_handle(packet.connection_handle):
                connection.on_hci_acl_data_packet(packet)
        else:
            assert isinstance(packet, hci.HCI_Command)
            self.on_hci_command_packet(packet)

    def on_hci_command_packet(self, command: hci.HCI_Command) -> None:
        super().on_hci_command_packet(command)
        if self.listens:
            self.radio.wake_advertisers()

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if self.hci_sink:
            asyncio.get_running_loop().call_soon(self.hci_sink.on_packet, bytes(packet))

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Core 5.4, Vol 4, Part E, 7.8.13. bumble answers, but neither forgets the request nor reports its end."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        ended = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, ended)  # after Command Complete
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_set_extended_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Advertising_Parameters_Command
    ) -> Any:
        self.advertising_sets.setdefault(
            command.advertising_handle, AdvertisingSet(controller=self, handle=command.advertising_handle)
        )
        return super().on_hci_le_set_extended_advertising_parameters_command(command)


class AdvertisingSet(bumble_controller.AdvertisingSet):
    """Advertises in a fixed rhythm, and only while somebody listens."""

    controller: VirtualController
    started_at = 0.0

    def start(self) -> None:
        self.stop()
        self.enabled = True
        self.started_at = asyncio.get_running_loop().time()
        self.schedule()

    def schedule(self) -> None:
        if not self.enabled or self.timer_handle is not None:
            return
        assert self.parameters is not None
        loop = asyncio.get_running_loop()
        interval = self.parameters.primary_advertising_interval_min * 0.625e-3
        beats = math.floor((loop.time() - self.started_at) / interval + 1e-6) + 1
        self.timer_handle = loop.call_at(self.started_at + beats * interval, self._on_timer)

    def _on_timer(self) -> None:
        self.timer_handle = None
        if self.controller.radio.hears(self.controller):
            self.send_extended_advertising_data()
            self.schedule()
        else:
            self.controller.radio.park(self)


class QuietHost(host.Host):
    """bumble's host without its logging of every packet."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if self.hci_sink:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        else:
            assert isinstance(packet, hci.HCI_Event)
            self.on_hci_event_packet(packet)

    def send_acl_sdu(self, connection_handle: int, sdu: bytes) -> None:
        # An answer to a request of a peer that has gone meanwhile is normal; bumble warns of it.
        if connection_handle in self.connections:
            super().send_acl_sdu(connection_handle, sdu)
