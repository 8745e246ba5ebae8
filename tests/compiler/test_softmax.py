"""SOFTMAX: how far the kernels' shares lie from quotients, and rows that come near a tie."""

import numpy as np
import pytest

import quantlib as ql
from quantlib.arithmetic import fixed_point, gemmlowp
from quantlib.compiler import softmax
from quantlib.model.graph import TensorType
from quantlib.ops._exponentials import ACCUMULATION_INTEGER_BITS
from quantlib.ops._reduce import sum_last_axis_float32
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.single_operator import Graph, quantization

ONE = 2**19
"""1.0 in a sum of the fixed-point kernel, which is never smaller."""

LARGEST_SUM = 2**27
"""Where a program no longer computes quotients."""


def farthest_share(sums: np.ndarray, power: int) -> float:
    """The largest distance of a fixed-point share, in codes of 256 to one, from the quotient."""
    reciprocals, bits = gemmlowp.reciprocal(sums, ACCUMULATION_INTEGER_BITS)
    exponents = bits + 31 - 8
    shares = fixed_point.saturating_rounding_doubling_high_mul(reciprocals, np.full(sums.shape, power))
    codes = np.ldexp(shares.astype(np.float64), -exponents)
    return float(np.abs(codes - 256 * (power / 2**ACCUMULATION_INTEGER_BITS) / sums).max())


def sums_to_try(count: int) -> np.ndarray:
    """Sums around powers of two, from one on, and anywhere."""
    random = np.random.default_rng(0)
    edges = [2**place + np.arange(-200, 200) for place in range(19, 28)]
    anywhere = np.exp(random.uniform(np.log(ONE), np.log(LARGEST_SUM), count)).astype(np.int64)
    return np.clip(np.concatenate([*edges, anywhere, ONE + np.arange(count)]), ONE, LARGEST_SUM - 1)


@pytest.mark.parametrize("count", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_reciprocal_in_fixed_point_errs_by_less_than_2_to_the_minus_24_of_a_share(count):
    sums = sums_to_try(count)
    for power in (2**31 - 1, 2**30, 2**30 + 1, 1_234_567_891, 987_654_321, 2**20 + 7, 1):
        # A power is never larger than the sum that holds it: what rounds to less than 1 is kept out.
        error = farthest_share(sums, power)
        assert error < 256 * 2.0**-24
        assert error < softmax._GUARD / 16


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_shares_in_float32_stay_within_their_guard(count):
    random = np.random.default_rng(1)
    for _ in range(count):
        length = int(np.exp(random.uniform(0, np.log(3000))))
        steepness = np.exp(random.uniform(np.log(1e-4), np.log(0.5)))
        below = random.integers(0, 256, (8, length)) * random.integers(0, 2, (8, 1))
        below[:, 0] = 0
        powers = np.exp(-steepness * np.arange(256)).astype(np.float32)
        terms = powers[below]
        reciprocals = np.float32(1) / (sum_last_axis_float32(terms) * np.float32(1 / 256))
        codes = (terms * reciprocals).astype(np.float64)
        exact = terms.astype(np.float64)
        quotients = 256 * exact / exact.sum(axis=1, keepdims=True)
        guard = 256 * (length + 8) * 2.0**-23
        assert np.abs(codes - quotients).max() < guard


def model(shape: tuple[int, ...], scale: float, type: TensorType = TensorType.INT8) -> ql.Model:
    graph = Graph()
    x = graph.input(shape, type, quantization(scale, 3))
    y = graph.output(shape, type, quantization(1 / 256, -128 if type is TensorType.INT8 else 0))
    graph.operator("SOFTMAX", [x], [y], SoftmaxOptions(1.0), version=2)
    return graph.model()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 10, 1001])
@pytest.mark.parametrize("type", [TensorType.INT8, TensorType.UINT8], ids=lambda type: type.name)
def test_rows_of_any_length_give_the_executors_codes(length, type, differences):
    random = np.random.default_rng(length)
    rows = max(20_000 // length, 30)
    for scale in (1e-6, 0.01, 0.11, 0.25, 3.0):
        low = 0 if type is TensorType.UINT8 else -128
        codes = random.integers(low, low + 256, (rows, length))
        codes[: rows // 2] = np.sort(
            codes[: rows // 2] // 16 * 16, axis=1
        )  # few distances, so that sums repeat
        assert differences(model((rows, length), scale, type), codes.astype(type.dtype)) == []


def test_rows_that_come_near_a_tie_go_through_the_kernel(monkeypatch):
    """512 equal codes have half a code each; of random rows a few in a thousand come near enough."""
    asked: list[int] = []
    by_kernel = softmax._Rows._by_kernel

    def counted(self, rows):
        asked.extend(rows.tolist())
        by_kernel(self, rows)

    monkeypatch.setattr(softmax._Rows, "_by_kernel", counted)
    equal = np.full((4, 512), 5, np.int8)
    equal[1:3, 1:] = -128
    random = np.random.default_rng(0).integers(-128, 128, (2000, 10)).astype(np.int8)
    for kernels, codes in (("optimized", equal), ("optimized", random), ("reference", random)):
        asked.clear()
        case = model(codes.shape, 0.02 if codes is random else 3.0)
        (found,) = ql.compile_model(case, kernels=kernels)(codes)
        assert np.array_equal(found, *ql.run(case, codes, kernels=kernels))
        if codes is equal:
            assert asked == [0, 3]
        else:
            assert 0 < len(asked) < 400


@pytest.mark.parametrize("length", [5000, 20_000])
def test_long_rows_give_the_executors_codes_or_its_refusal(length, differences):
    """The fixed-point kernel ends where exponentials sum to 512; sums in float32 err by more the longer they are."""
    random = np.random.default_rng(3)
    for codes in (
        random.integers(-128, 128, (3, length)),
        np.full((3, length), 9),
        np.concatenate([np.full((3, 511), 100), np.full((3, length - 511), -128)], axis=1),
        np.concatenate([np.full((3, 513), 100), np.full((3, length - 513), -128)], axis=1),
    ):
        for scale in (0.01, 0.2):
            assert differences(model((3, length), scale), codes.astype(np.int8)) == []


@pytest.mark.slow
def test_every_pair_of_codes_gives_the_executors_shares(differences):
    """Rows of two codes: all distances, at many scales."""
    first, second = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    codes = np.stack([first.ravel(), second.ravel()], axis=1).astype(np.int8)
    for scale in np.exp(np.linspace(np.log(1e-4), np.log(4), 40)):
        assert differences(model(codes.shape, float(scale)), codes) == []
