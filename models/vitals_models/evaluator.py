"""The numpy evaluator: runs our int8 networks where no TensorFlow Lite runtime exists.

Laws
1. Integer arithmetic of the LiteRT reference kernel for FULLY_CONNECTED: int32 accumulator that wraps, multiplier as a
   31-bit fixed-point number and a power of two, rounded once, half up (TFLITE_SINGLE_ROUNDING), saturation to int8.
   Sources: tensorflow/lite/kernels/internal/{common.h,quantization_util.cc}, reference/integer_ops/fully_connected.h;
   Jacob et al. 2018, section 2.2.
2. Bit-equal to LiteRT with BUILTIN_REF, and on x86-64 to its default (both tested). Its optimised kernels without
   delegates, and tflite-runtime 2.14, round twice: a layer may differ there by one level in about one row of 200.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vitals_models.network import Layer, Network, read_network


class Evaluator:
    """Runs one network, all rows at once."""

    name = "numpy"

    def __init__(self, model: bytes | Network) -> None:
        self.network = model if isinstance(model, Network) else read_network(model)

    def run(self, q: NDArray[np.int8]) -> NDArray[np.int8]:
        """(W, inputs) int8 -> (W, outputs) int8."""
        for layer in self.network.layers:
            q = _fully_connected(layer, q)
        return q


def _fully_connected(layer: Layer, q: NDArray[np.int8]) -> NDArray[np.int8]:
    # Products of whole numbers below 2**31 are exact in float64, whose matrix product is the fast one.
    centred = q.astype(np.float64) - layer.source.zero
    total = (centred @ layer.weights.T.astype(np.float64)).astype(np.int64) + layer.bias
    wrapped = total.astype(np.int32).astype(np.int64)
    multiplier, shift = quantised_multiplier(layer)
    scaled = _rescale(wrapped, multiplier, shift) + layer.target.zero
    lowest = max(-128, layer.target.zero) if layer.relu else -128
    return np.clip(scaled, lowest, 127).astype(np.int8)


def quantised_multiplier(layer: Layer) -> tuple[int, int]:
    """The real multiplier of a layer as (31-bit fraction, exponent)."""
    product = float(np.float32(layer.source.scale) * np.float32(layer.weight_scale))
    fraction, exponent = math.frexp(product / layer.target.scale)
    fixed = math.floor(fraction * 2.0**31 + 0.5)
    return (fixed // 2, exponent + 1) if fixed == 1 << 31 else (fixed, exponent)


def _rescale(x: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    total = 31 - shift
    return (x * multiplier + (1 << (total - 1))) >> total
