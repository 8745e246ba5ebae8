"""Every exception that quantlib raises on purpose, and the place it happened.

::

    QuantlibError
    ├── MalformedModelError (ValueError)        the bytes are not a model
    ├── InvalidModelError   (ValueError)        the bytes decode, but break a rule of the format
    ├── UnsupportedError    (NotImplementedError)  legal, but nobody taught us (yet)
    ├── InvalidInputError   (ValueError)        the caller's array or argument does not fit
    ├── LimitExceededError  (ValueError)        legal, but larger than the caller's `Limits` allow
    └── OracleError         (RuntimeError)      the other implementation failed or died

Every text reads *where: found, wanted*; the values are attributes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "InvalidInputError",
    "InvalidModelError",
    "LimitExceededError",
    "Location",
    "MalformedModelError",
    "OracleError",
    "QuantlibError",
    "UnsupportedError",
]


@dataclass(frozen=True, slots=True)
class Location:
    """Where something was found; only the parts that apply are set.

    Parameters
    ----------
    argument : str, optional
        Name of a caller's argument.
    subgraph, operator, tensor : int, optional
        Indices into the model.
    operator_name, tensor_name : str, optional
        Their names; printed escaped, because a file's names are not to be trusted.
    role : str, optional
        What the tensor is to the operator, for example ``input 1 (weights)``.
    field : str, optional
        Field of the format, for example ``quantization.scale``.
    offset : int, optional
        Byte offset in the file.

    Examples
    --------
    >>> str(Location(operator=12, operator_name="CONV_2D", role="input 1 (weights)"))
    'operator 12 CONV_2D, input 1 (weights)'
    """

    argument: str | None = None
    subgraph: int | None = None
    operator: int | None = None
    operator_name: str | None = None
    role: str | None = None
    tensor: int | None = None
    tensor_name: str | None = None
    field: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        parts = []
        if self.argument is not None:
            parts.append(self.argument)
        if self.subgraph is not None:
            parts.append(f"subgraph {self.subgraph}")
        if self.operator is not None or self.operator_name is not None:
            name = self.operator_name
            if name is not None and not (name.isprintable() and len(name) <= 80):
                name = repr(name[:80])  # the name of a custom operator comes from the file
            words = ("operator", self.operator, name)
            parts.append(" ".join(str(word) for word in words if word is not None))
        if self.role is not None:
            parts.append(self.role)
        if self.tensor is not None:
            name = f" {self.tensor_name[:80]!r}" if self.tensor_name is not None else ""
            parts.append(f"tensor {self.tensor}{name}")
        if self.field is not None:
            parts.append(self.field)
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        return ", ".join(parts) or "model"


class QuantlibError(Exception):
    """Root of every exception that quantlib raises on purpose.

    Parameters
    ----------
    where : Location or str
        Where it happened; a string names a caller's argument.
    found : object
        What was there, in words or as the value itself.
    wanted : object
        What would have been right.

    Attributes
    ----------
    where : Location
    found, wanted : object
    subgraph, operator, tensor, field, offset, argument
        The parts of `where`, or None.

    Examples
    --------
    >>> error = InvalidInputError("num_bits", 1, "2 .. 16")
    >>> str(error), error.argument, error.found
    ('num_bits: 1; wanted 2 .. 16', 'num_bits', 1)
    """

    where: Location
    found: object
    wanted: object
    argument: str | None
    subgraph: int | None
    operator: int | None
    tensor: int | None
    field: str | None
    offset: int | None

    def __init__(self, where: Location | str, found: object, wanted: object = None) -> None:
        if isinstance(where, str):
            where = Location(argument=where)
        text = f"{where}: {found}" + (f"; wanted {wanted}" if wanted is not None else "")
        super().__init__(text)
        self.where = where
        self.found = found
        self.wanted = wanted
        for part in fields(Location):
            setattr(self, part.name, getattr(where, part.name))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.found, self.wanted)


class MalformedModelError(QuantlibError, ValueError):
    """The bytes are not a .tflite file: an offset, length or alignment is impossible."""


class InvalidModelError(QuantlibError, ValueError):
    """The file decodes, but breaks a rule of the format: an index, shape, type or parameter."""


class UnsupportedError(QuantlibError, NotImplementedError):
    """Legal, but not implemented here: an operator, element type, option or kernel set."""


class InvalidInputError(QuantlibError, ValueError):
    """An argument of the caller's does not fit: wrong shape, dtype, value or moment."""


class LimitExceededError(QuantlibError, ValueError):
    """Legal, but larger than the limits the caller set; nothing was allocated."""


class OracleError(QuantlibError, RuntimeError):
    """The implementation we compare with failed, or its process died."""
