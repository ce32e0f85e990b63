"""The clock of a virtual device: it drifts, and forgets the date when power fails."""

from __future__ import annotations

from vitals.decode.polar.clock import FALLBACK_NS


class DeviceClock:
    """Nanoseconds since 2000-01-01, as Polar counts them, over body time.

    It shows `start_ns` at body time 0 and runs fast by `drift_ppm`. After a reboot it goes on from 2019-01-01, as H10
    and H9 do (Polar SDK, TimeSystemExplained).
    """

    def __init__(self, start_ns: int = FALLBACK_NS, drift_ppm: float = 0.0) -> None:
        self.speed = 1 + drift_ppm * 1e-6
        self._from_ns = start_ns
        self._from_s = 0.0

    def ns(self, body_s: float) -> int:
        """What it shows at a body time."""
        return self._from_ns + round((body_s - self._from_s) * self.speed * 1e9)

    def reset(self, body_s: float) -> None:
        """Power came back at `body_s`."""
        self._from_ns, self._from_s = FALLBACK_NS, body_s
