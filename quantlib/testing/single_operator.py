"""Models of one operator, made from nothing: for property tests, conformance and bug reports."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import packing
from quantlib.flatbuffer.schema import SCHEMA
from quantlib.model.graph import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Subgraph,
    Tensor,
    TensorType,
)
from quantlib.testing.choices import Choices

__all__ = [
    "Case",
    "Generator",
    "Graph",
    "cases",
    "generators",
    "make_options",
    "operator_code",
    "quantization",
    "random_quantization",
]


def operator_code(name: str) -> int:
    """The format's number for a builtin operator.

    Examples
    --------
    >>> operator_code("CONV_2D")
    3
    """
    from tflite import BuiltinOperator

    return int(getattr(BuiltinOperator, name))


def make_options(options: object) -> Record:
    """An operator's typed options as the table that a file holds.

    Parameters
    ----------
    options : dataclass instance
        Its class is named as the table; fields it does not have take the format's default.

    Examples
    --------
    >>> from quantlib.ops.conv_2d import Conv2DOptions
    >>> make_options(Conv2DOptions(stride_w=2))["stride_w"]
    2
    """
    table = SCHEMA.tables[type(options).__name__]
    given = {one.name: getattr(options, one.name) for one in fields(options)}  # type: ignore[arg-type]
    plain = {name: int(value) if isinstance(value, enum.IntEnum) else value for name, value in given.items()}
    written = (one for one in table.fields if not one.deprecated)
    return Record(table.name, tuple((one.name, plain.get(one.name, one.default)) for one in written))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A model, and inputs for it.

    Parameters
    ----------
    model : Model
    inputs : tuple of ndarray
        In the model's order.
    """

    model: Model
    inputs: tuple[NDArray[Any], ...]


@dataclass(slots=True)
class Graph:
    """A model under construction; tensors are named by the indices that the methods return.

    Examples
    --------
    >>> graph = Graph()
    >>> x = graph.input((1, 4), TensorType.FLOAT32)
    >>> y = graph.output((1, 4), TensorType.FLOAT32)
    >>> graph.operator("RELU", [x], [y])
    >>> graph.model().operator_codes[0].name
    'RELU'
    """

    tensors: list[Tensor] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=lambda: [Buffer()])
    operators: list[Operator] = field(default_factory=list)
    codes: list[OperatorCode] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(
        self,
        shape: Sequence[int],
        type: TensorType,
        parameters: Quantization | None = None,
        **more: Any,
    ) -> int:
        """Add a tensor that some operator computes; its index."""
        index = len(self.tensors)
        name = more.pop("name", f"tensor_{index}")
        self.tensors.append(
            Tensor(tuple(map(int, shape)), type, name=name, quantization=parameters, has_rank=True, **more)
        )
        return index

    def input(self, shape: Sequence[int], type: TensorType, parameters: Quantization | None = None) -> int:
        """Add an input of the model; its index."""
        index = self.tensor(shape, type, parameters)
        self.inputs.append(index)
        return index

    def output(self, shape: Sequence[int], type: TensorType, parameters: Quantization | None = None) -> int:
        """Add an output of the model; its index. The shape is corrected by `finished`."""
        index = self.tensor(shape, type, parameters)
        self.outputs.append(index)
        return index

    def constant(self, array: NDArray[Any], type: TensorType, parameters: Quantization | None = None) -> int:
        """Add a constant; its index. Arrays for packed types hold one value per element."""
        if type is TensorType.INT4:
            data = packing.pack_int4(array).tobytes()
        elif type is TensorType.UINT4:
            data = packing.pack_uint4(array).tobytes()
        elif type is TensorType.INT2:
            data = packing.pack_int2(array).tobytes()
        else:
            assert type.dtype is not None
            data = np.ascontiguousarray(array, type.dtype).tobytes()
        self.buffers.append(Buffer(memoryview(data)))
        return self.tensor(array.shape, type, parameters, buffer=len(self.buffers) - 1)

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: object = None,
        *,
        version: int = 1,
        intermediates: Sequence[int] | None = None,
    ) -> None:
        """Add an operator.

        Parameters
        ----------
        name : str
            Builtin operator name.
        inputs, outputs : sequence of int
            Tensor indices; -1 for an absent optional input.
        options : dataclass instance, optional
            The operator's own options, for example `Conv2DOptions()`; its class is named as the
            table of the format. None writes no options table at all.
        version : int
        intermediates : sequence of int, optional
        """
        code = OperatorCode(operator_code(name), name, version)
        if code not in self.codes:
            self.codes.append(code)
        record = None if options is None else make_options(options)
        self.operators.append(
            Operator(
                self.codes.index(code),
                tuple(inputs),
                tuple(outputs),
                options=record,
                intermediates=None if intermediates is None else tuple(intermediates),
            )
        )

    def model(self) -> Model:
        """The model as it stands."""
        subgraph = Subgraph(
            tuple(self.tensors), tuple(self.inputs), tuple(self.outputs), tuple(self.operators), "main"
        )
        return Model(3, tuple(self.codes), (subgraph,), tuple(self.buffers), description="quantlib.testing")

    def finished(self, *inputs: NDArray[Any], kernels: str = "reference") -> Case:
        """The model with its inputs, output shapes corrected to what our kernels give.

        Parameters
        ----------
        *inputs : ndarray
        kernels : str
            A kernel set that runs the model.

        Raises
        ------
        UnsupportedError, InvalidModelError
            Our kernels do not run it.
        """
        from quantlib.runtime.execute import initial_variables
        from quantlib.runtime.plan import make_plan

        model = self.model()
        inputs = tuple(np.asarray(array) for array in inputs)  # scalars become 0-d arrays
        values = dict(zip(self.inputs, inputs, strict=True))
        held = make_plan(model, kernels=kernels).run({**initial_variables(model, 0), **values}, keep_all=True)
        tensors = tuple(
            replace(tensor, shape=held[index].shape) if index in held and not tensor.buffer else tensor
            for index, tensor in enumerate(self.tensors)
        )
        subgraph = replace(model.subgraphs[0], tensors=tensors)
        return Case(replace(model, subgraphs=(subgraph,)), inputs)


def quantization(scale: ArrayLike, zero_point: ArrayLike = 0, quantized_dimension: int = 0) -> Quantization:
    """Quantization parameters for a tensor of a model under construction.

    Parameters
    ----------
    scale : float or float array
    zero_point : int or int array
        One value serves all channels.
    quantized_dimension : int

    Examples
    --------
    >>> quantization([0.5, 0.25]).zero_point.tolist()
    [0, 0]
    """
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    points = np.broadcast_to(np.atleast_1d(np.asarray(zero_point, np.int64)), scales.shape).copy()
    return Quantization(scales, points, quantized_dimension)


def random_quantization(choices: Choices, type: TensorType) -> Quantization:
    """Parameters for an activation: ordinary scales and powers of two, zero points up to the ends.

    16-bit activations have zero point 0, as the format demands.
    """
    if choices.choice((False, True)):
        scale = 2.0 ** choices.integer(-9, 0)
    else:
        scale = float(np.float32(10.0 ** choices.real(-3, 0)))
    if type is TensorType.INT16:
        return quantization(scale if scale < 0.01 else scale * 1e-2)
    low, high = (0, 255) if type is TensorType.UINT8 else (-128, 127)
    return quantization(scale, choices.choice((0 if low else 128, low, high, choices.integer(low, high))))


@dataclass(frozen=True, slots=True)
class Generator:
    """Random cases for one operator in one configuration.

    Parameters
    ----------
    operator : str
    configuration : str
        Element types and what else distinguishes it, for example ``int8 per channel``.
    make : callable
        Decisions to a case.
    oracle : str, optional
        The LiteRT family to compare the reference kernel with, where LiteRT's reference resolver
        lacks the operator (ELU) or the version.
    unclaimed : tuple of str
        Kernel families whose bits nobody here claims for this configuration.
    """

    operator: str
    configuration: str
    make: Callable[[Choices], Case]
    oracle: str | None = None
    unclaimed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.operator} {self.configuration}"


_pending: list[Generator] = []


def cases(
    operator: str, *configurations: str, oracle: str | None = None, unclaimed: Sequence[str] = ()
) -> Callable[[Callable[[Choices, str], Case]], Callable[[Choices, str], Case]]:
    """Register the decorated function as the generator of an operator's configurations.

    Parameters
    ----------
    operator : str
    *configurations : str
        The function is told which one is wanted.
    oracle, unclaimed
        As in `Generator`.
    """

    def register(make: Callable[[Choices, str], Case]) -> Callable[[Choices, str], Case]:
        for configuration in configurations:
            _pending.append(
                Generator(operator, configuration, _Bound(make, configuration), oracle, tuple(unclaimed))
            )
        return make

    return register


@dataclass(frozen=True, slots=True)
class _Bound:
    make: Callable[[Choices, str], Case]
    configuration: str

    def __call__(self, choices: Choices) -> Case:
        return self.make(choices, self.configuration)


@cache
def generators() -> Mapping[tuple[str, str], Generator]:
    """Every generator, by operator and configuration."""
    import importlib
    import pkgutil

    import quantlib.testing.operators as room

    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    found = sorted(_pending, key=lambda generator: (generator.operator, generator.configuration))
    return MappingProxyType({(one.operator, one.configuration): one for one in found})
