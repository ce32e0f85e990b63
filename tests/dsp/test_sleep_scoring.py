"""Sleep scoring, windows and metrics: every formula worked out by hand on counts that fit on a line."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import (
    SLEEP_METRICS,
    SleepWakeStream,
    inactivity_bouts,
    sleep_metrics,
    sleep_regularity,
    sleep_wake,
    sleep_window,
    webster_rules,
)
from vitals_signal.sleep.scoring import SleepMethod
from vitals_signal.synthetic import Bout, motion


def spike(n: int, at: int, size: float) -> NDArray[np.float64]:
    x = np.zeros(n)
    x[at] = size
    return x


def test_cole_kripke_by_hand() -> None:
    """1000 counts in minute 10 are A = 10: D = 0.01 times the weight of that minute; above 1 for 106 and 230 only."""
    asleep = sleep_wake(spike(30, 10, 1000.0), rescore=False).asleep
    assert np.flatnonzero(asleep == 0).tolist() == [10, 14]
    # 1400: weights 76 (one after) and 74 (one before) and 106, 230 pass 1/14 = 71.4; 67 (two before) does not.
    asleep = sleep_wake(spike(30, 10, 1400.0), rescore=False).asleep
    assert np.flatnonzero(asleep == 0).tolist() == [9, 10, 11, 14]
    # The cap of 300 (30,000 counts): never more.
    assert np.array_equal(
        sleep_wake(spike(30, 10, 3e4), rescore=False).asleep, sleep_wake(spike(30, 10, 9e8), rescore=False).asleep
    )


@pytest.mark.parametrize(
    ("offset", "weight"), [(4, 106), (3, 54), (2, 58), (1, 76), (0, 230), (-1, 74), (-2, 67), (-3, 0), (5, 0)]
)
def test_each_weight_of_cole_kripke(offset: int, weight: int) -> None:
    """1000 counts in minute 10: D of minute 10 + offset is 0.01 times the weight, and at most 0.3 times (the cap)."""
    for size, unit in ((1000.0, 0.01), (1e6, 0.3)):
        below, above = (
            sleep_wake(spike(30, 10, size), rescore=False, threshold=unit * weight + change).asleep[10 + offset]
            for change in (-1e-6, 1e-6)
        )
        assert (below, above) == (0.0, 1.0)


def test_sadeh_as_its_formula_says() -> None:
    counts = np.random.default_rng(3).choice([0.0, 20.0, 49.0, 50.0, 75.0, 99.0, 100.0, 250.0, 400.0], 60)
    x = np.concatenate((np.zeros(5), np.minimum(counts, 300), np.zeros(5)))
    for k in range(60):
        around = x[k : k + 11].tolist()
        score = 7.601 - 0.065 * sum(around) / 11 - 1.08 * sum(50 <= c < 100 for c in around)
        score -= 0.056 * statistics.stdev(around[:6]) + 0.703 * math.log(around[5] + 1)
        for change, asleep in ((-1e-6, 1.0), (1e-6, 0.0)):
            scored = sleep_wake(counts, method="sadeh", rescore=False, threshold=score + change)
            assert scored.asleep[k] == asleep


def test_sadeh_by_hand() -> None:
    assert (sleep_wake(np.zeros(30), method="sadeh").asleep == 1).all()
    # 60 in each of 11 minutes: 7.601 - 0.065 x 60 - 1.08 x 11 < 0.
    assert sleep_wake(np.full(30, 60.0), method="sadeh", rescore=False).asleep[15] == 0
    # 40 throughout: 7.601 - 2.6 - 0 - 0 - 0.703 ln 41 = 2.39; at -2.5 less than the threshold of 2.4.
    steady = np.full(40, 40.0)
    assert sleep_wake(steady, method="sadeh", rescore=False, threshold=2.38).asleep[20] == 1
    assert sleep_wake(steady, method="sadeh", rescore=False, threshold=2.40).asleep[20] == 0
    # One minute of 300: SD of (0 0 0 0 0 300) = 122.47 and AVG 27.27, NAT 0, ln 301 = 5.707:
    # 7.601 - 1.773 - 6.859 - 4.012 = -5.04 in it; 5 minutes later SD and AVG alone: -1.03; then AVG is 0 after 5.
    asleep = sleep_wake(spike(40, 20, 300.0), method="sadeh", rescore=False).asleep
    assert np.flatnonzero(asleep == 0).tolist() == [20, 21, 22, 23, 24, 25]


@pytest.mark.parametrize(
    ("epoch_s", "size", "wake"), [(60, 41, [0]), (60, 201, [-1, 0, 1]), (30, 201, [-2, -1, 0, 1, 2]), (15, 11, [0])]
)
def test_oakley_by_hand(epoch_s: int, size: float, wake: list[int]) -> None:
    asleep = sleep_wake(spike(60, 30, size), epoch_s, method="oakley", rescore=False).asleep
    assert (np.flatnonzero(asleep == 0) - 30).tolist() == wake


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SSSWWWSSSS", "SSSWWWSSSS"),
        ("SSSWWWWSSSS", "SSSWWWWWSSS"),
        ("S" * 3 + "W" * 10 + "S" * 9, "S" * 3 + "W" * 13 + "S" * 6),
        ("S" * 3 + "W" * 15 + "S" * 9, "S" * 3 + "W" * 19 + "S" * 5),
        ("W" * 10 + "S" * 9 + "W" * 10, "W" * 29),  # 3 by the second rule, the 6 left by the fourth
        ("W" * 10 + "S" * 10 + "W" * 10, "W" * 13 + "S" * 7 + "W" * 10),
        ("W" * 20 + "S" * 14 + "W" * 20, "W" * 54),  # 4 by the third rule, the 10 left by the fifth
        ("W" * 20 + "S" * 15 + "W" * 20, "W" * 24 + "S" * 11 + "W" * 20),
        ("WWWW?SSS", "WWWW?SSS"),
    ],
)
def test_webster_by_hand(before: str, after: str) -> None:
    code = {"S": 1.0, "W": 0.0, "?": np.nan}
    assert np.array_equal(webster_rules([code[c] for c in before]), [code[c] for c in after], equal_nan=True)


def test_the_unknown_is_never_sleep() -> None:
    counts = np.zeros(60)
    counts[30] = np.nan
    result = sleep_wake(counts)
    assert np.flatnonzero(np.isnan(result.asleep)).tolist() == [28, 29, 30, 31, 32, 33, 34]
    assert result.coverage == pytest.approx(53 / 60)
    assert sleep_wake([]).reason == "no epochs"
    assert sleep_wake([np.nan] * 9).reason is not None
    assert sleep_wake([0.0] * 9).method == "cole-kripke-1+webster"


def test_metrics_by_hand() -> None:
    #       3 wake, 4 sleep, 2 wake, 5 sleep, 1 wake, 3 sleep, 2 wake = 20 minutes
    night = [0] * 3 + [1] * 4 + [0] * 2 + [1] * 5 + [0] + [1] * 3 + [0] * 2
    values = sleep_metrics(night).values
    assert values == pytest.approx(
        {
            "TIB_min": 20, "TST_min": 12, "SOL_min": 3, "WASO_min": 3, "SE_pct": 60, "SPT_min": 15, "SME_pct": 80,
            "awakenings": 2, "longest_wake_min": 2, "fragmentation_per_h": 10,
        }
    )  # fmt: skip
    assert sleep_metrics(night, onset_epochs=5).values["SOL_min"] == 9
    assert sleep_metrics(night, 30.0).values["TST_min"] == 6


def test_metrics_of_a_night_without_sleep_or_scores() -> None:
    waking = sleep_metrics([0.0] * 10)
    assert waking.values["TST_min"] == 0
    assert waking.values["SE_pct"] == 0
    assert {n for n, v in waking.values.items() if np.isnan(v)} == set(waking.reasons)
    assert set(waking.reasons.values()) == {"no sleep"}
    assert sleep_metrics([np.nan] * 6 + [1.0] * 4).reason is not None
    assert set(sleep_metrics([]).values) == set(SLEEP_METRICS)
    half = sleep_metrics([0.0, 1.0, np.nan, 1.0]).values
    assert half["SE_pct"] == pytest.approx(200 / 3)
    assert half["SME_pct"] == 100


def test_regularity_by_hand() -> None:
    day = np.repeat([1.0, 0.0], [480, 960])
    assert sleep_regularity(np.tile(day, 3)).sri == 100
    assert sleep_regularity(np.concatenate((day, 1 - day))).sri == -100
    later = np.roll(day, 120)  # 240 of 1440 minutes differ
    assert sleep_regularity(np.concatenate((day, later))).sri == pytest.approx(-100 + 200 * (1200 / 1440))
    holed = np.concatenate((day, later, day))
    holed[:700] = np.nan
    assert sleep_regularity(holed).pairs == 2 * 1440 - 700
    assert sleep_regularity(day).reason is not None


def arm(rng: np.random.Generator, hours: list[tuple[float, bool]]) -> NDArray[np.float64]:
    parts = []
    for length, rest in hours:
        n = int(length * 720)
        turns = np.cumsum(rng.random(n) < (0.002 if rest else 0.5))
        angle = rng.uniform(-70, 70, n + 1)[turns]
        parts.append(angle + rng.normal(0, 0.02 if rest else 3.0, n))
    return np.clip(np.concatenate(parts), -90, 90)


@pytest.mark.parametrize("seed", range(4))
def test_the_window_is_the_long_rest_with_a_short_break_in_it(seed: int) -> None:
    angle = arm(
        np.random.default_rng(seed),
        [(9, False), (0.75, True), (2, False), (4, True), (0.4, False), (3, True), (5, False)],
    )
    window = sleep_window(angle)
    assert window.start_s / 3600 == pytest.approx(11.75, abs=0.08)
    assert window.end_s / 3600 == pytest.approx(19.15, abs=0.08)


def test_the_window_needs_an_angle_and_a_rest() -> None:
    rng = np.random.default_rng(0)
    assert sleep_window(arm(rng, [(9, False), (0.4, True), (9, False)])).reason == "no half hour at rest"
    nap = sleep_window(arm(rng, [(9, False), (0.75, True), (9, False)]))
    assert nap.end_s - nap.start_s == pytest.approx(2700, abs=300)
    assert sleep_window(arm(rng, [(20, False)])).reason == "no half hour at rest"
    assert sleep_window(np.full(5000, np.nan)).reason is not None
    angle = arm(rng, [(8, False), (3, True), (0.3, True), (3, True), (8, False)])
    angle[(11 * 720) : int(11.3 * 720)] = np.nan  # an unknown stretch is no rest: one side only
    window = sleep_window(angle)
    assert window.end_s - window.start_s == pytest.approx(3 * 3600, abs=400)


def test_from_a_wrist_that_sleeps_to_its_window() -> None:
    """A still seat before bed would be taken for sleep, as by any reading of the arm alone: here is none."""
    hour = 3600
    script = [
        Bout("hands", 3 * hour),
        Bout("walk", 600),
        Bout("sleep", 6 * hour),
        Bout("walk", 300),
        Bout("hands", hour),
    ]
    acc = np.median(motion(script, 5.0).acc_g.reshape(-1, 25, 3), axis=1)
    angle = np.degrees(np.arctan2(acc[:, 2], np.hypot(acc[:, 0], acc[:, 1])))
    window = sleep_window(angle)
    assert window.start_s == pytest.approx(3 * hour + 600, abs=200)
    assert window.end_s == pytest.approx(9 * hour + 600, abs=200)
    still = sum(b - a for a, b in inactivity_bouts(angle) if a < window.end_s and b > window.start_s)
    assert still > 0.8 * 6 * hour


def test_inactivity_bouts_by_hand() -> None:
    angle = np.concatenate((np.zeros(60), [20.0], np.full(59, 20.0), np.full(61, 40.0)))
    # A jump of 20 degrees ends a bout; 60 epochs of 5 s make 5 min.
    assert inactivity_bouts(angle) == ((0.0, 300.0), (300.0, 600.0), (600.0, 905.0))
    assert inactivity_bouts(angle, minutes=5.05) == ((600.0, 905.0),)
    angle[30] = np.nan
    assert inactivity_bouts(angle) == ((300.0, 600.0), (600.0, 905.0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 30.0, 60.0, 400.0, 3000.0, np.nan]), max_size=80),
    st.lists(st.integers(0, 80), max_size=6),
    st.sampled_from([("cole-kripke", 60.0), ("sadeh", 60.0), ("oakley", 15.0), ("oakley", 60.0)]),
)
def test_any_split_gives_the_scores_of_the_whole(
    counts: list[float], cuts: list[int], how: tuple[SleepMethod, float]
) -> None:
    method, epoch_s = how
    stream, parts = SleepWakeStream(epoch_s, method=method), []
    for begin, end in pairwise(sorted({0, len(counts), *(min(cut, len(counts)) for cut in cuts)})):
        parts += stream.update(counts[begin:end])
        stream = SleepWakeStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    assert np.array_equal(parts, sleep_wake(counts, epoch_s, method=method, rescore=False).asleep, equal_nan=True)


def test_a_gap_of_epochs_is_unknown() -> None:
    stream = SleepWakeStream()
    told = [*stream.update(np.zeros(20)), *stream.gap(2), *stream.update(np.zeros(20)), *stream.end()]
    assert np.flatnonzero(np.isnan(told)).tolist() == list(range(18, 26))
    with pytest.raises(ValueError, match="epochs"):
        stream.gap(-1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(), max_size=80))
def test_no_numbers_raise(values: list[float]) -> None:
    for method in ("cole-kripke", "sadeh", "oakley"):
        asleep = sleep_wake(values, method=method).asleep
        assert set(asleep[np.isfinite(asleep)].tolist()) <= {0.0, 1.0}
        sleep_metrics(asleep)
    sleep_window(values)
    inactivity_bouts(values)
    sleep_regularity(values)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="method"):
        sleep_wake([0.0], method="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="30"):
        sleep_wake([0.0], 30.0)
    with pytest.raises(ValueError, match="epoch_s"):
        sleep_regularity([0.0], 7.0)
    with pytest.raises(ValueError, match="epoch_s"):
        sleep_window([0.0], 0)
    with pytest.raises(ValueError, match="onset_epochs"):
        sleep_metrics([0.0], onset_epochs=0)
