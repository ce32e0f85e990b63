"""The air between virtual Bluetooth controllers, with the faults that real air has.

Laws of this file:
1. A link is reliable until it is lost: packets are delayed, never dropped, because a link layer retransmits. Out of
   range they wait; after the supervision time-out both ends lose the link, and what waited is gone.
2. Order is deterministic: what reaches the air first is delivered first; nothing depends on memory addresses or on the
   wall clock.
3. Every packet of a connection passes through `VirtualRadio._carry`, every advertisement through
   `send_advertising_pdu`.
4. Chance comes from `random` only, and is asked only where a fault needs it: a fault switched off changes no draw.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Literal

from bumble import controller as bumble_controller
from bumble import core, device, hci, link, ll

from vitals.errors import InputError
from vitals.virtual.controller import AdvertisingSet, QuietHost, VirtualController
from vitals.virtual.pacing import Lane

SUPERVISION_S = 4.0  # what central stacks commonly ask for
ADVERTISING_INTERVAL_MS = 100.0
ESTABLISHMENT_EVENTS = (
    6  # Core 5.4, Vol 6, Part B, 4.5.2: a link that is not heard within 6 intervals was not established
)


Who = device.Device | str | None  # a device, its address or its name; None: every device
End = Literal["both", "central", "peripheral"]


class VirtualRadio(link.LocalLink):
    """The air: carries packets between the controllers made by `make_device`, and breaks links on demand.

    Attributes that may be changed at any time: `interval_s`, the connection interval (None: packets take no time),
    `packet_errors` and `advertising_loss`, the probabilities that a data packet or an advertisement is bad.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        interval_s: float | None = None,
        packet_errors: float = 0.0,
        advertising_loss: float = 0.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.random = random.Random(seed)
        self.interval_s = interval_s
        self.packet_errors = packet_errors
        self.advertising_loss = advertising_loss
        self._nodes: list[VirtualController] = []  # LocalLink keeps a set, whose order depends on memory addresses
        self._away: set[VirtualController] = set()
        self._waiting: list[tuple[VirtualController, VirtualController, Callable[[], None]]] = []
        self._lanes: dict[tuple[VirtualController, VirtualController], Lane] = {}
        self._parked: list[AdvertisingSet] = []
        self._connects_to_lose = 0

    async def make_device(self, name: str, address: str = "") -> device.Device:
        """A powered bumble device on this radio; without `address` one is drawn from the seed.

        Addresses are random static ones: bumble's link finds LE devices by their random address only.
        """
        own = hci.Address(address or static_address(self.random), hci.Address.RANDOM_DEVICE_ADDRESS)
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

    # Faults

    def drop(self, lost: Who = None, *, seen_by: End = "both") -> None:
        """Lose the links of `lost` now, as a supervision time-out.

        Where only one end has `seen_by` it, the other believes in the link for SUPERVISION_S: a peripheral does not
        advertise meanwhile.
        """
        chosen = self._chosen(lost)
        for node in self._nodes:
            for connection in list(node.le_connections.values()):
                if node in chosen or self.find_le_controller(connection.peer_address) in chosen:
                    end = "central" if connection.role == hci.Role.CENTRAL else "peripheral"
                    if seen_by in ("both", end):
                        _time_out(node, connection)
                    else:
                        asyncio.get_running_loop().call_later(SUPERVISION_S, _time_out, node, connection)
        self._waiting = [entry for entry in self._waiting if entry[0] not in chosen and entry[1] not in chosen]
        self._take_lanes(chosen)

    def lose_connects(self, count: int = 1) -> None:
        """Lose the next `count` connection requests: their senders learn after six intervals that nobody came."""
        self._connects_to_lose += count

    async def vanish(self, gone: device.Device) -> None:
        """The power of `gone` fails: it forgets its links at once, its peers after SUPERVISION_S."""
        self.drop(gone, seen_by="peripheral")

    def out_of_range(self, gone: Who = None) -> None:
        """Carry `gone` out of reach; its links last SUPERVISION_S unless it returns."""
        chosen = [node for node in self._chosen(gone) if node not in self._away]
        self._waiting += self._take_lanes(chosen)
        for node in chosen:
            self._away.add(node)
            node.absences += 1
            asyncio.get_running_loop().call_later(SUPERVISION_S, self._supervise, node, node.absences)

    def in_range(self, back: Who = None) -> None:
        """Bring `back` into reach: what waited is delivered, advertising is heard again."""
        self._away.difference_update(self._chosen(back))
        waiting, self._waiting = self._waiting, []
        for sender, receiver, deliver in waiting:
            self._carry(sender, receiver, deliver)
        self.wake_advertisers()

    def _supervise(self, node: VirtualController, absence: int) -> None:
        if node in self._away and node.absences == absence:
            self.drop(address_of(node))

    def _chosen(self, who: Who) -> list[VirtualController]:
        if who is None:
            return list(self._nodes)
        if isinstance(who, device.Device):
            return [node for node in self._nodes if node.device is who]
        found = [node for node in self._nodes if who == node.name or who.upper() == address_of(node)]
        if not found:
            names = ", ".join(repr(node.name) for node in self._nodes)
            raise InputError(f"nobody of name or address {who!r} is on this radio; there are {names}")
        return found

    def _take_lanes(
        self, chosen: list[VirtualController]
    ) -> list[tuple[VirtualController, VirtualController, Callable[[], None]]]:
        """What waits for a connection event of `chosen`, taken out of its lane."""
        return [
            (sender, receiver, deliver)
            for (sender, receiver), lane in self._lanes.items()
            if sender in chosen or receiver in chosen
            for deliver in lane.take_all()
        ]

    # LocalLink

    def add_controller(self, controller: bumble_controller.Controller) -> None:
        assert isinstance(controller, VirtualController)
        super().add_controller(controller)
        self._nodes.append(controller)

    def remove_controller(self, controller: bumble_controller.Controller) -> None:
        super().remove_controller(controller)
        self._nodes.remove(controller)  # type: ignore[arg-type]

    def remove(self, node: VirtualController) -> None:
        """A controller is gone, and whatever was behind it; its peers lose their links after SUPERVISION_S."""
        self.drop(address_of(node), seen_by="peripheral")
        for advertising_set in node.advertising_sets.values():
            advertising_set.stop()
        self.remove_controller(node)

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
        lost = initiating and self._connects_to_lose > 0
        self._connects_to_lose -= lost
        for node in self._nodes:
            if node is sender_controller or node in self._away or lost or not (initiating or node.listens):
                continue
            if self.advertising_loss and self.random.random() < self.advertising_loss:
                continue
            loop.call_soon(node.on_ll_advertising_pdu, packet)
        if isinstance(packet, ll.ConnectInd):
            loop.call_soon(self._check_established, sender_controller, packet)

    def _check_established(self, central: VirtualController, sent: ll.ConnectInd) -> None:
        """bumble's central believes in a link as soon as it asks for one; a request that nobody took ends here."""
        peer = self.find_le_controller(sent.advertiser_address)
        connection = central.le_connections.get(sent.advertiser_address)
        if connection and not (peer and sent.initiator_address in peer.le_connections):
            patience = ESTABLISHMENT_EVENTS * max(sent.interval, 6) * 1.25e-3
            reason = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            asyncio.get_running_loop().call_later(patience, _end, central, connection, reason)

    def _carry(self, sender: VirtualController, receiver: VirtualController, deliver: Callable[[], None]) -> None:
        if sender in self._away or receiver in self._away:
            self._waiting.append((sender, receiver, deliver))
            return
        lane = self._lanes.get((sender, receiver))
        if self.interval_s is None and not lane:
            asyncio.get_running_loop().call_soon(deliver)
            return
        if lane is None:
            lane = self._lanes[sender, receiver] = Lane(self.random)
        lane.interval_s = self.interval_s or lane.interval_s
        lane.packet_errors = self.packet_errors
        lane.put(deliver)

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


def address_of(node: bumble_controller.Controller) -> str:
    """Random address of a controller, upper case."""
    return node.random_address.to_string(with_type_qualifier=False).upper()


def _time_out(node: VirtualController, connection: bumble_controller.Connection) -> None:
    _end(node, connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)


def _end(node: VirtualController, connection: bumble_controller.Connection, reason: int) -> None:
    """`node` loses a link, unless it has lost it already."""
    if node.le_connections.get(connection.peer_address) is connection:
        node.on_le_disconnected(connection, reason)


def static_address(rng: random.Random) -> str:
    """A random static address, Core 5.4, Vol 6, Part B, 1.3.2.1: the two most significant bits are 1."""
    octets = [rng.randrange(256) for _ in range(6)]
    octets[0] |= 0xC0
    return ":".join(f"{octet:02X}" for octet in octets)
