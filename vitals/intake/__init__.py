"""Frames in, blocks and gaps out: decoding and time for one device. Deterministic, no I/O, no clock.

A payload that does not follow its specification, or holds a number beyond those of a stream (32 bits), is counted and
left out; the time line finds the gap that it leaves.
A new kind of stream is one `Feed` and its lines in the two tables below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from vitals.decode import infinitime, uuids
from vitals.decode.bangle import NOTIFY as UART_SAID
from vitals.decode.bangle import WRITE as UART_ASKED
from vitals.decode.movesense import NOTIFY as MOVESENSE_SAID
from vitals.decode.movesense import WRITE as MOVESENSE_ASKED
from vitals.decode.polar import PMD_CONTROL_POINT, PMD_DATA
from vitals.decode.viatom import NOTIFY as VIATOM_SAID
from vitals.errors import DecodeError
from vitals.intake.exercise import EXERCISE
from vitals.intake.feed import Feed, Item
from vitals.intake.health_readings import CGM_KINDS, OXYGEN, READINGS
from vitals.intake.health_records import HealthRecordFeed
from vitals.intake.heart_rate import HeartRateFeed
from vitals.intake.movesense import MovesenseFeed
from vitals.intake.nordic_uart import NordicUartFeed
from vitals.intake.polar import STREAMS, PolarFeed
from vitals.intake.spot_values import BatteryFeed, InfiniTimeFeed, OximeterFeed
from vitals.intake.viatom import ViatomFeed
from vitals.values import Disconnected, Frame, LinkEvent

# Characteristics that stream as soon as they are subscribed to, and the kinds of stream that they feed.
KINDS: dict[str, tuple[str, ...]] = {
    uuids.HEART_RATE_MEASUREMENT: ("hr", "rr"),
    uuids.BATTERY_LEVEL: ("battery",),
    uuids.PLX_CONTINUOUS_MEASUREMENT: OXYGEN,
    **{uuid: kinds for uuid, (kinds, _) in READINGS.items()},
    uuids.CGM_MEASUREMENT: CGM_KINDS,
    **{uuid: kinds for uuid, (kinds, _) in EXERCISE.items()},
    infinitime.MOTION: ("acc",),
    infinitime.STEP_COUNT: ("steps",),
}
# What the session notes beside them: the device's clocks, and requests for stored records with their answers.
NOTED = (
    uuids.CURRENT_TIME,
    uuids.DATE_TIME,
    uuids.CGM_SESSION_START_TIME,
    uuids.CGM_STATUS,
    uuids.RECORD_ACCESS_CONTROL_POINT,
)
VENDOR_KINDS = ("hr_log",)  # that only vendors' own protocols feed
DECODED = frozenset(VENDOR_KINDS).union(*KINDS.values(), (kind for kind, _ in STREAMS.values()))

FEEDS: dict[str, Callable[[], Feed]] = {
    uuids.HEART_RATE_MEASUREMENT: HeartRateFeed,
    uuids.BATTERY_LEVEL: BatteryFeed,
    uuids.PLX_CONTINUOUS_MEASUREMENT: OximeterFeed,
    **dict.fromkeys((*READINGS, uuids.CGM_MEASUREMENT, *NOTED), HealthRecordFeed),
    **{uuid: feed for uuid, (_, feed) in EXERCISE.items()},
    infinitime.MOTION: InfiniTimeFeed,
    infinitime.STEP_COUNT: InfiniTimeFeed,
    UART_ASKED: NordicUartFeed,  # of Bangle.js and Colmi
    UART_SAID: NordicUartFeed,
    MOVESENSE_ASKED: MovesenseFeed,
    MOVESENSE_SAID: MovesenseFeed,
    VIATOM_SAID: ViatomFeed,
    PMD_CONTROL_POINT: PolarFeed,
    PMD_DATA: PolarFeed,
}


class Intake:
    """Turns the notifications of one device into its streams."""

    def __init__(self) -> None:
        self._feeds: dict[Callable[[], Feed], Feed] = {}
        self.refused: Counter[str] = Counter()  # payloads without a value that can be kept, by characteristic

    def take(self, entry: Frame | LinkEvent) -> list[Item | LinkEvent]:
        """What is certain after one more notification or link event; a link event is passed on behind what it ended."""
        if isinstance(entry, Frame):
            return [*self.feed(entry)]
        return [*(self.end(entry.reason.value) if isinstance(entry, Disconnected) else []), entry]

    def feed(self, frame: Frame) -> list[Item]:
        """What is certain after one more notification."""
        made = FEEDS.get(frame.uuid)
        if made is None:
            return []
        if made not in self._feeds:
            self._feeds[made] = made()
        try:
            return self._feeds[made].feed(frame)
        except (DecodeError, OverflowError):
            self.refused[frame.uuid] += 1
            return []

    def end(self, reason: str) -> list[Item]:
        """The link is gone (or the stream is over): hand out what was held back."""
        return [item for feed in self._feeds.values() for item in feed.end(reason)]


__all__ = ["DECODED", "FEEDS", "KINDS", "Feed", "Intake", "Item"]
