"""The synthetic wearer is what its docstring says."""

from __future__ import annotations

import numpy as np
import pytest

from vitals_signal import hrv_time, nn_intervals
from vitals_signal.synthetic import SyntheticWearer, ecg, wearer

EPISODE = (3600.0, 5400.0)


@pytest.fixture(scope="module", params=[0, 1, 2])
def person(request: pytest.FixtureRequest) -> SyntheticWearer:
    return wearer(3.0, seed=request.param, episodes=[EPISODE])


def test_the_same_seed_gives_the_same_beats(person: SyntheticWearer) -> None:
    again = wearer(3.0, seed=person.seed, episodes=[EPISODE])
    np.testing.assert_array_equal(again.beats_s, person.beats_s)
    np.testing.assert_array_equal(again.ectopic, person.ectopic)
    assert not np.array_equal(wearer(3.0, seed=person.seed + 10).beats_s[:50], person.beats_s[:50])


def test_an_episode_changes_nothing_before_it(person: SyntheticWearer) -> None:
    plain = wearer(3.0, seed=person.seed)
    before = person.beats_s < EPISODE[0] - 10
    np.testing.assert_array_equal(person.beats_s[before], plain.beats_s[: before.sum()])


def test_rest(person: SyntheticWearer) -> None:
    end = person.beats_s[1:]
    rest = ~person.irregular[1:] & ((end < EPISODE[0]) | (end > EPISODE[1] + 10))
    for start, stop in person.activity:
        rest &= (end < start) | (end > stop + 180)
    hrv = hrv_time(nn_intervals(np.where(rest, person.rr_ms, np.nan)))
    assert 60 <= 60_000 / hrv["MeanNN"] <= 64
    assert 28 <= hrv["RMSSD"] <= 42
    assert 30 <= hrv["SDNN"] <= 70


def test_activity_raises_the_rate(person: SyntheticWearer) -> None:
    assert len(person.activity) >= 3
    for start, stop in person.activity:
        if stop < EPISODE[0] or start > EPISODE[1]:
            late = (person.beats_s[1:] > start + 90) & (person.beats_s[1:] < stop)
            assert 78 <= 60_000 / person.rr_ms[late].mean() <= 125


def test_fibrillation_is_fast_irregular_and_without_memory(person: SyntheticWearer) -> None:
    rr = person.rr_ms[person.irregular[1:] & person.irregular[:-1]]
    assert len(rr) > 2500
    assert 90 <= 60_000 / rr.mean() <= 112
    assert 0.18 <= rr.std() / rr.mean() <= 0.26
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(rr[lag:], rr[:-lag])[0, 1]) < 0.08


def test_truth_is_where_it_says(person: SyntheticWearer) -> None:
    times = person.beats_s[person.irregular]
    assert EPISODE[0] <= times[0] < EPISODE[0] + 2
    assert EPISODE[1] - 2 < times[-1] < EPISODE[1]
    assert person.irregular[(person.beats_s >= EPISODE[0]) & (person.beats_s < EPISODE[1])].all()
    assert person.rr_ms.min() > 250
    assert person.rr_ms.max() < 2500


def test_an_ectopic_beat_comes_early_and_its_pause_compensates() -> None:
    person = wearer(1.0, seed=4, bouts_per_hour=0, ectopics_per_hour=60)
    index = np.flatnonzero(person.ectopic)
    assert 30 <= len(index) <= 100
    rr = person.rr_ms
    assert np.all(rr[index - 1] < 0.8 * rr[index])
    pair = (rr[index - 1] + rr[index]) / 2
    assert np.all(np.abs(pair / np.median(rr) - 1) < 0.25)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hours": 0.0}, "hours"),
        ({"resting_bpm": 10.0}, "resting_bpm"),
        ({"ectopics_per_hour": -1.0}, "ectopics_per_hour"),
        ({"episodes": [(100.0, 50.0)]}, "episode"),
        ({"episodes": [(0.0, 100.0), (50.0, 200.0)]}, "episode"),
        ({"hours": 0.1, "episodes": [(0.0, 1000.0)]}, "episode"),
    ],
)
def test_impossible_wearers_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wearer(**arguments)  # type: ignore[arg-type]


def test_the_ecg_peaks_where_the_beats_are() -> None:
    beats = np.array([1.0, 1.8, 2.7, 3.3])
    signal = ecg(beats, 500.0, noise_mv=0.0, wander_mv=0.0)
    assert len(signal) == 2150
    for beat in beats:
        around = signal[round(beat * 500) - 50 : round(beat * 500) + 50]
        assert abs(int(np.argmax(around)) - 50) <= 1
        assert 0.8 < around.max() < 1.2


def test_the_ecg_takes_nothing_and_refuses_nonsense() -> None:
    assert len(ecg([], 250.0)) == 0
    assert len(ecg([], 250.0, duration_s=2.0)) == 500
    with pytest.raises(ValueError, match="fs must be"):
        ecg([1.0], 0.0)
    with pytest.raises(ValueError, match="shape"):
        ecg([1.0], 250.0, ventricular=[True, False])
