"""The known traps of irregular rhythm through the whole stage: intervals in, events out.

Ectopy, flutter, sinus arrhythmia, apnoea cycles and missing beats raise no event; fibrillation under rate control does;
a signal that is off or torn by movement makes the stage abstain with a reason. Couplings and swings: the sources beside
each rhythm.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals.analysis import analyze
from vitals.values import Block, Event, EventState, Features, Gap, Timing, rr_block
from vitals_signal import pulse_intervals

BEATS = 800
Ints = NDArray[np.int64]


def steady(rng: np.random.Generator, middle: float = 850.0) -> NDArray[np.float64]:
    beat = np.arange(BEATS)
    return middle * (1 + 0.03 * np.sin(beat / 3.3) + 0.012 * rng.normal(size=BEATS))


def rhythm(name: str) -> NDArray[np.float64]:
    rng = np.random.default_rng(5)
    beat = np.arange(BEATS)
    rr = steady(rng)
    if name.startswith("fibrillation"):
        # Spread of 22 % about the mean, no shorter than the node lets pass (Bootsma 1970; Conrath 2004).
        middle = 1150.0 if name.endswith("medicated slow") else 700.0
        return middle * np.maximum(0.55 + 0.45 * rng.gamma(5.0, 0.2, BEATS), 0.45)
    if name == "flutter, block 2:1 and 4:1 in runs":  # atrial cycle of 210 ms
        return np.where((beat // 24) % 2 == 0, 420.0, 840.0) + 5 * rng.normal(size=BEATS)
    if name == "flutter, steady block":
        return 420.0 + 4 * rng.normal(size=BEATS)
    if name == "bigeminy":
        rr[0::2] *= 0.6
        rr[1::2] *= 1.4
    if name == "every fifth beat ectopic":
        at = np.arange(3, BEATS - 1, 5)
        rr[at] *= rng.normal(0.6, 0.02, len(at))
        rr[at + 1] *= rng.normal(1.4, 0.02, len(at))
    if name == "sinus arrhythmia of the young":
        rr = 900 * (1 + 0.12 * np.sin(2 * np.pi * beat / 5.2)) * (1 + 0.015 * rng.normal(size=BEATS))
    if name == "apnoea cycles":  # cyclical variation of the rate over 40 beats (Guilleminault 1984)
        rr = 850 * (1 + 0.2 * np.sin(2 * np.pi * beat / 40)) * (1 + 0.012 * rng.normal(size=BEATS))
    if name == "every twelfth beat missed":
        rr[np.arange(5, BEATS, 12)] *= 2
    return rr


def blocks(rr_ms: NDArray[np.float64], kind: str = "rr") -> list[Block]:
    ticks = np.rint(rr_ms * 1.024).astype(np.int64)
    whole = rr_block(0, ticks, 1024.0)
    return [Block(kind, 0, whole.timing, whole.rate_hz, whole.values, whole.scale, whole.unit)]


def events(items: list[Block | Gap]) -> list[Event]:
    return [one for one in analyze(items) if isinstance(one, Event) and one.kind == "irregular_rhythm"]


@pytest.mark.parametrize("kind", ["rr", "ppi"])
@pytest.mark.parametrize(
    "trap",
    [
        "steady",
        "flutter, block 2:1 and 4:1 in runs",
        "flutter, steady block",
        "bigeminy",
        "every fifth beat ectopic",
        "sinus arrhythmia of the young",
        "apnoea cycles",
        "every twelfth beat missed",
    ],
)
def test_a_trap_raises_no_event(trap: str, kind: str) -> None:
    assert events(list(blocks(rhythm(trap), kind))) == []


@pytest.mark.parametrize("kind", ["rr", "ppi"])
@pytest.mark.parametrize("name", ["fibrillation", "fibrillation, medicated slow"])
def test_fibrillation_is_one_event_at_any_rate(name: str, kind: str) -> None:
    closed = [one for one in events(list(blocks(rhythm(name), kind))) if one.state is not EventState.OPEN]
    assert len(closed) == 1
    assert closed[0].source == kind
    assert closed[0].end_us - closed[0].start_us > 0.9 * rhythm(name).sum() * 1e3


def test_pulse_intervals_off_by_ten_milliseconds_change_nothing() -> None:
    """What an optical sensor adds (facts of the sets: 10 ms), to sinus rhythm and to fibrillation."""
    rng = np.random.default_rng(8)
    for name, found in (("steady", False), ("apnoea cycles", False), ("fibrillation, medicated slow", True)):
        noisy = rhythm(name) + np.diff(rng.normal(0, 10, BEATS + 1))
        assert bool(events(list(blocks(noisy, "ppi")))) is found


def test_lead_off_is_a_gap_and_no_window_reaches_over_it() -> None:
    rr = rhythm("fibrillation")
    first, second = blocks(rr[:400])[0], blocks(rr[400:])[0]
    silent = first.end_us + 600_000_000
    later = Block("rr", silent, second.timing, second.rate_hz, second.values, second.scale, second.unit)
    made = list(analyze([first, Gap("rr", first.end_us, silent, "no data"), later]))
    windows = [one for one in made if isinstance(one, Features) and one.made_by.algorithm == "irregular-rhythm"]
    assert windows
    assert not any(one.start_us < first.end_us and one.end_us > silent for one in windows)
    ends = [one for one in made if isinstance(one, Event) and one.state is not EventState.OPEN]
    assert [one.state for one in ends] == [EventState.CUT, EventState.CUT]  # before the silence, and at the end
    assert ends[0].end_us <= first.end_us


def test_too_many_artefacts_make_it_abstain_with_a_reason() -> None:
    """Motion: every sixth interval is implausibly short, the rest steady."""
    rr = rhythm("steady")
    rr[::6] = 120.0
    made = list(analyze(list(blocks(rr))))
    windows = [one for one in made if isinstance(one, Features) and one.made_by.algorithm == "irregular-rhythm"]
    assert windows
    assert all(one.reason == "too many implausible intervals" for one in windows)
    assert all(np.isnan(one.values["irregular_probability"]) for one in windows)
    assert all(one.values["doubt"] == 1.0 for one in windows)
    assert not events(list(blocks(rr)))


def test_movement_in_an_optical_signal_raises_nothing() -> None:
    """A steady pulse under bursts of movement, 20 times its own size: what the beats lose is a gap."""
    rng = np.random.default_rng(4)
    fs, minutes = 50.0, 8
    t = np.arange(int(fs * 60 * minutes)) / fs
    phase = 2 * np.pi * np.cumsum(1.2 + 0.03 * np.sin(2 * np.pi * 0.25 * t)) / fs
    ppg = np.sin(phase) + 0.4 * np.sin(2 * phase + 1.0) + 0.02 * rng.normal(size=len(t))
    for start in range(20, 60 * minutes - 20, 40):
        burst = slice(int(start * fs), int((start + 12) * fs))
        count = burst.stop - burst.start
        ppg[burst] += 20 * np.cumsum(rng.normal(size=count)) / np.sqrt(count) * np.sin(2 * np.pi * 1.7 * t[burst])
    found = pulse_intervals(ppg, fs)
    items: list[Block | Gap] = []
    run: list[int] = []
    begin = 0
    for time_us, rr_ms in zip(found.time_us, found.rr_ms, strict=True):
        if np.isnan(rr_ms):
            if run:
                items.append(Block("ppi", begin, Timing.INTERVAL, 1000.0, np.array(run), 1.0, "ms"))
            items.append(Gap("ppi", int(time_us) - 1, int(time_us), "implausible"))
            run = []
        else:
            begin = int(time_us) - round(rr_ms * 1000) if not run else begin
            run.append(round(rr_ms))
    assert sum(len(one) for one in items if isinstance(one, Block)) > 150
    assert events(items) == []
