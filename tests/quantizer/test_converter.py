import numpy as np
import pytest

from quantlib.errors import InvalidInputError, UnsupportedError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.quantizer.converter import OpsSet, Optimize, TFLiteConverter

INT16 = OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def samples():
    for value in (-1.0, 0.0, 1.0):
        yield [np.float32([[value, -value]])]


@pytest.fixture
def converter(dense):
    made = TFLiteConverter.from_flatbuffer(write_model(dense.model()))
    made.optimizations = [Optimize.DEFAULT]
    return made


@pytest.fixture
def types(seen):
    def of(converter):
        new = seen(read_model(converter.convert()))
        return new.operators(), new.tensor("x").type.name, new.tensor("y").type.name

    return of


def test_without_optimizations_the_model_stays_as_it_is(converter):
    converter.optimizations = []
    converter.representative_dataset = samples
    assert converter.convert() == write_model(converter.model)
    assert converter.report is None


@pytest.mark.parametrize("optimization", list(Optimize))
def test_every_optimization_means_dynamic_range(converter, optimization):
    converter.optimizations = [optimization]
    assert read_model(converter.convert()) is not None
    assert "fewer than 1024 elements" in converter.report.float_operators[0].reason


def test_float16_on_request_and_a_data_set_is_not_looked_at(converter, types):
    converter.target_spec.supported_types = [np.float16]
    converter.representative_dataset = lambda: pytest.fail("called")
    assert types(converter)[0] == ["DEQUANTIZE", "DEQUANTIZE", "FULLY_CONNECTED"]


def test_a_data_set_makes_integers_with_real_ends(converter, types):
    converter.representative_dataset = samples
    assert types(converter) == (["QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE"], "FLOAT32", "FLOAT32")


def test_integers_only_with_unsigned_ends(converter, types):
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = np.uint8
    assert types(converter) == (["QUANTIZE", "FULLY_CONNECTED", "QUANTIZE"], "UINT8", "UINT8")
    assert converter.report.float_operators == ()


def test_int16_activations(converter, types):
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [INT16]
    converter.inference_input_type = converter.inference_output_type = np.int16
    assert types(converter) == (["FULLY_CONNECTED"], "INT16", "INT16")


def test_int16_names_operators_that_have_none(net):
    x = net.real_input("x", (1, 2))
    y = net.real_output("y", (1, 2))
    net.operator("ELU", [x], [y])
    converter = TFLiteConverter(net.model(), [Optimize.DEFAULT], samples)
    converter.target_spec.supported_ops = [INT16]
    with pytest.raises(UnsupportedError, match="ELU") as caught:
        converter.convert()
    assert isinstance(caught.value, RuntimeError)  # what TensorFlow raises
    converter.target_spec.supported_ops = [INT16, OpsSet.TFLITE_BUILTINS]
    converter.convert()
    assert converter.report.float_operators[0].name == "ELU"


def test_integers_only_need_a_data_set(converter):
    converter.target_spec.supported_ops = [OpsSet.TFLITE_BUILTINS_INT8]
    with pytest.raises(ValueError, match="representative_dataset"):
        converter.convert()


@pytest.mark.parametrize("name", ["inference_input_type", "inference_output_type"])
def test_integer_ends_need_a_data_set_and_an_optimization(converter, name):
    setattr(converter, name, np.int8)
    with pytest.raises(InvalidInputError, match=f"{name}: int8; wanted float32"):
        converter.convert()
    converter.representative_dataset, converter.optimizations = samples, []
    with pytest.raises(InvalidInputError, match=f"{name}: int8; wanted float32"):
        converter.convert()


def test_int16_ends_do_not_fit_int8(converter):
    converter.representative_dataset = samples
    converter.inference_input_type = np.int16
    with pytest.raises(ValueError, match="int16"):
        converter.convert()


def test_a_data_set_without_samples_is_an_error(converter):
    converter.representative_dataset = lambda: iter(())
    with pytest.raises(InvalidInputError):
        converter.convert()


def test_options_by_value_and_unknown_ones(converter):
    converter.optimizations = ["DEFAULT"]
    converter.convert()
    converter.optimizations = ["FASTER"]
    with pytest.raises(InvalidInputError, match="FASTER"):
        converter.convert()


def test_custom_operators_want_permission(net):
    from dataclasses import replace

    from quantlib.model.graph import OperatorCode

    x = net.real_input("x", (1, 2))
    y = net.real_output("y", (1, 2))
    net.operator("RELU", [x], [y])
    model = replace(net.model(), operator_codes=(OperatorCode(32, "mine", custom_code="mine"),))
    converter = TFLiteConverter(model, [Optimize.DEFAULT])
    with pytest.raises(UnsupportedError, match="mine"):
        converter.convert()
    converter.allow_custom_ops = True
    assert read_model(converter.convert()).operator_codes[0].custom_code == "mine"
