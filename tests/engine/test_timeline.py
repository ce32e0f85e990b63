"""The RR time line against simulated sensors whose true beat times are known."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.timeline import Presence, RrTimeline
from vitals.values import Block, Gap

Notification = tuple[int, list[int]]


def sensor(hours: float, *, ppm: float = 0.0, seed: int = 1) -> tuple[NDArray[np.float64], list[Notification]]:
    """True beat times on the host's clock [s], and the notifications of a strap whose clock runs `ppm` fast."""
    rng = np.random.default_rng(seed)
    n = int(hours * 3600 * 1.5)
    rr = np.clip(0.86 + 0.05 * np.sin(np.arange(n) / 6) + rng.normal(0, 0.02, n), 0.4, 2)
    beats = np.cumsum(rr)
    beats = beats[beats < hours * 3600]
    device = beats * (1 + ppm * 1e-6)
    ticks = np.rint(device * 1024).astype(np.int64)
    notifications = []
    last = 0
    for second in range(1, int(hours * 3600) + 1):
        upto = int(np.searchsorted(device, second * (1 + ppm * 1e-6)))
        arrival = second + 0.012 + 0.045 * rng.geometric(0.9)
        notifications.append((round(arrival * 1e6), [int(t) for t in np.diff(ticks[max(last - 1, 0) : upto])]))
        last = upto
    return beats, notifications


def run(notifications: list[Notification]) -> tuple[list[Block], list[Gap]]:
    line = RrTimeline()
    out = [item for arrival, ticks in notifications for item in line.push(arrival, ticks)] + line.end("end of stream")
    return [i for i in out if isinstance(i, Block)], [i for i in out if isinstance(i, Gap)]


def test_beats_are_placed_by_the_running_sum_and_follow_the_drift() -> None:
    beats, notifications = sensor(2, ppm=60)
    blocks, gaps = run(notifications)
    assert gaps == []
    placed = np.concatenate([b.times_us() for b in blocks]) / 1e6
    assert len(placed) == len(beats) - 1
    error = placed - beats[1:]
    settled = error[120:]
    assert np.std(settled) < 0.008
    assert abs(np.mean(settled)) < 0.08  # the smallest radio latency stays: it cannot be seen one-way
    assert np.std(np.diff(settled)) < 0.0015
    assert np.all(np.diff(placed) > 0)


def test_no_interval_is_changed_dropped_or_invented() -> None:
    _, notifications = sensor(0.2)
    blocks, _ = run(notifications)
    assert [int(t) for b in blocks for t in b.values] == [t for _, ticks in notifications for t in ticks]


def test_lost_notifications_become_gaps_of_the_right_length() -> None:
    beats, notifications = sensor(1, seed=3)
    lost = [600, 1200, 1201, 1202, 1800, 2400, 2401]
    kept = [n for k, n in enumerate(notifications) if k not in lost]
    blocks, gaps = run(kept)
    assert len(gaps) == 4
    for gap, (first, count) in zip(gaps, [(600, 1), (1200, 3), (1800, 1), (2400, 2)], strict=True):
        assert gap.reason == "missing beats"
        assert abs(gap.start_us / 1e6 - first) < 3.5  # a loss shorter than one period shows at the next notification
        assert 0 <= gap.end_us - gap.start_us < (count + 2) * 1e6
    placed = np.concatenate([b.times_us() for b in blocks]) / 1e6
    nearest = np.abs(placed[:, None] - beats[None, np.searchsorted(beats, placed).clip(1, len(beats) - 1)]).min(axis=1)
    assert np.percentile(nearest, 90) < 0.5


def test_a_day_with_stalls_and_losses_has_right_spacings_and_exactly_its_gaps() -> None:
    hours, ppm = 24.0, 60e-6
    beats, notifications = sensor(hours, ppm=60, seed=6)
    rng = np.random.default_rng(7)
    arrivals = np.array([arrival for arrival, _ in notifications])
    for begin in np.cumsum(rng.exponential(60e6, int(hours * 60))):  # the host sleeps for 0.2 to 2 s each minute
        first, last = np.searchsorted(arrivals, (begin, begin + rng.uniform(0.2e6, 2e6)))
        arrivals[first:last] = arrivals[last - 1] if last > first else 0
    arrivals = np.maximum.accumulate(arrivals)
    lost = rng.random(len(arrivals)) < 0.01
    line = RrTimeline()
    out: list[Block | Gap] = []
    numbers: list[int] = []  # of the beat that ends each interval
    beat = 1
    for arrival, (_, ticks), gone in zip(arrivals.tolist(), notifications, lost, strict=True):
        if not gone:
            out += line.push(arrival, ticks)
            numbers += range(beat, beat + len(ticks))
        beat += len(ticks)
    out += line.end("end of stream")
    placed = np.concatenate([b.times_us() for b in out if isinstance(b, Block)]) / 1e6
    gaps = [g for g in out if isinstance(g, Gap)]
    real = np.array(numbers)
    missing = np.flatnonzero(np.diff(real) > 1)
    assert abs(len(gaps) - len(missing)) <= 0.005 * len(missing)
    starts = np.array([g.start_us for g in gaps]) / 1e6
    before = placed[missing]  # last beat before each loss
    assert np.abs(before[:, None] - starts[None, :]).min(axis=1).max() < 4
    spacing = np.diff(placed) - np.diff(beats[real])
    across = np.searchsorted(starts, placed[:-1] - 1e-6) != np.searchsorted(starts, placed[1:] - 2e-6)
    inside = (np.diff(real) == 1) & ~across
    assert np.std(spacing[inside]) < 0.0015
    assert np.abs(spacing[inside]).max() < 0.005
    assert np.all(np.diff(placed) > 0)
    assert abs(np.mean(placed - beats[real]) - 0.057) < 0.02  # from above only, the first beats of a run come late
    assert ppm * hours * 3600 > 5  # what the drift alone would have made of it


def test_a_long_silence_is_one_gap_and_the_time_after_it_is_right() -> None:
    beats, notifications = sensor(0.5, seed=4)
    _, gaps = run([n for n in notifications if not 300e6 < n[0] < 900e6])
    assert len(gaps) == 1
    assert abs(gaps[0].start_us / 1e6 - 300) < 2
    assert abs(gaps[0].end_us / 1e6 - 899) < 3
    assert beats[-1] > 900


def test_a_long_pause_of_the_heart_is_an_interval_not_a_gap() -> None:
    beats = np.concatenate([np.arange(1, 60, 0.9), np.arange(63.5, 120, 0.9)])
    ticks = np.rint(beats * 1024).astype(int)
    notifications = [
        (
            second * 1_000_000 + 50_000,
            [int(t) for t in np.diff(ticks)[(beats[1:] > second - 1) & (beats[1:] <= second)]],
        )
        for second in range(1, 121)
    ]
    blocks, gaps = run(notifications)
    assert gaps == []
    assert max(int(b.values.max()) for b in blocks) > 3.5 * 1024


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5_000_000), st.lists(st.integers(0, 65535), max_size=9)), max_size=60))
def test_any_sensor_gives_all_its_ticks_back_and_gaps_that_fit_between_blocks(
    steps: list[tuple[int, list[int]]],
) -> None:
    arrival, notifications = 0, []
    for step, ticks in steps:
        arrival += step
        notifications.append((arrival, ticks))
    line = RrTimeline()
    out = [item for at, ticks in notifications for item in line.push(at, ticks)] + line.end("end of stream")
    assert [int(t) for b in out if isinstance(b, Block) for t in b.values] == [t for _, ts in notifications for t in ts]
    for before, gap, after in zip(out, out[1:], out[2:], strict=False):
        if isinstance(gap, Gap):
            assert isinstance(before, Block)
            assert isinstance(after, Block)
            assert before.end_us == gap.start_us <= gap.end_us
            assert after.start_us == gap.end_us


def test_a_lost_notification_that_was_empty_is_no_gap() -> None:
    beats = np.arange(1, 300, 1.6)
    ticks = np.rint(beats * 1024).astype(int)
    notifications = [
        (
            round((second + 0.05) * 1e6),
            [int(t) for t in np.diff(ticks)[(beats[1:] > second - 1) & (beats[1:] <= second)]],
        )
        for second in range(1, 301)
    ]
    empty = [k for k, (_, t) in enumerate(notifications) if not t and k > 20]
    full = [k for k, (_, t) in enumerate(notifications) if t and k > 20]
    assert run([n for k, n in enumerate(notifications) if k != empty[10]])[1] == []
    assert len(run([n for k, n in enumerate(notifications) if k != full[10]])[1]) == 1


def test_a_rhythm_that_starts_anew_is_followed() -> None:
    beats, notifications = sensor(0.3, seed=11)
    shifted = [(arrival - (450_000 if k > 300 else 0), ticks) for k, (arrival, ticks) in enumerate(notifications)]
    blocks, _ = run(shifted)
    placed = np.concatenate([b.times_us() for b in blocks])
    assert len(placed) == len(beats) - 1
    error = placed / 1e6 + 0.45 - beats[1:]
    assert abs(np.median(error[-400:])) < 0.1


def test_presence_tells_silence() -> None:
    presence = Presence("hr", 3_000_000)
    assert presence.push(0) == []
    assert presence.push(2_900_000) == []
    assert presence.push(9_000_000) == [Gap("hr", 2_900_000, 9_000_000, "no data")]


def test_a_heart_near_sixty_is_not_taken_for_a_sensor_that_notifies_at_every_beat() -> None:
    rng = np.random.default_rng(8)
    for rate in (58.5, 59.5, 61):
        rr = 60 / rate + 0.03 * np.sin(np.arange(4000) / 300) + rng.normal(0, 0.012, 4000)
        beats = np.cumsum(rr)
        ticks = np.rint(beats * 1024).astype(int)
        notifications = [
            (
                round((second + 0.06) * 1e6),
                [int(t) for t in np.diff(ticks)[(beats[1:] > second - 1) & (beats[1:] <= second)]],
            )
            for second in range(1, 3600)
        ]
        assert run(notifications)[1] == []


def test_a_sensor_that_notifies_at_every_beat_loses_nothing_and_shows_what_is_lost() -> None:
    rng = np.random.default_rng(9)
    beats = np.cumsum(0.8 + rng.normal(0, 0.04, 2000))
    ticks = np.rint(beats * 1024).astype(int)
    notifications = [(round((b + 0.03) * 1e6), [int(t)]) for b, t in zip(beats[1:], np.diff(ticks), strict=True)]
    assert run(notifications)[1] == []
    _, gaps = run(notifications[:1000] + notifications[1003:])
    assert len(gaps) == 1
    assert 1.5e6 < gaps[0].end_us - gaps[0].start_us < 4e6
