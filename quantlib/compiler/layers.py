"""Layers of integer sums: which part serves, what bounds their sums, and the proof of their codes.

Sums of products of whole numbers are exact in any order as long as no partial sum passes 2**24
(float32) or 2**53 (float64); the weights and the range of the codes bound them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.alignment import aligned
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.depthwise import DepthwisePart
from quantlib.compiler.ladder import climb
from quantlib.compiler.layer_part import LayerPart
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, keeps_samples
from quantlib.compiler.products import ConvolutionPart, DensePart
from quantlib.compiler.steps import Task
from quantlib.compiler.storage import Codes
from quantlib.ops._accumulate import Accumulating, Products
from quantlib.ops._node import Array
from quantlib.runtime.plan import Step

__all__ = ["layer"]


@lowers("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
def layer(lowering: Lowering, step: Step) -> Part | None:
    """The part for a layer of integer sums with constant weights; None for any other."""
    node, kernel = step.node, step.kernel
    if not isinstance(kernel, Accumulating) or kernel.products is None or len(step.inputs) > 3:
        return None
    x, w = node.inputs[0], node.inputs[1]
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if x is None or w is None or w.constant is None or w.constant.size == 0:
        return None
    if not lowering.has_codes(x.index) or not lowering.has_codes(step.outputs[0]):
        return None
    if bias is not None and bias.constant is None:
        return None
    form = _form(node.operator, x.shape, w.shape)
    if form is None:
        return None
    part_of, stored = form
    products = kernel.products
    dtype = np.float64 if w.constant.itemsize > 1 else np.float32
    weights = aligned(stored(w.constant), dtype)
    if products.w_zero_point:
        np.subtract(weights, products.w_zero_point, out=weights)
    constant_bias = None if bias is None else bias.constant
    task, largest = _task(kernel, products, lowering.codes(x.index), weights, constant_bias)
    if task is None:
        return None
    narrow = largest <= 2.0**24
    if weights.dtype != (np.float32 if narrow else np.float64):
        weights = aligned(weights, np.float32 if narrow else np.float64)
    y = lowering.store(step.outputs[0], kernel.to_output)
    task = replace(task, offset=y.offset)
    proved = climb(task, narrow=narrow, pixels=math.prod(node.output().shape) // task.channels)
    argument = f"{proved.steps} steps of the specification" if proved.steps else "the specification itself"
    certificate = replace(
        Certificate.of(node, proved.rung, argument, proved.steps),
        sums="sgemm" if narrow else "dgemm",
        largest_sum=largest,
        slack=proved.slack,
        exceptions=len(proved.exceptions),
        hard_channels=proved.hard.size,
    )
    common = (step, certificate, keeps_samples(step), products)
    if part_of is ConvolutionPart:
        return ConvolutionPart(*common, weights, proved, w.shape)
    return part_of(*common, weights, proved)


def _form(
    operator: str, x: tuple[int, ...], w: tuple[int, ...]
) -> tuple[type[LayerPart], Callable[[Array], Array]] | None:
    """Which part serves, and how it wants the weights: channels last."""
    if operator == "FULLY_CONNECTED":
        return DensePart, np.transpose
    if len(x) != 4 or len(w) != 4:
        return None
    if operator == "DEPTHWISE_CONV_2D":
        if x[3] == 1:  # every filter sees all channels: a convolution
            return ConvolutionPart, lambda one: one.reshape(-1, one.shape[3])
        return DepthwisePart, lambda one: one[0]
    if x[3] != w[3]:
        return None
    return ConvolutionPart, lambda one: one.reshape(one.shape[0], -1).T


def _task(
    kernel: Accumulating, products: Products, codes: Codes, weights: NDArray[Any], bias: Array | None
) -> tuple[Task | None, float]:
    """The sums' bounds by the actual weights, and the largest sum of all."""
    low, high = codes.stored_bounds
    net, gross = _net_and_gross(weights.reshape(-1, weights.shape[-1]))
    positive, negative = (gross + net) / 2, (gross - net) / 2
    lowest = (positive * low - negative * high).astype(np.int64)
    highest = (positive * high - negative * low).astype(np.int64)
    largest = float((gross * max(abs(low), abs(high))).max())
    moved = (net * (codes.offset - products.x_zero_point)).astype(np.int64)
    start = np.broadcast_to(products.bias(bias), net.shape) + moved
    register = 2 ** (products.bits - 1)
    wraps = np.any(lowest + start < -register) or np.any(highest + start >= register)
    if wraps or largest >= 2.0**53:
        return None, largest
    return Task(kernel.to_output, start, lowest, highest, 0), largest


def _net_and_gross(weights: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of weights (k, channels), and of their magnitudes, by channel; exact below 2**53.

    A matrix library adds in some order of its own, which makes no difference to whole numbers that
    stay within the precision, and they do if the sum of magnitudes does.
    """
    ones = np.ones(weights.shape[0], weights.dtype)
    gross = ones @ np.abs(weights)
    if weights.dtype == np.float32 and gross.max() >= 2.0**24:
        return _net_and_gross(weights.astype(np.float64))
    return (ones @ weights).astype(np.float64), gross.astype(np.float64)
