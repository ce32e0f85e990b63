"""Running and cycling sensors, power meters, fitness machines, activity monitors: what the body did, as it arrives.

Laws of this file:
1. These devices say what is true now and stamp nothing that holds beyond a minute: values have the time of arrival.
2. A counter of revolutions becomes a rate over the time between two of its events, on the sensor's own event clock; the
   arrival only tells how often that clock rolled over. No rate is made across a lost link.
3. A wheel or crank that stands still sends no event. Whether it stands or turns slowly is told after `STILL_S`: then,
   and not before, its rate is 0.
4. A silence longer than `SILENCE_US` is a gap, and so is any link that was lost, however soon it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vitals.decode import DECODERS
from vitals.decode import uuids as u
from vitals.decode.revolutions import RevolutionRate, Revolutions
from vitals.decode.segmentation import Segment, SegmentAssembler
from vitals.errors import DecodeError
from vitals.intake.feed import Item, single
from vitals.values import Frame, Gap

STILL_S = 3.0  # 20 revolutions a minute
SILENCE_US = 5_000_000
FASTEST_PER_MIN = 5000.0  # a wheel at 600 km/h: the counter was reset, or the clock stood still

# Fields of the decoded values -> kind of stream, unit, and what one step of its integers is worth.
_Field = tuple[str, str, float]
_RUNNING: Mapping[str, _Field] = {
    "speed_m_s": ("speed", "m/s", 1 / 256),
    "cadence_per_min": ("cadence", "1/min", 0.5),  # steps; of one foot or both, as the device likes
    "stride_length_m": ("stride_length", "m", 0.01),
    "total_distance_m": ("distance", "m", 0.1),
}
_POWER: Mapping[str, _Field] = {
    "power_w": ("power", "W", 1),
    "pedal_balance_percent": ("pedal_balance", "%", 0.5),
    "accumulated_energy_kj": ("energy", "kJ", 1),
}
_MACHINE: Mapping[str, _Field] = {
    "speed_kmh": ("speed", "m/s", 1 / 360),  # 0.01 km/h
    "cadence_rpm": ("cadence", "1/min", 0.5),
    "steps_per_min": ("cadence", "1/min", 0.5),
    "strokes_per_min": ("stroke_rate", "1/min", 0.5),
    "power_w": ("power", "W", 1),
    "heart_rate_bpm": ("hr", "bpm", 1),
    "total_distance_m": ("distance", "m", 0.1),
    "energy_kcal": ("energy", "kcal", 1),
    "metabolic_equivalent": ("metabolic_equivalent", "MET", 0.1),
    "inclination_percent": ("inclination", "%", 0.1),
    "resistance_level": ("resistance", "steps", 1),
    "floors": ("floors", "floors", 1),
}
_ACTIVITY: Mapping[str, _Field] = {
    "heart_rate_bpm": ("hr", "bpm", 1),
    "resting_heart_rate_bpm": ("resting_hr", "bpm", 1),
    "respiration_rate_per_min": ("respiration_rate", "1/min", 1),
}
_PER_UNIT = {"speed_kmh": 1 / 3.6}
_ZERO_IS_NONE = frozenset({"heart_rate_bpm", "resting_heart_rate_bpm", "respiration_rate_per_min"})


class _Values:
    """Named fields of one value after the other, as streams."""

    def __init__(self, fields: Mapping[str, _Field]) -> None:
        self._fields = fields
        self._last_us: dict[str, int] = {}  # of the newest value, by kind
        self._reasons: dict[str, str] = {}  # why a kind was interrupted since

    def take(self, uuid: str, at_us: int, found: Mapping[str, float | None]) -> list[Item]:
        done: list[Item] = []
        for name, (kind, unit, step) in self._fields.items():
            value = found.get(name)
            if value is not None and (value or name not in _ZERO_IS_NONE):
                steps = round(value * _PER_UNIT.get(name, 1) / step)
                if abs(steps) >= 2**31:
                    raise DecodeError(f"{name} is further than streams count", uuid=uuid, payload=b"", offset=0)
                done += self.one(at_us, kind, steps, unit, step)
        return done

    def one(self, at_us: int, kind: str, steps: int, unit: str, step: float) -> list[Item]:
        last_us, reason = self._last_us.get(kind, at_us), self._reasons.pop(kind, None)
        self._last_us[kind] = at_us
        block = single(kind, at_us, steps, unit, step)
        if reason is None and at_us - last_us <= SILENCE_US:
            return [block]
        return [Gap(kind, last_us, at_us, reason or "no data"), block]

    def end(self, reason: str) -> None:
        """The link is gone: whatever comes next lies behind a gap."""
        self._reasons = dict.fromkeys(self._last_us, reason)


class _Rate:
    """The rate of one wheel or crank."""

    def __init__(self) -> None:
        self._rate = RevolutionRate()
        self._event: tuple[float, Revolutions] | None = None  # arrival of the newest event, and what it said

    def feed(self, now: Revolutions, arrival_us: int) -> float | None:
        """Revolutions per minute; None where nothing is known."""
        arrival_s = arrival_us / 1e6
        if self._event is not None and now == self._event[1]:
            return 0.0 if arrival_s - self._event[0] >= STILL_S else None
        self._event = (arrival_s, now)
        turned = self._rate.feed(now, arrival_s)
        return turned.per_min if turned and turned.revolutions and turned.per_min <= FASTEST_PER_MIN else None


def _fields_of(said: object) -> dict[str, Any]:
    return {name: getattr(said, name) for name in said.__dataclass_fields__}  # type: ignore[attr-defined]


class _RevolutionFeed:
    """What has a wheel and a crank."""

    def __init__(self, fields: Mapping[str, _Field]) -> None:
        self._values = _Values(fields)
        self._rates = {"wheel": _Rate(), "crank": _Rate()}

    def feed(self, frame: Frame) -> list[Item]:
        found = _fields_of(DECODERS[frame.uuid](frame.payload))
        done = self._values.take(frame.uuid, frame.arrival_us, found)
        for part, kind in (("wheel", "wheel_rate"), ("crank", "cadence")):
            if found[part] is not None:
                rate = self._rates[part].feed(found[part], frame.arrival_us)
                if rate is not None:
                    done += self._values.one(frame.arrival_us, kind, round(rate * 10), "1/min", 0.1)
        return done

    def end(self, reason: str) -> list[Item]:
        self._rates = {"wheel": _Rate(), "crank": _Rate()}
        self._values.end(reason)
        return []


class CyclingSpeedFeed(_RevolutionFeed):
    """Speed and cadence sensors: revolutions per minute of wheel and crank. A speed needs the size of the wheel."""

    def __init__(self) -> None:
        super().__init__({})


class CyclingPowerFeed(_RevolutionFeed):
    """Power meters, which may count revolutions as well."""

    def __init__(self) -> None:
        super().__init__(_POWER)


class RunningFeed:
    """Foot pods."""

    def __init__(self) -> None:
        self._values = _Values(_RUNNING)

    def feed(self, frame: Frame) -> list[Item]:
        return self._values.take(frame.uuid, frame.arrival_us, _fields_of(DECODERS[frame.uuid](frame.payload)))

    def end(self, reason: str) -> list[Item]:
        self._values.end(reason)
        return []


class FitnessMachineFeed:
    """Machines in the gym; a record that spans several notifications counts when it is whole."""

    def __init__(self) -> None:
        self._values = _Values(_MACHINE)
        self._records: dict[str, Any] = {}

    def feed(self, frame: Frame) -> list[Item]:
        from vitals.decode.fitness_machine import RecordAssembler

        part = DECODERS[frame.uuid](frame.payload)
        whole = self._records.setdefault(frame.uuid, RecordAssembler()).feed(part)
        return self._values.take(frame.uuid, frame.arrival_us, _fields_of(whole)) if whole else []

    def end(self, reason: str) -> list[Item]:
        self._records.clear()
        self._values.end(reason)
        return []


class ActivityFeed:
    """Physical activity monitors: heart and breathing now, and steps since their session began.

    Of the other fields the public text does not give the units; they are decoded (`vitals.decode`) and not kept.
    """

    def __init__(self) -> None:
        self._values = _Values(_ACTIVITY)
        self._segments: dict[str, SegmentAssembler] = {}

    def feed(self, frame: Frame) -> list[Item]:
        from vitals.decode.physical_activity import decode_activity_body

        said: Any = DECODERS[frame.uuid](frame.payload)
        if isinstance(said, Segment):
            body = self._segments.setdefault(frame.uuid, SegmentAssembler()).feed(said)
            if body is None:
                return []
            said = decode_activity_body(frame.uuid, body)
        if said.worn is False:
            return []
        if frame.uuid != u.STEP_COUNTER_ACTIVITY_SUMMARY_DATA:
            return self._values.take(frame.uuid, frame.arrival_us, said.values)
        steps = [said.values[name] for name in ("normal_walking_steps", "intensity_steps") if name in said.values]
        return [single("steps", frame.arrival_us, sum(steps), "steps")] if steps else []

    def end(self, reason: str) -> list[Item]:
        self._segments.clear()
        self._values.end(reason)
        return []


def _kinds(fields: Mapping[str, _Field], *more: str) -> tuple[str, ...]:
    return (*dict.fromkeys([*(kind for kind, _, _ in fields.values()), *more]),)


_ALL_TELL = ("energy", "hr", "metabolic_equivalent")
# What the layout of each machine has a field for.
_MACHINES: Mapping[str, tuple[str, ...]] = {
    u.TREADMILL_DATA: ("speed", "distance", "inclination", "power", *_ALL_TELL),
    u.CROSS_TRAINER_DATA: ("speed", "cadence", "distance", "inclination", "resistance", "power", *_ALL_TELL),
    u.STEP_CLIMBER_DATA: ("floors", "cadence", *_ALL_TELL),
    u.STAIR_CLIMBER_DATA: ("floors", "cadence", *_ALL_TELL),
    u.ROWER_DATA: ("stroke_rate", "distance", "resistance", "power", *_ALL_TELL),
    u.INDOOR_BIKE_DATA: ("speed", "cadence", "distance", "resistance", "power", *_ALL_TELL),
}
EXERCISE: Mapping[str, tuple[tuple[str, ...], Callable[[], Any]]] = {
    u.RSC_MEASUREMENT: (_kinds(_RUNNING), RunningFeed),
    u.CSC_MEASUREMENT: (("wheel_rate", "cadence"), CyclingSpeedFeed),
    u.CYCLING_POWER_MEASUREMENT: (_kinds(_POWER, "wheel_rate", "cadence"), CyclingPowerFeed),
    **{uuid: (kinds, FitnessMachineFeed) for uuid, kinds in _MACHINES.items()},
    u.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA: (_kinds(_ACTIVITY), ActivityFeed),
    u.STEP_COUNTER_ACTIVITY_SUMMARY_DATA: (("steps",), ActivityFeed),
}
