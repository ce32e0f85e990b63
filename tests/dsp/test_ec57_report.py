"""The EC57 report against a case worked out by hand with the published rules of `bxb`, and wfdb's own comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.formats.wfdb import read_annotations, read_signals
from vitals_signal import Ec57Report, RecordReport, aami_labels, beat_labels, compare_beats, detect_r_peaks
from vitals_signal.ecg.ec57 import score_beats
from vitals_signal.ecg.ec57_report import COLUMNS, ROWS

# 100 Hz: window 15 samples; learning time 10 s; flutter from 1750 to 1950; the algorithm is off from 2050 on.
REFERENCE = beat_labels(
    [500, 900, 1005, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 2000, 2100], "NNNNSVNVFNNN", flutter=[(1750, 1950)]
)
ALGORITHM = beat_labels(
    [500, 900, 998, 1102, 1201, 1303, 1350, 1498, 1604, 1698, 1800, 2005], "NNNNSVVNVNVN", shutdown=[(2050, 2200)]
)


def _by_hand() -> RecordReport:
    return compare_beats("hand", REFERENCE, ALGORITHM, 100.0, length=2150, learning_s=10.0)


def test_the_matrix_by_hand() -> None:
    """998 comes before the learning time ends but pairs with 1005; 1800 lies in flutter; 2100 falls to the shutdown."""
    expected = np.zeros((7, 7), int)
    for cell, count in {"Nn": 4, "Ss": 1, "Vv": 1, "Vn": 1, "Fv": 1, "No": 1, "Nx": 1, "Ov": 1}.items():
        expected[ROWS.index(cell[0]), COLUMNS.index(cell[1].upper())] = count
    np.testing.assert_array_equal(_by_hand().matrix, expected)


def test_the_statistics_by_hand() -> None:
    record = _by_hand()
    assert record.qrs_sensitivity == 8 / 10
    assert record.qrs_positive_predictivity == 8 / 9
    assert record.veb_sensitivity == 1 / 2
    assert record.veb_positive_predictivity == 1 / 2  # the fusion beat called v is no error
    assert record.veb_false_positive_rate == 1 / 6
    assert record.sveb_sensitivity == record.sveb_positive_predictivity == 1.0
    # RR errors 7 9 1 2 53 48 48 6 6 samples; none across the flutter
    assert record.rr_count == 9
    assert record.rms_rr_error_ms == pytest.approx(10 * np.sqrt(7624 / 9))
    assert record.shutdown_s == 1.0


def test_gross_pools_and_average_weighs_records_alike() -> None:
    perfect = compare_beats("perfect", REFERENCE, REFERENCE, 100.0, learning_s=10.0)
    report = Ec57Report((_by_hand(), perfect))
    assert perfect.qrs_sensitivity == perfect.veb_positive_predictivity == 1.0
    assert perfect.rms_rr_error_ms == 0.0
    assert report.gross.qrs_sensitivity == 18 / 20
    assert report.average("qrs_sensitivity") == pytest.approx((0.8 + 1.0) / 2)
    nothing = compare_beats("none", beat_labels([]), beat_labels([]), 100.0)
    assert np.isnan(nothing.qrs_sensitivity)
    assert Ec57Report((_by_hand(), perfect, nothing)).average("qrs_sensitivity") == pytest.approx(0.9)
    text = str(report)
    assert "Gross" in text and "Average" in text and "90.00" in text  # noqa: PT018


@pytest.mark.parametrize("name", ["101", "207", "208"])
def test_wfdb_counts_the_same(shared: Path, name: str) -> None:
    """wfdb.processing.compare_annotations, after the first 5 min and outside flutter (207)."""
    processing = pytest.importorskip("wfdb.processing")
    recording = read_signals(shared / "data" / "mitdb" / name)
    notes = read_annotations(shared / "data" / "mitdb" / name, "atr")
    starts, ends = notes.sample[notes.symbol == "["], notes.sample[notes.symbol == "]"]
    flutter = list(zip(starts.tolist(), [*ends.tolist(), len(recording.samples)][: len(starts)], strict=True))
    beats, found = notes.sample[notes.is_beat], detect_r_peaks(recording.physical(0), 360.0)
    record = compare_beats(
        name, beat_labels(beats, flutter=flutter), beat_labels(found), 360.0, length=len(recording.samples)
    )
    start = 300 * 360
    late = found[found >= start]
    for first, last in flutter:
        late = late[(late < first) | (late > last)]
    theirs = processing.compare_annotations(beats[beats >= start], late, window_width=54)
    assert (record.count("NSVFQ", "o"), record.count("O", "nsvfq")) == (theirs.fn, theirs.fp)
    mine = score_beats(beats, found, 360.0, exclude=flutter)
    assert (mine.fn, mine.fp) == (theirs.fn, theirs.fp)


BEATS = st.lists(st.integers(0, 4000), unique=True, max_size=30).map(sorted)


@given(BEATS, BEATS)
def test_every_beat_counts_once(reference: list[int], found: list[int]) -> None:
    record = compare_beats("x", beat_labels(reference), beat_labels(found), 100.0, learning_s=0.0)
    assert record.count("NSVFQ", "nsvfqox") == len(reference)
    assert len(found) - record.count("NSVFQOX", "nsvfq") in (0, 1)  # bxb passes over one near the start


def test_aami_classes() -> None:
    assert aami_labels("NLRBaAJSejnVEF/fQ") == list("NNNN" + "SSSSSSS" + "VV" + "F" + "QQQ")
    with pytest.raises(ValueError, match="WFDB beat symbols"):
        aami_labels("+")


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        compare_beats("x", REFERENCE, ALGORITHM, 0.0)
    with pytest.raises(ValueError, match="label must"):
        beat_labels([1, 2], "N")
    with pytest.raises(ValueError, match="label must"):
        beat_labels([1, 2], "NX")
