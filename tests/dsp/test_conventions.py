"""Conventions: the numbers of other tools, by the definitions that this package publishes for them.

Every golden value stands with the command that made it; the series are read where they are shared, never copied.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals.formats.rr_text import read_rr_text
from vitals.formats.wfdb import read_annotations
from vitals_signal import CONVENTIONS, hrv_core, hrv_frequency, hrv_time
from vitals_signal.rr.frequency_density import smoothness_priors

Floats = NDArray[np.float64]


def rest(shared: Path) -> Floats:
    return read_rr_text(shared / "data" / "hrv_golden" / "hrv" / "rest_rri.txt").rr_ms


# neurokit2 0.2.13, numpy 2.4.6, scipy 1.17.1:
#   rr = numpy.loadtxt("hrv_golden/hrv/rest_rri.txt"); neurokit2.hrv_frequency({"RRI": rr}).iloc[0].to_dict()
NEUROKIT_WELCH = {
    "VLF": 0.010238073971289395,
    "LF": 0.00772103488648492,
    "HF": 0.00966227741742507,
    "VHF": 0.00032080757737494353,
    "TP": 0.027942193852574328,
    "LFHF": 0.7990905821603415,
    "LFn": 0.2763217135784625,
    "HFn": 0.3457952324146116,
    "LnHF": -4.6395259010467225,
}
# ... neurokit2.hrv_frequency({"RRI": rr}, normalize=False)
NEUROKIT_MS2 = {
    "VLF": 897.9158697295715,
    "LF": 677.1624989966097,
    "HF": 847.4164432846909,
    "VHF": 28.135977104898846,
    "TP": 2450.6307891157708,
    "LnHF": 6.74219224239963,
}
# ... neurokit2.hrv_frequency({"RRI": rr[:150]}, psd_method="burg", interpolation_rate=4)
NEUROKIT_BURG = {
    "VLF": 0.008793973971813064,
    "LF": 0.03381650956959019,
    "HF": 0.029701323368086105,
    "VHF": 0.002138224356840121,
    "TP": 0.07445003126632947,
    "LFn": 0.4542175334838836,
}
# hrv-analysis 1.0.5, numpy 2.3.5, on the same rr:
#   get_time_domain_features(rr), get_geometrical_features(rr), get_frequency_domain_features(rr),
#   get_poincare_plot_features(rr), get_sampen(rr), get_frequency_domain_features(rr[:150], method="lomb")
HRV_ANALYSIS = {
    "MeanNN": 1058.7186813186813,
    "SDNN": 57.81817771970009,
    "SDSD": 55.137347110357084,
    "RMSSD": 55.13744203126742,
    "pNN50": 35.31353135313531,
    "pNN20": 72.93729372937294,
    "CVSD": 0.05207940787687932,
    "CVNN": 0.05461146453719412,
    "HTI": 14.67741935483871,
    "VLF": 648.2374264840756,
    "LF": 831.7519285104643,
    "HF": 590.0481343157264,
    "TP": 2070.037489310266,
    "LFHF": 1.4096340283747182,
    "LFn": 58.499922053537176,
    "HFn": 41.50007794646282,
    "SD1": 39.00945528912225,
    "SD2": 71.86199098062633,
    "SampEn": 1.7738200322056985,
}
HRV_ANALYSIS_LOMB = {
    "VLF": 786.9630166978199,
    "LF": 903.5877364350758,
    "HF": 771.302827468006,
    "TP": 2461.8535806009018,
    "LFHF": 1.1715083936633917,
}


def test_neurokit2(shared: Path) -> None:
    rr = rest(shared)
    ours = hrv_frequency(rr, convention="neurokit")
    for name, value in NEUROKIT_WELCH.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name
    assert math.isnan(ours["ULF"])  # theirs too
    ours = hrv_frequency(rr, convention=dataclasses.replace(CONVENTIONS["neurokit"], unit="ms2"))
    for name, value in NEUROKIT_MS2.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name
    ours = hrv_frequency(rr[:150], method="ar", convention=dataclasses.replace(CONVENTIONS["neurokit"], rate_hz=4.0))
    for name, value in NEUROKIT_BURG.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize(("n", "tinn"), [(60, 187.5), (100, 273.4375), (200, 414.0625), (300, 335.9375), (910, 0.0)])
def test_neurokit2_tinn(shared: Path, n: int, tinn: float) -> None:
    """neurokit2 0.2.13: hrv_time({"RRI": rr[:n]})["HRV_TINN"]."""
    assert hrv_time(rest(shared)[:n], convention="neurokit")["TINN"] == tinn


def test_hrv_analysis(shared: Path) -> None:
    ours = hrv_core(rest(shared), convention="hrv-analysis")
    for name, value in HRV_ANALYSIS.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name
    ours = hrv_frequency(rest(shared)[:150], method="lomb", convention="hrv-analysis")
    for name, value in HRV_ANALYSIS_LOMB.items():
        assert ours[name] == pytest.approx(value, rel=1e-8), name


def test_hrv_analysis_own_series(shared: Path) -> None:
    """Their test files: SampEn of 1000 intervals, and SD2 by the axes of the series."""
    nn = read_rr_text(shared / "data" / "dsp_golden" / "hrvanalysis" / "test_nn_intervals.txt").rr_ms
    ours = hrv_core(nn, convention="hrv-analysis")
    assert ours["SampEn"] == pytest.approx(1.2046675751816824, rel=1e-12)
    assert ours["SD2"] == pytest.approx(59.387, abs=5e-4)


def test_pyhrv(shared: Path) -> None:
    """welch_psd and time domain of the sample that pyHRV ships (`SampleExport.json`); what it cannot mean is left out:
    powers by AR and Lomb (below, AR's is four times the variance) and SDSD of absolute differences."""
    folder = shared / "data" / "hrv_golden" / "pyhrv"
    theirs = json.loads((folder / "SampleExport.json").read_text())
    nn = np.load(folder / "SampleNNISeriesShort.npy")
    ours = hrv_core(nn, convention="pyhrv")
    expected = {
        "SDNN": theirs["sdnn"],
        "RMSSD": theirs["rmssd"],
        "pNN50": theirs["pnn50"],
        "pNN20": theirs["pnn20"],
        "HTI": theirs["tri_index"],
        "TINN": theirs["tinn"],
        "VLF": theirs["fft_abs"][0],
        "LF": theirs["fft_abs"][1],
        "HF": theirs["fft_abs"][2],
        "TP": theirs["fft_total"],
        "LFHF": theirs["fft_ratio"],
        "LFn": theirs["fft_norm"][0],
        "HFn": theirs["fft_norm"][1],
        "HFpeak": theirs["fft_peak"][2],
        "SampEn": theirs["sampen"],
    }
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, rel=1e-9), name
    assert theirs["ar_total"] > 2 * nn.var()


def test_pyhrv_over_an_hour(shared: Path) -> None:
    """`SampleReport.txt`: absolute powers of the long series by Welch's method."""
    nn = np.load(shared / "data" / "hrv_golden" / "pyhrv" / "SampleNNISeriesLong.npy")
    ours = hrv_frequency(nn, convention="pyhrv")
    assert ours["VLF"] == pytest.approx(2050.743568530359, rel=1e-9)
    assert ours["LF"] == pytest.approx(2942.5372448423686, rel=1e-9)


@pytest.mark.parametrize("subject", ["nsr001", "nsr004", "nsr009"])
def test_the_windows_of_the_physionet_toolbox(shared: Path, subject: str) -> None:
    """Band powers, DC and AC of its demo over three people, as printed.

    It read 128-Hz annotations at 125 Hz; what follows a rejected interval is not published with the file, so only the
    windows in which its mean is ours are compared, and a tenth of them may differ for an interval at the border.
    """
    golden = shared / "data" / "hrv_golden" / "physionet_toolbox" / "NSR_HRV_allwindows_allpatients.csv"
    notes = read_annotations(shared / "data" / "nsr2db" / subject, "ecg")
    end = (notes.sample[1:] - notes.sample[0]) / 125.0
    rr = np.diff(notes.sample) * (1000.0 / 125.0)
    good = (notes.symbol[1:] == "N") & (notes.symbol[:-1] == "N") & (rr >= 375) & (rr <= 2000)
    errors = []
    with golden.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["patID"] != subject or row["lf"] == "NaN":
                continue
            inside = good & (end >= float(row["t_start"])) & (end < float(row["t_end"]))
            times, window = end[inside], rr[inside]
            kept = np.append(True, np.abs(np.diff(window)) <= 0.2 * window[:-1])
            times, window = times[kept], window[kept]
            if abs(window.mean() - float(row["NNmean"])) > 1e-3:
                continue
            # What was rejected is a gap to us; their series goes on as if nothing were there, also for DC and AC.
            gap = np.flatnonzero(np.diff(times) - window[1:] / 1000.0 > 1e-6) + 1
            parted, ends = np.insert(window, gap, np.nan), np.insert(times, gap, 0.0)
            ours = hrv_frequency(parted, method="lomb", convention="physionet", times_s=ends)
            time = hrv_time(window, convention="physionet")
            pairs = (("ulf", "ULF"), ("vlf", "VLF"), ("lf", "LF"), ("hf", "HF"), ("ttlpwr", "TP"))
            relative = [ours[name] / float(row[theirs]) - 1 for theirs, name in pairs]
            errors.append([*relative, time["DC"] - float(row["dc"]), time["AC"] - float(row["ac"])])
    assert len(errors) > 100
    share = np.abs(errors) <= [1e-6] * 5 + [1e-4] * 2
    assert share.mean(axis=0).min() >= 0.9


def test_kubios_detrends_by_smoothness_priors() -> None:
    """Against the definition with dense matrices; no output of Kubios is at hand."""
    x = 900.0 + np.cumsum(np.random.default_rng(0).standard_normal(120))
    d2 = np.diff(np.eye(120), 2, axis=0)
    trend = np.linalg.solve(np.eye(120) + 500.0**2 * d2.T @ d2, x)
    np.testing.assert_allclose(smoothness_priors(x, 500.0), x - trend, atol=1e-6)


def test_kubios_takes_the_drift_out_and_normalises_by_total_less_vlf() -> None:
    """Its guide: the trend that goes lies below 0.035 Hz at 4 Hz and lambda 500; n.u. = LF / (total - VLF)."""
    t = np.cumsum(np.full(400, 0.8))
    rr = 800.0 + 60.0 * np.sin(2 * np.pi * 0.01 * t) + 30.0 * np.sin(2 * np.pi * 0.1 * t)
    out = hrv_frequency(rr, convention="kubios")
    assert out["VLF"] < 0.02 * 1800.0
    assert out["LF"] == pytest.approx(450.0, rel=0.06)
    assert out["LFn"] == pytest.approx(100.0 * out["LF"] / (out["TP"] - out["VLF"]))
    assert hrv_frequency(rr)["VLF"] == pytest.approx(1800.0, rel=0.1)


def test_own_conventions_are_welcome() -> None:
    rr = 900.0 + 30.0 * np.random.default_rng(1).standard_normal(400)
    wide = dataclasses.replace(CONVENTIONS["taskforce"], hf=(0.15, 0.5), vhf=None)
    a, b = hrv_frequency(rr), hrv_frequency(rr, convention=wide)
    assert b["HF"] == pytest.approx(a["HF"] + a["VHF"])
    assert b.reasons["VHF"] == "not a band of this convention"


def test_the_table_can_be_read() -> None:
    for name, row in CONVENTIONS.items():
        assert row.source, name
        borders = [edge for band in row.bands.values() for edge in band]
        assert borders == sorted(borders), name
