"""LiteRT in a process of its own, because some models take the process down.

Run as ``python -m quantlib.oracle.worker``: requests come on standard input, answers go to standard
output (`quantlib.oracle._messages`), until the input ends.
"""

from __future__ import annotations

import os
import sys
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from quantlib.oracle import _messages

__all__ = ["main"]

RESOLVERS = {
    "reference": "BUILTIN_REF",
    "optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "BUILTIN",
}
"""Kernel families by the interpreter's own names for them."""


def main() -> None:
    """Answer requests until standard input ends."""
    requests = sys.stdin.buffer
    # LiteRT prints to the process's standard output and error; keep the pipe for ourselves.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            header, arrays = _messages.receive(requests)
        except EOFError:
            return
        try:
            answer, results = _answer(header, arrays)
        except Exception as error:  # noqa: BLE001 - the asking side decides what it means
            answer, results = {"error": f"{type(error).__name__}: {error}"}, {}
        _respond(answers, answer, results)


def _runtime() -> tuple[str, Any]:
    """The installed runtime: ai-edge-litert, or tflite-runtime, which came before it."""
    try:
        from ai_edge_litert import interpreter
    except ModuleNotFoundError:
        from tflite_runtime import interpreter

        return "tflite-runtime", interpreter
    return "ai-edge-litert", interpreter


def _respond(stream: IO[bytes], answer: dict[str, Any], results: dict[str, NDArray[Any]]) -> None:
    try:
        _messages.send(stream, answer, results)
    except BrokenPipeError:
        raise SystemExit(0) from None


def _answer(
    header: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    distribution, litert = _runtime()
    if header.get("ask") == "version":
        from importlib.metadata import version

        return {"version": version(distribution)}, {}
    resolver = getattr(litert.OpResolverType, RESOLVERS[header["kernels"]])
    interpreter = litert.Interpreter(
        model_content=arrays.pop("model").tobytes(),
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=bool(header["preserve_all_tensors"]),
        num_threads=int(header["num_threads"]),
    )
    details = interpreter.get_input_details()
    resized = False
    for position, detail in enumerate(details):
        array = arrays.get(f"input {position}")
        if array is not None and tuple(detail["shape"]) != array.shape:
            interpreter.resize_tensor_input(detail["index"], array.shape)
            resized = True
    interpreter.allocate_tensors()
    details = interpreter.get_input_details() if resized else details
    for _ in range(int(header["invocations"])):
        for position, detail in enumerate(details):
            interpreter.set_tensor(detail["index"], arrays[f"input {position}"])
        interpreter.invoke()
    results: dict[str, NDArray[Any]] = {}
    for detail in interpreter.get_output_details():
        results[f"tensor {detail['index']}"] = np.array(interpreter.get_tensor(detail["index"]))
    if header["preserve_all_tensors"]:
        _read_intermediates(interpreter, results)
    return {"error": None}, results


def _read_intermediates(interpreter: Any, results: dict[str, NDArray[Any]]) -> None:
    """Every tensor that some operator wrote; others hold nothing that may be read."""
    for operation in interpreter._get_ops_details():
        for index in operation["outputs"]:
            key = f"tensor {int(index)}"
            if index < 0 or key in results:
                continue
            try:
                results[key] = np.array(interpreter.get_tensor(int(index)))
            except ValueError:  # no data: optimised away, or taken by a delegate
                continue


if __name__ == "__main__":
    main()
