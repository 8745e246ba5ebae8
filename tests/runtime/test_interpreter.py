import dataclasses
import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from quantlib.errors import InvalidInputError, QuantlibError, UnsupportedError
from quantlib.flatbuffer.save import save_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Signature, TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.oracle.litert import is_available
from quantlib.runtime.interpreter import Interpreter, OpResolverType
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.single_operator import Graph, quantization


def make_model():
    """Two convolutions, int8, with a batch left open and a signature."""
    random = np.random.default_rng(5)
    graph = Graph()
    x = graph.input((1, 6, 6, 2), TensorType.INT8, quantization(0.5, 3))
    middle = graph.tensor((1, 6, 6, 3), TensorType.INT8, quantization(0.25, -7))
    y = graph.output((1, 4, 4, 4), TensorType.INT8, quantization(0.125, 11))
    for source, target, channels, filters, options in (
        (x, middle, 2, 3, Conv2DOptions(Padding.SAME, 1, 1, Activation.RELU)),
        (middle, y, 3, 4, Conv2DOptions(Padding.VALID, 1, 1)),
    ):
        scales = random.uniform(0.001, 0.01, filters).astype(np.float32)
        weights = random.integers(-127, 128, (filters, 3, 3, channels), np.int8)
        w = graph.constant(weights, TensorType.INT8, quantization(scales))
        of_sums = quantization(graph.tensors[source].quantization.scale[0] * scales)
        b = graph.constant(random.integers(-99, 99, filters, np.int32), TensorType.INT32, of_sums)
        graph.operator("CONV_2D", [source, w, b], [target], options, version=3)
    model = graph.model()
    subgraph = model.subgraphs[0]
    tensors = tuple(
        dataclasses.replace(tensor, shape_signature=(-1, *tensor.shape[1:]))
        if index in (x, middle, y)
        else tensor
        for index, tensor in enumerate(subgraph.tensors)
    )
    return dataclasses.replace(
        model,
        subgraphs=(dataclasses.replace(subgraph, tensors=tensors),),
        signatures=(Signature("serving_default", (("image", x),), (("scores", y),)),),
    )


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def interpreter(model):
    made = Interpreter(model_content=write_model(model))
    made.allocate_tensors()
    return made


def image(batch=1):
    return np.random.default_rng(batch).integers(-128, 128, (batch, 6, 6, 2), np.int8)


USERS_SCRIPT = """
import json
import sys

import numpy as np

interpreter = Interpreter(
    model_path=sys.argv[1],
    num_threads=1,
    experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    experimental_preserve_all_tensors=True,
)
said = {}


def plain(value):
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, value.tolist()]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return [type(value).__name__, str(value)]


def attempt(name, call):
    try:
        said[name] = plain(call())
    except ValueError:
        said[name] = "ValueError"


x = np.arange(72, dtype=np.int8).reshape(1, 6, 6, 2)
attempt("set before allocation", lambda: interpreter.set_tensor(0, x))
attempt("get before allocation", lambda: interpreter.get_tensor(0))
attempt("no model", lambda: Interpreter())
attempt("no file", lambda: Interpreter(model_path="does not exist"))
attempt("no model in it", lambda: Interpreter(model_content=b"nonsense"))
attempt("threads", lambda: Interpreter(model_path=sys.argv[1], num_threads=0))
interpreter.allocate_tensors()
said["inputs"] = plain(interpreter.get_input_details())
said["outputs"] = plain(interpreter.get_output_details())
said["tensors"] = plain(interpreter.get_tensor_details())
said["operators"] = plain(interpreter._get_ops_details())
said["signatures"] = plain(interpreter.get_signature_list())
said["subgraphs"] = interpreter.num_subgraphs()
index_in = interpreter.get_input_details()[0]["index"]
index_out = interpreter.get_output_details()[0]["index"]
for name, wrong in {
    "float": x.astype(np.float32),
    "uint8": x.astype(np.uint8),
    "shape": x[:, :5],
    "rank": x[0],
    "list": x.tolist(),
    "none": None,
    "text": "x",
}.items():
    attempt("set " + name, lambda: interpreter.set_tensor(index_in, wrong))
attempt("set unknown", lambda: interpreter.set_tensor(99, x))
attempt("set negative", lambda: interpreter.set_tensor(-1, x))
attempt("get unknown", lambda: interpreter.get_tensor(99))
attempt("details of unknown subgraph", lambda: interpreter.get_tensor_details(3))
for name, given in {
    "plain": x,
    "strided": np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": x[:, ::-1][:, ::-1],
    "fortran": np.asfortranarray(x),
}.items():
    interpreter.set_tensor(index_in, given)
    interpreter.invoke()
    said["run " + name] = plain(interpreter.get_tensor(index_out))
said["intermediate"] = plain(interpreter.get_tensor(1))
interpreter.tensor(index_in)()[...] = 7
interpreter.invoke()
said["through tensor()"] = plain(interpreter.tensor(index_out)())
interpreter.resize_tensor_input(index_in, [3, 6, 6, 2])
interpreter.allocate_tensors()
said["resized"] = plain([interpreter.get_input_details(), interpreter.get_output_details()])
interpreter.set_tensor(index_in, np.concatenate([x, x + 1, x + 2]))
interpreter.invoke()
said["run resized"] = plain(interpreter.get_tensor(index_out))
runner = interpreter.get_signature_runner()
said["runner details"] = plain([runner.get_input_details(), runner.get_output_details()])
said["runner"] = plain(runner(image=x))
said["runner resized"] = plain(runner(image=np.concatenate([x, x])))
attempt("runner unknown name", lambda: runner(picture=x))
attempt("runner no inputs", lambda: runner())
attempt("unknown signature", lambda: interpreter.get_signature_runner("other"))
said["reset"] = plain(interpreter.reset_all_variables())
print(json.dumps(said))
"""


IMPORT_LINES = (
    "from ai_edge_litert.interpreter import Interpreter, OpResolverType",
    "from quantlib import Interpreter, OpResolverType",
)


def run_script(body, import_line, directory):
    """What the script prints, as JSON, with that import line."""
    script = directory / "script.py"
    script.write_text(f"{import_line}\n{body}")
    command = [sys.executable, str(script), str(directory / "model.tflite")]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
def test_a_users_script_changes_its_import_line_and_nothing_else(model, tmp_path):
    save_model(model, tmp_path / "model.tflite")
    theirs, ours = (run_script(USERS_SCRIPT, import_line, tmp_path) for import_line in IMPORT_LINES)
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name], name


FAMILY_SCRIPT = """
import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
said = {}
for name in ("AUTO", "BUILTIN", "BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"):
    interpreter = Interpreter(sys.argv[1], experimental_op_resolver_type=OpResolverType[name])
    interpreter.allocate_tensors()
    said[name] = []
    for seed in range(20):
        detail = interpreter.get_input_details()[0]
        x = np.random.default_rng(seed).integers(-128, 128, detail["shape"], np.int8)
        interpreter.set_tensor(detail["index"], x)
        interpreter.invoke()
        said[name].append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist())
print(json.dumps(said))
"""


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
def test_every_resolver_type_gives_the_bits_of_its_kernels(model, tmp_path):
    save_model(model, tmp_path / "model.tflite")
    theirs, ours = (run_script(FAMILY_SCRIPT, import_line, tmp_path) for import_line in IMPORT_LINES)
    assert ours == theirs
    assert ours["AUTO"] == ours["BUILTIN"]
    assert ours["BUILTIN"] != ours["BUILTIN_REF"]  # or the model could not tell them apart


def test_kernels_overrule_the_resolver_type(model):
    x = image()
    outputs = []
    for arguments in (
        {"kernels": "reference"},
        {"experimental_op_resolver_type": OpResolverType.BUILTIN_REF},
    ):
        interpreter = Interpreter(model_content=model, **arguments)
        interpreter.allocate_tensors()
        interpreter.set_tensor(0, x)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert_bit_exact(*outputs)


def test_byte_swapped_arrays_are_read_by_value():
    graph = Graph()
    x = graph.input((1, 2, 2, 1), TensorType.FLOAT32)
    w = graph.constant(np.full((1, 1, 1, 1), 2, np.float32), TensorType.FLOAT32)
    b = graph.constant(np.zeros(1, np.float32), TensorType.FLOAT32)
    y = graph.output((1, 2, 2, 1), TensorType.FLOAT32)
    graph.operator("CONV_2D", [x, w, b], [y], Conv2DOptions(stride_w=1, stride_h=1))
    interpreter = Interpreter(model_content=graph.model())
    interpreter.allocate_tensors()
    interpreter.set_tensor(x, np.arange(4, dtype=">f4").reshape(1, 2, 2, 1))
    interpreter.invoke()
    assert_bit_exact(interpreter.get_tensor(y).reshape(-1), np.float32([0, 2, 4, 6]))


def test_inputs_are_copied_and_never_modified(interpreter):
    x = image()
    before = x.copy()
    x.flags.writeable = False
    interpreter.set_tensor(0, x)
    interpreter.invoke()
    assert_bit_exact(x, before)


def test_what_get_tensor_gave_stays_when_the_model_runs_again(interpreter):
    output = interpreter.get_output_details()[0]["index"]
    interpreter.set_tensor(0, image())
    interpreter.invoke()
    first = interpreter.get_tensor(output)
    kept = first.copy()
    interpreter.set_tensor(0, np.zeros_like(image()))
    interpreter.invoke()
    assert_bit_exact(first, kept)


def test_preserving_all_tensors_changes_no_result(model):
    outputs = []
    for preserve in (False, True):
        interpreter = Interpreter(model_content=model, experimental_preserve_all_tensors=preserve)
        interpreter.allocate_tensors()
        interpreter.set_tensor(0, image())
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert_bit_exact(*outputs)


def test_intermediates_that_were_not_kept_are_refused_with_the_remedy(interpreter):
    interpreter.set_tensor(0, image())
    interpreter.invoke()
    with pytest.raises(InvalidInputError, match="experimental_preserve_all_tensors=True"):
        interpreter.get_tensor(1)


def test_a_refused_value_leaves_the_interpreter_as_it_was(interpreter):
    interpreter.set_tensor(0, image())
    with pytest.raises(InvalidInputError):
        interpreter.set_tensor(0, image(2))
    assert_bit_exact(interpreter.get_tensor(0), image())


def test_constants_cannot_be_set(interpreter):
    constant = next(d["index"] for d in interpreter.get_tensor_details() if d["dtype"] is np.int32)
    with pytest.raises(InvalidInputError, match="an input or a variable"):
        interpreter.set_tensor(constant, interpreter.get_tensor(constant))


@pytest.mark.parametrize("call", ["invoke", "get", "set", "view"])
def test_use_before_allocation_is_a_typed_error(model, call):
    interpreter = Interpreter(model_content=model)
    calls = {
        "invoke": interpreter.invoke,
        "get": lambda: interpreter.get_tensor(0),
        "set": lambda: interpreter.set_tensor(0, image()),
        "view": lambda: interpreter.tensor(0)(),
    }
    with pytest.raises(InvalidInputError, match=r"allocate_tensors\(\) first"):
        calls[call]()


@pytest.mark.parametrize("index", [-1, 99, "a", 1.0, None, True])
def test_unknown_indices_are_a_typed_error(interpreter, index):
    with pytest.raises(InvalidInputError, match="tensor_index"):
        interpreter.get_tensor(index)


@pytest.mark.parametrize("shape", [[-1, 6, 6, 2], [1.5, 6, 6, 2], 3, "big", [2**31, 2**31, 2, 2]])
def test_impossible_shapes_are_a_typed_error(interpreter, shape):
    with pytest.raises(QuantlibError):
        interpreter.resize_tensor_input(0, shape)


def test_strict_resizing_moves_only_open_dimensions(interpreter):
    interpreter.resize_tensor_input(0, [4, 6, 6, 2], strict=True)
    with pytest.raises(InvalidInputError, match="tensor_size"):
        interpreter.resize_tensor_input(0, [4, 7, 6, 2], strict=True)


def test_a_shape_that_does_not_fit_the_operators_is_refused_at_allocation(interpreter):
    interpreter.resize_tensor_input(0, [1, 6, 6, 5])
    with pytest.raises(QuantlibError, match="CONV_2D"):
        interpreter.allocate_tensors()


def test_delegates_are_refused(model):
    with pytest.raises(UnsupportedError, match="experimental_delegates"):
        Interpreter(model_content=model, experimental_delegates=[object()])


def test_a_resolver_type_of_another_package_is_understood_by_name(model):
    class Foreign:
        name = "BUILTIN_REF"

    Interpreter(model_content=model, experimental_op_resolver_type=Foreign())
    Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.AUTO)
    with pytest.raises(InvalidInputError, match="OpResolverType"):
        Interpreter(model_content=model, experimental_op_resolver_type="BUILTIN_REF")


def test_one_interpreter_may_be_called_from_two_threads(model):
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    inputs = [image(), np.zeros_like(image())]
    expected = [runner(image=x)["scores"] for x in inputs]
    wrong = []

    def work(x, y):
        for _ in range(50):
            if not np.array_equal(runner(image=x)["scores"], y):
                wrong.append(1)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
