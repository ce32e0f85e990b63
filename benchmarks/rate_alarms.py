"""False alarms a day of the rate rules: `python benchmarks/rate_alarms.py DIR`; DIR holds the data sets by folder name.

Through `HeartRateStage`, as a stream of 1 Hz. The recordings know no movement: as they are, high rates are not judged.
"still" adds a motionless accelerometer, so that the whole day counts as rest: the worst case, in which every climb of
stairs is an alarm. Sets: cast_hr24h (heart rate of 24 h after infarction), nsr2db and chf2db (rate of each beat).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitals.stages.rates import HeartRateStage
from vitals.values import Block, Event, EventState, Timing

DAY_S = 86_400.0
PIECE = 3600  # seconds


def stream(bpm: NDArray[np.float64], *, still: bool) -> Iterator[Block]:
    """Hours of heart rate at 1 Hz, with motionless acceleration around where `still`."""
    values = np.rint(np.nan_to_num(bpm) * 10).astype(np.int32)
    for first in range(0, len(values), PIECE):
        part = values[first : first + PIECE]
        if still:
            flat = np.tile(np.array([[0, 0, 1000]], np.int16), (len(part), 1))
            yield Block("acc", first * 1_000_000, Timing.REGULAR, 1.0, flat, 1.0, "mg")
        yield Block("hr", first * 1_000_000, Timing.REGULAR, 1.0, part, 0.1, "bpm")


def alarms(bpm: NDArray[np.float64], *, still: bool) -> list[Event]:
    """Events of one recording, each counted once, at its end."""
    stage = HeartRateStage("hr", {})
    made = [one for block in stream(bpm, still=still) for one in stage.push(block)] + list(stage.end())
    return [one for one in made if isinstance(one, Event) and one.state is not EventState.OPEN]


def cast(folder: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    with np.load(folder / "cast_hr24h.npz") as kept:
        edges, rate = kept["offsets"], kept["hr_centibpm"] / 100.0
        for name, first, last in zip(kept["records"], edges[:-1], edges[1:], strict=True):
            yield str(name), rate[first:last]


def of_beats(data: Path, name: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    from vitals_models.datasets import read

    for recording in read(data, (name,)):
        second = np.arange(int(recording.times_us[-1] // 1_000_000)) * 1_000_000
        at = np.searchsorted(recording.times_us, second).clip(0, len(recording.rr_ms) - 1)
        rate = 60_000.0 / recording.rr_ms[at]
        rate[recording.rr_ms[at] > 3000.0] = 0.0  # a gap
        yield recording.record, rate


def main(data: Path) -> None:
    sets = {
        "cast_hr24h": cast(data / "cast_hr24h"),
        "nsr2db": of_beats(data, "nsr2db"),
        "chf2db": of_beats(data, "chf2db"),
    }
    for name, recordings in sets.items():
        kept = list(recordings)
        days = sum(len(rate) for _, rate in kept) / DAY_S
        for still in (False, True):
            events = [(record, one) for record, rate in kept for one in alarms(rate, still=still)]
            for kind in ("high_heart_rate_at_rest", "low_heart_rate"):
                own = [(record, one) for record, one in events if one.kind == kind]
                hours = sum(one.end_us - one.start_us for _, one in own) / 3.6e9
                print(
                    f"{name:10s} {'still' if still else 'as is'} {kind:24s} {len(own):4d} events in {days:5.1f} days: "
                    f"{len(own) / days:6.3f} a day, {len({r for r, _ in own})} of {len(kept)} people, {hours:.1f} h"
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
