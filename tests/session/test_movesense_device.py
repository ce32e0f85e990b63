"""A Movesense sensor as a device: subscriptions, honest time on the sensor's clock, split data, refusals, faults."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import numpy as np
import pytest

from tests.session.vendor_streams import collected, connected, events, gaps, lose, mute, numbers, of, streamed
from vitals.decode import movesense
from vitals.errors import LinkError
from vitals.intake import Intake
from vitals.session.movesense import BATTERY_PATH
from vitals.values import Block, ClockReset, Connected, Disconnected, Frame, LossReason, Stall, StreamRefused
from vitals.virtual import Body, MovesenseSensor, Recording, scene

ECG_UV = np.random.default_rng(2).integers(-3000, 3000, 125 * 400)
ACC_MG = np.random.default_rng(3).integers(-2000, 2000, (52 * 400, 3))


def body(seconds: float = 400) -> Body:
    return Body(np.cumsum(np.random.default_rng(1).normal(0.8, 0.04, int(seconds / 0.8))))


def sensor(**options: Any) -> MovesenseSensor:
    given: dict[str, Any] = {"ecg_mv": Recording(ECG_UV / 1000, 125), "acc_g": Recording(ACC_MG / 1000, 52), **options}
    return MovesenseSensor(body(), **given)


def test_what_is_offered_and_that_it_is_what_the_body_does(play: Any) -> None:
    wearer = body()
    kinds, items = play(streamed(sensor(battery=77), 120))
    assert set(kinds) == {"ecg", "acc", "gyro", "magnetometer", "hr", "rr", "battery"}
    (connect, refused) = events(items)
    assert isinstance(connect, Connected)
    assert isinstance(refused, StreamRefused)  # this one has no magnetometer, and says so
    assert (refused.kind, "status 404" in refused.reason) == ("magnetometer", True)
    ecg = np.concatenate([block.values for block in of("ecg", items)])
    assert np.array_equal(ecg, ECG_UV[: len(ecg)])
    assert {(block.unit, block.scale, block.rate_hz) for block in of("ecg", items)} == {("mV", 0.001, 125.0)}
    acc = np.concatenate([block.physical() for block in of("acc", items)])
    assert np.abs(acc - ACC_MG[: len(acc)] / 1000).max() < 2e-5
    assert of("acc", items)[0].unit == "g"
    assert len(ecg) == pytest.approx(119.8 * 125, abs=40)
    for kind in ("ecg", "acc", "gyro"):
        assert not gaps(kind, items)
    beats, rr = numbers("rr", items)
    first = int(np.argmin(np.abs(np.diff(wearer.beats_s)[:10] * 1000 - rr[0])))
    truth = np.diff(np.rint(wearer.beats_s * 1000))[first : first + len(rr)]
    assert np.array_equal(rr, truth)
    late = beats - wearer.beats_s[first + 1 : first + 1 + len(rr)]
    assert late.min() > 0
    assert late.max() < 0.21  # the sensor's own 0.2 s
    assert np.ptp(late) < 0.01  # from the first beat on: it is known to notify at every one
    assert of("rr", items)[0].rate_hz == 1000
    assert of("battery", items)[0].values.tolist() == [77]


@pytest.mark.parametrize("drift_ppm", [0.0, 60.0])
def test_samples_lie_where_they_were_taken(play: Any, drift_ppm: float) -> None:
    async def main() -> tuple[list[Any], float]:
        device = sensor(drift_ppm=drift_ppm)
        async with scene(device) as near, connected(near, rates={"acc": 13}) as linked:
            items = await collected(linked, 120, kinds=("ecg", "acc"))
            return items, asyncio.get_running_loop().time() - device.body_s

    items, began = play(main())
    speed = 1 + drift_ppm * 1e-6
    times, _ = numbers("ecg", items)
    late = times - began - np.arange(len(times)) / (125 * speed)
    assert late.min() > -0.001
    assert late.max() < 0.02  # the smallest delay of the radio, and a millisecond
    # Frames of 0.6 s on the same clock; which sample of the recording came first says when they began, to half of one.
    acc = np.concatenate([block.physical() for block in of("acc", items)])
    times = np.concatenate([block.times_us() for block in of("acc", items)]) / 1e6
    first = int(np.argmin(np.abs(ACC_MG / 1000 - acc[0]).max(axis=1)))
    late = times - began - first / 52 - np.arange(len(times)) / (13 * speed)
    assert late.min() > -0.5 / 52
    assert late.max() < 0.5 / 52 + 0.02


def test_the_clock_of_the_sensor_may_turn_over(play: Any) -> None:
    _, items = play(streamed(sensor(since_ms=(1 << 32) - 30_000), 90, kinds=("ecg", "acc")))
    assert not [one for one in events(items) if isinstance(one, ClockReset)]
    assert not gaps("ecg", items)
    assert not gaps("acc", items)
    assert np.array_equal(np.concatenate([block.values for block in of("ecg", items)])[:10_000], ECG_UV[:10_000])


def test_data_in_two_parts_is_put_together(play: Any) -> None:
    """At an MTU of 65 bytes eight samples of motion do not fit into one notification."""
    _, items = play(streamed(sensor(mtu=65), 60, kinds=("acc",)))
    acc = np.concatenate([block.physical() for block in of("acc", items)])
    assert len(acc) == pytest.approx(59.8 * 52, abs=40)
    assert np.abs(acc - ACC_MG[: len(acc)] / 1000).max() < 2e-5
    assert not gaps("acc", items)


def test_early_firmware_sends_counts(play: Any) -> None:
    _, items = play(streamed(sensor(millivolts=False), 20, kinds=("ecg",)))
    blocks = of("ecg", items)
    assert {(block.unit, block.scale) for block in blocks} == {("", 1.0)}
    assert np.array_equal(np.concatenate([block.values for block in blocks])[:1000], ECG_UV[:1000])
    assert [type(one) for one in events(items)] == [Connected]


def test_a_rate_that_is_asked_for_is_taken(play: Any) -> None:
    fast = sensor(ecg_mv=Recording(np.repeat(ECG_UV, 2) / 1000, 250))
    _, items = play(streamed(fast, 20, kinds=("ecg",), rates={"ecg": 220}))
    assert {block.rate_hz for block in of("ecg", items)} == {250.0}


def test_leaving_stops_what_streams(play: Any) -> None:
    async def main() -> tuple[tuple[int, ...], tuple[int, ...]]:
        device = sensor()
        async with scene(device) as near, connected(near, kinds=("ecg", "acc", "battery")) as linked:
            async with linked.items():
                await asyncio.sleep(5)
                during = device.gsp.running
            await asyncio.sleep(0.5)
            return during, device.gsp.running

    assert play(main()) == ((11, 12), ())


def test_a_lost_link_is_a_gap_and_every_sample_before_and_after_is_right(play: Any) -> None:
    _, items = play(streamed(sensor(), 90, (40, lose), kinds=("ecg",)))
    first, lost, again = events(items)
    assert (type(first), lost.reason, type(again)) == (Connected, LossReason.LOST, Connected)
    assert again.at_us - lost.at_us < 8e6
    (hole,) = gaps("ecg", items)
    assert hole.reason == "link lost"
    times, values = numbers("ecg", items)
    before = times * 1e6 <= hole.start_us
    assert np.array_equal(np.rint(values[before] * 1000), ECG_UV[: before.sum()])
    assert np.diff(times)[~np.isclose(np.diff(times), 0.008, atol=0.0045)].size == 1


def test_a_mute_sensor_is_restarted_and_then_given_up(play: Any) -> None:
    _, items = play(streamed(sensor(), 90, (20, mute(True)), (60, mute(False)), kinds=("ecg",)))
    found = [type(one) for one in events(items)]
    assert found[:5] == [Connected, Stall, Stall, Stall, Disconnected]
    assert events(items)[4].reason is LossReason.SILENT
    assert numbers("ecg", items)[0][-1] > 88


def test_a_reboot_is_a_reset_of_its_clock(play: Any) -> None:
    device = sensor(since_ms=5_000_000)

    def reboot(near: Any) -> None:
        device.spawn(device.reboot(off_s=3))

    _, items = play(streamed(device, 90, (40, reboot), kinds=("ecg",)))
    found = [type(one) for one in events(items) if not isinstance(one, Stall)]
    assert found == [Connected, Disconnected, Connected, ClockReset]
    assert numbers("ecg", items)[0][-1] > 88


def test_malformed_data_is_a_gap_and_never_a_wrong_sample(play: Any) -> None:
    device = sensor()
    count = 0

    def cut(uuid: str, payload: bytes) -> bytes:
        nonlocal count
        count += 1
        return payload[:-1] if count % 50 == 0 else payload

    _, items = play(streamed(device, 60, (10, lambda _: setattr(device, "spoil", cut)), kinds=("ecg",)))
    holes = gaps("ecg", items)
    assert len(holes) == pytest.approx(50 * 125 / 16 / 50, abs=2)
    assert all(hole.end_us - hole.start_us == pytest.approx(17 * 8000, abs=9000) for hole in holes)
    times, values = numbers("ecg", items)
    index = np.rint((times - times[0]) * 125).astype(int)
    assert np.array_equal(np.rint(values * 1000), ECG_UV[index])


def test_a_sensor_that_does_not_answer_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with scene(sensor()) as near, connected(near) as device:
            near.devices[0].muted = True
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkError, match="did not answer SUBSCRIBE ECG within 3 s"):
                async with asyncio.timeout(60), device.stream("ecg") as blocks:
                    await anext(blocks)
            return asyncio.get_running_loop().time() - began

    assert play(main()) < 7


def test_frames_as_the_protocol_specifies_them() -> None:
    """By hand from Movesense's specification and sensein/movesense-py's tests: 1000 counts are 1 mV, z at rest 9.8."""
    intake = Intake()
    ecg, acc = b"\x01\x0b/Meas/ECG/200/mV", b"\x01\x0c/Meas/Acc/52"
    for note in (ecg, acc, b"\x04\x3c" + BATTERY_PATH.encode()):
        assert intake.feed(Frame(0, movesense.WRITE, note)) == []
    found: list[Any] = []
    for k in range(20):
        at = 1_000_000 + 80_000 * k
        data = struct.pack("<BBI16h", 2, 11, 5000 + 80 * k, *([1000] * 16))
        found += intake.feed(Frame(at, movesense.NOTIFY, data))
        moved = struct.pack("<BBI12f", 2, 12, 5000 + round(4000 / 52 * k), *([0.1, -0.2, 9.80665] * 4))
        found += intake.feed(Frame(at, movesense.NOTIFY, moved))
    found += intake.feed(Frame(3_000_000, movesense.NOTIFY, b"\x01\x3c\xc8\x00\x37"))
    found += intake.end("end of stream")
    blocks = {kind: of(kind, found) for kind in ("ecg", "acc", "battery")}
    assert np.concatenate([block.physical() for block in blocks["ecg"]]) == pytest.approx(np.ones(320))
    acc_g = np.concatenate([block.physical() for block in blocks["acc"]])
    assert acc_g == pytest.approx(np.tile([0.1 / 9.80665, -0.2 / 9.80665, 1.0], (80, 1)), abs=1e-5)
    assert blocks["battery"][0].values.tolist() == [55]
    assert all(isinstance(one, Block) for one in found)
