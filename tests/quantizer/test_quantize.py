import numpy as np
import pytest

from quantlib.calibration.ranges import Ranges
from quantlib.errors import InvalidInputError, UnsupportedError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import TensorType
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops.add import AddOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.reshape import ReshapeOptions
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.runtime.execute import run

f32 = np.float32


def close(values):
    return pytest.approx(values, rel=1e-6)


def test_a_dense_layer_in_int8_has_the_numbers_worked_out_by_hand(dense, seen, parameters_of):
    result = quantize_model(dense.model(), FullInteger(), dense.ranges)
    new = seen(result.model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"]
    # 2 / 255, and -128 + 127.5 rounded away from zero
    assert parameters_of(new.output_of("QUANTIZE")) == ("INT8", [close(2 / 255)], [-1])
    # 2.55 / 255
    assert parameters_of(new.output_of("FULLY_CONNECTED")) == ("INT8", [close(0.01)], [-128])
    weights = new.input_of("FULLY_CONNECTED", 1)
    assert parameters_of(weights) == ("INT8", [close(0.01), close(0.001)], [0, 0])
    assert new.data(weights) == [[127, -50], [127, 0]]
    bias = new.input_of("FULLY_CONNECTED", 2)
    assert parameters_of(bias) == ("INT32", [close(0.02 / 255), close(0.002 / 255)], [0, 0])
    assert new.data(bias) == [6375, -31875]
    assert new.version("FULLY_CONNECTED") == 4


def test_one_scale_for_all_weights_where_channels_are_switched_off(dense, seen, parameters_of):
    for recipe in (FullInteger(per_channel=False), FullInteger(per_channel_dense=False)):
        new = seen(quantize_model(dense.model(), recipe, dense.ranges).model)
        weights = new.input_of("FULLY_CONNECTED", 1)
        assert parameters_of(weights) == ("INT8", [close(0.01)], [0])
        assert new.data(weights) == [[127, -50], [13, 0]]


def test_integer_ends_need_no_quantization(dense, seen, parameters_of):
    new = seen(quantize_model(dense.model(), FullInteger(np.int8, np.int8), dense.ranges).model)
    assert new.operators() == ["FULLY_CONNECTED"]
    assert parameters_of(new.tensor("x")) == ("INT8", [close(2 / 255)], [-1])
    assert parameters_of(new.tensor("y")) == ("INT8", [close(0.01)], [-128])


def test_unsigned_ends_are_shifted_by_128(dense, seen, parameters_of):
    new = seen(quantize_model(dense.model(), FullInteger("uint8", "uint8"), dense.ranges).model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "QUANTIZE"]
    assert parameters_of(new.tensor("x")) == ("UINT8", [close(2 / 255)], [127])
    assert parameters_of(new.tensor("y")) == ("UINT8", [close(0.01)], [0])


def test_unsigned_input_and_real_output_go_together(dense, seen):
    new = seen(quantize_model(dense.model(), FullInteger(input=np.uint8), dense.ranges).model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"]
    assert new.tensor("x").type is TensorType.UINT8
    assert new.tensor("y").type is TensorType.FLOAT32


def test_int16_activations_have_no_zero_point(dense, seen, parameters_of):
    new = seen(quantize_model(dense.model(), Int16x8(np.int16, np.int16), dense.ranges).model)
    assert new.operators() == ["FULLY_CONNECTED"]
    assert parameters_of(new.tensor("x")) == ("INT16", [close(1 / 32767)], [0])
    assert parameters_of(new.tensor("y")) == ("INT16", [close(2.55 / 32767)], [0])
    weights, bias = new.input_of("FULLY_CONNECTED", 1), new.input_of("FULLY_CONNECTED", 2)
    assert new.data(weights) == [[127, -50], [127, 0]]
    assert parameters_of(bias) == ("INT64", [close(0.01 / 32767), close(0.001 / 32767)], [0, 0])
    assert new.data(bias) == [pytest.approx(1638350, abs=1), pytest.approx(-8191750, abs=2)]
    assert new.options("FULLY_CONNECTED")["quantized_bias_type"] == TensorType.INT64


def test_int32_biases_for_int16_on_request(dense, seen):
    new = seen(quantize_model(dense.model(), Int16x8(bias=np.int32), dense.ranges).model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"]
    assert new.input_of("FULLY_CONNECTED", 2).type is TensorType.INT32


def test_dynamic_range_leaves_small_weights_alone(dense, seen):
    result = quantize_model(dense.model(), DynamicRange())
    assert not result.report.changed
    assert "fewer than 1024 elements" in str(result.report)
    assert seen(result.model).input_of("FULLY_CONNECTED", 1).type is TensorType.FLOAT32


def test_dynamic_range_stores_weights_alone(dense, seen, parameters_of):
    new = seen(quantize_model(dense.model(), DynamicRange(min_elements=4)).model)
    assert new.operators() == ["FULLY_CONNECTED"]
    weights = new.input_of("FULLY_CONNECTED", 1)
    assert parameters_of(weights) == ("INT8", [close(0.01), close(0.001)], [0, 0])
    assert new.data(weights) == [[127, -50], [127, 0]]
    assert new.input_of("FULLY_CONNECTED", 2).type is TensorType.FLOAT32
    assert new.options("FULLY_CONNECTED")["asymmetric_quantize_inputs"] is True
    assert new.version("FULLY_CONNECTED") == 12


def test_float16_stores_every_real_constant_in_half(dense, seen):
    new = seen(quantize_model(dense.model(), Float16()).model)
    assert new.operators() == ["DEQUANTIZE", "DEQUANTIZE", "FULLY_CONNECTED"]
    halves = [tensor for tensor in new.subgraph.tensors if tensor.type is TensorType.FLOAT16]
    assert sorted(tensor.shape for tensor in halves) == [(2,), (2, 2)]
    assert new.version("DEQUANTIZE") == 3


def test_rearranging_operators_take_the_scale_of_their_input(net, seen, parameters_of):
    x = net.real_input("x", (1, 4, 4, 1), -1.0, 1.0)
    pooled = net.real("pooled", (1, 2, 2, 1), -0.5, 1.0)
    y = net.real_output("y", (1, 4), -0.5, 1.0)
    net.operator(
        "MAX_POOL_2D", [x], [pooled], Pool2DOptions(stride_w=2, stride_h=2, filter_width=2, filter_height=2)
    )
    net.operator("RESHAPE", [pooled, net.integers([1, 4])], [y], ReshapeOptions())
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    assert new.operators() == ["QUANTIZE", "MAX_POOL_2D", "RESHAPE", "DEQUANTIZE"]
    expected = ("INT8", [close(2 / 255)], [-1])
    assert [parameters_of(new.output_of(name)) for name in ("QUANTIZE", "MAX_POOL_2D", "RESHAPE")] == [
        expected
    ] * 3


def test_joined_inputs_take_the_scale_of_the_output(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    a = net.real("a", (1, 2), -8.0, 8.0)
    b = net.real("b", (1, 2), 0.0, 1.0)
    y = net.real_output("y", (1, 4), -4.0, 4.0)
    net.operator("ADD", [x, x], [a], AddOptions())
    net.operator("RELU", [x], [b])
    net.operator("CONCATENATION", [a, b], [y], ConcatenationOptions(axis=1))
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    assert new.operators() == ["QUANTIZE", "ADD", "RELU", "CONCATENATION", "DEQUANTIZE"]
    expected = ("INT8", [close(8 / 255)], [-1])
    assert [parameters_of(new.output_of(name)) for name in ("ADD", "RELU", "CONCATENATION")] == [expected] * 3


def test_joined_inputs_that_are_needed_otherwise_are_quantized_again(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    a = net.real("a", (1, 2), 0.0, 1.0)
    y = net.real_output("y", (1, 4), -4.0, 4.0)
    net.operator("LOGISTIC", [x], [a])
    net.operator("CONCATENATION", [a, a], [y], ConcatenationOptions(axis=1))
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    assert new.count() == {"QUANTIZE": 2, "LOGISTIC": 1, "CONCATENATION": 1, "DEQUANTIZE": 1}
    assert parameters_of(new.output_of("LOGISTIC")) == ("INT8", [1 / 256], [-128])
    assert parameters_of(new.input_of("CONCATENATION", 0)) == ("INT8", [close(8 / 255)], [-1])


def test_an_output_with_a_range_of_its_own_ignores_the_calibrated_one(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), 0.4, 0.5)
    net.operator("SOFTMAX", [x], [y])
    new = seen(quantize_model(net.model(), FullInteger(output=np.int8), net.ranges).model)
    assert parameters_of(new.tensor("y")) == ("INT8", [1 / 256], [-128])


def test_a_constant_operand_is_asymmetric(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -1.0, 4.0)
    net.operator("ADD", [x, net.weights([[0.5, 2.55]])], [y], AddOptions())
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    operand = new.input_of("ADD", 1)
    assert parameters_of(operand) == ("INT8", [close(0.01)], [-128])
    assert new.data(operand) == [[-78, 127]]


def test_a_bias_without_room_raises_the_scale_of_its_weights(net, seen, parameters_of):
    x = net.real_input("x", (1, 1), -1.0, 1.0)
    w = net.weights([[1e-6], [1.0]])
    b = net.weights([1000.0, 1.0])
    y = net.real_output("y", (1, 2), -1.0, 1001.0)
    net.operator("FULLY_CONNECTED", [x, w, b], [y], FullyConnectedOptions())
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    bias, weights = new.input_of("FULLY_CONNECTED", 2), new.input_of("FULLY_CONNECTED", 1)
    room = 2**30 - 1
    assert new.data(bias) == [pytest.approx(room, abs=64), pytest.approx(127 * 127.5, abs=1)]
    assert parameters_of(bias)[1][0] == close(1000 / room)
    assert parameters_of(weights)[1] == [close(1000 / room / (2 / 255)), close(1 / 127)]
    assert new.data(weights) == [[0], [127]]


def test_constants_shared_by_a_bias_and_an_operand_become_two(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    shared = net.weights([0.5, 0.25])
    h = net.real("h", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -1.0, 1.0)
    net.operator("FULLY_CONNECTED", [x, net.weights(np.eye(2)), shared], [h], FullyConnectedOptions())
    net.operator("ADD", [h, shared], [y], AddOptions())
    model = net.model()
    before = write_model(model)
    new = seen(quantize_model(model, FullInteger(), net.ranges).model)
    assert new.input_of("FULLY_CONNECTED", 2).type is TensorType.INT32
    assert new.input_of("ADD", 1).type is TensorType.INT8
    assert write_model(model) == before


def test_operators_without_an_integer_form_stay_in_float_and_are_named(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("h", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -2.0, 2.0)
    net.operator("SIN", [x], [h])
    net.operator("ADD", [h, h], [y], AddOptions())
    result = quantize_model(net.model(), FullInteger(), net.ranges)
    assert seen(result.model).operators() == ["SIN", "QUANTIZE", "ADD", "DEQUANTIZE"]
    (entry,) = result.report.float_operators
    assert (entry.operator, entry.name, entry.output) == (0, "SIN", "h")
    assert "no integer form" in entry.reason
    assert {entry.name for entry in result.report.float_tensors} == {"x", "h", "y"}


def test_strict_names_every_operator_in_float(net):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("h", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -1.0, 1.0)
    net.operator("SIN", [x], [h])
    net.operator("NEG", [h], [y])
    with pytest.raises(UnsupportedError, match=r"0 SIN -> 'h'.*1 NEG -> 'y'"):
        quantize_model(net.model(), FullInteger(strict=True), net.ranges)


def test_strict_is_content_with_integers_everywhere(dense):
    result = quantize_model(dense.model(), FullInteger(np.int8, np.int8, strict=True), dense.ranges)
    assert result.report.float_operators == result.report.float_tensors == ()
    assert result.report.changed


@pytest.mark.parametrize("pattern", ["FULLY_CONNECTED", "y", "FULLY_*", "?"])
def test_operators_are_kept_in_float_by_kind_or_by_output(dense, seen, pattern):
    result = quantize_model(dense.model(), FullInteger(), dense.ranges, keep_float=[pattern])
    assert seen(result.model).operators() == ["FULLY_CONNECTED"]
    assert [entry.reason for entry in result.report.float_operators] == ["kept in float as asked"]


def test_a_pattern_that_fits_nothing_is_an_error(dense):
    with pytest.raises(InvalidInputError, match="'CONV'"):
        quantize_model(dense.model(), FullInteger(), dense.ranges, keep_float=["CONV"])
    with pytest.raises(InvalidInputError, match="a sequence of patterns"):
        quantize_model(dense.model(), FullInteger(), dense.ranges, keep_float="y")


def test_recipes_by_pattern_make_mixed_precision(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("first/out", (1, 2), -1.0, 1.0)
    y = net.real_output("second/out", (1, 2), -1.0, 1.0)
    zero = net.weights([0.0, 0.0])
    net.operator("FULLY_CONNECTED", [x, net.weights(np.eye(2)), zero], [h], FullyConnectedOptions())
    net.operator("FULLY_CONNECTED", [h, net.weights(np.eye(2) * 2), zero], [y], FullyConnectedOptions())
    mixed = {"first/*": FullInteger(), "*": DynamicRange(min_elements=1)}
    new = seen(quantize_model(net.model(), mixed, net.ranges).model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE", "FULLY_CONNECTED"]
    first, second = (op for op in new.subgraph.operators if len(op.inputs) == 3)
    types = [[new.subgraph.tensors[index].type.name for index in op.inputs] for op in (first, second)]
    assert types == [["INT8", "INT8", "INT32"], ["FLOAT32", "INT8", "FLOAT32"]]


def test_two_integer_recipes_do_not_mix(dense):
    with pytest.raises(InvalidInputError, match="at most one"):
        quantize_model(dense.model(), {"a": FullInteger(), "*": Int16x8()}, dense.ranges)


def test_something_else_is_no_recipe(dense):
    with pytest.raises(InvalidInputError, match="recipe"):
        quantize_model(dense.model(), "int8", dense.ranges)


def test_ranges_that_the_model_carries_serve_as_well(dense, carrying):
    given = quantize_model(dense.model(), FullInteger(), dense.ranges)
    carried = quantize_model(carrying(dense), FullInteger())
    assert write_model(given.model) == write_model(carried.model)
    saved = quantize_model(dense.model(), FullInteger(), Ranges(dense.ranges))
    assert write_model(given.model) == write_model(saved.model)


def test_without_any_range_there_is_nothing_to_go_by(dense):
    with pytest.raises(InvalidInputError, match="ranges: none"):
        quantize_model(dense.model(), FullInteger())


def test_a_range_of_an_unknown_tensor_is_an_error(dense):
    with pytest.raises(InvalidInputError, match="'z'"):
        quantize_model(dense.model(), FullInteger(), {**dense.ranges, "z": (0, 1)})


def test_a_missing_range_is_named(dense):
    del dense.ranges["y"]
    result = quantize_model(dense.model(), FullInteger(), dense.ranges)
    assert "'y' has no range" in result.report.float_operators[0].reason
    with pytest.raises(InvalidInputError, match="'y'"):
        quantize_model(dense.model(), Int16x8(), dense.ranges)


def test_a_quantized_model_is_refused(dense):
    once = quantize_model(dense.model(), FullInteger(), dense.ranges).model
    with pytest.raises(UnsupportedError, match="quantized already"):
        quantize_model(once, FullInteger(), dense.ranges)


@pytest.mark.parametrize("recipe", [FullInteger(), Int16x8(), DynamicRange(min_elements=0)])
@pytest.mark.parametrize("weights", [[[np.inf, 0.0]], [[0.0, np.nan]]])
def test_weights_that_are_not_finite_stay_in_float(net, seen, recipe, weights):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 1), -1.0, 1.0)
    net.operator(
        "FULLY_CONNECTED", [x, net.weights(weights), net.weights([0.0])], [y], FullyConnectedOptions()
    )
    result = quantize_model(net.model(), recipe, net.ranges)
    assert seen(result.model).operators() == ["FULLY_CONNECTED"]
    assert "not finite" in result.report.float_operators[0].reason


@pytest.mark.parametrize("recipe", [FullInteger(), Int16x8()])
def test_a_bias_that_is_not_finite_keeps_its_operator_in_float(net, seen, recipe):
    x = net.real_input("x", (1, 1), -1.0, 1.0)
    y = net.real_output("y", (1, 1), -1.0, 1.0)
    net.operator(
        "FULLY_CONNECTED", [x, net.weights([[1.0]]), net.weights([np.inf])], [y], FullyConnectedOptions()
    )
    result = quantize_model(net.model(), recipe, net.ranges)
    assert seen(result.model).operators() == ["FULLY_CONNECTED"]


@pytest.mark.parametrize("recipe", [FullInteger(), Int16x8(), DynamicRange(min_elements=0)])
def test_weights_without_an_axis_of_channels_stay_in_float(net, seen, recipe):
    x = net.real_input("x", (1, 2, 2, 1), -1.0, 1.0)
    y = net.real_output("y", (1, 2, 2, 1), -1.0, 1.0)
    w, b = net.weights([[1.0]]), net.weights([0.0])
    net.operator("DEPTHWISE_CONV_2D", [x, w, b], [y], DepthwiseConv2DOptions(stride_w=1, stride_h=1))
    result = quantize_model(net.model(), recipe, net.ranges)
    assert seen(result.model).operators() == ["DEPTHWISE_CONV_2D"]
    assert not result.report.changed


def test_every_recipe_writes_a_file_that_reads_back_and_computes_nearly_the_same(dense):
    x = f32([[0.5, -0.25]])
    (real,) = run(dense.model(), x)
    for recipe in (FullInteger(), Int16x8(), DynamicRange(min_elements=0), Float16()):
        result = quantize_model(dense.model(), recipe, dense.ranges)
        model = read_model(write_model(result.model))
        (y,) = run(model, x)
        assert y[0, 0] == pytest.approx(real[0, 0], abs=0.02)  # the other one is outside its range


def test_the_text_of_a_report_shortens_names_and_its_fields_do_not(net):
    name = "block/" + "very" * 20
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    net.operator("ELU", [x], [net.real_output(name, (1, 2), -1.0, 1.0)])
    report = quantize_model(net.model(), FullInteger(), net.ranges).report
    assert report.float_operators[0].output == name
    assert name not in str(report)
    assert f"{name[:63]}…" in str(report)


@pytest.mark.parametrize("recipe", [FullInteger(), Int16x8(), FullInteger(per_channel=False)])
def test_a_bias_may_have_leading_axes_of_one_element(net, seen, recipe):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 3), -1.0, 1.0)
    w, b = net.weights([[1.0, 0.5], [0.25, 1.0], [1.0, 1.0]]), net.weights([[0.5, 0.25, 0.125]])
    net.operator("FULLY_CONNECTED", [x, w, b], [y], FullyConnectedOptions())
    result = quantize_model(net.model(), recipe, net.ranges)
    assert result.report.float_operators == ()
    bias = seen(result.model).input_of("FULLY_CONNECTED", 2)
    assert bias.shape == (1, 3)
    assert bias.quantization.quantized_dimension == (1 if bias.quantization.scale.size > 1 else 0)


def test_a_float_reader_of_a_constant_does_not_keep_a_comparison_in_float(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    shared = net.weights([[0.5, 0.25]])
    net.outputs.append(net.tensor((1, 2), TensorType.BOOL))
    net.operator("GREATER", [x, shared], [net.outputs[0]])
    h = net.real("h", (1, 2), -1.0, 1.0)
    net.operator("SIN", [x], [h])
    net.operator("POW", [h, shared], [net.real_output("y", (1, 2), -1.0, 1.0)])
    new = seen(quantize_model(net.model(), FullInteger(), net.ranges).model)
    assert [new.input_of("GREATER", position).type.name for position in (0, 1)] == ["INT8", "INT8"]
    assert new.input_of("POW", 1).type.name == "FLOAT32"


def test_hybrid_depthwise_weights_have_channels_whatever_the_recipe(net, seen):
    x = net.real_input("x", (1, 2, 2, 3))
    w, b = net.weights(np.ones((1, 1, 1, 3))), net.weights(np.zeros(3))
    y = net.real_output("y", (1, 2, 2, 3))
    net.operator("DEPTHWISE_CONV_2D", [x, w, b], [y], DepthwiseConv2DOptions(depth_multiplier=1))
    new = seen(quantize_model(net.model(), DynamicRange(0, per_channel=False)).model)
    assert new.input_of("DEPTHWISE_CONV_2D", 1).quantization.scale.size == 3


def test_weights_that_two_layers_read_along_different_axes_become_two(net, seen):
    x = net.real_input("x", (1, 2, 2, 3), -1.0, 1.0)
    h = net.real("h", (1, 2, 2, 3), -1.0, 1.0)
    y = net.real_output("y", (1, 2, 2, 1), -1.0, 1.0)
    w = net.weights([[[[1.0, 0.5, 0.25]]]])
    depthwise = [x, w, net.weights(np.zeros(3))]
    net.operator("DEPTHWISE_CONV_2D", depthwise, [h], DepthwiseConv2DOptions(depth_multiplier=1))
    net.operator("CONV_2D", [h, w, net.weights(np.ones(1))], [y], Conv2DOptions())
    new = seen(quantize_model(net.model(), FullInteger(strict=True), net.ranges).model)
    assert new.input_of("DEPTHWISE_CONV_2D", 1).quantization.scale.size == 3
    assert new.input_of("CONV_2D", 1).quantization.scale.size == 1
