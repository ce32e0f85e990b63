"""The table of the shipped models: size, latency, arena, figures with intervals, int8 against float, record to beat.

python run.py bench models            print it
python run.py bench models --write    write it into docs/models.md, between its two marks

Latency is CPU time of one call for one window, median of blocks of calls, one thread: a whole LiteRT call (set, invoke,
get), the numpy evaluator on the same window, and both against the smallest model of this very run. The arena is what
TFLite-Micro (pip package, 64-bit host) allocates for the model; it is installed into a Python of its own.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitals_models import Model, load
from vitals_models.card import Measure
from vitals_models.loading import shipped, shipped_names

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- table: python run.py bench models --write -->", "<!-- end of table -->"
MICRO = "tflite-micro==0.dev20261023182759"
ARENA = """
import sys
from tflite_micro import runtime
for path in sys.argv[1:]:
    print(path, flush=True)
    runtime.Interpreter.from_bytes(open(path, "rb").read()).print_allocations()
"""
# Record to beat: the published tiny model (or ours before) on the nearest data, as far as its excerpts say.
RECORDS = {
    "irregular-rhythm": "Petrenas 2015, AFDB, 8 beats: sensitivity 0.971, specificity 0.983",
    "beats": "Farag 2023, DS1 to DS2, 15 kB: SVEB sensitivity 0.853, VEB 0.963, accuracy 0.982",
    "activity": "our DS-CNN, 3.3k parameters, 8 other wearers of the set: macro-F1 0.839",
    "falls": "TinyFallNet, 0.70 MB: accuracy 0.980; for the elderly sensitivity 0.867, specificity 0.980",
    "sleep": "Walch 2019: wake 0.596 at sleep 0.93; three stages about 0.72 right",
}
INT8 = ("int8_label_agreement", "int8_auroc_loss")


@dataclass(frozen=True, slots=True)
class Speed:
    """CPU microseconds of one call."""

    litert: float
    numpy: float


def call_us(call: Callable[[], object], blocks: int = 15) -> float:
    """Median over blocks of calls, each block about 10 ms."""
    call()
    begin = time.process_time()
    for _ in range(200):
        call()
    count = max(200, int(200 * 0.01 / max(time.process_time() - begin, 1e-6)))
    taken = []
    for _ in range(blocks):
        begin = time.process_time()
        for _ in range(count):
            call()
        taken.append((time.process_time() - begin) / count * 1e6)
    return statistics.median(taken)


def speed(name: str) -> Speed:
    model = load(name, runtime="litert")
    q = np.full((1, model.network.inputs), model.network.source.zero, dtype=np.int8)
    other = load(name, runtime="numpy").runtime
    return Speed(call_us(lambda: model.runtime.run(q)), call_us(lambda: other.run(q)))


def arenas(names: list[str]) -> dict[str, int]:
    """Bytes by model; empty where TFLite-Micro cannot be installed."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "own" / "bin" / "python"
        made = [sys.executable, "-m", "venv", str(python.parents[1])]
        filled = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--pre", MICRO]
        for command in (made, filled):
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return {}
        paths = []
        for name in names:
            paths.append(Path(folder) / f"{name}.tflite")
            paths[-1].write_bytes(shipped(name).read_bytes())
        done = subprocess.run(
            [str(python), "-c", ARENA, *map(str, paths)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    totals = re.findall(r"Arena allocation total (\d+) bytes", done.stdout)
    return dict(zip(names, map(int, totals), strict=True)) if len(totals) == len(names) else {}


def written(measure: Measure) -> str:
    interval = "" if measure.low is None or measure.high is None else f" [{measure.low:.3f}, {measure.high:.3f}]"
    return f"{measure.value:.3f}{interval}"


def parameters(model: Model) -> int:
    return sum(layer.weights.size + layer.bias.size for layer in model.network.layers)


def table() -> str:
    """The page's table, in Markdown."""
    names = shipped_names()
    models = {name: load(name, runtime="numpy") for name in names}
    speeds, arena = {name: speed(name) for name in names}, arenas(names)
    least = min(one.litert for one in speeds.values())
    lines = [
        "| model | file, bytes | parameters | LiteRT call, us | numpy, us | times smallest | arena, bytes | record |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        model, quick = models[name], speeds[name]
        lines.append(
            f"| {name} {model.card.version} | {model.card.size_bytes} | {parameters(model)} | {quick.litert:.2f} "
            f"| {quick.numpy:.1f} | {quick.litert / least:.1f} | {arena.get(name, 'not measured')} "
            f"| {RECORDS.get(name, '-')} |"
        )
    lines += [
        "",
        "| model | data | measure | int8 figure with 95 % interval | people | windows |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        for one in models[name].card.measures:
            if one.name not in INT8:
                row = f"| {name} | {one.data} | {one.name} | {written(one)} | {one.subjects} | {one.windows} |"
                lines.append(row)
    lines += ["", "| model | int8 labels like float | AUROC lost by int8 |", "|---|---|---|"]
    for name in names:
        found = {one.name: f"{one.value:.4f}" for one in models[name].card.measures}
        lines.append(f"| {name} | " + " | ".join(found.get(one, "not measured") for one in INT8) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    made = table()
    print(made)
    if "--write" in sys.argv[1:]:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(before + BEGIN + "\n\n" + made + "\n" + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
