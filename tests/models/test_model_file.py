"""Model files: bit-equal to LiteRT, and no byte string does anything but parse or raise ModelFileError."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vitals_models import tflite_write
from vitals_models.errors import ModelFileError
from vitals_models.evaluator import Evaluator
from vitals_models.loading import shipped
from vitals_models.network import Network, read_network
from vitals_models.tflite_write import Dense, quantise, write

SHAPES = [[8, 1], [16, 8, 3], [12, 24, 16, 4], [1, 1], [100, 2]]


def network(shape: list[int], seed: int = 0) -> tuple[Network, list[Dense], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(shape))
    layers = [
        Dense(rng.normal(size=(outs, ins)), rng.normal(size=outs), relu=at < len(pairs) - 1)
        for at, (ins, outs) in enumerate(pairs)
    ]
    z = np.clip(rng.normal(size=(2000, shape[0])), -4, 4)
    return quantise(layers, z, clip=4.0), layers, z


def litert(data: bytes, q: NDArray[np.int8], resolver: str) -> NDArray[np.int8]:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    running: Any = interpreter.Interpreter(
        model_content=data,
        num_threads=1,
        experimental_op_resolver_type=getattr(interpreter.OpResolverType, resolver),
    )
    running.allocate_tensors()
    given_at, result = running.get_input_details()[0]["index"], running.get_output_details()[0]["index"]
    rows = []
    for row in q:
        running.set_tensor(given_at, row[None])
        running.invoke()
        rows.append(running.get_tensor(result)[0])
    return np.array(rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_numpy_evaluator_is_bit_equal_to_the_reference_kernels(shape: list[int]) -> None:
    made, _, _ = network(shape)
    data = write(made)
    q = np.random.default_rng(1).integers(-128, 128, (3000, shape[0])).astype(np.int8)
    assert np.array_equal(Evaluator(data).run(q), litert(data, q, "BUILTIN_REF"))


@pytest.mark.parametrize("shape", SHAPES[:3])
@pytest.mark.parametrize("resolver", ["AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"])
def test_other_kernels_differ_by_rounding_only(shape: list[int], resolver: str) -> None:
    made, _, z = network(shape)
    data = write(made)
    q = np.clip(np.rint(z / made.source.scale), -128, 127).astype(np.int8)
    ours, theirs = Evaluator(data).run(q).astype(int), litert(data, q, resolver).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert np.mean(ours != theirs) < 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_int8_follows_the_float_network(shape: list[int]) -> None:
    made, layers, z = network(shape)
    real = z
    for layer in layers:
        real = real @ layer.weights.T + layer.bias
        real = np.maximum(real, 0) if layer.relu else real
    q = np.clip(np.rint(z / made.source.scale), -128, 127).astype(np.int8)
    stored = (Evaluator(made).run(q).astype(np.float64) - made.target.zero) * made.target.scale
    assert np.abs(stored - real).max() < 0.04 * (real.max() - real.min())
    assert np.allclose(read_network(write(made)).real(z), real, atol=0.04 * (real.max() - real.min()))


def test_reading_gives_back_what_was_written() -> None:
    made, _, _ = network([12, 24, 16, 4])
    back = read_network(write(made))
    for one, other in zip(made.layers, back.layers, strict=True):
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.bias, other.bias)
        assert (one.weight_scale, one.relu, one.source, one.target) == (
            other.weight_scale,
            other.relu,
            other.source,
            other.target,
        )
    assert write(made) == write(made)


def _read_or_refuse(data: bytes) -> bool:
    try:
        made = read_network(data)
    except ModelFileError:
        return False
    out = Evaluator(made).run(np.zeros((2, made.inputs), dtype=np.int8))
    assert out.shape == (2, made.outputs)
    return True


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400).map(lambda tail: tail[:4] + b"TFL3" + tail[4:]))
def test_noise_with_the_right_identifier_is_refused(data: bytes) -> None:
    assert not _read_or_refuse(data)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(shipped("irregular-rhythm").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 4))
        value = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        width = data.draw(st.sampled_from([1, 1, 4]))
        whole[at : at + width] = bytes([value] * width)
    _read_or_refuse(bytes(whole))


def test_every_truncation_and_every_single_wild_byte_is_read_or_refused() -> None:
    whole = shipped("irregular-rhythm").read_bytes()
    assert _read_or_refuse(whole)
    for size in range(len(whole)):
        _read_or_refuse(whole[:size])
    refused = 0
    for at in range(len(whole)):
        for value in (0x00, 0x80, 0xFF, whole[at] ^ 1):
            refused += not _read_or_refuse(whole[:at] + bytes([value]) + whole[at + 1 :])
    assert refused > 100  # the reader does look


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FULLY_CONNECTED", 3, "other than FULLY_CONNECTED"),
        ("FULLY_CONNECTED_OPTIONS", 1, "without its options"),
        ("NONE", 3, "activation or layout"),
        ("SCHEMA_VERSION", 2, "schema version 2"),
        ("IDENTIFIER", b"TFL2", "no TFL3 identifier"),
        ("INT8", 3, "tensor of type 3"),
        ("INT32", 4, "tensor of type 4"),
    ],
)
def test_what_we_do_not_run_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, message: str
) -> None:
    made, _, _ = network([8, 1])
    monkeypatch.setattr(tflite_write, name, value)
    with pytest.raises(ModelFileError, match=message):
        read_network(write(made))
