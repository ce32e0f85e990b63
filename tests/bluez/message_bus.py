"""A private D-Bus message bus inside the test's own event loop: no system package, no second process.

Laws of this file:
1. It speaks the D-Bus Specification 0.43 as far as bleak and a fake `org.bluez` need it: SASL EXTERNAL, file
   descriptors, Hello, RequestName, GetNameOwner, AddMatch, NameOwnerChanged, unicast and broadcast routing.
2. It reads headers and the first argument; bodies are passed on byte for byte.
3. It says what dbus-daemon says, by the same error names: where that is installed, the whole room runs on both.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

BUS = "org.freedesktop.DBus"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)
NO_REPLY_EXPECTED = 1
Policy = Literal["open", "no calls", "no connections"]
_KINDS = {PATH: "o", SIGNATURE: "g", REPLY_SERIAL: "u", UNIX_FDS: "u"}  # the others are strings
_numbers = count(1)


def _padded(data: bytes, to: int = 8) -> bytes:
    return data + bytes(-len(data) % to)


def _string(text: str) -> bytes:
    return struct.pack("<I", len(text.encode())) + text.encode() + b"\0"


def _field(code: int, value: str | int) -> bytes:
    """One header field, a struct of its code and a variant ("Message Format")."""
    kind = _KINDS.get(code, "s")
    if isinstance(value, int):
        body = struct.pack("<I", value)
    else:
        body = bytes([len(value)]) + value.encode() + b"\0" if kind == "g" else _string(value)
    return bytes([code, 1]) + kind.encode() + b"\0" + body


@dataclass
class Packet:
    """A message on its way: header fields that are read, bytes that are not."""

    kind: int
    flags: int
    serial: int
    fields: dict[int, str | int]
    body: bytes
    fds: list[int] = field(default_factory=list)

    def text(self, code: int) -> str:
        return str(self.fields.get(code, ""))

    @property
    def first(self) -> str:
        """The first argument, where it is a string or an object path."""
        if self.text(SIGNATURE)[:1] not in ("s", "o"):
            return ""
        return self.body[4 : 4 + int.from_bytes(self.body[:4], "little")].decode()

    def encode(self) -> bytes:
        fields = b""
        for code, value in self.fields.items():
            fields = _padded(fields) + _field(code, value)
        head = struct.pack("<BBBBIII", ord("l"), self.kind, self.flags, 1, len(self.body), self.serial, len(fields))
        return _padded(head + fields) + self.body

    @classmethod
    def decode(cls, buffer: bytearray) -> Packet | None:
        """Take the first whole message out of `buffer`; None where it is not all there yet."""
        if len(buffer) < 16:
            return None
        endian, kind, flags, _, body_size, serial, size = struct.unpack_from("<BBBBIII", buffer)
        assert endian == ord("l"), "this bus is little-endian"
        start = 16 + size + -size % 8
        if len(buffer) < start + body_size:
            return None
        raw = bytes(buffer[: start + body_size])
        del buffer[: start + body_size]
        fields: dict[int, str | int] = {}
        at = 16
        while at < 16 + size:
            code, signature = raw[at], chr(raw[at + 2])
            at += 4
            number = raw[at] if signature == "g" else int.from_bytes(raw[at : at + 4], "little")
            at += 1 if signature == "g" else 4
            if signature == "u":
                fields[code] = number
            else:
                fields[code] = raw[at : at + number].decode()
                at += number + 1
            at += -at % 8
        return cls(kind, flags, serial, fields, raw[start:])


class MatchRule:
    """ "Match Rules" of the specification, the keys that bleak uses."""

    KEYS = frozenset({"type", "sender", "interface", "member", "path", "path_namespace", "arg0", "arg0path"})

    def __init__(self, text: str) -> None:
        self.wanted = {key: value.strip("'") for key, value in (part.split("=", 1) for part in text.split(","))}
        if unknown := self.wanted.keys() - self.KEYS:
            raise ValueError(f"match rule keys {sorted(unknown)} are not known to this bus")

    def matches(self, packet: Packet, sender_names: set[str]) -> bool:
        path, first = packet.text(PATH), packet.first
        return all(
            {
                "type": value == "signal",
                "sender": value in sender_names,
                "interface": value == packet.text(INTERFACE),
                "member": value == packet.text(MEMBER),
                "path": value == path,
                "path_namespace": path == value or path.startswith(value + "/"),
                "arg0": value == first,
                "arg0path": value == first
                or (value.endswith("/") and first.startswith(value))
                or (first.endswith("/") and value.startswith(first)),
            }[key]
            for key, value in self.wanted.items()
        )


class Connection:
    """One client of the bus: its socket, its handshake, its queue."""

    def __init__(self, bus: MessageBus, sock: socket.socket, name: str) -> None:
        self.bus, self.sock, self.name = bus, sock, name
        self.rules: list[str] = []
        self.is_speaking = False  # past the handshake
        self._loop = asyncio.get_running_loop()
        self._read = bytearray()
        self._fds: deque[int] = deque()
        self._queue: deque[tuple[memoryview, list[int]]] = deque()
        self._loop.add_reader(sock, self._on_readable)

    def _on_readable(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 16, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        self._fds.extend(fds)
        if not data:
            self.bus.drop(self)
            return
        self._read += data
        if not self.is_speaking:
            self._shake_hands()
        while self.is_speaking and (packet := Packet.decode(self._read)):
            packet.fds = [self._fds.popleft() for _ in range(int(packet.fields.get(UNIX_FDS, 0)))]
            self.bus.route(self, packet)

    def _shake_hands(self) -> None:
        """ "Authentication Protocol": whoever may open the socket is let in, unless the policy says otherwise."""
        while not self.is_speaking and b"\r\n" in self._read:
            line, _, rest = bytes(self._read).partition(b"\r\n")
            self._read[:] = rest
            command = line.lstrip(b"\0").split(b" ")[0]
            if command == b"BEGIN":
                self.is_speaking = True
            elif command == b"AUTH" and self.bus.policy == "no connections":
                self._write(b"REJECTED EXTERNAL\r\n")
            elif command == b"AUTH":
                self._write(b"OK 0123456789abcdef0123456789abcdef\r\n")
            else:
                self._write(b"AGREE_UNIX_FD\r\n" if command == b"NEGOTIATE_UNIX_FD" else b"ERROR\r\n")

    def send(self, packet: Packet) -> None:
        self._write(packet.encode(), packet.fds)

    def _write(self, data: bytes, fds: list[int] | None = None) -> None:
        self._queue.append((memoryview(data), fds or []))
        if len(self._queue) == 1:
            self._on_writable()

    def _on_writable(self) -> None:
        try:
            while self._queue:
                data, fds = self._queue[0]
                sent = socket.send_fds(self.sock, [data], fds)
                for fd in fds:
                    os.close(fd)
                self._queue[0] = (data[sent:], [])
                if sent == len(data):
                    self._queue.popleft()
        except BlockingIOError:
            self._loop.add_writer(self.sock, self._on_writable)
            return
        except OSError:
            self._queue.clear()
        self._loop.remove_writer(self.sock)

    def close(self) -> None:
        self._loop.remove_reader(self.sock)
        self._loop.remove_writer(self.sock)
        for fd in [*self._fds, *(fd for _, fds in self._queue for fd in fds)]:
            os.close(fd)
        self._queue.clear()
        self.sock.close()


class MessageBus:
    """The bus; `address` is what goes into DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, policy: Policy = "open") -> None:
        name = f"vitals-bus-{os.getpid()}-{next(_numbers)}"
        self.address = f"unix:abstract={name}"
        self.policy = policy
        self._clients: dict[str, Connection] = {}
        self._owners: dict[str, Connection] = {}
        self._rules: dict[str, MatchRule] = {}
        self._waiting: dict[tuple[str, int], str] = {}  # (caller, serial) -> who owes the answer
        self._serials, self._names = count(1), count(0)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("\0" + name)
        self._listener.listen()
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._on_connection)

    def stop(self) -> None:
        """The bus is gone, as when its process is killed."""
        if self._listener.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._owners.clear()

    def _on_connection(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        name = f":1.{next(self._names)}"
        self._clients[name] = Connection(self, sock, name)

    def drop(self, client: Connection) -> None:
        """A client went away: its names are free, its debts are settled, everybody is told."""
        del self._clients[client.name]
        client.close()
        for name in [name for name, owner in self._owners.items() if owner is client]:
            del self._owners[name]
            self._tell_owner(name, client.name, "")
        if client.is_speaking:
            self._tell_owner(client.name, client.name, "")
        for (caller, serial), debtor in list(self._waiting.items()):
            if client.name in (caller, debtor):
                del self._waiting[caller, serial]
            if client.name == debtor and caller in self._clients:
                text = "Message recipient disconnected from message bus without replying"
                self._refuse(self._clients[caller], serial, "NoReply", text)

    def route(self, sender: Connection, packet: Packet) -> None:
        packet.fields[SENDER] = sender.name
        destination = packet.text(DESTINATION)
        answered = (destination, int(packet.fields.get(REPLY_SERIAL, 0)))
        if packet.kind in (RETURN, ERROR) and self._waiting.pop(answered, None) is None:
            destination = "nobody: an answer to no question goes no further"
        if destination == BUS:
            self._serve(sender, packet)
        elif packet.kind == SIGNAL and not destination:
            self._broadcast(packet, {sender.name} | {name for name, who in self._owners.items() if who is sender})
        elif packet.kind == CALL and self.policy == "no calls" and self._owners.get(destination) is not None:
            self._refuse(sender, packet.serial, "AccessDenied", "Rejected send message, 1 matched rules")
        elif receiver := self._clients.get(destination) or self._owners.get(destination):
            if packet.kind == CALL and not packet.flags & NO_REPLY_EXPECTED:
                self._waiting[sender.name, packet.serial] = receiver.name
            receiver.send(packet)
            return
        elif packet.kind == CALL:
            text = f"The name {destination} was not provided by any .service files"
            self._refuse(sender, packet.serial, "ServiceUnknown", text)
        for fd in packet.fds:
            os.close(fd)

    def _broadcast(self, packet: Packet, sender_names: set[str]) -> None:
        for client in self._clients.values():
            if any(self._rules[text].matches(packet, sender_names) for text in client.rules):
                client.send(packet)

    def _serve(self, sender: Connection, call: Packet) -> None:
        """The methods of org.freedesktop.DBus ("Message Bus Messages")."""
        first = call.first
        match call.text(MEMBER):
            case "Hello":
                self._answer(sender, call.serial, "s", _string(sender.name))
                self._tell_owner(sender.name, "", sender.name)
            case "AddMatch":
                try:
                    self._rules[first] = MatchRule(first)
                except ValueError as error:
                    self._refuse(sender, call.serial, "MatchRuleInvalid", str(error))
                else:
                    sender.rules.append(first)
                    self._answer(sender, call.serial)
            case "RequestName":
                taken = self._owners.setdefault(first, sender) is not sender
                self._answer(sender, call.serial, "u", struct.pack("<I", 3 if taken else 1))
                if not taken:
                    self._tell_owner(first, "", sender.name)
            case "GetNameOwner" if first == BUS or first in self._owners or first in self._clients:
                owner = BUS if first == BUS else (self._owners.get(first) or self._clients[first]).name
                self._answer(sender, call.serial, "s", _string(owner))
            case "GetNameOwner":
                self._refuse(sender, call.serial, "NameHasNoOwner", f"Could not get owner of name '{first}'")
            case member:
                self._refuse(sender, call.serial, "UnknownMethod", f"{BUS} does not understand message {member}")

    def _answer(self, to: Connection, serial: int, signature: str = "", body: bytes = b"") -> None:
        fields: dict[int, str | int] = {REPLY_SERIAL: serial, DESTINATION: to.name, SENDER: BUS}
        if signature:
            fields[SIGNATURE] = signature
        to.send(Packet(RETURN, NO_REPLY_EXPECTED, next(self._serials), fields, body))

    def _refuse(self, to: Connection, serial: int, error: str, text: str) -> None:
        fields: dict[int, str | int] = {ERROR_NAME: f"{BUS}.Error.{error}", REPLY_SERIAL: serial}
        fields |= {DESTINATION: to.name, SENDER: BUS, SIGNATURE: "s"}
        to.send(Packet(ERROR, NO_REPLY_EXPECTED, next(self._serials), fields, _string(text)))

    def _tell_owner(self, name: str, old: str, new: str) -> None:
        fields: dict[int, str | int] = {PATH: "/org/freedesktop/DBus", INTERFACE: BUS, MEMBER: "NameOwnerChanged"}
        body = b""
        for text in (name, old, new):
            body = _padded(body, 4) + _string(text)
        packet = Packet(SIGNAL, NO_REPLY_EXPECTED, next(self._serials), fields | {SENDER: BUS, SIGNATURE: "sss"}, body)
        self._broadcast(packet, {BUS})
