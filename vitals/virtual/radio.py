"""The air between virtual Bluetooth controllers, with the faults that real air has.

Laws of this file:
1. A link is reliable until it is lost: packets are delayed, never dropped, because a link layer retransmits. Out of
   range they wait; after the supervision time-out both ends lose the link, and what waited is gone.
2. Order is deterministic: what reaches the air first is delivered first; nothing depends on memory addresses or on the
   wall clock.
3. Every packet of a connection passes through `VirtualRadio._carry`, every advertisement through
   `send_advertising_pdu`: pacing by connection events and packet errors belong there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from bumble import controller as bumble_controller
from bumble import core, device, hci, link, ll

from vitals.virtual.controller import AdvertisingSet, QuietHost, VirtualController

SUPERVISION_S = 4.0  # what central stacks commonly ask for
ADVERTISING_INTERVAL_MS = 100.0
ESTABLISHMENT_EVENTS = (
    6  # Core 5.4, Vol 6, Part B, 4.5.2: a link that is not heard within 6 intervals was not established
)


class VirtualRadio(link.LocalLink):
    """The air: carries packets between the controllers made by `make_device`, and breaks links on demand."""

    def __init__(self, *, seed: int = 1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.random = random.Random(seed)
        self._nodes: list[VirtualController] = []  # LocalLink keeps a set, whose order depends on memory addresses
        self._away: set[VirtualController] = set()
        self._waiting: list[tuple[VirtualController, VirtualController, Callable[[], None]]] = []
        self._parked: list[AdvertisingSet] = []

    async def make_device(self, name: str, address: str = "") -> device.Device:
        """A powered bumble device on this radio; without `address` one is drawn from the seed.

        Addresses are random static ones: bumble's link finds LE devices by their random address only.
        """
        own = hci.Address(address or self.new_address(), hci.Address.RANDOM_DEVICE_ADDRESS)
        node = VirtualController(name, self)
        config = device.DeviceConfiguration(
            name=name,
            address=own,
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )
        made = device.Device(config=config, host=QuietHost(node, node))
        node.device = made
        await made.power_on()
        return made

    def new_address(self) -> str:
        """A random static address, Core 5.4, Vol 6, Part B, 1.3.2.1: the two most significant bits are 1."""
        octets = [self.random.randrange(256) for _ in range(6)]
        octets[0] |= 0xC0
        return ":".join(f"{octet:02X}" for octet in octets)

    # Faults

    def drop(self, lost: device.Device | None = None) -> None:
        """Lose the links of `lost` (of every device, if None) now: both ends see a supervision time-out."""
        chosen = self._chosen(lost)
        for node in self._nodes:
            for connection in list(node.le_connections.values()):
                if node in chosen or self.find_le_controller(connection.peer_address) in chosen:
                    node.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        self._waiting = [entry for entry in self._waiting if entry[0] not in chosen and entry[1] not in chosen]

    def out_of_range(self, gone: device.Device | None = None) -> None:
        """Carry `gone` (every device, if None) out of reach; its links last SUPERVISION_S unless it returns."""
        for node in self._chosen(gone):
            if node not in self._away:
                self._away.add(node)
                node.absences += 1
                asyncio.get_running_loop().call_later(SUPERVISION_S, self._supervise, node, node.absences)

    def in_range(self, back: device.Device | None = None) -> None:
        """Bring `back` (every device, if None) into reach: what waited is delivered, advertising is heard again."""
        self._away.difference_update(self._chosen(back))
        waiting, self._waiting = self._waiting, []
        for sender, receiver, deliver in waiting:
            self._carry(sender, receiver, deliver)
        self.wake_advertisers()

    def _supervise(self, node: VirtualController, absence: int) -> None:
        if node in self._away and node.absences == absence:
            assert node.device is not None
            self.drop(node.device)

    def _chosen(self, chosen: device.Device | None) -> list[VirtualController]:
        return [node for node in self._nodes if chosen is None or node.device is chosen]

    # LocalLink

    def add_controller(self, controller: bumble_controller.Controller) -> None:
        assert isinstance(controller, VirtualController)
        super().add_controller(controller)
        self._nodes.append(controller)

    def remove_controller(self, controller: bumble_controller.Controller) -> None:
        super().remove_controller(controller)
        self._nodes.remove(controller)  # type: ignore[arg-type]

    def find_le_controller(self, address: hci.Address) -> VirtualController | None:
        return next((node for node in self._nodes if node.random_address == address), None)

    def send_acl_data(
        self,
        sender_controller: bumble_controller.Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        receiver = self.find_le_controller(destination_address)
        source = sender_controller.random_address
        assert isinstance(sender_controller, VirtualController)
        if receiver is not None:

            def deliver() -> None:
                if source in receiver.le_connections:  # else the link was lost while the packet was in the air
                    receiver.on_link_acl_data(source, transport, data)

            self._carry(sender_controller, receiver, deliver)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        sender, receiver = self.find_le_controller(sender_address), self.find_le_controller(receiver_address)
        if sender is not None and receiver is not None:

            def deliver() -> None:
                if sender_address in receiver.le_connections:
                    receiver.on_ll_control_pdu(sender_address, packet)

            self._carry(sender, receiver, deliver)

    def send_advertising_pdu(self, sender_controller: bumble_controller.Controller, packet: ll.AdvertisingPdu) -> None:
        assert isinstance(sender_controller, VirtualController)
        if sender_controller in self._away:
            return
        loop = asyncio.get_running_loop()
        initiating = isinstance(packet, ll.ConnectInd)
        for node in self._nodes:
            if node is not sender_controller and node not in self._away and (initiating or node.listens):
                loop.call_soon(node.on_ll_advertising_pdu, packet)
        if isinstance(packet, ll.ConnectInd):
            patience = ESTABLISHMENT_EVENTS * max(packet.interval, 6) * 1.25e-3
            loop.call_later(patience, self._check_established, sender_controller, packet)

    def _check_established(self, central: VirtualController, sent: ll.ConnectInd) -> None:
        """bumble's central believes in a link as soon as it asks for one; a request that nobody took ends here."""
        peer = self.find_le_controller(sent.advertiser_address)
        connection = central.le_connections.get(sent.advertiser_address)
        if connection and not (peer and sent.initiator_address in peer.le_connections):
            central.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def _carry(self, sender: VirtualController, receiver: VirtualController, deliver: Callable[[], None]) -> None:
        if sender in self._away or receiver in self._away:
            self._waiting.append((sender, receiver, deliver))
        else:
            asyncio.get_running_loop().call_soon(deliver)

    # Advertising costs nothing while nobody listens, and leaves no timer behind that would hide a deadlock.

    def hears(self, advertiser: VirtualController) -> bool:
        """True where an advertisement of `advertiser` would reach somebody."""
        return advertiser not in self._away and any(
            node.listens and node is not advertiser and node not in self._away for node in self._nodes
        )

    def park(self, advertising_set: AdvertisingSet) -> None:
        """Keep an advertiser silent until `wake_advertisers`."""
        self._parked.append(advertising_set)

    def wake_advertisers(self) -> None:
        """Somebody listens: let parked advertisers go on in their old rhythm."""
        parked, self._parked = self._parked, []
        for advertising_set in parked:
            advertising_set.schedule()
