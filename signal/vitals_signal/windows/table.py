"""Features of many windows as one array, with how far each can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals_signal.windows.window import FeatureWindow


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Windows in rows, features in columns; every NaN has its why in `code`."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    """(windows, features); NaN where `code` is not 0."""
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    coverage: NDArray[np.float64]
    """Share of each window that original samples account for, 0..1."""
    corrected_share: NDArray[np.float64]
    """Share of each window that was filled in over gaps too short to matter, 0..1."""
    method: str
    code: NDArray[np.uint8]
    """(windows, features): index into `why`; 0 where the value stands."""
    why: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> NDArray[np.float64]:
        """One feature over all windows. Raises ValueError for a name that is none of `names`."""
        if name not in self.names:
            raise ValueError(f"no feature {name!r} in {self.method}")
        return self.values[:, self.names.index(name)]

    def window(self, index: int) -> FeatureWindow:
        """One window as it would come from the stream."""
        codes = self.code[index]
        same = bool(codes.all()) and bool((codes == codes[0]).all())
        reasons = {self.names[j]: self.why[codes[j]] for j in np.flatnonzero(codes).tolist()}
        return FeatureWindow(
            start_us=int(self.start_us[index]),
            end_us=int(self.end_us[index]),
            values=dict(zip(self.names, self.values[index].tolist(), strict=True)),
            coverage=float(self.coverage[index]),
            corrected_share=float(self.corrected_share[index]),
            method=self.method,
            reason=self.why[codes[0]] if same else None,
            reasons=reasons,
        )

    def windows(self) -> list[FeatureWindow]:
        return [self.window(index) for index in range(len(self))]
