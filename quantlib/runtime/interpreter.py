"""The TFLite interpreter's Python class, with our kernels behind it.

A script written against ``tf.lite.Interpreter`` or ``ai_edge_litert.interpreter`` changes its
import line and nothing else::

    from quantlib import Interpreter

Source: LiteRT tflite/python/interpreter.py (names, argument order, keys and dtypes of details).
"""

from __future__ import annotations

import enum
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantlib.compiler.engine import engine
from quantlib.errors import InvalidInputError, UnsupportedError
from quantlib.flatbuffer.read import read_model
from quantlib.kernel_sets import KernelSet, kernel_set
from quantlib.model.graph import Model, Signature, TensorType
from quantlib.model.limits import Limits
from quantlib.model.validate import validate
from quantlib.ops._node import Array
from quantlib.runtime.plan import Binder
from quantlib.runtime.session import Session

__all__ = ["Interpreter", "OpResolverType", "SignatureRunner"]


@enum.unique
class OpResolverType(enum.Enum):
    """Kernel families by the TFLite interpreter's names."""

    AUTO = 0
    BUILTIN = 1
    BUILTIN_REF = 2
    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3


_FAMILIES = {
    "AUTO": "xnnpack",
    "BUILTIN": "xnnpack",
    "BUILTIN_REF": "reference",
    "BUILTIN_WITHOUT_DEFAULT_DELEGATES": "optimized",
}
"""Which kernels a resolver type stands for."""


class Interpreter:
    """A drop-in for ``tf.lite.Interpreter`` that runs on NumPy alone.

    It gives the bits of the class it stands in for: with nothing said those of the default
    interpreter, which are XNNPACK's for the operators its delegate takes and the optimized kernels'
    for the rest. Where a family's bits are not claimed (docs/conformance.md), such as most sums of
    reals, they are close, not equal; ``kernels="reference"`` is exact there, too.

    Parameters
    ----------
    model_path : str or os.PathLike, optional
        A .tflite file; give this or `model_content`.
    model_content : bytes-like or Model, optional
        The file's bytes, or a model already read.
    experimental_delegates : sequence, optional
        Must be empty: there is nothing to delegate to.
    num_threads : int, optional
        Checked. Nothing runs in parallel here; but the optimized family's MEAN splits channels
        among threads, and its bits follow.
    experimental_op_resolver_type : OpResolverType
        AUTO and BUILTIN stand for XNNPACK's kernels, BUILTIN_WITHOUT_DEFAULT_DELEGATES for the
        optimized ones, BUILTIN_REF for the reference ones.
    experimental_preserve_all_tensors : bool
        Keep intermediate values readable. Here it never changes a result.
    experimental_disable_delegate_clustering, experimental_default_delegate_latest_features : bool
    experimental_compress_quantization_zero_points : bool
    experimental_disable_delegate_node_fusion, experimental_force_delegate_node_profiling : bool
        Accepted; they mean nothing here.
    kernels : str or KernelSet, optional
        The kernel family whose bits are wanted; overrules the resolver type.
    custom : mapping of custom code to binder, optional
        Kernels for custom operators.
    limits : Limits, optional

    Raises
    ------
    InvalidInputError
        No model, two models, a path that cannot be read, or a bad `num_threads`.
    MalformedModelError, InvalidModelError, LimitExceededError
        The file is not a model we can accept.

    Examples
    --------
    ::

        interpreter = Interpreter(model_path="model.tflite")
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str] | None = None,
        model_content: bytes | bytearray | memoryview | Model | None = None,
        experimental_delegates: Sequence[object] | None = None,
        num_threads: int | None = None,
        experimental_op_resolver_type: object = OpResolverType.AUTO,
        experimental_preserve_all_tensors: bool = False,
        experimental_disable_delegate_clustering: bool = False,
        experimental_default_delegate_latest_features: bool = False,
        experimental_compress_quantization_zero_points: bool = False,
        experimental_disable_delegate_node_fusion: bool = False,
        experimental_force_delegate_node_profiling: bool = False,
        *,
        kernels: str | KernelSet | None = None,
        custom: Mapping[str, Binder] | None = None,
        limits: Limits | None = None,
    ) -> None:
        if (model_path is None) == (model_content is None):
            raise InvalidInputError(
                "model_path, model_content", "both" if model_path is not None else "neither", "one of them"
            )
        if experimental_delegates:
            raise UnsupportedError("experimental_delegates", "a delegate", "none")
        if num_threads is not None and not (type(num_threads) is int and num_threads >= 1):
            raise InvalidInputError("num_threads", repr(num_threads), "an int of at least 1")
        resolver = getattr(experimental_op_resolver_type, "name", None)  # of this enum or of LiteRT's
        if resolver not in _FAMILIES:
            raise InvalidInputError(
                "experimental_op_resolver_type", repr(experimental_op_resolver_type), "an OpResolverType"
            )
        chosen = kernel_set(_FAMILIES[resolver] if kernels is None else kernels)
        if num_threads is not None and kernels is None:
            chosen = replace(chosen, profile=replace(chosen.profile, num_threads=num_threads))
        del experimental_disable_delegate_clustering, experimental_default_delegate_latest_features
        del experimental_disable_delegate_node_fusion, experimental_force_delegate_node_profiling
        self._compress_zero_points = experimental_compress_quantization_zero_points
        self._model = _load(model_path, model_content, limits)
        self._lock = threading.RLock()
        self._sessions = [
            Session(
                self._model,
                index,
                kernels=chosen,
                custom=custom or {},
                limits=limits or Limits(),
                keep_all=experimental_preserve_all_tensors,
                engine=engine,
            )
            for index in range(len(self._model.subgraphs))
        ]

    @property
    def experimental_compress_quantization_zero_points(self) -> bool:
        """What the constructor was told; it means nothing here."""
        return self._compress_zero_points

    def allocate_tensors(self) -> None:
        """Prepare to run; needed before anything is set, and again after a resize.

        Raises
        ------
        UnsupportedError, InvalidModelError, LimitExceededError
            The model cannot be run.
        """
        with self._lock:
            self._sessions[0].allocate()

    def invoke(self) -> None:
        """Run the model once.

        Raises
        ------
        InvalidInputError
            Before `allocate_tensors`.
        """
        with self._lock:
            self._sessions[0].invoke()

    def set_tensor(self, tensor_index: int, value: ArrayLike) -> None:
        """Copy a value into an input (or a variable).

        Parameters
        ----------
        tensor_index : int
            From the details' ``index``.
        value : array_like
            Of exactly the tensor's dtype and present shape; any layout and byte order.

        Raises
        ------
        InvalidInputError
        """
        with self._lock:
            session = self._sessions[0]
            session.set(session.check_index(tensor_index), value)

    def get_tensor(self, tensor_index: int, subgraph_index: int = 0) -> Array:
        """A copy of a tensor's present value.

        Raises
        ------
        InvalidInputError
            An unknown index, before `allocate_tensors`, or an intermediate value that was not
            preserved.
        """
        with self._lock:
            session = self._session(subgraph_index)
            return session.get(session.check_index(tensor_index))

    def tensor(self, tensor_index: int) -> Callable[[], Array]:
        """A function that gives a view of the tensor's present value; inputs may be written to.

        Raises
        ------
        InvalidInputError
            As `get_tensor`, when the function is called.
        """
        return lambda: self._sessions[0].view(self._sessions[0].check_index(tensor_index))

    def resize_tensor_input(self, input_index: int, tensor_size: ArrayLike, strict: bool = False) -> None:
        """Give an input another shape; call `allocate_tensors` afterwards.

        Parameters
        ----------
        input_index : int
        tensor_size : sequence of int
        strict : bool
            Only dimensions that are -1 in ``shape_signature`` may change.

        Raises
        ------
        InvalidInputError
        """
        with self._lock:
            session = self._sessions[0]
            index = session.check_index(input_index)
            shape = _shape(tensor_size)
            signature = session.tensors[index].shape_signature or session.tensors[index].shape
            if strict and not _fits(shape, signature):
                raise InvalidInputError(session.location(index, "tensor_size"), shape, signature)
            session.resize(index, shape)

    def get_input_details(self) -> list[dict[str, Any]]:
        """Details of every input: name, index, shape, shape_signature, dtype, quantization, ..."""
        return [self._get_tensor_details(index, 0) for index in self._model.subgraphs[0].inputs]

    def get_output_details(self) -> list[dict[str, Any]]:
        """Details of every output, with the keys of `get_input_details`."""
        return [self._get_tensor_details(index, 0) for index in self._model.subgraphs[0].outputs]

    def get_tensor_details(self, subgraph_index: int = 0) -> list[dict[str, Any]]:
        """Details of every tensor that has a NumPy type, with the keys of `get_input_details`.

        Raises
        ------
        InvalidInputError
            No such subgraph.
        """
        session = self._session(subgraph_index)
        numbered = enumerate(session.tensors)
        known = (index for index, tensor in numbered if _numpy_class(tensor.type.name) is not None)
        return [self._get_tensor_details(index, subgraph_index) for index in known]

    def get_signature_list(self) -> dict[str, dict[str, list[str]]]:
        """Names of inputs and outputs of every signature, by key."""
        return {
            signature.key or "": {
                "inputs": [name or "" for name, _ in signature.inputs],
                "outputs": [name or "" for name, _ in signature.outputs],
            }
            for signature in self._model.signatures or ()
        }

    def get_signature_runner(self, signature_key: str | None = None) -> SignatureRunner:
        """A callable that runs one signature by names.

        Parameters
        ----------
        signature_key : str, optional
            May be left out where the model has exactly one.

        Raises
        ------
        InvalidInputError
            No such signature, or none or several and no key.
        """
        signatures = {signature.key or "": signature for signature in self._model.signatures or ()}
        if signature_key is None and len(signatures) == 1:
            signature_key = next(iter(signatures))
        if signature_key not in signatures:
            raise InvalidInputError("signature_key", repr(signature_key), f"one of {list(signatures)}")
        return SignatureRunner(self, signatures[signature_key])

    def num_subgraphs(self) -> int:
        """Number of subgraphs."""
        return len(self._sessions)

    def reset_all_variables(self) -> None:
        """Give every variable tensor its initial value again."""
        with self._lock:
            for session in self._sessions:
                session.reset_variables()

    def _session(self, subgraph_index: int) -> Session:
        if not 0 <= subgraph_index < len(self._sessions):
            raise InvalidInputError("subgraph_index", subgraph_index, f"0 .. {len(self._sessions) - 1}")
        return self._sessions[subgraph_index]

    def _get_tensor_details(self, tensor_index: int, subgraph_index: int = 0) -> dict[str, Any]:
        session = self._session(subgraph_index)
        index = session.check_index(tensor_index)
        tensor = session.tensors[index]
        quantization = tensor.quantization
        scales = np.empty(0, np.float32) if quantization is None else quantization.scale.astype("<f4")
        points = np.empty(0, np.int64) if quantization is None else quantization.zero_point
        one = scales.size == 1 and points.size == 1
        shape = session.shape(index)
        return {
            "name": tensor.name or "",
            "index": index,
            "shape": np.array(shape, np.int32),
            "shape_signature": np.array(tensor.shape_signature or shape, np.int32),
            "dtype": _numpy_class(tensor.type.name),
            "quantization": (float(scales[0]), int(points[0])) if one else (0.0, 0),
            "quantization_parameters": {
                "scales": scales,
                "zero_points": points.astype(np.int32),
                "quantized_dimension": 0 if quantization is None else quantization.quantized_dimension,
                "block_size": 0,
            },
            "sparsity_parameters": {} if tensor.sparsity is None else dict(tensor.sparsity),
        }

    def _get_ops_details(self) -> list[dict[str, Any]]:
        return [self._get_op_details(position) for position in range(len(self._model.subgraphs[0].operators))]

    def _get_op_details(self, op_index: int) -> dict[str, Any]:
        operator = self._model.subgraphs[0].operators[op_index]
        tensors = self._model.subgraphs[0].tensors

        def types(indices: Sequence[int]) -> list[Any]:
            return [_numpy_class(tensors[index].type.name) for index in indices if index != -1]

        return {
            "index": op_index,
            "op_name": self._model.operator_codes[operator.opcode_index].name,
            "inputs": np.array(operator.inputs, np.int32),
            "outputs": np.array(operator.outputs, np.int32),
            "operand_types": types(operator.inputs),
            "result_types": types(operator.outputs),
        }


class SignatureRunner:
    """Runs one signature of a model; made by `Interpreter.get_signature_runner`.

    Parameters
    ----------
    interpreter : Interpreter
    signature : Signature
    """

    def __init__(self, interpreter: Interpreter, signature: Signature) -> None:
        self._interpreter = interpreter
        self._signature = signature
        self._inputs = {name or "": index for name, index in signature.inputs}
        self._outputs = {name or "": index for name, index in signature.outputs}

    def __call__(self, **inputs: ArrayLike) -> dict[str, Array]:
        """Run once; inputs of another shape resize the model first.

        Parameters
        ----------
        **inputs : array_like
            By the signature's names, all of them.

        Returns
        -------
        dict of output name to ndarray

        Raises
        ------
        InvalidInputError
            A name too many or too few, or a value of the wrong dtype.
        """
        if set(inputs) != set(self._inputs):
            raise InvalidInputError("inputs", sorted(inputs), sorted(self._inputs))
        interpreter = self._interpreter
        with interpreter._lock:
            session = interpreter._session(self._signature.subgraph_index)
            for name, value in inputs.items():
                index = session.check_index(self._inputs[name])
                if np.shape(value) != session.shape(index):
                    session.resize(index, np.shape(value))
            session.allocate()
            for name, value in inputs.items():
                session.set(self._inputs[name], value)
            session.invoke()
            return {name: session.get(index) for name, index in self._outputs.items()}

    def get_input_details(self) -> dict[str, dict[str, Any]]:
        """Details of the signature's inputs, by its names."""
        return self._details(self._inputs)

    def get_output_details(self) -> dict[str, dict[str, Any]]:
        """Details of the signature's outputs, by its names."""
        return self._details(self._outputs)

    def _details(self, named: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        subgraph = self._signature.subgraph_index
        return {name: self._interpreter._get_tensor_details(index, subgraph) for name, index in named.items()}


def _load(
    path: str | os.PathLike[str] | None,
    content: bytes | bytearray | memoryview | Model | None,
    limits: Limits | None,
) -> Model:
    if isinstance(content, Model):
        return validate(content, limits)
    if content is not None:
        return validate(read_model(content, limits=limits), limits)
    assert path is not None
    try:
        return validate(read_model(os.fspath(path), limits=limits), limits)
    except OSError as error:
        raise InvalidInputError(
            "model_path", f"{path}: {error.strerror}", "a file that can be read"
        ) from error


def _shape(given: ArrayLike) -> tuple[int, ...]:
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidInputError("tensor_size", repr(given), "a sequence of integers")
    return tuple(int(extent) for extent in array)


def _fits(shape: tuple[int, ...], signature: Sequence[int]) -> bool:
    return len(shape) == len(signature) and all(
        known in (-1, extent) for extent, known in zip(shape, signature, strict=True)
    )


def _numpy_class(type_name: str) -> type[Any] | None:
    """The NumPy class that details give for an element type."""
    if type_name == "STRING":
        return np.bytes_
    dtype = TensorType[type_name].dtype
    return None if dtype is None else dtype.type
