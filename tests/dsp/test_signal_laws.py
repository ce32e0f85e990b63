"""What holds for the whole package: cheap import, a pinned namespace, and nothing raises on what a sensor may send."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import vitals_signal

ROOMS = ("acc", "ecg", "filters", "ppg", "rr", "sleep", "synthetic", "windows")

# Streams of a live monitor, and what they import, must not load SciPy (0.7 s and 78 MB).
STREAMING = """
import sys, numpy as np, vitals_signal as dsp
before = set(sys.modules)
times, rr = np.arange(1, 1001) * 800_000, np.full(1000, 800.0) + np.arange(1000) % 7
dsp.HrvStream(300.0).update(times, rr)
dsp.RhythmStream(16).update(times, rr)
dsp.hrv_time(dsp.nn_intervals(rr))
beats = dsp.synthetic.wearer(0.05).beats_s
dsp.detect_r_peaks(dsp.synthetic.ecg(beats, 250.0), 250.0)
print(*sorted({name.split(".")[0] for name in sys.modules} & {"scipy", "pandas", "matplotlib", "sklearn", "vitals"}))
"""


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_streaming_path_loads_numpy_only() -> None:
    assert _run(STREAMING) == ""


def test_the_import_itself_loads_only_the_tables_of_names() -> None:
    code = "import sys, vitals_signal; print(*(m for m in sys.modules if m.startswith(('vitals_signal.', 'numpy'))))"
    tables = {"_lazy", *ROOMS} - {"synthetic"}
    assert {name.removeprefix("vitals_signal.") for name in _run(code).split()} == tables


def test_rooms_give_their_names_to_the_package_and_no_module_bears_a_public_name() -> None:
    names: list[str] = []
    for room in ROOMS:
        package = importlib.import_module(f"vitals_signal.{room}")
        modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
        functions = {name for name in package.__all__ if not inspect.ismodule(getattr(package, name))}
        assert not modules & functions, room
        names += [] if room == "synthetic" else package.__all__
    assert sorted(names) == sorted(set(names))
    assert sorted([*names, "synthetic"]) == sorted(vitals_signal.__all__)


def test_every_public_name_can_be_had() -> None:
    for name in vitals_signal.__all__:
        assert getattr(vitals_signal, name) is not None
    assert set(vitals_signal.__all__) <= set(dir(vitals_signal))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = vitals_signal.no_such_name


RNG = np.random.default_rng(0)
SENSOR_FAILURES: dict[str, NDArray[np.float64]] = {
    "nothing": np.empty(0),
    "one sample": np.ones(1),
    "two samples": np.array([0.0, 1.0]),
    "lead off": np.zeros(5000),
    "stuck": np.full(5000, 3.3),
    "ramp": np.linspace(0, 100, 5000),
    "saturated": np.clip(RNG.standard_normal(5000) * 1e6, -1, 1),
    "noise": RNG.standard_normal(5000),
    "mains": np.sin(2 * np.pi * 50 * np.arange(5000) / 250),
    "missing": np.full(5000, np.nan),
    "infinite": np.full(5000, np.inf),
    "one alive": np.append(np.full(4999, np.nan), 1.0),
    "spike": np.eye(1, 5000, 2500)[0],
    "huge": RNG.standard_normal(5000) * 1e150,
    "tiny": RNG.standard_normal(5000) * 1e-150,
}


@pytest.mark.parametrize("signal", SENSOR_FAILURES.values(), ids=SENSOR_FAILURES.keys())
def test_sensor_failures_neither_raise_nor_warn(signal: NDArray[np.float64]) -> None:
    peaks = vitals_signal.detect_r_peaks(signal, 250.0)
    assert peaks.dtype == np.int64
    assert np.all(np.diff(peaks) > 0)
    assert np.isfinite(vitals_signal.refine_r_peaks(signal, 250.0, peaks)).all()
    assert 0.0 <= vitals_signal.sqi_ecg(signal, 250.0) <= 1.0
    vitals_signal.hrv_time(vitals_signal.nn_intervals(signal))


@pytest.mark.parametrize("name", ["nothing", "one sample", "lead off", "stuck", "missing", "infinite", "one alive"])
def test_without_a_signal_there_are_no_beats(name: str) -> None:
    assert len(vitals_signal.detect_r_peaks(SENSOR_FAILURES[name], 250.0)) == 0
    assert vitals_signal.sqi_ecg(SENSOR_FAILURES[name], 250.0) == 0.0


@settings(max_examples=60)
@given(hnp.arrays(np.float64, st.integers(0, 2000), elements=st.floats(width=64)), st.floats(1.0, 2000.0))
def test_any_samples_at_any_rate(signal: NDArray[np.float64], fs: float) -> None:
    peaks = vitals_signal.detect_r_peaks(signal, fs)
    assert np.all((peaks >= 0) & (peaks < max(len(signal), 1)))
    assert np.isfinite(signal[peaks]).all()
    assert 0.0 <= vitals_signal.sqi_ecg(signal, fs) <= 1.0
