import numpy as np
import pytest

from quantlib.arithmetic.bounds import AnyOrder, WithinUlp, gamma

ANY = AnyOrder("some order")


def products(rng, rows=200, terms=300):
    x = rng.normal(0, 10.0 ** rng.integers(-3, 4, (rows, terms))).astype(np.float32)
    w = rng.normal(0, 1, (rows, terms)).astype(np.float32)
    return x, w


def added(terms):
    total = np.zeros(len(terms), np.float32)
    for column in terms.T:
        total += column
    return total


@pytest.mark.parametrize("seed", range(5))
def test_sums_in_any_order_lie_within_the_bound_and_need_a_good_part_of_it_when_few(seed):
    rng = np.random.default_rng(seed)
    x, w = products(rng)
    terms = x * w
    magnitudes = added(np.abs(terms))
    forward, backward = added(terms), added(terms[:, ::-1])
    pairwise = terms.reshape(len(terms), -1, 4).sum(axis=1, dtype=np.float32).sum(axis=1, dtype=np.float32)
    exact = (x.astype(np.float64) * w).sum(axis=1)
    allowed = ANY.allowed(magnitudes, terms.shape[1])
    for one in (backward, pairwise):
        assert (np.abs(forward.astype(np.float64) - one) <= allowed).all()
        assert (forward != one).any()
    assert (np.abs(forward - exact) <= allowed / 2).all()


def test_a_sum_that_forgets_an_ordinary_term_lies_beyond_the_bound():
    x, w = products(np.random.default_rng(9))
    terms = np.sign(x) * w
    allowed = ANY.allowed(added(np.abs(terms)), terms.shape[1])
    off = np.abs(added(terms).astype(np.float64) - added(terms[:, :-1]))
    assert np.count_nonzero(off > allowed) > 190  # of 200; a term may be near 0


def test_nothing_is_said_of_sums_that_are_not_finite_or_have_too_many_terms():
    assert np.isinf(ANY.allowed(np.float32([np.inf, np.nan]), 3)).all()
    assert np.isinf(ANY.allowed(np.float32([1.0]), 1 << 24)).all()


def test_terms_too_small_for_a_normal_number_may_be_dropped():
    assert ANY.allowed(np.float32([0.0]), 3)[0] >= 3 * float(np.finfo(np.float32).tiny)


def test_gamma_grows_faster_than_the_count():
    assert gamma(1 << 10) > (1 << 10) * gamma(1) > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_units_are_those_of_our_result_and_a_small_one_may_be_zero(dtype):
    bound = WithinUlp(3, "", "")
    ours = dtype([1.0, -1.0, np.finfo(dtype).tiny / 2])
    allowed = bound.allowed(ours, ours)
    info = np.finfo(dtype)
    assert allowed[:2].tolist() == [3 * float(info.eps) + float(info.tiny)] * 2
    assert allowed[2] >= ours[2]


def test_outside_of_the_domain_nothing_is_said_and_infinity_must_be_met():
    bound = WithinUlp(3, "", "", domain=(-1, 1))
    x = np.float32([0.5, 2.0, np.nan, np.inf])
    assert np.isinf(bound.allowed(np.ones(4, np.float32), x)).tolist() == [False, True, True, True]
    assert bound.allowed(np.float32([np.inf]), np.float32([0.5])).tolist() == [0.0]
