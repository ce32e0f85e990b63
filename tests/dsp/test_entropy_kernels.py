"""The fast kernels against the definitions, pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import (
    approximate_entropy,
    fuzzy_entropy,
    lempel_ziv_complexity,
    multiscale_entropy,
    permutation_entropy,
    sample_entropy,
    shannon_entropy,
)
from vitals_signal.rr import entropy_neighbours
from vitals_signal.rr.entropy_displacements import PairCloud
from vitals_signal.rr.nonlinear_measure import span_starts

GAP = math.nan
SERIES = st.lists(st.sampled_from([GAP, *(800.0 + 7.8125 * k for k in range(6))]), max_size=40)


def matches(x: NDArray[np.float64], size: int, r: float) -> NDArray[np.int64]:
    starts = span_starts(x, size)
    vectors = x[starts[:, None] + np.arange(size)]
    return np.asarray((np.abs(vectors[:, None] - vectors).max(axis=2) <= r).sum(axis=1))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("step", [1000 / 128, 1000 / 1024, 0.0])
def test_every_path_counts_the_same(size: int, step: float) -> None:
    rng = np.random.default_rng(size)
    x = 800 + 40 * rng.standard_normal(1500)
    x[::100] = np.nan
    if step:
        x = np.rint(x / step) * step
    starts = span_starts(x, size)
    want = matches(x, size, 20.0)
    ranking = entropy_neighbours.rank_ranges(x, 20.0)
    rank, low, high = ranking
    coordinates = [rank[starts + k] for k in range(size)]
    assert (entropy_neighbours.neighbours(ranking, starts, size) == want).all()
    assert (entropy_neighbours._blocks(coordinates, low, high) == want).all()
    assert (entropy_neighbours._matrix(coordinates, low, high) == want).all()
    if size > 1:
        assert (entropy_neighbours._bits(coordinates, low, high) == want).all()
    if size < 3:
        assert (entropy_neighbours._boxes(coordinates, low, high) == want).all()
    if size == 3 and step:
        assert (entropy_neighbours._slices(coordinates, low, high) == want).all()


def test_popcount_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(1).integers(0, 1 << 63, (20, 7), np.uint64)
    want = [sum(int(word).bit_count() for word in row) for row in words]
    assert entropy_neighbours._popcount(words).tolist() == want
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert entropy_neighbours._popcount(words).tolist() == want


@settings(deadline=None, max_examples=60)
@given(SERIES, st.integers(1, 3), st.sampled_from([0.0, 7.8125, 20.0]))
def test_sample_entropy_is_its_definition(values: list[float], m: int, r: float) -> None:
    x = np.array(values)
    n, pairs = len(x), [0, 0]
    for i in range(n - m):
        for j in range(i + 1, n - m):
            if not np.isnan(x[[*range(i, i + m + 1), *range(j, j + m + 1)]]).any():
                distance = np.abs(x[i : i + m + 1] - x[j : j + m + 1])
                pairs[0] += distance[:m].max() <= r
                pairs[1] += distance.max() <= r
    found = sample_entropy(x, m=m, r=r)
    if all(pairs):
        assert found == pytest.approx(math.log(pairs[0] / pairs[1]), abs=1e-12)
        assert found.reason is None
    else:
        assert math.isnan(found)
        assert found.reason in ("no matches", "too little data")


@settings(deadline=None, max_examples=40)
@given(SERIES)
def test_approximate_entropy_is_its_definition(values: list[float]) -> None:
    x = np.array(values)
    found = approximate_entropy(x, r=10.0)
    if len(span_starts(x, 3)) < 2:
        assert found.reason == "too little data"
        return
    phi = [np.log(matches(x, size, 10.0) / len(span_starts(x, size))).mean() for size in (2, 3)]
    assert found == pytest.approx(abs(phi[0] - phi[1]), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(SERIES)
def test_fuzzy_entropy_is_its_definition(values: list[float]) -> None:
    x = np.array(values)
    starts = span_starts(x, 3)
    found = fuzzy_entropy(x, r=15.0)
    if len(starts) < 2:
        assert found.reason == "too little data"
        return
    phi = []
    for size in (2, 3):
        v = x[starts[:, None] + np.arange(size)]
        v = v - v.mean(axis=1, keepdims=True)
        member = np.exp(-np.abs(v[:, None] - v).max(axis=2) / 15.0)
        phi.append((member.sum() - len(v)) / (len(v) * (len(v) - 1)))
    assert found == pytest.approx(-math.log(phi[1] / phi[0]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("outliers", [0, 3])
@pytest.mark.parametrize("step", [1000 / 128, 0.0])
def test_pairs_by_autocorrelation(step: float, outliers: int) -> None:
    rng = np.random.default_rng(3)
    p, q = (20 * rng.standard_normal(700) for _ in range(2))
    if step:
        p, q = np.rint(p / step) * step, np.rint(q / step) * step
    p[:outliers] += 3e5 * (1 + np.arange(outliers))
    cloud = PairCloud(p, q)
    assert (cloud._histogram is not None) == bool(step)
    found, number = 0.0, 0.0
    for dp, dq, weight in cloud:
        value = weight * np.hypot(dp, dq) ** 1.5
        found += float(value.sum())
        number += float((weight * np.ones_like(value)).sum())
    i, j = np.triu_indices(len(p), 1)
    assert number == len(i) == cloud.pairs
    assert found == pytest.approx(float((np.hypot(p[i] - p[j], q[i] - q[j]) ** 1.5).sum()), rel=1e-9)
    assert cloud.farthest() == pytest.approx(float(np.hypot(p[i] - p[j], q[i] - q[j]).max()), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_scales_of_a_series_with_gaps(scale: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = 800 + 7.8125 * rng.integers(0, 4, 120 + seed)
    x[rng.integers(1, 119, 8)] = np.nan

    def pairs(rows: list[list[int]], means: bool) -> NDArray[np.int64]:
        """B and A of vectors of 3 blocks of indices; a vector needs all values between its ends."""
        vectors = []
        for blocks in (rows[k : k + 3] for k in range(len(rows) - 2)):
            if not np.isnan(x[blocks[0][0] : blocks[2][-1] + 1]).any():
                vectors.append([x[block].mean() if means else x[block[0]] for block in blocks])
        v = np.array(vectors).reshape(-1, 3)
        i, j = np.triu_indices(len(v), 1)
        distance = np.abs(v[i] - v[j])
        return np.array([(distance[:, :2].max(axis=1) <= 9).sum(), (distance.max(axis=1) <= 9).sum()])

    blocks = [
        [list(range(a, a + scale)) for a in range(k, len(x) - scale + 1, scale)] for k in range(min(scale, len(x)))
    ]
    whole = len(x) // scale
    singles = [[[k + scale * i] for i in range(whole)] for k in range(scale)]
    for method, rows, means in (("cmse", blocks, True), ("time-shift", singles, False)):
        counts = np.array([pairs(row, means) for row in rows])
        good = counts[(counts > 0).all(axis=1)]
        assert len(good)
        want = float(np.log(good[:, 0] / good[:, 1]).mean())
        found = multiscale_entropy(x, scales=[scale], r=9.0, method=method)  # type: ignore[arg-type]
        assert found == pytest.approx([want], abs=1e-12)
        b, a = counts.sum(axis=0).tolist()
        refined = multiscale_entropy(x, scales=[scale], r=9.0, method="rcmse" if means else "refined time-shift")
        assert refined == pytest.approx([math.log(b / a)], abs=1e-12)


def test_long_series_at_scales_equal_short_path() -> None:
    """Above 1024 values each series is counted by another kernel."""
    x = 800 + 7.8125 * np.rint(5 * np.random.default_rng(5).standard_normal(1100))
    found = multiscale_entropy(x, scales=[1, 2], method="time-shift")
    assert found[0] == sample_entropy(x)
    tolerance = 0.2 * float(x.std(ddof=1))
    assert found[1] == pytest.approx(np.mean([sample_entropy(x[k::2], r=tolerance) for k in (0, 1)]), rel=1e-12)


def test_orders_and_phrases() -> None:
    # Bandt and Pompe 2002: 4 7 9 10 6 11 3, order 2: four of six pairs rise, 0.918 bits; order 3: 1.522 bits.
    x = [4, 7, 9, 10, 6, 11, 3]
    assert permutation_entropy(x, order=2) == pytest.approx(0.918, abs=5e-4)
    assert permutation_entropy(x, order=3) * math.log2(6) == pytest.approx(1.522, abs=5e-4)
    assert shannon_entropy([1, 2, 3, 4]) == 2.0
    assert shannon_entropy([5, 5, 5]) == 0.0
    # Kaspar and Schuster 1987: 0001101001000101 has the phrases 0 001 10 100 1000 101.
    bits = np.array([int(b) for b in "0001101001000101"])
    assert lempel_ziv_complexity(bits) == pytest.approx(6 * 4 / 16)
    two = np.concatenate((bits, [np.nan], bits))
    assert lempel_ziv_complexity(two) == pytest.approx(6 * 4 / 16)


def test_wrong_arguments() -> None:
    x = np.arange(30.0)
    for call in (
        lambda: sample_entropy(x, m=-1),
        lambda: sample_entropy(x, r=-1.0),
        lambda: sample_entropy(x[None]),
        lambda: approximate_entropy(x, m=0),
        lambda: fuzzy_entropy(x, r=0.0),
        lambda: permutation_entropy(x, order=1),
        lambda: multiscale_entropy(x, method="mean"),  # type: ignore[arg-type]
        lambda: multiscale_entropy(x, scales=[0]),
        lambda: multiscale_entropy(x, m=0),
        lambda: multiscale_entropy(x, r=-1.0),
    ):
        with pytest.raises(ValueError, match=r"must (not )?(be|have)"):
            call()
