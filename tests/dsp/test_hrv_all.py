"""`hrv`: the three domains in one dict, the same numbers by every entry, and reasons for what is missing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals_signal import (
    HRV_CORE_FEATURES,
    HRV_FREQUENCY_FEATURES,
    HRV_TIME_FEATURES,
    hrv,
    hrv_core,
    hrv_frequency,
    hrv_nonlinear,
    hrv_time,
    hrv_windows,
    nn_intervals,
)
from vitals_signal.rr.conventions import ConventionName
from vitals_signal.synthetic import wearer

RR = wearer(0.2, seed=5, bouts_per_hour=0, ectopics_per_hour=30).rr_ms
NAN = float("nan")


@pytest.mark.parametrize("convention", ["taskforce", "kubios", "neurokit"])
def test_one_number_whatever_the_entry(convention: ConventionName) -> None:
    nn = nn_intervals(RR[:400])
    everything = hrv(nn, convention=convention)
    parts = [
        hrv_time(nn, convention=convention),
        hrv_frequency(nn, convention=convention),
        hrv_nonlinear(nn, convention=convention),
    ]
    assert set(everything) == {name for part in parts for name in part}
    for part in [*parts, hrv_core(nn, convention=convention)]:
        for name, value in part.items():
            np.testing.assert_equal(everything[name], value, err_msg=name)
            assert everything.reasons.get(name) == part.reasons.get(name), name


def test_the_names_that_others_use() -> None:
    values = hrv(RR[:400])
    assert set(HRV_CORE_FEATURES) <= set(values)
    assert {*HRV_TIME_FEATURES, *HRV_FREQUENCY_FEATURES} <= set(values)
    assert {"SD1", "SD2", "CSI", "CVI", "SampEn", "ApEn", "DFA_alpha1", "PIP", "GI", "HFD", "LZC"} <= set(values)
    assert set(values.reasons) == {name for name, value in values.items() if math.isnan(value)}


@pytest.mark.parametrize(
    "rr",
    [[], [NAN] * 9, [800.0], [800.0] * 300, [0.0, -1.0, math.inf] * 50, list(range(1, 300)), [300.0, 2000.0] * 150],
    ids=["nothing", "missing", "one", "flat", "impossible", "ramp", "saw"],
)
def test_whatever_comes_there_is_a_number_or_a_reason(rr: list[float]) -> None:
    for values in (hrv(nn_intervals(rr)), hrv_core(rr)):
        assert set(values.reasons) == {name for name, value in values.items() if math.isnan(value)}
        assert all(values.reasons.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats() | st.floats(300, 2000), max_size=80))
def test_the_core_neither_raises_nor_warns(rr: list[float]) -> None:
    values = hrv_core(nn_intervals(rr))
    assert tuple(values) == HRV_CORE_FEATURES
    assert set(values.reasons) == {name for name, value in values.items() if math.isnan(value)}


def test_a_window_names_its_maker() -> None:
    times = np.rint(np.cumsum(RR) * 1000).astype(np.int64)
    first, second = hrv_windows(times, RR, window_s=300.0)[:2]
    assert (first.method, first.end_us) == ("hrv-core-1", second.start_us)
    kubios = hrv_windows(times, RR, window_s=300.0, convention="kubios")[0]
    assert kubios.method == "hrv-core-1 kubios"
    assert kubios.values["LFn"] != first.values["LFn"]
    assert 0.9 < first.coverage <= 1.0


def test_a_day_with_gaps(shared: Path) -> None:
    """nsr001: a Holter of a healthy person; ranges of the Task Force (table 3) with three SDs of room."""
    from vitals.formats.wfdb import read_annotations

    notes = read_annotations(shared / "data" / "nsr2db" / "nsr001", "ecg")
    rr, times = np.diff(notes.sample) * (1000.0 / 128.0), notes.sample[1:] / 128.0
    rr[(notes.symbol[1:] != "N") | (notes.symbol[:-1] != "N")] = np.nan
    nn = nn_intervals(rr)
    values = hrv_core(nn, times_s=times[nn.source])
    assert 60 < values["SDNN"] < 260
    assert 40 < values["SDANN5"] < values["SDNN"]
    assert values["SDNNI5"] < values["SDNN"]
    assert values["ULF"] > values["VLF"] > values["LF"]
    assert values["TP"] == pytest.approx(values["SDNN"] ** 2, rel=0.15)
    assert not set(values.reasons) & {"ULF", "SDANN5", "DC", "SampEn", "DFA_alpha2"}
    without = hrv_core(nn)
    assert without["SDNN"] == values["SDNN"]
