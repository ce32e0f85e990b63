"""Laws of all nonlinear measures: gaps, units, reasons, no surprise on any input."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import vitals_signal as vs
from vitals_signal import HRV_NONLINEAR_FEATURES, ConventionName, Measure, hrv_nonlinear

ANYTHING = st.lists(
    st.one_of(
        st.sampled_from([0.0, 800.0, 807.8125, 1000.0, math.nan]),
        st.floats(allow_nan=True, allow_infinity=True, width=64),
        st.integers(300, 1500).map(float),
    ),
    max_size=80,
)
# What carries the unit of the intervals (S, CSI_Modified and CVI follow); all else is without unit.
IN_MS = {"SD1", "SD2", "CSI_Modified", "SD1d", "SD1a", "SD2d", "SD2a", "SDNNd", "SDNNa"}
SINGLE: dict[str, Callable[[NDArray[np.float64]], Measure]] = {
    "ApEn": vs.approximate_entropy,
    "SampEn": vs.sample_entropy,
    "FuzzyEn": vs.fuzzy_entropy,
    "ShanEn": vs.shannon_entropy,
    "PermEn": vs.permutation_entropy,
    "CD": vs.correlation_dimension,
    "HFD": vs.higuchi_dimension,
    "KFD": vs.katz_dimension,
    "LZC": vs.lempel_ziv_complexity,
    "Hurst": vs.hurst_exponent,
    "DFA_alpha1": lambda x: vs.dfa(x, scales=range(4, 17)),
    "DFA_alpha2": lambda x: vs.dfa(x, scales=range(16, 65)),
}
CONVENTION = st.sampled_from(["taskforce", "kubios", "neurokit"])


def day(n: int = 400, seed: int = 0) -> NDArray[np.float64]:
    """Intervals in ms on the lattice of Bluetooth."""
    rng = np.random.default_rng(seed)
    return np.asarray(np.rint(800 + np.cumsum(rng.normal(0, 6, n)) + rng.normal(0, 15, n)) * 1000 / 1024)


@settings(deadline=None, max_examples=60)
@given(ANYTHING, CONVENTION)
def test_any_input(values: list[float], convention: ConventionName) -> None:
    """Nothing raises or warns (warnings are errors here), nothing is infinite, and every NaN has a reason."""
    x = np.array(values, np.float64)
    found = hrv_nonlinear(x, convention=convention)
    assert tuple(found) == HRV_NONLINEAR_FEATURES
    assert {name for name, value in found.items() if math.isnan(value)} == set(found.reasons)
    assert not any(math.isinf(value) for value in found.values())
    for measure in SINGLE.values():
        value = measure(x)
        assert math.isfinite(value) == (value.reason is None)
    for method in ("mse", "cmse", "rcmse", "time-shift", "refined time-shift"):
        assert vs.multiscale_entropy(x, scales=3, method=method).shape == (3,)


@pytest.mark.parametrize("convention", ["taskforce", "kubios", "neurokit"])
@pytest.mark.parametrize("x", [[], [math.nan] * 50, [800.0] * 200, [800.0, 810.0], [0.0] * 100, [math.inf] * 100])
def test_nothing_to_say(x: list[float], convention: ConventionName) -> None:
    found = hrv_nonlinear(x, convention=convention)
    assert math.isnan(found["SampEn"])
    assert found.reasons["SampEn"] in ("too little data", "no variation")
    assert len(found.reasons) > 40


def test_dict_and_functions_agree() -> None:
    x = day()
    x[100] = math.nan
    found = hrv_nonlinear(x)
    for name, measure in SINGLE.items():
        assert found[name] == pytest.approx(float(measure(x)), rel=1e-12), name


def test_only_what_is_asked_for() -> None:
    x = day()
    assert hrv_nonlinear(x, names=["SampEn", "SD1"]) == {
        name: value for name, value in hrv_nonlinear(x).items() if name in ("SampEn", "SD1")
    }
    with pytest.raises(ValueError, match="names: SampleEntropy is no nonlinear measure"):
        hrv_nonlinear(x, names=["SampleEntropy"])
    with pytest.raises(ValueError, match="convention"):
        hrv_nonlinear(x, convention="kubius")  # type: ignore[arg-type]


@pytest.mark.parametrize("convention", ["taskforce", "kubios", "neurokit"])
def test_units(convention: ConventionName) -> None:
    """A series of twice the intervals has twice the spread, and the same shape."""
    x = day()
    one, two = hrv_nonlinear(x, convention=convention), hrv_nonlinear(2 * x, convention=convention)
    for name, value in one.items():
        if name in IN_MS:
            value *= 2
        elif name == "S":
            value *= 4
        elif name == "CVI":
            value += math.log10(4)
        elif convention == "neurokit" and name == "CD":
            continue  # its radii depend on the unit
        assert two[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("convention", ["taskforce", "kubios", "neurokit"])
def test_gaps_at_the_ends_are_nothing(convention: ConventionName) -> None:
    x = day(300)
    padded = np.concatenate(([np.nan, np.inf], x, [np.nan, -1.0, 0.0]))
    assert hrv_nonlinear(padded, convention=convention) == hrv_nonlinear(x, convention=convention)


# Scales above 1 are cut from the start of the series (tested by their definition elsewhere), KFD and HFD take the first
# value or the length of the series, and distances in a recurrence plot depend on where the stretches stand.
GAP_PROOF = [
    name for name in HRV_NONLINEAR_FEATURES if not name.startswith(("MSEn", "CMSEn", "RCMSEn", "HFD", "KFD", "RQA"))
]


def test_a_gap_is_not_bridged() -> None:
    """Two halves far apart: what looks across the gap would see a jump of 4 s; only that jump must not be seen."""
    x = day(200, seed=1)
    y = day(200, seed=2)
    jump = np.concatenate((x, [np.nan], y + 4000.0))
    bridged = np.concatenate((x, y + 4000.0))
    apart, together = hrv_nonlinear(jump), hrv_nonlinear(bridged)
    for name in ("SD1", "SD1d", "SI"):
        assert abs(apart[name] - together[name]) > 0.01 * abs(together[name]), name
    d = np.concatenate((np.diff(x), np.diff(y)))
    assert apart["SD1"] == pytest.approx(d.std(ddof=1) / math.sqrt(2), rel=1e-12)
    assert apart["PIP"] == hrv_nonlinear(np.concatenate((x, [np.nan], y)))["PIP"]
    assert apart["DFA_alpha1"] == pytest.approx(hrv_nonlinear(np.concatenate((x, [np.nan], y)))["DFA_alpha1"], rel=1e-6)


@pytest.mark.parametrize("name", GAP_PROOF)
def test_order_of_stretches_does_not_matter(name: str) -> None:
    """If nothing spans the gap, stretches may change places."""
    x, y = day(150, seed=3), day(170, seed=4)
    one = hrv_nonlinear(np.concatenate((x, [np.nan], y)), names=[name])[name]
    two = hrv_nonlinear(np.concatenate((y, [np.nan], x)), names=[name])[name]
    assert one == pytest.approx(two, rel=1e-9)


def test_fragmentation_of_a_zigzag_and_of_a_slope() -> None:
    zigzag = 800.0 + 10 * (np.arange(60) % 2)
    found = vs.heart_rate_fragmentation(zigzag)
    assert found["PIP"] == pytest.approx(100 * 58 / 60)
    assert found["IALS"] == 1
    assert found["PSS"] == 100
    assert found["PAS"] == pytest.approx(100 * 59 / 60)
    slope = vs.heart_rate_fragmentation(800.0 + np.arange(60))
    assert slope == {"PIP": 0.0, "IALS": pytest.approx(1 / 59), "PSS": 0.0, "PAS": 0.0}
    # A change at each of three steps is no alternation yet, at four it is.
    assert vs.heart_rate_fragmentation([800, 810, 800, 810, 820, 830.0])["PAS"] == 0
    assert vs.heart_rate_fragmentation([800, 810, 800, 810, 800, 790.0])["PAS"] == pytest.approx(100 * 4 / 6)
    # Equal intervals are inflections for Costa (d d' <= 0); NeuroKit2 counts the ends of their run.
    flat = np.array([800, 810, 810, 810, 820.0])
    assert vs.heart_rate_fragmentation(flat)["PIP"] == pytest.approx(60)
    assert vs.heart_rate_fragmentation(flat, definition="neurokit")["PIP"] == pytest.approx(0.4)


def test_asymmetry_turns_with_time() -> None:
    """Reversed in time, accelerations are decelerations."""
    x = day()
    one, back = vs.heart_rate_asymmetry(x), vs.heart_rate_asymmetry(x[::-1])
    for kind in ("C1", "SD1", "C2", "SD2", "C", "SDNN"):
        assert one[kind + "d"] == pytest.approx(back[kind + "a"], rel=1e-9)
    assert one["GI"] == pytest.approx(100 - back["GI"])
    assert one["PI"] == pytest.approx(100 - back["PI"])


def test_words() -> None:
    assert vs.symbolic_dynamics([800.0] * 30)["0V"] == 1
    assert vs.symbolic_dynamics(np.tile([700.0, 900.0], 30), scheme="uniform", levels=6)["2UV"] == 1
    assert vs.symbolic_dynamics(np.tile([1.0, 2.0, 3.0, 4.0], 100))["2LV"] == pytest.approx(0.5, abs=0.01)


def test_a_measure_travels() -> None:
    """It is a float, and keeps its reason through pickle."""
    value = vs.sample_entropy([800.0])
    again = pickle.loads(pickle.dumps(value))
    assert type(again) is Measure
    assert again.reason == value.reason == "too little data"
