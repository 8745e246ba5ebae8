"""Public usage as users write it: checked by strict mypy, and run."""

from collections.abc import Mapping
from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray

import quantlib as ql
from quantlib.cli import digits


def test_parameters_and_arrays_are_typed() -> None:
    p = ql.QuantizationParameters(scale=0.05, zero_point=-3, dtype=np.int8)
    assert_type(ql.QuantizationParameters.from_range(-1.0, 3.0), ql.QuantizationParameters)
    q = ql.quantize([0.5, -0.25], p)
    assert_type(q, NDArray[np.integer[Any]])
    assert_type(ql.dequantize(q, p), NDArray[np.float32])
    assert_type(p.scale, NDArray[np.float32])


def test_a_model_is_read_run_and_written() -> None:
    model = ql.read_model(digits.int8_model_path())
    assert_type(model, ql.Model)
    outputs = ql.run(model, np.zeros((1, 8, 8), np.int8), kernels="reference")
    assert_type(outputs, tuple[NDArray[Any], ...])
    assert [str(one.bound) for one in ql.unclaimed(model, kernels="optimized")] == []
    assert_type(ql.write_model(model), bytes)
    assert_type(ql.read_model(b"".join([ql.write_model(model)]), limits=ql.Limits(rank=4)), ql.Model)


def test_the_interpreter_takes_the_place_of_tensorflows() -> None:
    interpreter = ql.Interpreter(model_path=str(digits.int8_model_path()))
    interpreter.allocate_tensors()
    details: list[dict[str, Any]] = interpreter.get_input_details()
    interpreter.set_tensor(details[0]["index"], np.zeros((1, 8, 8), np.int8))
    interpreter.invoke()
    assert interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).shape == (1, 10)


def test_an_error_carries_its_values() -> None:
    with pytest.raises(ql.InvalidInputError) as caught:
        ql.QuantizationParameters(scale=-1.0)
    assert_type(caught.value.argument, str | None)
    assert caught.value.argument == "scale"


def test_the_shipped_example_is_typed() -> None:
    images, labels = digits.test_images()
    assert_type(images, NDArray[np.uint8])
    assert_type(labels, NDArray[np.uint8])
    assert_type(digits.recorded_tensors("int8"), Mapping[int, NDArray[Any]])
