"""The quality index falls with noise, and tells noisy recordings from readable ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import detect_r_peaks, sqi_ecg
from vitals_signal.ecg.ec57 import score_beats
from vitals_signal.synthetic import ecg, wearer


def _mean_sqi(signal: NDArray[np.float64], fs: float, seconds: int = 30) -> float:
    n = round(seconds * fs)
    return float(np.mean([sqi_ecg(signal[k : k + n], fs) for k in range(0, len(signal) - n, n)]))


@pytest.mark.parametrize("record", ["101", "115", "230"])
def test_it_falls_with_electrode_noise_and_beats_are_still_found(shared: Path, record: str) -> None:
    """Measured F1 at 0 dB of baseline and electrode noise: 0.999 or better."""
    recording = read_signals(shared / "data" / "mitdb" / record)
    clean = recording.physical(0)[: 360 * 600]
    noise = read_signals(shared / "data" / "nstdb" / "bw").physical(0)[: len(clean)]
    mixed = [clean + noise * np.sqrt(clean.var() / noise.var() / 10 ** (db / 10)) for db in (12, 6, 0)]
    quality = [_mean_sqi(signal, 360.0) for signal in (clean, *mixed)]
    assert quality[0] > 0.9
    assert np.all(np.diff(quality) < 0)
    notes = read_annotations(shared / "data" / "mitdb" / record, "atr")
    beats = notes.sample[notes.is_beat & (notes.sample < len(clean))]
    assert score_beats(beats, detect_r_peaks(mixed[-1], 360.0), 360.0).f1 > 0.99


def test_noise_of_the_stress_record_is_seen(shared: Path) -> None:
    """118e00: two minutes of 0 dB muscle and motion noise, two minutes without, from the fifth minute on."""
    signal = read_signals(shared / "data" / "nstdb" / "118e00").physical(0)
    quality = np.array([sqi_ecg(signal[k : k + 7200], 360.0) for k in range(0, 648_000, 7200)])
    minute = np.arange(len(quality)) // 3
    noisy = (minute >= 5) & ((minute - 5) % 4 < 2)
    assert np.median(quality[~noisy]) > 0.95
    assert np.median(quality[noisy]) < 0.75


def test_noisy_recordings_are_told_from_readable_ones(shared: Path) -> None:
    """AliveCor strips of CinC 2017: AUROC of the class "noisy" against all others; 0.956 on all 1250."""
    with np.load(shared / "data" / "cinc2017" / "cinc2017_shared.npz") as data:
        labels, offsets, samples = data["labels"], data["offsets"], data["ecg"]
    chosen = np.concatenate((np.flatnonzero(labels == "~"), np.flatnonzero(labels != "~")[::6]))
    quality = np.array([sqi_ecg(samples[offsets[k] : offsets[k + 1]] / 1000.0, 300.0) for k in chosen])
    noisy = labels[chosen] == "~"
    wins = quality[~noisy][:, None] - quality[noisy][None, :]
    assert np.mean((wins > 0) + 0.5 * (wins == 0)) >= 0.93


def test_its_range() -> None:
    clean = ecg(wearer(0.02, seed=1).beats_s, 250.0)
    assert sqi_ecg(clean, 250.0) > 0.9
    assert sqi_ecg(-clean, 250.0) == pytest.approx(sqi_ecg(clean, 250.0))
    assert sqi_ecg(np.random.default_rng(0).standard_normal(7500), 250.0) < 0.35
    assert sqi_ecg(np.zeros(7500), 250.0) == 0.0
    assert sqi_ecg(np.full(7500, np.nan), 250.0) == 0.0
    assert sqi_ecg([], 250.0) == 0.0


def test_what_is_missing_or_flat_counts() -> None:
    clean = ecg(wearer(0.02, seed=1).beats_s, 250.0)
    whole = sqi_ecg(clean, 250.0)
    for filler in (np.nan, clean.max()):
        half = clean.copy()
        half[: len(half) // 2] = filler
        assert sqi_ecg(half, 250.0) < 0.6 * whole
