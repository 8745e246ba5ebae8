"""Whether a model keeps the rules of the format, decided before anything is allocated.

After `validate` has returned, every index leads somewhere, every constant has as many bytes as its
shape needs, every value is computed before it is used, no value is computed twice, subgraphs do
not call themselves, and quantization parameters are numbers that arithmetic can use. What an
operator asks of its inputs and options is the operator's business.

The rules are those of LiteRT's strict verifier and of its interpreter builder, with these
decisions where the two differ or real files do:

* constant data may be longer than needed, as in LiteRT;
* operators may write to variables, because TensorFlow's own float16 LSTMs do;
* biases (rank-1 int32 and int64 tensors) may name any quantized dimension, because the published
  person_detect.tflite does, although LiteRT refuses it;
* scales and zero points are only judged on integer tensors, where they mean something;
* graph inputs must not be constants, and graph outputs must be computed, which LiteRT leaves open.

Source: LiteRT tflite/core/tools/verifier.cc; tflite/core/interpreter_builder.cc; tflite/core/subgraph.cc
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from quantlib.errors import InvalidModelError, LimitExceededError, Location
from quantlib.model.graph import OPTIONAL, Model, Operator, Subgraph
from quantlib.model.limits import Limits
from quantlib.model.tensor_rules import TensorRules, constant_data

__all__ = ["called_subgraphs", "validate"]

SCHEMA_VERSION = 3
"""The only version of the schema that LiteRT accepts."""


def validate(model: Model, limits: Limits | None = None) -> Model:
    """The same model, checked.

    Parameters
    ----------
    model : Model
    limits : Limits, optional
        Bounds on rank, bytes, operators and call depth; see `Limits` for the defaults.

    Returns
    -------
    Model
        The object that was given, so that calls can be chained.

    Raises
    ------
    InvalidModelError
        A rule is broken. Names subgraph, operator, tensor and field, as far as they apply.
    LimitExceededError
        The model is legal, but larger than `limits` allow.

    Examples
    --------
    >>> from quantlib.model.graph import Buffer, Tensor, TensorType
    >>> tensor = Tensor((2,), TensorType.INT8, buffer=1, name="w")
    >>> model = Model(3, (), (Subgraph((tensor,), (), (0,), ()),), (Buffer(), Buffer(memoryview(b"a"))))
    >>> validate(model)
    Traceback (most recent call last):
    ...
    quantlib.errors.InvalidModelError: subgraph 0, tensor 0 'w', buffer: 1 bytes for shape [2] of INT8; wanted 2 bytes

    Source: LiteRT tflite/core/tools/verifier.cc (Verify)
    """
    limits = limits or Limits()
    if model.version != SCHEMA_VERSION:
        raise InvalidModelError(Location(field="version"), model.version, SCHEMA_VERSION)
    if not model.subgraphs:
        raise InvalidModelError(Location(field="subgraphs"), "none", "at least one")
    _check_counts(model, limits)
    _check_operator_codes(model)
    _check_tensors(model, limits)
    for index, subgraph in enumerate(model.subgraphs):
        _check_order(model, subgraph, index)
    _check_signatures(model)
    _check_metadata(model)
    _check_calls(model, limits)
    return model


def called_subgraphs(operator: Operator) -> Iterator[tuple[str, int]]:
    """The subgraphs that an operator runs, each with the field of its options that says so.

    Examples
    --------
    >>> from quantlib.model.graph import Record
    >>> options = Record("WhileOptions", (("cond_subgraph_index", 1), ("body_subgraph_index", 2)))
    >>> list(called_subgraphs(Operator(0, (), (), options)))
    [('cond_subgraph_index', 1), ('body_subgraph_index', 2)]
    """
    for options in (operator.options, operator.options_2):
        if options is None:
            continue
        for name, value in options.entries:
            if name.endswith("subgraph_index") or name == "subgraph":
                yield name, value
            elif name in ("branch_subgraph_indices", "called_computations"):
                for index in value or ():
                    yield name, index


def _check_counts(model: Model, limits: Limits) -> None:
    operators = operands = 0
    for subgraph in model.subgraphs:
        operators += len(subgraph.operators)
        if operators > limits.operators:
            raise LimitExceededError(
                Location(field="operators"), operators, f"at most {limits.operators} (limits.operators)"
            )
        for operator in subgraph.operators:
            operands += len(operator.inputs) + len(operator.outputs) + len(operator.intermediates or ())
    if operands > limits.operands:
        raise LimitExceededError(
            Location(field="operators"),
            f"{operands} operands",
            f"at most {limits.operands} (limits.operands)",
        )


def _check_operator_codes(model: Model) -> None:
    for index, code in enumerate(model.operator_codes):
        if code.is_custom and not code.custom_code:
            raise InvalidModelError(
                Location(field=f"operator_codes[{index}].custom_code"), "none", "the custom operator's name"
            )


def _check_tensors(model: Model, limits: Limits) -> None:
    total = 0
    rules = TensorRules(model, limits)
    for index, subgraph in enumerate(model.subgraphs):
        for at, tensor in enumerate(subgraph.tensors):
            where = Location(subgraph=index, tensor=at, tensor_name=tensor.name)
            total += rules.check(tensor, len(subgraph.tensors), where)
            if total > limits.total_tensor_bytes:
                raise LimitExceededError(
                    where,
                    f"{total} bytes for all tensors up to here",
                    f"at most {limits.total_tensor_bytes} (limits.total_tensor_bytes)",
                )


def _check_order(model: Model, subgraph: Subgraph, index: int) -> None:
    """Every value is there before it is used, and is written once."""
    tensors = subgraph.tensors
    constants = {
        at
        for at, tensor in enumerate(tensors)
        if tensor.external_buffer or constant_data(model, tensor) is not None
    }
    variables = {at for at, tensor in enumerate(tensors) if tensor.is_variable}
    for at in subgraph.inputs:
        where = Location(subgraph=index, field="inputs")
        _check_index(subgraph, at, where)
        if at in constants:
            raise InvalidModelError(
                _with_tensor(where, subgraph, at), "a constant", "a tensor for the caller to set"
            )
    written = {*subgraph.inputs, *constants}
    known = written | variables
    for position, operator in enumerate(subgraph.operators):
        where = _operator_location(model, operator, index, position)
        for slot, at in enumerate(operator.inputs):
            if at == OPTIONAL:
                continue
            role = dataclasses.replace(where, role=f"input {slot}")
            _check_index(subgraph, at, role)
            if at not in known:
                raise InvalidModelError(
                    _with_tensor(role, subgraph, at), "used before anything computes it", "operators in order"
                )
        for slot, at in enumerate(operator.intermediates or ()):
            if at != OPTIONAL:
                _check_index(subgraph, at, dataclasses.replace(where, role=f"intermediate {slot}"))
        for slot, at in enumerate(operator.outputs):
            role = dataclasses.replace(where, role=f"output {slot}")
            _check_index(subgraph, at, role)
            if at in written:
                found = "a constant" if at in constants else "written before, or an input of the graph"
                raise InvalidModelError(
                    _with_tensor(role, subgraph, at), found, "a tensor of the operator's own"
                )
            written.add(at)
            known.add(at)
    for at in subgraph.outputs:
        where = Location(subgraph=index, field="outputs")
        _check_index(subgraph, at, where)
        if at not in known:
            raise InvalidModelError(
                _with_tensor(where, subgraph, at), "computed by no operator", "a value that exists"
            )


def _operator_location(model: Model, operator: Operator, index: int, position: int) -> Location:
    where = Location(subgraph=index, operator=position)
    codes = model.operator_codes
    if not 0 <= operator.opcode_index < len(codes):
        raise InvalidModelError(
            dataclasses.replace(where, field="opcode_index"), operator.opcode_index, f"below {len(codes)}"
        )
    return dataclasses.replace(where, operator_name=codes[operator.opcode_index].name)


def _check_index(subgraph: Subgraph, at: int, where: Location) -> None:
    if not 0 <= at < len(subgraph.tensors):
        raise InvalidModelError(where, f"tensor {at}", f"0 .. {len(subgraph.tensors) - 1}")


def _with_tensor(where: Location, subgraph: Subgraph, at: int) -> Location:
    return dataclasses.replace(where, tensor=at, tensor_name=subgraph.tensors[at].name)


def _check_signatures(model: Model) -> None:
    for number, signature in enumerate(model.signatures or ()):
        name = f"signatures[{number}]"
        if signature.key is None:
            raise InvalidModelError(Location(field=f"{name}.key"), "none", "a name")
        if not 0 <= signature.subgraph_index < len(model.subgraphs):
            raise InvalidModelError(
                Location(field=f"{name}.subgraph_index"),
                signature.subgraph_index,
                f"below {len(model.subgraphs)}",
            )
        subgraph = model.subgraphs[signature.subgraph_index]
        for side, entries in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            for _, at in entries:
                where = Location(subgraph=signature.subgraph_index, field=f"{name}.{side}")
                _check_index(subgraph, at, where)


def _check_metadata(model: Model) -> None:
    for number, entry in enumerate(model.metadata or ()):
        if not 0 <= entry.buffer < len(model.buffers):
            raise InvalidModelError(
                Location(field=f"metadata[{number}].buffer"), entry.buffer, f"below {len(model.buffers)}"
            )


def _check_calls(model: Model, limits: Limits) -> None:
    """Subgraphs may call subgraphs, but never come back to one that is still running."""
    calls: list[set[int]] = []
    for index, subgraph in enumerate(model.subgraphs):
        called: set[int] = set()
        for position, operator in enumerate(subgraph.operators):
            for name, callee in called_subgraphs(operator):
                if not 0 <= callee < len(model.subgraphs):
                    where = _operator_location(model, operator, index, position)
                    raise InvalidModelError(
                        dataclasses.replace(where, field=name), callee, f"below {len(model.subgraphs)}"
                    )
                called.add(callee)
        calls.append(called)
    # Peel off the subgraphs that call only peeled ones; what never peels calls itself in the end.
    depth = [0] * len(calls)
    callers: list[list[int]] = [[] for _ in calls]
    for index, called in enumerate(calls):
        for callee in called:
            callers[callee].append(index)
    open_calls = [len(called) for called in calls]
    ready = [index for index, count in enumerate(open_calls) if not count]
    for index in ready:
        for caller in callers[index]:
            depth[caller] = max(depth[caller], depth[index] + 1)
            open_calls[caller] -= 1
            if not open_calls[caller]:
                ready.append(caller)
    for index, count in enumerate(open_calls):
        if count:
            raise InvalidModelError(Location(subgraph=index), "calls itself", "no cycle of calls")
        if depth[index] > limits.call_depth:
            raise LimitExceededError(
                Location(subgraph=index),
                f"calls {depth[index]} deep",
                f"at most {limits.call_depth} (limits.call_depth)",
            )
