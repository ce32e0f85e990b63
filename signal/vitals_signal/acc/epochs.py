"""Values of a recording epoch by epoch, with how much of each epoch was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vitals_signal.windows.window import FeatureWindow

Floats = NDArray[np.float64]

TOO_LITTLE_DATA: Final = "too little data"


@dataclass(frozen=True, slots=True, eq=False)
class EpochSeries:
    """Epochs in rows, values in columns; `numpy.asarray` gives the values. A row with too little data is NaN."""

    names: tuple[str, ...]
    values: Floats
    """(epochs, names)."""
    coverage: Floats
    """Share of each epoch's samples that are there, 0..1."""
    epoch_s: float
    method: str
    start_us: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype, copy=copy)

    def __getitem__(self, name: str) -> Floats:
        """One column. Raises ValueError for a name that is none of `names`."""
        if name not in self.names:
            raise ValueError(f"no {name!r} in {self.method}, which has {', '.join(self.names)}")
        return self.values[:, self.names.index(name)]

    def reason(self, epoch: int) -> str | None:
        """Why the values of an epoch are NaN; None if any stands."""
        return TOO_LITTLE_DATA if np.isnan(self.values[epoch]).all() else None

    def window(self, epoch: int) -> FeatureWindow:
        """One epoch as it would come from the stream."""
        row = self.values[epoch]
        return FeatureWindow(
            start_us=self.start_us + round(epoch * self.epoch_s * 1e6),
            end_us=self.start_us + round((epoch + 1) * self.epoch_s * 1e6),
            values=dict(zip(self.names, row.tolist(), strict=True)),
            coverage=float(self.coverage[epoch]),
            corrected_share=0.0,
            method=self.method,
            reason=self.reason(epoch),
            reasons={name: TOO_LITTLE_DATA for name, bad in zip(self.names, np.isnan(row), strict=True) if bad},
        )

    def windows(self, first: int = 0) -> list[FeatureWindow]:
        return [self.window(epoch) for epoch in range(first, len(self))]
