import numpy as np
import pytest

from quantlib.errors import UnsupportedError
from quantlib.ops.add import AddOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.pad import PadV2Options
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import Int16x8
from quantlib.runtime.execute import run


def close(values):
    return pytest.approx(values, rel=1e-6)


def quantized(net, **options):
    return quantize_model(net.model(), Int16x8(**options), net.ranges)


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
