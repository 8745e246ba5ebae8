"""The questions of `compiled.py`, each answered in a process of its own.

    python -m measuring.children QUESTION '{"model": ..., ...}'

The last line on standard output is the answer, in JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from measuring.turns import blas_core, in_turns, once, peak_bytes, resident_bytes

Array = np.ndarray[Any, np.dtype[Any]]

FAMILIES = {
    "reference": "BUILTIN_REF",
    "optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "BUILTIN",
}
"""Kernel families by LiteRT's names for them."""


class LiteRT:
    """One interpreter with one thread, from setting its inputs to getting its outputs."""

    def __init__(self, data: bytes, family: str, batch: int | None = None) -> None:
        from ai_edge_litert import interpreter as litert

        self.interpreter = litert.Interpreter(
            model_content=data,
            num_threads=1,
            experimental_op_resolver_type=getattr(litert.OpResolverType, FAMILIES[family]),
        )
        if batch:
            for detail in self.interpreter.get_input_details():
                shape = (batch * detail["shape"][0], *detail["shape"][1:])
                self.interpreter.resize_tensor_input(detail["index"], shape)
        self.interpreter.allocate_tensors()
        self.inputs = [detail["index"] for detail in self.interpreter.get_input_details()]
        self.outputs = [detail["index"] for detail in self.interpreter.get_output_details()]

    def __call__(self, *arrays: Array) -> tuple[Array, ...]:
        """Set, invoke, get."""
        for index, array in zip(self.inputs, arrays, strict=True):
            self.interpreter.set_tensor(index, array)
        self.interpreter.invoke()
        return tuple(self.interpreter.get_tensor(index) for index in self.outputs)

    def each(self, *arrays: Array) -> tuple[Array, ...]:
        """Sample after sample, for models of batch one."""
        results = [self(*(array[at : at + 1] for array in arrays)) for at in range(len(arrays[0]))]
        return tuple(np.concatenate(one) for one in zip(*results, strict=True))


def has_litert() -> bool:
    """Whether ai-edge-litert is installed."""
    from quantlib.oracle.litert import is_available

    return is_available()


def random_inputs(model: Any, batch: int = 1, seed: int = 0) -> list[Array]:
    """Arrays that a model takes: any code of the type, or normal reals."""
    random = np.random.default_rng(seed)
    subgraph = model.subgraphs[0]
    arrays: list[Array] = []
    for tensor in (subgraph.tensors[index] for index in subgraph.inputs):
        shape = (tensor.shape[0] * batch, *tensor.shape[1:]) if batch > 1 else tensor.shape
        if tensor.type.dtype.kind == "f":
            arrays.append(random.normal(size=shape).astype(tensor.type.dtype))
        else:
            limits = np.iinfo(tensor.type.dtype)
            arrays.append(random.integers(limits.min, limits.max, shape, tensor.type.dtype, endpoint=True))
    return arrays


def same(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Whether outputs are equal bit for bit."""
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(ours, theirs, strict=True)
    )


def compare(model: str, seconds: float, rounds: int | None) -> dict[str, Any]:
    """One sample, every family, ours and LiteRT's in turns; only who agrees is timed."""
    import quantlib as ql

    data = Path(model).read_bytes()
    parsed = ql.read_model(data)
    x = random_inputs(parsed)
    contestants: dict[str, Callable[[], object]] = {}
    wrong = []
    for family in FAMILIES:
        program = ql.compile_model(parsed, kernels=family)
        if has_litert():
            theirs = LiteRT(data, family)
            trials = [random_inputs(parsed, seed=seed) for seed in range(4)]
            if not all(same(program(*trial), theirs(*trial)) for trial in trials):
                wrong.append(family)
                continue
            contestants[f"litert {family}"] = partial(theirs, *x)
            contestants[f"invoke {family}"] = theirs.interpreter.invoke
        contestants[f"ours {family}"] = partial(program, *x)
    return {"times": in_turns(contestants, seconds, rounds), "wrong": wrong}


def batch(model: str, batch: int, seconds: float, rounds: int | None) -> dict[str, Any]:
    """Many samples: ours at once, LiteRT one by one, and LiteRT resized where the model allows it."""
    import quantlib as ql

    data = Path(model).read_bytes()
    parsed = ql.read_model(data)
    x = random_inputs(parsed, batch)
    contestants: dict[str, Callable[[], object]] = {}
    wrong, refused = [], []
    for family in FAMILIES:
        program = ql.compile_model(parsed, kernels=family)
        if has_litert():
            one = LiteRT(data, family)
            if not same(program(*x), one.each(*x)):
                wrong.append(family)
                continue
            contestants[f"loop {family}"] = partial(one.each, *x)
            try:
                many = LiteRT(data, family, batch)
                agrees = same(program(*x), many(*x))
            except (RuntimeError, ValueError):
                agrees = False
            if agrees:
                contestants[f"resized {family}"] = partial(many, *x)
            else:
                refused.append(family)
        contestants[f"ours {family}"] = partial(program, *x)
    times = in_turns(contestants, seconds, rounds)
    return {"times": times, "wrong": wrong, "refused": refused, "tile": program.tile}


def threads(model: str, batch: int, threads: int, seconds: float, rounds: int | None) -> dict[str, Any]:
    """A batch with one thread, with several, and divided among as many processes: what the machine had to give."""
    import quantlib as ql

    parsed = ql.read_model(Path(model).read_bytes())
    program = ql.compile_model(parsed)
    x = random_inputs(parsed, batch)
    if not same(program(*x, threads=threads), program(*x)):
        return {"wrong": ["reference"], "times": {}, "tile": program.tile}
    contestants: dict[str, Callable[[], object]] = {
        "one": partial(program, *x),
        "several": partial(program, *x, threads=threads),
    }
    if hasattr(os, "fork"):
        share = [array[: len(array) // threads] for array in x]
        contestants["processes"] = Processes(partial(program, *share), threads)
    return {"times": in_turns(contestants, seconds, rounds), "wrong": [], "tile": program.tile}


class Processes:
    """The same call in several processes at once, which live as long as this one."""

    def __init__(self, call: Callable[[], object], count: int) -> None:
        call()
        self.call = call
        self.others: list[tuple[int, int]] = []
        for _ in range(count - 1):
            (asked, ask), (told, tell) = os.pipe(), os.pipe()
            if os.fork() == 0:
                os.close(ask)
                while os.read(asked, 1):
                    call()
                    os.write(tell, b"x")
                os._exit(0)
            os.close(asked)
            self.others.append((ask, told))

    def __call__(self) -> None:
        """All of them, until the last is done."""
        for ask, _ in self.others:
            os.write(ask, b"x")
        self.call()
        for _, told in self.others:
            os.read(told, 1)


def prepare(model: str) -> dict[str, Any]:
    """Reading and compiling for the first time; then again, with everything imported and warm."""
    np.random.default_rng(0)  # a module of NumPy's own that need not count

    def everything() -> None:
        import quantlib as ql

        parsed = ql.read_model(Path(model).read_bytes())
        ql.compile_model(parsed)(*random_inputs(parsed))

    _, first = once(everything)
    import quantlib as ql

    data = Path(model).read_bytes()
    parsed, parse = once(lambda: ql.read_model(data))
    program, compiling = once(lambda: ql.compile_model(parsed))
    x = random_inputs(parsed)
    _, call = once(lambda: program(*x))
    return {"first result": first, "parse": parse, "compile": compiling, "first call": call}


def prepare_litert(model: str) -> dict[str, Any]:
    """The same of LiteRT's reference kernels."""
    import quantlib as ql

    data = Path(model).read_bytes()
    x = random_inputs(ql.read_model(data))
    _, first = once(lambda: LiteRT(data, "reference")(*x))
    _, prepared = once(lambda: LiteRT(data, "reference"))
    return {"first result": first, "prepare": prepared}


def memory(model: str, who: str, family: str) -> dict[str, Any]:
    """Resident bytes after imports, after one run, and at their peak."""
    if who == "ours":
        import quantlib as ql
    else:
        import ai_edge_litert.interpreter
    imported = resident_bytes()
    if who == "ours":
        parsed = ql.read_model(Path(model).read_bytes())
        program = ql.compile_model(parsed, kernels=family)
        tensors = [parsed.subgraphs[0].tensors[index] for index in parsed.subgraphs[0].inputs]
        program(*(np.zeros(tensor.shape, tensor.type.dtype) for tensor in tensors))
        return {"imported": imported, "after": resident_bytes(), "peak": peak_bytes()}
    resolver = getattr(ai_edge_litert.interpreter.OpResolverType, FAMILIES[family])
    interpreter = ai_edge_litert.interpreter.Interpreter(
        model_path=model, num_threads=1, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    return {"imported": imported, "after": resident_bytes(), "peak": peak_bytes()}


def imports() -> dict[str, Any]:
    """How long `import quantlib` takes after NumPy, and whether the schema came with it."""
    _, seconds = once(lambda: importlib.import_module("quantlib"))
    return {"seconds": seconds, "tflite": "tflite" in sys.modules, "modules": len(sys.modules)}


def profile(model: str, kernels: str, batch: int, rounds: int | None) -> dict[str, Any]:
    """Seconds of every call of a program, step by step; the best of many runs."""
    import quantlib as ql
    from quantlib.compiler import program as room
    from quantlib.compiler.bench import Bench

    marks: list[tuple[Any, int, Bench]] = []

    class Recording(Bench):
        def bind(self, part: Any) -> None:
            began = len(self.calls)
            super().bind(part)
            marks.append((part, began, self))

    room.Bench = Recording  # type: ignore[misc]
    parsed = ql.read_model(Path(model).read_bytes())
    program = ql.compile_model(parsed, kernels=kernels)
    x = random_inputs(parsed, batch)
    arrays, times = program._accept(x)
    assert times is not None
    workspace = program._workspace(times)
    workspace.run(arrays)
    best = np.full(len(workspace.calls), np.inf)
    for _ in range(rounds or 50):
        for at, call in enumerate(workspace.calls):
            began = time.perf_counter()
            call()
            best[at] = min(best[at], time.perf_counter() - began)
    whole = in_turns({"run": partial(workspace.run, arrays)}, 1.0, rounds)["run"]["wall"]
    steps = []
    for number, (part, start, _) in enumerate(marks):
        end = marks[number + 1][1] if number + 1 < len(marks) else len(best)
        names = [_name_of(call) for call in workspace.calls[start:end]]
        node = part.step.node
        shapes = [parsed.subgraphs[0].tensors[index].shape for index in part.step.outputs]
        steps.append(
            {
                "step": number,
                "operator": node.operator,
                "part": type(part).__name__,
                "shape": list(shapes[0]) if shapes else [],
                "calls": [[name, seconds] for name, seconds in zip(names, best[start:end], strict=True)],
            }
        )
    return {"whole": whole, "steps": steps}


def _name_of(call: Any) -> str:
    function = getattr(call, "func", call)
    return str(getattr(function, "__qualname__", None) or getattr(function, "__name__", repr(function)))


def onnx(model: str, seconds: float, rounds: int | None) -> dict[str, Any]:
    """The first layers of a model, ours and by onnx's ReferenceEvaluator."""
    from measuring.onnx_chain import against

    return against(Path(model), seconds, rounds)


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "compare": compare,
    "batch": batch,
    "threads": threads,
    "prepare": prepare,
    "prepare_litert": prepare_litert,
    "memory": memory,
    "imports": imports,
    "profile": profile,
    "onnx": onnx,
}


def main() -> None:
    """Answer one question."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # LiteRT talks on standard output
    answer = QUESTIONS[sys.argv[1]](**json.loads(sys.argv[2]))
    answer |= {"core": blas_core(), "numpy": np.__version__}
    print(json.dumps(answer), file=stream, flush=True)


if __name__ == "__main__":
    main()
