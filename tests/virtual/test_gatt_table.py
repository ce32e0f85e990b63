"""Tables of services: UUIDs as people write them, and devices that speak by them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

import vitals
from vitals.errors import InputError
from vitals.values import DeviceInfo
from vitals.virtual import Characteristic, GattDevice, Profile, Service, run, scene

FULL = "00002a53-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize("uuid", ["2a53", "2A53", "0x2a53", FULL, FULL.upper()])
def test_a_uuid_is_one_however_it_is_written(uuid: str) -> None:
    assert Characteristic(uuid).uuid == FULL
    assert Service(uuid, ()).uuid == FULL


@pytest.mark.parametrize("uuid", ["", "heart", "2a5", "+2a5", "2a53z", "0000-2a53"])
def test_what_is_no_uuid_is_said(uuid: str) -> None:
    with pytest.raises(InputError, match="four hex digits"):
        Characteristic(uuid)
    with pytest.raises(InputError, match="four hex digits"):
        Service(uuid, ())


class Pod(Profile):
    """A foot pod, as briefly as it can be written."""

    def services(self) -> Sequence[Service]:
        return [Service("1814", (Characteristic("2a53", notify=True),))]


def test_a_device_speaks_by_short_uuids() -> None:
    async def main() -> float:
        pod = GattDevice([Pod()], info=DeviceInfo(name="Pod"))
        async with scene(pod) as near, vitals.connect("Pod", backend=near.backend) as device:
            with pytest.raises(InputError, match="2a53"):
                pod.notify("2a37", b"")
            async with device.stream("cadence") as blocks:
                asyncio.get_running_loop().call_later(1, pod.notify, "2a53", bytes.fromhex("000001b4"))
                async for block in blocks:
                    return float(block.physical()[0])
        return 0.0

    assert run(main()) == 180
