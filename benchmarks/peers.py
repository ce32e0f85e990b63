"""The libraries that benchmarks measure against, each in a pinned environment of its own, made on demand.

python run.py bench peers [NAME...]      makes them and says which work

    from benchmarks.peers import peer_python, PEERS
    python = peer_python("neurokit2")                   # a name of PEERS
    python = peer_python("antropy==0.1.9", "numpy<2")   # or any requirements

Environments lie in `vitals-bench` of the user's cache folder (XDG_CACHE_HOME is honoured), one per set of
requirements, and stay there. A peer that cannot be installed here raises `PeerUnavailable`, which a benchmark reports
and passes over. `run_peer` runs a script there on one thread and gives back the JSON of its last line.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

# Old numerics where a peer needs them: np.trapz left NumPy with 2.4, pkg_resources left setuptools with 81, and
# nolds 0.6.3, which hrv-analysis 1.0.6 asks for, cannot be imported on Python 3.11.
PEERS: Final[dict[str, tuple[str, ...]]] = {
    "neurokit2": ("neurokit2==0.2.13", "numpy==2.4.6", "scipy==1.17.1"),
    "heartpy": ("heartpy==1.2.7", "setuptools==80.9.0", "numpy==2.3.5", "scipy==1.16.3"),
    "pyhrv": (
        "pyhrv==0.5.0",
        "peakutils==1.3.5",
        "nolds==0.6.2",
        "setuptools==80.9.0",
        "numpy==2.3.5",
        "scipy==1.16.3",
    ),
    "hrv-analysis": ("hrv-analysis==1.0.5", "nolds==0.6.2", "setuptools==80.9.0", "numpy==2.3.5"),
    "wfdb": ("wfdb==4.3.1", "numpy==2.4.6"),
    "sleepecg": ("sleepecg==0.6.0", "numpy==2.4.6", "scipy==1.17.1"),
    "agcounts": ("agcounts==0.2.6", "numpy==2.4.6"),
    "skdh": ("scikit-digital-health==0.17.18", "numpy==2.4.6"),
    "wristpy": ("wristpy==0.2.10", "numpy==2.4.6"),
    "tsfel": ("tsfel==0.2.0", "numpy==2.4.6"),
    "antropy": ("antropy==0.2.3", "numpy==2.4.6"),
    "entropyhub": ("EntropyHub==2.0", "numpy==2.4.6"),
    "systole": ("systole==0.3.1",),
    "biosppy": ("biosppy==2.2.4", "peakutils==1.3.5", "numpy==2.4.6"),
    "scipy": ("scipy==1.17.1", "numpy==2.4.6"),
}
MODULES: Final = {
    "hrv-analysis": "hrvanalysis",
    "entropyhub": "EntropyHub",
}  # where the module is not called like the peer
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)


class PeerUnavailable(RuntimeError):
    """This peer cannot be installed or imported here; the message says why."""


def peer_python(*requirements: str) -> Path:
    """The Python of an environment that holds exactly these requirements; a name of PEERS stands for its pins."""
    if len(requirements) == 1 and requirements[0] in PEERS:
        requirements = PEERS[requirements[0]]
    tag = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256("\n".join((tag, *requirements)).encode()).hexdigest()[:10]
    first = requirements[0].partition("=")[0].partition("<")[0].lower()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitals-bench"
    folder = cache / f"{first}-py{tag}-{digest}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "ready").exists():
        return python
    cache.mkdir(parents=True, exist_ok=True)
    print(f"peers: installing {' '.join(requirements)}", file=sys.stderr, flush=True)
    # An environment cannot be moved, so that a half-made one is told from a whole one by `ready`.
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        _call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], requirements)
        _call([uv, "pip", "install", "--quiet", "--python", str(python), *requirements], requirements)
    else:
        bare = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
        _call([sys.executable, "-m", "venv", *bare, str(folder)], requirements)
        pip = [str(python), "-m", "pip"] if not bare else [sys.executable, "-m", "pip", "--python", str(python)]
        _call([*pip, "install", "--quiet", "--disable-pip-version-check", *requirements], requirements)
    (folder / "ready").touch()
    return python


def run_peer(name: str, script: str, *arguments: str, timeout_s: float = 3600.0) -> Any:
    """Run `script` in the environment of a peer, on one thread; what its last line says, read as JSON.

    `arguments` are its `sys.argv[1:]`. Raises PeerUnavailable where it ends with an error.
    """
    python = peer_python(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.py"
        path.write_text(script)
        done = subprocess.run(
            [str(python), "-W", "ignore", str(path), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=folder,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": "", "MPLBACKEND": "agg"},
        )
    if done.returncode:
        raise PeerUnavailable(f"{name}: {_last_line(done.stderr)}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _call(command: list[str], requirements: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerUnavailable(f"cannot install {' '.join(requirements)}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word of why"])[-1]


def main(names: list[str]) -> int:
    failed = 0
    for name in names or list(PEERS):
        module = MODULES.get(name, name)
        try:
            version = run_peer(
                name, f"import json, numpy, {module}; print(json.dumps([numpy.__version__, {module}.__file__]))"
            )
            print(f"{name:14s} works, numpy {version[0]}")
        except PeerUnavailable as error:
            failed += 1
            print(f"{name:14s} {error}")
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
