import dataclasses

import pytest

import quantlib as ql
from quantlib.cli import digits
from quantlib.errors import InvalidModelError
from quantlib.flatbuffer.write import write_model


@pytest.fixture(scope="module")
def broken():
    """The shipped model with an operator that reads a tensor nobody has."""
    model = ql.read_model(digits.int8_model_path())
    subgraph = model.subgraphs[0]
    first = dataclasses.replace(subgraph.operators[0], inputs=(999, 1))
    operators = (first, *subgraph.operators[1:])
    return write_model(
        dataclasses.replace(model, subgraphs=(dataclasses.replace(subgraph, operators=operators),))
    )


def test_a_file_that_breaks_a_rule_is_refused_with_its_place(broken):
    with pytest.raises(InvalidModelError, match="operator 0") as caught:
        ql.read_model(broken)
    assert (caught.value.subgraph, caught.value.operator) == (0, 0)


def test_without_validation_it_can_be_looked_at_but_not_run(broken):
    model = ql.read_model(broken, validate=False)
    assert model.subgraphs[0].operators[0].inputs == (999, 1)
    with pytest.raises(InvalidModelError):
        ql.run(model, [0])
    with pytest.raises(InvalidModelError):
        ql.Interpreter(model_content=broken)
