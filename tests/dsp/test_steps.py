"""Steps: right on synthetic gait at any rate, plausible on real wrists, the same for any split of the samples."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_signal import StepStream, steps
from vitals_signal.synthetic import Bout, add_dropouts, motion

RATES = (20.0, 25.0, 31.25, 50.0, 64.0, 100.0)


@pytest.mark.parametrize("fs", RATES)
@pytest.mark.parametrize(("kind", "cadence"), [("walk", 80), ("walk", 110), ("walk", 130), ("run", 165)])
def test_known_steps_are_counted_and_placed(fs: float, kind: str, cadence: int) -> None:
    truth = motion([Bout("sit", 20), Bout(kind, 60, cadence), Bout("hands", 30)], fs, seed=cadence)  # type: ignore[arg-type]
    found = steps(truth.acc_g, fs).times_s
    walked = found[(found > 19) & (found < 82)]
    assert len(walked) == pytest.approx(len(truth.steps_s), rel=0.04)
    assert len(found) - len(walked) <= 6  # hands at work may pass for a few
    inside = truth.steps_s[(truth.steps_s > 23) & (truth.steps_s < 77)]
    nearest = np.abs(found[:, None] - inside).min(axis=0)
    assert np.median(nearest) < 0.12 * 60 / cadence


def test_hands_and_sleep_take_no_steps() -> None:
    assert len(steps(motion([Bout("hands", 300), Bout("sleep", 600)], 50).acc_g, 50).times_s) <= 6


@settings(max_examples=15, deadline=None)
@given(st.data(), st.sampled_from([20.0, 31.25, 100.0]), st.integers(0, 100))
def test_any_split_gives_the_steps_of_the_whole(data: st.DataObject, fs: float, seed: int) -> None:
    script = [Bout("sit", 3), Bout("walk", 15, 105), Bout("hands", 4), Bout("run", 12)]
    acc = add_dropouts(motion(script, fs, seed=seed).acc_g, fs, per_hour=200, mean_s=1.0, seed=seed).signal
    cuts = sorted({0, len(acc), *data.draw(st.lists(st.integers(0, len(acc)), max_size=12))})
    stream, parts = StepStream(fs), []
    for begin, end in pairwise(cuts):
        parts += stream.update(acc[begin:end])
        stream = StepStream.from_bytes(stream.to_bytes())
    parts += stream.end()
    whole = steps(acc, fs).times_s
    assert len(parts) == len(whole)
    assert np.allclose(parts, whole, rtol=0, atol=1e-9)


def test_the_sensor_may_be_turned() -> None:
    acc = motion([Bout("walk", 40)], 50).acc_g
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    assert np.allclose(steps(acc @ turn, 50).times_s, steps(acc, 50).times_s)


def test_a_gap_is_not_walked_over() -> None:
    acc = motion([Bout("walk", 60, 110)], 50).acc_g
    acc[20 * 50 : 40 * 50] = np.nan
    result = steps(acc, 50)
    assert not ((result.times_s > 20.2) & (result.times_s < 39.8)).any()
    assert len(result.times_s) == pytest.approx(40 * 110 / 60, abs=6)
    assert result.coverage == pytest.approx(2 / 3, abs=0.01)
    windows = result.windows(20)
    assert [w.reason is None for w in windows] == [True, False, True]
    assert np.isnan(windows[1].values["steps"])
    assert windows[0].values["walking_cadence_spm"] == pytest.approx(110, rel=0.05)
    stream = StepStream(50)
    told = [*stream.update(acc[:1000]), *stream.gap(1000), *stream.update(acc[2000:]), *stream.end()]
    assert told == pytest.approx(result.times_s.tolist())


RNG = np.random.default_rng(0)
FAILURES: dict[str, NDArray[np.float64]] = {
    "nothing": np.empty((0, 3)),
    "one": np.ones((1, 3)),
    "flat": np.zeros((2000, 3)),
    "noise": RNG.standard_normal((2000, 3)),
    "missing": np.full((2000, 3), np.nan),
    "infinite": np.full((2000, 3), np.inf),
    "huge": RNG.standard_normal((2000, 3)) * 1e150,
    "tiny": RNG.standard_normal((2000, 3)) * 1e-150,
    "saturated": np.clip(RNG.standard_normal((2000, 3)) * 1e6, -8, 8),
}


@pytest.mark.parametrize("acc", FAILURES.values(), ids=FAILURES.keys())
def test_sensor_failures_give_a_reason_or_no_steps(acc: NDArray[np.float64]) -> None:
    result = steps(acc, 50)
    assert np.all(np.diff(result.times_s) > 0)
    assert (result.reason is None) == (result.coverage > 0)
    assert all((w.reason is None) or np.isnan(w.values["steps"]) for w in result.windows(5))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="fs"):
        steps(np.zeros((10, 3)), 5)
    with pytest.raises(ValueError, match="acc_g"):
        steps(np.zeros((10, 2)), 50)
    with pytest.raises(ValueError, match="window_s"):
        steps(np.zeros((10, 3)), 50).windows(0)
    with pytest.raises(ValueError, match="samples"):
        StepStream(50).gap(-1)


def test_real_wrists_walk_at_a_plausible_cadence_and_type_and_eat_without_steps(shared: Path) -> None:
    """Plausibility, not accuracy: WISDM has no step counts. The detector's thresholds were set with these wearers."""
    rate: dict[str, float] = {}
    for activity in "ABFL":
        taken, minutes = 0, 0.0
        for path in sorted((shared / "data" / "wisdm51_watch_acc").glob("*.npz"))[:3]:
            with np.load(path) as recording:
                chosen = recording["label"] == np.flatnonzero(recording["label_names"] == activity)
                acc = recording["acc"][chosen].astype(np.float64) / 9.80665
            taken += len(steps(acc, 20.0).times_s)
            minutes += len(acc) / 20.0 / 60.0
        rate[activity] = taken / minutes
    assert 80 <= rate["A"] <= 140  # walking
    assert 120 <= rate["B"] <= 190  # jogging
    assert rate["F"] < 5  # typing
    assert rate["L"] < 5  # eating


def test_streams_of_motion_and_sleep_load_numpy_only() -> None:
    code = """
import sys, numpy as np, vitals_signal as dsp
acc = dsp.synthetic.motion([dsp.synthetic.Bout("walk", 20), dsp.synthetic.Bout("fall", 8)], 50).acc_g
for stream in (dsp.StepStream(50), dsp.FallStream(50)):
    assert stream.update(acc) + stream.end()
assert dsp.SleepWakeStream().update(np.zeros(30))
dsp.gait_regularity(acc, 50), dsp.sit_stand(acc, 50), dsp.sleep_features(np.ones(50), np.ones(50))
dsp.rest_activity(np.arange(72.0) % 24, 3600), dsp.sleep_window(np.zeros(5000))
print(*sorted({name.split(".")[0] for name in sys.modules} & {"scipy", "pandas", "sklearn", "vitals"}))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
