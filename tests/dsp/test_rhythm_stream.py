"""Any split of the stream gives the windows of the whole, also across gaps, artefacts and a saved state."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_signal.rr.rhythm import RhythmStream, rhythm_windows
from vitals_signal.windows.window import FeatureWindow

INTERVALS = st.one_of(
    st.integers(300, 1800).map(lambda tick: tick / 1.024),
    st.sampled_from([float("nan"), 90.0, 3500.0, 7000.0]),
)
PAUSES_US = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 900_000, 9_000_000])


def same(one: list[FeatureWindow], other: list[FeatureWindow]) -> bool:
    spans = [[(w.start_us, w.end_us, w.coverage, w.corrected_share, w.reason) for w in each] for each in (one, other)]
    values = [np.array([list(w.values.values()) for w in each]) for each in (one, other)]
    return spans[0] == spans[1] and np.allclose(values[0], values[1], rtol=0, atol=1e-9, equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), hop=st.integers(1, 64), count=st.integers(0, 260), seed=st.integers(0, 2**32 - 1))
def test_any_split_gives_the_windows_of_the_whole(data: st.DataObject, hop: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rr = np.where(rng.random(count) < 0.97, rng.uniform(300, 1800, count), rng.choice([np.nan, 90, 3500, 7000], count))
    for at in data.draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=5)) if count else []:
        rr[at] = data.draw(INTERVALS)
    step = np.where(np.isnan(rr), 800.0, rr) * 1000
    for at in data.draw(st.lists(st.integers(0, count - 1), max_size=3)) if count else []:
        step[at] += data.draw(PAUSES_US)
    times = np.cumsum(np.rint(step).astype(np.int64))
    cuts = sorted({0, count, *data.draw(st.lists(st.integers(0, count), max_size=8))})
    whole = rhythm_windows(times, rr, hop=hop)
    stream, parts = RhythmStream(hop), []
    for begin, end in itertools.pairwise(cuts):
        parts += stream.update(times[begin:end], rr[begin:end])
        stream = RhythmStream.from_bytes(stream.to_bytes())
    assert same(whole, parts)


def test_the_property_is_not_empty() -> None:
    """The comparison above does see a difference of 1e-6 in one value."""
    rng = np.random.default_rng(3)
    rr = rng.uniform(500, 900, 200)
    windows = rhythm_windows(np.cumsum(np.rint(rr * 1000).astype(np.int64)), rr, hop=8)
    assert len(windows) == 18
    first = windows[0]
    values = {name: value + 1e-6 for name, value in first.values.items()}
    other = [dataclasses.replace(first, values=values), *windows[1:]]
    assert same(windows, windows)
    assert not same(windows, other)
