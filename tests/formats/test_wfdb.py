"""Our WFDB reader against the wfdb package, file by file, and against damaged files."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vitals.errors import FormatError
from vitals.formats.wfdb import read_annotations, read_header, read_signals

# The oracle uses what newer pandas deprecates; our own code must stay silent.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

FOLDERS = ("mitdb", "mitdb/paced", "nstdb", "cpsc2021_sample", "nsr2db", "mimic_perform_af")


@pytest.mark.parametrize("folder", FOLDERS)
def test_headers_and_first_half_minute(shared: Path, folder: str) -> None:
    headers = sorted((shared / "data" / folder).glob("*.hea"))
    assert headers
    for path in headers:
        ours = read_header(path)
        theirs = wfdb.rdheader(str(path.with_suffix("")))
        assert (ours.record, ours.fs, len(ours.signals)) == (theirs.record_name, theirs.fs, theirs.n_sig)
        assert list(ours.comments) == theirs.comments
        if not ours.signals:
            continue
        n = min(round(30 * ours.fs), ours.n_samples or 0)
        digital = wfdb.rdrecord(str(path.with_suffix("")), sampto=n, physical=False)
        recording = read_signals(path, stop=n)
        np.testing.assert_array_equal(recording.samples, digital.d_signal)
        assert [s.name for s in ours.signals] == digital.sig_name
        assert [s.unit for s in ours.signals] == digital.units
        assert [s.gain for s in ours.signals] == digital.adc_gain
        assert [s.baseline for s in ours.signals] == digital.baseline
        physical = wfdb.rdrecord(str(path.with_suffix("")), sampto=n).p_signal
        np.testing.assert_array_equal(recording.missing, np.isnan(physical))
        np.testing.assert_allclose(recording.physical(0), physical[:, 0], atol=1e-12)


@pytest.mark.parametrize("folder", ["mitdb", "cpsc2021_sample", "nstdb"])
def test_all_samples_sum_to_the_checksum(shared: Path, folder: str) -> None:
    for path in sorted((shared / "data" / folder).glob("*.hea")):
        recording = read_signals(path)
        totals = recording.samples.sum(axis=0, dtype=np.int64)
        for signal, total in zip(recording.header.signals, totals.tolist(), strict=True):
            assert signal.checksum is not None
            assert (total - signal.checksum) % 65536 == 0


@pytest.mark.parametrize(("folder", "extension"), [("mitdb", "atr"), ("nstdb", "atr"), ("cpsc2021_sample", "atr")])
def test_all_annotations(shared: Path, folder: str, extension: str) -> None:
    for path in sorted((shared / "data" / folder).rglob(f"*.{extension}")):
        _compare(path, extension)


@pytest.mark.parametrize("record", ["nsr001", "nsr015", "nsr045", "nsr047"])  # with ~ and |, and hours without beats
def test_day_long_annotations(shared: Path, record: str) -> None:
    _compare(shared / "data" / "nsr2db" / record, "ecg")


def test_annotations_of_another_annotator(shared: Path) -> None:
    _compare(shared / "data" / "hrv_golden" / "physionet_toolbox" / "03665", "qrs")


def _compare(path: Path, extension: str) -> None:
    ours = read_annotations(path, extension)
    theirs = wfdb.rdann(str(path.with_suffix("")), extension)
    np.testing.assert_array_equal(ours.sample, theirs.sample)
    assert ours.symbol.tolist() == theirs.symbol
    assert list(ours.aux) == [text.rstrip("\0") for text in theirs.aux_note]


@pytest.mark.parametrize("code", ["16", "24", "32", "80", "212"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_formats_as_the_wfdb_package_writes_them(tmp_path: Path, code: str, channels: int) -> None:
    limit = {"80": 120, "212": 2000, "24": 2**22, "32": 2**30}.get(code, 30_000)
    samples = np.random.default_rng(5).integers(-limit, limit, (1001, channels))
    wfdb.wrsamp(
        "r",
        fs=250,
        units=["mV"] * channels,
        sig_name=[f"lead {k}" for k in range(channels)],
        d_signal=samples,
        fmt=[code] * channels,
        adc_gain=[200.0] * channels,
        baseline=[3] * channels,
        write_dir=str(tmp_path),
    )
    recording = read_signals(tmp_path / "r")
    np.testing.assert_array_equal(recording.samples, samples)
    np.testing.assert_array_equal(read_signals(tmp_path / "r", start=333, stop=777).samples, samples[333:777])
    assert [s.name for s in recording.header.signals] == [f"lead {k}" for k in range(channels)]


@pytest.mark.parametrize("code", ["8", "61", "212"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_formats_as_the_wfdb_package_reads_them(tmp_path: Path, code: str, channels: int) -> None:
    raw = np.random.default_rng(6).integers(0, 256, 600 * channels, dtype=np.uint8)
    n = 600 * 8 // {"8": 8, "61": 16, "212": 12}[code]
    lines = [f"r.dat {code} 200 12 0 {17 * k}\n" for k in range(channels)]
    path = _record(tmp_path, f"r {channels} 250 {n}\n" + "".join(lines), raw.tobytes())
    theirs = wfdb.rdrecord(str(path.with_suffix("")), physical=False).d_signal
    np.testing.assert_array_equal(read_signals(path).samples, theirs)
    np.testing.assert_array_equal(read_signals(path, start=101, stop=222).samples, theirs[101:222])


def test_signals_of_several_files_keep_the_order_of_the_header(tmp_path: Path) -> None:
    """x.dat holds a and c, y.dat holds b; header(5) allows it only where the signals of a file are neighbours."""
    np.arange(0, 40, dtype="<i2").tofile(tmp_path / "x.dat")
    np.arange(100, 120, dtype=">i2").tofile(tmp_path / "y.dat")
    (tmp_path / "r.hea").write_text("r 3 250 20\nx.dat 16\nx.dat 16\ny.dat 61\n")
    recording = read_signals(tmp_path / "r")
    np.testing.assert_array_equal(recording.samples[:, 0], np.arange(0, 40, 2))
    np.testing.assert_array_equal(recording.samples[:, 1], np.arange(1, 40, 2))
    np.testing.assert_array_equal(recording.samples[:, 2], np.arange(100, 120))


def _record(folder: Path, header: str, data: bytes = b"\0" * 400) -> Path:
    (folder / "r.hea").write_text(header)
    (folder / "r.dat").write_bytes(data)
    return folder / "r.hea"


def test_missing_samples_are_missing(tmp_path: Path) -> None:
    data = np.array([5, -32768, 7], "<i2").tobytes()
    recording = read_signals(_record(tmp_path, "r 1 250 3\nr.dat 16 200\n", data))
    assert recording.missing[:, 0].tolist() == [False, True, False]
    np.testing.assert_array_equal(recording.physical(0), [0.025, np.nan, 0.035])


def test_defaults_of_a_short_header(tmp_path: Path) -> None:
    header = read_header(_record(tmp_path, "r 1\nr.dat 16\n"))
    assert header.fs == 250.0
    assert header.n_samples is None
    signal = header.signals[0]
    assert (signal.gain, signal.baseline, signal.unit, signal.name) == (200.0, 0, "mV", "signal 1")
    assert len(read_signals(tmp_path / "r").samples) == 200


def test_start_is_taken_as_utc(tmp_path: Path) -> None:
    header = read_header(_record(tmp_path, "r 1 250 9 13:05:59.5 24/12/2019\nr.dat 16\n# note\n"))
    assert header.start == datetime(2019, 12, 24, 13, 5, 59, 500_000, UTC)
    assert header.comments == ("note",)
    timed = read_header(_record(tmp_path, "r 1 250 9 13:05\nr.dat 16\n"))
    assert (timed.start, timed.start_time) == (None, time(0, 13, 5))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "record line"),
        ("r/3 1 250 9\n", "multi-segment"),
        ("r 1 0 9\nr.dat 16\n", "sampling frequency"),
        ("r 2 250 9\nr.dat 16\n", "signal lines"),
        ("r 1 250 9\nr.dat\n", "signal line 1"),
        ("r 1 250 9\nr.dat 16x4\n", "samples per frame"),
        ("r 1 250 9\nr.dat 16:3\n", "skew"),
        ("r 1 250 9\nr.dat 310\n", "310"),
        ("r 1 250 9\n../r.dat 16\n", "beside the header"),
        ("r 1 250 9\nr.dat 16 much\n", "gain"),
        ("r 1 250 9\nr.dat 16 200 12 zero\n", "ADC zero"),
        ("r 1 250 9 25:99:00 1/1/2000\nr.dat 16\n", "base time"),
        ("r 1 250 999\nr.dat 16\n", "cut off"),
        ("r 1 250 9\nother.dat 16\n", "one folder"),
        ("r 0 250 9\n", "annotations only"),
    ],
)
def test_a_wrong_header_is_refused_with_a_remedy(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(FormatError, match=said) as caught:
        read_signals(_record(tmp_path, header))
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("stretch", [(-1, 5), (5, 2)])
def test_a_stretch_that_is_none_is_refused(tmp_path: Path, stretch: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="not a stretch"):
        read_signals(_record(tmp_path, "r 1 250 9\nr.dat 16\n"), start=stretch[0], stop=stretch[1])


def test_the_clock_of_an_annotation_file_is_read(tmp_path: Path) -> None:
    wfdb.wrann("r", "atr", np.array([10, 500, 90_000]), symbol=["N", "V", "N"], fs=720, write_dir=str(tmp_path))
    notes = read_annotations(tmp_path / "r", "atr")
    assert notes.fs == 720.0
    assert notes.sample.tolist() == [10, 500, 90_000]
    assert notes.symbol.tolist() == ["N", "V", "N"]


def test_custom_symbols_are_read(tmp_path: Path) -> None:
    custom = [(45, "y", "a word"), (44, "x", "two words")]
    at = np.array([10, 500, 600])
    wfdb.wrann("r", "atr", at, symbol=["N", "y", "x"], fs=720, custom_labels=custom, write_dir=str(tmp_path))
    assert read_annotations(tmp_path / "r", "atr").symbol.tolist() == ["N", "y", "x"]


def test_a_cut_annotation_file_is_refused(tmp_path: Path, shared: Path) -> None:
    whole = (shared / "data" / "mitdb" / "203.atr").read_bytes()
    (tmp_path / "r.atr").write_bytes(whole[:-2])
    with pytest.raises(FormatError, match="cut off"):
        read_annotations(tmp_path / "r", "atr")


HARMLESS = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HARMLESS
@given(st.binary(max_size=120))
def test_any_annotation_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.atr").write_bytes(data)
    try:
        notes = read_annotations(tmp_path / "r", "atr")
    except FormatError:
        return
    assert len(notes.sample) == len(notes.symbol) == len(notes.aux)
    assert not len(notes.sample) or notes.sample.min() >= 0


@HARMLESS
@given(st.data())
def test_damaged_annotations_are_read_or_refused(tmp_path: Path, shared: Path, data: st.DataObject) -> None:
    raw = bytearray((shared / "data" / "cpsc2021_sample" / "data_101_9.atr").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "r.atr").write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    try:
        read_annotations(tmp_path / "r", "atr")
    except FormatError as err:
        assert "r.atr" in str(err)


HEADER = (
    b"r 2 360 100 10:00:00 1/2/2003\nr.dat 212 200(0)/mV 11 1024 955 29832 0 MLII\nr.dat 212 200 11 1024 992 1 0 V1\n"
)


@HARMLESS
@given(
    st.lists(st.tuples(st.integers(0, len(HEADER) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(HEADER))
)
def test_damaged_headers_are_read_or_refused(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray(HEADER)
    for at, value in changes:
        raw[at] = value
    (tmp_path / "r.hea").write_bytes(bytes(raw[:cut]))
    (tmp_path / "r.dat").write_bytes(bytes(300))
    try:
        recording = read_signals(tmp_path / "r")
    except FormatError:
        return
    assert recording.samples.shape[1] == len(recording.header.signals)
