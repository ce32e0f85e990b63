"""Arrays in, arrays out: DSP for heart rate and motion; numpy and SciPy only.

Laws of this package:
1. Names carry their units (`ecg_mv`, `rr_ms`, `fs` in Hz). NaN is missing, never zero.
2. No function raises on what a sensor may send: noise, flat line, saturation, NaN, nothing. Wrong arguments raise
   ValueError.
3. Importing it loads numpy only; each name is loaded when it is first used.

A room is a folder and lists its public names; all of them are names of this package too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitals_signal import acc, ecg, filters, ppg, rr, sleep, windows
from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal import synthetic
    from vitals_signal.acc import *
    from vitals_signal.ecg import *
    from vitals_signal.filters import *
    from vitals_signal.ppg import *
    from vitals_signal.rr import *
    from vitals_signal.sleep import *
    from vitals_signal.windows import *

__all__ = ["synthetic"]
__all__ += ecg.__all__
__all__ += ppg.__all__
__all__ += rr.__all__
__all__ += acc.__all__
__all__ += sleep.__all__
__all__ += windows.__all__
__all__ += filters.__all__

_HOME = {
    name: room.__name__.rpartition(".")[2]
    for room in (ecg, ppg, rr, acc, sleep, windows, filters)
    for name in room.__all__
}

__getattr__, __dir__ = lazy("vitals_signal", {**_HOME, "synthetic": ""})
