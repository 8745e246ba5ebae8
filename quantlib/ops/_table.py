"""Kernels that look up: a real function of one input, tabulated when the node is bound.

Source: LiteRT tflite/kernels/internal/common.h (LUTPopulate, LUTLookup)
"""

from __future__ import annotations

from quantlib.arithmetic import lookup, sigmoid_table
from quantlib.arithmetic.lookup import RealFunction
from quantlib.arithmetic.power_of_two import checked_log2
from quantlib.ops._node import Array, Kernel, Node

__all__ = [
    "float16_function",
    "has_scale",
    "look_up_8bit",
    "look_up_8bit_xnnpack",
    "look_up_int16",
    "require_no_zero_point",
    "require_same_type",
    "sigmoid_table_multiplier",
]

_ROUNDS_TO_EVEN_SINCE = (2, 1, 6)
"""Before this release XNNPACK rounded halves away from zero."""


def look_up_8bit(node: Node, function: RealFunction) -> Kernel:
    """A kernel for int8 or uint8 codes: 256 entries.

    Parameters
    ----------
    node : Node
    function : callable
        float32 array to float32 array.
    """
    x, y = node.input(0), node.output()
    table = lookup.table_8bit(function, float(x.scale), x.zero_point, float(y.scale), y.zero_point, x.dtype)

    def run(x: Array) -> Array:
        return lookup.look_up(x, table)

    return run


def look_up_8bit_xnnpack(node: Node, function: RealFunction) -> Kernel:
    """XNNPACK's kernel for int8 or uint8 codes: 256 entries, rounded half to even.

    Parameters
    ----------
    node : Node
    function : callable
        float32 array to float32 array.
    """
    x, y = node.input(0), node.output()
    table = lookup.table_8bit_xnnpack(
        function,
        float(x.scale),
        x.zero_point,
        float(y.scale),
        y.zero_point,
        x.dtype,
        half_to_even=node.profile.release >= _ROUNDS_TO_EVEN_SINCE,
    )

    def run(x: Array) -> Array:
        return lookup.look_up(x, table)

    return run


def look_up_int16(node: Node, function: RealFunction) -> Kernel:
    """A kernel for int16 codes: 513 entries, interpolated.

    Parameters
    ----------
    node : Node
    function : callable
        float32 array to float32 array.
    """
    x, y = node.input(0), node.output()
    table = lookup.table_int16(function, float(x.scale), x.zero_point, float(y.scale), y.zero_point)

    def run(x: Array) -> Array:
        return lookup.look_up_int16(x, table).astype(x.dtype)

    return run


def float16_function(function: RealFunction) -> Kernel:
    """A kernel for float16: widened, computed in float32, rounded to nearest.

    Parameters
    ----------
    function : callable
        float32 array to float32 array.
    """

    def run(x: Array) -> Array:
        return function(x.astype("float32")).astype("float16")

    return run


def has_scale(node: Node, exponents: tuple[int, ...]) -> bool:
    """Whether the input's scale is meant to be 2 to one of these powers.

    Parameters
    ----------
    node : Node
    exponents : tuple of int
    """
    scale = float(node.input(0).scale)
    if not scale > 0:
        return False
    exponent, is_power_of_two = checked_log2(scale)
    return is_power_of_two and exponent in exponents


def sigmoid_table_multiplier(node: Node, power_of_two_shifts: tuple[int, ...]) -> tuple[int, int]:
    """What brings a node's int16 codes to the units of `quantlib.arithmetic.sigmoid_table`.

    Parameters
    ----------
    node : Node
    power_of_two_shifts : tuple of int
        As in `sigmoid_table.input_multiplier`.

    Raises
    ------
    UnsupportedError
        The input scale is so small that the multiplier vanishes, which the kernel takes for a power
        of two and shifts too far.
    """
    scale = float(node.input(0).scale)
    multiplier, shift = (
        sigmoid_table.input_multiplier(scale, power_of_two_shifts=power_of_two_shifts)
        if scale > 0
        else (0, 0)
    )
    if multiplier == 0:
        raise node.unsupported("input 0", f"scale {scale:.9g}, which leaves no multiplier", "more than 4e-14")
    return multiplier, shift


def require_same_type(node: Node) -> None:
    """Refuse an output of another type than the input.

    Raises
    ------
    InvalidModelError
    """
    x, y = node.input(0), node.output()
    node.require(y.type is x.type, "output", y.type.name, x.type.name)


def require_no_zero_point(node: Node) -> None:
    """Refuse zero points of input and output other than 0.

    Raises
    ------
    InvalidModelError
    """
    for role, value in (("input 0", node.input(0)), ("output", node.output())):
        node.require(value.zero_point == 0, role, f"zero point {value.zero_point}", "0")
