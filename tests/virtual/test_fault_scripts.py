"""Fault scripts: data that prints and replays, and what they do to a scene."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from hypothesis import given
from hypothesis import strategies as st

from vitals.errors import InputError
from vitals.virtual import Fault, FaultScript, VirtualRadio, VirtualStrap, play, virtual_strap
from vitals.virtual.faults import KINDS

MEASUREMENT = "2a37"


def beats(seconds: float) -> np.ndarray[Any, Any]:
    return np.arange(0.5, seconds, 0.9)


@given(st.integers(0, 1000), st.floats(0.1, 24), st.floats(0, 30))
def test_scripts_replay_from_json_and_keep_their_order(seed: int, hours: float, per_hour: float) -> None:
    script = FaultScript.random(seed, hours, per_hour, kinds=KINDS)
    assert FaultScript.from_json(script.to_json()) == script
    assert FaultScript.random(seed, hours, per_hour, kinds=KINDS) == script
    times = [fault.at_s for fault in script.faults]
    assert len(times) == round(hours * per_hour)
    assert times == sorted(times)
    assert all(fault.at_s >= 0 and fault.at_s + fault.duration_s <= hours * 3600 for fault in script.faults)
    assert len(str(script).splitlines()) == len(times)


def test_seeds_and_rates_make_other_scripts() -> None:
    assert FaultScript.random(1, 2, 12) != FaultScript.random(2, 2, 12)
    kinds = {fault.kind for fault in FaultScript.random(1, 100, 10, kinds=KINDS).faults}
    assert kinds == set(KINDS)


def test_a_script_prints_what_happens() -> None:
    script = FaultScript((Fault(1.5, "out_of_range", duration_s=30), Fault(99, "host_drops", "Band", 10, 0.25)))
    assert str(script) == ("     1.500 s  out_of_range for 30 s\n    99.000 s  host_drops (0.25) for 10 s of Band")


@pytest.mark.parametrize(
    "wrong", ["", "[]", "{}", '{"seed": 1, "faults": [{"at_s": 1, "kind": "magic"}]}', '{"seed": 1, "faults": [{}]}']
)
def test_what_is_no_script_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="fault"):
        FaultScript.from_json(wrong)
    with pytest.raises(InputError, match="past"):
        Fault(-1, "mute")


async def collect(near: VirtualStrap, script: FaultScript, seconds: float) -> list[tuple[float, bytes]]:
    """An app that connects again whenever it has to, while the script plays."""
    clock = asyncio.get_running_loop().time
    log: list[tuple[float, bytes]] = []
    began = clock()
    faults = asyncio.create_task(play(script, near))
    while clock() - began < seconds:
        lost = asyncio.Event()

        def on_lost(_: BleakClient, lost: asyncio.Event = lost) -> None:
            lost.set()

        client = BleakClient(near.address, on_lost, timeout=5, backend=near.backend.client)
        try:
            await client.connect()
            await client.start_notify(MEASUREMENT, lambda _, data: log.append((clock() - began, bytes(data))))
            async with asyncio.timeout(began + seconds - clock()):
                await lost.wait()
        except (BleakError, TimeoutError):
            await asyncio.sleep(0.5)
        finally:
            await client.disconnect()
    await faults
    return log


@pytest.mark.parametrize(
    ("fault", "missing_s"),
    [
        (Fault(60, "link_loss"), (0, 2)),
        (Fault(60, "central_loses_link"), (3, 6)),
        (Fault(60, "device_loses_link"), (3, 6)),
        (Fault(60, "goodbye"), (0, 2)),
        (Fault(60, "out_of_range", duration_s=20), (19, 24)),
        (Fault(60, "mute", duration_s=10), (9, 11)),
        (Fault(60, "reboot", duration_s=8), (7, 14)),
        (Fault(60, "host_drops", duration_s=10, amount=1), (9, 11)),
        (Fault(60, "packet_errors", duration_s=10, amount=0.5), (0, 0)),
        (Fault(60, "lost_connects", amount=3), (0, 0)),
    ],
)
def test_each_fault_takes_what_it_should_and_no_more(
    virtual_time: Any, fault: Fault, missing_s: tuple[int, int]
) -> None:
    async def main() -> list[tuple[float, bytes]]:
        radio = VirtualRadio(seed=2, interval_s=0.03)
        async with virtual_strap(beats(200), radio=radio) as near:
            return await collect(near, FaultScript((fault,)), 150)

    log = virtual_time(main())
    gaps = np.diff([at for at, _ in log])
    lost = float(np.sum(np.rint(gaps) - 1))
    assert missing_s[0] <= lost <= missing_s[1], (lost, gaps.max())
    assert log[-1][0] > 148
    if lost:
        start = log[int(np.argmax(gaps))][0]
        assert 55 < start < 65


def test_malformed_payloads_are_cut_grown_or_changed(virtual_time: Any) -> None:
    async def main() -> list[tuple[float, bytes]]:
        async with virtual_strap(beats(200)) as near:
            script = FaultScript((Fault(50, "malformed", duration_s=50, amount=1.0),), seed=3)
            return await collect(near, script, 150)

    log = virtual_time(main())
    whole = [data for at, data in log if not 50 < at < 100]
    damaged = [data for at, data in log if 50.5 < at < 99.5]
    assert {len(data) for data in whole} <= {2, 4, 6}
    assert all(data[0] in (0x06, 0x16) for data in whole)
    wrong = [data for data in damaged if len(data) not in (2, 4, 6) or data[0] not in (0x06, 0x16)]
    assert len(wrong) > len(damaged) / 3  # the others had a byte of the rate changed, or were cut between fields


def test_an_mtu_fault_counts_from_the_next_connection(virtual_time: Any) -> None:
    async def main() -> list[int]:
        async with virtual_strap(beats(200)) as near:
            faults = asyncio.create_task(play(FaultScript((Fault(1, "mtu", duration_s=10, amount=65),)), near))
            sizes = []
            for _ in range(3):
                async with BleakClient(near.address, backend=near.backend.client) as client:
                    sizes.append(client.mtu_size)
                    await asyncio.sleep(6)
                    sizes.append(client.mtu_size)
            await faults
            return sizes

    assert virtual_time(main()) == [247, 247, 65, 65, 247, 247]


def test_a_script_that_names_nobody_is_refused_and_one_that_is_cancelled_cleans_up(virtual_time: Any) -> None:
    async def main() -> None:
        async with virtual_strap(beats(100)) as near:
            with pytest.raises(InputError, match="no device 'Band'"):
                await play(FaultScript((Fault(1, "mute", "Band"),)), near)
            playing = asyncio.create_task(play(FaultScript((Fault(1, "mute", duration_s=1000),)), near))
            await asyncio.sleep(5)
            assert near.strap.muted
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            assert not near.strap.muted

    virtual_time(main())


def test_after_the_play_the_scene_is_as_it_was(virtual_time: Any) -> None:
    script = FaultScript(
        (
            Fault(1, "packet_errors", duration_s=10, amount=0.5),
            Fault(5, "packet_errors", duration_s=10, amount=0.4),
            Fault(6, "advertising_loss", duration_s=4, amount=0.5),
            Fault(7, "mtu", duration_s=4, amount=65),
        )
    )

    async def main() -> tuple[float, float, int]:
        radio = VirtualRadio(interval_s=0.03, packet_errors=0.1, advertising_loss=0.2)
        async with virtual_strap(beats(10), radio=radio, mtu=200) as near:
            await play(script, near)
            return radio.packet_errors, radio.advertising_loss, near.strap.mtu

    assert virtual_time(main()) == (0.1, 0.2, 200)


def test_an_hour_of_random_faults_leaves_nothing_behind_and_repeats(virtual_time: Any) -> None:
    """Overlaps, faults while away, faults while connecting: all kinds, forty of them."""
    script = FaultScript.random(5, 1.0, 40, kinds=[kind for kind in KINDS if kind != "bond_lost"])

    async def main() -> str:
        radio = VirtualRadio(seed=5, interval_s=0.045, packet_errors=0.1, advertising_loss=0.3)
        async with virtual_strap(beats(3700), radio=radio, seed=5) as near:
            log = await collect(near, script, 3600)
        assert len(log) > 2500
        return hashlib.sha256(json.dumps([(at, data.hex()) for at, data in log]).encode()).hexdigest()

    assert virtual_time(main()) == virtual_time(main())
