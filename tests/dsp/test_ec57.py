"""The scorer itself: small cases counted by hand, and laws that hold for any two series of beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals_signal.ecg.ec57 import match_beats, score_beats, sum_scores

BEATS = st.lists(st.integers(0, 3000), unique=True, max_size=40).map(sorted)


def test_hits_misses_and_extras_are_counted_once() -> None:
    # 100 Hz: window 15 samples. 110 hits 100; 180 and 220 are both near 200, one of them is extra; 400 is missed.
    score = score_beats([100, 200, 300, 400], [110, 186, 212, 300], 100.0, learning_s=0)
    assert (score.tp, score.fn, score.fp) == (3, 1, 1)
    assert score.sensitivity == 0.75
    assert score.positive_predictivity == 0.75
    assert score.f1 == 0.75
    assert score.offset_mean_ms == pytest.approx((100 + 120 + 0) / 3)
    assert score.offset_sd_ms == pytest.approx(np.std([100, 120, 0]))


def test_learning_time_and_flutter_do_not_count() -> None:
    reference = [100, 200, 300, 400, 500]
    score = score_beats(reference, [*reference, 350, 450, 150], 100.0, learning_s=2.5, exclude=[(390, 460)])
    assert (score.tp, score.fn, score.fp) == (2, 0, 1)  # 300 and 500; 350 is extra; 450 lies in the excluded stretch


def test_a_pair_astride_the_learning_time_follows_its_reference() -> None:
    assert score_beats([295], [305], 100.0, learning_s=3.0).fp == 0
    assert score_beats([305], [295], 100.0, learning_s=3.0).tp == 1


def test_scores_pool_by_counts() -> None:
    a, b = score_beats([100], [101], 100.0, learning_s=0), score_beats([100, 200], [103, 900], 100.0, learning_s=0)
    both = sum_scores([a, b])
    assert (both.tp, both.fn, both.fp) == (2, 1, 1)
    assert both.offset_mean_ms == pytest.approx(20.0)


@given(BEATS, BEATS)
def test_pairs_are_one_to_one_and_within_the_window(reference: list[int], detected: list[int]) -> None:
    ref, det = np.array(reference, float), np.array(detected, float)
    i, j = match_beats(ref, det, 15.0)
    assert len(set(i.tolist())) == len(i)
    assert len(set(j.tolist())) == len(j)
    assert np.all(np.abs(ref[i] - det[j]) <= 15.0)
    # Nothing that could still be paired is left over.
    rest_ref, rest_det = np.delete(ref, i), np.delete(det, j)
    assert not np.any(np.abs(rest_ref[:, None] - rest_det[None, :]) <= 15.0)


@given(BEATS, BEATS)
def test_counts_add_up(reference: list[int], detected: list[int]) -> None:
    score = score_beats(reference, detected, 100.0, learning_s=0)
    assert score.tp + score.fn == len(reference)
    assert score.tp + score.fp == len(detected)
    swapped = score_beats(detected, reference, 100.0, learning_s=0)
    assert (swapped.fn, swapped.fp) == (score.fp, score.fn)


@pytest.mark.parametrize(("fs", "window"), [(0.0, 0.15), (100.0, 0.0), (float("nan"), 0.15)])
def test_wrong_arguments_are_refused(fs: float, window: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        score_beats([1], [1], fs, window_s=window)
