"""Record TensorFlow's answers to the golden cases; needs TensorFlow 2.21, run by hand.

    python tests/affine/golden/generate.py

It writes ``tensorflow.npz`` beside this file: for each group of `recipes.GROUPS` a digest per case,
and the whole output of one case in `recipes.FULL_EVERY`. Answers that are accidents of the
processor (see `docs/numbers.md`) are replaced by the documented ones, and counted in the file.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # oneDNN's kernels round differently
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent))
import recipes

QUANTIZED = {
    "int8": tf.qint8,
    "uint8": tf.quint8,
    "int16": tf.qint16,
    "uint16": tf.quint16,
    "int32": tf.qint32,
}
RAW = tf.raw_ops


def _plain(tensor):
    array = tensor.numpy()
    names = {"qint8": "int8", "quint8": "uint8", "qint16": "int16", "quint16": "uint16", "qint32": "int32"}
    for quantized, plain in names.items():
        if array.dtype.names and quantized in array.dtype.names:
            return array.view(plain)
    return array


def range_quantize(x, min_range, max_range, dtype, axis=None, **options):
    given = {} if axis is None else {"axis": axis}
    output, low, high = tf.quantization.quantize(
        x, min_range, max_range, QUANTIZED[dtype], **given, **options
    )
    output, low, high = _plain(output).astype(dtype), low.numpy(), high.numpy()
    accidents = np.zeros(1, bool)
    if dtype == "int32":
        # The rounded value 2**31 does not fit and becomes -2**31 on x86; documented: saturates.
        flushed = np.where(np.abs(x) < np.finfo(np.float32).smallest_normal, 0, x)
        shape = [-1 if i == axis else 1 for i in range(x.ndim)]
        middle = (low.astype(np.float64) + high.astype(np.float64)) / 2
        above = flushed > (middle if axis is None else middle.reshape(shape))
        accidents = (output == -(2**31)) & above
        output = np.where(accidents, 2**31 - 1, output).astype(dtype)
    return (output, low, high), int(accidents.sum())


def range_dequantize(q, min_range, max_range, axis=None, **options):
    given = {} if axis is None else {"axis": axis}
    tensor = tf.bitcast(tf.constant(q), QUANTIZED[q.dtype.name])
    output = tf.quantization.dequantize(tensor, min_range, max_range, **given, **options).numpy()
    accidents = np.zeros(1, bool)
    if options["mode"] == "SCALED" and q.dtype == np.int32 and np.size(min_range) == 1:
        # Codes that float32 rounds up to 2**31 change their sign where there is one range (with
        # several they do not); documented: they keep it.
        accidents = q.astype(np.float32) == 2.0**31
        output = np.where(accidents, -output, output)
    return (output,), int(accidents.sum())


def quantize_and_dequantize(x, input_min=None, input_max=None, axis=None, **options):
    given = input_min is not None
    low, high = (input_min, input_max) if given else (0.0, 0.0)
    output = RAW.QuantizeAndDequantizeV2(
        input=x,
        input_min=tf.constant(low, x.dtype),
        input_max=tf.constant(high, x.dtype),
        range_given=given,
        axis=-1 if axis is None else axis,
        **options,
    )
    return (output.numpy(),), 0


def fake_quant(x, variant, **options):
    operators = {
        "args": tf.quantization.fake_quant_with_min_max_args,
        "vars": tf.quantization.fake_quant_with_min_max_vars,
        "per_channel": tf.quantization.fake_quant_with_min_max_vars_per_channel,
    }
    return (operators[variant](x, **options).numpy(),), 0


def fake_quant_gradient(x, dy, variant, min, max, **options):
    if variant == "args":
        dx = tf.quantization.fake_quant_with_min_max_args_gradient(dy, x, min, max, **options)
        return (dx.numpy(),), 0
    operators = {
        "vars": tf.quantization.fake_quant_with_min_max_vars_gradient,
        "per_channel": tf.quantization.fake_quant_with_min_max_vars_per_channel_gradient,
    }
    return tuple(part.numpy() for part in operators[variant](dy, x, min, max, **options)), 0


def to_float16(x, overflow):
    assert overflow == "inf"
    return (tf.cast(x, tf.float16).numpy(),), 0


def digest(outputs):
    joined = b"".join(np.ascontiguousarray(output).tobytes() for output in outputs)
    return np.frombuffer(hashlib.blake2b(joined, digest_size=8).digest(), np.uint64)[0]


ANSWERS = {
    "range_quantize": range_quantize,
    "range_quantize_axis": range_quantize,
    "range_dequantize": range_dequantize,
    "quantize_and_dequantize": quantize_and_dequantize,
    "fake_quant": fake_quant,
    "fake_quant_gradient": fake_quant_gradient,
    "to_float16": to_float16,
}


def main():
    vectors = {"tensorflow": np.array(tf.__version__)}
    for group, count in recipes.GROUPS.items():
        answer = ANSWERS[group]
        digests, full, sizes, accidents, elements = [], [], [], 0, 0
        for index in range(count):
            outputs, strange = answer(**recipes.case(group, index))
            accidents += strange
            elements += outputs[0].size
            digests.append(digest(outputs))
            if index % recipes.FULL_EVERY == 0:
                full.append(b"".join(np.ascontiguousarray(output).tobytes() for output in outputs))
                sizes.append(len(full[-1]))
        vectors[f"{group}.digests"] = np.array(digests, np.uint64)
        vectors[f"{group}.full"] = np.frombuffer(b"".join(full), np.uint8)
        vectors[f"{group}.sizes"] = np.array(sizes, np.int32)
        vectors[f"{group}.counts"] = np.array([count, elements, accidents])
        print(f"{group}: {count} cases, {elements} elements, {accidents} accidents replaced")
    np.savez_compressed(Path(__file__).with_name("tensorflow.npz"), **vectors)


if __name__ == "__main__":
    main()
