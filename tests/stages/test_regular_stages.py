"""Stages over regular samples: the same for any blocks, gaps told, times of the device's clock, live as offline."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals.analysis import Analysis
from vitals.offline import analyze
from vitals.stages import Derived
from vitals.store import Store, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Event, Features, Gap, Timing
from vitals_signal import synthetic

FS = 50.0
Values = NDArray[np.float64]
RNG = np.random.default_rng(3)


def worn() -> tuple[Values, Values]:
    """Two minutes of a pulse at 72 per minute and of a moving wrist."""
    t = np.arange(int(120 * FS)) / FS
    ppg = np.sin(2 * np.pi * 1.2 * t) + 0.3 * np.sin(2 * np.pi * 2.4 * t + 1) + 0.02 * RNG.standard_normal(len(t))
    acc = np.column_stack((0.2 * np.sin(2 * np.pi * 1.9 * t), 0.1 * np.cos(2 * np.pi * 1.9 * t), np.ones(len(t))))
    return ppg, acc


PPG, ACC = worn()


def blocks(kind: str, values: Values, cuts: list[int], fs: float = FS, t0: int = 0) -> list[Block]:
    """Values in thousandths of their unit, NaN as far outside as a converter goes."""
    edges = [0, *sorted({c for c in cuts if 0 < c < len(values)}), len(values)]
    unit = {"acc": "g", "ppg": "", "ecg": "mV"}[kind]
    counts = np.nan_to_num(np.rint(values * 1000)).astype(np.int64)
    return [
        Block(kind, t0, Timing.REGULAR, fs, counts[a:b], 0.001, unit, first=a) for a, b in itertools.pairwise(edges)
    ]


def run(items: list[Block | Gap]) -> list[Derived]:
    analysis = Analysis()
    return [one for item in items for one in analysis.push(item)] + analysis.end()


def shown(derived: list[Derived], source: str, shift: int = 0) -> list[tuple[object, ...]]:
    """Everything that hangs on a kind, to the last bit."""
    out: list[tuple[object, ...]] = []
    for one in derived:
        if one.source != source:
            continue
        span = (one.start_us - shift, one.end_us - shift, one.made_by.algorithm)
        if isinstance(one, Event):
            out.append((*span, one.kind, one.state, float(one.score).hex()))
        else:
            out.append((*span, *(float(v).hex() for v in one.values.values()), one.coverage, one.reason))
    return out


def by_time(*lines: list[Block]) -> list[Block | Gap]:
    return sorted((block for line in lines for block in line), key=lambda block: block.start_us)


WHOLE = run(by_time(blocks("ppg", PPG, list(range(0, len(PPG), 50))), blocks("acc", ACC, list(range(0, len(ACC), 50)))))


def test_the_pulse_is_found_under_motion_and_names_its_maker() -> None:
    rates = [one for one in WHOLE if isinstance(one, Features) and one.made_by.algorithm == "pulse-rate"]
    assert len(rates) > 50
    late = [one.values["pulse_rate_bpm"] for one in rates[10:]]
    assert abs(float(np.median(late)) - 72.0) < 1.5
    assert [one.end_us - one.start_us for one in rates[:3]] == [8_000_000] * 3
    minutes = [one for one in WHOLE if isinstance(one, Features) and one.source == "acc" and "enmo" in one.values]
    assert len(minutes) == 2
    assert all(0.0 <= one.values["mad"] < 1.0 for one in minutes)


CUTS = st.lists(st.integers(1, len(PPG)), max_size=20)


@settings(max_examples=15, deadline=None)
@given(CUTS, CUTS, st.integers(0, 8), st.integers(-(10**15), 10**15))
def test_neither_blocks_nor_interleaving_nor_the_zero_of_time_change_a_result(
    ppg_cuts: list[int], acc_cuts: list[int], late: int, zero: int
) -> None:
    """Pieces of at most five seconds, one kind up to eight seconds behind the other."""
    fine = list(range(0, len(PPG), 250))
    ppg, acc = blocks("ppg", PPG, [*ppg_cuts, *fine], t0=zero), blocks("acc", ACC, [*acc_cuts, *fine], t0=zero)
    items = sorted([*ppg, *acc], key=lambda block: block.start_us + (late * 1_000_000 if block.kind == "acc" else 0))
    again = run(list(items))
    for source in ("ppg", "acc"):
        assert shown(again, source, zero) == shown(WHOLE, source)


def test_a_short_gap_is_missing_samples_and_a_long_one_a_new_run() -> None:
    first, second = blocks("acc", ACC, [3000])
    for seconds, starts, coverage in ((4, [0, 60_000_000], 56 / 60), (30, [0, 90_000_000], 1.0)):
        moved = replace(second, t0_us=second.t0_us + seconds * 1_000_000)
        found = [one for one in run([first, moved]) if isinstance(one, Features) and "enmo" in one.values]
        assert [one.start_us for one in found] == starts
        assert found[1].coverage == pytest.approx(coverage, abs=0.01)


def test_windows_follow_the_clock_of_the_device() -> None:
    """A device that runs slow: each second of its samples is anchored 20 ms later than its own count says."""
    pieces = [replace(block, t0_us=n * 20_000) for n, block in enumerate(blocks("acc", ACC, list(range(0, 6000, 50))))]
    found = [one for one in run(list(pieces)) if isinstance(one, Features) and "enmo" in one.values]
    assert [one.start_us for one in found] == [0, 61_200_000]


def quality(derived: list[Derived]) -> list[Derived]:
    """What the quality of an ECG gave, without other stages of it."""
    return [one for one in derived if one.made_by.algorithm == "ecg-quality"]


@pytest.mark.parametrize("bad", [np.zeros(6000), np.full(6000, 5.0), RNG.standard_normal(6000) * 1e6])
def test_an_ecg_that_is_none_is_poor_and_says_so(bad: Values) -> None:
    found = quality(run(list(blocks("ecg", bad, list(range(0, 6000, 130))))))
    windows = [one for one in found if isinstance(one, Features)]
    assert len(windows) == 12
    assert all(one.values["sqi"] < 0.3 for one in windows)
    assert {one.kind for one in found if isinstance(one, Event)} == {"poor_signal"}


def test_a_clean_ecg_is_not_poor() -> None:
    beats = synthetic.wearer(0.05, seed=2).beats_s
    found = quality(run(list(blocks("ecg", synthetic.ecg(beats, 130.0), list(range(0, 20_000, 73)), fs=130.0))))
    assert np.median([one.values["sqi"] for one in found if isinstance(one, Features)]) > 0.8
    assert not [one for one in found if isinstance(one, Event)]


def everything(store: Store) -> Iterator[tuple[object, ...]]:
    for row in store.feature_rows():
        f = row.features
        yield (f.source, f.start_us, f.end_us, f.made_by.algorithm, *(float(v).hex() for v in f.values.values()))


def test_live_and_offline_give_the_same(tmp_path: Path) -> None:
    key = recovery(new_recovery_code())
    fine = list(range(0, len(PPG), 50))
    items = by_time(blocks("ppg", PPG, fine), blocks("acc", ACC, fine))
    with Store.create(tmp_path / "live", key) as live, Store.create(tmp_path / "later", key) as later:
        for store in (live, later):
            analysis = Analysis()
            with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=10**15) as session:
                for item in items:
                    assert isinstance(item, Block)
                    session.append(item)
                    for one in analysis.push(item) if store is live else []:
                        session.features(one) if isinstance(one, Features) else session.event(one)
                for one in analysis.end() if store is live else []:
                    session.features(one) if isinstance(one, Features) else session.event(one)
        later.compact()
        list(analyze(later))
        ours, theirs = sorted(everything(live)), sorted(everything(later))
        assert len(ours) > 50
        assert ours == theirs
