"""Each rule of the format broken once, and everything that only looks broken let through."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import (
    Buffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Signature,
    Subgraph,
    Tensor,
    TensorType,
)
from quantlib.model.limits import Limits
from quantlib.model.validate import validate

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))

X, W, Y, STATE = range(4)


def valid() -> Model:
    """y = op(x, w, state), with w constant, state a variable, and a signature."""
    scales = Quantization(np.array([0.5, 0.25], np.float32), np.array([0, 0]), 0)
    tensors = (
        Tensor((1, 3), TensorType.INT8, name="x", quantization=quantized(0.5, 3)),
        Tensor((2, 3), TensorType.INT8, 1, "w", scales),
        Tensor((1, 2), TensorType.INT8, name="y", quantization=quantized(0.1, -128)),
        Tensor((4,), TensorType.INT16, name="state", is_variable=True),
    )
    operator = Operator(0, (X, W, -1, STATE), (Y,))
    return Model(
        3,
        (OperatorCode(9, "FULLY_CONNECTED"), OperatorCode(119, "WHILE")),
        (Subgraph(tensors, (X,), (Y,), (operator,), "main"),),
        (Buffer(), Buffer(memoryview(bytes(6)))),
        signatures=(Signature("serve", (("x", X),), (("y", Y),)),),
        metadata=(Metadata("m", 1),),
    )


def quantized(scale: float, zero_point: int) -> Quantization:
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


def with_tensor(at: int, **changes: Any) -> Model:
    model = valid()
    (graph,) = model.subgraphs
    tensors = list(graph.tensors)
    tensors[at] = dataclasses.replace(tensors[at], **changes)
    return with_graph(tensors=tuple(tensors))


def with_graph(**changes: Any) -> Model:
    model = valid()
    (graph,) = model.subgraphs
    return dataclasses.replace(model, subgraphs=(dataclasses.replace(graph, **changes),))


def with_operators(*operators: Operator) -> Model:
    return with_graph(operators=operators)


def with_quantization(at: int = Y, **changes: Any) -> Model:
    quantization = valid().subgraphs[0].tensors[at].quantization
    assert quantization is not None
    return with_tensor(at, quantization=dataclasses.replace(quantization, **changes))


def test_a_model_that_keeps_the_rules_comes_back_itself() -> None:
    model = valid()
    assert validate(model) is model


def test_every_real_model_that_litert_runs_is_valid() -> None:
    files = [*SHARED.glob("zoo/**/*.tflite"), *SHARED.glob("converter/**/*.tflite")]
    if not files:
        pytest.skip(f"no real models in {SHARED} (set QUANTLIB_SHARED)")
    refused = {}
    for path in files:
        try:
            validate(read_model(path))
        except InvalidModelError as error:
            refused[path.name] = error.field
    # LiteRT refuses this one as well, when it prepares the convolution.
    assert refused == {"0206_01_i16b32.tflite": "quantization.scale"}


BROKEN: list[tuple[str, Model, dict[str, object]]] = [
    ("version", dataclasses.replace(valid(), version=2), {"field": "version"}),
    ("no subgraph", dataclasses.replace(valid(), subgraphs=()), {"field": "subgraphs"}),
    (
        "a custom operator without a name",
        dataclasses.replace(valid(), operator_codes=(OperatorCode(32, "CUSTOM"),)),
        {"field": "operator_codes[0].custom_code"},
    ),
    # shapes
    ("a negative dimension", with_tensor(Y, shape=(1, -1)), {"tensor": Y, "field": "shape"}),
    ("another rank", with_tensor(Y, shape_signature=(1,)), {"tensor": Y, "field": "shape_signature"}),
    ("less than -1", with_tensor(Y, shape_signature=(-2, 2)), {"tensor": Y, "field": "shape_signature"}),
    # buffers and constants
    ("a buffer too far", with_tensor(Y, buffer=2), {"tensor": Y, "field": "buffer"}),
    ("a buffer below zero", with_tensor(Y, buffer=-1), {"tensor": Y, "field": "buffer"}),
    ("too few bytes", with_tensor(W, shape=(2, 4), quantization=None), {"tensor": W, "field": "buffer"}),
    ("a constant variable", with_tensor(W, is_variable=True), {"tensor": W, "field": "is_variable"}),
    (
        "a constant resource",
        with_tensor(W, type=TensorType.RESOURCE, quantization=None),
        {"tensor": W, "field": "type"},
    ),
    ("a variable string", with_tensor(STATE, type=TensorType.STRING), {"tensor": STATE, "field": "type"}),
    ("odd strings", with_tensor(W, type=TensorType.STRING), {"tensor": W, "field": "buffer"}),
    # quantization
    ("scale 0", with_quantization(scale=[0.0]), {"tensor": Y, "field": "quantization.scale"}),
    ("a negative scale", with_quantization(scale=[-1.0]), {"tensor": Y, "field": "quantization.scale"}),
    ("a subnormal scale", with_quantization(scale=[1e-40]), {"tensor": Y, "field": "quantization.scale"}),
    (
        "the largest subnormal scale",
        with_quantization(scale=[np.nextafter(np.float32(2.0**-126), np.float32(0))]),
        {"tensor": Y, "field": "quantization.scale"},
    ),
    ("an infinite scale", with_quantization(scale=[np.inf]), {"tensor": Y, "field": "quantization.scale"}),
    ("a scale of NaN", with_quantization(W, scale=[np.nan, 1]), {"tensor": W, "field": "quantization.scale"}),
    ("a zero point too high", with_quantization(zero_point=[128]), {"field": "quantization.zero_point"}),
    ("a zero point too low", with_quantization(zero_point=[-129]), {"field": "quantization.zero_point"}),
    ("no zero point", with_quantization(zero_point=[]), {"field": "quantization.zero_point"}),
    (
        "an axis too far",
        with_quantization(W, quantized_dimension=2),
        {"tensor": W, "field": "quantization.quantized_dimension"},
    ),
    (
        "an axis below zero",
        with_quantization(W, quantized_dimension=-1),
        {"tensor": W, "field": "quantization.quantized_dimension"},
    ),
    (
        "scales along another axis",
        with_quantization(W, quantized_dimension=1),
        {"tensor": W, "field": "quantization.scale"},
    ),
    # the graph
    ("an input too far", with_graph(inputs=(4,)), {"subgraph": 0, "field": "inputs"}),
    ("an absent input", with_graph(inputs=(-1,)), {"subgraph": 0, "field": "inputs"}),
    ("a constant input", with_graph(inputs=(X, W)), {"tensor": W, "field": "inputs"}),
    ("an output too far", with_graph(outputs=(4,)), {"subgraph": 0, "field": "outputs"}),
    ("an output nobody computes", with_graph(operators=()), {"tensor": Y, "field": "outputs"}),
    (
        "an unknown operator",
        with_operators(Operator(2, (X,), (Y,))),
        {"operator": 0, "field": "opcode_index"},
    ),
    ("an operand too far", with_operators(Operator(0, (X, 4), (Y,))), {"operator": 0, "role": "input 1"}),
    ("an operand below -1", with_operators(Operator(0, (-2,), (Y,))), {"operator": 0, "role": "input 0"}),
    ("an absent result", with_operators(Operator(0, (X,), (-1, Y))), {"operator": 0, "role": "output 0"}),
    (
        "an intermediate too far",
        with_operators(Operator(0, (X,), (Y,), intermediates=(-1, 4))),
        {"operator": 0, "role": "intermediate 1"},
    ),
    ("use before definition", with_operators(Operator(0, (Y,), (Y,))), {"operator": 0, "tensor": Y}),
    ("a constant overwritten", with_operators(Operator(0, (X,), (W,))), {"operator": 0, "tensor": W}),
    ("an input overwritten", with_operators(Operator(0, (W,), (X,))), {"operator": 0, "tensor": X}),
    (
        "two writers",
        with_operators(Operator(0, (X,), (Y,)), Operator(0, (X,), (Y,))),
        {"operator": 1, "tensor": Y, "role": "output 0"},
    ),
    ("two results in one", with_operators(Operator(0, (X,), (Y, Y))), {"operator": 0, "role": "output 1"}),
    # what hangs on the model
    (
        "a nameless signature",
        dataclasses.replace(valid(), signatures=(Signature(None, (), ()),)),
        {"field": "signatures[0].key"},
    ),
    (
        "a signature of no subgraph",
        dataclasses.replace(valid(), signatures=(Signature("s", (), (), 1),)),
        {"field": "signatures[0].subgraph_index"},
    ),
    (
        "a signature of no tensor",
        dataclasses.replace(valid(), signatures=(Signature("s", (), (("y", 4),)),)),
        {"field": "signatures[0].outputs"},
    ),
    (
        "metadata in no buffer",
        dataclasses.replace(valid(), metadata=(Metadata("m", 2),)),
        {"field": "metadata[0].buffer"},
    ),
]


@pytest.mark.parametrize(("model", "place"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_rule_is_named_with_its_place(model: Model, place: dict[str, object]) -> None:
    with pytest.raises(InvalidModelError) as caught:
        validate(model)
    found = {name: getattr(caught.value.where, name) for name in place}
    assert found == place
    assert caught.value.wanted is not None


LOOKS_BROKEN: list[tuple[str, Model]] = [
    ("no buffers at all", dataclasses.replace(with_tensor(W, buffer=0, is_variable=True), buffers=(), metadata=())),
    ("data in buffer 0", dataclasses.replace(valid(), buffers=(Buffer(memoryview(b"?")), *valid().buffers[1:]))),
    ("more bytes than needed", dataclasses.replace(valid(), buffers=(Buffer(), Buffer(memoryview(bytes(99)))))),
    ("an unknown dimension", with_tensor(Y, shape_signature=(-1, 2))),
    ("an empty tensor of huge dimensions", with_tensor(Y, shape=(0, 2**31 - 1, 2**31 - 1))),
    ("a scale on a float tensor", with_tensor(Y, type=TensorType.FLOAT32, quantization=quantized(0.0, 999))),
    ("ranges without scales", with_tensor(Y, quantization=Quantization(min=np.zeros(1), max=np.ones(1)))),
    ("zero points without scales", with_tensor(Y, quantization=Quantization(zero_point=np.array([999])))),
    ("a scalar with an axis", with_tensor(STATE, shape=(), quantization=dataclasses.replace(quantized(1, 0), quantized_dimension=3))),
    ("the smallest normal scale", with_quantization(scale=[2.0**-126])),
    ("the largest scale", with_quantization(scale=[np.finfo(np.float32).max])),
    ("a variable written to", with_operators(Operator(0, (X,), (STATE,)), Operator(0, (STATE,), (Y,)))),
    ("an unused operator code", dataclasses.replace(valid(), operator_codes=(*valid().operator_codes, OperatorCode(999, "BUILTIN_999")))),
    ("an input that is an output", with_graph(outputs=(X, W, STATE), operators=())),
    ("constant bytes kept in another file", with_tensor(W, buffer=0, external_buffer=1)),
]  # fmt: skip


@pytest.mark.parametrize("model", [m for _, m in LOOKS_BROKEN], ids=[name for name, _ in LOOKS_BROKEN])
def test_what_only_looks_broken_passes(model: Model) -> None:
    validate(model)


def test_the_axis_of_a_bias_may_be_that_of_its_weights() -> None:
    many = Quantization(np.full(4, 0.5, np.float32), np.zeros(4, np.int64), 3)
    validate(with_tensor(STATE, type=TensorType.INT32, quantization=many))
    validate(with_tensor(STATE, type=TensorType.INT64, quantization=many))
    with pytest.raises(InvalidModelError, match=r"3 on a tensor of rank 1; wanted 0 \.\. 0"):
        validate(with_tensor(STATE, type=TensorType.INT16, quantization=many))
    with pytest.raises(InvalidModelError, match="4 values; wanted 1, or 5 along dimension 0"):
        validate(with_tensor(STATE, shape=(5,), type=TensorType.INT32, quantization=many))


@pytest.mark.parametrize(
    ("tensor_type", "low", "high"),
    [
        (TensorType.INT8, -(2**7), 2**7 - 1),
        (TensorType.UINT8, 0, 2**8 - 1),
        (TensorType.INT16, -(2**15), 2**15 - 1),
        (TensorType.UINT16, 0, 2**16 - 1),
        (TensorType.INT32, -(2**31), 2**31 - 1),
        (TensorType.UINT32, 0, 2**32 - 1),
        (TensorType.INT64, -(2**63), 2**63 - 1),
        (TensorType.INT4, -8, 7),
        (TensorType.UINT4, 0, 15),
        (TensorType.INT2, -2, 1),
    ],
)
def test_a_zero_point_is_a_value_of_the_type(tensor_type: TensorType, low: int, high: int) -> None:
    def of(zero_point: int) -> Model:
        return with_tensor(Y, type=tensor_type, quantization=quantized(0.5, zero_point))

    validate(of(low))
    validate(of(high))
    for outside in (low - 1, high + 1):
        if -(2**63) <= outside < 2**63:
            with pytest.raises(InvalidModelError, match=rf"zero_point: {outside}; wanted"):
                validate(of(outside))


def test_limits_are_kept_to_the_byte() -> None:
    # x, y and state take 3 + 2 + 8 bytes; the constant w is part of the file.
    validate(valid(), Limits(tensor_bytes=8, total_tensor_bytes=13, operators=1, operands=5, rank=2))
    for limits in (Limits(tensor_bytes=7), Limits(total_tensor_bytes=12), Limits(operands=4)):
        with pytest.raises(LimitExceededError):
            validate(valid(), limits)


def test_names_in_errors_are_escaped() -> None:
    with pytest.raises(InvalidModelError) as caught:
        validate(with_tensor(Y, name="\x1b[31m\nred", shape=(-1, 2)))
    assert r"tensor 2 '\x1b[31m\nred', shape: [-1, 2]" in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "model", "text"),
    [
        (Limits(rank=1), valid(), r"limits\.rank"),
        (Limits(tensor_bytes=5), valid(), r"limits\.tensor_bytes"),
        (Limits(total_tensor_bytes=12), valid(), r"13 bytes .* limits\.total_tensor_bytes|limits\.total"),
        (Limits(operators=0), valid(), r"limits\.operators"),
        (Limits(operands=4), valid(), r"5 operands.*limits\.operands"),
        (Limits(), with_tensor(Y, shape=(2**20, 2**20)), r"limits\.tensor_bytes"),
        (Limits(), with_tensor(Y, shape=(2**31 - 1,) * 8), r"limits\.tensor_bytes"),
        (Limits(), with_tensor(Y, shape=(1,) * 9), r"limits\.rank"),
    ],
)
def test_limits_are_kept_before_anything_is_allocated(limits: Limits, model: Model, text: str) -> None:
    with pytest.raises(LimitExceededError, match=text):
        validate(model, limits)


def calling(*callees: tuple[int, ...]) -> Model:
    """A model whose subgraph i calls the subgraphs callees[i]."""
    graphs = []
    for called in callees:
        operators = tuple(
            Operator(
                1, (), (), Record("WhileOptions", (("cond_subgraph_index", c), ("body_subgraph_index", c)))
            )
            for c in called
        )
        graphs.append(Subgraph((), (), (), operators))
    return dataclasses.replace(valid(), subgraphs=tuple(graphs), signatures=None)


@pytest.mark.parametrize("callees", [((0,),), ((1,), (0,)), ((1,), (2,), (3, 1), ()), ((), (2,), (1,))])
def test_subgraphs_that_call_themselves_are_refused(callees: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(InvalidModelError, match="calls itself; wanted no cycle of calls"):
        validate(calling(*callees))


def test_calls_may_meet_but_not_nest_too_deep() -> None:
    validate(calling((1, 2), (3,), (3,), ()))
    chain = calling(*[(index + 1,) for index in range(16)], ())
    validate(chain)
    with pytest.raises(LimitExceededError, match="calls 16 deep; wanted at most 15"):
        validate(chain, Limits(call_depth=15))


@pytest.mark.parametrize("callee", [-1, 2])
def test_a_subgraph_that_does_not_exist_cannot_be_called(callee: int) -> None:
    with pytest.raises(InvalidModelError) as caught:
        validate(calling((callee,), ()))
    assert (caught.value.operator, caught.value.field) == (0, "cond_subgraph_index")


def test_branches_and_computations_are_calls_too() -> None:
    for table, field in (
        ("StablehloCaseOptions", "branch_subgraph_indices"),
        ("StablehloCustomCallOptions", "called_computations"),
    ):
        operator = Operator(1, (), (), options_2=Record(table, ((field, (1, 7)),)))
        model = dataclasses.replace(
            valid(), subgraphs=(Subgraph((), (), (), (operator,)),) * 2, signatures=None
        )
        with pytest.raises(InvalidModelError, match=rf"{field}: 7; wanted below 2"):
            validate(model)


@pytest.mark.parametrize(
    ("strings", "good"),
    [
        ([0, 8], True),
        ([1, 12, 15], True),
        ([2, 16, 16, 19], True),
        ([], False),
        ([0], False),
        ([0, 9], False),
        ([1, 12, 14], False),
        ([2, 16, 20, 19], False),
        ([2, 16, 12, 19], False),
        ([2**32 - 1, 8, 8], False),
        ([2**31 - 1, 8, 8], False),
    ],
)
def test_strings_lie_one_after_another(strings: list[int], good: bool) -> None:
    data = np.array(strings, "<u4").tobytes()
    data += b"abc" if len(strings) > 2 else b""
    model = with_tensor(W, type=TensorType.STRING, quantization=None)
    model = dataclasses.replace(model, buffers=(Buffer(), Buffer(memoryview(data))))
    if good:
        validate(model)
    else:
        with pytest.raises(InvalidModelError):
            validate(model)


def details(table: str, **entries: object) -> Model:
    return with_quantization(scale=[], zero_point=[], details=Record(table, tuple(entries.items())))


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (details("BlockwiseQuantization", scales=4, zero_points=-1), "scales"),
        (details("BlockwiseQuantization", scales=-1, zero_points=-1), "scales"),
        (details("BlockwiseQuantization", scales=1, zero_points=-2), "zero_points"),
        (details("BlockwiseQuantization", scales=1, zero_points=4), "zero_points"),
        (details("BlockwiseQuantization", scales=1, zero_points=-1, block_size=-1), "block_size"),
        (details("MultiAxisQuantization", scales=1, zero_points=-1), "quantized_dimensions"),
        (details("MultiAxisQuantization", scales=1, quantized_dimensions=(0, 2)), "quantized_dimensions"),
        (details("MultiAxisQuantization", scales=1, quantized_dimensions=(-1,)), "quantized_dimensions"),
    ],
)
def test_scales_that_are_tensors_exist(model: Model, field: str) -> None:
    with pytest.raises(InvalidModelError) as caught:
        validate(model)
    assert caught.value.field == f"quantization.details.{field}"


def test_scales_that_are_tensors_pass() -> None:
    validate(details("BlockwiseQuantization", scales=1, zero_points=-1, block_size=32))
    validate(details("MultiAxisQuantization", scales=1, zero_points=1, quantized_dimensions=(0, 1)))
    validate(details("MultiAxisQuantization", scales=3, zero_points=3, quantized_dimensions=(1,)))
    validate(details("BlockwiseQuantization", scales=0, zero_points=-1, block_size=2**31 - 1))
    validate(details("CustomQuantization", custom=b"?"))
