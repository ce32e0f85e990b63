"""The quality index falls with noise, and tells noisy recordings from readable ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import EcgQualityStream, detect_r_peaks, ecg_quality, sqi_ecg
from vitals_signal.ecg.ec57 import score_beats
from vitals_signal.synthetic import ecg, wearer


def _mean_sqi(signal: NDArray[np.float64], fs: float, seconds: int = 30) -> float:
    n = round(seconds * fs)
    return float(np.mean([sqi_ecg(signal[k : k + n], fs) for k in range(0, len(signal) - n, n)]))


@pytest.mark.parametrize("record", ["101", "106", "115", "205", "220", "230", "paced/102"])
def test_it_falls_with_electrode_noise_and_beats_are_still_found(shared: Path, record: str) -> None:
    """Measured F1 at 0 dB of baseline and electrode noise: 0.999 or better."""
    recording = read_signals(shared / "data" / "mitdb" / record)
    clean = recording.physical(0)[: 360 * 600]
    noise = read_signals(shared / "data" / "nstdb" / "bw").physical(0)[: len(clean)]
    mixed = [clean + noise * np.sqrt(clean.var() / noise.var() / 10 ** (db / 10)) for db in (12, 6, 0)]
    quality = [_mean_sqi(signal, 360.0) for signal in (clean, *mixed)]
    assert quality[0] > 0.85
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
    """AliveCor strips of CinC 2017: AUROC of the class "noisy" against all others; 0.973 on all 1250."""
    with np.load(shared / "data" / "cinc2017" / "cinc2017_shared.npz") as data:
        labels, offsets, samples = data["labels"], data["offsets"], data["ecg"]
    chosen = np.concatenate((np.flatnonzero(labels == "~"), np.flatnonzero(labels != "~")[::6]))
    quality = np.array([sqi_ecg(samples[offsets[k] : offsets[k + 1]] / 1000.0, 300.0) for k in chosen])
    noisy = labels[chosen] == "~"
    wins = quality[~noisy][:, None] - quality[noisy][None, :]
    assert np.mean((wins > 0) + 0.5 * (wins == 0)) >= 0.95


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


def test_what_it_is_made_of() -> None:
    clean = ecg(wearer(0.02, seed=1).beats_s, 250.0)
    good = ecg_quality(clean, 250.0)
    bad = ecg_quality(clean + np.random.default_rng(1).standard_normal(len(clean)) * 0.5, 250.0)
    assert good.bsqi == 1.0
    assert good.ksqi > 5 > bad.ksqi
    assert 0.3 < good.psqi < 0.9
    assert good.template_mean > 0.95 > bad.template_mean
    assert good.snr_db > bad.snr_db
    assert good.amplitude_variation < bad.amplitude_variation
    assert good.reason is bad.reason is None
    assert ecg_quality(np.full(100, np.nan), 250.0).reason == "no samples"
    assert ecg_quality(clean[:200], 250.0).reason == "fewer than three beats"


def test_saturation_counts() -> None:
    clean = ecg(wearer(0.02, seed=1).beats_s, 250.0)
    clipped = np.minimum(clean, 0.35)
    assert ecg_quality(clean, 250.0).usable == 1.0
    assert ecg_quality(clipped, 250.0).usable < 0.97


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=1, max_size=8))
def test_the_stream_gives_each_window_for_any_split(blocks: list[int]) -> None:
    signal = ecg(wearer(0.02, seed=1).beats_s, 250.0)[:8_000]
    signal[3000:3400] = np.nan
    stream, windows, at = EcgQualityStream(250.0, window_s=8.0), [], 0
    for size in np.resize([*blocks, 100], 200).tolist():
        windows += stream.update(signal[at : at + size])
        at += size
        stream = EcgQualityStream.from_bytes(stream.to_bytes())
    windows += stream.update(signal[at:]) + stream.end()
    assert len(windows) == 4
    for k, window in enumerate(windows):
        piece = signal[2000 * k : 2000 * (k + 1)]
        assert window.values["sqi"] == pytest.approx(sqi_ecg(piece, 250.0), abs=1e-9)
        assert (window.start_us, window.end_us) == (8_000_000 * k, 8_000_000 * (k + 1))
        assert window.coverage == np.isfinite(piece).mean()


def test_a_window_without_a_signal_says_why() -> None:
    (window,) = EcgQualityStream(250.0, window_s=8.0).update(np.zeros(2000))
    assert window.values["sqi"] == 0.0
    assert window.reasons["bsqi"] == "fewer than three beats"


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="fs must be"):
        EcgQualityStream(0.0)
    with pytest.raises(ValueError, match="window_s must"):
        EcgQualityStream(250.0, window_s=0.0)
