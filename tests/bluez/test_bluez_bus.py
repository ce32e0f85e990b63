"""Our message bus says what dbus-daemon says, to a plain D-Bus client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

    from .conftest import Computer

DBUS = "org.freedesktop.DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"


@asynccontextmanager
async def client(computer: Computer) -> AsyncIterator[MessageBus]:
    from dbus_fast.aio import MessageBus

    bus = await MessageBus(computer.bus.address, negotiate_unix_fd=True).connect()
    try:
        yield bus
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def ask(bus: MessageBus, member: str, *arguments: str, destination: str = DBUS) -> Message:
    from dbus_fast import Message

    call = Message(
        destination, "/org/freedesktop/DBus", DBUS, member, signature="s" * len(arguments), body=[*arguments]
    )
    return await bus.call(call)


async def test_names_have_owners_and_nobody_else_takes_them(computer: Computer) -> None:
    from dbus_fast import NameFlag

    async with client(computer) as bus, client(computer) as other:
        assert bus.unique_name != other.unique_name
        owner = await ask(bus, "GetNameOwner", "org.bluez")
        assert owner.body == [computer.daemon.unique_name]
        assert (await ask(bus, "GetNameOwner", str(bus.unique_name))).body == [bus.unique_name]
        assert (await ask(bus, "GetNameOwner", DBUS)).body == [DBUS]
        assert (await bus.request_name("org.bluez", NameFlag.DO_NOT_QUEUE)).name == "EXISTS"


async def test_errors_have_dbus_daemon_s_names(computer: Computer) -> None:
    async with client(computer) as bus:
        errors = [
            await ask(bus, "GetNameOwner", "org.nobody"),
            await ask(bus, "Anything", destination="org.nobody"),
            await ask(bus, "NoSuchMethod"),
            await ask(bus, "AddMatch", "nonsense=1"),
        ]
        assert [error.error_name for error in errors] == [
            f"{DBUS}.Error.NameHasNoOwner",
            f"{DBUS}.Error.ServiceUnknown",
            f"{DBUS}.Error.UnknownMethod",
            f"{DBUS}.Error.MatchRuleInvalid",
        ]


@pytest.mark.parametrize(
    ("rule", "is_heard"),
    [
        ("type=signal", True),
        ("type='signal',sender='org.bluez'", True),
        ("sender=org.nobody", False),
        (f"interface={PROPERTIES},member=PropertiesChanged,path_namespace=/org/bluez", True),
        ("path_namespace=/org/blue", False),
        ("path=/org/bluez/hci0", True),
        ("path=/org/bluez", False),
        ("arg0=org.bluez.Adapter1", True),
        ("arg0=org.bluez.Device1", False),
        ("type=method_call", False),
    ],
)
async def test_signals_follow_match_rules(computer: Computer, rule: str, is_heard: bool) -> None:
    async with client(computer) as bus:
        heard: list[Any] = []
        assert (await ask(bus, "AddMatch", rule)).error_name is None
        bus.add_message_handler(lambda message: heard.append(message.member))
        computer.daemon.power(True)
        await computer.daemon.flush()
        await ask(bus, "GetNameOwner", DBUS)  # what was said before this answer is here
        assert heard.count("PropertiesChanged") == is_heard


async def test_a_path_in_the_first_argument_is_matched_by_its_folder(computer: Computer) -> None:
    async with client(computer) as bus:
        heard: list[Any] = []
        for rule in ("member=InterfacesRemoved,arg0path=/org/bluez/", "member=InterfacesRemoved,arg0path=/org/other/"):
            await ask(bus, "AddMatch", rule)
        bus.add_message_handler(lambda message: heard.append(message.body) if message.path == "/" else None)
        computer.daemon.unplug()
        await computer.daemon.flush()
        await ask(bus, "GetNameOwner", DBUS)  # what was said before this answer is here
        assert heard == [["/org/bluez/hci0", ["org.bluez.Adapter1"]]]


async def test_who_owes_an_answer_and_dies_is_told_on(computer: Computer) -> None:
    async with client(computer) as bus:
        gone: list[Any] = []
        await ask(bus, "AddMatch", "member=NameOwnerChanged,arg0=org.bluez")
        bus.add_message_handler(lambda message: gone.append(message.body) if message.path else None)
        computer.daemon.hang()
        call = asyncio.create_task(ask(bus, "Anything", destination="org.bluez"))
        await computer.settle()
        owner = computer.daemon.unique_name
        await computer.daemon.die()
        assert (await asyncio.wait_for(call, 1)).error_name == f"{DBUS}.Error.NoReply"
        assert gone == [["org.bluez", owner, ""]]


async def test_descriptors_travel_with_their_message(computer: Computer) -> None:
    from dbus_fast import Message

    async with client(computer) as sender, client(computer) as receiver:
        got: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def take(message: Message) -> bool | None:
            if message.member != "Take":
                return None
            got.set_result(message)
            return True

        receiver.add_message_handler(take)
        read, write = os.pipe()
        call = Message(receiver.unique_name, "/", "org.vitals", "Take", signature="hs", body=[0, "pulse"])
        call.unix_fds = [write]
        await sender.send(call)
        os.close(write)
        message = await asyncio.wait_for(got, 1)
        (fd,) = message.unix_fds
        os.write(fd, b"beat")
        os.close(fd)
        assert os.read(read, 16) == b"beat"
        os.close(read)
        assert message.body == [0, "pulse"]
        assert message.sender == sender.unique_name
