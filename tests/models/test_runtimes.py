"""Three ways to run one file: LiteRT, tflite-runtime, numpy. Same labels everywhere, or a plain sentence."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitals_models import runtime as runtimes
from vitals_models.errors import ModelFileError, RuntimeUnavailable
from vitals_models.loading import load, shipped
from vitals_models.runtime import available_runtimes, open_runtime

SOURCES = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("models", "signal")]
SCRIPT = """
import json, sys
import numpy as np
from vitals_models.errors import RuntimeUnavailable
from vitals_models.loading import load
from vitals_models.runtime import available_runtimes
out = {"numpy": np.__version__, "status": {s.name: s.reason for s in available_runtimes()}}
try:
    model = load("irregular-rhythm", runtime="tflite-runtime")
    out["p"] = model.predict_proba(np.load(sys.argv[1])).tolist()
except RuntimeUnavailable as error:
    out["refused"] = str(error)
out["chosen"] = load("irregular-rhythm").runtime.name
print(json.dumps(out))
"""


def features(rows: int = 4000) -> NDArray[np.float64]:
    card = load("irregular-rhythm", runtime="numpy").card
    rng = np.random.default_rng(7)
    mixed = rng.normal(size=(rows, 1)) + 0.5 * rng.normal(size=(rows, len(card.features)))
    return np.asarray(np.array(card.mean) + mixed * np.array(card.std), dtype=np.float64)


def labels(p: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(p >= load("irregular-rhythm", runtime="numpy").threshold)


def test_litert_and_numpy_give_the_same_bits() -> None:
    pytest.importorskip("ai_edge_litert")
    x = features()
    one, other = (load("irregular-rhythm", runtime=name).predict_proba(x) for name in ("litert", "numpy"))
    assert np.array_equal(one, other)
    assert 0.05 < labels(one).mean() < 0.95  # both labels occur


def test_litert_is_chosen_first_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert")
    model = load("irregular-rhythm")
    model.predict_proba(features(3))
    assert model.runtime.name == "litert"
    assert capfd.readouterr() == ("", "")


def test_without_any_runtime_the_numpy_evaluator_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    assert load("irregular-rhythm").runtime.name == "numpy"
    status = {s.name: s for s in available_runtimes()}
    assert [s.usable for s in status.values()] == [False, False, True]
    assert "pip install" in status["litert"].reason
    with pytest.raises(RuntimeUnavailable, match="LiteRT is not installed"):
        load("irregular-rhythm", runtime="litert")


def test_a_runtime_that_imports_and_dies_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What numpy 2 does to tflite-runtime: the import is fine, the constructor raises SystemError."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")

    def dies(*_: object, **__: object) -> None:
        raise SystemError("<built-in method CreateWrapperFromFile> returned NULL")

    monkeypatch.setattr(interpreter, "Interpreter", dies)
    assert load("irregular-rhythm").runtime.name == "numpy"
    with pytest.raises(RuntimeUnavailable, match="cannot build an interpreter here"):
        open_runtime(shipped("irregular-rhythm").read_bytes(), "litert")


def test_native_code_never_sees_a_file_that_we_cannot_read() -> None:
    for name in (None, "litert", "numpy"):
        with pytest.raises(ModelFileError):
            open_runtime(b"\x1c\x00\x00\x00TFL3" + bytes(64), name)
    with pytest.raises(ValueError, match="prefer is 'torch'"):
        open_runtime(shipped("irregular-rhythm").read_bytes(), "torch")


def _run(python: Path, folder: Path, x: NDArray[np.float64]) -> dict[str, object]:
    np.save(folder / "x.npy", x)
    done = subprocess.run(
        [str(python), "-c", SCRIPT, str(folder / "x.npy")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(SOURCES)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_tflite_runtime_gives_the_same_labels(
    tmp_path_factory: pytest.TempPathFactory, own_python: Callable[..., Path]
) -> None:
    folder = tmp_path_factory.mktemp("tflite")
    python = own_python("tflite-runtime==2.14.0", "numpy==1.26.4")
    x = features()
    answer = _run(python, folder, x)
    assert answer["chosen"] == "tflite-runtime"
    theirs, ours = np.array(answer["p"]), load("irregular-rhythm", runtime="numpy").predict_proba(x)
    assert np.mean(labels(theirs) == labels(ours)) >= 0.999
    step = load("irregular-rhythm", runtime="numpy").network.target.scale
    assert np.abs(np.log(theirs / (1 - theirs)) - np.log(ours / (1 - ours))).max() < 1.5 * step


def test_tflite_runtime_with_numpy_2_is_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, own_python: Callable[..., Path]
) -> None:
    folder = tmp_path_factory.mktemp("tflite2")
    python = own_python("tflite-runtime==2.14.0", "numpy>=2,<3")
    answer = _run(python, folder, features(5))
    assert str(answer["numpy"]).startswith("2.")
    refusal = str(answer["refused"])
    assert refusal.startswith("tflite-runtime works with numpy 1 only and numpy 2")
    assert 'install "numpy<2", or ai-edge-litert' in refusal
    assert answer["chosen"] == "numpy"
