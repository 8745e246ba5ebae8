"""A model's first convolutions as a chain of ONNX's QLinearConv, for onnx's ReferenceEvaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import quantlib as ql
from measuring.turns import in_turns
from quantlib.model.tensor_rules import constant_data

RELU, RELU6 = 1, 3
"""Fused activations, by the format's numbers."""

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def against(path: Path, seconds: float, rounds: int | None) -> dict[str, Any]:
    """Both evaluated in turns, after each layer's outputs have been held against each other."""
    from onnx.reference import ReferenceEvaluator

    model = ql.read_model(path.read_bytes())
    layers = first_layers(model)
    tensor = model.subgraphs[0].tensors[layers[0].inputs[0]]
    limits = np.iinfo(tensor.type.dtype)
    random = np.random.default_rng(0)
    x = random.integers(limits.min, limits.max, tensor.shape, tensor.type.dtype, endpoint=True)
    differences, given = [], x
    for layer in layers:  # each is given our codes, so that differences do not add up
        alone = cut(model, [layer])
        (theirs,) = ReferenceEvaluator(as_onnx(alone)).run(None, {"x": nchw(given)})
        (given,) = ql.compile_model(alone)(given)
        differences.append(np.abs(nchw(given).astype(int) - theirs).ravel())
    found = np.concatenate(differences)
    answer = {"layers": len(layers), "largest": int(found.max()), "equal": float((found == 0).mean())}
    if answer["largest"] > 1:
        return {**answer, "wrong": ["onnx"], "times": {}}
    program, session = ql.compile_model(cut(model, layers)), ReferenceEvaluator(as_onnx(cut(model, layers)))
    contestants = {"ours": partial(program, x), "onnx": partial(session.run, None, {"x": nchw(x)})}
    return {**answer, "wrong": [], "times": in_turns(contestants, seconds, rounds)}


def nchw(x: Any) -> Any:
    """Images as ONNX has them."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def first_layers(model: Any) -> list[Any]:
    """The first convolution, and those that follow in line."""
    operators = model.subgraphs[0].operators
    names = [model.operator_codes[operator.opcode_index].name for operator in operators]
    start = next((at for at, name in enumerate(names) if name in LAYERS), None)
    if start is None:
        raise SystemExit("has no convolutions")
    line = [operators[start]]
    for name, operator in zip(names[start + 1 :], operators[start + 1 :], strict=True):
        if name not in LAYERS or operator.inputs[0] != line[-1].outputs[0]:
            break
        line.append(operator)
    return line


def cut(model: Any, layers: Sequence[Any]) -> Any:
    """The model of some layers that follow each other."""
    ends = {"inputs": layers[0].inputs[:1], "outputs": layers[-1].outputs}
    small = replace(model.subgraphs[0], operators=tuple(layers), **ends)
    return replace(model, subgraphs=(small,), signatures=None)


def as_onnx(model: Any) -> Any:
    """The chain, in NCHW, with a Clip after every layer whose activation does more than saturate."""
    from onnx import TensorProto, helper, numpy_helper

    subgraph = model.subgraphs[0]
    nodes, constants = [], []

    def constant(array: Any) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), f"constant {len(constants)}"))
        return str(constants[-1].name)

    def quantization(index: int) -> list[str]:
        tensor = subgraph.tensors[index]
        arrays = (tensor.quantization.scale, tensor.quantization.zero_point.astype(tensor.type.dtype))
        return [constant(array if array.size > 1 else array.reshape(())) for array in arrays]

    def stored(index: int) -> Any:
        tensor = subgraph.tensors[index]
        return np.frombuffer(constant_data(model, tensor), tensor.type.dtype).reshape(tensor.shape)

    value = "x"
    for operator in subgraph.operators:
        source, weights, bias = operator.inputs
        (target,) = operator.outputs
        is_depthwise = model.operator_codes[operator.opcode_index].name == "DEPTHWISE_CONV_2D"
        filters = stored(weights).transpose((3, 0, 1, 2) if is_depthwise else (0, 3, 1, 2))
        tensor = subgraph.tensors[target]
        inputs = [value, *quantization(source), constant(filters), *quantization(weights)]
        inputs += [*quantization(target), constant(stored(bias))]
        value = f"y{target}"
        node = helper.make_node("QLinearConv", inputs, [value])
        groups = filters.shape[0] if is_depthwise else 1
        attributes = {**window(operator.options, subgraph.tensors[source].shape, tensor.shape, filters.shape)}
        node.attribute.extend(helper.make_attribute(*one) for one in {**attributes, "group": groups}.items())
        nodes.append(node)
        bounds = activation_bounds(operator.options["fused_activation_function"], tensor)
        if bounds is not None:
            ends = [constant(np.array(end, tensor.type.dtype)) for end in bounds]
            nodes.append(helper.make_node("Clip", [value, *ends], [f"{value} clipped"]))
            value = f"{value} clipped"
    kinds = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8}
    first = subgraph.tensors[subgraph.inputs[0]]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", kinds[first.type.dtype.name], None)],
        [helper.make_tensor_value_info(value, kinds[tensor.type.dtype.name], None)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def window(options: Any, x: Any, y: Any, w: Any) -> dict[str, list[int]]:
    """A convolution's attributes; padding is spelled out, as ONNX's own rule differs."""
    sides, strides = w[2:], [options["stride_h"], options["stride_w"]]
    dilations = [options["dilation_h_factor"], options["dilation_w_factor"]]
    before, after = [], []
    for n, m, side, stride, dilation in zip(x[1:3], y[1:3], sides, strides, dilations, strict=True):
        total = max((m - 1) * stride + (side - 1) * dilation + 1 - n, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return {
        "kernel_shape": list(sides),
        "strides": strides,
        "dilations": dilations,
        "pads": before + after,
    }


def activation_bounds(activation: int, tensor: Any) -> tuple[int, int] | None:
    """Codes that a fused RELU or RELU6 leaves, where these are not all codes of the type."""
    limits = np.iinfo(tensor.type.dtype)
    scale, zero = float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0])
    low = max(limits.min, zero) if activation in (RELU, RELU6) else limits.min
    high = min(limits.max, zero + round(6 / scale)) if activation == RELU6 else limits.max
    return None if (low, high) == (limits.min, limits.max) else (low, high)
