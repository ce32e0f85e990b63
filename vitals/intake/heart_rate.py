"""Heart Rate Measurement: heart rate, RR intervals, skin contact."""

from __future__ import annotations

from vitals.decode.heart_rate import decode_heart_rate
from vitals.intake.feed import Item, single
from vitals.timeline import Presence, RrTimeline
from vitals.values import ContactChange, Frame

HIGHEST_BPM = 300
# In 1/1024 s: 0.2 s, for which ventricles are refractory, and 10 s, after which it was the sensor that saw no beat and
# not the heart that had none.
SHORTEST, LONGEST = 205, 10_240
SILENCE_US = 3_000_000  # three notifications of a heart-rate sensor


class HeartRateFeed:
    """See `Feed`."""

    def __init__(self) -> None:
        self._rr = RrTimeline()
        self._presence = Presence("hr", SILENCE_US)
        self._contact = True

    def feed(self, frame: Frame) -> list[Item]:
        reading = decode_heart_rate(frame.payload)
        done: list[Item] = []
        if reading.contact is not None and reading.contact != self._contact:
            self._contact = reading.contact
            done.append(ContactChange(frame.arrival_us, reading.contact))
        if reading.contact is False:  # intervals without skin contact are noise
            return [*self._rr.end("no skin contact"), *done]
        if 0 < reading.rate_bpm <= HIGHEST_BPM:  # 0 means that the sensor has no rate yet
            done += self._presence.push(frame.arrival_us)
            done.append(single("hr", frame.arrival_us, reading.rate_bpm, "bpm"))
        if not all(SHORTEST <= ticks <= LONGEST for ticks in reading.rr_ticks):
            return [*done, *self._rr.end("implausible")]
        return [*done, *self._rr.push(frame.arrival_us, reading.rr_ticks)]

    def end(self, reason: str) -> list[Item]:
        return [*self._rr.end(reason)]
