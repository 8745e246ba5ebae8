"""Run-time quantization of rows against LiteRT 2.3.0.

`golden/hybrid.npz` holds inputs and outputs of its FULLY_CONNECTED with float activations: with the
identity for weights (scale 1), which shows every quantized value, and with weights of -128 and long
rows. To record anew, run such models with the reference kernels.
"""

from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic import hybrid

GOLDEN = Path(__file__).parent / "golden" / "hybrid.npz"
QUANTIZERS = {
    "symmetric": hybrid.quantize_rows_symmetric,
    "asymmetric": hybrid.quantize_rows_asymmetric,
}


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


def dense(x, weights, quantize):
    """A dense layer without bias, weights of scale 1."""
    rows = quantize(x)
    sums = hybrid.row_sums_in_int16_lanes(weights)
    acc = hybrid.signed_dot_product(weights, rows.stored) - rows.zero_point[:, np.newaxis] * sums
    return acc.astype(np.float32) * rows.scale[:, np.newaxis]


@pytest.mark.parametrize("kind", QUANTIZERS)
def test_quantized_rows_are_litert_rows(golden, kind):
    names = [name[:-2] for name in golden if name.startswith(kind) and name.endswith("_x")]
    assert len(names) == 12
    for name in names:
        x = golden[f"{name}_x"]
        identity = np.eye(x.shape[1], dtype=np.int8)
        np.testing.assert_array_equal(dense(x, identity, QUANTIZERS[kind]), golden[f"{name}_y"], name)


@pytest.mark.parametrize("columns", [15, 16, 40, 2080])
def test_weights_of_minus_128_and_long_rows_go_wrong_as_in_litert(golden, columns):
    weights, x, y = (golden[f"dot_{columns}_{part}"] for part in "wxy")
    np.testing.assert_array_equal(dense(x, weights, hybrid.quantize_rows_asymmetric), y)


def test_symmetric_rows_use_127_codes_on_either_side():
    stored, scale, zero_point = hybrid.quantize_rows_symmetric(
        np.array([[1.27, -0.635, 0.0], [0.0, 0.0, 0.0]], np.float32)
    )
    assert stored.tolist() == [[127, -64, 0], [0, 0, 0]]
    np.testing.assert_array_equal(scale, np.array([1.27, 127.0], np.float32) / np.float32(127))
    assert zero_point.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("row", "zero_point"),
    [([0.0, 2.55], -128), ([-2.55, 0.0], 127), ([-1.0, 1.55], -28), ([5.0, 5.1], -128), ([-5.0, -4.0], 127)],
)
def test_asymmetric_ranges_are_widened_to_contain_zero(row, zero_point):
    rows = hybrid.quantize_rows_asymmetric(np.array([row], np.float32))
    assert rows.zero_point.tolist() == [zero_point]
    assert rows.scale[0] == np.float32((max(*row, 0) - min(*row, 0)) / 255)


def test_blocks_of_8_round_up_just_below_a_half_and_the_rest_does_not():
    below_half = np.nextafter(np.float32(0.5), np.float32(0))
    row = np.array([127.0, *[below_half] * 8], np.float32)  # scale 1
    assert hybrid.quantize_rows_symmetric(row[np.newaxis]).stored.tolist() == [[127, *[1] * 7, 0]]


@pytest.mark.parametrize("quantize", QUANTIZERS.values())
def test_what_is_read_back_lies_within_half_a_step(quantize):
    x = np.random.default_rng(5).normal(0.3, 2, (50, 37)).astype(np.float32)
    stored, scale, zero_point = quantize(x)
    back = scale[:, np.newaxis] * (stored.astype(np.float64) - zero_point[:, np.newaxis])
    # An asymmetric zero point is rounded: up to half a step is lost at one end of the range.
    assert (np.abs(back - x) / scale[:, np.newaxis]).max() < 1.001


@pytest.mark.parametrize("quantize", QUANTIZERS.values())
def test_rows_do_not_influence_each_other_and_inputs_stay(quantize):
    x = np.random.default_rng(6).normal(size=(2, 3, 11)).astype(np.float32)
    kept = x.copy()
    together = quantize(x)
    assert [part.shape for part in together] == [(2, 3, 11), (2, 3), (2, 3)]
    alone = quantize(x[1:, 2:])
    for whole, part in zip(together, alone, strict=True):
        np.testing.assert_array_equal(whole[1:, 2:], part)
    np.testing.assert_array_equal(x, kept)


def test_the_dot_product_is_exact_without_minus_128():
    rng = np.random.default_rng(7)
    weights = rng.integers(-127, 128, (5, 100)).astype(np.int8)
    x = rng.integers(-128, 128, (3, 100)).astype(np.int8)
    exact = x.astype(np.int64) @ weights.T.astype(np.int64)
    np.testing.assert_array_equal(hybrid.signed_dot_product(weights, x), exact)


def test_row_sums_are_exact_up_to_2048_columns():
    for value in (-128, 127):
        weights = np.full((2, 2048), value, np.int8)
        assert hybrid.row_sums_in_int16_lanes(weights).tolist() == [2048 * value] * 2
    ramp = np.arange(-60, 61).astype(np.int8)[np.newaxis]  # 121 columns: blocks of 16, 8 and 1
    assert hybrid.row_sums_in_int16_lanes(ramp + 1).tolist() == [121]
