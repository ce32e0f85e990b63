"""A file becomes blocks and gaps that say what the file holds, and no more."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb

from vitals import formats
from vitals.errors import FormatError
from vitals.formats.wfdb import read_annotations, read_signals
from vitals.values import Timing

# The oracle uses what newer pandas deprecates; our own code must stay silent.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")


def test_an_ecg_record(shared: Path) -> None:
    path = shared / "data" / "mitdb" / "203.hea"
    recording = formats.read(path)
    assert (recording.name, recording.format, recording.start) == ("203", "wfdb", None)
    assert recording.kinds == ("ecg", "ecg:V1")  # beats of an ECG are detected, not taken from the annotations
    block = recording.blocks[0]
    assert (block.timing, block.rate_hz, block.unit, block.t0_us) == (Timing.REGULAR, 360.0, "mV", 0)
    np.testing.assert_allclose(block.physical(), read_signals(path).physical(0), atol=1e-12)
    assert np.issubdtype(block.values.dtype, np.integer)
    assert recording.gaps == ()
    assert recording.metadata["lead of ecg"] == "MLII"
    assert recording.doubts == ()
    assert recording.files == tuple(path.with_suffix(ext) for ext in (".hea", ".dat", ".atr"))
    rhythms = [mark for mark in recording.marks if mark.symbol == "+"]
    assert rhythms[0].text == "(AFIB"
    assert rhythms[0].time_us == round(14 * 1e6 / 360)


@pytest.mark.parametrize("file", ["203.dat", "203.atr", "203.hea"])
def test_any_file_of_a_record_stands_for_it(shared: Path, file: str) -> None:
    assert formats.detect(shared / "data" / "mitdb" / file) == "wfdb"


def test_a_record_of_beats_only(shared: Path) -> None:
    path = shared / "data" / "nsr2db" / "nsr041.hea"
    recording = formats.read(path)
    assert recording.kinds == ("rr",)
    notes = read_annotations(path, "ecg")
    beats = notes.sample[notes.is_beat]
    # Every beat lies where the file says, up to rounding to microseconds; blocks and gaps tile the time between.
    times = np.concatenate([np.append(block.t0_us, block.times_us()) for block in recording.blocks])
    truth = beats * (1e6 / 128)
    nearest = truth[np.clip(np.searchsorted(truth, times - 10), 0, len(truth) - 1)]
    assert np.abs(times - nearest).max() <= 1.0
    assert {(block.rate_hz, block.unit) for block in recording.blocks} == {(128.0, "ms")}
    assert max(block.values.max() for block in recording.blocks) <= 6 * 128
    spans = sorted([(b.t0_us, b.end_us) for b in recording.blocks] + [(g.start_us, g.end_us) for g in recording.gaps])
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
    assert {gap.reason for gap in recording.gaps} == {"missing beats"}
    assert len(recording.gaps) > 500


def test_ppg_and_respiration_are_no_ecg(shared: Path) -> None:
    recording = formats.read(shared / "data" / "mimic_perform_af" / "mimic_perform_af_001.hea")
    assert recording.kinds == ("ppg", "ecg", "resp")
    assert {block.kind: block.unit for block in recording.blocks} == {"ppg": "NU", "ecg": "mV", "resp": "pm"}


def test_missing_samples_become_a_gap(tmp_path: Path) -> None:
    data = np.array([10, 20, -32768, -32768, 30], "<i2").tobytes()
    (tmp_path / "r.dat").write_bytes(data)
    (tmp_path / "r.hea").write_text("r 1 100 5 12:00:00 1/2/2003\nr.dat 16 2000(4)/uV 16 0 0 0 0 II\n")
    recording = formats.read(tmp_path / "r.hea")
    assert [(b.kind, b.t0_us, b.values.tolist()) for b in recording.blocks] == [
        ("ecg", 0, [6, 16]),
        ("ecg", 40_000, [26]),
    ]
    assert [(g.kind, g.start_us, g.end_us, g.reason) for g in recording.gaps] == [("ecg", 20_000, 40_000, "no data")]
    assert recording.blocks[0].scale == pytest.approx(1e-3 / 2000)  # microvolts become millivolts
    assert recording.start is not None
    assert recording.start.isoformat() == "2003-02-01T12:00:00+00:00"
    assert len(recording.doubts) == 1
    assert "II" in recording.doubts[0]


def test_flutter_and_silence_break_the_series(tmp_path: Path) -> None:
    at = [100, 200, 300, 350, 400, 500, 600, 1300, 1400, 1400, 1500]
    symbols = ["N", "V", "N", "[", "]", "N", "N", "N", "+", "N", "N"]
    wfdb.wrann("r", "atr", np.array(at), symbol=symbols, fs=100, write_dir=str(tmp_path))
    (tmp_path / "r.hea").write_text("r 0 100\n")
    recording = formats.read(tmp_path / "r.hea")
    assert [(b.t0_us, b.values.tolist()) for b in recording.blocks] == [
        (1_000_000, [100, 100]),
        (5_000_000, [100]),
        (13_000_000, [100, 100]),
    ]
    assert [(g.start_us, g.end_us, g.reason) for g in recording.gaps] == [
        (3_000_000, 5_000_000, "ventricular flutter"),
        (6_000_000, 13_000_000, "missing beats"),
    ]


def test_rr_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# subject at rest\n800\n810\n")
    recording = formats.read(tmp_path / "a.txt")
    (block,) = recording.blocks
    assert (block.kind, block.timing, block.rate_hz, block.values.tolist()) == (
        "rr",
        Timing.INTERVAL,
        1000.0,
        [800, 810],
    )
    assert recording.metadata == {"unit": "ms (by the size of the numbers)", "comments": "subject at rest"}
    (tmp_path / "b.txt").write_text("0.8005001\n0.81\n")
    (fine,) = formats.read(tmp_path / "b.txt").blocks
    assert (fine.rate_hz, fine.values.tolist()) == (1e6, [800_500, 810_000])


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "lonely.dat").write_bytes(b"\0" * 30)
    (tmp_path / "empty.hea").write_text("empty 0 100\n")
    for name, said in (("a.pdf", "unknown"), ("lonely.dat", "lonely.hea"), ("empty.hea", "empty"), ("none", "missing")):
        with pytest.raises(FormatError, match=said):
            formats.read(tmp_path / name)
    with pytest.raises(FormatError, match="a folder"):
        formats.read(tmp_path)


def test_an_interval_too_long_for_a_heart_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("800\n3500000\n810\n805\n")
    recording = formats.read(tmp_path / "a.txt")
    assert [(b.start_us, b.values.tolist()) for b in recording.blocks] == [(0, [800]), (3_500_800_000, [810, 805])]
    assert [(g.start_us, g.end_us) for g in recording.gaps] == [(800_000, 3_500_800_000)]


def test_reading_loads_no_heavy_package(shared: Path) -> None:
    code = f"""
import sys
from vitals import formats
formats.read({str(shared / "data" / "mitdb" / "101.hea")!r})
print(*sorted({{m.split(".")[0] for m in sys.modules}} & {{"scipy", "pandas", "wfdb", "matplotlib", "vitals_signal"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
