import numpy as np
import pytest

from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.choices import SeededChoices
from quantlib.testing.integer_graphs import KINDS, integer_graph
from quantlib.testing.twisted import twisted, with_open_batch


@pytest.mark.parametrize("kind", KINDS)
def test_networks_have_about_as_many_operators_as_asked_for_and_run(kind):
    for seed in range(5):
        case = integer_graph(SeededChoices(seed), kind, 10)
        assert 10 <= len(case.model.subgraphs[0].operators) <= 13
        outputs = run(case.model, *case.inputs)
        assert len(outputs) == len(case.model.subgraphs[0].outputs) > 0
        assert read_model(write_model(case.model)) == case.model


def test_most_results_neither_vanish_nor_saturate():
    spread = []
    for seed in range(20):
        case = integer_graph(SeededChoices(seed), "int8", 8)
        spread += [len(np.unique(output)) / output.size for output in run(case.model, *case.inputs)]
    assert np.mean(spread) > 0.1


def test_a_twisted_network_computes_what_it_did():
    twists = set()
    for seed in range(40):
        choices = SeededChoices(seed)
        case = integer_graph(choices, "int8", 6)
        other = twisted(choices, case)
        held = dict(zip(case.model.subgraphs[0].outputs, run(case.model, *case.inputs), strict=True))
        subgraph = other.model.subgraphs[0]
        for index, output in zip(subgraph.outputs, run(other.model, *other.inputs), strict=True):
            if index in held:
                assert_bit_exact(output, held[index])
        computed = {index for operator in subgraph.operators for index in operator.outputs}
        read = {index for operator in subgraph.operators for index in operator.inputs}
        twists |= {
            "read output" * bool(read & set(subgraph.outputs)),
            "input is output" * bool(set(subgraph.inputs) & set(subgraph.outputs)),
            "constant is output" * bool(set(subgraph.outputs) - computed - set(subgraph.inputs)),
            "unread input" * bool(set(subgraph.inputs) - read),
            "dead operator" * bool(computed - read - set(subgraph.outputs)),
            "other order" * (subgraph.operators != case.model.subgraphs[0].operators),
        }
    assert len(twists - {""}) == 6


def test_an_open_batch_repeats_every_sample():
    case = integer_graph(SeededChoices(3), "int8", 6)
    several = with_open_batch(case, 3)
    assert [len(array) for array in several.inputs] == [3] * len(case.inputs)
    for one, output in zip(run(case.model, *case.inputs), run(several.model, *several.inputs), strict=True):
        assert_bit_exact(output[:1], one)
