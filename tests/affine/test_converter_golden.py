"""Replay of TensorFlow's conversions: scales, zero points, weights and biases, bit for bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from quantlib.affine.float16 import to_float16
from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.weights import quantize_bias, quantize_weights

GOLDEN = Path(__file__).with_name("golden")


def load(name):
    spec = importlib.util.spec_from_file_location(f"affine_golden_{name}", GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipes = load("converter_recipes")
WITH_BIASES = ("converter.weights", "converter.weights_per_tensor", "int16x8.weights")


@pytest.fixture(scope="module")
def vectors():
    with np.load(GOLDEN / "converter.npz", allow_pickle=False) as file:
        return dict(file)


def usable(scale):
    """TensorFlow's int16x8 gives channels of zeros the scale 0; ours, as documented, is 1."""
    return np.where(scale == 0, np.float32(1), scale)


def same_bits(ours, theirs):
    return ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("profile", ["converter", "qat"])
def test_scales_and_zero_points_of_ranges(profile, vectors):
    group = f"{profile}.ranges"
    for index in range(recipes.GROUPS[group]):
        low, high = recipes.ranges(group, index)
        if profile == "qat":
            low, high = np.minimum(low, 0), np.maximum(high, np.float32(2e-6))
        p = QuantizationParameters.from_range(low, high, profile=profile)
        wrong = np.flatnonzero(p.scale.view(np.uint32) != vectors[f"{group}.scale"][index].view(np.uint32))
        assert not len(wrong), (index, wrong[:5], low[wrong[:3]], high[wrong[:3]])
        wrong = np.flatnonzero(p.zero_point != vectors[f"{group}.zero_point"][index])
        assert not len(wrong), (index, wrong[:5], low[wrong[:3]], high[wrong[:3]])


@pytest.mark.parametrize("group", [name for name in recipes.GROUPS if "weights" in name])
def test_weights_and_their_scales(group, vectors):
    profile = group.split(".")[0]
    axis = None if group.endswith("per_tensor") else 0
    for index in range(recipes.GROUPS[group]):
        w, _, _ = recipes.weights(group, index)
        stored, parameters = quantize_weights(w, axis, profile=profile)
        theirs = usable(vectors[f"{group}.scale"][index])
        wrong = np.flatnonzero(np.atleast_1d(parameters.scale) != theirs)
        assert not len(wrong), (
            index,
            wrong,
            parameters.scale.reshape(-1)[wrong],
            theirs[wrong],
            w[wrong, :3],
        )
        wrong = np.argwhere(stored != vectors[f"{group}.stored"][index])
        assert not len(wrong), (index, len(wrong), wrong[:5])


@pytest.mark.parametrize("group", [f"{name}.bias" for name in WITH_BIASES])
def test_biases_and_their_scales(group, vectors):
    group = group.removesuffix(".bias")
    profile = group.split(".")[0]
    for index in range(recipes.GROUPS[group]):
        _, b, _ = recipes.weights(group, index)
        input_scale = vectors[f"{group}.input_scale"][index][0]
        weight_scale = vectors[f"{group}.scale"][index]
        stored, parameters = quantize_bias(b, input_scale, usable(weight_scale), profile=profile)
        known = weight_scale > 0
        assert same_bits(np.atleast_1d(parameters.scale)[known], vectors[f"{group}.bias_scale"][index][known])
        wrong = np.flatnonzero(stored != vectors[f"{group}.bias"][index])
        assert not len(wrong), (index, wrong, stored[wrong], vectors[f"{group}.bias"][index][wrong], b[wrong])


def test_float16_constants(vectors):
    for index in range(recipes.GROUPS["float16.constants"]):
        assert same_bits(to_float16(recipes.constants(index)), vectors["float16.constants.stored"][index])


def test_input_ranges_of_the_weight_models(vectors):
    for group, profile in (("converter.weights", "converter"), ("int16x8.weights", "int16x8")):
        for index in range(recipes.GROUPS[group]):
            _, _, (low, high) = recipes.weights(group, index)
            dtype = np.int16 if profile == "int16x8" else np.int8
            p = QuantizationParameters.from_range(low, high, dtype)
            assert p.scale == vectors[f"{group}.input_scale"][index][0], (index, low, high)
