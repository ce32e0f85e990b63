"""CPU and memory of `import vitals` and its rooms against `import numpy`, each in fresh processes taken in turn.

python run.py bench imports [RUNS]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

STATEMENTS = (
    "pass",
    "import numpy",
    "import vitals",
    "import vitals_signal",
    "import vitals_models",
    "import scipy.signal",
)


def cpu_s(statement: str) -> float:
    """User and system CPU of a fresh interpreter that runs one statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rss_mb(statement: str) -> float:
    """Peak resident memory of a fresh interpreter that runs one statement."""
    code = f"import resource\n{statement}\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def main(runs: int) -> None:
    for statement in STATEMENTS:
        cpu_s(statement)  # byte code on disk, files in the cache
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(runs):
        for statement in STATEMENTS:
            taken[statement].append(cpu_s(statement))
    numpy = statistics.median(taken["import numpy"])
    memory = {statement: min(rss_mb(statement) for _ in range(3)) for statement in STATEMENTS}
    print(f"{'statement':24} {'CPU ms':>8} {'of import numpy':>16} {'RSS MB':>8} {'beyond numpy':>13}")
    for statement, values in taken.items():
        middle = statistics.median(values)
        beyond = memory[statement] - memory["import numpy"]
        print(f"{statement:24} {middle * 1e3:8.1f} {middle / numpy:16.2f} {memory[statement]:8.1f} {beyond:+13.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
