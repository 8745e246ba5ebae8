"""Vector blocks: which elements they take, and what registers do to large codes."""

import numpy as np
import pytest

from quantlib.model.graph import TensorType
from quantlib.ops._runs import Blocks, Run, is_one_run, run_of
from quantlib.testing.single_operator import quantization

INT8, UINT8, INT16 = TensorType.INT8, TensorType.UINT8, TensorType.INT16


@pytest.mark.parametrize(
    ("x", "y", "run"),
    [
        ((), (), Run(1)),
        ((2, 3), (1, 2, 3), Run(6)),
        ((2, 1, 3), (2, 5, 3), Run(3)),
        ((3,), (2, 5, 3), Run(3)),
        ((2, 5, 1), (2, 5, 4), Run(4, is_scalar=True)),
        ((2, 4, 3), (), Run(24, is_scalar=True)),
        ((5, 6, 7, 1), (5, 1, 7, 8), Run(8, is_scalar=True)),
        ((5, 1, 7, 1), (5, 6, 7, 8), None),
        ((1, 6, 7, 8), (5, 6, 1, 8), Run(8)),
        ((1, 3, 1, 3, 1), (3, 1, 3, 1, 3), None),
        ((2, 1, 2, 1, 2, 1), (2, 3, 2, 3, 2, 3), None),
    ],
)
def test_shapes_are_gathered_into_runs_whichever_comes_first(x, y, run):
    assert run_of(x, y) == run
    assert run_of(y, x) == run


def test_shapes_are_one_run_if_nothing_is_repeated():
    assert is_one_run((1, 4), (4,))
    assert not is_one_run((1, 4), (2, 4))


def test_every_run_has_leftovers_of_its_own():
    assert Blocks(2, 0).contain((2, 3), (3,)).tolist() == [[True, True, False]] * 2
    assert Blocks(2, 0).contain((2, 3), ()).tolist() == [[False] * 3] * 2
    assert Blocks(2, 0).contain((2, 3)).tolist() == [[True] * 3] * 2


def test_a_large_sum_wraps_in_blocks_and_saturates_in_what_is_left_over(compute):
    x, y = np.full(17, 64), np.zeros(17)
    one = quantization(1.0)
    out = compute("ADD", [(x, INT8, one), (y, INT8, one)], (INT8, quantization(2.0**-9)), kernels="optimized")
    assert out.tolist() == [-128] * 16 + [127]


@pytest.mark.parametrize(("type", "size"), [(INT8, 16), (UINT8, 8)])
def test_a_large_product_saturates_before_the_zero_point_wraps_it(compute, type, size):
    codes = np.full(17, 100)
    operands = [(codes, type, quantization(1.0)), (codes, type, quantization(1.0))]
    out = compute("MUL", operands, (type, quantization(0.1, 100)), kernels="optimized")
    info = np.iinfo(type.dtype)
    assert out.tolist() == [info.min] * (17 // size * size) + [info.max] * (17 % size)


def test_a_scalar_times_uint8_wraps_before_the_zero_point_is_added(compute):
    operands = [(np.full(9, 100), UINT8, quantization(1.0)), ([[100]], UINT8, quantization(1.0))]
    out = compute("MUL", operands, (UINT8, quantization(0.125, 3)), kernels="optimized")
    assert out.tolist() == [[255] * 9]  # 80000 becomes 14464
    operands[0] = (np.full(9, 50), UINT8, quantization(1.0))  # 40000 becomes -25536
    out = compute("MUL", operands, (UINT8, quantization(0.125, 3)), kernels="optimized")
    assert out.tolist() == [[0] * 8 + [255]]


def test_a_product_shifted_beyond_the_register_vanishes_in_blocks(compute):
    codes = np.full(9, 2)
    operands = [(codes, UINT8, quantization(1.0)), (codes, UINT8, quantization(1.0))]
    out = compute("MUL", operands, (UINT8, quantization(2.0**-31, 7)), kernels="optimized")
    assert out.tolist()[:8] == [7] * 8
