"""Butterworth filters as second-order sections, designed with numpy alone (bilinear transform, prewarped edges)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from vitals_signal.acc.block_filter import Section


@lru_cache(maxsize=64)
def butterworth(order: int, low_hz: float | None, high_hz: float | None, fs: float) -> tuple[Section, ...]:
    """Sections of a low-pass (`low_hz` None), high-pass (`high_hz` None) or band-pass of even `order`.

    As `scipy.signal.butter(order, ..., output="sos")`, a band-pass having twice the order; each section has the gain 1
    where the whole has its greatest. Raises ValueError for an odd order or an edge beyond half of `fs`.
    """
    if order < 2 or order % 2:
        raise ValueError(f"order must be even, not {order}")
    for edge in (low_hz, high_hz):
        if edge is not None and not 0.0 < edge < 0.5 * fs:
            raise ValueError(f"fs must be above {2 * edge:g} Hz for a filter with an edge at {edge:g} Hz, not {fs:g}")
    prototype = np.exp(1j * np.pi * (2 * np.arange(order // 2) + order + 1) / (2 * order))
    low, high = (None if edge is None else 2 * fs * np.tan(np.pi * edge / fs) for edge in (low_hz, high_hz))
    if low is None and high is not None:
        poles, numerator, reference = high * prototype, (1.0, 2.0, 1.0), 1.0 + 0j
    elif high is None and low is not None:
        poles, numerator, reference = low / prototype, (1.0, -2.0, 1.0), -1.0 + 0j
    elif low is not None and high is not None:
        half = 0.5 * (high - low) * prototype
        root = np.sqrt(half**2 - low * high + 0j)
        poles, numerator = np.concatenate((half + root, half - root)), (1.0, 0.0, -1.0)
        reference = np.exp(2j * np.arctan(np.sqrt(low * high) / (2 * fs)))
    else:
        raise ValueError("a filter needs low_hz, high_hz or both")
    digital = (2 * fs + poles) / (2 * fs - poles)
    sections: list[Section] = []
    for pole in digital.tolist():
        denominator = (1.0, -2.0 * pole.real, abs(pole) ** 2)
        gain = abs(np.polyval(denominator, reference) / np.polyval(numerator, reference))
        sections.append((tuple(float(gain * b) for b in numerator), denominator))
    return tuple(sections)
