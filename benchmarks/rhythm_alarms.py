"""False alarms a day and episodes found, through the real path: import, analyze, events of an encrypted store.

python run.py bench rhythm_alarms DATA [--shipped] [--only SUBSTRING]

DATA holds nsr2db (imported as WFDB annotations), chf2db and afdb_rr (written as RR text first). Every person is judged
by a model that was trained without that person's fold; with --shipped by the shipped one, which has seen the people of
its card: use it on others. An event that touches no annotated fibrillation is a false alarm; nsr2db and chf2db have no
marks, so that all events there count as false. Intervals: exact Poisson, 95 % (Garwood 1936).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import vitals
from vitals import analysis
from vitals.offline import analyze, import_recording
from vitals.stages import STAGES
from vitals_models import Model, load
from vitals_models.datasets import DATASETS, Recording, read
from vitals_models.training import irregular_rhythm as recipe
from vitals_models.training.fitting import fit, folds
from vitals_models.training.shipping import ship
from vitals_models.training.validation import OUTER_FOLDS
from vitals_models.training.windows import collect

SETS = ("nsr2db", "chf2db", "afdb_rr")
LONG_US = 300e6  # an episode of five minutes has to be found
Span = tuple[float, float]


def fold_models(data: Path, folder: Path, seed: int = 0) -> dict[str, Model]:
    """For each record the model that was trained without its fold."""
    held_out = set(recipe.HELD_OUT)
    used = [one for one in read(data, DATASETS) if one.key not in held_out and len(one.rr_ms) >= 64]
    windows = collect(used)
    everyone = np.arange(len(windows.keys))
    card = load(recipe.NAME).card
    found: dict[str, Model] = {}
    for number, fold in enumerate(folds(windows, everyone, OUTER_FOLDS, seed)):
        fitted = fit(windows, np.setdiff1d(everyone, fold), seed=seed)
        threshold = float(1.0 / (1.0 + np.exp(-fitted.logit)))
        made = replace(
            card, mean=tuple(map(float, fitted.mean)), std=tuple(map(float, fitted.std)), threshold=threshold
        )
        ship(made, fitted.network, folder / str(number))
        model = load(folder / str(number) / f"{card.name}.tflite")
        found |= {windows.keys[record]: model for record in fold}
    return found


def episodes(recording: Recording, times_us: NDArray[np.float64]) -> list[Span]:
    """Annotated fibrillation, from the beat before its first interval to that which ends its last one."""
    edge = np.diff(np.concatenate(([0], (recording.rhythm == 1).astype(int), [0])))
    begins, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1
    return [(times_us[b] - recording.rr_ms[b] * 1e3, times_us[e]) for b, e in zip(begins, ends, strict=True)]


def alarms(source: Path, model: Model | None, store_path: Path) -> list[Span]:
    """Events of irregular rhythm that the whole path makes of a file."""
    with vitals.Store.open(store_path, key=vitals.passphrase("a benchmark"), create=True) as store:
        import_recording(store, source)
        list(analyze(store, model=model))
        rows = store.event_rows()
    return [(row.event.start_us, row.event.end_us) for row in rows if row.event.kind == "irregular_rhythm"]


def touches(one: Span, others: list[Span]) -> bool:
    return any(one[0] <= other[1] and one[1] >= other[0] for other in others)


def garwood(count: int, days: float) -> str:
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return f"{count / days:.2f} [{low / days:.2f}, {chi2.ppf(0.975, 2 * count + 2) / 2 / days:.2f}]"


def sources(data: Path, only: str, folder: Path) -> Iterator[tuple[Recording, Path, list[Span]]]:
    """Each record, the file to import, and its episodes on the clock of that file."""
    for recording in read(data, SETS):
        if only not in recording.key:
            continue
        if recording.dataset == "nsr2db":
            yield recording, data / "nsr2db" / f"{recording.record}.hea", []
        else:
            path = folder / f"{recording.record}.txt"
            path.write_text("# unit: ms\n" + "\n".join(f"{rr:.4f}" for rr in recording.rr_ms) + "\n")
            yield recording, path, episodes(recording, np.cumsum(recording.rr_ms) * 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--only", default="", help="only records whose name holds this")
    arguments = parser.parse_args()
    # The other stages do not touch these events and cost minutes.
    analysis.STAGES = tuple(one for one in STAGES if one.module == "rhythm")  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        models = {} if arguments.shipped else fold_models(arguments.data, folder)
        total: dict[str, list[float]] = {}
        for recording, path, truth in sources(arguments.data, arguments.only, folder):
            found = alarms(path, models.get(recording.key), folder / recording.key.replace("/", "-"))
            days = float(np.sum(recording.rr_ms)) / 86_400e3
            false = sum(not touches(one, truth) for one in found)
            long = [one for one in truth if one[1] - one[0] >= LONG_US]
            row = [days, false, len(long), sum(touches(one, found) for one in long), len(truth)]
            row.append(sum(touches(one, found) for one in truth))
            total[recording.dataset] = [a + b for a, b in zip(total.get(recording.dataset, [0] * 6), row, strict=True)]
            if false or truth:
                print(f"  {recording.key}: {false} false in {days:.2f} days, {row[3]} of {len(long)} long episodes")
    for name, row in total.items():
        print(
            f"{name:8} {row[0]:6.1f} days, false alarms a day {garwood(int(row[1]), row[0])}; episodes of 5 minutes "
            f"{row[3]:g} of {row[2]:g}, of any length {row[5]:g} of {row[4]:g}"
        )


if __name__ == "__main__":
    main()
