"""Record what TensorFlow's converters make of ranges and weights; needs TensorFlow 2.21.

    python tests/affine/golden/generate_converter.py

It writes ``converter.npz`` beside this file: for each group of `converter_recipes.GROUPS` the
scales, zero points and integers that the converted models carry. int8 post-training quantization
is reached through the quantizer itself (a float model whose tensors carry min and max), the others
through whole conversions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import convert
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.optimize.calibrator import Calibrator
from tensorflow.lite.tools import flatbuffer_utils

sys.path.insert(0, str(Path(__file__).parent))
import converter_recipes as recipes

QUANTIZE = schema.BuiltinOperator.QUANTIZE
DENSE = schema.BuiltinOperator.FULLY_CONNECTED


def function(body, count, shape):
    return tf.function(
        lambda *x: body(x),
        input_signature=[tf.TensorSpec(shape, tf.float32, name=f"x{i}") for i in range(count)],
    )


def converter(graph):
    return tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()], graph)


def read(data):
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(data))


def operators(model, code):
    codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in model.operatorCodes]
    return [op for op in model.subgraphs[0].operators if codes[op.opcodeIndex] == code]


def parameters(tensor):
    quantization = tensor.quantization
    return np.float32(quantization.scale), np.array(quantization.zeroPoint, np.int64)


def with_range(tensor, low, high):
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.min, tensor.quantization.max = [float(low)], [float(high)]


def by_input(model):
    """Scale and zero point of each quantized input, in the order of their names."""
    tensors = model.subgraphs[0].tensors
    found = {}
    for op in operators(model, QUANTIZE):
        name = tensors[op.inputs[0]].name.decode()
        if name.startswith("x"):
            found[int(name[1:].split(":")[0])] = parameters(tensors[op.outputs[0]])
    scales, zero_points = zip(*(found[i] for i in range(recipes.ACTIVATIONS)), strict=True)
    return np.concatenate(scales), np.concatenate(zero_points).astype(np.int8)


def converter_ranges(indices):
    graph = function(lambda x: [tf.abs(v) for v in x], recipes.ACTIVATIONS, [1, 4])
    model = read(converter(graph).convert())
    for index in indices:
        low, high = recipes.ranges("converter.ranges", index)
        for tensor in model.subgraphs[0].tensors:
            with_range(tensor, 0.0, 1.0)
        for position in model.subgraphs[0].inputs:
            tensor = model.subgraphs[0].tensors[position]
            number = int(tensor.name.decode()[1:].split(":")[0])
            with_range(tensor, low[number], high[number])
        data = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        yield dict(zip(("scale", "zero_point"), by_input(read(convert.mlir_quantize(data))), strict=True))


def qat_ranges(indices):
    for index in indices:
        low, high = recipes.ranges("qat.ranges", index)
        low, high = np.minimum(low, 0), np.maximum(high, np.float32(2e-6))  # fake_quant wants min < max

        def body(x, low=low, high=high):
            eye = tf.eye(4)
            fake = tf.quantization.fake_quant_with_min_max_vars
            return [
                fake(tf.matmul(fake(v, low[i], high[i]), fake(eye, -1.0, 1.0)), -1.0, 1.0)
                for i, v in enumerate(x)
            ]

        made = converter(function(body, recipes.ACTIVATIONS, [1, 4]))
        made.optimizations = [tf.lite.Optimize.DEFAULT]
        scale, zero_point = by_input(read(made.convert()))
        yield {"scale": scale, "zero_point": zero_point}


def dense_model(w, b):
    return function(lambda x: [tf.matmul(x[0], tf.constant(w.T)) + b], 1, [1, w.shape[1]])


def dense_parts(model, with_bias=True):
    tensors = model.subgraphs[0].tensors
    (op,) = operators(model, DENSE)
    weights = tensors[op.inputs[1]]
    scale, _ = parameters(weights)
    stored = np.frombuffer(bytes(model.buffers[weights.buffer].data), np.int8)
    parts = {"scale": scale, "stored": stored.reshape(weights.shape)}
    if with_bias:
        bias = tensors[op.inputs[2]]
        dtype = np.int64 if bias.type == schema.TensorType.INT64 else np.int32
        parts["bias_scale"], _ = parameters(bias)
        parts["bias"] = np.frombuffer(bytes(model.buffers[bias.buffer].data), dtype)
        parts["input_scale"], _ = parameters(tensors[op.inputs[0]])
    return parts


def converter_weights(indices, group="converter.weights", per_tensor=False):
    for index in indices:
        w, b, (low, high) = recipes.weights(group, index)
        model = read(converter(dense_model(w, b)).convert())
        for tensor in model.subgraphs[0].tensors:
            with_range(tensor, low, high)
        data = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        yield dense_parts(
            read(convert.mlir_quantize(data, per_tensor, disable_per_channel_for_dense_layers=per_tensor))
        )


def dynamic_range_weights(indices):
    for index in indices:
        w, b, _ = recipes.weights("dynamic_range.weights", index)
        made = converter(dense_model(w, b))
        made.optimizations = [tf.lite.Optimize.DEFAULT]
        yield dense_parts(read(made.convert()), with_bias=False)


def int16x8_weights(indices):
    for index in indices:
        w, b, (low, high) = recipes.weights("int16x8.weights", index)
        sample = np.zeros((1, w.shape[1]), np.float32)
        sample[0, 0], sample[0, 1] = low, high
        data = converter(dense_model(w, b)).convert()
        quantized = Calibrator(data).calibrate_and_quantize(
            lambda sample=sample: iter([[sample]]),
            tf.float32,
            tf.float32,
            False,
            activations_type=tf.int16,
            bias_type=tf.int64,
        )
        yield dense_parts(read(quantized))


def float16_constants(indices):
    for index in indices:
        values = recipes.constants(index)
        made = converter(function(lambda x, values=values: [x[0] + values], 1, [values.size]))
        made.optimizations = [tf.lite.Optimize.DEFAULT]
        made.target_spec.supported_types = [tf.float16]
        model = read(made.convert())
        (constant,) = (
            tensor for tensor in model.subgraphs[0].tensors if tensor.type == schema.TensorType.FLOAT16
        )
        yield {"stored": np.frombuffer(bytes(model.buffers[constant.buffer].data), np.float16)}


ANSWERS = {
    "converter.ranges": converter_ranges,
    "qat.ranges": qat_ranges,
    "converter.weights": converter_weights,
    "converter.weights_per_tensor": lambda indices: converter_weights(
        indices, "converter.weights_per_tensor", per_tensor=True
    ),
    "dynamic_range.weights": dynamic_range_weights,
    "int16x8.weights": int16x8_weights,
    "float16.constants": float16_constants,
}


def main():
    vectors = {"tensorflow": np.array(tf.__version__)}
    for group, count in recipes.GROUPS.items():
        answers = list(ANSWERS[group](range(count)))
        for part in answers[0]:
            vectors[f"{group}.{part}"] = np.stack([answer[part] for answer in answers])
            print(group, part, vectors[f"{group}.{part}"].shape, vectors[f"{group}.{part}"].dtype)
    np.savez_compressed(Path(__file__).with_name("converter.npz"), **vectors)


if __name__ == "__main__":
    main()
