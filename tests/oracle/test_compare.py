import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.errors import InvalidInputError, OracleError, UnsupportedError
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import TensorType
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops.batch_matmul import BatchMatMulOptions
from quantlib.ops.fully_connected import FullyConnectedOptions as Dense
from quantlib.ops.mul import MulOptions
from quantlib.oracle.compare import compare, count_differing
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import Float16
from quantlib.runtime.execute import input_values
from quantlib.runtime.plan import make_plan
from quantlib.testing.single_operator import Graph, quantization

needs_litert = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


@pytest.fixture(scope="module")
def model():
    return read_model(digits.int8_model_path())


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(-128, 128, (1, 8, 8), np.int8)


@pytest.fixture(scope="module")
def values(model, image):
    """Every tensor's value by index, as we compute it."""
    held = make_plan(model).run(input_values(model, [image]), keep_all=True)
    return {index: np.array(array) for index, array in held.items()}


@needs_litert
def test_every_tensor_of_the_shipped_model_equals_litert(model, image):
    result = compare(model, image)
    assert result.equal
    assert len(result.tensors) == len(model.subgraphs[0].operators)
    assert result.unavailable == ()


def test_values_from_elsewhere_are_compared_by_name_or_index(model, image, values):
    tensors = model.subgraphs[0].tensors
    given = {tensors[index].name: array for index, array in values.items()}
    assert compare(model, image, against=given).equal
    assert compare(model, image, against={str(index): array for index, array in values.items()}).equal


def test_the_first_divergent_operator_is_named_and_judged_alone(model, image, values):
    conv = model.subgraphs[0].operators[1].outputs[0]
    theirs = {index: array.copy() for index, array in values.items()}
    theirs[conv][0, 2, 3, 5] += 3
    result = compare(model, image, against=theirs)
    first = result.first_divergence
    assert not result.equal
    assert (first.operator, first.operator_name, first.tensor) == (1, "CONV_2D", conv)
    assert (first.differing, first.first_index, first.maximum_difference) == (1, (0, 2, 3, 5), 3.0)
    assert first.theirs - first.ours == 3
    assert first.isolated_differing == 1
    assert "CONV_2D #1" in str(result)


def test_a_difference_upstream_is_not_charged_to_the_operator_downstream(model, image, values):
    plan = make_plan(model)
    other = np.roll(image, 1)
    theirs = plan.run(input_values(model, [other]), keep_all=True)
    theirs = {index: array for index, array in theirs.items() if index not in model.subgraphs[0].inputs}
    rows = compare(model, image, against=theirs).tensors
    assert rows[0].isolated_differing > 0
    assert any(row.differing for row in rows[1:])
    assert all(row.isolated_differing == 0 for row in rows[1:])


def test_tensors_nobody_gave_are_listed(model, image, values):
    last = model.subgraphs[0].outputs[0]
    result = compare(model, image, against={last: values[last]})
    assert result.equal
    assert len(result.tensors) == 1
    assert len(result.unavailable) == len(model.subgraphs[0].operators) - 1


def test_unknown_tensors_are_refused(model, image):
    with pytest.raises(InvalidInputError, match="against"):
        compare(model, image, against={"no such tensor": image})


def test_unknown_kernel_sets_are_refused(model, image):
    with pytest.raises(UnsupportedError, match="kernels"):
        compare(model, image, against="other")


def test_arrays_of_another_shape_or_dtype_differ_everywhere():
    assert count_differing(np.zeros(3, np.int8), np.zeros(4, np.int8)) == 4
    assert count_differing(np.zeros(3, np.int8), np.zeros(3, np.uint8)) == 3


@needs_litert
def test_what_litert_refuses_is_an_oracle_error_and_the_next_question_is_answered(model, image):
    with LiteRT() as litert:
        with pytest.raises(OracleError, match="LiteRT"):
            litert.run(b"not a model", [image])
        assert compare(model, image, litert=litert).equal


@needs_litert
def test_a_model_that_kills_litert_is_an_oracle_error_and_the_next_question_is_answered(model, image):
    # TRANSPOSE without the tensor to transpose: the kernel follows a null pointer.
    graph = Graph()
    graph.input((2, 3), TensorType.INT8)
    permutation = graph.constant(np.int32([1, 0]), TensorType.INT32)
    graph.operator("TRANSPOSE", [-1, permutation], [graph.output((3, 2), TensorType.INT8)])
    deadly = write_model(graph.model())
    with LiteRT() as litert:
        with pytest.raises(OracleError, match="died with status"):
            litert.run(deadly, [np.zeros((2, 3), np.int8)])
        assert compare(model, image, litert=litert).equal


@pytest.fixture(scope="module")
def float_model():
    return read_model(digits.float_model_path())


@pytest.fixture(scope="module")
def real_image():
    return np.random.default_rng(1).random((1, 8, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def real_values(float_model, real_image):
    held = make_plan(float_model, kernels="optimized").run(
        input_values(float_model, [real_image]), keep_all=True
    )
    return {index: np.array(array) for index, array in held.items()}


def test_what_is_not_claimed_is_held_against_its_bound(float_model, real_image, real_values):
    scores = float_model.subgraphs[0].outputs[0]
    theirs = {**real_values, scores: np.nextafter(real_values[scores], np.float32(99))}
    result = compare(float_model, real_image, kernels="tflite-2.14/optimized", against=theirs)
    dense = result.tensors[-1]
    assert not dense.claimed
    assert 0 < dense.bound_share <= 1
    assert (result.equal, result.as_claimed) == (False, True)
    assert "of the bound of 2 γ Σ|x·w|" in str(dense)


def test_a_difference_beyond_the_bound_is_a_divergence(float_model, real_image, real_values):
    conv = float_model.subgraphs[0].operators[1].outputs[0]
    theirs = dict(real_values)
    within, beyond = theirs[conv].copy(), theirs[conv].copy()
    index = np.unravel_index(np.argmax(within), within.shape)
    within[index] = np.nextafter(within[index], np.float32(np.inf))
    beyond[index] += 1e-3
    for changed, broken in ((within, 0), (beyond, 1)):
        plan = make_plan(float_model, kernels="tflite-2.14/optimized")
        following = {conv: changed}
        for step in plan.steps[2:]:
            inputs = (following.get(i, theirs[i]) for i in step.inputs)
            following[step.outputs[0]] = np.asarray(step.kernel(*inputs))
        result = compare(
            float_model, real_image, kernels="tflite-2.14/optimized", against={**theirs, **following}
        )
        row = result.tensors[1]
        assert not result.equal
        assert result.as_claimed == (not broken)
        assert (row.beyond_bound, row.differing) == (broken, 1)
        assert ("beyond the bound" in str(row)) == bool(broken)


def test_what_follows_from_a_tensor_that_is_not_claimed_says_so(float_model, real_image, real_values):
    rows = compare(float_model, real_image, kernels="tflite-2.14/optimized", against=real_values).tensors
    assert [row.follows_unclaimed for row in rows] == [False, False, True, True, True]
    pool = float_model.subgraphs[0].operators[2].outputs[0]
    theirs = {index: real_values[index] for index in (pool,)}
    theirs[pool] = np.nextafter(theirs[pool], np.float32(9))
    (row,) = compare(float_model, real_image, kernels="tflite-2.14/optimized", against=theirs).tensors
    assert row.differing
    assert row.isolated_differing is None
    assert not row.breaks_claim
    assert "follows what is not claimed" in str(row)


def test_a_claimed_operator_that_differs_on_their_inputs_breaks_its_claim_wherever_it_stands(
    float_model, real_image, real_values
):
    pool = float_model.subgraphs[0].operators[2].outputs[0]
    theirs = dict(real_values)
    theirs[pool] = np.nextafter(real_values[pool], np.float32(9))
    for operator in float_model.subgraphs[0].operators[3:]:
        theirs.pop(operator.outputs[0])
    result = compare(float_model, real_image, kernels="tflite-2.14/optimized", against=theirs)
    assert not result.as_claimed
    assert [row.operator_name for row in result.tensors if row.breaks_claim] == ["MAX_POOL_2D"]
    assert "first divergence: MAX_POOL_2D" in str(result)


@needs_litert
def test_weights_unpacked_by_xnnpack_s_delegate_are_not_asked_of_it(float_model, real_image):
    half = quantize_model(float_model, Float16()).model
    result = compare(half, real_image, kernels="xnnpack")
    names = [row.operator_name for row in result.tensors]
    assert "DEQUANTIZE" not in names
    assert len(result.unavailable) == 4  # weights and biases of two layers
    assert result.as_claimed
    assert all(row.isolated_differing is not None for row in result.tensors)


@needs_litert
@pytest.mark.parametrize("square", ["SQUARE", "MUL"])
def test_a_mean_of_squares_is_one_operator_to_xnnpack_and_not_claimed(square):
    graph = Graph()
    x = graph.input((5, 40, 7), TensorType.FLOAT32)
    y = graph.tensor((5, 40, 7), TensorType.FLOAT32)
    z = graph.output((5, 1, 7), TensorType.FLOAT32)
    graph.operator(square, [x, x] if square == "MUL" else [x], [y], MulOptions() if square == "MUL" else None)
    axes = graph.constant(np.int32([1]), TensorType.INT32)
    graph.operator("MEAN", [y, axes], [z], ReducerOptions(keep_dims=True))
    numbers = np.random.default_rng(0).normal(size=(5, 40, 7)).astype(np.float32)
    result = compare(graph.model(), numbers, kernels="xnnpack")
    squares, mean = result.tensors
    assert (squares.claimed, squares.differing) == (True, 0)
    assert not mean.claimed
    assert mean.differing
    assert 0 < mean.bound_share < 1
    assert result.as_claimed


@needs_litert
def test_preserving_all_tensors_changes_litert_s_own_answer():
    graph = Graph()
    x, y = graph.input((5, 40, 7), TensorType.FLOAT32), graph.tensor((5, 40, 7), TensorType.FLOAT32)
    z = graph.output((5, 1, 7), TensorType.FLOAT32)
    graph.operator("SQUARE", [x], [y])
    axes = graph.constant(np.int32([1]), TensorType.INT32)
    graph.operator("MEAN", [y, axes], [z], ReducerOptions(keep_dims=True))
    numbers = np.random.default_rng(0).normal(size=(5, 40, 7)).astype(np.float32)
    with LiteRT() as litert:
        preserved, plain = (
            litert.run(write_model(graph.model()), [numbers], kernels="xnnpack", preserve_all_tensors=all_of)
            for all_of in (True, False)
        )
    assert count_differing(preserved.tensors[z], plain.tensors[z]) == 11


@needs_litert
@pytest.mark.parametrize(("zero_point", "is_claimed"), [(0, False), (3, True)])
def test_a_product_with_dequantized_codes_is_one_operator_to_xnnpack(zero_point, is_claimed):
    graph = Graph()
    x = graph.input((2, 5, 20), TensorType.FLOAT32)
    codes = graph.input((2, 20, 7), TensorType.INT8, quantization(0.037, zero_point))
    w, y = graph.tensor((2, 20, 7), TensorType.FLOAT32), graph.output((2, 5, 7), TensorType.FLOAT32)
    graph.operator("DEQUANTIZE", [codes], [w], version=2)
    graph.operator("BATCH_MATMUL", [x, w], [y], BatchMatMulOptions())
    random = np.random.default_rng(0)
    numbers = random.normal(size=(2, 5, 20)).astype(np.float32)
    stored = random.integers(-128, 128, (2, 20, 7), np.int8)
    result = compare(graph.model(), numbers, stored, kernels="xnnpack")
    product = result.tensors[1]
    assert result.as_claimed
    assert product.claimed == is_claimed
    assert (product.differing == 0) == is_claimed


@needs_litert
def test_float16_weights_that_not_only_layers_read_are_added_in_a_way_of_xnnpack_s_own():
    random = np.random.default_rng(0)
    graph = Graph()
    x = graph.input((3, 20), TensorType.FLOAT32)
    halves = [random.normal(size=shape).astype(np.float16) for shape in ((6, 20), (6,))]
    w, bias = (graph.tensor(half.shape, TensorType.FLOAT32) for half in halves)
    for half, target in zip(halves, (w, bias), strict=True):
        graph.operator("DEQUANTIZE", [graph.constant(half, TensorType.FLOAT16)], [target], version=3)
    graph.operator("FULLY_CONNECTED", [x, w, bias], [graph.output((3, 6), TensorType.FLOAT32)], Dense())
    graph.operator("ABS", [w], [graph.output((6, 20), TensorType.FLOAT32)])
    numbers = random.normal(size=(3, 20)).astype(np.float32)
    result = compare(graph.model(), numbers, kernels="xnnpack")
    (dense,) = (row for row in result.tensors if row.operator_name == "FULLY_CONNECTED")
    assert dense.differing
    assert not dense.claimed
    assert result.as_claimed
