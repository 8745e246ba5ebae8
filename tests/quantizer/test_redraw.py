from dataclasses import replace

import numpy as np

from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Buffer, Metadata, OperatorCode, Signature
from quantlib.ops._releases import CLAIM
from quantlib.ops.add import AddOptions
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger


def without_names(model):
    subgraph = model.subgraphs[0]
    tensors = tuple(replace(tensor, name=None) for tensor in subgraph.tensors)
    return replace(model, subgraphs=(replace(subgraph, tensors=tensors),))


def test_signatures_follow_their_tensors(dense, seen):
    model = dense.model()
    (x,), (y,) = model.subgraphs[0].inputs, model.subgraphs[0].outputs
    model = replace(model, signatures=(Signature("serve", (("image", x),), (("scores", y),)),))
    for recipe in (FullInteger(), FullInteger(np.uint8, np.int8), Float16()):
        new = quantize_model(model, recipe, dense.ranges).model
        (signature,) = new.signatures
        assert signature.inputs == (("image", new.subgraphs[0].inputs[0]),)
        assert signature.outputs == (("scores", new.subgraphs[0].outputs[0]),)
        assert seen(new).tensor("x") is new.subgraphs[0].tensors[new.subgraphs[0].inputs[0]]


def test_metadata_keep_their_bytes(dense):
    model = dense.model()
    buffers = (*model.buffers, Buffer(memoryview(b"notes")))
    model = replace(model, buffers=buffers, metadata=(Metadata("about", len(buffers) - 1),))
    new = quantize_model(model, FullInteger(), dense.ranges).model
    assert bytes(new.buffers[new.metadata[0].buffer].data) == b"notes"


def test_tensors_without_names_are_quantized_by_index(dense):
    model = without_names(dense.model())
    result = quantize_model(model, FullInteger(), {"0:0": (-1, 1), "0:3": (0, 2.55)})
    assert result.report.float_operators == ()
    assert all(tensor.name is None for tensor in result.model.subgraphs[0].tensors)
    assert read_model(write_model(result.model)) == result.model


def test_no_two_tensors_have_the_same_name(dense):
    for recipe in (FullInteger(), FullInteger(np.uint8, np.uint8), Float16(), DynamicRange(0)):
        names = [
            tensor.name
            for tensor in quantize_model(dense.model(), recipe, dense.ranges).model.subgraphs[0].tensors
        ]
        assert len(set(names)) == len(names)


def test_equal_constants_share_one_buffer(net):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("h", (1, 2), -2.0, 2.0)
    y = net.real_output("y", (1, 2), -3.0, 3.0)
    net.operator("ADD", [x, net.weights([[0.5, 1.0]])], [h], AddOptions())
    net.operator("ADD", [h, net.weights([[0.5, 1.0]])], [y], AddOptions())
    new = quantize_model(net.model(), FullInteger(), net.ranges).model
    assert [len(buffer) for buffer in new.buffers] == [0, 2]


def test_custom_operators_keep_what_they_carry(net):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("h", (1, 2), -1.0, 1.0)
    y = net.real_output("y", (1, 2), -2.0, 2.0)
    net.operator("RELU", [x], [h])
    net.operator("ADD", [h, h], [y], AddOptions())
    model = net.model()
    codes = (OperatorCode(32, "mine", custom_code="mine"), *model.operator_codes[1:])
    operators = model.subgraphs[0].operators
    operators = (replace(operators[0], custom_options=b"\x01\x02"), *operators[1:])
    model = replace(
        model, operator_codes=codes, subgraphs=(replace(model.subgraphs[0], operators=operators),)
    )
    result = quantize_model(model, FullInteger(), net.ranges)
    (custom,) = (op for op in result.model.subgraphs[0].operators if op.custom_options is not None)
    assert custom.custom_options == b"\x01\x02"
    assert result.model.operator_codes[custom.opcode_index].custom_code == "mine"
    assert result.report.float_operators[0].name == "mine"


def test_other_subgraphs_keep_real_ends(dense, seen):
    model = dense.model()
    main = model.subgraphs[0]
    body = replace(
        main,
        name="body",
        tensors=tuple(replace(tensor, name=f"body/{tensor.name}") for tensor in main.tensors),
    )
    model = replace(model, subgraphs=(main, body))
    ranges = {**dense.ranges, **{f"body/{name}": ends for name, ends in dense.ranges.items()}}
    new = quantize_model(model, FullInteger(np.int8, np.int8), ranges).model
    assert seen(new).operators() == ["FULLY_CONNECTED"]
    assert seen(replace(new, subgraphs=new.subgraphs[1:])).operators() == [
        "QUANTIZE",
        "FULLY_CONNECTED",
        "DEQUANTIZE",
    ]


def claim_of(model):
    (entry,) = (entry for entry in model.metadata or () if entry.name == CLAIM)
    return bytes(model.buffers[entry.buffer].data)


def test_the_claim_is_renewed_and_other_metadata_are_not(dense):
    model = dense.model()
    buffers = (*model.buffers, Buffer(memoryview(b"1.5.0".ljust(16, b"\0"))), Buffer(memoryview(b"notes")))
    at = len(model.buffers)
    metadata = (Metadata(CLAIM, at), Metadata("about", at + 1))
    new = quantize_model(
        replace(model, buffers=buffers, metadata=metadata), FullInteger(), dense.ranges
    ).model
    assert claim_of(new) == b"1.14.0".ljust(16, b"\0")
    assert bytes(new.buffers[new.metadata[1].buffer].data) == b"notes"
