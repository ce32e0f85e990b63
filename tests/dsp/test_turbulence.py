"""Heart-rate turbulence on tachograms made for the purpose."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_signal import HeartRateTurbulence, heart_rate_turbulence


def recording(beats: int = 120, every: int = 30) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """800 ms; premature beats of 500 ms, pauses of 1100 ms, then 780, and 4 ms more each beat up to 820."""
    rr, early = np.full(beats, 800.0), np.zeros(beats, np.bool_)
    for at in range(20, beats - 20, every):
        rr[at], rr[at + 1], early[at] = 500.0, 1100.0, True
        rr[at + 2 : at + 13] = 780.0 + 4 * np.arange(11)
    return rr, early


def measure(rr: NDArray[np.float64], early: NDArray[np.bool_]) -> HeartRateTurbulence:
    return heart_rate_turbulence(rr, ~early, early)


def test_onset_and_slope() -> None:
    found = measure(*recording())
    assert found.reason is None
    assert found.beats.tolist() == [20, 50, 80]
    assert found.tachograms_ms.shape == (3, 22)
    assert found.tachograms_ms[0, 4:8].tolist() == [800, 500, 1100, 780]
    assert found.onset_percent == pytest.approx(100 * (780 + 784 - 1600) / 1600)
    assert found.slope_ms == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (50, 650.0),  # not early enough
        (51, 950.0),  # no pause
        (47, 1000.0),  # 200 ms beside its neighbour
        (58, 1010.0),
        (58, 630.0),  # 22 % from the mean of the last five, though within 200 ms of its neighbour
        (60, 2100.0),  # no sinus interval
        (60, math.nan),
        (49, math.inf),
    ],
)
def test_what_spoils_a_premature_beat(index: int, value: float) -> None:
    rr, early = recording()
    rr[index] = value
    assert measure(rr, early).beats.tolist() == [20, 80]


def test_beats_that_are_not_sinus_spoil_it() -> None:
    rr, early = recording()
    normal = ~early
    normal[55] = False
    assert heart_rate_turbulence(rr, normal, early).beats.tolist() == [20, 80]


def test_couplets_and_ends() -> None:
    rr, early = recording()
    early[60] = True  # ten beats after another
    assert 50 not in measure(rr, early).beats
    assert measure(rr[:85], early[:85]).beats.tolist() == [20]
    assert measure(rr[18:], early[18:]).beats[0] > 2


def test_nothing_to_measure() -> None:
    for rr, reason in (
        (np.full(100, 800.0), "no usable ventricular premature beat"),
        (np.zeros(0), "too little data"),
        (np.full(100, np.nan), "no usable ventricular premature beat"),
    ):
        for early in (np.zeros(len(rr), np.bool_), np.ones(len(rr), np.bool_)):
            found = measure(rr, early)
            assert found.reason == reason
            assert math.isnan(found.onset_percent)
            assert math.isnan(found.slope_ms)


def test_wrong_arguments_of_turbulence() -> None:
    rr, early = recording()
    with pytest.raises(ValueError, match="one length"):
        heart_rate_turbulence(rr, early[1:], early)
    with pytest.raises(ValueError, match="before must be"):
        heart_rate_turbulence(rr, ~early, early, before=1)
    with pytest.raises(ValueError, match="after at least"):
        heart_rate_turbulence(rr, ~early, early, after=4)
