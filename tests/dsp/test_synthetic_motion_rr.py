"""RR intervals with a known spectrum: the power asked for is the power that is there, in its band and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from vitals_signal.synthetic import AutonomicRr, autonomic_rr


def power(rr: AutonomicRr, low: float, high: float) -> float:
    """Variance between two frequencies by least squares on sines at the beats (no interpolation): ms^2."""
    t, x = (rr.beats_s[1:] + rr.beats_s[:-1]) / 2, rr.rr_ms - rr.rr_ms.mean()
    total = 0.0
    for f in np.arange(low, high, 1.0 / (t[-1] - t[0])):
        wave = np.exp(-2j * np.pi * f * t)
        total += 2 * abs(complex(np.mean(wave * x))) ** 2
    return total


@pytest.mark.parametrize(
    ("name", "band"), [("hf_ms2", (0.2, 0.3)), ("lf_ms2", (0.08, 0.11)), ("vlf_ms2", (0.003, 0.045))]
)
@pytest.mark.parametrize("mean_ms", [700.0, 1000.0])
def test_one_modulation_at_a_time(name: str, band: tuple[float, float], mean_ms: float) -> None:
    of = {"hf_ms2": 0.0, "lf_ms2": 0.0, "vlf_ms2": 0.0, name: 500.0}
    rr = autonomic_rr(1800, mean_ms=mean_ms, hf_ms2=of["hf_ms2"], lf_ms2=of["lf_ms2"], vlf_ms2=of["vlf_ms2"])
    assert rr.rr_ms.var() == pytest.approx(500, rel=0.06)
    assert power(rr, *band) == pytest.approx(500, rel=0.12)
    assert rr.rr_ms.mean() == pytest.approx(mean_ms, rel=0.01)


def test_powers_add_and_the_parts_are_told() -> None:
    rr = autonomic_rr(3600, hf_ms2=300, lf_ms2=600, vlf_ms2=200)
    assert rr.rr_ms.var() == pytest.approx(1100, rel=0.06)
    assert len(rr.respiration) == len(rr.mayer) == len(rr.drift) == len(rr.rr_ms)
    explained = rr.rr_ms.mean() + rr.mayer + rr.drift + rr.respiration
    assert np.corrcoef(explained, rr.rr_ms)[0, 1] > 0.97


def test_a_band_instead_of_a_line_keeps_its_power() -> None:
    rr = autonomic_rr(3600, hf_ms2=500, lf_ms2=0, vlf_ms2=0, bandwidth=0.1)
    assert rr.rr_ms.var() == pytest.approx(500, rel=0.08)
    assert power(rr, 0.2475, 0.2525) < 0.5 * power(rr, 0.18, 0.32)


def test_the_same_arguments_give_the_same_beats() -> None:
    assert np.array_equal(autonomic_rr(60).beats_s, autonomic_rr(60).beats_s)
    assert not np.array_equal(autonomic_rr(60).beats_s, autonomic_rr(60, seed=8).beats_s)
    assert np.all(np.diff(autonomic_rr(600, noise_ms=20).beats_s) > 0)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="seconds"):
        autonomic_rr(1)
    with pytest.raises(ValueError, match="breath_hz"):
        autonomic_rr(60, breath_hz=1.0)
    with pytest.raises(ValueError, match="too deep"):
        autonomic_rr(60, mean_ms=400, hf_ms2=50_000)
    with pytest.raises(ValueError, match="bandwidth"):
        autonomic_rr(60, bandwidth=1.0)
