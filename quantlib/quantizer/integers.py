"""Which operators run on integers, and what remains of the marks that parameters left.

An operator becomes an integer operator when every real input comes from a dequantization and every
real output goes to a quantization alone; both then disappear. Marks that no integer operator took
up are dropped again, a dequantization moves behind an operator that makes its tensor smaller, and
inputs and outputs get the types the caller wants.

Source: LiteRT tflite/converter/quantization/common/quantization_lib/quantization_utils.h
(QuantizationPattern), tflite/converter/transforms/post_quantize.cc, optimize_op_order.cc,
modify_io_nodes.cc.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from quantlib.model.graph import TensorType
from quantlib.quantizer.graph import Graph, Kind, Step, Value
from quantlib.quantizer.misfits import SCALES_MISFIT, scales_fit
from quantlib.quantizer.parameters import Parameters, stored

__all__ = [
    "drop_marks",
    "make_integer",
    "move_dequantizations_down",
    "set_input_type",
    "set_output_type",
    "store_constants",
]


def make_integer(graph: Graph) -> None:
    """Let every operator that can run on integers."""
    changed = True
    while changed:
        changed = False
        for step in _dequantized_constants(graph):
            for user in step.outputs[0].users():
                changed |= user.kind is Kind.OPERATOR and _try(graph, user)
            if step in graph.steps:
                _restore_constant(graph, step)
                changed = True
        for step in tuple(graph.steps):
            if step not in graph.steps:
                continue
            if step.kind is Kind.DEQUANTIZE:
                changed |= _try_users(graph, step)
            elif step.kind is Kind.QUANTIZE:
                producer = _given(step).producer
                if producer is not None and producer.kind is Kind.OPERATOR:
                    changed |= _try(graph, producer)
    _drop_unused(graph)


def store_constants(graph: Graph) -> None:
    """Turn constants that are quantized into constants of integers."""
    for step in tuple(graph.steps):
        if step.kind is not Kind.QUANTIZE or not _is_constant(_given(step)):
            continue
        value, code = _given(step), step.outputs[0]
        if value.constant is None or code.parameters is None:
            continue
        graph.remove(step)
        code.stored = stored(value.constant, code.parameters)
        code.constant, code.index = value.constant, value.index
        code.producer = Step(Kind.CONSTANT, outputs=[code])
        graph.constants.append(code.producer)


def _given(step: Step) -> Value:
    value = step.inputs[0]
    assert value is not None
    return value


def _dequantized_constants(graph: Graph) -> list[Step]:
    found = []
    for step in graph.steps:
        if step.kind is Kind.DEQUANTIZE:
            marked = _given(step).producer
            if marked is not None and marked.kind is Kind.QUANTIZE and _is_constant(_given(marked)):
                found.append(step)
    return found


def _is_constant(value: Value) -> bool:
    return value.producer is not None and value.producer.kind is Kind.CONSTANT


def _try_users(graph: Graph, dequantize: Step) -> bool:
    """Try the users one by one, newest first, up to the first that has to stay in float."""
    changed = False
    for user in dequantize.outputs[0].users():
        if user.kind is not Kind.OPERATOR:
            break
        if not any(value is dequantize.outputs[0] for value in user.inputs):
            continue
        if not _try(graph, user):
            break
        changed = True
    return changed


def _try(graph: Graph, step: Step) -> bool:
    """Make one operator an integer operator; False where it has to stay in float."""
    if step.rule is None or not step.rule.int8 or step.is_kept_float:
        return False
    inputs: dict[int, Value] = {}
    for position, value in step.real_inputs():
        source = value.producer
        if source is None or source.kind is not Kind.DEQUANTIZE:
            return False
        inputs[position] = _given(source)
    outputs: dict[int, Step] = {}
    for position, value in enumerate(step.outputs):
        if not value.is_real:
            continue
        user = value.only_user
        if user is None or user.kind is not Kind.QUANTIZE:
            return False
        outputs[position] = user
    if not inputs and not outputs:
        return False
    if not scales_fit(step.rule, _known(inputs.values()), _known(_codes(outputs)), in_int16=False):
        step.misfit = SCALES_MISFIT
        return False
    for position, value in inputs.items():
        step.set_input(position, value)
    for position, mark in outputs.items():
        code = mark.outputs[0]
        graph.remove(mark)
        code.tensor, code.index, code.producer = (
            step.outputs[position].tensor,
            step.outputs[position].index,
            step,
        )
        step.outputs[position] = code
    step.version = max(step.version, step.rule.versions.int8)
    return True


def _codes(marks: Mapping[int, Step]) -> list[Value]:
    return [mark.outputs[0] for mark in marks.values()]


def _known(codes: Iterable[Value]) -> list[Parameters]:
    return [code.parameters for code in codes if code.parameters is not None]


def _restore_constant(graph: Graph, dequantize: Step) -> None:
    """What still needs the constant in float gets it."""
    mark = _given(dequantize).producer
    assert mark is not None
    dequantize.outputs[0].replace_uses(_given(mark))
    graph.remove(dequantize)
    if not mark.outputs[0].uses:
        graph.remove(mark)


def _drop_unused(graph: Graph) -> None:
    """Take out quantizations and dequantizations that nobody uses."""
    for step in reversed(tuple(graph.steps)):
        if step.kind in (Kind.QUANTIZE, Kind.DEQUANTIZE) and not step.outputs[0].uses:
            graph.remove(step)


def drop_marks(graph: Graph, *, keep_ends: bool) -> None:
    """Take out quantizations that are dequantized at once.

    Parameters
    ----------
    graph : Graph
    keep_ends : bool
        Whether those at the graph's inputs and outputs stay for now.
    """
    for step in tuple(graph.steps):
        while step.kind is Kind.DEQUANTIZE:
            mark = _given(step).producer
            if mark is None or mark.kind is not Kind.QUANTIZE or not mark.is_removable:
                break
            before = _given(mark)
            user = step.outputs[0].only_user
            if keep_ends and (before.producer is None or (user is not None and user.kind is Kind.RETURN)):
                break
            if before.parameters is not None:
                step.set_input(0, before)
                continue
            step.outputs[0].replace_uses(before)
            graph.remove(step)
            break
    _drop_unused(graph)


def move_dequantizations_down(graph: Graph) -> None:
    """Dequantize after an operator that rearranges numbers, where that leaves fewer of them."""
    changed = True
    while changed:
        changed = False
        for step in tuple(graph.steps):
            if step.kind is Kind.DEQUANTIZE and _may_move(step):
                _move_down(graph, step)
                changed = True


def _may_move(dequantize: Step) -> bool:
    user = dequantize.outputs[0].only_user
    if user is None or user.kind is not Kind.OPERATOR or len(user.outputs) != 1:
        return False
    if user.rule is None or not user.rule.same_scale or user.is_kept_float:
        return False
    if _given(dequantize).type is TensorType.FLOAT16 or not user.outputs[0].is_real:
        return False
    return _elements(dequantize.outputs[0]) > _elements(user.outputs[0])


def _elements(value: Value) -> int:
    signature = value.tensor.shape_signature or value.tensor.shape
    return math.prod(extent for extent in signature if extent >= 0)


def _move_down(graph: Graph, dequantize: Step) -> None:
    code = _given(dequantize)
    user = dequantize.outputs[0].only_user
    assert user is not None
    assert user.rule is not None
    position = next(at for at, value in enumerate(user.inputs) if value is dequantize.outputs[0])
    real = user.outputs[0]
    user.set_input(position, code)
    graph.remove(dequantize)
    smaller = Value(real.tensor, real.index, code.type, code.parameters, producer=user)
    user.outputs[0] = smaller
    user.version = max(user.version, user.rule.versions.int8)
    result = graph.dequantize_step(user, smaller)
    real.replace_uses(result)


def set_input_type(graph: Graph, type: TensorType) -> None:
    """Let the graph be given integers where its first step quantizes.

    Parameters
    ----------
    graph : Graph
    type : TensorType
        FLOAT32 changes nothing; UINT8 is turned into int8 by one more quantization.
    """
    if type is TensorType.FLOAT32:
        return
    for position, value in enumerate(graph.inputs):
        mark = value.only_user
        if mark is None or mark.kind is not Kind.QUANTIZE or not value.is_real:
            continue
        code = mark.outputs[0]
        assert code.parameters is not None
        if type is code.type:
            graph.remove(mark)
            code.tensor, code.index, code.producer = value.tensor, value.index, None
            graph.inputs[position] = code
        else:
            value.type, value.parameters = type, code.parameters.as_type(type)


def set_output_type(graph: Graph, type: TensorType) -> None:
    """Let the graph give integers where its last step dequantizes.

    Parameters
    ----------
    graph : Graph
    type : TensorType
        As for `set_input_type`.
    """
    if type is TensorType.FLOAT32:
        return
    for position, value in enumerate(graph.end.inputs):
        last = None if value is None else value.producer
        if last is None or last.kind is not Kind.DEQUANTIZE:
            continue
        code = _given(last)
        assert code.parameters is not None
        if type is not code.type:
            place = graph.steps[-2]
            code = graph.quantize_step(place, code, code.parameters.as_type(type), is_removable=False)
        graph.end.set_input(position, code)
    _drop_unused(graph)


def to_float_ends(graph: Graph, input_type: TensorType, output_type: TensorType) -> None:
    """Let a graph whose ends are integers be given, or give, reals.

    Parameters
    ----------
    graph : Graph
    input_type, output_type : TensorType
        FLOAT32 puts a quantization at the start or a dequantization at the end; another type
        leaves what is there.
    """
    if input_type is TensorType.FLOAT32:
        for position, value in enumerate(graph.inputs):
            if value.parameters is None:
                continue
            real = Value(value.tensor, value.index, TensorType.FLOAT32)
            graph.inputs[position] = real
            step = Step(Kind.QUANTIZE, inputs=[None], outputs=[value])
            step.set_input(0, real)
            value.producer = step
            graph.insert_after(None, step)
    if output_type is TensorType.FLOAT32:
        for position, given in enumerate(tuple(graph.end.inputs)):
            if given is not None and given.parameters is not None:
                graph.end.set_input(position, graph.dequantize_step(graph.steps[-2], given))
