"""The format's names for its numbers, such as CONV_2D for builtin operator 3.

The names come from the enums of the `tflite` package, which is imported on first use; those that
it does not have yet are listed here.

Source: LiteRT tflite/converter/schema/schema.fbs (enums)
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping

from quantlib.flatbuffer.schema import SCHEMA, Kind
from quantlib.model.graph import Record, TensorType

__all__ = ["described", "enumerators", "operator_name"]

_NEWER: Mapping[str, Mapping[int, str]] = {
    "BuiltinOperator": {209: "STABLEHLO_CASE"},
    "TensorType": {int(member): member.name for member in TensorType},
}


@functools.cache
def enumerators(enum: str) -> Mapping[int, str]:
    """The names of an enum of the schema, by number.

    Parameters
    ----------
    enum : str
        Name of the enum in the schema.

    Examples
    --------
    >>> enumerators("Padding")
    {0: 'SAME', 1: 'VALID'}
    """
    module = importlib.import_module(f"tflite.{enum}")
    known = {number: name for name, number in vars(getattr(module, enum)).items() if name[0] != "_"}
    return {**_NEWER.get(enum, {}), **known}


def operator_name(code: int) -> str:
    """The format's name of a builtin operator; ``BUILTIN_<code>`` where nobody gave it one.

    Examples
    --------
    >>> operator_name(3), operator_name(1000)
    ('CONV_2D', 'BUILTIN_1000')
    """
    return enumerators("BuiltinOperator").get(code, f"BUILTIN_{code}")


def described(record: Record) -> dict[str, object]:
    """The entries of a record, with enumerators by name instead of by number.

    Parameters
    ----------
    record : Record
        Of a table of the schema, or of any other, which comes back as it is.

    Examples
    --------
    >>> described(Record("Pool2DOptions", (("padding", 1), ("stride_w", 2))))
    {'padding': 'VALID', 'stride_w': 2}
    """
    table = SCHEMA.tables.get(record.table)
    enums = {} if table is None else {f.name: f.target for f in table.fields if f.kind is Kind.SCALAR}
    return {
        name: enumerators(enums[name]).get(value, value) if enums.get(name) else value
        for name, value in record.entries
    }
