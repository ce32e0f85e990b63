"""A real Axivity AX3 recording (wrist, 100 Hz, 8 g): the numbers of peers on the same samples."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_signal import acc_metrics, acc_window_features, activity_counts, calibrate_acc, mims_units, resample_acc

Floats = NDArray[np.float64]

# On the same samples: agcounts 0.2.6 get_counts(x, 100, 60); skdh 0.17.18 metric_enmo, metric_mad, metric_en with
# wlen=6000; wristpy 0.2.10 monitor_independent_movement_summary_units, epoch=60, dynamic_range=(-8, 8).
AGCOUNTS = [[2220, 1824, 1902], [746, 872, 1192], [59, 10, 38], [1028, 538, 1453], [482, 458, 813]]
SKDH = {
    "enmo": [0.0462280083, 0.0250479667, 0.0123814336, 0.0240321159, 0.0152101963],
    "mad": [0.0800971196, 0.0339679248, 0.0082785423, 0.038344531, 0.0244270221],
    "en": [1.0132386564, 1.0129078193, 1.0110779373, 1.0101117283, 1.0056430467],
}
WRISTPY_MIMS = [18.586305826314767, 12.132766331744635, 0.7081389638168009, 9.877949467475872, 7.31723195545902]


@pytest.fixture(scope="module")
def ax3(shared: Path) -> Floats:
    data = (shared / "data" / "device_exports" / "ggirread" / "ax3test.wav").read_bytes()
    at = 12
    while data[at : at + 4] != b"data":
        at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    steps = np.frombuffer(data, "<i2", (len(data) - at - 8) // 8 * 4, at + 8).reshape(-1, 4)
    acc: Floats = steps[:, :3] * (8 / 32768)
    return acc


def test_counts_are_agcounts(ax3: Floats) -> None:
    np.testing.assert_array_equal(activity_counts(ax3, 100, 60).values, AGCOUNTS)


@pytest.mark.parametrize("name", sorted(SKDH))
def test_metrics_are_skdhs(ax3: Floats, name: str) -> None:
    assert acc_metrics(ax3, 100, 60.0, (name,))[name] == pytest.approx(SKDH[name], rel=1e-8)


def test_mims_agree_with_wristpy(ax3: Floats) -> None:
    assert mims_units(ax3, 100)["mims"] == pytest.approx(WRISTPY_MIMS, rel=5e-3)


def test_five_minutes_show_too_few_attitudes_to_calibrate(ax3: Floats) -> None:
    fit = calibrate_acc(ax3, 100)
    assert fit.reason in ("too little rest", "too few attitudes")
    assert fit.error_before_g < 0.03


def test_halving_the_rate_leaves_windows_alike(ax3: Floats) -> None:
    times = np.arange(len(ax3)) * 10_000.0
    half = resample_acc(times, ax3, 50.0)
    assert half.coverage == 1.0
    assert half.jitter_us < 1.0
    a, b = acc_window_features(ax3, 100, 10.0), acc_window_features(half.acc_g, 50, 10.0)
    for name in ("vm_mean", "x_median", "angle_z_deg", "gravity_g", "tilt_mean_deg", "y_share_1_2", "x_dominant_hz"):
        difference = np.abs(a.column(name) - b.column(name))
        assert np.median(difference) <= 0.02 * max(1.0, float(np.median(np.abs(a.column(name))))), name
    assert not a.code.any()
