"""Device clocks against simulated radios whose true offset and drift are known."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.timeline import DeviceClock

FALLBACK_US = 599_616_000_000_000  # 2019-01-01 on a Polar clock
FRAME_S = 73 / 130


def radio(
    hours: float, *, ppm: float, seed: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Host time of the last sample of each frame [us], its stamp on a clock that runs `ppm` fast, and its arrival.

    45 ms connection interval, packet errors of 5 to 30 %, 12 ms at least, a host stall of 0.2 to 2 s each minute.
    """
    rng = np.random.default_rng(seed)
    n = int(hours * 3600 / FRAME_S)
    device = np.arange(1, n + 1) * FRAME_S
    true = device / (1 + ppm * 1e-6)
    errors = 0.175 + 0.125 * np.sin(true / 1800 * 2 * np.pi)
    arrival = np.ceil((true + 0.012) / 0.045) * 0.045 + 0.045 * (rng.geometric(1 - errors) - 1)
    begins = np.cumsum(rng.exponential(60, int(hours * 90) + 10))
    for begin, length in zip(begins, rng.uniform(0.2, 2, len(begins)), strict=True):
        first, last = np.searchsorted(arrival, (begin, begin + length))
        arrival[first:last] = np.maximum(arrival[first:last], begin + length)
    arrival = np.maximum.accumulate(arrival) + rng.exponential(0.0003, n)
    times: NDArray[np.float64] = np.asarray(true * 1e6, dtype=np.float64)
    return times, np.rint(device * 1e6).astype(np.int64) + FALLBACK_US, np.rint(arrival * 1e6).astype(np.int64)


def test_a_day_at_60_ppm_is_mapped_to_half_a_millisecond_beside_the_constant() -> None:
    true, stamps, arrivals = radio(24, ppm=60)
    clock = DeviceClock()
    placed, bound = np.empty(len(true)), np.empty(len(true))
    sizes = []
    for k, (stamp, arrival) in enumerate(zip(stamps.tolist(), arrivals.tolist(), strict=True)):
        assert clock.observe(stamp, arrival) is None
        placed[k] = clock.host_us(stamp)
        fit = clock.fit
        assert fit is not None
        bound[k] = fit.error_us
        if k % 10_000 == 9_999:
            sizes.append(len(pickle.dumps(clock)))
    error = placed - true
    assert np.std(error) < 500  # from the first frame on
    assert np.std(error[1000:]) < 90
    assert 12_000 < np.mean(error) < 15_000  # the smallest radio latency stays: it cannot be seen one-way
    assert np.mean(np.abs(error - np.mean(error)) <= bound) > 0.97
    assert np.median(bound) < 1_000
    assert max(sizes) < 1.02 * sizes[0]
    fit = clock.fit
    assert fit is not None
    assert fit.epoch == 0
    assert abs(fit.drift_ppb - 60_000) < 300
    frozen = stamps + (arrivals[0] - stamps[0])
    assert np.max(np.abs(frozen - true)) > 5e6  # what an offset fixed at the first frame makes of the same day


def test_two_devices_meet_on_one_host_clock() -> None:
    placed = []
    for ppm, seed in ((20, 1), (-40, 2)):
        true, stamps, arrivals = radio(1, ppm=ppm, seed=seed)
        clock = DeviceClock()
        for stamp, arrival in zip(stamps.tolist(), arrivals.tolist(), strict=True):
            clock.observe(stamp, arrival)
        placed.append(clock.host_us(int(stamps[-1])) - true[-1])
    assert abs(placed[0] - placed[1]) < 1_000


def feed(clock: DeviceClock, seconds: range, shift_us: int = 0) -> list[int]:
    """A frame per second that is stamped `shift_us` off; returns the shifts of the resets that the clock told."""
    told = [clock.observe(s * 1_000_000 + shift_us, s * 1_000_000 + 20_000) for s in seconds]
    return [reset.shift_us for reset in told if reset is not None]


@pytest.mark.parametrize("shift_us", [-FALLBACK_US, -60_000_000, 400_000, 3_600_000_000])
def test_a_jump_begins_a_new_epoch_and_is_told_once(shift_us: int) -> None:
    clock = DeviceClock()
    assert feed(clock, range(100)) == []
    assert feed(clock, range(100, 200), shift_us) == [pytest.approx(shift_us, abs=1_000)]
    assert clock.epoch == 1
    assert abs(clock.host_us(200_000_000 + shift_us) - 200_020_000) < 1_000


@pytest.mark.parametrize("shift_us", [-2_000_000, -150_000])
def test_a_small_step_back_is_believed_after_two_slots(shift_us: int) -> None:
    clock = DeviceClock()
    assert feed(clock, range(300)) == []
    assert feed(clock, range(300, 340), shift_us) == []
    assert feed(clock, range(340, 420), shift_us) == [pytest.approx(shift_us, abs=10_000)]
    assert abs(clock.host_us(420_000_000 + shift_us) - 420_020_000) < 10_000


def test_a_stall_or_a_slow_host_is_not_a_reset() -> None:
    clock = DeviceClock()
    for s in range(300):
        clock.observe(s * 1_000_000, s * 1_000_000 + 20_000, contiguous=True)
    for s in range(300, 308):  # the host wakes up once, at 308.5 s
        assert clock.observe(s * 1_000_000, 308_500_000, contiguous=True) is None
    for s in range(309, 900):  # samples follow each other without a gap, half a second and more later and later
        assert clock.observe(s * 1_000_000, s * 1_000_000 + 500_000 + s * 100, contiguous=True) is None
    assert clock.epoch == 0
    assert abs(clock.host_us(900_000_000) - 900_020_000) < 300_000


def test_a_slow_start_is_forgotten() -> None:
    clock = DeviceClock()
    for s in range(10):  # a host that was busy for the first ten seconds
        assert clock.observe(s * 1_000_000, 2_000_000 + s * 1_000_000) is None
    assert feed(clock, range(10, 300)) == []
    assert abs(clock.host_us(300_000_000) - 300_020_000) < 2_000


def test_a_drift_of_hours_ago_does_not_weigh_on_today() -> None:
    clock = DeviceClock()
    stamp = 0.0
    for s in range(4 * 3600 + 1800):
        stamp += 1_000_000 * (1 + (20e-6 if s < 3600 else 26e-6))  # cold, then worn
        if not 3600 <= s < 4 * 3600:
            clock.observe(round(stamp), s * 1_000_000 + 20_000, contiguous=s != 4 * 3600)
    fit = clock.fit
    assert fit is not None
    assert fit.drift_ppb == pytest.approx(26_000, abs=500)
    assert abs(clock.host_us(round(stamp)) - (4 * 3600 + 1799) * 1_000_000 - 20_000) < 300


def test_a_clock_that_saw_nothing_says_so() -> None:
    assert DeviceClock().fit is None
    with pytest.raises(ValueError, match="observe"):
        DeviceClock().host_us(0)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62) | st.integers(0, 10**8), st.integers(0, 10**8), st.booleans()),
        max_size=80,
    )
)
def test_any_frames_leave_a_finite_fit_and_the_same_one_each_time(frames: list[tuple[int, int, bool]]) -> None:
    clocks = DeviceClock(), DeviceClock()
    arrival = 0
    for stamp, step, contiguous in frames:
        arrival += step
        told = [clock.observe(stamp, arrival, contiguous=contiguous) for clock in clocks]
        assert told[0] == told[1]
        fit = clocks[0].fit
        assert fit == clocks[1].fit
        assert fit is not None
        assert math.isfinite(fit.offset_us)
        assert math.isfinite(fit.drift_ppb)
        assert fit.error_us > 0
