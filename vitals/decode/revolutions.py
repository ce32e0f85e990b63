"""Cumulative revolutions with event times that roll over, turned into rates.

A sensor reports how often a wheel or crank has turned, and when the last turn was noticed on a 16-bit clock that
rolls over every 64 s (1/1024 s) or 32 s (1/2048 s). A rate needs two reports; the clock alone cannot tell 1 s from
65 s, so whoever knows when the reports came hands that over too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Revolutions:
    """The counter of one wheel or crank in one report."""

    count: int  # cumulative; rolls over at `count_modulus`
    time_ticks: int  # of the last revolution; 16 bits
    ticks_per_s: int  # 1024, of the wheel of a power meter 2048
    count_modulus: int  # 2**32 for wheels, 2**16 for cranks


@dataclass(frozen=True, slots=True)
class Turned:
    """What happened between two reports."""

    revolutions: int
    duration_s: float

    @property
    def per_min(self) -> float:
        """Revolutions per minute; 0 where nothing turned."""
        return 60 * self.revolutions / self.duration_s if self.duration_s else 0.0

    def speed_m_s(self, circumference_m: float) -> float:
        """Speed of a wheel of that circumference."""
        return self.per_min / 60 * circumference_m


class RevolutionRate:
    """Feed the reports of one wheel or crank in order; each but the first yields what was turned since the one
    before."""

    def __init__(self) -> None:
        self._last: tuple[Revolutions, float | None] | None = None

    def feed(self, now: Revolutions, arrival_s: float | None = None) -> Turned | None:
        """What was turned since the report before; None for the first one, and after the sensor has started again.

        `arrival_s` (any steady clock) settles how often the 16-bit clock rolled over. Without it, at most once is
        assumed.
        """
        before, self._last = self._last, (now, arrival_s)
        if before is None or (before[0].ticks_per_s, before[0].count_modulus) != (now.ticks_per_s, now.count_modulus):
            return None
        last, last_arrival_s = before
        revolutions = (now.count - last.count) % now.count_modulus
        if revolutions >= now.count_modulus // 2:  # backwards: the counter began anew
            return None
        ticks = (now.time_ticks - last.time_ticks) % 0x10000
        if not revolutions:
            return Turned(0, ticks / now.ticks_per_s)
        if arrival_s is not None and last_arrival_s is not None:
            passed = (arrival_s - last_arrival_s) * now.ticks_per_s
            ticks += max(0, round((passed - ticks) / 0x10000)) * 0x10000
        # Turns within no time cannot be: the sensor's clock stood still or lost a whole roll-over.
        return Turned(revolutions, ticks / now.ticks_per_s) if ticks else None
