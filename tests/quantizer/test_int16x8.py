import numpy as np
import pytest

from quantlib.calibration.ranges import Ranges
from quantlib.errors import InvalidInputError, UnsupportedError
from quantlib.ops.add import AddOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.pad import PadV2Options
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, FullInteger, Int16x8
from quantlib.runtime.execute import run


def close(values):
    return pytest.approx(values, rel=1e-6)


def quantized(net, **options):
    return quantize_model(net.model(), Int16x8(**options), net.ranges)


def range_of(tensor):
    """What the file says of a tensor's range; empty lists for nothing."""
    held = tensor.quantization
    return ([], []) if held is None else (held.min.tolist(), held.max.tolist())


def test_an_input_that_is_also_read_in_float_is_dequantized_for_it(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    a = net.real("a", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -2.0, 2.0)
    net.operator("SIN", [x], [a])
    net.operator("ADD", [a, x], [y], AddOptions())
    result = quantized(net)
    assert seen(result.model).operators() == [
        "QUANTIZE",
        "DEQUANTIZE",
        "SIN",
        "QUANTIZE",
        "ADD",
        "DEQUANTIZE",
    ]
    given = np.float32([[0.5, -0.25]])
    assert run(result.model, given)[0] == pytest.approx(np.sin(given) + given, abs=1e-3)


def test_strict_names_what_has_no_int16_form(net):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -1.0, 1.0)
    net.operator("HARD_SWISH", [x], [y])
    with pytest.raises(UnsupportedError, match="HARD_SWISH -> 'y': no kernel for int16"):
        quantized(net, strict=True)


def test_options_that_choose_another_int16_arithmetic_are_switched_off(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -2.0, 2.0)
    net.operator("ADD", [x, net.weights([[0.5, -1.0]])], [y], AddOptions())
    new = seen(quantized(net).model)
    assert new.options("ADD")["pot_scale_int16"] is False
    assert new.version("ADD") == 2
    assert new.data(new.input_of("ADD", 1)) == [[16384, -32767]]


def test_joined_inputs_are_brought_to_the_scale_of_the_output(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 4), -2.0, 2.0)
    net.operator("CONCATENATION", [x, net.weights([[1.0, -1.0]])], [y], ConcatenationOptions(axis=1))
    new = seen(quantized(net).model)
    assert new.operators() == ["QUANTIZE", "QUANTIZE", "CONCATENATION", "DEQUANTIZE"]
    expected = ("INT16", [close(2 / 32767)], [0])
    operands = [new.input_of("CONCATENATION", position) for position in (0, 1)]
    assert [parameters_of(operand) for operand in operands] == [expected] * 2
    assert new.data(operands[1]) == [[16384, -16384]]


def test_a_padding_value_takes_the_scale_of_what_is_padded(net, seen, parameters_of):
    x = net.real_input("x", (2,), -1.0, 1.0)
    y = net.real_output("y", (3,), -1.0, 1.0)
    net.operator("PADV2", [x, net.integers([[0, 1]]), net.weights([0.5])], [y], PadV2Options())
    new = seen(quantized(net).model)
    assert parameters_of(new.input_of("PADV2", 2)) == ("INT16", [close(1 / 32767)], [0])
    assert new.data(new.input_of("PADV2", 2)) == [16384]


def test_a_range_without_width_gets_a_scale_that_can_be_used(net, seen, parameters_of):
    x = net.real_input("x", (1, 2), 0.0, 0.0)
    y = net.real_output("y", (1, 2), 0.0, 1e-38)
    net.operator("ADD", [x, x], [y], AddOptions())
    new = seen(quantized(net, input=np.int16, output=np.int16).model)
    assert parameters_of(new.tensor("x")) == parameters_of(new.tensor("y")) == ("INT16", [1.0], [0])


def test_a_bias_without_room_raises_the_scale_of_its_weights(net, seen, parameters_of):
    from quantlib.ops.fully_connected import FullyConnectedOptions

    x = net.real_input("x", (1, 1), -1.0, 1.0)
    w = net.weights([[1e-6], [1.0]])
    y = net.real_output("y", (1, 2), -1.0, 1001.0)
    net.operator("FULLY_CONNECTED", [x, w, net.weights([1000.0, 1.0])], [y], FullyConnectedOptions())
    new = seen(quantized(net).model)
    raised = 2 * 1000 / (2**31 - 1) * 32767
    assert parameters_of(new.input_of("FULLY_CONNECTED", 1))[1] == [close(raised), close(1 / 127)]
    assert new.data(new.input_of("FULLY_CONNECTED", 2))[0] == pytest.approx(2**30, rel=1e-6)


def test_the_file_keeps_ranges_widened_to_zero(net, seen):
    x = net.real_input("x", (1, 2), 0.5, 1.0)
    a = net.real("a", (1, 2), -2.0, -1.0)
    y = net.real_output("y", (1, 2), -1.0, 2.0)
    net.operator("ADD", [x, net.weights([[-2.5, -3.0]])], [a], AddOptions())
    net.operator("ABS", [a], [y])
    new = seen(quantized(net).model)
    assert range_of(new.tensor("x_int16")) == ([0.0], [1.0])
    assert range_of(new.tensor("a")) == ([-2.0], [0.0])
    assert range_of(new.tensor("y_int16")) == ([-1.0], [2.0])
    assert range_of(new.input_of("ADD", 1)) == ([-3.0], [-2.5])
    assert range_of(new.tensor("x")) == range_of(new.tensor("y")) == ([], [])


def test_who_copies_a_scale_copies_the_range(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 2.0)
    y = net.real_output("y", (1, 2), -0.5, 0.5)
    net.operator("RESHAPE", [x, net.integers([1, 2])], [y])
    assert range_of(seen(quantized(net).model).output_of("RESHAPE")) == ([-1.0], [2.0])


def test_outputs_with_a_fixed_scale_have_no_range(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 2.0)
    a = net.real("a", (1, 2), 0.0, 1.0)
    y = net.real_output("y", (2, 1), 0.0, 1.0)
    net.operator("LOGISTIC", [x], [a])
    net.operator("RESHAPE", [a, net.integers([2, 1])], [y])
    new = seen(quantized(net).model)
    assert range_of(new.output_of("LOGISTIC")) == range_of(new.output_of("RESHAPE")) == ([], [])


def test_what_is_brought_to_the_scale_of_an_output_has_no_range(net, seen):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 4), -2.0, 2.0)
    net.operator("CONCATENATION", [x, net.weights([[1.0, -1.0]])], [y], ConcatenationOptions(axis=1))
    new = seen(quantized(net).model)
    assert [range_of(new.input_of("CONCATENATION", position)) for position in (0, 1)] == [([], [])] * 2
    assert range_of(new.output_of("CONCATENATION")) == ([-2.0], [2.0])


def test_a_constant_that_one_reader_brings_to_its_output_keeps_the_range_of_another(net, seen):
    """As TensorFlow 2.21 was seen to do."""
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    shared = net.weights([[1.0, -3.0]])
    a = net.real("a", (1, 2), -4.0, 2.0)
    y = net.real_output("y", (1, 4), -4.0, 2.0)
    net.operator("ADD", [x, shared], [a], AddOptions())
    net.operator("CONCATENATION", [a, shared], [y], ConcatenationOptions(axis=1))
    new = seen(quantized(net).model)
    assert range_of(new.input_of("ADD", 1)) == ([-3.0], [1.0])
    assert range_of(new.input_of("CONCATENATION", 1)) == ([], [])


def test_what_stays_in_float_keeps_its_range_as_it_was(net, seen):
    """As TensorFlow 2.21 was seen to do; what is quantized for the next operator has the widened one."""
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    a = net.real("a", (1, 2), 0.25, 0.75)
    y = net.real_output("y", (1, 2), 0.0, 1.0)
    net.operator("SIN", [x], [a])
    net.operator("ABS", [a], [y])
    new = seen(quantized(net).model)
    assert range_of(new.output_of("SIN")) == ([0.25], [0.75])
    assert range_of(new.input_of("ABS", 0)) == ([0.0], [0.75])
    assert range_of(new.tensor("x")) == ([-1.0], [1.0])


def test_a_bias_has_no_range_and_its_weights_have_one_per_channel(dense, seen):
    new = seen(quantized(dense).model)
    weights, bias = (new.input_of("FULLY_CONNECTED", position) for position in (1, 2))
    assert range_of(weights) == ([-0.5, 0.0], [close(1.27), close(0.127)])
    assert range_of(bias) == ([], [])


def test_an_int16_file_gives_back_ranges_but_is_no_float_model(dense):
    new = quantized(dense).model
    found = Ranges.from_model(new)
    assert dict(found) == {"x_int16": (-1.0, 1.0), "y_int16": (0.0, np.float32(2.55))}
    for recipe in (Int16x8(), FullInteger(), DynamicRange()):
        with pytest.raises(UnsupportedError, match="'x_int16': quantized already; wanted a model in float"):
            quantize_model(new, recipe)
    with pytest.raises(InvalidInputError, match="a range for 'x_int16'"):
        quantize_model(dense.model(), Int16x8(), found)


def test_ranges_of_constants_that_are_read_back_change_nothing(net):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -2.0, 2.0)
    net.operator("ADD", [x, net.weights([[0.5, -1.0]])], [y], AddOptions())
    first = quantized(net, input=np.int16, output=np.int16).model
    found = Ranges.from_model(first)
    assert len(found) == 3
    assert quantize_model(net.model(), Int16x8(np.int16, np.int16), found).model == first
