"""A device in another process, over TCP HCI, in real time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from bleak import BleakClient

from vitals.virtual import VirtualRadio, hci_server, run, scene
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
