"""Rows as text for a terminal, as JSON, and as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from quantlib.model.show import escaped

__all__ = ["as_csv", "as_json", "as_text"]

Row = Mapping[str, Any]


def as_text(rows: Sequence[Row], formats: Mapping[str, str]) -> str:
    """A table with the columns of `formats`; a column in which every row has None is left out.

    Parameters
    ----------
    rows : sequence of mapping
    formats : mapping of column to format specification
        Empty for text, which is set to the left.

    Examples
    --------
    >>> print(as_text([{"model": "float", "bytes": 1234, "metric": None}], {"model": "", "bytes": ","}))
    model  bytes
    float  1,234
    """
    shown = [column for column in formats if any(row[column] is not None for row in rows)]
    lines = [shown, *([_cell(row[column], formats[column]) for column in shown] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(shown))]
    aligned = ("<" if not formats[column] else ">" for column in shown)
    sides = list(zip(aligned, widths, strict=True))
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, (side, width) in zip(line, sides, strict=True)).rstrip()
        for line in lines
    )


def as_json(report: Mapping[str, Any]) -> str:
    """JSON that every reader takes: what is not finite becomes the text inf, -inf or nan.

    Examples
    --------
    >>> as_json({"sqnr_db": math.inf, "rows": (1.5,)})
    '{"sqnr_db": "inf", "rows": [1.5]}'
    """
    return json.dumps(_plain(report), allow_nan=False)


def as_csv(rows: Sequence[Row]) -> str:
    r"""Comma-separated values with a head line; mappings become columns of their own.

    Examples
    --------
    >>> as_csv([{"model": "float", "weights": {"INT8": 3}}])
    'model,weights INT8\nfloat,3\n'
    """
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
    to = io.StringIO()
    writer = csv.DictWriter(to, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return to.getvalue()


def _cell(value: Any, specification: str) -> str:
    if value is None:
        return ""
    return f"{value:{specification}}" if specification else escaped(str(value))


def _flat(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for column, value in row.items():
        if isinstance(value, Mapping):
            flat.update({f"{column} {name}": inner for name, inner in value.items()})
        else:
            flat[column] = value
    return flat


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
