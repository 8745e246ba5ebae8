"""Random TOPK_V2 models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.topk_v2 import TopKV2Options
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, random_quantization


@cases("TOPK_V2", "float32", "int8", "uint8", "int16", "int32", "int64")
def plain(choices: Choices, configuration: str) -> Case:
    """Rows with many equals; k from none to all, constant or given."""
    type = TensorType[configuration.upper()]
    shape = (*(choices.integer(1, 4) for _ in range(choices.choice((1, 0, 2)))), choices.integer(1, 20))
    if type is TensorType.FLOAT32:
        x = reals(choices, shape)
        special = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan], np.float32)
        random = choices.generator()
        x = np.where(random.random(shape) < 0.3, random.choice(special, shape), x)
    else:
        info = np.iinfo(type.dtype or np.int8)
        ranges = (int(info.min), int(info.max)), (max(int(info.min), -3), 3)
        x = integers(choices, shape, *choices.choice(ranges), info.dtype)
    k_type = choices.choice((TensorType.INT32, TensorType.INT16))
    index_type = choices.choice((TensorType.INT32, TensorType.INT16))
    k = np.array(choices.integer(1, shape[-1]), k_type.dtype).reshape(choices.choice(((), (1,))))
    parameters = random_quantization(choices, type) if configuration in ("int8", "uint8", "int16") else None
    graph = Graph()
    source, inputs = graph.input(shape, type, parameters), [x]
    if choices.choice((False, True)):
        count = graph.input(k.shape, k_type)
        inputs.append(k)
    else:
        count = graph.constant(k, k_type)
    targets = [graph.output((), type, parameters), graph.output((), index_type)]
    graph.operator("TOPK_V2", [source, count], targets, TopKV2Options(), version=2)
    return graph.finished(*inputs)
