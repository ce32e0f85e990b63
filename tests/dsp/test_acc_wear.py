"""Wear, posture, orientation, intensity: made-up days of which the truth is known, and honesty about the unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from vitals_signal import (
    CUT_POINTS,
    acc_orientation,
    activity_bouts,
    activity_intensity,
    intensity_gradient,
    non_wear,
    posture,
)

Floats = NDArray[np.float64]
FS = 10.0


def worn(minutes: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    n = round(minutes * 60 * FS)
    acc: Floats = rng.standard_normal((n, 3)) * 0.05 + np.array([0.2, -0.6, 0.7])
    return acc


def on_a_table(minutes: int, seed: int = 1) -> Floats:
    n = round(minutes * 60 * FS)
    acc: Floats = np.random.default_rng(seed).standard_normal((n, 3)) * 0.003 + np.array([0.0, 0.0, 1.0])
    return acc


def test_two_hours_on_a_table_are_found() -> None:
    acc = np.concatenate([worn(180), on_a_table(120), worn(120, 2)])
    wear = non_wear(acc, FS, start_us=5)
    assert wear.method == "van-hees-2013"
    ((begin, end),) = wear.not_worn_us()
    assert abs((begin - 5) / 60e6 - 180) <= 15
    assert abs((end - 5) / 60e6 - 300) <= 15
    assert wear.worn_share == pytest.approx(300 / 420, abs=0.05)
    assert wear.reason is None


@pytest.mark.parametrize(("shaken", "found"), [(1, True), (2, False)])
def test_two_still_axes_of_three_suffice(shaken: int, found: bool) -> None:
    acc = on_a_table(120)
    acc[:, :shaken] += np.random.default_rng(5).standard_normal((len(acc), shaken)) * 0.05
    assert bool(non_wear(acc, FS).not_worn_us()) is found


def test_half_an_hour_is_not_seen_without_temperature_and_seen_with_it() -> None:
    acc = np.concatenate([worn(120), on_a_table(30), worn(60, 2)])
    minutes = np.arange(210)
    temperature = np.where(minutes < 120, 32.0, np.where(minutes < 150, 32 - 0.35 * (minutes - 120), 32.0))
    temperature[150:170] = np.linspace(21.5, 32.0, 20)
    assert not non_wear(acc, FS).not_worn_us()
    by_minute = non_wear(acc, FS, temperature)
    by_sample = non_wear(acc, FS, np.repeat(temperature, 600))
    for wear in (by_minute, by_sample):
        assert wear.method == "detach-2022"
        ((begin, end),) = wear.not_worn_us()
        assert abs(begin / 60e6 - 120) <= 2
        assert abs(end / 60e6 - 150) <= 2


def test_a_still_sleeper_stays_warm_and_worn() -> None:
    acc = np.concatenate([worn(60), on_a_table(90), worn(60, 2)])
    assert non_wear(acc, FS, np.full(210, 33.0)).not_worn_us() == []


def test_what_is_missing_is_unknown() -> None:
    acc = np.concatenate([worn(120), on_a_table(120)])
    acc[: 60 * 600] = np.nan
    wear = non_wear(acc, FS)
    assert (wear.state[:60] == 2).all()
    assert (wear.state[180:] == 1).all()
    assert wear.coverage[0] == 0.0
    for empty in (np.full((90 * 600, 3), np.nan), worn(30), np.empty((0, 3))):
        unknown = non_wear(empty, FS)
        assert (unknown.state == 2).all()
        assert unknown.reason in ("too little data", "shorter than an hour")
        assert math.isnan(unknown.worn_share)
    assert (non_wear(worn(10), FS, np.full(10, np.nan)).state == 2).all()


@pytest.mark.parametrize(
    ("vector", "placement", "label"),
    [
        ((0, 1, 0), "trunk", "upright"), ((0, 0.9, 0.4), "trunk", "upright"), ((0, -1, 0), "trunk", "inverted"),
        ((0, 0.1, 1), "trunk", "supine"), ((0, 0, -1), "trunk", "prone"), ((1, 0, 0), "trunk", "right side"),
        ((-1, 0, 0.2), "trunk", "left side"), ((0, 1, 0), "thigh", "standing"),
        ((0, 0, 1), "thigh", "sitting or lying"),
        ((0, 1, 0), "wrist", "arm down"), ((1, 0, 0), "wrist", "arm raised"), ((0, 0, 0.1), "trunk", "unknown"),
        ((0, 0, 3), "thigh", "unknown"),
    ],
)  # fmt: skip
def test_postures_of_known_attitudes(vector: tuple[float, ...], placement: str, label: str) -> None:
    v = np.array(vector, np.float64)
    v = v / np.linalg.norm(v) if 0.5 < np.linalg.norm(v) < 2 else v
    # Head y, chest z: the wearer's left is x, and a body with its left upwards lies on its right.
    found = posture(np.tile(v, (500, 1)), 50.0, placement, "y", "z")  # type: ignore[arg-type]
    assert set(found.label) == {label}
    assert math.isnan(found.share(label)) if label == "unknown" else found.share(label) == 1.0


def test_a_trunk_without_a_front_only_lies() -> None:
    found = posture(np.tile([1.0, 0.0, 0.0], (500, 1)), 50.0, "trunk", "-y")
    assert set(found.label) == {"lying"}
    assert found.tilt_deg == pytest.approx(90.0)


def test_orientation_of_known_attitudes() -> None:
    acc = np.repeat([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [np.nan] * 3, [0.0, 0.0, 1.0]], 250, axis=0)
    found = acc_orientation(acc, 50.0)
    assert found.roll_deg[:2] == pytest.approx([0, 90])
    assert found.pitch_deg[2] == pytest.approx(90)
    assert found.turn_deg == pytest.approx([math.nan, 90, 90, math.nan, math.nan], nan_ok=True)
    assert np.isnan(found.roll_deg[3])
    assert found.reason is None


def test_levels_are_cut_where_the_papers_cut() -> None:
    found = activity_intensity(
        [0.0447, 0.0448, 0.1005, 0.1006, 0.4288, np.nan], 60.0, "hildebrand-adult-wrist-actigraph"
    )
    assert found.level.tolist() == [0, 1, 1, 2, 3, 255]
    assert dict(found.minutes) == {
        "inactive": 1.0, "light": 2.0, "moderate": 1.0, "vigorous": 1.0, "mvpa": 2.0, "missing": 1.0,
    }  # fmt: skip
    assert found.coverage == pytest.approx(5 / 6)
    counts = activity_intensity([1952 / 6, 1951 / 6, 5725 / 6], 10.0, "freedson-adult-hip")
    assert counts.level.tolist() == [2, 1, 3]
    for cut in CUT_POINTS.values():
        assert 0 < cut.light < cut.moderate < cut.vigorous


def test_bouts_allow_short_breaks_and_no_gaps() -> None:
    active = np.zeros(120)
    active[10:25] = 1
    active[18] = 0  # one minute off
    active[40:49] = 1
    active[60:80] = 1
    active[70:73] = 0  # three minutes off
    active[100:112] = 1
    active[105] = np.nan
    assert activity_bouts(active, 60.0, 600.0) == [(600.0, 1500.0), (3600.0, 4200.0)]
    assert activity_bouts(active, 60.0, 300.0) == [
        (600.0, 1500.0), (2400.0, 2940.0), (3600.0, 4200.0), (4380.0, 4800.0), (6000.0, 6300.0), (6360.0, 6720.0),
    ]  # fmt: skip
    assert activity_bouts([], 60.0, 600.0) == []


def test_the_gradient_of_a_power_law_is_its_exponent() -> None:
    mid = np.arange(40) * 25.0 + 12.5
    epochs = np.rint(4e6 * mid**-1.5).astype(int)
    found = intensity_gradient(np.repeat(mid / 1000, epochs), 5.0)
    assert found.gradient == pytest.approx(-1.5, abs=0.01)
    assert found.intercept == pytest.approx(np.log(4e6 * 5 / 60), abs=0.03)
    assert found.r_squared > 0.999
    assert found.bins == 40
    assert intensity_gradient([0.01, np.nan], 5.0).reason == "too few intensities"


def test_nothing_is_raised_on_what_a_sensor_may_send() -> None:
    rng = np.random.default_rng(3)
    sensors: list[ArrayLike] = [
        np.zeros((36_600, 3)), np.full((36_600, 3), 1e300), np.full((36_600, 3), np.inf), np.ones((1, 3)), [],
        np.clip(rng.standard_normal((36_600, 3)) * 1e6, -8, 8), np.where(rng.random((36_600, 3)) < 0.3, np.nan, 0.5),
    ]  # fmt: skip
    for acc in sensors:
        non_wear(acc, FS)
        assert len(posture(acc, FS, "trunk", "x").label) == len(acc_orientation(acc, FS).roll_deg)


def test_wrong_arguments_are_named() -> None:
    acc = np.zeros((100, 3))
    with pytest.raises(ValueError, match="fs"):
        non_wear(acc, 0.1)
    with pytest.raises(ValueError, match="temperature_c"):
        non_wear(worn(3), FS, [1.0])
    with pytest.raises(ValueError, match="up_axis"):
        posture(acc, FS, "trunk", "w")
    with pytest.raises(ValueError, match="front_axis"):
        posture(acc, FS, "trunk", "x", "-x")
    with pytest.raises(ValueError, match="placement"):
        posture(acc, FS, "head", "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epoch_s"):
        acc_orientation(acc, FS, 0.01)
    with pytest.raises(ValueError, match="cut_points"):
        activity_intensity([1.0], 5.0, "nope")
    with pytest.raises(ValueError, match="epoch_s"):
        intensity_gradient([1.0], 0.0)
    with pytest.raises(ValueError, match="min_s"):
        activity_bouts([1.0], 5.0, 0.0)
