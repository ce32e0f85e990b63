"""The only module that imports a TensorFlow Lite interpreter.

Laws
1. A runtime counts as there only when it has CONSTRUCTED an interpreter: with numpy 2, tflite-runtime imports well and
   dies afterwards.
2. Order: LiteRT, tflite-runtime, our numpy evaluator, which always works for our files.
3. Model bytes pass our own reader first; native code never sees a file that we cannot parse.
4. Reference kernels, no delegates: the same input gives the same score on every machine, and nothing is printed.
5. One runtime object serves one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import RuntimeUnavailable
from vitals_models.evaluator import Evaluator
from vitals_models.network import Network, read_network


class Runtime(Protocol):
    """Runs one int8 network."""

    name: str

    def run(self, q: NDArray[np.int8]) -> NDArray[np.int8]:
        """(W, inputs) int8 -> (W, outputs) int8."""


@dataclass(frozen=True, slots=True)
class RuntimeStatus:
    name: str
    usable: bool
    reason: str  # why not; empty where usable


class _Interpreted:
    """A TensorFlow Lite interpreter that has shown that it can be built."""

    def __init__(self, name: str, module: Any, data: bytes, network: Network) -> None:
        self.name = name
        self._interpreter = module.Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._outputs = network.outputs

    def run(self, q: NDArray[np.int8]) -> NDArray[np.int8]:
        out = np.empty((len(q), self._outputs), dtype=np.int8)
        interpreter, given, result = self._interpreter, self._input, self._output
        for row in range(len(q)):
            interpreter.set_tensor(given, q[row : row + 1])
            interpreter.invoke()
            out[row] = interpreter.get_tensor(result)[0]
        return out


def _litert(data: bytes, network: Network) -> Runtime:
    if find_spec("ai_edge_litert") is None:
        raise RuntimeUnavailable('LiteRT is not installed; install it with: pip install "ai-edge-litert>=2.3,<3"')
    from ai_edge_litert import interpreter

    return _Interpreted("litert", interpreter, data, network)


def _tflite_runtime(data: bytes, network: Network) -> Runtime:
    if find_spec("tflite_runtime") is None:
        raise RuntimeUnavailable(
            'tflite-runtime is not installed; install it with: pip install "vitals[tflite-runtime]"'
        )
    if int(np.__version__.split(".")[0]) >= 2:
        raise RuntimeUnavailable(
            f"tflite-runtime works with numpy 1 only and numpy {np.__version__} is installed; "
            'install "numpy<2", or ai-edge-litert instead of tflite-runtime'
        )
    from tflite_runtime import interpreter

    return _Interpreted("tflite-runtime", interpreter, data, network)


def _numpy(data: bytes, network: Network) -> Runtime:
    return Evaluator(network)


_OPENERS: dict[str, Callable[[bytes, Network], Runtime]] = {
    "litert": _litert,
    "tflite-runtime": _tflite_runtime,
    "numpy": _numpy,
}


def available_runtimes(data: bytes | None = None) -> tuple[RuntimeStatus, ...]:
    """Every runtime in order of preference, tried on a model file (None: the shipped one for irregular rhythm)."""
    if data is None:
        from vitals_models.loading import shipped

        data = shipped("irregular-rhythm").read_bytes()
    network = read_network(data)
    found = []
    for name in _OPENERS:
        try:
            _construct(name, data, network)
            found.append(RuntimeStatus(name, True, ""))
        except RuntimeUnavailable as error:
            found.append(RuntimeStatus(name, False, str(error)))
    return tuple(found)


def open_runtime(data: bytes, prefer: str | None = None) -> Runtime:
    """The first runtime that can run these bytes, or the one asked for.

    Raises ModelFileError for bytes that we cannot read, RuntimeUnavailable where `prefer` names a runtime that cannot
    run here, ValueError where it names none.
    """
    network = read_network(data)
    if prefer is not None:
        if prefer not in _OPENERS:
            raise ValueError(f"prefer is {prefer!r}; use one of {', '.join(_OPENERS)}")
        return _construct(prefer, data, network)
    for name in _OPENERS:
        try:
            return _construct(name, data, network)
        except RuntimeUnavailable:
            continue
    raise AssertionError("the numpy evaluator runs every network that our reader accepts")


def _construct(name: str, data: bytes, network: Network) -> Runtime:
    try:
        return _OPENERS[name](data, network)
    except RuntimeUnavailable:
        raise
    except Exception as error:  # native wheels fail in many ways: ImportError, SystemError, AttributeError, ValueError
        raise RuntimeUnavailable(f"{name} is installed but cannot build an interpreter here: {error}") from error
