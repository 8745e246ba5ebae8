"""Random float models, every recipe: what we write loads in LiteRT and gives our outputs, bit for bit."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.errors import InvalidInputError, OracleError, QuantlibError, UnsupportedError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.oracle.compare import compare
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.testing.choices import SeededChoices
from quantlib.testing.float_graphs import float_graph
from quantlib.testing.model_conformance import inputs_for
from quantlib.testing.single_operator import generators

RECIPES = (
    FullInteger(),
    FullInteger(np.uint8, np.uint8),
    FullInteger(np.int8, np.int8, per_channel=False),
    Int16x8(),
    Int16x8(np.int16, np.int16, bias=np.int32),
    DynamicRange(min_elements=0),
    Float16(),
)
WITHOUT_RANGES = RECIPES[-2:]

SINGLE = [
    generator
    for (_, configuration), generator in generators().items()
    if configuration.startswith("float32") and " to " not in configuration
]
NOT_IN_THE_REFERENCE_RESOLVER = "Didn't find op for builtin opcode"
"""ELU, and versions of TILE and DEPTH_TO_SPACE: the resolver lacks them for anybody's files."""

OF_THE_GENERATOR = ("depth_multiplier", "a divisor of 0")
"""Float kernels do not read the one, so the models hold any number; random divisors may be next to 0."""

pytestmark = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


@dataclass
class Tally:
    """What became of some models."""

    files: int = 0
    elements: int = 0
    wrong: list[str] = field(default_factory=list)

    def try_all(self, case, seed, litert):
        """Every recipe on one model."""
        try:
            ranges = calibrate(case.model, [list(case.inputs)])
        except InvalidInputError:  # NaN, infinities, or no elements at all
            ranges = {}
        for recipe in RECIPES if ranges else WITHOUT_RANGES:
            result = quantize_model(case.model, recipe, ranges)
            if result.report.changed:
                self.compare(case, result.model, f"seed {seed} {recipe}", litert)

    def compare(self, case, made, where, litert):
        model = read_model(write_model(made))
        tensors = [model.subgraphs[0].tensors[index] for index in model.subgraphs[0].inputs]
        inputs = [
            real if tensor.type.dtype == real.dtype else codes
            for tensor, real, codes in zip(tensors, case.inputs, inputs_for(model, "uniform"), strict=True)
        ]
        try:
            found = compare(model, *inputs, litert=litert)
        except OracleError as error:
            if NOT_IN_THE_REFERENCE_RESOLVER not in str(error):
                self.wrong.append(f"{where}: {error}")
            return
        except QuantlibError as error:
            if not any(words in str(error) for words in OF_THE_GENERATOR):
                self.wrong.append(f"{where}: {error}")
            return
        self.files += 1
        self.elements += found.elements
        if found.differing:
            self.wrong.append(f"{where}: {found.first_divergence}")


def mixed_requests(case, ranges, seed):
    """Recipes by pattern, operators kept in float, ranges that are missing, fewer scales."""
    rng = random.Random(seed)
    graph = case.model.subgraphs[0]
    names = sorted({case.model.operator_codes[operator.opcode_index].name for operator in graph.operators})
    outputs = [graph.tensors[operator.outputs[0]].name for operator in graph.operators]
    keep = rng.sample(outputs, rng.randint(0, len(outputs) // 2))
    some = {name: ends for name, ends in ranges.items() if rng.random() > 0.15}
    others = (DynamicRange(0), Float16())
    for integer in (FullInteger(), Int16x8()):
        by_name = {name: rng.choice((integer, *others)) for name in rng.sample(names, len(names) // 2)}
        yield {**by_name, "*": integer}, ranges, keep
    yield FullInteger(np.int8, np.int8), ranges, keep
    yield FullInteger(np.uint8, np.int8), some, ()
    yield FullInteger(per_channel_dense=False), ranges, ()
    yield Int16x8(per_channel=False), ranges, keep
    yield DynamicRange(0, per_channel=False), None, keep
    yield Float16(), None, keep


def mixed_networks(seeds, litert):
    tally = Tally()
    for seed in seeds:
        case = float_graph(SeededChoices(seed), 4 + seed % 12)
        ranges = calibrate(case.model, [list(case.inputs)])
        for recipe, known, keep in mixed_requests(case, ranges, seed):
            result = quantize_model(case.model, recipe, known, keep_float=keep)
            tally.compare(case, result.model, f"seed {seed} {recipe} {keep}", litert)
    return tally


@pytest.fixture(scope="module")
def litert():
    with LiteRT() as running:
        yield running


def networks(seeds, litert):
    tally = Tally()
    for seed in seeds:
        tally.try_all(float_graph(SeededChoices(seed), 4 + seed % 12), seed, litert)
    return tally


def operators(seeds, litert):
    tally = Tally()
    for generator in SINGLE:
        for seed in seeds:
            tally.try_all(generator.make(SeededChoices(seed)), f"{generator} {seed}", litert)
    return tally


def test_random_networks_run_in_litert_and_are_equal(litert):
    tally = networks(range(12), litert)
    assert tally.wrong == []
    assert tally.files > 12 * 6


def test_mixed_precision_runs_in_litert_and_is_equal(litert):
    tally = mixed_networks(range(6000, 6006), litert)
    assert tally.wrong == []
    assert tally.files == 6 * 8


def test_random_operators_run_in_litert_and_are_equal(litert):
    tally = operators([1000], litert)
    assert tally.wrong == []
    assert tally.files > 300


@pytest.mark.slow
def test_hundreds_of_random_networks_run_in_litert_and_are_equal(litert):
    tally = networks(range(12, 400), litert)
    assert tally.wrong == []
    assert tally.files > 388 * 6


@pytest.mark.slow
def test_mixed_precision_of_hundreds_of_networks_is_equal(litert):
    tally = mixed_networks(range(6006, 6156), litert)
    assert tally.wrong == []
    assert tally.files == 150 * 8


@pytest.mark.slow
def test_hundreds_of_random_operators_run_in_litert_and_are_equal(litert):
    tally = operators(range(1001, 1009), litert)
    assert tally.wrong == []
    assert tally.files > 2400


@pytest.mark.parametrize("seed", range(8))
def test_strict_says_of_a_random_network_what_the_report_says(seed):
    case = float_graph(SeededChoices(seed), 10)
    ranges = calibrate(case.model, [list(case.inputs)])
    left = quantize_model(case.model, FullInteger(), ranges).report.float_operators
    if not left:
        assert quantize_model(case.model, FullInteger(strict=True), ranges).report.float_operators == ()
        return
    with pytest.raises(UnsupportedError) as caught:
        quantize_model(case.model, FullInteger(strict=True), ranges)
    assert all(str(entry) in str(caught.value) for entry in left)
