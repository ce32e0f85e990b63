"""Random and mutated payloads against every registered decoder: each decodes, or raises a DecodeError that says where.
The same against every feed of intake: each gives values and gaps, or is counted as refused.

    python run.py campaign decode_fuzz [--count N] [--seed S]      N payloads per decoder (100 000), S any word (0)

A third of the payloads are random, a third are random with few flags set (deep fields), a third are golden frames
with bytes changed, cut or added, or with a right CRC put at their end. The seed is printed; a payload that breaks
the law is, too.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.decode.golden_health import GOLDEN as HEALTH
from tests.decode.golden_motion import GOLDEN as MOTION
from tests.decode.golden_motion import READ_ONLY_REQUESTS
from tests.decode.golden_motion import REQUESTS as HAND_MADE_REQUESTS
from vitals.decode import DECODERS, REQUESTS
from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.decode.registry import Decoder
from vitals.errors import DecodeError
from vitals.intake import FEEDS, Intake
from vitals.store.chunks import check
from vitals.values import BatteryLow, Block, ClockReset, ContactChange, Disconnected, Frame, Gap, LossReason

LONGEST = 40
# One frame of each maker for the mutations to begin with, written by hand from the layouts in their files.
MAKERS = (
    ("fb005c81-02e7-f387-1cad-8acd2d8df0c8", "f0 01 02 00 00 00 01 3400 01 01 1000 02 02 0800 0400"),
    ("fb005c82-02e7-f387-1cad-8acd2d8df0c8", "00 0094357700000000 00 010000 ffffff"),
    ("fb005c82-02e7-f387-1cad-8acd2d8df0c8", "02 0094357700000000 81 0100 0200 0300 08 02 01ff02 000000"),
    ("34800002-7185-4d5d-b431-630e7050e8f0", "01 05 c800"),
    ("00030001-78fc-48fe-8e23-433b3a1942d0", "e8030000"),
    ("00030002-78fc-48fe-8e23-433b3a1942d0", "0004 00fc 0000"),
    ("de5bf729-d711-4e47-af26-65e3012a5dc7", "bc 27 0b00 ffff 01 00 08 3c00 e001 02 1e 03 2d"),
    ("0734594a-a8e7-4b1a-a6b1-cd5243059a57", "55 00 ff 0000 0d00 623c 0000000000 50 00 05 0a 01 00 c7"),
)
MAKER_REQUESTS = (  # the same of what applications write
    ("fb005c81-02e7-f387-1cad-8acd2d8df0c8", "02 02 00 01 c800 01 01 1000 02 01 0200"),
    ("34800001-7185-4d5d-b431-630e7050e8f0", "01 05 2f4d6561732f4543472f313235"),
)


class Tally(NamedTuple):
    decoded: int
    refused: int


def seeds() -> dict[str, list[bytes]]:
    """Golden frames by characteristic; those of requests under "request" and the characteristic."""
    found: dict[str, list[bytes]] = {}
    for uuid, frame, _ in HEALTH + MOTION:
        found.setdefault(uuid, []).append(bytes.fromhex(frame))
    for uuid, frame in MAKERS:
        found.setdefault(uuid, []).append(bytes.fromhex(frame))
    for uuid, frame, _ in HAND_MADE_REQUESTS + READ_ONLY_REQUESTS:
        found.setdefault(f"request {uuid}", []).append(bytes.fromhex(frame))
    for uuid, frame in MAKER_REQUESTS:
        found.setdefault(f"request {uuid}", []).append(bytes.fromhex(frame))
    return found


def payload(chance: random.Random, golden: list[bytes]) -> bytes:
    """One payload of the three kinds."""
    kind = chance.randrange(3)
    raw = bytearray(chance.randbytes(chance.randrange(LONGEST + 1)))
    if kind == 1:
        for place in range(min(len(raw), 3)):
            raw[place] &= chance.getrandbits(8) & chance.getrandbits(8)
    elif kind == 2 and golden:
        raw = bytearray(chance.choice(golden))
        for _ in range(chance.randrange(3)):
            if raw:
                raw[chance.randrange(len(raw))] = chance.getrandbits(8)
        cut = chance.randrange(4)
        if cut == 1:
            raw = raw[: chance.randrange(len(raw) + 1)]
        elif cut == 2:
            raw += chance.randbytes(chance.randrange(1, 4))
        elif cut == 3:
            raw += crc16_mcrf4xx(bytes(raw)).to_bytes(2, "little")
    return bytes(raw)


def probe(value: object) -> None:
    """Everything that a caller can ask of a value: its text and its computed properties, of its parts as well."""
    repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name, item in vars(type(value)).items():
            if isinstance(item, property):
                getattr(value, name)
        for field in dataclasses.fields(value):
            probe(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for part in value:
            probe(part)


def fuzz(uuid: str, decode: Decoder, golden: list[bytes], *, count: int, seed: str) -> Tally:
    """Raises AssertionError with the payload where a decoder breaks the law."""
    chance = random.Random(f"{seed} {uuid}")
    decoded = 0
    for turn in range(count):
        raw = payload(chance, golden)
        try:
            value = decode(raw)
        except DecodeError as err:
            lawful = err.uuid == uuid and err.payload == raw and 0 <= err.offset <= len(raw)
            assert lawful, f"{uuid} {raw.hex()}: the error names {err.uuid}, {err.payload.hex()}, offset {err.offset}"
            if turn % 16 == 0:
                assert (raw.hex() or "empty") in str(err)
        except Exception as err:
            raise AssertionError(f"{uuid} {raw.hex()}: {err!r}") from err
        else:
            decoded += 1
            try:
                probe(value)
            except Exception as err:
                raise AssertionError(f"{uuid} {raw.hex()}: the value cannot be used: {err!r}") from err
    return Tally(decoded, count - decoded)


def fuzz_all(*, count: int, seed: str) -> Mapping[str, Tally]:
    """Every decoder of what devices send and of what applications write."""
    golden = seeds()
    tallies = {uuid: fuzz(uuid, DECODERS[uuid], golden.get(uuid, []), count=count, seed=seed) for uuid in DECODERS}
    for uuid in REQUESTS:
        key = f"request {uuid}"
        tallies[key] = fuzz(uuid, REQUESTS[uuid], golden.get(key, []), count=count, seed=seed)
    return tallies


class Taken(NamedTuple):
    items: int
    refused: int


def fuzz_intake(uuid: str, golden: list[bytes], *, count: int, seed: str) -> Taken:
    """Frames of one characteristic through `Intake`, with pauses, losses and arrivals that stand still. Raises
    AssertionError with the frames of that device where anything but an item comes of them."""
    chance = random.Random(f"{seed} intake {uuid}")
    items = refused = done = 0
    while done < count:
        intake, now, sent = Intake(), 0, []
        for _ in range(min(100, count - done)):
            now += chance.choice((0, 1, 1000, 1_000_000, 1_000_000, 10_000_000))
            raw = payload(chance, golden)
            if chance.random() < 0.2:  # numbers at the ends of their types
                raw = raw[:3] + bytes(chance.choice((0x00, 0x7F, 0x80, 0xFF)) for _ in raw[3:])
            sent.append((now, raw.hex()))
            try:
                found = intake.take(Frame(now, uuid, raw))
                if chance.random() < 0.02:
                    found += intake.take(Disconnected(now, LossReason.LOST))
                for one in found:
                    assert isinstance(one, Block | Gap | ContactChange | BatteryLow | ClockReset | Disconnected)
                    if isinstance(one, Block):
                        check(one)
            except Exception as err:
                raise AssertionError(f"{uuid} {sent}: {err!r}") from err
            items += len(found)
        intake.end("end of stream")
        refused += intake.refused[uuid]
        done += 100
    return Taken(items, refused)


def fuzz_feeds(*, count: int, seed: str) -> Mapping[str, Taken]:
    """Every feed."""
    golden = seeds()
    return {uuid: fuzz_intake(uuid, golden.get(uuid, []), count=count, seed=seed) for uuid in FEEDS}


def main() -> int:
    parser = argparse.ArgumentParser(description="random payloads against every decoder")
    parser.add_argument("--count", type=int, default=100_000, help="payloads per decoder")
    parser.add_argument("--seed", default="0")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.count} payloads per decoder, {len(DECODERS) + len(REQUESTS)} decoders")
    began = time.monotonic()
    tallies = fuzz_all(count=options.count, seed=options.seed)
    for uuid, tally in tallies.items():
        print(f"{uuid:<48} decoded {tally.decoded:>7}  refused {tally.refused:>7}")
    for uuid, taken in fuzz_feeds(count=options.count // 10, seed=options.seed).items():
        print(f"intake {uuid:<41} items {taken.items:>9}  refused {taken.refused:>7}")
    silent = [uuid for uuid, tally in tallies.items() if not tally.decoded]
    print(f"no other exception in {sum(map(sum, tallies.values()))} payloads, {time.monotonic() - began:.0f} s")
    if silent:
        print(f"never decoded, so only half tested: {silent}")
    return bool(silent)


if __name__ == "__main__":
    raise SystemExit(main())
