"""A model as text for people: what it computes, on what, and how large that is.

Any model that can be read can be shown, also one that breaks the rules of the format. Names come
from the file, so characters that do something to a terminal are printed as escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import OPTIONAL, Model, Operator, Quantization, Record, Subgraph, Tensor
from quantlib.model.tensor_rules import constant_data, tensor_bytes

__all__ = ["Describe", "MultiplyAdds", "escaped", "show"]

MultiplyAdds = Callable[[Model, int, int], int | None]
"""Multiply-adds of the operator at (subgraph, position) of a model; None if they cannot be told."""

Describe = Callable[[Record], Mapping[str, object]]
"""An options record with its enumerators by name."""

_NAME_WIDTH = 48
_LIST_LENGTH = 8


def show(model: Model, multiply_adds: MultiplyAdds | None = None, describe: Describe | None = None) -> str:
    """A table of the operators and one of the tensors, for each subgraph.

    Parameters
    ----------
    model : Model
        Need not be valid.
    multiply_adds : callable, optional
        Called as ``multiply_adds(model, subgraph_index, position)`` to fill a column of its own.
    describe : callable, optional
        Called with an operator's options to name the numbers in them, as
        `quantlib.flatbuffer.names.described` does.

    Returns
    -------
    str
        Lines of printable characters, without a line end after the last.

    Examples
    --------
    >>> from quantlib.model.graph import Buffer, OperatorCode, TensorType
    >>> scale = Quantization(np.array([0.5], np.float32), np.array([-3]))
    >>> tensors = tuple(Tensor((1, 4), TensorType.INT8, 0, name, scale) for name in "xy")
    >>> graph = Subgraph(tensors, (0,), (1,), (Operator(0, (0,), (1,)),), "main")
    >>> print(show(Model(3, (OperatorCode(19, "RELU"),), (graph,), (Buffer(),))))
    1 subgraph, 1 operator, 2 tensors, 0 bytes of constants
    <BLANKLINE>
    subgraph 0 main: (x) -> (y)
    operator  name  inputs  outputs  shape  type  options
           0  RELU       0        1    1x4  INT8
    <BLANKLINE>
    tensor  name  type  shape  scale  zero_point  bytes  kind
         0  x     INT8    1x4    0.5          -3      4  input
         1  y     INT8    1x4    0.5          -3      4  output
    """
    lines = list(_head(model))
    for index, subgraph in enumerate(model.subgraphs):
        lines += ["", f"subgraph {index}{_titled(subgraph)}"]
        if subgraph.operators:
            lines += _operator_table(model, index, multiply_adds, describe or dict)
        if subgraph.tensors:
            lines += ["", *_tensor_table(model, subgraph)]
    return "\n".join(lines)


def escaped(name: str | None, width: int = _NAME_WIDTH) -> str:
    r"""A name from a file, safe to print: no control characters, no odd bytes, not too long.

    Examples
    --------
    >>> escaped("conv/w"), escaped("n" * 60, width=8), escaped(None)
    ('conv/w', 'nnnnnnn…', '')
    >>> print(escaped("a\x1b[31m\n"))
    a\x1b[31m\n
    """
    text = name or ""
    if not text.isprintable():
        text = repr(text[: 2 * width])[1:-1]
    return text if len(text) <= width else text[: width - 1] + "…"


def _head(model: Model) -> Iterable[str]:
    operators = sum(len(subgraph.operators) for subgraph in model.subgraphs)
    tensors = sum(len(subgraph.tensors) for subgraph in model.subgraphs)
    constants = sum({id(buffer.data): len(buffer) for buffer in model.buffers}.values())
    yield ", ".join(
        (
            _counted(len(model.subgraphs), "subgraph"),
            _counted(operators, "operator"),
            _counted(tensors, "tensor"),
            f"{_grouped(constants)} bytes of constants",
        )
    )
    if model.description:
        yield f"description: {escaped(model.description, 80)}"
    for signature in model.signatures or ():
        sides = [
            ", ".join(f"{escaped(name)}: {at}" for name, at in side[:_LIST_LENGTH])
            for side in (signature.inputs, signature.outputs)
        ]
        key = escaped(signature.key)
        yield f"signature {key} of subgraph {signature.subgraph_index}: ({sides[0]}) -> ({sides[1]})"
    for entry in model.metadata or ():
        size = len(model.buffers[entry.buffer]) if 0 <= entry.buffer < len(model.buffers) else 0
        yield f"metadata {escaped(entry.name)}: {_grouped(size)} bytes"


def _titled(subgraph: Subgraph) -> str:
    name = f" {escaped(subgraph.name)}" if subgraph.name else ""
    sides = []
    for side in (subgraph.inputs, subgraph.outputs):
        names = [_tensor_name(subgraph, at) for at in side[:_LIST_LENGTH]]
        sides.append(", ".join(names) + (", …" if len(side) > _LIST_LENGTH else ""))
    return f"{name}: ({sides[0]}) -> ({sides[1]})"


def _tensor_name(subgraph: Subgraph, at: int) -> str:
    if not 0 <= at < len(subgraph.tensors):
        return f"tensor {at}, which does not exist"
    return escaped(subgraph.tensors[at].name) or f"tensor {at}"


def _operator_table(
    model: Model, index: int, multiply_adds: MultiplyAdds | None, describe: Describe
) -> list[str]:
    subgraph = model.subgraphs[index]
    head = ["operator", "name", "inputs", "outputs", "shape", "type", "multiply-adds", "options"]
    rows: list[list[str]] = []
    total = 0
    for position, operator in enumerate(subgraph.operators):
        work = multiply_adds(model, index, position) if multiply_adds is not None else None
        total += work or 0
        result = next((at for at in operator.outputs if 0 <= at < len(subgraph.tensors)), None)
        tensor = None if result is None else subgraph.tensors[result]
        rows.append(
            [
                str(position),
                _operator_name(model, operator),
                _indices(operator.inputs),
                _indices(operator.outputs),
                "" if tensor is None else _shape(tensor),
                "" if tensor is None else tensor.type.name,
                "" if not work else _grouped(work),
                _options(operator, describe),
            ]
        )
    if multiply_adds is None:
        head.remove("multiply-adds")
        for row in rows:
            del row[6]
    elif total:
        rows.append(["", "total", *[""] * 4, _grouped(total), ""])
    return _aligned(head, rows, left=("name", "type", "options"))


def _tensor_table(model: Model, subgraph: Subgraph) -> list[str]:
    inputs, outputs = frozenset(subgraph.inputs), frozenset(subgraph.outputs)
    rows = []
    for index, tensor in enumerate(subgraph.tensors):
        scale, zero_point = _parameters(tensor.quantization)
        size = tensor_bytes(tensor)
        rows.append(
            [
                str(index),
                escaped(tensor.name),
                tensor.type.name,
                _shape(tensor),
                scale,
                zero_point,
                "" if size is None else _grouped(size),
                _kind(model, tensor, index in inputs, index in outputs),
            ]
        )
    head = ["tensor", "name", "type", "shape", "scale", "zero_point", "bytes", "kind"]
    return _aligned(head, rows, left=("name", "type", "kind"))


def _kind(model: Model, tensor: Tensor, is_input: bool, is_output: bool) -> str:
    known = 0 <= tensor.buffer < len(model.buffers)
    kinds = {
        "input": is_input,
        "output": is_output,
        "constant": known and constant_data(model, tensor) is not None,
        "constant in another file": bool(tensor.external_buffer),
        "sparse": tensor.sparsity is not None,
        "variable": tensor.is_variable,
    }
    return ", ".join(kind for kind, holds in kinds.items() if holds)


def _parameters(quantization: Quantization | None) -> tuple[str, str]:
    if quantization is None:
        return "", ""
    if quantization.details is not None:
        return escaped(quantization.details.table), ""
    scale, zero_point = _values(quantization.scale), _values(quantization.zero_point)
    if quantization.scale.size > 1:
        scale += f" ({quantization.scale.size} along {quantization.quantized_dimension})"
    return scale, zero_point


def _values(array: NDArray[Any]) -> str:
    """The only value of an array, or the smallest and the largest."""
    if not array.size:
        return ""
    low, high = array.min(), array.max()
    # The shortest text that gives the same float32 back.
    texts = [str(value) if isinstance(value, np.integer) else _float_text(value) for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} .. {texts[1]}"


def _float_text(value: Any) -> str:
    return np.format_float_scientific(value, trim="-") if 0 < abs(value) < 1e-4 else f"{value!s}"


def _options(operator: Operator, describe: Describe) -> str:
    words: list[str] = []
    for options in (operator.options, operator.options_2):
        if options is not None:
            words += [
                f"{name}={_option(value)}" for name, value in describe(options).items() if value is not None
            ]
    if operator.custom_options is not None:
        words.append(f"custom_options={len(operator.custom_options)} bytes")
    return " ".join(words)


def _option(value: Any) -> str:
    if isinstance(value, Record):
        return escaped(value.table)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        shown = ",".join(_option(element) for element in value[:_LIST_LENGTH])
        return f"[{shown}{',…' if len(value) > _LIST_LENGTH else ''}]"
    return escaped(str(int(value) if isinstance(value, bool) else value))


def _operator_name(model: Model, operator: Operator) -> str:
    if not 0 <= operator.opcode_index < len(model.operator_codes):
        return f"operator code {operator.opcode_index}, which does not exist"
    code = model.operator_codes[operator.opcode_index]
    return escaped(code.name) + (f" v{code.version}" if code.version != 1 else "")


def _indices(indices: tuple[int, ...]) -> str:
    shown = ",".join("-" if at == OPTIONAL else str(at) for at in indices[: 3 * _LIST_LENGTH])
    return shown + (",…" if len(indices) > 3 * _LIST_LENGTH else "")


def _shape(tensor: Tensor) -> str:
    dimensions = [str(size) for size in tensor.shape[: 2 * _LIST_LENGTH]]
    signature = tensor.shape_signature
    if signature is not None and len(signature) == len(tensor.shape):
        dimensions = ["?" if signature[at] == -1 else size for at, size in enumerate(dimensions)]
    more = "x…" if len(tensor.shape) > 2 * _LIST_LENGTH else ""
    return "x".join(dimensions) + more if dimensions else "scalar"


def _counted(count: int, noun: str) -> str:
    return f"{_grouped(count)} {noun}{'' if count == 1 else 's'}"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str]) -> list[str]:
    """Columns two spaces apart, numbers to the right, words to the left."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return [
        "  ".join(
            text.ljust(width) if title in left else text.rjust(width)
            for title, text, width in zip(head, row, widths, strict=True)
        ).rstrip()
        for row in table
    ]
