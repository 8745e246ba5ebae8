"""Marks that training or another tool left in a float model are taken over."""

import random
from dataclasses import replace

import numpy as np
import pytest

from quantlib.calibration.ranges import Ranges
from quantlib.errors import QuantlibError, UnsupportedError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Operator, OperatorCode, Record, TensorType
from quantlib.ops.add import AddOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.testing.single_operator import quantization

INT8, UINT8, FLOAT16 = TensorType.INT8, TensorType.UINT8, TensorType.FLOAT16
WEIGHTS = np.float32([[1.27, -0.5], [0.127, 0.0]])


def pair(net, x, name, type, scale, zero_point):
    """QUANTIZE and DEQUANTIZE behind a value."""
    shape = net.tensors[x].shape
    code = net.tensor(shape, type, quantization(scale, zero_point))
    real = net.real(name, shape)
    net.operator("QUANTIZE", [x], [code])
    net.operator("DEQUANTIZE", [code], [real], version=2)
    return real


def stored(net, values, type, scale=None, zero_point=0):
    """A constant behind DEQUANTIZE."""
    parameters = None if scale is None else quantization(scale, zero_point)
    given = net.constant(values, type, parameters)
    real = net.real("stored", values.shape)
    net.operator("DEQUANTIZE", [given], [real], version=2)
    return real


def fake_quant(net, x, name, low, high, *, narrow=False, bits=8):
    made = net.real(name, net.tensors[x].shape)
    code = OperatorCode(80, "FAKE_QUANT", 1)
    if code not in net.codes:
        net.codes.append(code)
    entries = (("min", low), ("max", high), ("num_bits", bits), ("narrow_range", narrow))
    options = Record("FakeQuantOptions", entries)
    net.operators.append(Operator(net.codes.index(code), (x,), (made,), options=options))
    return made


def dense(net, x, w, bias=(0.5, -0.25)):
    y = net.real("y", (1, 2))
    net.operator("FULLY_CONNECTED", [x, w, net.weights(bias)], [y], FullyConnectedOptions())
    return y


@pytest.fixture
def trained(net):
    """x -> marked -> FULLY_CONNECTED of marked weights -> marked, in uint8 as TensorFlow leaves it."""
    x = pair(net, net.real_input("x", (1, 2)), "x marked", UINT8, 0.0625, 128)
    w = pair(net, net.weights(WEIGHTS), "w marked", UINT8, 0.01, 128)
    net.outputs.append(pair(net, dense(net, x, w), "scores", UINT8, 0.125, 3))
    return net


def test_pairs_become_the_parameters_and_need_no_ranges(trained, seen, parameters_of):
    result = quantize_model(trained.model(), FullInteger(np.int8, np.int8, strict=True))
    new = seen(result.model)
    assert new.operators() == ["FULLY_CONNECTED"]
    assert parameters_of(new.tensor("x")) == ("INT8", [0.0625], [0])
    assert parameters_of(new.tensor("scores")) == ("INT8", [0.125], [-125])
    assert new.data(new.input_of("FULLY_CONNECTED", 1)) == [[127, -50], [13, 0]]
    bias = new.input_of("FULLY_CONNECTED", 2)
    assert (new.data(bias), bias.type.name) == ([800, -400], "INT32")
    assert bias.quantization.scale.tolist() == [np.float32(np.float64(np.float32(0.01)) * 0.0625)]


def test_a_mark_goes_before_a_range(trained, seen, parameters_of):
    new = seen(quantize_model(trained.model(), FullInteger(), {"x": (-99, 99), "y": (-99, 99)}).model)
    assert new.operators() == ["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"]
    assert parameters_of(new.input_of("FULLY_CONNECTED", 0))[1] == [0.0625]


def test_a_mark_is_a_range_for_int16(trained, seen):
    new = seen(quantize_model(trained.model(), Int16x8(strict=True)).model)
    assert new.input_of("FULLY_CONNECTED", 0).quantization.scale.tolist() == [np.float32(8 / 32767)]


@pytest.mark.parametrize("recipe", [DynamicRange(0), Float16()])
def test_marks_are_for_integers(trained, recipe):
    with pytest.raises(UnsupportedError, match=r"marked for integers.*wanted FullInteger"):
        quantize_model(trained.model(), recipe)


def test_fake_quant_has_the_parameters_of_training(net, seen, parameters_of):
    x = fake_quant(net, net.real_input("x", (1, 2)), "x faked", -1.0, 1.5)
    w = fake_quant(net, net.weights(WEIGHTS), "w faked", -1.27, 1.27, narrow=True)
    net.outputs.append(fake_quant(net, dense(net, x, w), "scores", 0.0, 2.55))
    model = net.model()
    new = seen(quantize_model(model, FullInteger(np.int8, np.int8, strict=True)).model)
    assert new.operators() == ["FULLY_CONNECTED"]
    assert parameters_of(new.tensor("x")) == ("INT8", [np.float32(2.5 / 255)], [-26])
    assert new.data(new.input_of("FULLY_CONNECTED", 1)) == [[127, -50], [13, 0]]
    product = np.float32(2.5 / 255 * (2 * 1.27 / 254))  # of factors that nobody rounded
    assert new.input_of("FULLY_CONNECTED", 2).quantization.scale.tolist() == [product]
    assert Ranges.from_model(model)["scores"] == (0.0, np.float32(2.55))


def test_fake_quant_of_other_widths_is_refused(net):
    net.outputs.append(fake_quant(net, net.real_input("x", (1, 2)), "y", -1.0, 1.0, bits=4))
    with pytest.raises(UnsupportedError, match=r"FAKE_QUANT: 4 bits; wanted 8"):
        quantize_model(net.model(), FullInteger(), {"x": (-1, 1)})


@pytest.mark.parametrize(
    ("values", "type", "scale"),
    [
        (np.int8([[127, -50], [13, 0]]), INT8, 0.01),
        (np.int8([[127, -50], [127, 0]]), INT8, [0.01, 0.001]),
        (WEIGHTS.astype(np.float16), FLOAT16, None),
    ],
    ids=["int8", "per channel", "float16"],
)
def test_stored_constants_count_as_what_they_stand_for(net, seen, values, type, scale):
    net.outputs.append(dense(net, net.real_input("x", (1, 2)), stored(net, values, type, scale)))
    ranges = {"x": (-1.0, 1.0), "y": (0.0, 2.55)}
    new = seen(quantize_model(net.model(), FullInteger(np.int8, np.int8, strict=True), ranges).model)
    assert new.operators() == ["FULLY_CONNECTED"]
    weights = new.input_of("FULLY_CONNECTED", 1)
    if type is INT8:
        assert new.data(weights) == values.tolist()
        assert weights.quantization.scale.tolist() == np.float32(np.atleast_1d(scale)).tolist()
    else:
        assert np.abs(np.array(new.data(weights))).max(axis=1).tolist() == [127, 127]


def test_two_marks_that_differ_are_refused(net):
    x = net.real_input("x", (1, 2))
    y = net.real_output("y", (1, 2))
    inputs = [pair(net, x, "a", INT8, 0.5, 0), pair(net, x, "b", INT8, 0.25, 0)]
    net.operator("ADD", inputs, [y], AddOptions())
    with pytest.raises(UnsupportedError, match="two different marks"):
        quantize_model(net.model(), FullInteger(), {"y": (-1, 1)})


def test_integers_that_an_operator_reads_are_not_marks(net):
    x = net.real_input("x", (1, 2))
    code = net.tensor((1, 2), INT8, quantization(0.5))
    net.operator("QUANTIZE", [x], [code])
    net.outputs.append(net.tensor((1, 2), INT8, quantization(0.5)))
    net.operator("RELU", [code], net.outputs)
    with pytest.raises(UnsupportedError, match="quantized already"):
        quantize_model(net.model(), FullInteger(), {"x": (-1, 1)})


def damaged(model, rng):
    """With another type, other parameters, or another output somewhere."""
    subgraph = model.subgraphs[0]
    tensors, outputs = list(subgraph.tensors), subgraph.outputs
    at, kind = rng.randrange(len(tensors)), rng.randrange(3)
    if kind == 0 and tensors[at].quantization is not None:
        scale = rng.choice(([0.1], [0.1, 0.2], [0.1, 0.1, 0.1], [1e-38], [1e30]))
        parameters = quantization(scale, rng.choice((0, 5, -200)), rng.choice((0, 1, 2)))
        tensors[at] = replace(tensors[at], quantization=parameters)
    elif kind == 1:
        tensors[at] = replace(tensors[at], type=rng.choice(list(TensorType)))
    else:
        outputs = (at,)
    return replace(model, subgraphs=(replace(subgraph, tensors=tuple(tensors), outputs=outputs),))


def test_nothing_but_our_own_errors_escapes_from_damaged_marks(trained, mutated):
    bounded = trained.real("bounded", (1, 2))
    trained.operator("RELU", [trained.outputs.pop()], [bounded])
    x = fake_quant(trained, bounded, "faked", -1.0, 2.0)
    w = stored(trained, np.int8([[1, 2], [3, 4]]), INT8, [0.1, 0.2])
    y = trained.real_output("z", (1, 2), -1.0, 1.0)
    bias = stored(trained, np.float16([1, 2]), FLOAT16)
    trained.operator("FULLY_CONNECTED", [x, w, bias], [y], FullyConnectedOptions())
    rng, fine = random.Random(5), 0
    assert quantize_model(trained.model(), FullInteger(), trained.ranges).report.float_operators == ()
    for _ in range(250):
        model = mutated(damaged(trained.model(), rng), rng)
        for recipe in (FullInteger(), Int16x8(), Float16()):
            try:
                result = quantize_model(model, recipe, {} if recipe == Float16() else None)
            except QuantlibError:
                continue
            fine += 1
            assert read_model(write_model(result.model)) == result.model
    assert fine > 30
