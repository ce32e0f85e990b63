"""Plots and arrays: what tiles say is what the samples say, and reading costs no more than the answer."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.errors import InputError
from vitals.store import ClockFit, Key, Store, pyramid
from vitals.values import Block, DeviceInfo, Timing, rr_block

ZERO = 1_700_000_000_000_000
WATCH = DeviceInfo(name="watch", manufacturer="Acme", model="W", serial="7")


def acc(seconds: int, *, seed: int = 1, first: int = 0) -> Block:
    values = np.random.default_rng(seed).integers(-900, 900, (seconds * 16, 3)).astype(np.int16)
    return Block("acc", 0, Timing.REGULAR, 16.0, values, 1 / 512, "g", first=first)


def keep(store: Store, *blocks: Block, device: DeviceInfo = WATCH, subject: str = "self", zero: int = ZERO) -> None:
    with store.session(device=device, source="virtual", zero_utc_us=zero, subject=subject) as session:
        for block in blocks:
            session.append(block)


def by_hand(times: NDArray[np.int64], values: NDArray[np.float64], width: int) -> list[tuple[int, int, float, float]]:
    """(start, count, minimum, maximum) of the bins, one sample after another."""
    found: dict[int, list[float]] = {}
    for t, v in zip(times.tolist(), values.tolist(), strict=True):
        found.setdefault(t // width * width, []).append(v)
    return [(start, len(held), min(held), max(held)) for start, held in sorted(found.items())]


@pytest.mark.parametrize("resolution", [1, 30, 900, 60, 7, 0.5, dt.timedelta(minutes=30), 3600])
def test_bins_are_what_the_samples_give(store: Store, resolution: float | dt.timedelta) -> None:
    keep(store, acc(4000), acc(500, first=16 * 5000))
    (samples,) = store.arrays("acc")
    (bins,) = store.arrays("acc", resolution=resolution)
    want = by_hand(samples.times_us, samples.values[:, 1], bins.width_us)
    got = zip(
        bins.times_us.tolist(), bins.count.tolist(), bins.low[:, 1].tolist(), bins.high[:, 1].tolist(), strict=True
    )
    assert list(got) == want
    inside = (samples.times_us // bins.width_us) == bins.times_us[-1] // bins.width_us
    np.testing.assert_allclose(bins.mean[-1], samples.values[inside].mean(axis=0), rtol=1e-12)
    frame = store.read("acc", resolution=resolution)
    assert [*frame.columns[:2], *frame.columns[-2:]] == ["acc_g_x_min", "acc_g_y_min", "count", "stream"]
    np.testing.assert_array_equal(frame["acc_g_y_max"], bins.high[:, 1])


@settings(max_examples=25, deadline=None)
@given(st.integers(-100, 5000), st.integers(1, 4000), st.sampled_from([1, 30, 60, 900]))
@example(start=-1, length=1, width=30)
def test_any_span_gives_whole_bins_with_and_without_tiles(start: int, length: int, width: int) -> None:
    store = _shared()
    span = (ZERO + start * 10**6 + 1, ZERO + (start + length) * 10**6)
    (samples,) = store.arrays("acc")
    (bins,) = store.arrays("acc", *span, resolution=width)
    want = by_hand(samples.times_us, samples.values[:, 0], width * 10**6)
    edge = -(-span[1] // (width * 10**6)) * width * 10**6
    touched = [one for one in want if span[0] // (width * 10**6) * (width * 10**6) <= one[0] < edge]
    got = list(zip(bins.times_us.tolist(), bins.count.tolist(), bins.low[:, 0].tolist(), bins.high[:, 0].tolist(),
                   strict=True))  # fmt: skip
    assert got == touched


_HELD: list[Store] = []


def _shared() -> Store:
    """One store for all examples: some tiles whole, some hours without."""
    if not _HELD:
        import tempfile

        from vitals.store import new_recovery_code, recovery

        folder = tempfile.mkdtemp()
        store = Store.create(Path(folder, "s"), recovery(new_recovery_code()))
        keep(store, acc(2500), acc(1500, first=16 * 3000))
        with store.transaction() as connection:
            connection.execute("DELETE FROM pyramid WHERE t0_us = (SELECT min(t0_us) FROM pyramid WHERE level = 0)")
            connection.execute("DELETE FROM pyramid WHERE level = 1")
        _HELD.append(store)
    return _HELD[0]


def tiles(store: Store) -> int:
    connection = store.fresh()
    found = int(connection.execute("SELECT count(*) FROM pyramid").fetchone()[0])
    connection.close()
    return found


def test_tiles_follow_when_samples_come_late(store: Store) -> None:
    with store.session(device=WATCH, source="virtual", zero_utc_us=ZERO) as session:
        session.append(acc(2000))
        session.flush()
        store.compact()
        full = tiles(store)
        assert full >= 4
        session.append(acc(10, seed=2, first=16 * 700 + 3))  # late, inside what has a tile
        session.flush()
        assert tiles(store) < full
        (samples,), (bins,) = store.arrays("acc"), store.arrays("acc", resolution=1)
        assert by_hand(samples.times_us, samples.values[:, 2], 10**6) == list(
            zip(
                bins.times_us.tolist(),
                bins.count.tolist(),
                bins.low[:, 2].tolist(),
                bins.high[:, 2].tolist(),
                strict=True,
            )
        )
        assert (np.diff(samples.times_us) >= 0).all()
    assert store.verify().ok
    assert tiles(store) == full


def test_tiles_can_be_rebuilt_and_damaged_ones_are_not_believed(store: Store) -> None:
    keep(store, acc(3000))
    (want,) = store.arrays("acc", resolution=30)
    made = tiles(store)
    with store.transaction() as connection:
        connection.execute("UPDATE pyramid SET payload = zeroblob(length(payload))")
    (got,) = store.arrays("acc", resolution=30)
    np.testing.assert_array_equal(got.low, want.low)
    assert any("pyramid" in problem for problem in store.verify().problems)
    with store.transaction() as connection:
        connection.execute("DELETE FROM pyramid")
    assert store.compact().tiles == made
    assert store.verify().ok
    np.testing.assert_array_equal(store.arrays("acc", resolution=30)[0].mean, want.mean)


def test_slow_streams_have_no_second_tiles(store: Store) -> None:
    keep(store, rr_block(0, np.full(3000, 900), 1024))
    connection = store.fresh()
    assert connection.execute("SELECT DISTINCT level FROM pyramid ORDER BY 1").fetchall() == [(1,), (2,)]
    connection.close()
    (bins,) = store.arrays("rr", resolution=60)
    assert bins.count.sum() == 3000
    assert bins.mean.max() == pytest.approx(900 / 1.024)
    assert bins.low.shape == bins.count.shape


def test_a_negative_scale_keeps_minimum_below_maximum(store: Store) -> None:
    keep(store, Block("x", 0, Timing.REGULAR, 10.0, np.arange(1000), -0.5, "u"))
    (bins,) = store.arrays("x", resolution=30)
    assert (bins.low <= bins.mean).all()
    assert (bins.mean <= bins.high).all()


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), dt.timedelta(0)])
def test_impossible_resolutions_are_refused(store: Store, wrong: float) -> None:
    keep(store, acc(10))
    with pytest.raises(InputError, match="resolution is"):
        store.arrays("acc", resolution=wrong)


def test_a_day_needs_no_more_memory_than_the_answer(store: Store) -> None:
    keep(store, acc(40_000))
    (info,) = store.streams("acc")
    store.arrays("acc", ZERO, ZERO + 10)
    tracemalloc.start()
    (samples,) = store.arrays("acc")
    answer = samples.times_us.nbytes + samples.values.nbytes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert info.n == 640_000 == len(samples.times_us)
    assert peak < 1.6 * answer  # and no more at any length: see the pages of spans.py


def test_several_subjects_and_a_device_that_comes_back(store: Store, key: Key) -> None:
    newer = DeviceInfo(name="watch 2", manufacturer="Acme", model="W", serial="7", firmware="2")
    other = DeviceInfo(name="strap")
    keep(store, acc(10), subject="Ada")
    keep(store, acc(10, seed=2), device=newer, subject="Ada", zero=ZERO + 10**8)
    keep(store, acc(10, seed=3), device=other, subject="Ben", zero=ZERO + 2 * 10**8)
    seen = store.devices()
    assert [(one.key, one.device, len(one.sessions)) for one in seen] == [("//strap", other, 1), ("Acme/W/7", newer, 2)]
    assert store.subjects() == ["Ada", "Ben"]
    assert len(store.read("acc", device="Acme/W/7")) == 320
    assert len(store.arrays("acc", subject="Ben")) == 1
    assert len(store.arrays("acc", subject="Ben", resolution=1)[0].count) == 10
    with pytest.raises(InputError, match="of that device and subject"):
        store.read("acc", device="Acme/W/7", subject="Ben")


def test_clock_fits_lie_beside_the_samples(store: Store) -> None:
    keep(store, acc(10))
    (before,) = store.arrays("acc")
    (session,) = store.sessions()
    store.add_clock_fit(session, ClockFit(0, ZERO, 500_000, 0, 1000))
    better = ClockFit(0, ZERO, 400_000, 20_000_000, 200)
    store.add_clock_fit(session, better)
    store.add_clock_fit(session, ClockFit(1, ZERO, -7, 0, 0))
    assert store.clock_fits(session) == [better, ClockFit(1, ZERO, -7, 0, 0)] == store.clock_fits()
    (after,) = store.arrays("acc")
    np.testing.assert_array_equal(after.times_us, before.times_us)
    assert better.correct(np.array([ZERO, ZERO + 10**6])).tolist() == [ZERO + 400_000, ZERO + 1_420_000]
    assert store.verify().rows["clock_fit"] == 3
    with pytest.raises(InputError, match="epoch -1"):
        store.add_clock_fit(session, ClockFit(-1, 0, 0, 0, 0))


def test_bins_of_nothing(store: Store) -> None:
    keep(store, acc(10))
    (bins,) = store.arrays("acc", end=ZERO - 10**12, resolution=30)
    assert bins.low.shape == (0, 3)
    assert len(store.read("acc", end=ZERO - 10**12, resolution=30)) == 0
    assert len(pyramid.of_blocks([], 10, 3)) == 0
