"""Smallest and largest value of every tensor, as a value: saved, merged, edited, shown.

A range belongs to a key. The key is the tensor's name; where a tensor has none, or shares it with
another, it is ``subgraph:index``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from quantlib.errors import InvalidInputError, InvalidModelError, Location, QuantlibError
from quantlib.model.graph import Model
from quantlib.model.show import escaped

__all__ = ["Range", "Ranges", "tensor_keys"]

Range = tuple[np.float32, np.float32]
"""Smallest and largest value."""

FORMAT = "quantlib ranges"
"""What a file says it is."""


class Ranges(Mapping[str, Range]):
    """An immutable mapping of tensor key to (min, max).

    Parameters
    ----------
    entries : mapping of str to (min, max)
        Finite, min not above max; stored as float32.

    Raises
    ------
    InvalidInputError
        A key that is no string, or a range that is none.

    Examples
    --------
    >>> ranges = Ranges({"image": (0, 1), "scores": (-3.5, 8)})
    >>> print(ranges)
    tensor   min  max
    image    0.0  1.0
    scores  -3.5  8.0
    >>> ranges["scores"][1].item(), len(ranges)
    (8.0, 2)
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, tuple[Any, Any]] | None = None) -> None:
        self._entries = {
            _checked_key(key): _checked_range(key, entry) for key, entry in dict(entries or {}).items()
        }

    @classmethod
    def from_model(cls, model: Model) -> Ranges:
        """The min and max that a .tflite file carries on its tensors.

        Tensors with several (per channel) are left out. A FAKE_QUANT has a range for both its tensors.

        Parameters
        ----------
        model : Model
            From a calibrator: the quantizer's own input in TensorFlow's converter.

        Raises
        ------
        InvalidModelError
            A range that is not finite, or whose min is above its max.

        Source: LiteRT tflite/converter/schema/schema.fbs (QuantizationParameters.min, max)
        """
        found: dict[str, Range] = {}
        for number, subgraph in enumerate(model.subgraphs):
            keys = tensor_keys(model, number)
            for index, tensor in enumerate(subgraph.tensors):
                carried = tensor.quantization
                if carried is None or carried.min.size != 1 or carried.max.size != 1:
                    continue
                try:
                    found[keys[index]] = _checked_range(keys[index], (carried.min[0], carried.max[0]))
                except InvalidInputError as error:
                    where = Location(
                        subgraph=number, tensor=index, tensor_name=tensor.name, field="quantization.min, max"
                    )
                    raise InvalidModelError(where, error.found, error.wanted) from error
            for operator in subgraph.operators:
                if model.operator_codes[operator.opcode_index].name == "FAKE_QUANT" and operator.options:
                    ends = operator.options.get("min", 0.0), operator.options.get("max", 0.0)
                    for index in (*operator.inputs, *operator.outputs):
                        found.setdefault(keys[index], _checked_range(keys[index], ends))
        return cls(found)

    def __getitem__(self, key: str) -> Range:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return f"Ranges({ {key: (float(low), float(high)) for key, (low, high) in self.items()} })"

    def __str__(self) -> str:
        rows = [("tensor", "min", "max")]
        rows += [(escaped(key), str(low), str(high)) for key, (low, high) in self.items()]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = (f"{key:{widths[0]}}  {low:>{widths[1]}}  {high:>{widths[2]}}" for key, low, high in rows)
        return "\n".join(lines)

    def of_subgraph(self, model: Model, subgraph_index: int = 0) -> dict[int, tuple[float, float]]:
        """Ranges by tensor index, as a quantizer looks them up.

        Parameters
        ----------
        model : Model
        subgraph_index : int

        Returns
        -------
        dict of tensor index to (min, max)
            float32 values as Python floats; tensors without a range are absent.

        Examples
        --------
        >>> from quantlib.model.graph import Subgraph, Tensor, TensorType
        >>> tensors = (Tensor((1,), TensorType.FLOAT32, name="x"), Tensor((1,), TensorType.FLOAT32))
        >>> model = Model(3, (), (Subgraph(tensors, (0,), (1,), ()),), ())
        >>> Ranges({"x": (0, 1), "0:1": (0, 6)}).of_subgraph(model)
        {0: (0.0, 1.0), 1: (0.0, 6.0)}
        """
        keys = enumerate(tensor_keys(model, subgraph_index))
        return {
            index: (float(self[key][0]), float(self[key][1])) for index, key in keys if key in self._entries
        }

    def unknown_to(self, model: Model) -> tuple[str, ...]:
        """Keys that no tensor of the model has; perhaps the ranges belong to another model.

        Parameters
        ----------
        model : Model
        """
        known = {key for number in range(len(model.subgraphs)) for key in tensor_keys(model, number)}
        return tuple(key for key in self if key not in known)

    def merge(self, *others: Mapping[str, tuple[Any, Any]]) -> Ranges:
        """The smallest ranges that contain all; associative and commutative.

        Parameters
        ----------
        *others : Ranges

        Examples
        --------
        >>> Ranges({"x": (0, 1)}).merge(Ranges({"x": (-1, 0.5), "y": (0, 6)}))
        Ranges({'x': (-1.0, 1.0), 'y': (0.0, 6.0)})
        """
        merged = dict(self._entries)
        for other in map(Ranges, others):
            for key, (low, high) in other.items():
                have_low, have_high = merged.get(key, (low, high))
                merged[key] = (min(have_low, low), max(have_high, high))
        return Ranges(merged)

    def replace(self, changes: Mapping[str, tuple[Any, Any] | None]) -> Ranges:
        """A copy with some ranges set, or taken out where the change is None.

        Parameters
        ----------
        changes : mapping of key to (min, max) or None

        Examples
        --------
        >>> Ranges({"x": (0, 1), "y": (0, 9)}).replace({"x": None, "y": (0, 6)})
        Ranges({'y': (0.0, 6.0)})
        """
        entries: dict[str, tuple[Any, Any] | None] = {**self._entries, **changes}
        return Ranges({key: entry for key, entry in entries.items() if entry is not None})

    def to_json(self) -> str:
        """The ranges as JSON, in the shortest decimals that give the same float32 again.

        Examples
        --------
        >>> Ranges({"x": (-0.1, 1)}).to_json().splitlines()[-3]
        '    "x": [-0.1, 1.0]'
        """
        names = [
            f"    {json.dumps(key)}: [{_decimal(low)}, {_decimal(high)}]" for key, (low, high) in self.items()
        ]
        lines = [
            "{",
            f'  "format": "{FORMAT}",',
            '  "version": 1,',
            '  "ranges": {',
            ",\n".join(names),
            "  }",
            "}",
        ]
        return "\n".join(line for line in lines if line) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Ranges:
        """Ranges from `to_json`.

        Parameters
        ----------
        text : str or bytes

        Raises
        ------
        InvalidInputError
            Not JSON, not ranges, a name twice, or a range that is none.
        """
        try:
            found = json.loads(text, object_pairs_hook=_without_repeats)
        except QuantlibError:
            raise
        except (ValueError, RecursionError) as error:
            raise InvalidInputError("ranges", f"{error}", "JSON written by Ranges.to_json") from error
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise InvalidInputError("ranges", "other JSON", f'"format": "{FORMAT}"')
        if found.get("version") != 1:
            raise InvalidInputError("ranges", f"version {found.get('version')!r}", "version 1")
        entries = found.get("ranges")
        if not isinstance(entries, dict):
            raise InvalidInputError("ranges", "no object of ranges", '"ranges": {name: [min, max]}')
        return cls(entries)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to a file, replacing it atomically.

        Parameters
        ----------
        path : str or os.PathLike

        Raises
        ------
        OSError
            The file cannot be written; one that was there is unchanged.

        Examples
        --------
        >>> path = getfixture("tmp_path") / "ranges.json"
        >>> Ranges({"x": (0, 1)}).save(path)
        >>> Ranges.load(path)
        Ranges({'x': (0.0, 1.0)})
        """
        from quantlib.flatbuffer.save import replace_file

        replace_file(path, self.to_json().encode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ranges:
        """Ranges from a file that `save` wrote; raises as `from_json`, and OSError.

        Parameters
        ----------
        path : str or os.PathLike
        """
        return cls.from_json(Path(path).read_bytes())


def tensor_keys(model: Model, subgraph_index: int) -> tuple[str, ...]:
    """The key of every tensor of a subgraph: no two tensors of a model have the same.

    Parameters
    ----------
    model : Model
    subgraph_index : int

    Returns
    -------
    tuple of str
        The name, or ``subgraph:index`` where there is none, it is not unique in the model, or it
        looks like such a key itself.
    """
    names = Counter(tensor.name for subgraph in model.subgraphs for tensor in subgraph.tensors)
    keys = []
    for index, tensor in enumerate(model.subgraphs[subgraph_index].tensors):
        name = tensor.name
        is_usable = bool(name) and names[name] == 1 and not _looks_like_index(str(name))
        keys.append(str(name) if is_usable else f"{subgraph_index}:{index}")
    return tuple(keys)


def _looks_like_index(name: str) -> bool:
    subgraph, colon, index = name.partition(":")
    return bool(colon) and subgraph.isdecimal() and index.isdecimal()


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidInputError("ranges", f"key {key!r}", "a tensor's name, or subgraph:index")
    return key


def _checked_range(key: str, entry: Any) -> Range:
    wanted = "two finite numbers, the first not above the second"
    where = f"ranges[{escaped(key)!r}]"
    try:
        low, high = entry
        if any(isinstance(end, str | bytes | bool) for end in (low, high)):
            raise TypeError
        with np.errstate(all="ignore"):
            ends = np.array([low, high], np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError(where, repr(entry)[:80], wanted) from None
    if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] > ends[1]:
        raise InvalidInputError(where, repr(entry)[:80], wanted)
    return np.float32(ends[0]), np.float32(ends[1])


def _decimal(value: np.float32) -> str:
    # Read as float64 and then rounded, a short decimal could miss by one; none is known to.
    short = repr(float(str(value)))
    return short if np.float32(float(short)) == value else repr(float(value))


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidInputError("ranges", f"{escaped(name)!r} twice", "every name once")
    return found
