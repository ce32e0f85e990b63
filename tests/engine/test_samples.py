"""Sample time lines against simulated devices: true times, true gaps, and laws that hold for any frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.timeline import DeviceClock, SampleTimeline, Stamp
from vitals.values import Block, ClockReset, Gap

ORIGIN_US = 800_000_000_000_000  # of the device's clock
FALLBACK_US = 599_616_000_000_000
Item = Block | Gap | ClockReset


@dataclass(frozen=True)
class Notification:
    arrival_us: int
    values: NDArray[np.int32]  # the number of each sample
    stamp_us: int  # of the last one


def device(
    seconds: float, *, hz: float = 130.0, n: int = 73, ppm: float = 60.0, loss: float = 0.0, seed: int = 1
) -> list[Notification]:
    """Frames of a device that sampled at `hz` of its own, `ppm` fast clock, from host time 0 on; some are lost."""
    rng = np.random.default_rng(seed)
    count = int(seconds * hz / n)
    stamps = np.arange(1, count + 1) * n / hz
    arrival = stamps / (1 + ppm * 1e-6) + 0.012
    arrival = np.ceil(arrival / 0.045) * 0.045 + 0.045 * (rng.geometric(0.85, count) - 1)
    for k in np.flatnonzero(rng.random(count) < 0.01):  # the host stalls for a second
        arrival[k:] = np.maximum(arrival[k:], arrival[k] + 1)
    arrival = np.maximum.accumulate(arrival)
    kept = rng.random(count) >= loss
    kept[:5] = True
    return [
        Notification(
            round(arrival[k] * 1e6),
            np.arange(k * n, (k + 1) * n, dtype=np.int32),
            ORIGIN_US + round(float(stamps[k]) * 1e6),
        )
        for k in np.flatnonzero(kept)
    ]


def play(line: SampleTimeline, frames: Iterable[Notification]) -> list[Item]:
    return [item for f in frames for item in line.push(f.arrival_us, f.values, f.stamp_us)]


def whole(line: SampleTimeline, frames: Iterable[Notification]) -> list[Item]:
    return play(line, frames) + line.end("end of stream")


def blocks_of(items: Sequence[Item]) -> list[Block]:
    return [item for item in items if isinstance(item, Block)]


def gaps_of(items: Sequence[Item]) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap)]


def lawful(items: Sequence[Item]) -> None:
    """Laws 2 and 3 of the time line."""
    data = [item for item in items if not isinstance(item, ClockReset)]
    blocks = blocks_of(data)
    if blocks:
        assert np.all(np.diff(np.concatenate([b.times_us() for b in blocks])) > 0)
    for a, b in pairwise(data):
        if isinstance(a, Block) and isinstance(b, Block):
            period = 1e6 / a.rate_hz
            assert 0.5 * period <= b.start_us - a.end_us <= 1.5 * period
            assert b.t0_us != a.t0_us or b.first == a.first + len(a)
        elif isinstance(a, Gap):
            assert isinstance(b, Block)
            assert b.start_us == a.end_us
        else:
            assert isinstance(b, Gap)
            assert a.end_us == b.start_us < b.end_us


def errors_us(blocks: Sequence[Block], *, hz: float, ppm: float = 60.0) -> NDArray[np.float64]:
    numbers = np.concatenate([b.values for b in blocks])
    times = np.concatenate([b.times_us() for b in blocks])
    found: NDArray[np.float64] = times - (numbers + 1) / hz / (1 + ppm * 1e-6) * 1e6
    return found


@pytest.mark.parametrize(
    ("hz", "nominal", "n"), [(130.0, 130.0, 73), (55.01, 135.0, 40), (135.0, 130.0, 36), (200.0, 200.0, 37)]
)
def test_samples_are_where_they_were_taken_and_every_loss_is_a_gap(hz: float, nominal: float, n: int) -> None:
    frames = device(1800, hz=hz, n=n, loss=0.01)
    line = SampleTimeline("ecg", nominal, scale=0.001, unit="mV")
    items = whole(line, frames)
    lawful(items)
    blocks = blocks_of(items)
    assert np.array_equal(np.concatenate([b.values for b in blocks]), np.concatenate([f.values for f in frames]))
    lost = [(a, b) for a, b in pairwise(frames) if b.values[0] - a.values[-1] > 1]
    gaps = gaps_of(items)
    assert len(gaps) == len(lost) > 10
    for gap, (before, after) in zip(gaps, lost, strict=True):
        assert gap.reason == "missing samples"
        missing = after.values[0] - before.values[-1]
        assert abs((gap.end_us - gap.start_us) / 1e6 * hz - missing) < 2.5  # steps of 2 ms meet at 200 Hz
    error = errors_us(blocks, hz=hz)
    settled = error[len(error) // 10 :]
    assert np.std(settled) < 1_500
    assert 12_000 < np.mean(settled) < 18_000  # the smallest latency
    assert line.rate_hz == pytest.approx(hz, rel=1e-4)
    assert len({b.t0_us for b in blocks}) < 0.08 * len(blocks)
    assert blocks[0].scale == 0.001
    assert (blocks[0].kind, blocks[0].unit) == ("ecg", "mV")


def test_frames_locked_to_the_connection_interval_are_off_by_less_than_one() -> None:
    items = whole(SampleTimeline("acc", 200), device(1800, hz=200, n=36, loss=0.01))
    lawful(items)
    error = errors_us(blocks_of(items), hz=200)
    assert np.all(np.abs(error[2000:] - 12_000 - 22_500) < 30_000)


def test_after_one_lost_frame_the_next_samples_are_not_smeared() -> None:
    frames = device(60)
    del frames[50]
    items = whole(SampleTimeline("ecg", 130), frames)
    (at,) = [k for k, item in enumerate(items) if isinstance(item, Gap)]
    before, gap, after = items[at - 1], items[at], items[at + 1]
    assert isinstance(before, Block)
    assert isinstance(gap, Gap)
    assert isinstance(after, Block)
    assert abs(gap.end_us - gap.start_us - 74 / 130 * 1e6) < 3_000  # Polar's rule puts the next sample 7.7 ms on
    assert after.rate_hz == before.rate_hz == 130


def test_every_second_frame_lost_is_a_row_of_gaps_and_no_slower_device() -> None:
    frames = device(120)
    kept = [f for k, f in enumerate(frames) if k < 10 or k > 150 or k % 2]
    items = whole(SampleTimeline("ecg", 130), kept)
    lawful(items)
    assert {b.rate_hz for b in blocks_of(items)} == {130}
    assert len(gaps_of(items)) == sum(int(b.values[0] - a.values[-1] > 1) for a, b in pairwise(kept)) == 71


def test_a_rate_that_was_learned_wrongly_is_learned_again() -> None:
    frames = device(120)
    kept = [*frames[:9:2], *frames[9:]]  # the first five say 65 Hz
    line = SampleTimeline("ecg", 130)
    lawful(whole(line, kept))
    assert line.rate_hz == pytest.approx(130, rel=1e-3)
    line = SampleTimeline("ecg", 130)
    slow = [Notification(f.arrival_us, f.values, f.stamp_us) for f in device(120, hz=98)]
    items = whole(
        line,
        [
            *frames[:9],
            *(
                Notification(
                    f.arrival_us + frames[8].arrival_us, f.values + 9 * 73, f.stamp_us + frames[8].stamp_us - ORIGIN_US
                )
                for f in slow
            ),
        ],
    )
    lawful(items)
    assert line.rate_hz == pytest.approx(98, rel=1e-3)


def test_stamps_of_the_first_sample_serve_as_well() -> None:
    frames = device(1200, loss=0.01)
    first = [Notification(f.arrival_us, f.values, f.stamp_us - round(72 / 130 * 1e6)) for f in frames]
    by_last, by_first = (
        whole(SampleTimeline("acc", 130, stamp=stamp), these)
        for stamp, these in ((Stamp.LAST, frames), (Stamp.FIRST, first))
    )
    lawful(by_first)
    assert len(gaps_of(by_last)) == len(gaps_of(by_first)) > 5
    a, b = (np.concatenate([x.times_us() for x in blocks_of(items)]) for items in (by_last, by_first))
    assert np.max(np.abs(a - b)) < 5_000


def test_without_stamps_the_rhythm_of_the_arrivals_serves() -> None:
    frames = device(1200, loss=0.01)
    line = SampleTimeline("acc", 130, stamp=Stamp.NONE)
    items = [item for f in frames for item in line.push(f.arrival_us, f.values)] + line.end("end of stream")
    lawful(items)
    blocks = blocks_of(items)
    assert np.array_equal(np.concatenate([b.values for b in blocks]), np.concatenate([f.values for f in frames]))
    lost = sum(b.values[0] - a.values[-1] > 1 for a, b in pairwise(frames))
    assert len(gaps_of(items)) == lost > 5
    assert np.std(errors_us(blocks, hz=130)) < 5_000


@pytest.mark.parametrize("shift_us", [FALLBACK_US - ORIGIN_US, -5_000_000, 40_000_000])
def test_a_clock_reset_is_told_and_nothing_is_lost_or_moved(shift_us: int) -> None:
    frames = device(240)
    jumped = [
        Notification(f.arrival_us, f.values, f.stamp_us + (shift_us if k >= 200 else 0)) for k, f in enumerate(frames)
    ]
    line = SampleTimeline("ecg", 130)
    items = whole(line, jumped)
    lawful(items)
    (reset,) = [item for item in items if isinstance(item, ClockReset)]
    assert reset.shift_us == pytest.approx(shift_us, abs=1_200_000)  # a stall may hide in it
    (gap,) = gaps_of(items)
    assert gap.reason == "device reset"
    assert sum(map(len, blocks_of(items))) + sum(line.dropped.values()) == 73 * len(frames)
    late = [b for b in blocks_of(items) if b.values[0] >= 260 * 73]
    assert np.abs(errors_us(late, hz=130) - 15_000).max() < 60_000


def test_streams_of_one_device_tell_a_reset_once() -> None:
    clock = DeviceClock()
    ecg, acc = SampleTimeline("ecg", 130, clock=clock), SampleTimeline("acc", 200, clock=clock)
    both = [(f, ecg) for f in device(120)] + [(f, acc) for f in device(120, hz=200, n=36, seed=2)]
    both.sort(key=lambda one: one[0].arrival_us)
    items: list[Item] = []
    for f, line in both:
        stamp = f.stamp_us + (FALLBACK_US - ORIGIN_US if f.stamp_us - ORIGIN_US > 60_000_000 else 0)
        items += line.push(f.arrival_us, f.values, stamp)
    items += ecg.end("end of stream") + acc.end("end of stream")
    for kind in ("ecg", "acc"):
        mine = [item for item in items if not isinstance(item, ClockReset) and item.kind == kind]
        lawful(mine)
        assert [gap.reason for gap in gaps_of(mine)] == ["device reset"]
    assert sum(isinstance(item, ClockReset) for item in items) == 1
    assert sum(map(len, blocks_of(items))) == sum(len(f.values) for f, _ in both)


def test_frames_from_before_a_reset_keep_the_clock_they_were_stamped_by() -> None:
    early = device(60)
    jump = FALLBACK_US - ORIGIN_US
    jumped = [Notification(f.arrival_us, f.values, f.stamp_us + (jump if k >= 7 else 0)) for k, f in enumerate(early)]
    items = whole(SampleTimeline("ecg", 130), [*early[:2], *jumped[7:]])
    lawful(items)
    blocks = blocks_of(items)
    assert np.abs(errors_us(blocks, hz=130)).max() < 150_000
    clock = DeviceClock()
    ecg, acc = SampleTimeline("ecg", 130, clock=clock), SampleTimeline("acc", 130, clock=clock)
    play(ecg, early[:50])
    play(acc, early[:49])
    play(ecg, [Notification(f.arrival_us, f.values, f.stamp_us + jump) for f in early[50:52]])
    items = play(acc, early[49:51])  # were stamped before the reset, and arrive after the other stream has shown it
    assert [type(item) for item in items] == [Block, Block]
    assert clock.epoch == 1


def test_duplicates_and_frames_out_of_order_are_dropped_and_counted() -> None:
    frames = device(60)
    shuffled = [*frames[:50], frames[49], *frames[50:60], frames[61], frames[60], *frames[62:]]
    line = SampleTimeline("ecg", 130)
    items = whole(line, shuffled)
    lawful(items)
    assert line.dropped == {"duplicate": 73, "out of order": 73}
    assert len(gaps_of(items)) == 1
    assert sum(map(len, blocks_of(items))) == 73 * (len(frames) - 1)


def test_a_link_loss_is_one_gap_of_its_length() -> None:
    frames = device(240)
    line = SampleTimeline("ecg", 130)
    items = play(line, frames[:200]) + line.end("link lost") + whole(line, frames[300:])
    lawful(items)
    (gap,) = gaps_of(items)
    assert gap.reason == "link lost"
    assert gap.end_us - gap.start_us == pytest.approx((100 * 73 + 1) / 130 * 1e6, abs=5_000)


def test_a_single_frame_comes_out_at_the_nominal_rate() -> None:
    (block,) = whole(SampleTimeline("ecg", 130), device(0.6))
    assert isinstance(block, Block)
    assert block.rate_hz == 130
    assert block.end_us == pytest.approx(561_000 + 20_000, abs=40_000)


def test_wrong_use_is_told() -> None:
    values = np.zeros(3, np.int32)
    with pytest.raises(ValueError, match="device_us"):
        SampleTimeline("ecg", 130).push(0, values)
    with pytest.raises(ValueError, match="device_us"):
        SampleTimeline("ecg", 130, stamp=Stamp.NONE).push(0, values, 1)
    with pytest.raises(ValueError, match="nominal_hz"):
        SampleTimeline("ecg", 0)
    assert SampleTimeline("ecg", 130).push(0, np.zeros(0, np.int32), 1) == []


def _same(a: Sequence[Item], b: Sequence[Item]) -> bool:
    def plain(items: Sequence[Item]) -> list[object]:
        return [(i.t0_us, i.first, i.rate_hz, i.values.tolist()) if isinstance(i, Block) else i for i in items]

    return plain(a) == plain(b)


STEPS = st.tuples(
    st.integers(0, 3_000_000),  # arrival after the one before
    st.integers(-400_000, 2_000_000) | st.integers(-(2**50), 2**50),  # device time after the one before
    st.integers(0, 40),  # samples
    st.sampled_from([None, None, None, "link lost"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=60), st.sampled_from(list(Stamp)), st.sampled_from([1.0, 52.0, 1000.0]))
def test_the_laws_hold_for_any_frames(
    steps: list[tuple[int, int, int, str | None]], stamp: Stamp, nominal_hz: float
) -> None:
    lines = SampleTimeline("acc", nominal_hz, stamp=stamp), SampleTimeline("acc", nominal_hz, stamp=stamp)
    out: list[list[Item]] = [[], []]
    arrival, device_us, count = 0, 0, 0
    for after, ahead, n, end in steps:
        arrival, device_us = arrival + after, device_us + ahead
        values = np.arange(count, count + n, dtype=np.int32)
        count += n
        for line, items in zip(lines, out, strict=True):
            items += line.push(arrival, values, None if stamp is Stamp.NONE else device_us)
            if end:
                items += line.end(end)
    for line, items in zip(lines, out, strict=True):
        items += line.end("end of stream")
    lawful(out[0])
    assert _same(*out)
    numbers = [int(v) for b in blocks_of(out[0]) for v in b.values]
    assert numbers == sorted(set(numbers))
    assert len(numbers) + sum(lines[0].dropped.values()) == count
    assert lines[0].dropped.keys() <= {"duplicate", "out of order"}
    if stamp is Stamp.NONE:
        assert not lines[0].dropped


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.3), st.integers(1, 100), st.sampled_from([(25.0, 26.0), (130.0, 130.0)]))
def test_any_device_of_even_rate_has_exactly_its_losses_as_gaps(
    seed: int, loss: float, n: int, hz: tuple[float, float]
) -> None:
    frames = device(max(40.0, 40 * n / hz[0]), hz=hz[0], n=n, loss=loss, seed=seed)
    items = whole(SampleTimeline("ppg", hz[1]), frames)
    lawful(items)
    lost = sum(int(b.values[0] - a.values[-1] > 1) for a, b in pairwise(frames))
    assert len(gaps_of(items)) == lost
    assert sum(map(len, blocks_of(items))) == sum(len(f.values) for f in frames)
