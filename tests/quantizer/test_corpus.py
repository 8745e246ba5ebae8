"""TensorFlow 2.21's own conversions: from the same ranges, the same numbers."""

import os
from pathlib import Path

import numpy as np
import pytest

from quantlib.calibration.ranges import Ranges
from quantlib.errors import OracleError
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.ops._releases import CLAIM
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.testing.model_conformance import inputs_for

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
    INFINITE_SCALE: {"type", "INT64 constant", "INT8 constant", "scale", "range"},
    REAL_PADDING: {"type", "INT16 constant", "scale", "zero point"},
    SHARED_BUFFER: {"INT32 constant", "INT64 constant", "scale"},
    ENDS_PROCESS: {"scale", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    NEGATIVE_SHIFT: {"scale", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    BYTES: {"scale", "range", "type", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
    NO_KERNEL: {"no range", "operator", "structure", "count of QUANTIZE and DEQUANTIZE"},
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

REFUSED = {
    ENDS_PROCESS: "died with status",
    NARROW_BIAS: "depthwise_conv",
    INFINITE_SCALE: "depthwise_conv",
    REAL_PADDING: "pad.cc",
    NO_KERNEL: "SquaredDifference only supports",
}
"""What LiteRT says of TensorFlow's file; the others run, and compute what they should not."""

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no conversions at {CORPUS}; set QUANTLIB_SHARED"),
]


def assert_equal(walk, given, expected, recipe, name):
    ours = quantize_model(read_model(given), recipe).model
    comparison = walk(ours, read_model(expected))
    assert comparison.compared["scale"] > 0
    assert not comparison.compared["range"] or isinstance(recipe, Int16x8)
    if name in ON_PURPOSE:
        assert comparison.different
        assert {what for what, _ in comparison.different} <= ALLOWED[ON_PURPOSE[name]]
    else:
        assert comparison.different == []


@pytest.mark.parametrize(("variant", "differing"), [("dyn", 0), ("fp16", 3)])
def test_a_recurrent_net_has_the_converters_constants(walk, variant, differing):
    """In float16 TensorFlow also stores the states' zeros, so that every run starts anew; ours stay variables."""
    net = CORPUS / "klstm_cls"
    ours = quantize_model(read_model(net / "float.tflite"), RECIPES[variant]).model
    found = walk(ours, read_model(net / f"{variant}.tflite"))
    assert found.compared["FLOAT16 constant" if variant == "fp16" else "FLOAT32 constant"] > 8
    assert len(found.different) == differing
    assert {what for what, _ in found.different} <= {"structure", "count of QUANTIZE and DEQUANTIZE"}


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
@pytest.mark.parametrize("name", [name for name, reason in ON_PURPOSE.items() if reason in REFUSED])
def test_litert_refuses_what_differs_on_purpose(name):
    path = CORPUS / "random_graphs" / f"{name}.tflite"
    if not path.exists():
        net, variant = name.split("_", 1)
        path = CORPUS / net / f"{variant}.tflite"
    with LiteRT() as litert, pytest.raises(OracleError, match=REFUSED[ON_PURPOSE[name]]):
        litert.run(path.read_bytes(), inputs_for(read_model(path), "bell"))


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
def test_a_sum_in_the_scale_of_its_input_is_far_off():
    graphs = CORPUS / "random_graphs"
    sample = np.load(graphs / "0546_00_data.npy")[0]
    ours = quantize_model(read_model(graphs / "0546_00_calib.tflite"), Int16x8(bias=np.int32)).model
    files = [graphs / "0546_00_float.tflite", graphs / "0546_00_i16b32.tflite"]
    outputs = []
    with LiteRT() as litert:
        for data in (*(path.read_bytes() for path in files), write_model(ours)):
            index = read_model(data).subgraphs[0].outputs[0]
            answer = litert.run(data, [sample], kernels="optimized", preserve_all_tensors=False)
            outputs.append(answer.tensors[index].astype(np.float64))
    real, theirs, ours_too = outputs
    assert np.abs(theirs - real).max() > 0.2 * np.abs(real).max()
    assert np.abs(ours_too - real).max() < 1e-4 * np.abs(real).max()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("variant", RECIPES)
def test_nets_have_the_converters_numbers(walk, net, variant):
    expected = CORPUS / net / f"{variant}.tflite"
    assert_equal(walk, CORPUS / net / "calib.tflite", expected, RECIPES[variant], f"{net}_{variant}")


@pytest.mark.parametrize("variant", RECIPES)
def test_mnist_files_are_as_large_as_the_converters(variant):
    given = read_model(CORPUS / "mnist" / ("float.tflite" if variant in ("dyn", "fp16") else "calib.tflite"))
    path = CORPUS / "mnist" / f"{variant}.tflite"
    ours = len(write_model(quantize_model(given, RECIPES[variant]).model))
    assert ours == pytest.approx(path.stat().st_size, rel=0.01)
    assert ours == pytest.approx(len(write_model(read_model(path))), rel=0.01)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("variant", ["int16x8", "int16x8_b32", "int16x8_i16"])
def test_int16_files_give_back_the_converters_ranges(net, variant):
    calibrated = read_model(CORPUS / net / "calib.tflite")
    made = Ranges.from_model(quantize_model(calibrated, RECIPES[variant]).model)
    assert made == Ranges.from_model(read_model(CORPUS / net / f"{variant}.tflite"))
    assert len(made) > 4


@pytest.mark.parametrize("net", NETS)
def test_ranges_read_back_from_an_int16_file_make_the_same_model_again(net):
    """Its ends must be called again as in the float model, whose names the file's own float ends have."""
    calibrated, real = read_model(CORPUS / net / "calib.tflite"), read_model(CORPUS / net / "float.tflite")
    found = Ranges.from_model(quantize_model(calibrated, Int16x8()).model)
    ends = {real.subgraphs[0].tensors[index].name for index in real.subgraphs[0].inputs}
    ends |= {real.subgraphs[0].tensors[index].name for index in real.subgraphs[0].outputs}
    assert set(found.unknown_to(real)) <= {f"{name}_int16" for name in ends}
    renamed = Ranges({key.removesuffix("_int16"): entry for key, entry in found.items()})
    for recipe in (Int16x8(), FullInteger()):
        again = quantize_model(real, recipe, renamed).model
        assert again == quantize_model(real, recipe, Ranges.from_model(calibrated)).model


@pytest.mark.parametrize("variant", ["int8", "int8_pt", "dyn", "fp16"])
def test_files_of_other_recipes_carry_no_ranges(variant):
    given = read_model(CORPUS / "mbv1" / "calib.tflite")
    for model in (
        quantize_model(given, RECIPES[variant]).model,
        read_model(CORPUS / "mbv1" / f"{variant}.tflite"),
    ):
        assert not Ranges.from_model(model)
        assert not any(tensor.quantization.min.size for tensor in with_quantization(model))


def with_quantization(model):
    return [tensor for tensor in model.subgraphs[0].tensors if tensor.quantization is not None]


@pytest.mark.parametrize(
    "expected", sorted(CORPUS.glob("random_graphs/*_int8.tflite")), ids=lambda path: path.stem
)
def test_random_graphs_have_the_converters_numbers(walk, expected):
    number, switches, _ = expected.stem.split("_")
    recipe = FullInteger(per_channel=switches[0] == "0", per_channel_dense=switches[1] == "0")
    given = expected.with_name(f"{number}_{switches}_calib.tflite")
    assert_equal(walk, given, expected, recipe, expected.stem)


@pytest.mark.parametrize(
    "expected", sorted(CORPUS.glob("random_graphs/*_i16b*.tflite")), ids=lambda path: path.stem
)
def test_random_graphs_in_int16_have_the_converters_numbers(walk, expected):
    recipe = Int16x8(bias=np.int32 if expected.stem.endswith("b32") else np.int64)
    given = expected.with_name(expected.name.rsplit("_", 1)[0] + "_calib.tflite")
    assert_equal(walk, given, expected, recipe, expected.stem)


def claim_of(model):
    (entry,) = (entry for entry in model.metadata or () if entry.name == CLAIM)
    return bytes(model.buffers[entry.buffer].data)


def test_claims_are_the_converters():
    pairs = [
        (CORPUS / net / given, CORPUS / net / f"{variant}.tflite", recipe)
        for net in ("mnist", "mbv1", "dscnn")
        for given, variant, recipe in (
            ("calib.tflite", "int8", FullInteger()),
            ("float.tflite", "dyn", DynamicRange()),
            ("float.tflite", "fp16", Float16()),
        )
    ]
    for path in sorted(CORPUS.glob("random_graphs/*_int8.tflite")):
        pairs.append((path.with_name(path.name.replace("int8", "calib")), path, FullInteger()))
    compared = 0
    for given, expected, recipe in pairs:
        theirs = read_model(expected)
        if not claim_of(theirs).strip(b"\0"):
            continue
        ours = quantize_model(read_model(given), recipe).model
        if {(code.name, code.version) for code in ours.operator_codes} == {
            (code.name, code.version) for code in theirs.operator_codes
        }:
            compared += 1
            assert claim_of(ours) == claim_of(theirs)
    assert compared > 180
