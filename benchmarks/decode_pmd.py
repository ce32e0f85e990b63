"""Processor time to decode one Polar frame of the size that a 232-byte MTU carries.

    python benchmarks/decode_pmd.py [seconds per case]

Prints microseconds of one core per frame, the lowest of many rounds, and exits with 1 where a frame of a structure that
was seen before takes longer than the limit, which is for those alone. "New structure" is a frame whose blocks were seen
before, but not in this order; "new blocks" one of which nothing was (what is kept is made first).
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable

import numpy as np

from vitals.decode.polar import Measurement, decode_frame, delta, encode_frame

LIMIT_US = 10.0
M = Measurement


def lowest_us(call: Callable[[], object], seconds: float) -> float:
    """Lowest mean of 200 calls, microseconds of processor time."""
    best, end = float("inf"), time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.process_time_ns()
        for _ in range(200):
            call()
        best = min(best, (time.process_time_ns() - start) / 200e3)
    return best


def frames() -> list[tuple[str, bytes]]:
    """Frames of about 229 bytes, as H10 (ECG, raw ACC) and Verity Sense (compressed) send them."""
    rng = np.random.default_rng(7)

    def walk(n: int, channels: int, step: int) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
        return np.cumsum(rng.integers(-step, step + 1, (n, channels)), axis=0).astype(np.int32)

    return [
        ("ECG type 0, raw, 73 samples", encode_frame(M.ECG, 0, 1, walk(73, 1, 90))),
        ("ACC type 1, raw, 36 samples", encode_frame(M.ACC, 1, 1, walk(36, 3, 20))),
        ("ACC type 1, compressed, 1 block", encode_frame(M.ACC, 1, 1, walk(93, 3, 20), compressed=True, block=255)),
        ("ACC type 1, compressed, 5 blocks", encode_frame(M.ACC, 1, 1, walk(91, 3, 20), compressed=True, block=19)),
        ("PPG type 0, compressed, 1 block", encode_frame(M.PPG, 0, 1, walk(47, 4, 200), compressed=True, block=255)),
        ("PPG type 0, compressed, 4 blocks", encode_frame(M.PPG, 0, 1, walk(46, 4, 200), compressed=True, block=12)),
    ]


def main(seconds: float = 1.0) -> int:
    """Prints the table; 0 where every frame of a structure that was seen before is within the limit."""
    slow = 0
    print(f"{'frame':<36}{'bytes':>6}{'us/frame':>10}{'new structure':>15}{'new blocks':>12}")
    for name, payload in frames():
        known = lowest_us(lambda payload=payload: decode_frame(payload), seconds)  # type: ignore[misc]

        def unseen(payload: bytes = payload, *, blocks: bool = False) -> None:
            delta._plan.cache_clear()
            if blocks:
                delta._block.cache_clear()
            decode_frame(payload)

        new = blocks = "-"
        if "compressed" in name:
            new = f"{lowest_us(unseen, seconds):.1f}"
            blocks = f"{lowest_us(functools.partial(unseen, blocks=True), seconds):.1f}"
        print(f"{name:<36}{len(payload):>6}{known:>10.1f}{new:>15}{blocks:>12}")
        slow += known > LIMIT_US
    print(f"limit {LIMIT_US:.0f} us for structures seen before: {'met' if not slow else f'missed by {slow}'}")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main(*(float(a) for a in sys.argv[1:2])))
