"""Starting, watching and stopping streams: silence, overflow, Polar's control point, and what is left on the device."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vitals
from vitals.decode import uuids
from vitals.decode.polar import (
    PMD_CONTROL_POINT,
    PMD_DATA,
    ControlRequest,
    Measurement,
    Operation,
    Settings,
    Status,
    decode_control_point,
    decode_request,
    decode_settings,
    encode_streams_stopped,
)
from vitals.device import Item
from vitals.errors import InputError, LinkError
from vitals.link import open_link
from vitals.session import Supervisor
from vitals.session.control_point import ANSWER_S, ControlPoint
from vitals.values import (
    BatteryLow,
    Block,
    Connected,
    ContactChange,
    Disconnected,
    Frame,
    Gap,
    LossReason,
    Overflow,
    Stall,
    StreamRefused,
)
from vitals.virtual import Security, Strap, VirtualRadio, scene, virtual_strap

HEART = np.arange(0, 600, 0.8)


def now() -> float:
    return asyncio.get_running_loop().time()


def device_of(near: Any, **options: Any) -> Any:
    return vitals.connect(near.name, backend=near.backend, rng=random.Random(1), **options)


async def take(frames: Any, count: int) -> list[Any]:
    return [await anext(frames) for _ in range(count)]


async def until(frames: Any, kind: type) -> list[Any]:
    """Everything up to the first of `kind`."""
    seen = []
    async for one in frames:
        seen.append(one)
        if isinstance(one, kind):
            return seen
    raise AssertionError(f"no {kind.__name__}")


async def items_of(device: Any, seconds: float) -> list[Item]:
    enough = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, enough.set)
    async with device.items(enough) as items:
        return [item async for item in items]


def test_a_short_silence_is_a_stall_and_the_link_stays(play: Any) -> None:
    async def main() -> list[Any]:
        async with virtual_strap(HEART) as near, device_of(near, kinds=("hr",)) as device:
            asyncio.get_running_loop().call_later(10.5, setattr, near.strap, "muted", True)
            asyncio.get_running_loop().call_later(14.5, setattr, near.strap, "muted", False)
            return [one for one in await items_of(device, 30) if not isinstance(one, Block)]

    connected, stall, gap = play(main())
    assert isinstance(connected, Connected)
    assert isinstance(stall, Stall)
    assert (stall.source, stall.silent_us) == (uuids.HEART_RATE_MEASUREMENT, 3_000_000)
    assert isinstance(gap, Gap)
    assert 4.9e6 < gap.end_us - gap.start_us < 6.1e6


def test_a_long_silence_is_given_up_after_three_restarts(play: Any) -> None:
    async def main() -> tuple[list[Any], float]:
        async with virtual_strap(HEART) as near, device_of(near, kinds=("hr",)) as device:
            asyncio.get_running_loop().call_later(10, setattr, near.strap, "muted", True)
            asyncio.get_running_loop().call_later(60, setattr, near.strap, "muted", False)
            items = await items_of(device, 80)
            return [one for one in items if not isinstance(one, Block)], near.radio.random.random()

    events, _ = play(main())
    kinds = [type(one) for one in events]
    assert kinds[:6] == [Connected, Stall, Stall, Stall, Disconnected, Connected]
    lost = events[4]
    assert lost.reason is LossReason.SILENT
    assert lost.at_us - events[1].at_us == pytest.approx(9e6, abs=1e5)
    assert kinds.count(Disconnected) < 4  # a device with nothing to say is left in peace for longer and longer


def test_a_device_of_which_nothing_is_heard_is_probed_and_found_dead(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where bluetoothd dies while connected: no callback comes, every call fails."""

    async def main() -> list[Any]:
        from bleak.exc import BleakDBusError

        async with virtual_strap([], battery=80) as near, device_of(near, kinds=("battery",)) as device:

            async def dead(*_: Any, **__: Any) -> Any:
                raise BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no org.bluez"])

            async with device.items() as items:
                first = await take(items, 2)
                await asyncio.sleep(45)  # one probe has gone well
                with monkeypatch.context() as broken:
                    broken.setattr(near.backend.client, "read_gatt_char", dead)
                    lost = await anext(items)
                return [*first, lost, *await take(items, 2)]

    connected, block, lost, again, fresh = play(main())
    assert (type(connected), type(block), type(again), type(fresh)) == (Connected, Block, Connected, Block)
    assert lost == Disconnected(lost.at_us, LossReason.LOST)
    assert lost.at_us - connected.at_us == pytest.approx(60e6, abs=1e6)


def test_a_slow_reader_is_told_how_much_it_missed_and_where(play: Any) -> None:
    async def main() -> list[Any]:
        async with (
            virtual_strap(HEART) as near,
            device_of(near) as device,
            device.frames(kinds=("hr",), limit=5) as frames,
        ):
            await asyncio.sleep(12.5)
            return await take(frames, 8)

    connected, *rest = play(main())
    assert isinstance(connected, Connected)
    assert sorted(type(one).__name__ for one in rest) == ["Frame"] * 6 + ["Overflow"]
    overflow = next(one for one in rest if isinstance(one, Overflow))
    at = rest.index(overflow)
    assert overflow.frames == round((rest[at + 1].arrival_us - rest[at - 1].arrival_us) / 1e6) - 1


def test_two_readers_share_a_device_and_the_last_one_stops_its_streams(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near, device_of(near) as device:
            with pytest.raises(InputError, match="it has hr, rr"):
                async with device.stream("eeg"):
                    pass
            assert not near.strap.subscribers(uuids.HEART_RATE_MEASUREMENT)
            async with device.stream("hr") as heart:
                async with device.stream("ecg") as ecg, device.stream("rr") as rr:
                    assert (await anext(ecg)).kind == "ecg"
                    assert (await anext(rr)).kind == "rr"
                    assert (await anext(heart)).kind == "hr"
                    assert near.strap.pmd.running == (Measurement.ECG,)
                await asyncio.sleep(0.1)
                assert not near.strap.pmd.running
                assert near.strap.subscribers(uuids.HEART_RATE_MEASUREMENT)
                assert (await anext(heart)).kind == "hr"
            await asyncio.sleep(0.1)
            assert not near.strap.subscribers(uuids.HEART_RATE_MEASUREMENT)
            assert device.is_connected

    play(main())


def test_leaving_stops_what_streams_on_the_device(play: Any) -> None:
    async def main() -> None:
        async with virtual_strap(HEART) as near:
            async with device_of(near) as device, device.items():
                await asyncio.sleep(5)
                assert set(near.strap.pmd.running) == {Measurement.ECG, Measurement.ACC}
            assert near.strap.pmd.running == ()
            assert not near.strap.device.connections

    play(main())


def test_leaving_while_the_device_does_not_answer_takes_no_longer_than_a_farewell(play: Any) -> None:
    async def main() -> float:
        async with virtual_strap(HEART) as near:
            async with device_of(near) as device, device.items():
                await asyncio.sleep(5)
                near.strap.muted = True
                began = now()
            return now() - began

    assert play(main()) < 2.1


def test_the_start_of_a_polar_stream_goes_before_its_data(play: Any) -> None:
    async def main() -> list[Any]:
        async with (
            virtual_strap(HEART, compressed=True) as near,
            device_of(near, rates={"acc": 150}) as device,
            device.frames(kinds=("acc",)) as frames,
        ):
            first = await take(frames, 4)
            async with device.frames(kinds=("acc",)) as late:  # whoever comes later needs the same
                assert [one.payload for one in (await take(late, 4))[1:3]] == [one.payload for one in first[1:3]]
            return first

    connected, asked, answered, data = play(main())
    assert isinstance(connected, Connected)
    assert [one.uuid for one in (asked, answered, data)] == [PMD_CONTROL_POINT, PMD_CONTROL_POINT, PMD_DATA]
    request = decode_request(asked.payload)
    assert request == ControlRequest(
        Operation.START,
        Measurement.ACC,
        settings=Settings(sample_rate_hz=(200,), resolution_bits=(16,), full_scale=(8,)),
    )
    answer = decode_control_point(answered.payload)
    assert answer.operation is Operation.START  # type: ignore[union-attr]


def test_a_stream_that_outlived_the_link_is_stopped_and_started(play: Any) -> None:
    """Status 6: an H10 goes on measuring while nobody is connected."""

    async def main() -> None:
        async with virtual_strap(HEART) as near, device_of(near) as device, device.frames(kinds=("ecg",)) as frames:
            await take(frames, 5)
            near.radio.drop(near.strap.device)
            assert near.strap.pmd.running == (Measurement.ECG,)
            seen = await until(frames, Connected)
            assert isinstance(seen[-2], Disconnected)
            again = await take(frames, 4)
            assert [one.uuid for one in again] == [PMD_CONTROL_POINT] * 2 + [PMD_DATA] * 2
            assert decode_control_point(again[1].payload).status is Status.SUCCESS  # type: ignore[union-attr]

    play(main())


def test_no_answer_after_a_return_is_a_silence_and_no_refusal(play: Any) -> None:
    async def main() -> list[Any]:
        async with virtual_strap(HEART) as near, device_of(near) as device, device.frames(kinds=("ecg",)) as frames:
            await take(frames, 5)
            near.strap.muted = True
            asyncio.get_running_loop().call_later(5, setattr, near.strap, "muted", False)
            near.radio.drop(near.strap.device)
            back = now() + 5
            seen = await until(frames, Connected)
            while seen[-1].__class__ is not Frame or seen[-1].uuid != PMD_DATA:
                seen.append(await anext(frames))
            assert seen[-1].arrival_us / 1e6 - back < 8
            return seen

    assert not any(isinstance(one, StreamRefused) for one in play(main()))


def test_a_stream_that_the_device_stops_is_started_again(play: Any) -> None:
    async def main() -> list[Any]:
        async with virtual_strap(HEART) as near, device_of(near) as device, device.frames(kinds=("ecg",)) as frames:
            await take(frames, 5)
            near.strap.pmd._stop(Measurement.ECG)
            told = now()
            await near.strap.indicate(PMD_CONTROL_POINT, encode_streams_stopped([Measurement.ECG]))
            seen = await until(frames, Stall)
            assert seen[-1].at_us / 1e6 - told < 0.5  # not after 3 s of silence
            return await take(frames, 4)

    assert [one.uuid for one in play(main())] == [PMD_CONTROL_POINT] * 2 + [PMD_DATA] * 2


@pytest.mark.parametrize(
    ("mtu", "words"), [(100, "at an MTU of 232 bytes or more; this link has 100"), (23, "status 10")]
)
def test_a_link_too_narrow_for_ecg_says_so_and_the_heart_rate_comes(play: Any, mtu: int, words: str) -> None:
    async def main() -> None:
        async with virtual_strap(HEART, mtu=mtu) as near, device_of(near, kinds=("hr", "ecg")) as device:
            with pytest.raises(LinkError, match=words):
                async with device.stream("ecg") as blocks:
                    await anext(blocks)
            async with device.items() as items:
                seen = await take(items, 4)
            refused = next(one for one in seen if isinstance(one, StreamRefused))
            assert refused.kind == "ecg"
            assert words in refused.reason
            assert any(isinstance(one, Block) and one.kind == "hr" for one in seen)

    play(main())


def test_a_device_that_wants_pairing_says_so_and_with_pairing_it_streams(play: Any) -> None:
    async def main() -> None:
        async with scene(Strap(HEART, security=Security())) as near:
            async with device_of(near, kinds=("hr", "ecg")) as device:
                with pytest.raises(LinkError, match=r"refused to subscribe to .*ATT error 0x0f.*pair=True"):
                    async with device.stream("hr") as blocks:
                        await anext(blocks)
            async with device_of(near, kinds=("ecg",), pair=True) as device, device.stream("ecg") as blocks:
                assert (await anext(blocks)).kind == "ecg"

    play(main())


def test_answers_in_parts_are_joined_and_matched(play: Any) -> None:
    async def main() -> Any:
        async with virtual_strap(HEART, mtu=23) as near, open_link(near.name, backend=near.backend) as link:
            stopped: list[int] = []
            control = ControlPoint(link, stopped.append)
            await control.open()
            acc = asyncio.create_task(control.exchange(ControlRequest(Operation.GET_SETTINGS, Measurement.ACC)))
            ecg = asyncio.create_task(control.exchange(ControlRequest(Operation.GET_SETTINGS, Measurement.ECG)))
            await near.strap.indicate(PMD_CONTROL_POINT, b"\xf0\x02\x02\x00\x00")  # the answer to nothing
            await near.strap.indicate(PMD_CONTROL_POINT, b"\x01\x02\x05")
            await near.strap.indicate(PMD_CONTROL_POINT, b"\x55 nonsense")
            (_, first), (_, second) = await acc, await ecg
            assert stopped == [Measurement.ACC, Measurement.GYRO]
            return decode_settings(first.parameters), decode_settings(second.parameters)

    acc, ecg = play(main())
    assert acc == Settings(sample_rate_hz=(25, 50, 100, 200), resolution_bits=(16,), full_scale=(2, 4, 8))
    assert ecg == Settings(sample_rate_hz=(130,), resolution_bits=(14,))


def test_a_control_point_that_is_silent_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with virtual_strap(HEART) as near, open_link(near.name, backend=near.backend) as link:
            control = ControlPoint(link, lambda _: None)
            await control.open()
            near.strap.muted = True
            began = now()
            with pytest.raises(LinkError, match=r"Virtual H10 .*did not answer START ECG within 3 s"):
                await control.exchange(ControlRequest(Operation.START, Measurement.ECG))
            took = now() - began
            near.strap.muted = False
            _, answer = await control.exchange(ControlRequest(Operation.STOP, Measurement.ECG))
            assert answer.operation is Operation.STOP
            return took

    assert play(main()) == pytest.approx(ANSWER_S, abs=0.1)


def test_contact_and_battery_are_told_when_they_change(play: Any) -> None:
    async def main() -> list[Any]:
        async with virtual_strap(HEART, battery=40) as near, device_of(near) as device:
            later = asyncio.get_running_loop().call_later
            for at, name, value in (
                (5, "contact", False), (9, "contact", True), (12, "battery", 15), (14, "battery", 14),
                (16, "battery", 90), (18, "battery", 12),
            ):  # fmt: skip
                later(at, setattr, near.strap, name, value)
            return [one for one in await items_of(device, 25) if isinstance(one, ContactChange | BatteryLow)]

    told = [replace(one, at_us=0) for one in play(main())]
    assert told == [ContactChange(0, False), ContactChange(0, True), BatteryLow(0, 15), BatteryLow(0, 12)]


def test_an_error_in_a_driver_reaches_whoever_reads(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vitals.session import PlainDriver

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        async with virtual_strap(HEART) as near:
            monkeypatch.setattr(PlainDriver, "start", broken)
            with pytest.raises(ZeroDivisionError):
                async with device_of(near) as device, device.items() as items:
                    await anext(items)
                    await anext(items)

    play(main())


def test_a_supervisor_can_be_used_by_itself(play: Any) -> None:
    async def main() -> None:
        radio = VirtualRadio(seed=4)
        async with virtual_strap(HEART, radio=radio) as near:
            supervisor = Supervisor(near.name, backend=near.backend)
            async with supervisor.supervised(), supervisor.listening({"battery"}) as listener:
                assert {"hr", "rr", "battery", "ecg", "acc"} <= set(supervisor.kinds)
                assert isinstance(await anext(listener.inbox), Connected)
                assert (await anext(listener.inbox)).payload == bytes([100])  # type: ignore[union-attr]
            with pytest.raises(LinkError, match="closed"):
                async with supervisor.listening({"hr"}):
                    pass

    play(main())
