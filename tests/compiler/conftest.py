"""How outcomes are compared: dtypes, shapes and bytes, or the name of our error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import quantlib as ql
from quantlib.errors import QuantlibError

Outcome = list[tuple[np.dtype[Any], tuple[int, ...], bytes]] | str

FAMILIES = ("reference", "optimized", "xnnpack")


def _outcome(function: Callable[[], Sequence[np.ndarray]]) -> Outcome:
    try:
        return [(array.dtype, array.shape, array.tobytes()) for array in function()]
    except QuantlibError as error:
        return type(error).__name__


@pytest.fixture(scope="session")
def outcome() -> Callable[[Callable[[], Sequence[np.ndarray]]], Outcome]:
    """What came of a call; only our own errors are caught."""
    return _outcome


@pytest.fixture(scope="session")
def differences() -> Callable[..., list[str]]:
    """The kernel families in which a program's outcome is not the executor's; called twice each."""

    def found(model: ql.Model, *inputs: np.ndarray, **arguments: Any) -> list[str]:
        wrong = []
        for kernels in arguments.pop("families", FAMILIES):
            wanted = _outcome(lambda: ql.run(model, *inputs, kernels=kernels, **arguments))  # noqa: B023 - called here
            try:
                program = ql.compile_model(model, kernels=kernels, **arguments)
            except QuantlibError as error:
                wrong += [f"{kernels}: {error}"] * (wanted != type(error).__name__)
                continue
            for _ in range(2):
                answer = _outcome(lambda: program(*inputs))  # noqa: B023 - called here
                if answer != wanted:
                    wrong.append(f"{kernels}: {answer if isinstance(answer, str) else 'other outputs'}")
        return wrong

    return found
