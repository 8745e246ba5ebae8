"""How fast single tensors are quantized, as ratios to the plain NumPy formulas in the same run.

    python benchmarks/single_tensors.py [--elements 10000000] [--repeats 7] [--json]

Quantize, dequantize and extremes are checked for equal results before they are timed. The contestants of a row take turns and
each keeps its best processor time, so that a disturbance hits all of them. NumPy's elementwise
loops use one thread; what is installed of LiteRT, onnxruntime and PyTorch is asked to use one, too.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

import quantlib as ql
from quantlib.affine.extrema import min_max

Contestants = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Row:
    """One line of the table: nanoseconds per element of each contestant."""

    name: str
    aim: float | None
    nanoseconds: dict[str, float]

    def line(self) -> str:
        """The row as text."""
        ours, plain = self.nanoseconds["quantlib"], self.nanoseconds["plain NumPy"]
        others = [
            f"{name} {value:.2f}"
            for name, value in self.nanoseconds.items()
            if name not in ("quantlib", "plain NumPy")
        ]
        aim = "" if self.aim is None else f"{self.aim:.2f}"
        return f"{self.name:44s}{ours:7.2f}{aim:>6s}{plain:8.2f}{plain / ours:7.1f}x  {'  '.join(others)}"


def measure(
    name: str, contestants: Contestants, elements: int, repeats: int, aim: float | None = None
) -> Row:
    """Time the contestants in turns; the best of each."""
    best = dict.fromkeys(contestants, np.inf)
    for _ in range(repeats):
        for who, call in contestants.items():
            start = time.process_time()
            call()
            best[who] = min(best[who], time.process_time() - start)
    return Row(name, aim, {who: seconds / elements * 1e9 for who, seconds in best.items()})


def half_away(v: np.ndarray) -> np.ndarray:
    """The textbook formula; wrong one ulp below a half, where no data of this benchmark lie."""
    return np.sign(v) * np.floor(np.abs(v) + np.float32(0.5))


def equal(ours: np.ndarray, plain: np.ndarray) -> None:
    """Stop if the contestants do not compute the same."""
    np.testing.assert_array_equal(ours, plain)


def torch_quantize(x: np.ndarray, scale: float, zero_point: int) -> Contestants:
    """PyTorch's quantize, where it is installed."""
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    tensor = torch.from_numpy(x)
    return {"PyTorch": lambda: torch.quantize_per_tensor(tensor, scale, zero_point, torch.qint8)}


def onnxruntime_quantize(x: np.ndarray, scale: float, zero_point: int) -> Contestants:
    """onnxruntime's QuantizeLinear, where it and onnx are installed."""
    try:
        import onnx
        import onnxruntime
    except ImportError:
        return {}
    make = onnx.helper
    node = make.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    graph = make.make_graph(
        [node],
        "quantize",
        [make.make_tensor_value_info("x", 1, [x.size])],
        [make.make_tensor_value_info("y", 3, [x.size])],
        [make.make_tensor("s", 1, [], [scale]), make.make_tensor("z", 3, [], [zero_point])],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return {"onnxruntime": lambda: session.run(None, {"x": x})}


def litert_operator(
    operator: str, x: np.ndarray, input_parameters: object, output_parameters: object
) -> Contestants:
    """LiteRT's operator with optimized kernels, invoke alone, where it is installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        return {}
    from quantlib.model.graph import TensorType
    from quantlib.testing.single_operator import Graph

    graph = Graph()
    types = {np.dtype(np.float32): TensorType.FLOAT32, np.dtype(np.int8): TensorType.INT8}
    result = TensorType.INT8 if operator == "QUANTIZE" else TensorType.FLOAT32
    source = graph.input(x.shape, types[x.dtype], input_parameters)
    sink = graph.output(x.shape, result, output_parameters)
    graph.operator(operator, [source], [sink], version=2 if operator == "DEQUANTIZE" else 1)
    interpreter = Interpreter(
        model_content=ql.write_model(graph.model()),
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, x)
    return {"LiteRT": interpreter.invoke}


def per_tensor(x: np.ndarray, repeats: int) -> list[Row]:
    """Quantize, dequantize and extremes with one scale."""
    from quantlib.testing.single_operator import quantization

    scale, zero_point = np.float32(0.05), -3
    p = ql.QuantizationParameters(scale, zero_point)
    stored, real = np.empty(x.shape, np.int8), np.empty(x.shape, np.float32)

    def plain_even() -> np.ndarray:
        return np.clip(np.rint(x / scale) + zero_point, -128, 127).astype(np.int8)

    def plain_away() -> np.ndarray:
        return np.clip(half_away(x / scale) + zero_point, -128, 127).astype(np.int8)

    equal(ql.quantize(x, p), plain_away())
    equal(ql.quantize(x, p, rounding="half_even"), plain_even())
    q = ql.quantize(x, p)
    equal(ql.dequantize(q, p), (q.astype(np.float32) - zero_point) * scale)
    parameters = quantization(scale, zero_point)
    away = {
        "quantlib": lambda: ql.quantize(x, p, out=stored),
        "plain NumPy": plain_away,
        **litert_operator("QUANTIZE", x, None, parameters),
    }
    even = {
        "quantlib": lambda: ql.quantize(x, p, rounding="half_even", out=stored),
        "plain NumPy": plain_even,
        **torch_quantize(x, float(scale), zero_point),
        **onnxruntime_quantize(x, float(scale), zero_point),
    }
    back = {
        "quantlib": lambda: ql.dequantize(q, p, out=real),
        "plain NumPy": lambda: (q.astype(np.float32) - zero_point) * scale,
        **litert_operator("DEQUANTIZE", q, parameters, None),
    }
    extremes = {"quantlib": lambda: min_max(x), "plain NumPy": lambda: (x.min(), x.max())}
    return [
        measure("quantize int8, half away", away, x.size, repeats, 0.5),
        measure("quantize int8, half even", even, x.size, repeats, 0.5),
        measure("dequantize int8", back, x.size, repeats, 0.4),
        measure("min and max", extremes, x.size, repeats),
    ]


def per_channel(flat: np.ndarray, shape: tuple[int, ...], axis: int, repeats: int) -> list[Row]:
    """The same with a scale per index of an axis."""
    x = flat[: int(np.prod(shape))].reshape(shape)
    trailing = (-1, *(1,) * (x.ndim - 1 - axis))
    scale = np.linspace(0.03, 0.07, shape[axis], dtype=np.float32)
    p = ql.QuantizationParameters(scale, 0, np.int8, axis)
    wide = scale.reshape(trailing)
    others = tuple(i for i in range(x.ndim) if i != axis)
    stored, real = np.empty(shape, np.int8), np.empty(shape, np.float32)

    def plain() -> np.ndarray:
        return np.clip(np.rint(x / wide), -128, 127).astype(np.int8)

    q = plain()
    equal(ql.quantize(x, p, rounding="half_even"), q)
    equal(ql.dequantize(q, p), q.astype(np.float32) * wide)
    equal(min_max(x, axis)[0], x.min(axis=others))
    even = {"quantlib": lambda: ql.quantize(x, p, rounding="half_even", out=stored), "plain NumPy": plain}
    away = {
        "quantlib": lambda: ql.quantize(x, p, out=stored),
        "plain NumPy": lambda: np.clip(half_away(x / wide), -128, 127).astype(np.int8),
    }
    back = {
        "quantlib": lambda: ql.dequantize(q, p, out=real),
        "plain NumPy": lambda: q.astype(np.float32) * wide,
    }
    extremes = {
        "quantlib": lambda: min_max(x, axis),
        "plain NumPy": lambda: (x.min(axis=others), x.max(axis=others)),
    }
    where = f"axis {axis} of {'x'.join(map(str, shape))}"
    return [
        measure(f"quantize, half away, {where}", away, x.size, repeats, 0.6),
        measure(f"quantize, half even, {where}", even, x.size, repeats, 0.6),
        measure(f"dequantize, {where}", back, x.size, repeats),
        measure(f"min and max, {where}", extremes, x.size, repeats, 0.45),
    ]


def tensorflow_operators(x: np.ndarray, repeats: int) -> list[Row]:
    """Range quantization and fake quantization, against their formulas."""

    def plain_scaled() -> np.ndarray:
        return np.rint(np.clip(x, -6, 6 * 127 / 128) * np.float32(128 / 6)).astype(np.int8)

    def plain_fake() -> np.ndarray:
        scale = np.float32(12 / 255)
        nudged = np.float32(-128) * scale
        distance = np.clip(x, nudged, np.float32(127) * scale) - nudged
        return np.floor(distance / scale + np.float32(0.5)) * scale + nudged

    scaled = {
        "quantlib": lambda: ql.range_quantize(x, -6.0, 5.0, np.int8, "SCALED", "HALF_TO_EVEN"),
        "plain NumPy": plain_scaled,
    }
    fake = {"quantlib": lambda: ql.fake_quant(x, variant="vars"), "plain NumPy": plain_fake}
    half = {
        "quantlib": lambda: ql.to_float16(x),
        "plain NumPy": lambda: np.clip(x, -65504, 65504).astype(np.float16),
    }
    return [
        measure("range_quantize int8, SCALED, half even", scaled, x.size, repeats),
        measure("fake_quant", fake, x.size, repeats),
        measure("to_float16", half, x.size, repeats),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elements", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args()
    n = options.elements
    x = np.random.default_rng(0).normal(size=n).astype(np.float32) * 3
    rows = per_tensor(x, options.repeats)
    for shape, axis in (((n // 100, 100), 1), ((100, n // 100), 0), ((n // 576, 3, 3, 64), 3)):
        rows += per_channel(x, shape, axis, options.repeats)
    rows += tensorflow_operators(x, options.repeats)
    if options.json:
        facts = {"numpy": np.__version__, "machine": platform.machine(), "elements": n}
        print(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1))
        return
    print(f"ns per element of {n} ({platform.machine()}, NumPy {np.__version__}), best of {options.repeats}")
    print(f"{'':44s}{'ours':>7s}{'aim':>6s}{'plain':>8s}{'ratio':>8s}  others")
    for row in rows:
        print(row.line())


if __name__ == "__main__":
    main()
