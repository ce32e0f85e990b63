"""A Colmi ring as a device: measurements in turns, questions, logs of several packets, the clock, faults."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitals
from tests.session.vendor_streams import ZERO_US, connected, events, gaps, lose, mute, numbers, of, streamed
from vitals.decode import colmi
from vitals.errors import LinkError, LinkLost
from vitals.intake import Intake
from vitals.link import open_link
from vitals.offline import items_of
from vitals.session.asking import ANSWER_S, Asking
from vitals.store import KdfParams, Store, passphrase
from vitals.values import BatteryLow, Block, Connected, Disconnected, Frame, LossReason, Stall
from vitals.virtual import Body, ColmiRing, scene

Answers = dict[int, list[bytes]]
# The captured log begins at midnight in New York, and ends shortly before it was read, 22:14:10 later.
CAPTURED_DAY_S, READ_S = 1_730_347_200, 80_050


def body(seconds: float = 1300) -> Body:
    return Body(np.cumsum(np.random.default_rng(2).normal(0.8, 0.02, int(seconds / 0.8))), activity=[(30, 90)])


def test_what_is_offered_and_that_it_is_what_the_body_does(play: Any) -> None:
    wearer = body()
    kinds, items = play(streamed(ColmiRing(wearer, battery=64), 200))
    assert set(kinds) == {"hr", "spo2", "battery", "steps", "hr_log"}
    assert [type(one) for one in events(items)] == [Connected]
    zero = items[0].at_us / 1e6  # the ring's body began when it was connected
    for kind, truth in (("hr", wearer.rate_bpm), ("spo2", wearer.spo2_percent)):
        times, values = numbers(kind, items)
        assert len(values) > 60
        expected = np.array([truth(at - zero) for at in times])
        assert np.abs(values - expected).max() < 2
        holes = gaps(kind, items)  # while the other one had its turn: said, not filled
        assert holes
        assert all(28e6 < hole.end_us - hole.start_us < 40e6 for hole in holes)
    assert [block.values.tolist() for block in of("battery", items)] == [[64]]
    _, steps = numbers("steps", items)
    assert steps[-1] == wearer.steps(180)
    assert (of("hr", items)[0].unit, of("spo2", items)[0].unit, of("steps", items)[0].unit) == ("bpm", "%", "steps")


def test_one_measurement_goes_on_beyond_the_patience_of_the_ring(play: Any) -> None:
    ring = ColmiRing(body())
    _, items = play(streamed(ring, 400, kinds=("hr",)))
    times, _ = numbers("hr", items)
    assert len(times) == pytest.approx(396, abs=3)
    assert not gaps("hr", items)
    assert [type(one) for one in events(items)] == [Connected]
    assert ring.ring.running is None  # and it was told to stop


def test_the_log_of_a_real_ring_is_placed_by_the_clock_that_was_set(play: Any, shared: Path) -> None:
    vectors = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    raw = bytes.fromhex(next(v["hex"] for v in vectors if v.get("path", "").endswith("heart_rate_log_1730412850.bin")))
    packets = [raw[at : at + 16] for at in range(0, len(raw), 17)]
    assert len(packets) == 24
    whole = b"".join(packet[6:15] if packet[1] == 1 else packet[2:15] for packet in packets[1:])[:288]
    ring = ColmiRing(body(), answers={colmi.Command.HEART_RATE_LOG: packets})
    zero = (CAPTURED_DAY_S + READ_S) * 1_000_000
    _, items = play(streamed(ring, 320, kinds=("hr_log",), zero_utc_us=zero))
    (block,) = of("hr_log", items)  # asked twice, told once
    slots = np.flatnonzero(np.frombuffer(whole, np.uint8))
    assert block.values.tolist() == [whole[slot] for slot in slots]
    assert len(slots) == 62
    utc_s = (block.times_us() + zero) / 1e6
    assert np.abs(utc_s - (CAPTURED_DAY_S + 300 * slots)).max() <= 1.0  # the ring's clock is set to the second


def test_the_log_goes_on_where_it_was(play: Any) -> None:
    wearer = body(1300)
    _, items = play(streamed(ColmiRing(wearer), 1200, (700, lose), kinds=("hr_log",)))
    times, values = numbers("hr_log", items)
    utc = times + ZERO_US / 1e6
    assert len(values) == 3
    assert np.abs(utc % 300 - 150).min() > 148  # on the slots of the ring
    assert np.diff(times) == pytest.approx([300, 300], abs=1)  # its clock is set to the second, each time
    assert all(60 < value < 90 for value in values)


def test_a_packet_that_is_lost_delays_the_log_and_leaves_nothing_out() -> None:
    day_s, now_us = 1_749_945_600, 86_000_000_000
    readings = [60 + slot % 50 if slot in (5, 50, 100) else 0 for slot in range(288)]
    packets = colmi.encode_heart_rate_log(day_s, readings)
    intake = Intake()
    midnight = dt.datetime.fromtimestamp(day_s, dt.UTC)
    intake.feed(Frame(0, colmi.WRITE, colmi.encode_set_time(midnight)))
    told = []
    for heard in (packets[:5] + packets[6:], packets, packets):  # the sixth has slot 50
        items = [item for packet in heard for item in intake.feed(Frame(now_us, colmi.NOTIFY, packet))]
        told.append([round(at / 300) for at in numbers("hr_log", list(items))[0]])
    assert told == [[5], [50, 100], []]


def test_a_lost_link_is_taken_up_and_the_measurement_with_it(play: Any) -> None:
    _, items = play(streamed(ColmiRing(body()), 120, (50, lose), kinds=("hr", "battery")))
    first, lost, again = events(items)
    assert (type(first), lost.reason, type(again)) == (Connected, LossReason.LOST, Connected)
    times, _ = numbers("hr", items)
    assert times[-1] > 115
    assert len(gaps("hr", items)) == 1
    assert len(of("battery", items)) == 2


def test_a_ring_that_falls_silent_is_a_stall_and_then_a_loss(play: Any) -> None:
    _, items = play(streamed(ColmiRing(body()), 900, (60, mute(True)), (500, mute(False)), kinds=("hr",)))
    found = [type(one) for one in events(items)]
    assert found[:5] == [Connected, Stall, Stall, Stall, Disconnected]
    assert events(items)[4].reason is LossReason.SILENT
    assert numbers("hr", items)[0][-1] > 890


def test_a_reboot_ends_the_measurement_and_it_is_started_again(play: Any) -> None:
    ring = ColmiRing(body())

    def reboot(near: Any) -> None:
        ring.spawn(ring.reboot(off_s=5))

    _, items = play(streamed(ring, 120, (40, reboot), kinds=("hr",)))
    assert [type(one) for one in events(items)] == [Connected, Disconnected, Connected]
    assert numbers("hr", items)[0][-1] > 115


def test_damaged_packets_give_no_values(play: Any) -> None:
    ring = ColmiRing(body())

    def damage(uuid: str, payload: bytes) -> bytes:
        return payload[:3] + bytes((payload[3] ^ 0x40,)) + payload[4:]

    _, items = play(streamed(ring, 60, (20, lambda _: setattr(ring, "spoil", damage)), kinds=("hr",)))
    times, values = numbers("hr", items)
    assert times[-1] == pytest.approx(20, abs=1.5)
    assert values.max() < 90
    assert all(isinstance(one, Connected) for one in events(items))


def test_a_question_without_an_answer_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with scene(ColmiRing(body())) as near, open_link(near.name, backend=near.backend) as link:
            asking = Asking(link, colmi.WRITE)
            await link.subscribe(colmi.NOTIFY, asking.offer)
            near.devices[0].muted = True
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkError, match=r"did not answer BATTERY within 3 s"):
                await asking.ask(colmi.encode_battery_request(), lambda answer: answer[0] == 3, "BATTERY")
            return asyncio.get_running_loop().time() - began

    assert play(main()) == pytest.approx(ANSWER_S, abs=0.2)


def test_an_answer_to_something_else_is_not_taken(play: Any) -> None:
    async def main() -> bytes:
        async with scene(ColmiRing(body(), battery=42)) as near, open_link(near.name, backend=near.backend) as link:
            asking = Asking(link, colmi.WRITE)
            await link.subscribe(colmi.NOTIFY, asking.offer)
            await link.write(colmi.WRITE, colmi.encode_steps_request())
            answer = await asking.ask(colmi.encode_battery_request(), lambda answer: answer[0] == 3, "BATTERY")
            return answer.payload

    assert play(main())[:3] == bytes((3, 42, 0))


def test_a_ring_without_oxygen_does_not_offer_it(play: Any) -> None:
    plain: Answers = {colmi.Command.SET_TIME: [colmi.encode_packet(1, bytes(14))]}
    kinds, items = play(streamed(ColmiRing(body(), answers=plain, battery=10), 20, kinds=("battery", "spo2")))
    assert kinds == ("battery",)
    assert [one.percent for one in events(items) if isinstance(one, BatteryLow)] == [10]
    assert all(isinstance(item, Block | Connected | BatteryLow) for item in items)


def test_a_ring_that_does_not_measure_says_so(play: Any) -> None:
    async def main() -> None:
        mute_start: Answers = {colmi.Command.REAL_TIME_START: [colmi.encode_packet(colmi.Command.SET_TIME, b"")]}
        async with scene(ColmiRing(body(), answers=mute_start)) as near, connected(near) as device:
            with pytest.raises(LinkError, match="did not answer REAL_TIME_START HEART_RATE"):
                async with asyncio.timeout(60), device.stream("hr") as blocks:
                    await anext(blocks)

    play(main())


def test_a_link_that_is_lost_while_an_answer_is_awaited_is_told_at_once(play: Any) -> None:
    async def main() -> float:
        async with scene(ColmiRing(body())) as near, open_link(near.name, backend=near.backend) as link:
            asking = Asking(link, colmi.WRITE)
            await link.subscribe(colmi.NOTIFY, asking.offer)
            near.devices[0].muted = True
            asyncio.get_running_loop().call_later(1, lose, near)
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkLost):
                await asking.ask(colmi.encode_battery_request(), lambda answer: answer[0] == 3, "BATTERY")
            return asyncio.get_running_loop().time() - began

    assert play(main()) == pytest.approx(1, abs=0.1)


def test_a_log_from_before_the_connection_is_stored_where_it_belongs(tmp_path: Path) -> None:
    """Asked at 22:05 for a day with readings at 10:00 and 20:00: hours before the session began."""
    day_s = ZERO_US // 1_000_000 // 86_400 * 86_400
    readings = [0] * 288
    readings[120], readings[240] = 61, 72
    ring = ColmiRing(body(), answers={colmi.Command.HEART_RATE_LOG: colmi.encode_heart_rate_log(day_s, readings)})
    zero = (day_s + 79_500) * 1_000_000

    async def main(store: Store) -> None:
        async with (
            scene(ring) as near,
            connected(near, zero_utc_us=zero, kinds=("hr_log",)) as device,
            vitals.monitor(device, store=store) as monitoring,
        ):
            asyncio.get_running_loop().call_later(20, monitoring.stop)
            assert [event async for event in monitoring] == []

    quick = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)
    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=quick) as store:
        vitals.virtual.run(main(store))
        (stream,) = store.streams("hr_log")
        times, rates = numbers("hr_log", [one for one in items_of(store, stream) if isinstance(one, Block)])
        assert times == pytest.approx([day_s + 36_000, day_s + 72_000], abs=1)
        assert rates.tolist() == [61, 72]
        assert store.verify().ok
