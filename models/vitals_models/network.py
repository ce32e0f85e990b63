"""A small dense int8 network: what our .tflite files hold, as numpy arrays.

Laws
1. Fully connected layers only, each per-tensor quantised, activation none or RELU, one path from one input to one
   output. Anything else in a file is refused with ModelFileError; what passes here is safe to hand to a native runtime.
2. Weights are symmetric (zero point 0), biases int32 with scale = input scale x weight scale: the TensorFlow Lite 8-bit
   quantisation specification (ai.google.dev/edge/litert, "LiteRT 8-bit quantization specification").
3. `scale` is the float32 of the file, widened; the multiplier is formed from float32 products as the runtimes do.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vitals_models.errors import ModelFileError
from vitals_models.flatbuffer import Table, root

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
FULLY_CONNECTED = 9  # BuiltinOperator
FULLY_CONNECTED_OPTIONS = 8  # BuiltinOptions
NONE, RELU = 0, 1  # ActivationFunctionType
INT32, INT8 = 2, 9  # TensorType
T = TypeVar("T")
MAX_WIDTH = 4096  # 127 * 255 * 4096 < 2**31: no accumulator of a layer this narrow can overflow before its bias


@dataclass(frozen=True, slots=True)
class Quantisation:
    """real = (stored - zero) * scale."""

    scale: float
    zero: int


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    weights: NDArray[np.int8]  # (out, in)
    bias: NDArray[np.int32]  # (out,)
    weight_scale: float
    relu: bool
    source: Quantisation
    target: Quantisation


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    layers: tuple[Layer, ...]

    @property
    def inputs(self) -> int:
        return int(self.layers[0].weights.shape[1])

    @property
    def outputs(self) -> int:
        return int(self.layers[-1].weights.shape[0])

    @property
    def source(self) -> Quantisation:
        return self.layers[0].source

    @property
    def target(self) -> Quantisation:
        return self.layers[-1].target

    def real(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(W, inputs) -> (W, outputs) with the stored weights but without rounding activations."""
        for layer in self.layers:
            z = z @ (layer.weights * layer.weight_scale).T + layer.bias * (layer.weight_scale * layer.source.scale)
            z = np.maximum(z, 0.0) if layer.relu else z
        return z


def read_network(data: bytes) -> Network:
    """Parse a .tflite file. Raises ModelFileError for anything that breaks law 1 or the file format."""
    model = root(data, IDENTIFIER)
    if (version := model.uint32(0)) != SCHEMA_VERSION:
        raise ModelFileError(f"model file: schema version {version}; only {SCHEMA_VERSION} exists")
    codes = [max(code.int8(0), code.int32(3)) for code in model.tables(1)]
    graphs, buffers = model.tables(2), model.tables(4)
    if len(graphs) != 1:
        raise ModelFileError(f"model file: {len(graphs)} subgraphs; expected one")
    graph = graphs[0]
    tensors, operators = graph.tables(0), graph.tables(3)
    current, last = _single(graph.array(1, "<i4"), "inputs"), _single(graph.array(2, "<i4"), "outputs")
    if not operators:
        raise ModelFileError("model file: no operators")
    layers: list[Layer] = []
    for operator in operators:
        if _item(codes, operator.uint32(0), "operator code") != FULLY_CONNECTED:
            raise ModelFileError("model file: an operator other than FULLY_CONNECTED")
        wires = [int(i) for i in operator.array(1, "<i4")]
        if len(wires) != 3 or wires[0] != current:
            raise ModelFileError("model file: the layers are not one chain of input, weights and bias")
        current = _single(operator.array(2, "<i4"), "outputs of a layer")
        named = [_item(tensors, index, "tensor") for index in (*wires, current)]
        layers.append(_layer(named, buffers, _relu(operator)))
    if current != last:
        raise ModelFileError("model file: the last layer is not the output")
    for before, after in itertools.pairwise(layers):
        if before.weights.shape[0] != after.weights.shape[1] or before.target != after.source:
            raise ModelFileError("model file: two neighbouring layers do not fit")
    return Network(tuple(layers))


def _layer(named: list[Table], buffers: list[Table], relu: bool) -> Layer:
    given, weights, bias, result = named
    shape = [int(n) for n in weights.array(0, "<i4")]
    if len(shape) != 2 or not all(1 <= n <= MAX_WIDTH for n in shape):
        raise ModelFileError(f"model file: weights of shape {shape}; expected two sizes of 1 to {MAX_WIDTH}")
    _typed(given, INT8, [1, shape[1]])
    _typed(weights, INT8, shape)
    _typed(bias, INT32, shape[:1])
    _typed(result, INT8, [1, shape[0]])
    source, target, kernel, offset = (_quantisation(tensor) for tensor in (given, result, weights, bias))
    if kernel.zero or offset.zero or not np.isclose(offset.scale, source.scale * kernel.scale, rtol=1e-5, atol=0.0):
        raise ModelFileError("model file: weights or bias are not quantised as the 8-bit specification says")
    for activation in (given, result):
        if _item(buffers, activation.uint32(2), "buffer").array(0, "<i1").size:
            raise ModelFileError("model file: an activation holds constants")
    if not 2.0**-31 < source.scale * kernel.scale / target.scale < 2.0**30:
        raise ModelFileError("model file: the scales of a layer are out of proportion")
    return Layer(
        _constants(weights, buffers, "<i1").astype(np.int8).reshape(shape),
        _constants(bias, buffers, "<i4").astype(np.int32),
        kernel.scale,
        relu,
        source,
        target,
    )


def _relu(operator: Table) -> bool:
    if operator.uint8(3) != FULLY_CONNECTED_OPTIONS or (options := operator.table(4)) is None:
        raise ModelFileError("model file: a layer without its options")
    activation = options.int8(0)
    if activation not in (NONE, RELU) or options.int8(1) or options.uint8(2):
        raise ModelFileError("model file: a layer with an activation or layout that we do not run")
    return activation == RELU


def _typed(tensor: Table, kind: int, shape: list[int]) -> None:
    found = [int(n) for n in tensor.array(0, "<i4")]
    if tensor.int8(1) != kind or found != shape:
        raise ModelFileError(
            f"model file: a tensor of type {tensor.int8(1)} and shape {found}; expected {kind}, {shape}"
        )
    if tensor.uint8(5) or tensor.table(6) is not None or tensor.array(7, "<i4").size:
        raise ModelFileError("model file: a variable, sparse or dynamic tensor")


def _quantisation(tensor: Table) -> Quantisation:
    table = tensor.table(4)
    if table is None:
        raise ModelFileError("model file: a tensor that is not quantised")
    scales, zeros = table.array(2, "<f4"), table.array(3, "<i8")
    if scales.size != 1 or zeros.size != 1 or table.uint8(4):
        raise ModelFileError("model file: a tensor that is not quantised per tensor")
    scale, zero = float(scales[0]), int(zeros[0])
    if not (1e-20 < scale < 1e20 and -128 <= zero <= 127):  # False for NaN
        raise ModelFileError("model file: a scale or zero point out of range")
    return Quantisation(scale, zero)


def _constants(tensor: Table, buffers: list[Table], dtype: str) -> NDArray[np.generic]:
    values = _item(buffers, tensor.uint32(2), "buffer").array(0, "<i1")
    wanted = int(np.prod([int(n) for n in tensor.array(0, "<i4")])) * np.dtype(dtype).itemsize
    if values.size != wanted:
        raise ModelFileError(f"model file: {values.size} bytes of constants; expected {wanted}")
    return np.frombuffer(values.tobytes(), dtype)


def _single(indices: NDArray[np.generic], what: str) -> int:
    if indices.size != 1:
        raise ModelFileError(f"model file: {indices.size} {what}; expected one")
    return int(indices[0])


def _item(items: list[T], index: int, what: str) -> T:
    if not 0 <= index < len(items):
        raise ModelFileError(f"model file: there is no {what} {index}")
    return items[index]
