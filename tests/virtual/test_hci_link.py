"""A device in another process, over TCP HCI, in real time."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from bleak import BleakClient

from vitals.errors import BluetoothUnavailable, InputError
from vitals.virtual import VirtualRadio, hci_backend, hci_server, run, scene
from vitals.virtual.__main__ import main as play
from vitals.virtual.radio import SUPERVISION_S
from vitals_signal.synthetic import wearer

MEASUREMENT = "2a37"


@asynccontextmanager
async def elsewhere(port: int, kind: str, *options: str) -> AsyncIterator[dict[str, Any]]:
    """`python -m vitals.virtual` as a child; yields what it says of itself, and the process."""
    command = [sys.executable, "-m", "vitals.virtual", kind, "--hci", f"tcp-client:127.0.0.1:{port}", *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            said = json.loads(await process.stdout.readline())
        yield {**said, "process": process}
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await asyncio.sleep(0)


def test_a_strap_in_another_process_plays_its_heart_and_is_missed_when_it_dies() -> None:
    async def main() -> None:
        radio = VirtualRadio(seed=1)
        async with scene(radio=radio) as near, hci_server(radio) as port:
            async with elsewhere(port, "strap", "--name", "Far H10", "--seed", "5") as far:
                assert far["name"] == "Far H10"
                loop = asyncio.get_running_loop()
                lost: asyncio.Future[float] = loop.create_future()
                got: list[bytes] = []
                client = BleakClient(
                    far["address"], lambda _: lost.set_result(loop.time()), backend=near.backend.client
                )
                await client.connect()
                assert client.mtu_size == 247
                await client.start_notify(MEASUREMENT, lambda _, data: got.append(bytes(data)))
                await asyncio.sleep(4.5)
                radio.out_of_range(far["address"])
                radio.in_range(far["address"])
                far["process"].kill()
                died = loop.time()
                assert await asyncio.wait_for(lost, 2 * SUPERVISION_S) - died == pytest.approx(SUPERVISION_S, abs=0.5)
            ticks = [int.from_bytes(data[k : k + 2], "little") for data in got for k in range(2, len(data), 2)]
            beats = wearer(1.0, seed=5).beats_s
            expected = [round(b * 1024) - round(a * 1024) for a, b in pairwise(beats)]
            assert len(ticks) >= 2
            assert ticks == expected[: len(ticks)]

    run(main(), real_time=True)


def test_a_strap_that_has_played_all_ends_its_process() -> None:
    async def main() -> int:
        radio = VirtualRadio(seed=1)
        async with (
            scene(radio=radio) as near,
            hci_server(radio) as port,
            elsewhere(port, "strap", "--minutes", "0.17") as far,
            BleakClient(far["address"], backend=near.backend.client) as client,
        ):
            await client.start_notify(MEASUREMENT, lambda *_: None)
            async with asyncio.timeout(20):
                process: asyncio.subprocess.Process = far["process"]
                return await process.wait()

    assert run(main(), real_time=True) == 0


@pytest.mark.parametrize("spec", ["tcp-client:127.0.0.1:9", "serial:/dev/nothing-here", "unix:/nothing/here", "usb:0"])
def test_a_transport_that_does_not_open_is_named_with_what_to_do(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if spec == "usb:0":  # there may be one; libusb's errors derive from Exception alone

        async def broken(_: str) -> None:
            raise Exception("LIBUSB_ERROR_OTHER [-99]")

        monkeypatch.setattr("bumble.transport.open_transport", broken)

    async def main() -> None:
        async with hci_backend(spec):
            pass

    with pytest.raises(BluetoothUnavailable, match=re.escape(repr(spec))) as caught:
        run(main(), real_time=True)
    assert "vitals demo" in str(caught.value)


def test_what_is_no_transport_is_the_callers_fault() -> None:
    async def main(spec: str) -> None:
        async with hci_backend(spec):
            pass

    for spec in ("bogus:1", "tcp-client:xx"):
        with pytest.raises(InputError, match="usb:0"):
            run(main(spec), real_time=True)


def test_the_command_says_it_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert play(["strap", "--hci", "tcp-client:127.0.0.1:9", "--minutes", "1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("vitals: the HCI transport 'tcp-client:127.0.0.1:9' does not open")
    assert said.count("\n") == 1
