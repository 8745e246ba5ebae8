"""Layers of integer sums: which part serves, what bounds their sums, and the proof of their codes.

Sums of products of whole numbers are exact in any order as long as no partial sum passes 2**24
(float32) or 2**53 (float64); the weights and the range of the codes bound them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.certificate import Certificate
from quantlib.compiler.depthwise import DepthwisePart
from quantlib.compiler.ladder import Task, climb
from quantlib.compiler.layer_part import LayerPart
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, keeps_samples
from quantlib.compiler.products import ConvolutionPart, DensePart
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
    part_of, axes, stored = form
    products = kernel.products
    codes = lowering.codes(x.index)
    task, dtype, largest = _task(
        kernel, products, codes, w.constant, axes, None if bias is None else bias.constant
    )
    if task is None:
        return None
    y = lowering.store(step.outputs[0], kernel.to_output)
    task = replace(task, offset=y.offset)
    pixels = math.prod(node.output().shape) // task.channels
    proved = climb(task, narrow=dtype is np.float32, pixels=pixels)
    weights = np.ascontiguousarray(stored(w.constant), dtype)
    if products.w_zero_point:
        weights -= dtype(products.w_zero_point)
    argument = f"{proved.steps} steps of the specification" if proved.steps else "the specification itself"
    certificate = replace(
        Certificate.of(node, proved.rung, argument, proved.steps),
        sums="sgemm" if dtype is np.float32 else "dgemm",
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
) -> tuple[type[LayerPart], tuple[int, ...], Any] | None:
    """Which part serves, the axes that are summed, and how it wants the weights."""
    if operator == "FULLY_CONNECTED":
        return DensePart, (1,), np.transpose
    if len(x) != 4 or len(w) != 4:
        return None
    if operator == "DEPTHWISE_CONV_2D":
        if x[3] == 1:  # every filter sees all channels: a convolution
            return ConvolutionPart, (0, 1, 2), lambda one: one.reshape(-1, one.shape[3])
        return DepthwisePart, (0, 1, 2), lambda one: one[0]
    if x[3] != w[3]:
        return None
    return ConvolutionPart, (1, 2, 3), lambda one: one.reshape(one.shape[0], -1).T


def _task(
    kernel: Accumulating,
    products: Products,
    codes: Codes,
    w: Array,
    axes: tuple[int, ...],
    bias: Array | None,
) -> tuple[Task | None, type[np.floating[Any]], float]:
    """The sums' bounds by the actual weights, the precision that holds them, and the largest of all."""
    low, high = codes.stored_bounds
    stored: NDArray[Any] = w.astype(np.float64 if w.itemsize > 1 else np.float32)
    if products.w_zero_point:
        np.subtract(stored, products.w_zero_point, out=stored)
    net = stored.sum(axis=axes, dtype=np.float64)
    gross = np.abs(stored, out=stored).sum(axis=axes, dtype=np.float64)
    positive, negative = (gross + net) / 2, (gross - net) / 2
    lowest = (positive * low - negative * high).astype(np.int64)
    highest = (positive * high - negative * low).astype(np.int64)
    largest = float((gross * max(abs(low), abs(high))).max())
    moved = (net * (codes.offset - products.x_zero_point)).astype(np.int64)
    start = np.broadcast_to(products.bias(bias), net.shape) + moved
    register = 2 ** (products.bits - 1)
    wraps = np.any(lowest + start < -register) or np.any(highest + start >= register)
    if wraps or largest >= 2.0**53:
        return None, np.float64, largest
    dtype = np.float32 if largest <= 2.0**24 else np.float64
    return Task(kernel.to_output, start, lowest, highest, 0), dtype, largest
