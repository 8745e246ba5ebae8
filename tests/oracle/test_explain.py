import re
from fractions import Fraction

import numpy as np
import pytest

import quantlib as ql
from quantlib.arithmetic import requantize
from quantlib.errors import InvalidInputError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.add import AddOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.oracle.compare import compare
from quantlib.oracle.cut import exposed, open_inputs, single_operator
from quantlib.oracle.rounding_steps import rounding_steps
from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.choices import SeededChoices
from quantlib.testing.single_operator import Graph, generators, quantization

ZERO = np.zeros((1, 1, 1, 1), np.int8)


def two_convolutions(accumulators):
    """The first gives `accumulators` scaled by 0.0125, the second twice that."""
    graph = Graph()
    x = graph.input((1, 1, 1, 1), TensorType.INT8, quantization(0.5))
    count = len(accumulators)
    middle = graph.tensor((1, 1, 1, count), TensorType.INT8, quantization(0.125 / 0.0125))
    y = graph.output((1, 1, 1, 1), TensorType.INT8, quantization(0.5))
    for source, target, weights, bias in (
        (x, middle, np.ones((count, 1, 1, 1), np.int8), np.int32(accumulators)),
        (middle, y, np.full((1, 1, 1, count), 2, np.int8), np.int32([0])),
    ):
        filters = len(weights)
        w = graph.constant(weights, TensorType.INT8, quantization(np.full(filters, 0.25)))
        b = graph.constant(bias, TensorType.INT32, quantization(np.full(filters, 0.125)))
        graph.operator("CONV_2D", [source, w, b], [target], Conv2DOptions(stride_w=1, stride_h=1), version=3)
    return graph.model()


@pytest.fixture(scope="module")
def tie():
    """-1960 times 0.0125 is a tie, which reference and optimized kernels round differently."""
    return two_convolutions([8, -1960])


@pytest.mark.parametrize(
    ("rule", "acc", "last"),
    [
        (requantize.two_roundings, -1999, "/ 2**1 = -599.5 (exactly a tie); half away from zero: -600"),
        (requantize.two_roundings_half_up, -1999, "/ 2**1 = -599.5 (exactly a tie); half up: -599"),
        (requantize.one_rounding, -1999, "accumulator * multiplier / 2**32 = -599.70000009; half up: -600"),
        (
            requantize.float64_half_away,
            -1999,
            "-1999 * 0.3 = -599.6999999999999 in float64; half away from zero: -600",
        ),
    ],
)
def test_every_rule_is_spelled_and_ends_in_its_own_result(rule, acc, last):
    assert rounding_steps(rule(0.3), acc, (0,))[-1] == last
    assert int(rule(0.3)(np.array([acc]))[0]) == int(last.rsplit(": ", 1)[1])


def test_channels_have_their_own_multipliers():
    steps = [rounding_steps(requantize.two_roundings([0.5, 0.25]), 100, (channel,))[-1] for channel in (0, 1)]
    assert [step.rsplit(": ", 1)[1] for step in steps] == ["50", "25"]


def test_an_explanation_names_both_roundings_and_the_nearer_side(tie):
    text = compare(tie, ZERO, kernels="reference", against="optimized").explain()
    assert "CONV_2D #0, element [0, 0, 0, 1]" in text
    assert "accumulator -1960, of which bias -1960" in text
    assert "half away from zero: -25" in text
    assert "half up: -24" in text
    assert "verdict" in text


def test_values_without_a_kernel_are_matched_with_every_rule(tie):
    ours = compare(tie, ZERO, against="reference").evidence.ours
    middle = tie.subgraphs[0].operators[0].outputs[0]
    theirs = ours[middle].copy()
    theirs[..., 1] += 1  # -24, where the reference kernels say -25
    text = compare(tie, ZERO, against={middle: theirs}).explain()
    assert "= two roundings, half up" in text
    assert "  two roundings, half up then half away" in text


def test_equal_engines_have_nothing_to_explain_and_nothing_to_reproduce(tie, tmp_path):
    same = compare(tie, ZERO, against="reference")
    assert "agree on all" in same.explain()
    with pytest.raises(InvalidInputError, match="no difference"):
        same.reproducer(tmp_path)


def test_elements_and_tensors_that_are_not_there_are_refused(tie):
    comparison = compare(tie, ZERO, kernels="reference", against="optimized")
    with pytest.raises(InvalidInputError, match="tensor"):
        comparison.explain(tensor=999)
    with pytest.raises(InvalidInputError, match="element"):
        comparison.explain(element=(0, 0, 0, 9))


def test_a_reproducer_is_one_operator_that_still_differs(tie, tmp_path):
    path = compare(tie, ZERO, kernels="reference", against="optimized").reproducer(tmp_path / "new")
    model = ql.read_model(path)
    with np.load(path.with_suffix(".npz")) as inputs:
        again = compare(model, dict(inputs), kernels="reference", against="optimized")
    assert len(model.subgraphs[0].operators) == 1
    assert again.differing == 1
    assert len(model.buffers) == 3  # the empty one, weights, bias


def test_an_operator_cut_out_computes_what_it_did_inside(tie):
    held = compare(tie, ZERO, against="reference").evidence.ours
    second = single_operator(tie, 1)
    (source,) = open_inputs(tie, 1)
    (y,) = run(second, held[source])
    assert_bit_exact(y, held[tie.subgraphs[0].outputs[0]])


def test_an_exposed_model_shows_every_tensor_and_its_own_outputs_first(tie):
    (y,) = run(tie, ZERO)
    shown = run(exposed(tie), ZERO)
    assert_bit_exact(shown[0], y)
    assert len(shown) == 2


PAIRS = (("reference", "optimized"), ("reference", "xnnpack"), ("optimized", "xnnpack"))
FOLLOWED = [
    generator
    for (operator, configuration), generator in generators().items()
    if operator in ("ADD", "SUB", "MUL", "QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
    and configuration.split()[0] in ("int8", "uint8", "int16")
]


def explanations(generator, seeds):
    """Of the first difference in every random model and pair of families."""
    for seed in seeds:
        case = generator.make(SeededChoices(seed))
        for ours, theirs in PAIRS:
            try:
                comparison = compare(case.model, *case.inputs, kernels=ours, against=theirs)
            except UnsupportedError:
                continue
            if not comparison.equal:
                yield comparison.explain()


@pytest.mark.parametrize("generator", FOLLOWED, ids=str)
def test_the_steps_of_either_side_end_in_its_own_code(generator):
    ended = re.compile(r": (-?\d+)\n    \+ (-?\d+), clamped to (-?\d+) \.\. (-?\d+): (-?\d+)$", re.MULTILINE)
    for text in explanations(generator, range(12)):
        for found in ended.findall(text):
            units, zero_point, low, high, code = map(int, found)
            assert min(max(units + zero_point, low), high) == code, text


def added(kernels, against):
    """ADD of 24 elements, so that 16 fill a block and 8 are left over."""
    graph = Graph()
    x = graph.input((24,), TensorType.INT8, quantization(0.1, 3))
    y = graph.input((24,), TensorType.INT8, quantization(0.07, -5))
    z = graph.output((24,), TensorType.INT8, quantization(0.15, 1))
    graph.operator("ADD", [x, y], [z], AddOptions(pot_scale_int16=False), version=2)
    codes = np.random.default_rng(4).integers(-128, 128, (2, 24), np.int8)
    return compare(graph.model(), *codes, kernels=kernels, against=against)


def test_families_that_add_in_units_of_their_own_show_their_own_accumulators():
    comparison = added("reference", "xnnpack")
    text = comparison.explain(tensor=2, element=(0,))
    reference, xnnpack = re.findall(r"    accumulator (-?\d+) = (-?\d+) \+ (-?\d+)", text)
    assert reference != xnnpack
    for total, first, second in (reference, xnnpack):
        assert int(total) == int(first) + int(second)
    x, y = (comparison.evidence.known[index][0] for index in (0, 1))
    exact = (
        Fraction(float(np.float32(0.1))) * (x - 3) + Fraction(float(np.float32(0.07))) * (y + 5)
    ) / Fraction(float(np.float32(0.15)))
    assert f"exact value {float(exact):.11g}, zero point 1" in text


def test_an_element_is_explained_by_the_arithmetic_of_its_place_in_the_block():
    comparison = added("optimized", "reference")
    assert "in a full vector block" in comparison.explain(tensor=2, element=(3,))
    left_over = comparison.explain(tensor=2, element=(20,))
    assert "in what is left over" in left_over
    assert "wrapped to int16" not in left_over


def test_values_of_an_operator_that_adds_are_matched_with_every_family():
    theirs = np.array(added("optimized", "reference").evidence.ours[2])
    theirs[0] += 1
    text = added("optimized", {2: theirs}).explain()
    assert re.search(r"^ +reference: -?\d+$", text, re.MULTILINE)
    assert "  verdict: optimized gives the nearest code" in text


def test_the_multiplier_of_a_transpose_convolution_is_that_of_data_and_weights():
    seen = 0
    for text in explanations(generators()["TRANSPOSE_CONV", "int8 per channel"], range(12)):
        (real,) = re.findall(r"real multiplier (\S+) =", text)
        assert float(real) > 0
        seen += 1
    assert seen


def test_what_has_no_accumulator_still_has_an_exact_value():
    for text in explanations(generators()["MEAN", "int8 images"], range(12)):
        assert "exact value" in text
        assert "verdict" in text
        return
    pytest.fail("no difference found")


def test_a_difference_that_is_not_claimed_says_why():
    graph = Graph()
    x = graph.input((1, 3), TensorType.FLOAT32)
    w = graph.constant(np.ones((1, 3), np.float32), TensorType.FLOAT32)
    y = graph.output((1, 1), TensorType.FLOAT32)
    graph.operator("FULLY_CONNECTED", [x, w], [y], FullyConnectedOptions())
    theirs = {y: np.float32([[9.0]])}
    text = compare(
        graph.model(), np.ones((1, 3), np.float32), kernels="tflite-2.14/optimized", against=theirs
    ).explain()
    assert "not claimed: another release of Eigen" in text
    assert "given values: 9" in text
