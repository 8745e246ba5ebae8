"""How long a MobileNet-size float model takes to quantize, beside ai-edge-quantizer.

    python benchmarks/quantizing.py [MODEL] [--turns 5] [--peer-python PYTHON] [--json]

Without MODEL a MobileNetV2 (1.0, 224x224, random weights) is made. Every measurement runs in a child
process of its own, the contestants take turns, and each keeps its best processor time, imports not
counted; peak memory is the child's largest resident set, imports and model included.
ai-edge-quantizer is looked for in this Python, or in the one named by ``--peer-python``; without it
our rows stand alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

LIMIT_SECONDS, LIMIT_MEGABYTES = 0.15, 300
"""For parameters and constants of all recipes."""

BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, repetitions and first stride of MobileNetV2's blocks."""

OURS = ("full-integer", "int16x8", "dynamic-range", "float16")
PEERS = {"full-integer": "static_wi8_ai8", "int16x8": "static_wi8_ai16", "dynamic-range": "dynamic_wi8_afp32"}
"""ai-edge-quantizer's recipes for the same thing."""


class MobileNet:
    """A float MobileNetV2 under construction."""

    def __init__(self) -> None:
        from quantlib.testing.single_operator import Graph

        self.graph = Graph()
        self.random = np.random.default_rng(0)

    def real(self, shape: tuple[int, ...]) -> int:
        """A tensor that is computed."""
        from quantlib.model.graph import TensorType

        return self.graph.tensor(shape, TensorType.FLOAT32)

    def weights(self, *shape: int) -> int:
        """Random weights, so that activations neither grow nor vanish."""
        from quantlib.model.graph import TensorType

        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 and shape[0] > 1 else 9
        values = self.random.normal(0, (2 / fan_in) ** 0.5 if len(shape) > 1 else 0.01, shape)
        return self.graph.constant(values.astype(np.float32), TensorType.FLOAT32)

    def layer(self, x: int, filters: int, side: int, stride: int, *, bounded: bool = True) -> int:
        """A convolution; depthwise where filters is 0."""
        from quantlib.ops._activation import Activation
        from quantlib.ops._window import Padding
        from quantlib.ops.conv_2d import Conv2DOptions
        from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions

        _, h, w, c = self.graph.tensors[x].shape
        activation = Activation.RELU6 if bounded else Activation.NONE
        y = self.real((1, -(-h // stride), -(-w // stride), filters or c))
        if filters:
            inputs = [x, self.weights(filters, side, side, c), self.weights(filters)]
            options = Conv2DOptions(Padding.SAME, stride, stride, activation)
            self.graph.operator("CONV_2D", inputs, [y], options)
        else:
            inputs = [x, self.weights(1, side, side, c), self.weights(c)]
            depthwise = DepthwiseConv2DOptions(Padding.SAME, stride, stride, 1, activation)
            self.graph.operator("DEPTHWISE_CONV_2D", inputs, [y], depthwise)
        return y

    def save(self, path: Path) -> None:
        """Build everything and write the file."""
        import dataclasses

        import quantlib as ql
        from quantlib.model.graph import Signature, TensorType
        from quantlib.ops._reduce import ReducerOptions
        from quantlib.ops.add import AddOptions
        from quantlib.ops.fully_connected import FullyConnectedOptions
        from quantlib.ops.softmax import SoftmaxOptions

        graph = self.graph
        x = self.layer(graph.input((1, 224, 224, 3), TensorType.FLOAT32), 32, 3, 2)
        for expansion, channels, repetitions, first in BLOCKS:
            for repetition in range(repetitions):
                stride, given = (first if repetition == 0 else 1), x
                if expansion > 1:
                    x = self.layer(x, expansion * graph.tensors[x].shape[3], 1, 1)
                x = self.layer(self.layer(x, 0, 3, stride), channels, 1, 1, bounded=False)
                if graph.tensors[given].shape == graph.tensors[x].shape:
                    total = self.real(graph.tensors[x].shape)
                    graph.operator("ADD", [given, x], [total], AddOptions())
                    x = total
        x = self.layer(x, 1280, 1, 1)
        mean = self.real((1, 1280))
        axes = graph.constant(np.array([1, 2], np.int32), TensorType.INT32)
        graph.operator("MEAN", [x, axes], [mean], ReducerOptions())
        logits, scores = self.real((1, 1000)), graph.output((1, 1000), TensorType.FLOAT32)
        dense = [mean, self.weights(1000, 1280), self.weights(1000)]
        graph.operator("FULLY_CONNECTED", dense, [logits], FullyConnectedOptions())
        graph.operator("SOFTMAX", [logits], [scores], SoftmaxOptions(1.0))
        signature = Signature("serving_default", (("image", graph.inputs[0]),), (("scores", scores),))
        ql.save_model(dataclasses.replace(graph.model(), signatures=(signature,)), path)


def ranges_of(path: Path, to: Path) -> None:
    """One calibration sample for everything: what is measured does not depend on the ranges."""
    import quantlib as ql

    model = ql.read_model(path)
    tensors = [model.subgraphs[0].tensors[index] for index in model.subgraphs[0].inputs]
    random = np.random.default_rng(1)
    sample = [random.uniform(-1, 1, tensor.shape).astype(np.float32) for tensor in tensors]
    ql.calibrate(model, [sample]).save(to)


def run_ours(path: Path, recipe: str, ranges: Path) -> dict[str, float]:
    """In a child process: one recipe, ours."""
    import quantlib as ql
    from quantlib.ops._rule import rules

    rules()  # imports every operator
    quantize_model, write_model = ql.quantize_model, ql.write_model  # names import what is behind them
    chosen = {
        "full-integer": ql.recipes.FullInteger(np.int8, np.int8),
        "int16x8": ql.recipes.Int16x8(),
        "dynamic-range": ql.recipes.DynamicRange(),
        "float16": ql.recipes.Float16(),
    }[recipe]
    known = ql.Ranges.load(ranges) if recipe in ("full-integer", "int16x8") else None
    began = time.process_time()
    model = ql.read_model(path)
    read = time.process_time()
    result = quantize_model(model, chosen, known)
    made = time.process_time()
    data = write_model(result.model)
    written = time.process_time()
    return {"quantize": made - read, "all": written - began, "bytes": len(data)}


def run_peer(path: Path, recipe: str, ranges: Path) -> dict[str, float]:
    """In a child process: one recipe, ai-edge-quantizer's."""
    del ranges
    from ai_edge_litert.interpreter import Interpreter  # the peer's own dependency
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer import recipe as recipes

    peer = quantizer.Quantizer(str(path))
    peer.load_quantization_recipe(getattr(recipes, PEERS[recipe])())
    known = None
    if peer.need_calibration:
        (key,) = Interpreter(str(path)).get_signature_list()
        runner = Interpreter(str(path)).get_signature_runner(key)
        random = np.random.default_rng(1)
        details = runner.get_input_details().items()
        sample = {name: random.uniform(-1, 1, each["shape"]).astype(np.float32) for name, each in details}
        known = peer.calibrate({key: [sample]})
    began = time.process_time()
    made = peer.quantize(known)
    seconds = time.process_time() - began
    return {"quantize": seconds, "all": seconds, "bytes": len(made.quantized_model or b"")}


CHILDREN: dict[str, Callable[[Path, str, Path], dict[str, float]]] = {"ours": run_ours, "peer": run_peer}


@dataclass
class Row:
    """One recipe of one contestant."""

    who: str
    recipe: str
    seconds: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    bytes: int = 0

    def turn(self, python: str, path: Path, ranges: Path) -> None:
        """One more measurement."""
        command = [python, __file__, str(path), "--child", self.who, self.recipe, str(ranges)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise SystemExit(f"{self.who} {self.recipe} failed: {answer.stderr[-500:]}")
        found = json.loads(answer.stdout.splitlines()[-1])
        self.seconds.append(found["quantize"])
        self.whole.append(found["all"])
        self.megabytes.append(found["megabytes"])
        self.bytes = int(found["bytes"])

    def line(self) -> str:
        """As a line of Markdown."""
        name = {"ours": "quantlib", "peer": "ai-edge-quantizer"}[self.who]
        values = (
            f"{min(self.seconds):.3f} | {min(self.whole):.3f} | {max(self.megabytes):.0f} | {self.bytes:,}"
        )
        return f"| {self.recipe} | {name} | {values} |"


def child(who: str, path: Path, recipe: str, ranges: Path) -> None:
    """Measure, and print the numbers for the parent."""
    found = CHILDREN[who](path, recipe, ranges)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({**found, "megabytes": peak / 1e6}))


def with_signature(path: Path, to: Path) -> Path:
    """The file, or a copy with a signature where it has none: ai-edge-quantizer wants one."""
    import dataclasses

    import quantlib as ql
    from quantlib.model.graph import Signature

    model = ql.read_model(path)
    if model.signatures:
        return path
    ends = model.subgraphs[0].inputs, model.subgraphs[0].outputs
    inputs, outputs = (tuple((f"end_{at}", index) for at, index in enumerate(end)) for end in ends)
    signed = dataclasses.replace(model, signatures=(Signature("serving_default", inputs, outputs),))
    ql.save_model(signed, to / path.name)
    return to / path.name


def has_peer(python: str) -> bool:
    """Whether that Python has ai-edge-quantizer."""
    command = [python, "-c", "import ai_edge_quantizer"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def measure(path: Path, turns: int, peer_python: str) -> list[Row]:
    """All rows, measured in turns."""
    rows = [Row("ours", recipe) for recipe in OURS]
    if has_peer(peer_python):
        rows += [Row("peer", recipe) for recipe in PEERS]
    with tempfile.TemporaryDirectory() as directory:
        ranges = Path(directory) / "ranges.json"
        path = with_signature(path, Path(directory))
        ranges_of(path, ranges)
        for _ in range(turns):
            for row in rows:
                row.turn(peer_python if row.who == "peer" else sys.executable, path, ranges)
    return sorted(rows, key=lambda row: OURS.index(row.recipe))


def report(rows: list[Row], path: Path, turns: int) -> str:
    """The rows as a table, and whether the limits hold."""
    ours = [row for row in rows if row.who == "ours"]
    slowest = max(min(row.seconds) for row in ours)
    largest = max(max(row.megabytes) for row in ours)
    fine = "met" if slowest <= LIMIT_SECONDS and largest <= LIMIT_MEGABYTES else "MISSED"
    head = f"{path.name}, {path.stat().st_size:,} bytes; {platform.machine()}, NumPy {np.__version__}, best of {turns}"
    return "\n".join(
        [
            head,
            "",
            "| recipe | | parameters and constants, s | with reading and writing, s | peak memory, MB | bytes |",
            "|---|---|---:|---:|---:|---:|",
            *(row.line() for row in rows),
            "",
            f"ours at most {LIMIT_SECONDS} s and {LIMIT_MEGABYTES} MB: {fine} ({slowest:.3f} s, {largest:.0f} MB)",
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "model", nargs="?", type=Path, help="a float .tflite; a MobileNetV2 is made without it"
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--peer-python", default=sys.executable, help="a Python that has ai-edge-quantizer")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        who, recipe, ranges = options.child
        child(who, options.model, recipe, Path(ranges))
        return
    with tempfile.TemporaryDirectory() as directory:
        path = options.model
        if path is None:
            path = Path(directory) / "mobilenet_v2_float.tflite"
            MobileNet().save(path)
        rows = measure(path, options.turns, options.peer_python)
        if options.json:
            print(json.dumps([row.__dict__ for row in rows], indent=1))
            return
        print(report(rows, path, options.turns))


if __name__ == "__main__":
    main()
