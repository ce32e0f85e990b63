"""Writing small dense networks as int8 .tflite files (train extra: the schema classes that ship with ai-edge-litert).

Laws
1. Symmetric weights, min/max statistics, never a moving average; int8 logits out, no sigmoid inside: 256 levels of
   probability would cost ranking. Standardisation stays outside: one scale for all inputs would drown the small ones.
2. The same network gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals_models.network import (
    FULLY_CONNECTED,
    FULLY_CONNECTED_OPTIONS,
    IDENTIFIER,
    INT8,
    INT32,
    NONE,
    RELU,
    SCHEMA_VERSION,
    Layer,
    Network,
    Quantisation,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """One layer in floats: `weights` (out, in), `bias` (out,)."""

    weights: Floats
    bias: Floats
    relu: bool = False


def quantise(
    layers: Sequence[Dense], z: Floats, *, clip: float, output_range: tuple[float, float] | None = None
) -> Network:
    """Quantise a dense network after training.

    `z`: (W, inputs) standardised features, clipped at +-`clip`, that show the range of every activation;
    `output_range`: the logits that the last layer must tell apart (others saturate); measured on `z` where None.
    """
    source = Quantisation(float(np.float32(clip / 127.0)), 0)
    done: list[Layer] = []
    for index, layer in enumerate(layers):
        scale = float(np.float32(max(np.abs(layer.weights).max(), 1e-12) / 127.0))
        weights = np.clip(np.rint(layer.weights / scale), -127, 127).astype(np.int8)
        bias = np.rint(layer.bias / (np.float32(source.scale) * np.float32(scale)).astype(float)).astype(np.int32)
        z = z @ layer.weights.T + layer.bias
        z = np.maximum(z, 0.0) if layer.relu else z
        last = index == len(layers) - 1
        low, high = output_range if last and output_range else (float(z.min()), float(z.max()))
        target = _affine(low, high)
        done.append(Layer(weights, bias, scale, layer.relu, source, target))
        source = target
    return Network(tuple(done))


def _affine(low: float, high: float) -> Quantisation:
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, 1e-6) / 255.0))
    return Quantisation(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def write(network: Network) -> bytes:
    """The .tflite bytes of a network (schema version 3, one subgraph, one FULLY_CONNECTED per layer)."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    buffers = [schema.BufferT()]
    tensors: list[Any] = []

    def tensor(shape: list[int], kind: int, scale: float, zero: int, data: bytes | None) -> int:
        item = schema.TensorT(shape=shape, type=kind, name="")
        item.quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero])
        if data is not None:
            item.buffer = len(buffers)
            buffers.append(schema.BufferT(data=np.frombuffer(data, np.uint8)))
        tensors.append(item)
        return len(tensors) - 1

    current = tensor([1, network.inputs], INT8, network.source.scale, network.source.zero, None)
    first, operators = current, []
    for layer in network.layers:
        bias_scale = float(np.float32(layer.source.scale) * np.float32(layer.weight_scale))
        weights = tensor(list(layer.weights.shape), INT8, layer.weight_scale, 0, layer.weights.tobytes())
        bias = tensor(list(layer.bias.shape), INT32, bias_scale, 0, layer.bias.astype("<i4").tobytes())
        result = tensor([1, len(layer.bias)], INT8, layer.target.scale, layer.target.zero, None)
        options = schema.FullyConnectedOptionsT(fusedActivationFunction=RELU if layer.relu else NONE)
        operator = schema.OperatorT(opcodeIndex=0, inputs=[current, weights, bias], outputs=[result])
        operator.builtinOptionsType, operator.builtinOptions = FULLY_CONNECTED_OPTIONS, options
        operators.append(operator)
        current = result
    graph = schema.SubGraphT(tensors=tensors, inputs=[first], outputs=[current], operators=operators)
    code = schema.OperatorCodeT(deprecatedBuiltinCode=FULLY_CONNECTED, builtinCode=FULLY_CONNECTED, version=4)
    model = schema.ModelT(version=SCHEMA_VERSION, operatorCodes=[code], subgraphs=[graph], buffers=buffers)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())
