"""Fall candidates: features by hand, the rule on synthetic falls, any split the same, blows of real falls all seen."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import FALL_FEATURES, FallStream, fall_candidates, fall_features, fall_rule
from vitals_signal.synthetic import Bout, add_dropouts, motion


def by_hand(fs: float = 100.0) -> NDArray[np.float64]:
    """6 s: upright along z, 0.3 s of 0.5 g, a blow of 3 g for two samples, then still along x."""
    acc = np.zeros((601, 3))
    acc[:250, 2] = 1.0
    acc[220:250, 2] = 0.5
    acc[250:252, 2] = 3.0
    acc[252:, 0] = 1.0
    return acc


def test_features_by_hand() -> None:
    window = fall_features(by_hand(), 100.0, 250)
    v = window.values
    assert tuple(v) == FALL_FEATURES
    assert window.coverage == 1.0
    assert v["peak_g"] == 3.0
    assert v["rise_g"] == 2.5
    assert v["lowest_g"] == 0.5
    assert v["low_s"] == pytest.approx(0.30)
    assert v["low_to_peak_s"] == pytest.approx(0.30)  # the first of equals
    assert v["velocity_m_s"] == pytest.approx(-0.5 * 9.80665 * 0.30)
    assert v["impact_s"] == pytest.approx(0.02)
    assert v["blows"] == 1.0
    assert v["jerk_g_s"] == pytest.approx(250.0)
    assert v["before_sd_g"] == 0.0
    assert v["after_sd_g"] == 0.0
    assert v["after_range_g"] == 0.0
    assert v["turn_deg"] == pytest.approx(90.0)
    assert v["turn_at_impact_deg"] == pytest.approx(90.0)
    assert v["after_turn_deg"] == pytest.approx(0.0, abs=1e-5)
    # |v - 1| in -1..+1 s (201 samples): 30 of 0.5, 2 of 2.
    assert v["around_mean_deviation_g"] == pytest.approx((30 * 0.5 + 2 * 2.0) / 201)
    assert fall_rule(window)


@pytest.mark.parametrize(
    ("change", "holds"),
    [("nothing", True), ("no free fall", False), ("soft", False), ("same posture", False), ("moves on", False)],
)
def test_the_rule_needs_all_four(change: str, holds: bool) -> None:
    acc = by_hand()
    if change == "no free fall":
        acc[220:250, 2] = 0.7
    elif change == "soft":
        acc[250:252, 2] = 1.9
    elif change == "same posture":
        acc[252:] = [0.0, 0.0, 1.0]
    elif change == "moves on":
        acc[252:, 0] += 0.3 * np.sin(np.arange(349) / 5)
    (candidate,) = fall_candidates(acc, 100.0)
    assert candidate.time_s == 2.5
    assert candidate.by_rule is holds


@pytest.mark.parametrize("fs", [25.0, 50.0, 100.0])
def test_synthetic_falls_are_found_and_steps_are_not(fs: float) -> None:
    """Not accuracy: these falls are what the rule describes. It shows that rate and place of the impact are right."""
    script = [Bout("walk", 20), Bout("fall", 15), Bout("lie", 10), Bout("stand", 5), Bout("run", 20)]
    for seed in range(4):
        truth = motion(script, fs, seed=seed)
        alarms = [c.time_s for c in fall_candidates(truth.acc_g, fs) if c.by_rule]
        assert alarms == pytest.approx(truth.falls_s.tolist(), abs=0.15)


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from([20.0, 33.3, 100.0]), st.integers(0, 100))
def test_any_split_gives_the_candidates_of_the_whole(data: st.DataObject, fs: float, seed: int) -> None:
    acc = motion([Bout("run", 8), Bout("fall", 8), Bout("hands", 4)], fs, seed=seed).acc_g
    acc = add_dropouts(acc, fs, per_hour=400, mean_s=0.3, seed=seed).signal
    cuts = sorted({0, len(acc), *data.draw(st.lists(st.integers(0, len(acc)), max_size=12))})
    stream, parts = FallStream(fs), []
    for begin, end in pairwise(cuts):
        parts += stream.update(acc[begin:end])
        stream = FallStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    whole = fall_candidates(acc, fs)
    assert len(whole) > 0
    assert [(c.time_s, c.by_rule, c.window.reason) for c in parts] == [
        (c.time_s, c.by_rule, c.window.reason) for c in whole
    ]
    for one, other in zip(parts, whole, strict=True):
        assert np.allclose(
            list(one.window.values.values()), list(other.window.values.values()), atol=1e-9, equal_nan=True
        )


def test_the_features_do_not_depend_on_how_the_sensor_is_turned() -> None:
    acc = motion([Bout("stand", 4), Bout("fall", 10)], 50).acc_g
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    at = int(np.argmax(np.linalg.norm(acc, axis=1)))
    one, other = (fall_features(x, 50, at).values for x in (acc, acc @ turn))
    assert list(one.values()) == pytest.approx(list(other.values()), abs=1e-6)


def test_what_is_not_known_has_a_reason() -> None:
    acc = by_hand()
    acc[:170] = np.nan  # what lies before the blow: less than 80 % remain
    (lacking,) = fall_candidates(acc, 100.0)
    assert lacking.window.reason is not None
    assert np.isnan(list(lacking.window.values.values())).all()
    assert not lacking.by_rule
    acc = by_hand()
    acc[50:150] = np.nan
    window = fall_features(acc, 100.0, 250)
    assert window.reason is None
    assert np.isnan(window.values["before_sd_g"])
    assert set(window.reasons) == {n for n, value in window.values.items() if np.isnan(value)}


@pytest.mark.parametrize(
    "acc",
    [
        np.empty((0, 3)),
        np.zeros((900, 3)),
        np.full((900, 3), np.nan),
        np.full((900, 3), np.inf),
        np.random.default_rng(0).standard_normal((900, 3)),
        np.random.default_rng(0).standard_normal((900, 3)) * 1e150,
        np.clip(np.random.default_rng(0).standard_normal((900, 3)) * 1e6, -8, 8),
    ],
)
def test_sensor_failures_do_not_raise(acc: NDArray[np.float64]) -> None:
    for candidate in fall_candidates(acc, 50.0):
        values = list(candidate.window.values.values())
        assert np.isfinite(values).all() or candidate.window.reason or candidate.window.reasons


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="fs"):
        FallStream(5)
    with pytest.raises(ValueError, match="acc_g"):
        FallStream(50).update(np.zeros(10))
    with pytest.raises(ValueError, match="impact"):
        fall_features(np.zeros((10, 3)), 50, 10)
    with pytest.raises(ValueError, match="samples"):
        FallStream(50).gap(-1)


def test_every_real_staged_fall_gives_a_candidate(shared: Path) -> None:
    """WEDA-FALL is for evaluation only; nothing here was fitted to it."""
    seen = falls = 0
    for user in ("U01", "U03"):
        with np.load(shared / "data" / "weda_fall" / f"{user}.npz") as recording:
            offsets, samples = recording["accel_offsets"], recording["accel_t_xyz"].astype(np.float64)
            names = recording["trials"].tolist()
        for name, a, b in zip(names, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            if name.startswith("F"):
                trial = samples[a:b]
                fs = (len(trial) - 1) / float(trial[-1, 0] - trial[0, 0])
                falls += 1
                seen += bool(fall_candidates(trial[:, 1:] / 9.80665, fs))
    assert falls >= 40
    assert seen == falls
