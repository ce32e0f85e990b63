"""The power fails in the middle of a write: everything acknowledged is there, and nothing is damaged.

    python run.py campaign store_power_cut [--cuts 2500] [--seed S] [--modes use merge ...] [--control]

A child process works on a store under strace, which records every write, truncation, new name and fsync, and the
child's word that a flush was acknowledged. A cut is a point in that record. What was synced before it is on the disk;
of each file's later writes every one is kept, dropped, or torn at a 512-byte sector, independently; names that no fsync
of the folder followed may be missing. Then the store is opened and verified, and every acknowledged sample must be
there with its value. `--control` runs the same with synchronous=OFF, where the simulator must find losses.

The model is a disk that honours fsync; the shared memory file is dropped. Linux with strace only.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np

from vitals.errors import VitalsError
from vitals.store import Key, Store, chain, chunks, migrations, new_recovery_code, recovery
from vitals.store import before as before_migration
from vitals.store.rows import KINDS, canonical, digest
from vitals.values import Block, Timing

MODES = ("use", "merge", "migration", "rekey", "erase")
CODES = 4  # keys that follow each other where a store gets new data keys
SECTOR = 512
_CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,unlink,unlinkat,rename"

WORKER = """
import os, sys
from unittest import mock
import numpy as np
from vitals.store import Store, chunks, connection, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Gap, Provenance, Timing

path, codes, mode, sync, steps = sys.argv[1:]
keys = [recovery(code) for code in codes.split()]
if mode == "merge":
    chunks.FULL_SPAN_US, chunks.RIPE_SAMPLES = 3_000_000, 200
if sync == "off":
    connection._SETTINGS = tuple(s.replace("=FULL", "=OFF") for s in connection._SETTINGS)
maker = Provenance("m", "1")
n = 0
with Store.open(path, keys[0]) as store:
    os.write(1, b"ack 0\\n")
    with store.session(device=DeviceInfo(name="w"), source="virtual", zero_utc_us=10**15) as session:
        for step in range(int(steps)):
            size = 37 + step * 61 % 300
            values = (np.arange(n, n + size) * 7919 % 2003).astype(np.int16)
            session.append(Block("ecg", 0, Timing.REGULAR, 100.0, values, 1.0, "uV", first=n))
            if mode == "erase":
                session.append(Block("acc", 0, Timing.REGULAR, 100.0, values, 1.0, "g", first=n))
            if step % 3 == 0:
                session.gap(Gap("ecg", n * 10_000, n * 10_000 + 1, "x"))
                session.event(Event("e", "ecg", n * 10_000, n * 10_000 + 1, 0.5, 0.5, EventState.CLOSED, maker))
            session.flush()
            n += size
            os.write(1, b"ack %d\\n" % n)
            if mode == "merge" and step % 7 == 6:
                store.compact()
            if mode == "rekey" and step % 9 == 4 and len(keys) > 1:
                store.keys.rekey([keys[1]], proof=keys.pop(0))
            if mode == "erase" and step % 9 == 4 and len(keys) > 1:
                store.erase(kinds=["acc"], keys=[keys[1]], proof=keys.pop(0))
                os.write(1, b"gone %d\\n" % n)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded call: write (at, data), cut (at) and sync of a file (inode); name (inode), unname and rename (to)
    of a name; syncdir, ack (at), gone (at)."""

    what: str
    file: str = ""
    at: int = 0
    data: bytes = b""
    name: str = ""
    to: str = ""


@dataclass(slots=True)
class Tally:
    """What became of the cuts."""

    cuts: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def available() -> bool:
    """Whether strace is here."""
    return shutil.which("strace") is not None


def store_of_schema_1(path: Path, code: str) -> None:
    """Make a store as version 1 of the schema left it: a session with one chunk of 50 samples, chained as it is
    packed."""
    real, steps = migrations.migrate, migrations.STEPS[:1]
    block = Block("ppg", 10**15, Timing.REGULAR, 50.0, np.arange(50, dtype=np.int32) % 7, 1.0, "counts")
    c = chunks.encode([block], portable=True)
    rows = (
        ("device", (b"d" * 16, "old", "", "", "", "", "", "")),
        ("subject", (b"p" * 16, "self")),
        ("session", (b"s" * 16, b"d" * 16, b"p" * 16, "live", 10**15, None)),
        ("stream", (b"t" * 16, b"s" * 16, None, "ppg", "regular", 50.0, 1.0, "counts", 0)),
        ("chunk", (b"t" * 16, c.t0_us, c.t1_us, c.n, c.codec, c.crc32, c.payload)),
        ("session_end", (b"s" * 16, "complete")),
    )
    with (
        mock.patch.object(migrations, "migrate", lambda connection: real(connection, steps)),
        Store.create(path, recovery(code)) as store,
        store.transaction() as connection,
    ):
        head = chain.heads(connection)[chain.OURS]
        for name, values in rows:
            kind = KINDS[name]
            # Every table has one row, so that a reference is 1.
            columns = [1 if field.refers and value else value for field, value in zip(kind.fields, values, strict=True)]
            names, marks = ", ".join(field.column for field in kind.fields), ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO {name}({names}) VALUES({marks})", columns)
            row_sha256 = digest(canonical(kind, values))
            head = chain.follow(head, name, row_sha256)
            connection.execute("INSERT INTO log VALUES(1, ?, ?, 1, ?, ?)", (head.seq, name, row_sha256, head.h))
        connection.execute("UPDATE origin SET seq = ?, h = ?", (head.seq, head.h))
    before_migration.drop(path)  # made as if this schema were about to change


def record(folder: Path, mode: str, *, sync: str = "full", steps: int = 40) -> tuple[Path, list[str], list[Step]]:
    """A store as it was before, the keys that it has one after another, and what the worker did to it. `folder` must be
    empty."""
    codes = [new_recovery_code() for _ in range(CODES if mode in ("rekey", "erase") else 1)]
    code = codes[0]
    before, work = folder / "before", folder / "work"
    if mode == "migration":
        store_of_schema_1(before, code)
    else:
        Store.create(before, recovery(code)).close()
    shutil.copytree(before, work)
    trace = folder / "trace"
    command = ["strace", "-f", "-qq", "-y", "-xx", "-s", "10000000", "-e", f"trace={_CALLS}", "-o", str(trace)]
    ran = subprocess.run(
        [*command, sys.executable, "-c", WORKER, str(work), " ".join(codes), mode, sync, str(steps)],
        capture_output=True, check=False, timeout=600,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(f"the worker failed: {ran.stderr.decode()[-2000:]}")
    return before, codes, list(_steps(trace.read_text(), str(work), [path.name for path in before.iterdir()]))


_FD = re.compile(r"^\d+ +(\w+)\((\d+)<((?:\\x[0-9a-f]{2})*)>(?:, )?(.*)\) += (-?\d+)")
_NAME = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _steps(trace: str, folder: str, before: list[str]) -> list[Step]:
    steps: list[Step] = []
    inodes = {name: name for name in before}  # by name, as the worker sees the folder
    ends: dict[str, int] = {}  # where the next plain write goes
    for line in trace.splitlines():
        found = _FD.match(line)
        if found:
            call, fd, path = found[1], int(found[2]), _plain(found[3]).decode()
            rest, result = found[4], int(found[5])
            if rest.startswith("(deleted)"):  # no name leads to it: no opener will see it
                continue
            data = _TEXT.search(rest)
            name = path[len(folder) + 1 :] if path.startswith(folder + "/") else None
            if call == "write" and fd == 1 and data and (text := _plain(data[1])).startswith(b"ack "):
                steps.append(Step("ack", at=int(text[4:])))
            elif call == "write" and fd == 1 and data and (text := _plain(data[1])).startswith(b"gone "):
                steps.append(Step("gone", at=int(text[5:])))
            elif call in ("fsync", "fdatasync") and path == folder:
                steps.append(Step("syncdir"))
            elif name is None or result < 0:
                continue
            else:
                file = inodes.get(name, name)
                if call == "pwrite64" and data:
                    steps.append(Step("write", file, int(rest.rpartition(", ")[2]), _plain(data[1])[:result]))
                elif call == "write" and data:
                    steps.append(Step("write", file, ends.get(file, 0), _plain(data[1])[:result]))
                    ends[file] = ends.get(file, 0) + result
                elif call == "ftruncate":
                    steps.append(Step("cut", file, int(rest)))
                elif call in ("fsync", "fdatasync"):
                    steps.append(Step("sync", file))
            continue
        named = _NAME.match(line)
        if named and int(named[3]) >= 0:
            paths = [_plain(one).decode() for one in _TEXT.findall(named[2])]
            names = [path[len(folder) + 1 :] for path in paths if path.startswith(folder + "/")]
            if named[1] == "openat" and "O_CREAT" in named[2] and names:
                if names[0] not in inodes or "O_TRUNC" in named[2]:  # a file that does not exist yet, or is emptied
                    inodes[names[0]] = f"{names[0]}#{len(steps)}"
                steps.append(Step("name", inodes.get(names[0], names[0]), name=names[0]))
            elif named[1] in ("unlink", "unlinkat") and names:
                inodes.pop(names[0], None)
                steps.append(Step("unname", name=names[0]))
            elif named[1] == "rename" and names:
                inodes[names[1]] = inodes.pop(names[0], names[0])
                steps.append(Step("rename", inodes[names[1]], name=names[0], to=names[1]))
    return steps


@dataclass(frozen=True, slots=True)
class Cut:
    """The files after a power cut, how many samples were acknowledged, and below which an erasure was."""

    files: dict[str, bytes]
    acknowledged: int
    gone: int


def cut(before: Path, steps: list[Step], at: int, rng: random.Random) -> Cut:
    """What a power cut before step `at` leaves."""
    held = {path.name: bytearray(path.read_bytes()) for path in before.iterdir()}
    folder = {name: name for name in held}  # what lies under which name
    waiting: dict[str, list[Step]] = {}
    names: list[Step] = []
    acknowledged = gone = 0
    for step in steps[:at]:
        if step.what == "ack":
            acknowledged = step.at
        elif step.what == "gone":
            gone = step.at
        elif step.what in ("write", "cut"):
            waiting.setdefault(step.file, []).append(step)
        elif step.what == "sync":
            for one in waiting.pop(step.file, []):
                _apply(held.setdefault(step.file, bytearray()), one)
        elif step.what == "syncdir":
            _rename(folder, names)
            names = []
        elif step.what != "name" or folder.get(step.name) != step.file:
            names.append(step)
    keep = rng.random()  # a cut that keeps much, or little
    for name, ops in waiting.items():
        for one in ops:
            if rng.random() < keep:
                _apply(held.setdefault(name, bytearray()), one)
            elif one.what == "write" and rng.random() < 0.5:
                sectors = max(1, len(one.data) // SECTOR)
                _apply(
                    held.setdefault(name, bytearray()),
                    Step("write", name, one.at, one.data[: rng.randrange(sectors) * SECTOR]),
                )
    _rename(folder, [step for step in names if rng.random() < keep])
    files = {name: bytes(held.get(inode, b"")) for name, inode in folder.items()}
    return Cut({name: data for name, data in files.items() if not name.endswith("-shm")}, acknowledged, gone)


def _rename(folder: dict[str, str], names: list[Step]) -> None:
    for step in names:
        if step.what != "name":
            folder.pop(step.name, None)
        if step.what != "unname":
            folder[step.to or step.name] = step.file


def _apply(file: bytearray, step: Step) -> None:
    if step.what == "cut":
        if step.at < len(file):
            del file[step.at :]
        else:
            file.extend(bytes(step.at - len(file)))
        return
    end = step.at + len(step.data)
    if len(file) < end:
        file.extend(bytes(end - len(file)))
    file[step.at : end] = step.data


def examine(left: Cut, codes: list[str], folder: Path, *, old: int) -> str | None:
    """What is wrong with a store after a cut; `old`: samples that were there before."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    for name, data in left.files.items():
        (folder / name).write_bytes(data)
    try:
        store, key = _open(folder, codes)
        with store:
            report = store.verify()
            if any("erasure was interrupted" in problem for problem in report.problems):
                store.scrub(proof=key)
                report = store.verify()
            if not report.ok:
                return "damaged"
            streams = {info.kind: info for info in store.streams()}
            if old and streams["ppg"].n != old:
                return "an old sample is gone"
            if "acc" in streams and any(
                (block.times_us() < 10**15 + left.gone * 10_000).any() for block in store.blocks(streams["acc"])
            ):
                return "what was erased is back"
            pieces = [block.values for block in store.blocks(streams["ecg"])] if "ecg" in streams else []
    except VitalsError:
        return "does not open"
    values = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
    if len(values) < left.acknowledged:
        return "acknowledged samples are gone"
    if not np.array_equal(values, np.arange(len(values)) * 7919 % 2003):
        return "a sample has another value"
    return None


def _open(folder: Path, codes: list[str]) -> tuple[Store, Key]:
    """With whichever of the keys; the last error if none opens."""
    refused: VitalsError | None = None
    for code in codes:
        try:
            return Store.open(folder, recovery(code)), recovery(code)
        except VitalsError as error:
            refused = error
    assert refused is not None
    raise refused


def run(mode: str, cuts: int, seed: int, *, sync: str = "full", steps: int = 40) -> Tally:
    """So many cuts, at random points, of one recording."""
    tally = Tally()
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        before, codes, recorded = record(Path(name), mode, sync=sync, steps=steps)
        for _ in range(cuts):
            at = rng.randrange(len(recorded) + 1)
            wrong = examine(
                cut(before, recorded, at, rng), codes, Path(name, "cut"), old=50 if mode == "migration" else 0
            )
            tally.cuts += 1
            if wrong:
                tally.problems[wrong] += 1
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=2500, help="per mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--control", action="store_true", help="synchronous=OFF: losses must be found")
    chosen = parser.parse_args()
    if not available():
        print("strace is not installed: this campaign cannot run here (Debian: apt install strace)")
        return 2
    bad = 0
    for mode in chosen.modes:
        tally = run(mode, chosen.cuts, chosen.seed, sync="off" if chosen.control else "full")
        lost = sum(tally.problems.values())
        bad += lost == 0 if chosen.control else lost
        print(f"{mode:10} {tally.cuts} cuts, {lost} bad {dict(tally.problems)}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
