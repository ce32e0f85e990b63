"""Features of single beats: what they tell apart, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import BEAT_FEATURES, BeatRow, BeatStream, beat_features
from vitals_signal.synthetic import ecg, wearer

FS = 250.0
PERSON = wearer(0.05, seed=5, ectopics_per_hour=200)
PEAKS = np.rint(PERSON.beats_s * FS).astype(np.int64)
SIGNAL = ecg(PERSON.beats_s, FS, ventricular=PERSON.ectopic)


def _table(rows: list[BeatRow]) -> NDArray[np.float64]:
    return np.array([row.values for row in rows])


def _column(rows: list[BeatRow], name: str) -> NDArray[np.float64]:
    return _table(rows)[:, BEAT_FEATURES.index(name)]


def test_ventricular_beats_are_early_wide_and_unlike_the_usual() -> None:
    rows = beat_features(SIGNAL, FS, PEAKS)
    known = np.array([row.reason is None for row in rows])
    wide = PERSON.ectopic & known
    assert wide.sum() >= 5
    assert len(BEAT_FEATURES) == len(rows[0].values) == len(set(BEAT_FEATURES))
    assert np.all(_column(rows, "qrs_span_ratio")[wide] > 1.3)
    assert np.all(_column(rows, "mobility_ratio")[wide] < 0.8)
    assert np.all(_column(rows, "usual_qrs_correlation")[wide] < 0.9)
    assert np.all(_column(rows, "prev_to_local")[wide] < 0.9)
    plain = known & ~PERSON.ectopic
    assert np.all(_column(rows, "usual_qrs_correlation")[plain] > 0.95)
    assert np.median(_column(rows, "p_correlation")[plain]) > 0.6


def test_beats_of_mit_bih_by_class(shared: Path) -> None:
    """Record 223: atrial and ventricular beats in one lead. Medians, so that a labelling error breaks nothing."""
    record = shared / "data" / "mitdb" / "223"
    recording, notes = read_signals(record), read_annotations(record, "atr")
    symbol = notes.symbol[notes.is_beat]
    rows = beat_features(recording.physical(0), 360.0, notes.sample[notes.is_beat])
    assert len(rows) == len(symbol)

    def median(name: str, kind: str) -> float:
        return float(np.nanmedian(_column(rows, name)[symbol == kind]))

    assert median("qrs_spread_ratio", "V") > 1.3 > median("qrs_spread_ratio", "A")
    assert median("prev_to_local", "A") < 0.9 < median("prev_to_local", "N")
    assert median("p_correlation", "A") < 0.6 < median("p_correlation", "N")
    assert median("usual_qrs_correlation", "V") < 0.9 < median("usual_qrs_correlation", "A")


@pytest.mark.parametrize("change", [-1.0, 1e-3, 1e4])
def test_gain_and_polarity_do_not_matter(change: float) -> None:
    changed = _table(beat_features(SIGNAL * change + 3.0 * change, FS, PEAKS))
    np.testing.assert_allclose(changed, _table(beat_features(SIGNAL, FS, PEAKS)), rtol=1e-6, atol=1e-9)


def test_the_recorder_does_not_matter() -> None:
    """The same heart at 125 and 1000 Hz; peaks lie on the coarser lattice so that they are the same moments."""
    at = np.rint(PERSON.beats_s * 125.0).astype(np.int64)
    coarse, fine = (
        beat_features(
            ecg(PERSON.beats_s, fs, ventricular=PERSON.ectopic, noise_mv=0.0, wander_mv=0.0), fs, at * round(fs / 125.0)
        )
        for fs in (125.0, 1000.0)
    )
    for name in ("usual_qrs_correlation", "qrs_max", "qrs_min", "t_mean", "wave_05", "wave_07", "p_energy"):
        np.testing.assert_allclose(_column(coarse, name), _column(fine, name), atol=0.02, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12), st.integers(100, 240), st.booleans())
def test_any_split_gives_the_rows_of_the_whole(blocks: list[int], latency: int, restart: bool) -> None:
    signal = SIGNAL[:12_000].copy()
    signal[6_000:6_050] = np.nan
    n = len(signal)
    peaks = PEAKS[np.searchsorted(PEAKS, 0) : np.searchsorted(PEAKS, n)]
    whole = beat_features(signal, FS, peaks)
    ends = np.append(np.cumsum(np.resize(blocks, n)), n)
    ends = np.unique(np.minimum(ends, n))
    stream, rows, at, told = BeatStream(FS), list[BeatRow](), 0, 0
    for end in ends.tolist():
        known = int(np.searchsorted(peaks, end - latency)) if end < n else len(peaks)
        rows += stream.update(signal[at:end], peaks[told:known])
        at, told = end, known
        if restart and told % 5 == 0:
            stream = BeatStream.from_bytes(stream.to_bytes())
    rows += stream.end()
    assert [(row.peak, row.reason) for row in rows] == [(row.peak, row.reason) for row in whole]
    np.testing.assert_allclose(_table(rows), _table(whole), rtol=0, atol=1e-9)


def test_a_beat_waits_for_the_next_one_and_no_longer() -> None:
    stream = BeatStream(FS)
    given_out = [row.peak for row in stream.update(SIGNAL[: PEAKS[20] + 140], PEAKS[:21])]
    assert given_out == PEAKS[:20].tolist()


def test_reasons() -> None:
    slow = np.concatenate((np.arange(20) * 0.8, 17.0 + np.arange(20) * 0.8)) + 1.0  # one interval of 1.8 s
    peaks = np.rint(slow * FS).astype(np.int64)
    signal = ecg(slow, FS)
    signal[int(17.1 * FS)] = np.nan  # in the middle of it
    reasons = [row.reason for row in beat_features(signal, FS, peaks)]
    assert reasons[1:8] == ["too few beats before to know what is usual"] * 7
    assert reasons[19] == "no beat after within the same stretch"
    assert reasons[20] == "no beat before within the same stretch"
    assert reasons[18] is reasons[21] is None
    assert reasons[-1] is not None
    for row in beat_features(signal, FS, peaks):
        assert np.isnan(row.values).all() if row.reason else np.isfinite(row.values).all()


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros(5000),
        np.full(5000, np.nan),
        np.full(5000, np.inf),
        np.arange(5000.0),
        np.random.default_rng(0).random(5000),
    ],
    ids=["flat", "missing", "infinite", "ramp", "noise"],
)
def test_nothing_raises_on_what_a_sensor_may_send(signal: NDArray[np.float64]) -> None:
    rows = beat_features(signal, FS, np.arange(20, 4990, 190))
    assert len(rows) == len(range(20, 4990, 190))
    for row in rows:
        assert (row.reason is None) == bool(np.isfinite(row.values).all())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="fs must be"):
        BeatStream(0.0)
    with pytest.raises(ValueError, match="peaks must ascend"):
        beat_features(SIGNAL, FS, [500, 400])
    with pytest.raises(ValueError, match="peaks must ascend"):
        beat_features(SIGNAL, FS, [len(SIGNAL)])
    with pytest.raises(ValueError, match="samples of a gap must be"):
        BeatStream(FS).gap(-1)
