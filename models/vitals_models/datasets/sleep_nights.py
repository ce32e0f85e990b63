"""Reader of nights with movement, heart-rate variation and stages per 30-s epoch (Walch 2019, published features).

Laws
1. Whatever nights lie in the folder are read, so that subjects kept apart can be scored in the same layout.
2. `stage` is 0 awake, 1 NREM (N1 to N4), 2 REM, -1 not scored; nothing is filtered or filled in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import DataError

FOLDER: Final = "walch_sleep_features"
_STAGE: Final = {0: 0, 1: 1, 2: 1, 3: 1, 4: 1, 5: 2}


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """One night of one person; arrays are (n,), one entry per 30-s epoch."""

    subject: str
    activity: NDArray[np.float64]  # smoothed counts
    hr_variation: NDArray[np.float64]
    hours: NDArray[np.float64]  # since lights out
    stage: NDArray[np.int8]  # law 2

    @property
    def key(self) -> str:
        return f"{FOLDER}/{self.subject}"


def read_nights(data_dir: str | Path, subjects: Collection[str] | None = None) -> Iterator[Night]:
    """Every night of the set below `data_dir`, in order of name; `subjects`: names or keys, None for all.

    Raises DataError where the set or a wanted subject is missing or a file is damaged.
    """
    folder = Path(data_dir) / FOLDER
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise DataError(f"no nights of {FOLDER} in {folder}; give the folder that holds the sets by folder name")
    wanted = None if subjects is None else {name.removeprefix(f"{FOLDER}/") for name in subjects}
    if wanted is not None and (missing := sorted(wanted - {path.stem for path in paths})):
        raise DataError(f"no nights named {', '.join(missing)} in {FOLDER}")
    for path in paths:
        if wanted is None or path.stem in wanted:
            yield _night(path)


def _night(path: Path) -> Night:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = ("count_feature", "hr_feature", "time_feature", "psg_labels")
            activity, variation, hours, labels = (np.asarray(archive[name], dtype=np.float64) for name in names)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"night {path.stem} of {FOLDER} cannot be read: {error}") from error
    if not activity.shape == variation.shape == hours.shape == labels.shape or activity.ndim != 1:
        raise DataError(f"night {path.stem} of {FOLDER} has columns of different lengths")
    stage = np.array([_STAGE.get(int(one), -1) if one == one else -1 for one in labels], dtype=np.int8)
    return Night(path.stem, activity, variation, hours, stage)
