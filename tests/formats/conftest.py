"""The wfdb package is the oracle of this room; on newer pandas its import warns, which would be an error here."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb  # noqa: F401
