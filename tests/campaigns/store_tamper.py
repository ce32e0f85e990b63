"""Bits, pages and files changed behind the store's back: found, and no wrong value is ever returned.

    python run.py campaign store_tamper [--flips 8] [--seed S]

Every page of the database is hit by so many single bits; pages are swapped, zeroed, put back to an older state; the
file is cut at every page and in between; every bit of the key file is flipped. After each change the store must refuse
to open or `verify` must name a problem, and what can still be read must be what was written. (A whole folder put back
to an older state is sound in itself: only an anchor outside of it can tell.)
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vitals.errors import StoreError
from vitals.store import KdfParams, Key, Store, header, new_recovery_code, passphrase, recovery
from vitals.store.opening import DATABASE, HEADER
from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap, Provenance, Timing

PAGE = 4096
ZERO = 10**15


@dataclass(slots=True)
class Tally:
    """What was done, and what of it went unnoticed."""

    done: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    wrong_values: list[str] = field(default_factory=list)


def fill(store: Store, seed: int, seconds: int) -> None:
    """A session of everything, merged and unmerged."""
    rng = np.random.default_rng(seed)
    made_by = Provenance("m", str(seed))
    with store.session(device=DeviceInfo(name="w"), source="virtual", zero_utc_us=ZERO + seed * 10**10) as session:
        for second in range(0, seconds, 5):
            values = rng.integers(-500, 500, (5 * 25, 3)).astype(np.int16)
            session.append(Block("acc", 0, Timing.REGULAR, 25.0, values, 1.0, "g", first=25 * second))
            if second % 100 == 0:
                session.gap(Gap("acc", second, second + 1, "x"))
                session.features(Features("acc", second, second + 1, {"a": 1.0}, 1.0, None, made_by))
                session.event(Event("e", "acc", second, second + 1, 0.5, 0.5, EventState.CLOSED, made_by))


def contents(store: Store) -> list[bytes]:
    """All that the store returns."""
    found = [b"".join(block.values.tobytes() for block in store.blocks(info)) for info in store.streams()]
    found += [
        repr(store.event_rows()).encode(),
        repr(store.feature_rows()).encode(),
        repr(store.gap_list("acc")).encode(),
    ]
    return found + [one.mean.tobytes() for one in store.arrays("acc", resolution=30)]


def changes(new: bytes, old: bytes, flips: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """(what, the database file) for every change."""
    pages = [new[at : at + PAGE] for at in range(0, len(new), PAGE)]
    for number in range(len(pages)):
        for _ in range(flips):
            bit = rng.randrange(PAGE * 8)
            changed = bytearray(new)
            changed[number * PAGE + bit // 8] ^= 1 << bit % 8
            yield "flipped bit", bytes(changed)
        yield "zeroed page", b"".join([*pages[:number], bytes(PAGE), *pages[number + 1 :]])
        yield "cut at a page", b"".join(pages[:number])
        yield "cut in a page", b"".join(pages[:number]) + pages[number][: rng.randrange(1, PAGE)]
        other = rng.randrange(len(pages))
        if other != number:
            swapped = list(pages)
            swapped[number], swapped[other] = swapped[other], swapped[number]
            yield "swapped pages", b"".join(swapped)
        older = old[number * PAGE : (number + 1) * PAGE]
        if len(older) == PAGE and older != pages[number]:
            yield "page put back", b"".join([*pages[:number], older, *pages[number + 1 :]])


def run(flips: int, seed: int, *, seconds: int = 1000, share: float = 1.0) -> Tally:
    """The whole of it, or a random share of the changes."""
    tally = Tally()
    rng = random.Random(seed)
    code, word = new_recovery_code(), passphrase("a campaign")
    key = recovery(code)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "s")
        cheap = KdfParams(19 * 1024, 2, 1)
        with Store.create(path, [key, word], kdf=cheap) as store:
            fill(store, 1, seconds)
        old = (path / DATABASE).read_bytes()
        with Store.open(path, key) as store:
            fill(store, 2, seconds // 2)
            wanted = contents(store)
            connection = store.fresh()
            free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
            connection.close()
        good = (path / DATABASE).read_bytes()
        for what, data in changes(good, old, flips, rng):
            if rng.random() < share:
                _try(path, data, what, key, wanted, tally)
        # A free page holds nothing, nor does the first page of `fresh`; what was there before may lie there.
        for _ in range(min(free + 1, tally.missed.count("page put back"))):
            tally.missed.remove("page put back")
        (path / DATABASE).write_bytes(good)
        with Store.open(path, key) as store:
            if not store.verify().ok:
                raise RuntimeError("the control is not sound")
        _header(path / HEADER, key, tally)
    return tally


def _try(path: Path, data: bytes, what: str, key: Key, wanted: list[bytes], tally: Tally) -> None:
    tally.done[what] += 1
    for left in path.glob(f"{DATABASE}*"):
        left.unlink()
    (path / DATABASE).write_bytes(data)
    got: list[bytes] | None = None
    try:
        with Store.open(path, key) as store:
            noticed = not store.verify().ok
            got = contents(store)
    except StoreError:
        return
    if not noticed:
        tally.missed.append(what)
    # A page put back was written by us once: only `verify` can tell that its values are not today's.
    if got != wanted and (what != "page put back" or not noticed):
        tally.wrong_values.append(what)


def _header(path: Path, key: Key, tally: Tally) -> None:
    good = path.read_bytes()
    for bit in range(8 * len(good)):
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        tally.done["bit of the key file"] += 1
        try:
            header.read(path, key)
            tally.missed.append("bit of the key file")
        except StoreError:
            continue
    path.write_bytes(good)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=8, help="per page")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    tally = run(chosen.flips, chosen.seed)
    for what, count in tally.done.items():
        missed, wrong = tally.missed.count(what), tally.wrong_values.count(what)
        print(f"{what:22} {count:6} done, {missed} unnoticed, {wrong} with wrong values")
    return 1 if tally.missed or tally.wrong_values else 0


if __name__ == "__main__":
    raise SystemExit(main())
