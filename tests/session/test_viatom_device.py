"""An O2Ring as a device: it is asked again and again, its answers come in pieces, and it says when it is not worn."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.session.vendor_streams import connected, events, gaps, lose, mute, numbers, of, streamed
from vitals.decode import viatom
from vitals.errors import LinkError
from vitals.intake import Intake
from vitals.values import Block, Connected, ContactChange, Disconnected, Frame, LossReason, Stall
from vitals.virtual import Body, OxygenRing, scene


def body() -> Body:
    return Body(np.cumsum(np.random.default_rng(2).normal(0.8, 0.02, 500)))


@pytest.mark.parametrize("mtu", [23, 247])
def test_what_is_offered_and_that_it_is_what_the_body_does(play: Any, mtu: int) -> None:
    wearer = body()
    kinds, items = play(streamed(OxygenRing(wearer, battery=80, mtu=mtu), 120))
    assert set(kinds) == {"spo2", "hr", "battery"}
    assert [type(one) for one in events(items)] == [Connected]
    zero = items[0].at_us / 1e6
    for kind, truth in (("hr", wearer.rate_bpm), ("spo2", wearer.spo2_percent)):
        times, values = numbers(kind, items)
        assert len(values) == pytest.approx(57, abs=3)
        assert np.abs(values - [truth(at - zero) for at in times]).max() < 2
        assert np.diff(times).max() < 2.2
        assert not gaps(kind, items)
    assert [block.values.tolist() for block in of("battery", items)] == [[80]]


def test_a_ring_that_is_taken_off_says_so_and_gives_no_values(play: Any) -> None:
    ring = OxygenRing(body())

    def wear(worn: bool) -> Any:
        return lambda _: setattr(ring.readings, "worn", worn)

    _, items = play(streamed(ring, 90, (30, wear(False)), (50, wear(True))))
    assert [one.contact for one in events(items) if isinstance(one, ContactChange)] == [False, True]
    times, values = numbers("spo2", items)
    assert not ((times > 32) & (times < 54)).any()
    assert values.min() > 90
    assert len(gaps("spo2", items)) == len(gaps("hr", items)) == 1


def test_a_lost_link_is_a_gap(play: Any) -> None:
    _, items = play(streamed(OxygenRing(body()), 90, (40, lose)))
    assert [type(one) for one in events(items)] == [Connected, Disconnected, Connected]
    assert numbers("spo2", items)[0][-1] > 87
    assert [block.values.tolist() for block in of("battery", items)] == [[100], [100]]


def test_a_mute_ring_is_asked_again_and_then_given_up(play: Any) -> None:
    _, items = play(streamed(OxygenRing(body()), 150, (20, mute(True)), (90, mute(False))))
    found = events(items)
    assert [type(one) for one in found][:5] == [Connected, Stall, Stall, Stall, Disconnected]
    assert found[4].reason is LossReason.SILENT
    assert numbers("hr", items)[0][-1] > 147
    assert len(gaps("hr", items)) == 1


def test_a_damaged_answer_costs_one_reading(play: Any) -> None:
    ring = OxygenRing(body())
    count = 0

    def damage(uuid: str, payload: bytes) -> bytes:
        nonlocal count
        count += 1
        return payload[:5] + b"\x00\x05" + payload[7:] if count == 31 else payload  # a size that never comes

    ring.spoil = damage
    _, items = play(streamed(ring, 60, kinds=("spo2",)))
    times, values = numbers("spo2", items)
    assert np.diff(times).max() == pytest.approx(4, abs=0.2)
    assert values.min() > 90


def test_a_ring_that_does_not_answer_is_an_error_in_time(play: Any) -> None:
    async def main() -> float:
        async with scene(OxygenRing(body())) as near, connected(near) as device:
            near.devices[0].muted = True
            began = asyncio.get_running_loop().time()
            with pytest.raises(LinkError, match="did not answer READINGS within 3 s"):
                async with asyncio.timeout(60), device.stream("spo2") as blocks:
                    await anext(blocks)
            return asyncio.get_running_loop().time() - began

    assert play(main()) < 7


def test_leaving_asks_no_more(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        ring = OxygenRing(body())
        asked: list[float] = []
        reading = ring.readings.reading

        def counted(body_s: float) -> viatom.OximeterReading:
            asked.append(body_s)
            return reading(body_s)

        monkeypatch.setattr(ring.readings, "reading", counted)
        async with scene(ring) as near, connected(near) as device:
            async with device.items():
                await asyncio.sleep(11)
            before = len(asked)
            await asyncio.sleep(20)
            assert before == pytest.approx(6, abs=1)
            return len(asked) - before

    assert play(main()) == 0


def test_an_answer_as_the_reference_client_reads_it() -> None:
    """ecostech/viatom-ble: SpO2 at byte 7, rate 8, battery 14, worn 18; its request is aa17e800000000 1b."""
    assert viatom.encode_request().hex() == "aa17e8000000001b"
    whole = bytearray(21)
    whole[:7] = bytes.fromhex("5500ff00000d00")
    whole[7], whole[8], whole[14], whole[16], whole[17], whole[18] = 97, 72, 85, 3, 6, 1
    whole[20] = viatom.crc8(bytes(whole[:20]))
    intake = Intake()
    items = [one for piece in (whole[:20], whole[20:]) for one in intake.feed(Frame(0, viatom.NOTIFY, bytes(piece)))]
    found = {one.kind: one.physical().tolist() for one in items if isinstance(one, Block)}
    assert found == {"battery": [85], "spo2": [pytest.approx(97)], "hr": [72]}
    whole[18] = 0  # taken off: what the ring still shows is no value
    whole[20] = viatom.crc8(bytes(whole[:20]))
    assert intake.feed(Frame(2_000_000, viatom.NOTIFY, bytes(whole))) == [ContactChange(2_000_000, False)]
