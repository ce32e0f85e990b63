"""What goes wrong with wearables, as data: a script of timed faults that prints, replays and is drawn from a seed.

    script = FaultScript.random(seed=3, hours=2, per_hour=12)
    print(script)                               # one line per fault
    FaultScript.from_json(script.to_json())     # the same script
    await play(script, near)                    # near: a `Scene`

Laws of this file:
1. A script is pure data; the same script over the same scene gives the same bytes at the same virtual times.
2. Every fault is followed by its end: after `play` the scene is whole again, links that were lost excepted.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, get_args

from vitals.errors import InputError

if TYPE_CHECKING:
    from vitals.virtual.gatt_device import GattDevice
    from vitals.virtual.within_reach import Scene

Kind = Literal[
    "link_loss",  # both ends see a supervision time-out now
    "central_loses_link",  # the app sees it now, the device after the supervision time-out
    "device_loses_link",  # the other way round
    "goodbye",  # the device ends the connection
    "out_of_range",  # for duration_s
    "packet_errors",  # a data packet is bad with probability `amount`, for duration_s
    "advertising_loss",  # an advertisement is not heard with probability `amount`, for duration_s
    "lost_connects",  # the next `amount` connection requests are lost
    "mute",  # connected, but nothing comes, for duration_s
    "reboot",  # power is lost for duration_s; the clock starts again
    "host_drops",  # the operating system drops a notification with probability `amount`, for duration_s
    "malformed",  # a payload is damaged with probability `amount`, for duration_s
    "mtu",  # connections made from now on agree on at most `amount`, for duration_s
    "bond_lost",  # the device forgets with whom it has paired
]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMMON: tuple[Kind, ...] = (
    "link_loss",
    "central_loses_link",
    "device_loses_link",
    "goodbye",
    "out_of_range",
    "packet_errors",
    "lost_connects",
    "mute",
    "reboot",
    "host_drops",
)
# Shortest and longest duration in seconds, least and greatest amount, as they are drawn
_DRAWN: dict[Kind, tuple[float, float, float, float]] = {
    "out_of_range": (2, 120, 0, 0),
    "packet_errors": (10, 120, 0.05, 0.5),
    "advertising_loss": (10, 120, 0.2, 0.6),
    "lost_connects": (0, 0, 1, 3),
    "mute": (5, 20, 0, 0),
    "reboot": (2, 10, 0, 0),
    "host_drops": (10, 60, 0.002, 0.05),
    "malformed": (10, 60, 0.01, 0.2),
    "mtu": (30, 300, 23, 232),
}
_INTEGERS = ("lost_connects", "mtu")
_SET = ("packet_errors", "advertising_loss", "notification_loss", "muted", "spoil", "mtu")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when (seconds after `play` began), what, to whom, for how long, how much."""

    at_s: float
    kind: Kind
    device: str = ""  # name; empty: the first device of the scene
    duration_s: float = 0.0
    amount: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"fault {self.kind!r} is not known; known ones are {', '.join(KINDS)}")
        if not (self.at_s >= 0 and self.duration_s >= 0):
            raise InputError(f"a fault at {self.at_s} s for {self.duration_s} s lies in the past; give 0 or more")

    def __str__(self) -> str:
        lasting = f" for {self.duration_s:g} s" if self.duration_s else ""
        much = f" ({self.amount:g})" if self.amount else ""
        return f"{self.at_s:10.3f} s  {self.kind}{much}{lasting}{f' of {self.device}' if self.device else ''}"


@dataclass(frozen=True, slots=True)
class FaultScript:
    """Faults in order of time; `seed` is that of what is drawn while it plays (which byte is damaged)."""

    faults: tuple[Fault, ...]
    seed: int = 1

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)

    @classmethod
    def random(
        cls, seed: int, hours: float, per_hour: float, *, kinds: Sequence[Kind] = COMMON, device: str = ""
    ) -> FaultScript:
        """round(hours * per_hour) faults, each in a slot of its own, so that they seldom overlap.

        Slots are equal; a fault begins in the first half of its slot. Raises InputError for unknown kinds.
        """
        rng = random.Random(f"faults {seed}")
        count = round(hours * per_hour)
        slot = hours * 3600 / max(count, 1)
        faults = []
        for number in range(count):
            kind = rng.choice(list(kinds))
            shortest, longest, least, most = _DRAWN.get(kind, (0.0, 0.0, 0.0, 0.0))
            at = round((number + rng.uniform(0.05, 0.5)) * slot, 3)
            duration = round(min(rng.uniform(shortest, longest), slot / 2), 3)
            amount = rng.randint(int(least), int(most)) if kind in _INTEGERS else round(rng.uniform(least, most), 4)
            faults.append(Fault(at, kind, device, duration, float(amount)))
        return cls(tuple(faults), seed)

    def to_json(self) -> str:
        """The script as one JSON object."""
        return json.dumps({"seed": self.seed, "faults": [asdict(fault) for fault in self.faults]})

    @classmethod
    def from_json(cls, text: str) -> FaultScript:
        """The inverse of `to_json`. Raises InputError for anything else."""
        try:
            read = json.loads(text)
            return cls(tuple(Fault(**fault) for fault in read["faults"]), int(read["seed"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"this is not a fault script: {error}; write one with FaultScript.to_json") from error


async def play(script: FaultScript, near: Scene) -> None:
    """Let the faults of `script` happen to the scene; returns when the last has ended. Cancelling ends them at once.

    Raises InputError where a fault names a device that the scene does not have.
    """
    players = [(fault, _device(near, fault)) for fault in script.faults]
    stage = _Stage(near, random.Random(f"damage {script.seed}"), asyncio.get_running_loop().time())
    async with asyncio.TaskGroup() as group:
        for fault, device in players:
            group.create_task(stage.play(fault, device))


def _device(near: Scene, fault: Fault) -> GattDevice:
    for device in near.devices:
        if fault.device in ("", device.name):
            return device
    names = ", ".join(repr(device.name) for device in near.devices)
    raise InputError(f"fault script: no device {fault.device!r} in the scene; there are {names or 'none'}")


class _Stage:
    """One performance: the scene, and how it was before, for faults that overlap."""

    def __init__(self, near: Scene, rng: random.Random, began: float) -> None:
        self._near = near
        self._random = rng
        self._began = began
        things = (near.radio, near.central, *near.devices)
        self._whole = {
            (id(thing), name): getattr(thing, name) for thing in things for name in _SET if hasattr(thing, name)
        }

    async def play(self, fault: Fault, device: GattDevice) -> None:
        radio, amount = self._near.radio, fault.amount
        await asyncio.sleep(self._began + fault.at_s - asyncio.get_running_loop().time())
        match fault.kind:
            case "link_loss":
                radio.drop(device.device)
            case "central_loses_link":
                radio.drop(device.device, seen_by="central")
            case "device_loses_link":
                radio.drop(device.device, seen_by="peripheral")
            case "goodbye":
                await device.disconnect()
            case "lost_connects":
                radio.lose_connects(int(amount))
            case "bond_lost":
                await device.forget_bonds()
            case "reboot":
                await device.reboot(off_s=fault.duration_s)
            case "out_of_range":
                radio.out_of_range(device.device)
                await _then(fault, lambda: radio.in_range(device.device))
            case "packet_errors":
                await self._meanwhile(fault, radio, "packet_errors", amount)
            case "advertising_loss":
                await self._meanwhile(fault, radio, "advertising_loss", amount)
            case "mute":
                await self._meanwhile(fault, device, "muted", True)
            case "host_drops":
                await self._meanwhile(fault, self._near.central, "notification_loss", amount)
            case "malformed":
                await self._meanwhile(fault, device, "spoil", _damage(amount, self._random))
            case "mtu":
                await self._meanwhile(fault, device, "mtu", int(amount))

    async def _meanwhile(self, fault: Fault, thing: object, name: str, value: object) -> None:
        setattr(thing, name, value)
        await _then(fault, lambda: setattr(thing, name, self._whole[id(thing), name]))


async def _then(fault: Fault, end: Callable[[], None]) -> None:
    try:
        await asyncio.sleep(fault.duration_s)
    finally:
        end()


def _damage(probability: float, rng: random.Random) -> Callable[[str, bytes], bytes]:
    """Payloads cut off, grown, or with a byte changed."""

    def spoil(_: str, payload: bytes) -> bytes:
        if rng.random() >= probability:
            return payload
        how, at = rng.randrange(3), rng.randrange(max(1, len(payload)))
        if how == 0:
            return payload[:at]
        if how == 1:
            return payload + rng.randbytes(1 + at % 4)
        return payload[:at] + rng.randbytes(1) + payload[at + 1 :]

    return spoil
