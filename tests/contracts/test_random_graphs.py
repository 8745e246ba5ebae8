"""Random networks, made awkward, in all three families: LiteRT's bits on every tensor, or as claimed."""

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.errors import OracleError, QuantlibError
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.oracle.compare import compare, count_differing
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.runtime.execute import run
from quantlib.testing.choices import SeededChoices
from quantlib.testing.float_graphs import float_graph
from quantlib.testing.integer_graphs import KINDS, integer_graph
from quantlib.testing.model_conformance import inputs_for
from quantlib.testing.single_operator import Case
from quantlib.testing.twisted import twisted, with_open_batch

FAMILIES = ("reference", "optimized", "xnnpack")
RECIPES = {
    "full integer": FullInteger(),
    "uint8 outside": FullInteger(np.uint8, np.uint8),
    "one scale": FullInteger(np.int8, np.int8, per_channel=False),
    "16x8": Int16x8(),
    "16x8, int32 bias": Int16x8(np.int16, np.int16, bias=np.int32),
    "dynamic range": DynamicRange(min_elements=0),
    "float16": Float16(),
}

pytestmark = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


@pytest.fixture(scope="module")
def litert():
    with LiteRT() as running:
        yield running


def integer_case(kind, seed, *, batch=False):
    choices = SeededChoices(seed)
    case = integer_graph(choices, kind, 4 + seed % 12)
    if not batch:
        return twisted(choices, case)
    names = {code.name for code in case.model.operator_codes}
    # The constant that says a transpose convolution's shape says its batch, too.
    return None if "TRANSPOSE_CONV" in names else with_open_batch(case, choices.integer(2, 3))


def quantized_case(recipe, seed):
    choices = SeededChoices(seed)
    case = float_graph(choices, 4 + seed % 9)
    ranges = {} if recipe in ("dynamic range", "float16") else calibrate(case.model, [list(case.inputs)])
    made = quantize_model(case.model, RECIPES[recipe], ranges).model
    model = read_model(write_model(made))
    tensors = [model.subgraphs[0].tensors[index] for index in model.subgraphs[0].inputs]
    drawn = inputs_for(model, "uniform", seed)
    inputs = [
        real if tensor.type.dtype == real.dtype else codes
        for tensor, real, codes in zip(tensors, case.inputs, drawn, strict=True)
    ]
    return twisted(choices, Case(model, tuple(inputs)))


def differences(case, litert, where):
    """What breaks a claim, in any family; and the outputs that no operator computed."""
    wrong = []
    subgraph = case.model.subgraphs[0]
    computed = {index for operator in subgraph.operators for index in operator.outputs}
    for kernels in FAMILIES:
        try:
            found = compare(case.model, *case.inputs, kernels=kernels, litert=litert)
        except QuantlibError as error:
            if not refused_by_litert(case, kernels, litert):
                wrong.append(f"{where} {kernels}: {error}")
            continue
        wrong += [f"{where} {kernels}: {row}" for row in found.tensors if row.breaks_claim]
        answer = litert.run(write_model(case.model), case.inputs, kernels=kernels, preserve_all_tensors=False)
        ours = run(case.model, *case.inputs, kernels=kernels)
        for index, output in zip(subgraph.outputs, ours, strict=True):
            if index not in computed and count_differing(output, answer.tensors[index]):
                wrong.append(f"{where} {kernels}: output {index}, which no operator computes")
    return wrong


def refused_by_litert(case, kernels, litert):
    """Whether LiteRT does not run it either: ELU in the reference kernels, XNNPACK's multipliers of 256."""
    try:
        litert.run(write_model(case.model), case.inputs, kernels=kernels, preserve_all_tensors=False)
    except OracleError:
        return True
    return False


def all_differences(make, seeds, litert):
    cases = ((make(seed), seed) for seed in seeds)
    return [line for case, seed in cases if case for line in differences(case, litert, f"seed {seed}")]


@pytest.mark.parametrize("kind", KINDS)
def test_integer_networks_give_litert_s_bits_on_every_tensor(kind, litert):
    assert all_differences(lambda seed: integer_case(kind, seed), range(16), litert) == []


@pytest.mark.parametrize("kind", KINDS)
def test_integer_networks_with_an_open_batch_give_litert_s_bits(kind, litert):
    assert all_differences(lambda seed: integer_case(kind, seed, batch=True), range(16), litert) == []


def test_float_networks_give_litert_s_bits_or_stay_within_bounds(litert):
    def make(seed):
        choices = SeededChoices(seed)
        return twisted(choices, float_graph(choices, 4 + seed % 9))

    assert all_differences(make, range(20), litert) == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_quantized_networks_give_litert_s_bits_on_every_tensor(recipe, litert):
    assert all_differences(lambda seed: quantized_case(recipe, seed), range(12), litert) == []


def test_the_families_part_on_these_networks_so_that_equality_means_something():
    parted = dict.fromkeys(
        (("reference", "optimized"), ("reference", "xnnpack"), ("optimized", "xnnpack")), 0
    )
    for seed in range(30):
        case = integer_case("int8", seed)
        for ours, theirs in parted:
            parted[ours, theirs] += not compare(case.model, *case.inputs, kernels=ours, against=theirs).equal
    assert min(parted.values()) >= 10, parted


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_integer_networks_give_litert_s_bits(kind, litert):
    assert all_differences(lambda seed: integer_case(kind, seed), range(1000, 1400), litert) == []
    assert all_differences(lambda seed: integer_case(kind, seed, batch=True), range(1400, 1600), litert) == []


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_hundreds_of_quantized_networks_give_litert_s_bits(recipe, litert):
    assert all_differences(lambda seed: quantized_case(recipe, seed), range(1000, 1200), litert) == []
