"""Plans: what is still there after the last step."""

import numpy as np
import pytest

from quantlib.model.graph import Buffer, Model, Operator, OperatorCode, Subgraph, Tensor, TensorType
from quantlib.runtime.interpreter import Interpreter
from quantlib.runtime.plan import make_plan


def accumulating_model() -> Model:
    """x + state -> state -> y, where state keeps its value between runs."""
    tensors = tuple(
        Tensor((2,), TensorType.FLOAT32, name=name, is_variable=name == "state")
        for name in ("x", "state", "y")
    )
    operators = (Operator(0, (0, 1), (1,)), Operator(1, (1,), (2,)))
    codes = (OperatorCode(0, "ADD"), OperatorCode(19, "RELU"))
    return Model(3, codes, (Subgraph(tensors, (0,), (2,), operators),), (Buffer(),))


def test_a_variable_is_still_there_after_its_last_use():
    start = {0: np.float32([2, 1]), 1: np.float32([0, 0])}
    held = make_plan(accumulating_model()).run(start)
    assert held[1].tolist() == [2, 1]


@pytest.mark.parametrize("keeps_all", [False, True])
def test_an_interpreter_keeps_state_from_run_to_run(keeps_all: bool):
    interpreter = Interpreter(model_content=accumulating_model(), experimental_preserve_all_tensors=keeps_all)
    interpreter.allocate_tensors()
    for _ in range(3):
        interpreter.set_tensor(0, np.float32([2, 1]))
        interpreter.invoke()
    assert interpreter.get_tensor(2).tolist() == [6, 3]
