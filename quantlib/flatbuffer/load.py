"""Bytes to a model that keeps the format's rules: what `quantlib.read_model` is."""

from __future__ import annotations

from quantlib.flatbuffer import read
from quantlib.flatbuffer.read import Source
from quantlib.model.graph import Model
from quantlib.model.limits import Limits
from quantlib.model.validate import validate as validated

__all__ = ["read_model"]


def read_model(source: Source, *, limits: Limits | None = None, validate: bool = True) -> Model:
    """A .tflite file as an immutable model, its structure verified and its rules checked.

    Parameters
    ----------
    source : str, os.PathLike, bytes-like, or binary file object
        A path, the bytes of a file, or an open file, which is read to its end.
    limits : Limits, optional
        How large the file and what it asks for may be.
    validate : bool
        Whether to check the rules of the format (`quantlib.model.validate`), too. Without, a file
        that breaks them can be looked at, mended and written again; running it checks them anyway.

    Returns
    -------
    Model
        Constants are read-only views of the file's bytes.

    Raises
    ------
    MalformedModelError
        The bytes are not a .tflite file.
    InvalidModelError
        The file breaks a rule: an index, a shape, a type, a quantization parameter, the order.
    LimitExceededError
        The model is larger than `limits` allow.
    InvalidInputError
        `source` is nothing that can be read.
    OSError
        The file cannot be opened or read.

    Examples
    --------
    >>> from quantlib.cli import digits
    >>> model = read_model(digits.int8_model_path())
    >>> [model.operator_codes[step.opcode_index].name for step in model.subgraphs[0].operators][:3]
    ['RESHAPE', 'CONV_2D', 'MAX_POOL_2D']
    """
    model = read.read_model(source, limits=limits)
    return validated(model, limits) if validate else model
