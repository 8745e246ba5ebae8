"""Lowering: what it refuses, it refuses knowingly."""

import contextlib

import pytest

import quantlib as ql
from quantlib.compiler.lowering import Lowering, lowerers
from quantlib.errors import QuantlibError
from quantlib.testing.choices import SeededChoices
from quantlib.testing.single_operator import generators

SERVED = [one for one in generators().values() if one.operator in lowerers() and "int8" in one.configuration]


@pytest.mark.parametrize("generator", SERVED, ids=str)
def test_lowering_does_not_stumble_over_valid_models(generator, monkeypatch):
    """A model on which it stumbled would run its plain kernel, and no comparison would show it."""

    def stumbled(self, indices):
        raise AssertionError("lowering raised something that is no error of ours")

    monkeypatch.setattr(Lowering, "forget", stumbled)
    for kernels in ("reference", "optimized", "xnnpack"):
        for seed in range(1):
            with contextlib.suppress(QuantlibError):
                ql.compile_model(generator.make(SeededChoices(seed)).model, kernels=kernels)
