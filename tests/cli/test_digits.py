"""The shipped model: it is what it says, and gives the bits of LiteRT."""

import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.cli.digits import integers, network, train
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import TensorType
from quantlib.model.validate import validate
from quantlib.oracle.compare import compare
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.runtime.execute import run
from quantlib.runtime.trace import Produced
from quantlib.testing.assertions import assert_bit_exact

PATHS = {"float": digits.float_model_path(), "int8": digits.int8_model_path()}
ACCURACY = {"float": 0.988, "int8": 0.990}


@pytest.fixture(scope="module", params=PATHS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return read_model(PATHS[name])


def tensors_of(model, image):
    """Every tensor that an operator computes, by index."""
    seen = {}

    def watch(event):
        if isinstance(event, Produced):
            seen[event.tensor] = event.value

    run(model, image[None], watch=watch)
    return seen


def test_it_is_the_network_of_the_tutorial(model):
    subgraph = model.subgraphs[0]
    names = [model.operator_codes[operator.opcode_index].name for operator in subgraph.operators]
    assert names == ["RESHAPE", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED"]
    assert [tensor.name for tensor in subgraph.tensors if not tensor.name] == []


def test_it_is_valid(model):
    validate(model)


def test_it_has_a_signature_and_one_input_and_output(model):
    (signature,) = model.signatures
    subgraph = model.subgraphs[0]
    assert signature.key == "serving_default"
    assert signature.inputs == (("image", subgraph.inputs[0]),)
    assert signature.outputs == (("scores", subgraph.outputs[0]),)
    assert [subgraph.tensors[i].shape for i in subgraph.inputs + subgraph.outputs] == [(1, 8, 8), (1, 10)]


def test_the_int8_model_is_integer_from_end_to_end():
    model = read_model(PATHS["int8"])
    assert {tensor.type for tensor in model.subgraphs[0].tensors} == {TensorType.INT8, TensorType.INT32}


def test_it_is_a_few_tens_of_kilobytes(name):
    assert 5_000 < PATHS[name].stat().st_size < 50_000


def test_reading_and_writing_it_changes_nothing(name, model):
    assert write_model(model) == PATHS[name].read_bytes()


def test_accuracy_on_the_test_images_is_as_stated(name, model):
    images, labels = digits.test_images()
    scores = np.concatenate([run(model, image[None])[0] for image in digits.stored_images(model, images)])
    assert np.mean(scores.argmax(axis=1) == labels) == ACCURACY[name]


def test_every_tensor_equals_the_recorded_one(name, model):
    images, _ = digits.test_images()
    recorded = digits.recorded_tensors(name)
    count = train.RECORDED[name]
    computed = {i for operator in model.subgraphs[0].operators for i in operator.outputs}
    assert set(recorded) == computed
    for position, image in enumerate(digits.stored_images(model, images[:count])):
        for index, ours in tensors_of(model, image).items():
            assert_bit_exact(ours, recorded[index][position])


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
def test_every_tensor_equals_litert_live(model):
    images, _ = digits.test_images()
    with LiteRT() as litert:
        for image in digits.stored_images(model, images[::10]):
            comparison = compare(model, image[None], litert=litert)
            assert comparison.equal, str(comparison)
            assert len(comparison.tensors) == len(model.subgraphs[0].operators)


def test_the_int8_file_follows_from_the_float_file_and_the_calibration_images():
    model = read_model(PATHS["float"])
    again = write_model(integers.quantized(model, digits.calibration_images()))
    assert again == PATHS["int8"].read_bytes()


def test_test_images_are_not_among_the_calibration_images():
    images, labels = digits.test_images()
    tested = {image.tobytes() for image in images}
    assert not tested & {image.tobytes() for image in digits.calibration_images()}
    assert np.bincount(labels, minlength=10).min() > 30


def test_training_learns_to_tell_bright_from_dark():
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    images = random.uniform(0, 0.3, (200, 8, 8)) + 0.7 * labels[:, None, None]
    losses = []
    weights = train.train(images, labels, epochs=10, progress=lambda epoch, loss: losses.append(loss))
    assert losses[-1] < losses[0] / 4
    model = network.build(weights)
    scores = [run(model, image[None].astype(np.float32))[0].argmax() for image in images]
    assert np.mean(np.array(scores) == labels) > 0.95


def test_gradients_are_those_of_the_loss():
    random = np.random.default_rng(0)
    values = [random.normal(0, 0.5, shape) for shape in ((9, 4), (4,), (36, 10), (10,))]
    images, labels = random.random((3, 8, 8)), np.array([1, 7, 7])
    _, gradients = train._loss(values, images, labels, np.random.default_rng(1))
    for value, gradient in zip(values, gradients, strict=True):
        spot = tuple(random.integers(0, extent) for extent in value.shape)
        start, step = value[spot], 1e-6
        sides = []
        for moved in (start + step, start - step):
            value[spot] = moved
            sides.append(train._loss(values, images, labels, np.random.default_rng(1))[0])
        value[spot] = start
        assert gradient[spot] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-8)
