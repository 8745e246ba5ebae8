"""A model as text."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from quantlib.flatbuffer.names import described
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
from quantlib.model.show import escaped, show

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))


def model() -> Model:
    weights = Quantization(np.array([0.5, 1e-5], np.float32), np.array([0, 0]), 0)
    tensors = (
        Tensor((1, 3), TensorType.INT8, name="x", shape_signature=(-1, 3)),
        Tensor((2, 3), TensorType.INT8, 1, "w", weights),
        Tensor((1, 2), TensorType.FLOAT32, name="\x1b[2J"),
        Tensor((), TensorType.STRING, is_variable=True),
    )
    options = Record("FullyConnectedOptions", (("fused_activation_function", 1), ("quant_spec", None)))
    operator = Operator(0, (0, 1, -1), (2,), options, custom_options=b"abc")
    return Model(
        3,
        (OperatorCode(9, "FULLY_CONNECTED", 4),),
        (Subgraph(tensors, (0,), (2,), (operator,), "main"), Subgraph((), (), (), ())),
        (Buffer(), Buffer(memoryview(bytes(6)))),
        "a model",
        metadata=(Metadata("runtime", 1),),
        signatures=(Signature("serve", (("in", 0),), (("out", 2),)),),
    )


EXPECTED = r"""
2 subgraphs, 1 operator, 4 tensors, 6 bytes of constants
description: a model
signature serve of subgraph 0: (in: 0) -> (out: 2)
metadata runtime: 6 bytes

subgraph 0 main: (x) -> (\x1b[2J)
operator  name                inputs  outputs  shape  type     multiply-adds  options
       0  FULLY_CONNECTED v4   0,1,-        2    1x2  FLOAT32          6 000  fused_activation_function=RELU custom_options=3 bytes
          total                                                        6 000

tensor  name     type      shape                     scale  zero_point  bytes  kind
     0  x        INT8        ?x3                                            3  input
     1  w        INT8        2x3  1e-05 .. 0.5 (2 along 0)           0      6  constant
     2  \x1b[2J  FLOAT32     1x2                                            8  output
     3           STRING   scalar                                               variable

subgraph 1: () -> ()
""".strip()


def test_a_model_is_shown_in_aligned_tables() -> None:
    assert show(model(), lambda *_: 6000, described) == EXPECTED


def test_without_a_counter_there_is_no_column_for_work() -> None:
    text = str(model())
    assert "multiply" not in text
    assert "fused_activation_function=1" in text


def test_work_that_nobody_can_tell_is_left_blank() -> None:
    text = show(model(), lambda *_: None)
    assert "multiply-adds" in text
    assert "total" not in text


def test_a_model_that_breaks_every_rule_can_be_shown() -> None:
    broken = dataclasses.replace(
        model(),
        subgraphs=(
            Subgraph(
                (Tensor((-1,) * 40, TensorType.VARIANT, 99, "n" * 500, shape_signature=(1,)),),
                (7, -1) * 20,
                (0,),
                (Operator(5, (-2, 9) * 40, (9,), Record("BuiltinOptions 222")),),
                "\n\udcff",
            ),
        ),
        metadata=(Metadata(None, 99),),
        signatures=(Signature(None, ((None, 99),), (), 99),),
    )
    text = show(broken)
    assert all(line.isprintable() and len(line) < 400 for line in text.splitlines())
    assert "operator code 5, which does not exist" in text
    assert "tensor 7, which does not exist" in text


def test_options_of_every_kind_are_shown_shortly() -> None:
    options = Record(
        "Odd",
        (("a", (1, 2.5)), ("b", (0,) * 9), ("c", b"xyz"), ("d", Record("T")), ("e", True), ("f", "s\n")),
    )
    graph = Subgraph((), (), (), (Operator(0, (), (), options_2=options),))
    last = show(Model(3, (), (graph,), ())).splitlines()[-1]
    assert last.endswith(r"a=[1,2.5] b=[0,0,0,0,0,0,0,0,…] c=3 bytes d=T e=1 f=s\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.nan, "nan"),
        (np.inf, "inf"),
        (0.0, "0.0"),
        (1e-42, "1e-42"),
        (1 / 255, "0.003921569"),
        (3e38, "3e+38"),
    ],
)
def test_scales_are_shown_to_the_last_digit(value: float, text: str) -> None:
    tensor = Tensor(
        (), TensorType.INT8, quantization=Quantization(np.array([value], np.float32), np.array([0]))
    )
    shown = show(Model(3, (), (Subgraph((tensor,), (), (), ()),), ()))
    assert text in shown.splitlines()[-1].split()
    assert np.isnan(value) or np.float32(text) == np.float32(value)


def test_names_are_escaped_once_and_cut() -> None:
    assert escaped("é/λ") == "é/λ"
    assert escaped("\x1b]0;title\x07") == r"\x1b]0;title\x07"
    assert escaped("\u202eevil") == r"\u202eevil"
    assert escaped("\udcff") == r"\udcff"
    assert escaped("x" * 100) == "x" * 47 + "…"


def test_every_real_model_can_be_shown() -> None:
    files = list(SHARED.glob("zoo/**/*.tflite"))
    if not files:
        pytest.skip(f"no real models in {SHARED} (set QUANTLIB_SHARED)")
    for path in files:
        lines = show(read_model(path), describe=described).splitlines()
        assert all(line.isprintable() for line in lines)
