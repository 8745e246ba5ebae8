"""TensorFlow 2.21's own conversions: from the same ranges, the same numbers."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from quantlib.flatbuffer.read import read_model
from quantlib.model.tensor_rules import constant_data
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "converter"
NETS = ("mnist", "mbv1", "dscnn")
RECIPES = {
    "int8": FullInteger(),
    "int8_u8": FullInteger(np.uint8, np.uint8),
    "int8_i8": FullInteger(np.int8, np.int8),
    "int8_pt": FullInteger(per_channel=False),
    "dyn": DynamicRange(),
    "fp16": Float16(),
    "int16x8": Int16x8(),
    "int16x8_b32": Int16x8(bias=np.int32),
    "int16x8_i16": Int16x8(np.int16, np.int16),
}

NARROW_BIAS = "TensorFlow stores int32 biases that the depthwise kernel refuses to read"
REAL_PADDING = "TensorFlow leaves the padding value in float, which the int16 kernel refuses"
SHARED_BUFFER = "TensorFlow quantizes a bias in a buffer that another constant shares, and changes both"
NO_KERNEL = "TensorFlow writes int16 SQUARED_DIFFERENCE, which no kernel computes"
ENDS_PROCESS = "TensorFlow squares x - x in an output scale on which the int8 kernel ends the process"
NEGATIVE_SHIFT = "TensorFlow stores x - x in a scale for which the kernel shifts by a negative count"
BYTES = "TensorFlow writes int16 SUM in its input's scale; the reference kernel takes it for bytes"
INFINITE_SCALE = "TensorFlow's scales are infinite, from a range of width 1e-38; and its bias is narrow"
ALLOWED = {
    NARROW_BIAS: {"type", "INT64 constant"},
    INFINITE_SCALE: {"type", "INT64 constant", "INT8 constant", "scale"},
    REAL_PADDING: {"type", "INT16 constant", "scale", "zero point"},
    SHARED_BUFFER: {"INT32 constant", "INT64 constant", "scale"},
    ENDS_PROCESS: {"scale", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    NEGATIVE_SHIFT: {"scale", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    BYTES: {"scale", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    NO_KERNEL: {"operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
}
"""What may differ for which reason."""

ON_PURPOSE = {
    "0391_10_int8": ENDS_PROCESS,
    "0561_00_int8": ENDS_PROCESS,
    "0206_01_int8": NEGATIVE_SHIFT,
    "0933_00_int8": NEGATIVE_SHIFT,
    "mbv1_int16x8_b32": NARROW_BIAS,
    "dscnn_int16x8_b32": NARROW_BIAS,
    "0110_00_i16b32": NARROW_BIAS,
    "0206_01_i16b32": INFINITE_SCALE,
    "0336_00_i16b32": NARROW_BIAS,
    "0456_00_i16b32": NARROW_BIAS,
    "0120_00_i16b32": REAL_PADDING,
    "0296_00_i16b32": REAL_PADDING,
    "0401_01_i16b64": SHARED_BUFFER,
    "0461_00_i16b64": SHARED_BUFFER,
    "0196_01_i16b32": NO_KERNEL,
    "0226_01_i16b32": NO_KERNEL,
    "0316_00_i16b32": NO_KERNEL,
    "0581_00_i16b64": NO_KERNEL,
    "0546_00_i16b32": BYTES,
}
"""Files in which TensorFlow does what LiteRT cannot run or what is wrong, and we do not."""

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no conversions at {CORPUS}; set QUANTLIB_SHARED"),
]


class Comparison:
    """Two models walked side by side from their outputs; what was compared, and what differs."""

    def __init__(self, ours, theirs):
        self.models = ours, theirs
        self.graphs = ours.subgraphs[0], theirs.subgraphs[0]
        self.producers = [
            {tensor: operator for operator in graph.operators for tensor in operator.outputs}
            for graph in self.graphs
        ]
        self.compared, self.different = Counter(), []

    def note(self, what, equal, where):
        self.compared[what] += 1
        if not equal:
            self.different.append((what, where))
        return equal

    def run(self):
        ours, theirs = self.graphs
        pending = [
            *zip(ours.outputs, theirs.outputs, strict=True),
            *zip(ours.inputs, theirs.inputs, strict=True),
        ]
        seen = set()
        while pending:
            pair = pending.pop()
            if pair not in seen and pair != (-1, -1):
                seen.add(pair)
                pending += self.compare(pair)
        for name in ("QUANTIZE", "DEQUANTIZE"):
            counts = [self.operators(side).count(name) for side in (0, 1)]
            self.note("count of QUANTIZE and DEQUANTIZE", counts[0] == counts[1], (name, counts))
        return self

    def operators(self, side):
        codes = self.models[side].operator_codes
        return [codes[operator.opcode_index].name for operator in self.graphs[side].operators]

    def compare(self, pair):
        tensors = [graph.tensors[index] for graph, index in zip(self.graphs, pair, strict=True)]
        where = (pair, tensors[0].name)
        same_type = self.note("type", tensors[0].type is tensors[1].type, where)
        held = [self.parameters(tensor) for tensor in tensors]
        self.note("scale", held[0][0] == held[1][0], where)
        self.note("zero point", held[0][1] == held[1][1], where)
        self.note("axis", held[0][2] == held[1][2], where)
        data = [constant_data(model, tensor) for model, tensor in zip(self.models, tensors, strict=True)]
        if None not in data:
            self.note(
                f"{tensors[0].type.name} constant", same_type and bytes(data[0]) == bytes(data[1]), where
            )
            return []
        made = [producers.get(index) for producers, index in zip(self.producers, pair, strict=True)]
        if made == [None, None] and data == [None, None]:
            return []
        if not self.note("structure", None not in made and data == [None, None], where):
            return []
        names = [
            model.operator_codes[operator.opcode_index].name
            for model, operator in zip(self.models, made, strict=True)
        ]
        if not self.note("operator", names[0] == names[1], (where, names)):
            return []
        ours, theirs = made
        return [
            *zip(ours.inputs, theirs.inputs, strict=True),
            *zip(ours.outputs, theirs.outputs, strict=True),
        ]

    @staticmethod
    def parameters(tensor):
        held = tensor.quantization
        if held is None or held.scale.size == 0:
            return b"", [], 0
        axis = held.quantized_dimension if held.scale.size > 1 else 0
        return held.scale.tobytes(), held.zero_point.tolist(), axis


def assert_equal(given, expected, recipe, name):
    ours = quantize_model(read_model(given), recipe).model
    comparison = Comparison(ours, read_model(expected)).run()
    assert comparison.compared["scale"] > 0
    if name in ON_PURPOSE:
        assert comparison.different
        assert {what for what, _ in comparison.different} <= ALLOWED[ON_PURPOSE[name]]
    else:
        assert comparison.different == []


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("variant", RECIPES)
def test_nets_have_the_converters_numbers(net, variant):
    expected = CORPUS / net / f"{variant}.tflite"
    assert_equal(CORPUS / net / "calib.tflite", expected, RECIPES[variant], f"{net}_{variant}")


@pytest.mark.parametrize(
    "expected", sorted(CORPUS.glob("random_graphs/*_int8.tflite")), ids=lambda path: path.stem
)
def test_random_graphs_have_the_converters_numbers(expected):
    number, switches, _ = expected.stem.split("_")
    recipe = FullInteger(per_channel=switches[0] == "0", per_channel_dense=switches[1] == "0")
    given = expected.with_name(f"{number}_{switches}_calib.tflite")
    assert_equal(given, expected, recipe, expected.stem)


@pytest.mark.parametrize(
    "expected", sorted(CORPUS.glob("random_graphs/*_i16b*.tflite")), ids=lambda path: path.stem
)
def test_random_graphs_in_int16_have_the_converters_numbers(expected):
    recipe = Int16x8(bias=np.int32 if expected.stem.endswith("b32") else np.int64)
    given = expected.with_name(expected.name.rsplit("_", 1)[0] + "_calib.tflite")
    assert_equal(given, expected, recipe, expected.stem)
