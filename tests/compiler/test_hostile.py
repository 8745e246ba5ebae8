"""Models that somebody made worse: our errors alone, the executor's outcome, and no more memory than it takes."""

import itertools
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

import quantlib as ql
from quantlib.compiler.lowering import lowerers
from quantlib.compiler.program import Program
from quantlib.errors import QuantlibError
from quantlib.model.graph import Model, Quantization, Record, Tensor, TensorType
from quantlib.model.validate import validate
from quantlib.testing.choices import SeededChoices
from quantlib.testing.integer_graphs import integer_graph
from quantlib.testing.single_operator import generators

FAMILIES = ("reference", "optimized", "xnnpack")
NUMBERS = (-1, 0, 1, 2, 4, 127, 65_536, 2**31 - 1, -(2**31))
REALS = (0.0, -1.0, 1e-40, 1e-7, 3e38, float("inf"), float("nan"))


def changed(value: Any) -> Iterator[Any]:
    """The value with one thing in it replaced, all through."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int) and not isinstance(value, TensorType):
        yield from (number for number in (*NUMBERS, value + 1) if number != value)
    elif isinstance(value, float):
        yield from REALS
    elif isinstance(value, TensorType):
        yield from (TensorType.INT8, TensorType.UINT8, TensorType.INT16, TensorType.FLOAT32, TensorType.INT4)
    elif isinstance(value, tuple):
        for place, one in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield (*value[: place + 1], one, *value[place + 1 :])
            for other in changed(one):
                yield (*value[:place], other, *value[place + 1 :])
    elif isinstance(value, Quantization):
        yield None
        for scale in REALS:
            yield replace(value, scale=np.full(value.scale.shape, scale, np.float32))
        for point in (-129, -128, 255, 256, 2**31 - 1, 2**40, -(2**62)):
            yield replace(value, zero_point=np.full(value.zero_point.shape, point, np.int64))
        yield replace(value, scale=np.repeat(value.scale, 2), zero_point=np.repeat(value.zero_point, 2))
    elif isinstance(value, Record):
        for place, (name, one) in enumerate(value.entries):
            for other in changed(one):
                yield Record(
                    value.table, (*value.entries[:place], (name, other), *value.entries[place + 1 :])
                )
    elif is_dataclass(value):
        skipped = (
            "buffers",
            "version",
            "metadata",
            "signatures",
            "custom_options_format",
            "debug_metadata_index",
        )
        for field in fields(value):
            if field.name not in skipped:
                for other in changed(getattr(value, field.name)):
                    yield replace(value, **{field.name: other})


def inputs_of(model: Model) -> list[np.ndarray] | None:
    """Codes for the inputs of a model that is worth running."""
    random = np.random.default_rng(0)
    arrays = []
    for index in model.subgraphs[0].inputs:
        tensor: Tensor = model.subgraphs[0].tensors[index]
        dtype = tensor.type.dtype
        if dtype is None or np.prod(tensor.shape, dtype=np.float64) > 2**18:
            return None
        arrays.append(random.integers(0, 100, tensor.shape).astype(dtype))
    return arrays


def check(models: Iterator[Model], outcome) -> tuple[int, int]:
    """How many were refused, and how many ran; each by program and executor alike."""
    counts = [0, 0]
    for number, model in enumerate(models):
        try:
            validate(model)
        except QuantlibError:
            continue
        inputs = inputs_of(model)
        if inputs is None:
            continue
        kernels = FAMILIES[number % 3]
        wanted = outcome(lambda: ql.run(model, *inputs, kernels=kernels))  # noqa: B023 - called here
        found = outcome(lambda: ql.compile_model(model, kernels=kernels)(*inputs))  # noqa: B023 - called here
        assert found == wanted, (number, kernels)
        counts[not isinstance(wanted, str)] += 1
    return counts[0], counts[1]


SERVED = [one for one in generators().values() if one.operator in lowerers() and "int8" in one.configuration]


@pytest.mark.parametrize("stride", [151, pytest.param(5, marks=pytest.mark.slow)])
def test_worse_models_of_one_operator_end_as_with_the_executor(stride, outcome):
    refused = ran = 0
    for place, generator in enumerate(SERVED):
        model = generator.make(SeededChoices(place)).model
        one, other = check(itertools.islice(changed(model), place % stride, None, stride), outcome)
        refused, ran = refused + one, ran + other
    assert refused > 10
    assert ran > 10


@pytest.mark.parametrize(("seeds", "stride"), [(4, 61), pytest.param(40, 7, marks=pytest.mark.slow)])
def test_worse_networks_end_as_with_the_executor(seeds, stride, outcome):
    refused = ran = 0
    for seed in range(seeds):
        model = integer_graph(SeededChoices(seed), ("int8", "uint8")[seed % 2], 7).model
        one, other = check(itertools.islice(changed(model), seed, None, stride), outcome)
        refused, ran = refused + one, ran + other
    assert refused > 10
    assert ran > 10


def test_what_a_workspace_needs_beyond_the_executor_is_not_fatal(monkeypatch, outcome):
    """Codes of 8 bits take four times the memory as float32: where there is none left, the executor runs."""

    def no_memory(self, times):
        raise MemoryError

    case = integer_graph(SeededChoices(3), "int8", 7)
    wanted = outcome(lambda: ql.run(case.model, *case.inputs))
    monkeypatch.setattr(Program, "_workspace", no_memory)
    program = ql.compile_model(case.model)
    assert outcome(lambda: program(*case.inputs)) == wanted
    assert len(program(*(np.concatenate([one, one]) for one in case.inputs))) == len(wanted)
