"""Random FULLY_CONNECTED models."""

from __future__ import annotations

from dataclasses import replace

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._layers import BOUNDS, Layer, float_layer, hybrid_layer, integer_layer
from quantlib.testing.single_operator import Case, Graph, cases


def _options(choices: Choices, bias_type: TensorType = TensorType.FLOAT32) -> FullyConnectedOptions:
    return FullyConnectedOptions(
        fused_activation_function=choices.choice(BOUNDS),
        keep_num_dims=choices.choice((False, True)),
        asymmetric_quantize_inputs=choices.choice((False, True)),
        quantized_bias_type=bias_type,
    )


def _shapes(choices: Choices, options: FullyConnectedOptions) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Of x and w; unless the dimensions are kept, rows may run across x's axes."""
    depth = choices.choice((choices.integer(1, 12), choices.integer(1, 70)))
    units = choices.choice((choices.integer(1, 9), choices.integer(1, 30)))
    leading = [choices.integer(1, 3) for _ in range(choices.integer(0, 3))]
    if not options.keep_num_dims and choices.choice((False, False, True)):
        # rows that run across axes, and elements that fill no row
        return (depth, choices.integer(1, 3), choices.integer(1, 2)), (units, depth)
    return (*leading, depth), (units, depth)


def _finished(
    choices: Choices, graph: Graph, layer: Layer, options: FullyConnectedOptions, version: int
) -> Case:
    """A bias left out is absent or not mentioned."""
    inputs = layer.inputs
    if layer.bias is None and choices.choice((False, True)):
        inputs.append(-1)
    y = graph.output((), layer.type, layer.parameters)
    graph.operator("FULLY_CONNECTED", inputs, [y], options, version=version)
    return graph.finished(*layer.arrays)


@cases(
    "FULLY_CONNECTED",
    "int8 per channel",
    "int8 per tensor",
    "int8 without bias",
    "int8 with int4 weights",
    "int8 with int2 weights",
    "int8 with int64 bias",
    "uint8",
    "uint8 without bias",
    "uint8 to int16",
    "int16 per channel",
    "int16 per tensor",
    "int16 without bias",
    "int16 with int4 weights",
    "int16 with int32 bias",
    "int16 with int16 weights",
    "int16 with int16 weights per channel",
)
def integer(choices: Choices, configuration: str) -> Case:
    """Integer weights, with a zero point where there is one scale."""
    words = configuration.split()
    type = TensorType[words[0].upper()]
    weights = TensorType[words[words.index("weights") - 1].upper()] if "weights" in words else None
    per_channel = "channel" in words or weights in (TensorType.INT4, TensorType.INT2)
    bias, declared = TensorType.INT64 if "int64" in words else TensorType.INT32, TensorType.FLOAT32
    if type is TensorType.INT16:
        if "int32" in words or (weights is TensorType.INT16 and choices.choice((False, True))):
            bias = declared = TensorType.INT32
        else:
            bias, declared = TensorType.INT64, choices.choice((TensorType.INT64, TensorType.FLOAT32))
    options = _options(choices, declared)
    x_shape, w_shape = _shapes(choices, options)
    graph = Graph()
    layer = integer_layer(
        choices,
        graph,
        type,
        x_shape,
        w_shape,
        axis=0,
        products=w_shape[1],
        weights=weights,
        per_channel=per_channel,
        weight_zero_point=not per_channel and choices.choice((True, False)),
        bias=None if "without" in words else bias,
        output=TensorType.INT16 if "to" in words else type,
    )
    return _finished(choices, graph, layer, options, 14)


@cases(
    "FULLY_CONNECTED",
    "float32",
    "float32 with constants",
    "float32 without bias",
    "float32 larger",
)
def float32(choices: Choices, configuration: str) -> Case:
    """Real weights."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    if "larger" in configuration:  # panels of every kind, and depths that are divided
        depth = choices.choice((choices.integer(1, 50), choices.integer(600, 1500)))
        x_shape, w_shape = (choices.integer(1, 13), depth), (choices.integer(1, 37), depth)
    graph = Graph()
    layer = float_layer(
        choices,
        graph,
        x_shape,
        w_shape,
        axis=0,
        bias="without" not in configuration,
        constant=configuration not in ("float32", "float32 larger"),
    )
    return _finished(choices, graph, layer, options, 1)


@cases(
    "FULLY_CONNECTED",
    "hybrid per tensor",
    "hybrid per channel",
    "hybrid without bias",
    "hybrid with int4 weights",
    "hybrid with int2 weights",
    "hybrid with uint8 weights",
    "hybrid with lowest weights",
    "hybrid with long rows",
)
def hybrid(choices: Choices, configuration: str) -> Case:
    """Integer weights, real activations; every fused activation."""
    words = configuration.split()
    options = replace(_options(choices), fused_activation_function=choices.choice(tuple(Activation)))
    x_shape, w_shape = _shapes(choices, options)
    weights = TensorType.INT8
    if "rows" in words:  # long enough for the sums of columns to wrap
        w_shape = (choices.integer(1, 4), choices.integer(2040, 2400))
        x_shape = (choices.integer(1, 2), w_shape[1])
    elif "with" in words and "lowest" not in words:
        weights = TensorType[words[words.index("weights") - 1].upper()]
    graph = Graph()
    layer = hybrid_layer(
        choices,
        graph,
        x_shape,
        w_shape,
        axis=0,
        weights=weights,
        per_channel="tensor" not in words and choices.choice((True, True, False)),
        lowest="lowest" in words,
        one_sided="rows" in words,
        bias="without" not in words,
    )
    return _finished(choices, graph, layer, options, 14)
